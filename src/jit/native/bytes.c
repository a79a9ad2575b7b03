// bytes.c: a file that grows: numbers in little-endian order, padding.
#include "jit/native/module_internal.h"

void native_zero(pst_text *out, size_t count)
{
    static const char zeros[256];
    for (; count > sizeof zeros; count -= sizeof zeros) pst_text_bytes(out, zeros, sizeof zeros);
    pst_text_bytes(out, zeros, count);
}

void native_pad(pst_text *out, size_t align, uint8_t byte)
{
    const char filler = (char)byte;
    while (!out->failed && out->size % align) pst_text_bytes(out, &filler, 1);
}

void native_put16(pst_text *out, uint16_t value)
{
    char bytes[2];
    pst_store16(bytes, value);
    pst_text_bytes(out, bytes, sizeof bytes);
}

void native_put32(pst_text *out, uint32_t value)
{
    char bytes[4];
    pst_store32(bytes, value);
    pst_text_bytes(out, bytes, sizeof bytes);
}

void native_put64(pst_text *out, uint64_t value)
{
    char bytes[8];
    pst_store64(bytes, value);
    pst_text_bytes(out, bytes, sizeof bytes);
}

void native_put_string(pst_text *out, const char *text)
{
    size_t length = strlen(text);
    native_put32(out, (uint32_t)length);
    pst_text_bytes(out, text, length + 1);
}

void native_patch32(pst_text *out, size_t at, uint32_t value)
{
    if (!out->failed) pst_store32(out->data + at, value);
}
