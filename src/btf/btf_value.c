// btf_value.c: bytes that have a type, written out: events of ring buffers, map values, variables.
//
// Called by the CLI and the library for every event that it shows. Neither the types nor the bytes are trusted: what the bytes do not
// cover is left out, nesting is cut at PST_BTF_PRINT_DEPTH, and the work is limited by the size of the bytes.
//
// JSON: numbers; booleans; enumerators by name; arrays of char as strings up to their NUL; pointers, floats and anything of an odd size as hex.
// Text: the same on one line, with arrays of unsigned char as hex.
#include <string.h>

#include "btf/btf_internal.h"

#define WORK_BASE 65536u // for small values of large types
#define WORK_PER_BYTE 16u
#define WORK_ENUMERATORS 16u // looked at for one step

// Where values go: one of two.
typedef struct printer {
    const pst_btf *btf;
    pst_json *json; // or NULL
    pst_text *text;
    bool first;     // text: no comma yet
    uint64_t left;  // work
} printer;

typedef struct bytes {
    const uint8_t *at;
    uint64_t size;
} bytes;

static void value(printer *p, uint32_t id, bytes data, uint32_t depth);

static bool spend(printer *p, uint64_t steps)
{
    bool enough = steps <= p->left;
    p->left = enough ? p->left - steps : 0;
    return enough;
}

static void comma(printer *p)
{
    if (!p->first) pst_text_add(p->text, ", ");
    p->first = false;
}

static void open_object(printer *p)
{
    if (p->json) pst_json_object_begin(p->json);
    else pst_text_add(p->text, "{");
    p->first = true;
}

static void close_object(printer *p)
{
    if (p->json) pst_json_object_end(p->json);
    else pst_text_add(p->text, "}");
    p->first = false;
}

static void open_array(printer *p)
{
    if (p->json) pst_json_array_begin(p->json);
    else pst_text_add(p->text, "[");
    p->first = true;
}

static void close_array(printer *p)
{
    if (p->json) pst_json_array_end(p->json);
    else pst_text_add(p->text, "]");
    p->first = false;
}

static void put_key(printer *p, const char *name)
{
    if (p->json) {
        pst_json_key(p->json, name);
        return;
    }
    comma(p);
    btf_add_name(p->text, name);
    pst_text_add(p->text, " = ");
}

static void put_nothing(printer *p)
{
    if (p->json) pst_json_null(p->json);
    else pst_text_add(p->text, "?");
}

static void put_number(printer *p, uint64_t number, bool is_signed)
{
    if (p->json && is_signed) pst_json_i64(p->json, (int64_t)number);
    else if (p->json) pst_json_u64(p->json, number);
    else if (is_signed) pst_text_format(p->text, "%lld", (long long)number);
    else pst_text_format(p->text, "%llu", (unsigned long long)number);
}

static void put_bool(printer *p, bool is_true)
{
    if (p->json) pst_json_bool(p->json, is_true);
    else pst_text_add(p->text, is_true ? "true" : "false");
}

static void put_enumerator(printer *p, const char *name)
{
    if (p->json) pst_json_string(p->json, name);
    else btf_add_name(p->text, name);
}

// As a number in hex, so the last byte first.
static void put_hex(printer *p, bytes data)
{
    if (!spend(p, data.size)) {
        put_nothing(p);
        return;
    }
    pst_text hex;
    pst_text_init(&hex, p->btf->env);
    pst_text_add(&hex, "0x");
    uint64_t i = data.size;
    while (i > 1 && data.at[i - 1] == 0) i--;
    if (i > 0) pst_text_format(&hex, "%x", data.at[--i]);
    while (i > 0) pst_text_format(&hex, "%02x", data.at[--i]);
    if (p->json) pst_json_string(p->json, pst_text_cstr(&hex));
    else pst_text_add(p->text, pst_text_cstr(&hex));
    if (hex.failed) p->text->failed = true;
    pst_text_free(&hex);
}

static void put_string(printer *p, bytes data)
{
    if (!spend(p, data.size)) {
        put_nothing(p);
        return;
    }
    const uint8_t *end = memchr(data.at, 0, (size_t)data.size);
    size_t length = end ? (size_t)(end - data.at) : (size_t)data.size;
    if (p->json) {
        pst_text copy;
        pst_text_init(&copy, p->btf->env);
        pst_text_bytes(&copy, (const char *)data.at, length);
        pst_json_string(p->json, pst_text_cstr(&copy));
        if (copy.failed) p->text->failed = true;
        pst_text_free(&copy);
        return;
    }
    pst_text_add(p->text, "\"");
    for (size_t i = 0; i < length; i++) {
        uint8_t c = data.at[i];
        if (c == '"' || c == '\\') pst_text_format(p->text, "\\%c", c);
        else if (c < 0x20 || c == 0x7f) pst_text_format(p->text, "\\x%02x", c);
        else pst_text_bytes(p->text, (const char *)&c, 1);
    }
    pst_text_add(p->text, "\"");
}

static void put_octets(printer *p, bytes data)
{
    if (!spend(p, data.size)) {
        put_nothing(p);
        return;
    }
    pst_text_add(p->text, "[");
    for (uint64_t i = 0; i < data.size; i++) pst_text_format(p->text, i ? " %02x" : "%02x", data.at[i]);
    pst_text_add(p->text, "]");
}

// Typedefs and the like, and the types of variables.
static pst_btf_type resolve(const pst_btf *btf, uint32_t id)
{
    pst_btf_type type = pst_btf_get(btf, pst_btf_strip(btf, id));
    while (type.kind == PST_BTF_VAR || type.kind == PST_BTF_DECL_TAG) type = pst_btf_get(btf, pst_btf_strip(btf, type.type));
    return type;
}

static void enumeration(printer *p, const pst_btf_type *type, uint64_t number, unsigned bits)
{
    number &= pst_mask(bits);
    for (uint32_t i = 0; i < type->count && spend(p, i % WORK_ENUMERATORS == 0); i++) {
        pst_btf_member member = pst_btf_member_at(p->btf, type->id, i);
        if (((uint64_t)member.value & pst_mask(bits)) != number) continue;
        put_enumerator(p, member.name);
        return;
    }
    put_number(p, type->kind_flag ? (uint64_t)pst_sign_extend(number, bits) : number, type->kind_flag);
}

// An integer or enumerator of some bits, 1 to 64.
static void number(printer *p, const pst_btf_type *type, uint64_t raw, unsigned bits)
{
    if (type->kind != PST_BTF_INT) {
        enumeration(p, type, raw, bits);
        return;
    }
    raw &= pst_mask(bits);
    bool is_signed = (type->int_encoding & 1) != 0;
    if (type->int_encoding & 4) put_bool(p, raw != 0);
    else put_number(p, is_signed ? (uint64_t)pst_sign_extend(raw, bits) : raw, is_signed);
}

// Bits [offset, offset + count) of data, which has them all; count is 1 to 64.
static uint64_t load_bits(bytes data, uint64_t offset, unsigned count)
{
    uint64_t first = offset / 8, last = (offset + count - 1) / 8, low = 0, high = 0;
    unsigned shift = (unsigned)(offset % 8);
    for (uint64_t i = first; i <= last && i < first + 8; i++) low |= (uint64_t)data.at[i] << (i - first) * 8;
    if (last == first + 8) high = data.at[last];
    return (low >> shift | (shift ? high << (64 - shift) : 0)) & pst_mask(count);
}

static void scalar(printer *p, const pst_btf_type *type, bytes data)
{
    uint64_t size = type->size;
    if (size > data.size) put_nothing(p);
    else if (size == 1 || size == 2 || size == 4 || size == 8) number(p, type, load_bits(data, 0, (unsigned)size * 8), (unsigned)size * 8);
    else put_hex(p, (bytes){data.at, size});
}

static void bit_field(printer *p, const pst_btf_type *type, bytes data, uint64_t offset, uint32_t bits)
{
    bool whole = offset + bits <= data.size * 8;
    if (!whole || bits > 64 || (type->kind != PST_BTF_INT && type->kind != PST_BTF_ENUM && type->kind != PST_BTF_ENUM64)) put_nothing(p);
    else number(p, type, load_bits(data, offset, bits), bits);
}

// A member whose integer does not fill its bytes: how compilers wrote bit fields before BTF had bit sizes.
static uint32_t bits_of_member(const pst_btf_member *member, const pst_btf_type *type, uint64_t *offset)
{
    *offset = member->bit_offset;
    if (member->bit_size) return member->bit_size;
    if (type->kind != PST_BTF_INT || type->int_bits == 0 || type->int_bits == type->size * 8) return 0;
    *offset += type->int_offset;
    return type->int_bits;
}

static void members(printer *p, const pst_btf_type *type, bytes data, uint32_t depth)
{
    bool is_section = type->kind == PST_BTF_DATASEC;
    for (uint32_t i = 0; i < type->count && spend(p, 1); i++) {
        pst_btf_member member = pst_btf_member_at(p->btf, type->id, i);
        pst_btf_type inner = resolve(p->btf, member.type);
        uint64_t offset, start = member.bit_offset / 8;
        if (start >= data.size && !(data.size == 0 && start == 0)) continue;
        bytes rest = {data.at + start, data.size - start};
        if (!*member.name) {
            // An anonymous struct's members are its parent's; anything else without a name is padding.
            bool nested = inner.kind == PST_BTF_STRUCT || inner.kind == PST_BTF_UNION;
            if (nested && depth < PST_BTF_PRINT_DEPTH) members(p, &inner, rest, depth + 1);
            continue;
        }
        uint32_t bits = is_section ? 0 : bits_of_member(&member, &inner, &offset);
        put_key(p, member.name);
        if (bits) bit_field(p, &inner, data, offset, bits);
        else value(p, member.type, rest, depth + 1);
    }
}

static bool is_char(const pst_btf_type *type)
{
    return type->kind == PST_BTF_INT && type->size == 1 && ((type->int_encoding & 2) || strcmp(type->name, "char") == 0);
}

static bool is_octet(const pst_btf_type *type)
{
    return type->kind == PST_BTF_INT && type->size == 1 && type->int_encoding == 0;
}

static void array(printer *p, const pst_btf_type *type, bytes data, uint32_t depth)
{
    pst_btf_type element = resolve(p->btf, type->type);
    uint64_t size, all;
    bool sized = pst_btf_size(p->btf, type->type, &size) && size > 0;
    if (sized) {
        all = (uint64_t)type->count * size;
        // One of no elements at the end of an event has what is left.
        if (type->count == 0 || all > data.size) all = data.size / size * size;
        data.size = all;
    }
    if (is_char(&element)) {
        put_string(p, data);
    } else if (is_octet(&element) && !p->json) {
        put_octets(p, data);
    } else {
        open_array(p);
        for (uint64_t at = 0; sized && at < data.size && spend(p, 1); at += size) {
            if (!p->json) comma(p);
            value(p, type->type, (bytes){data.at + at, size}, depth + 1);
        }
        close_array(p);
    }
}

static void value(printer *p, uint32_t id, bytes data, uint32_t depth)
{
    pst_btf_type type = resolve(p->btf, id);
    if (depth > PST_BTF_PRINT_DEPTH || !spend(p, 1)) {
        put_nothing(p);
        return;
    }
    switch (type.kind) {
    case PST_BTF_INT:
    case PST_BTF_ENUM:
    case PST_BTF_ENUM64: scalar(p, &type, data); return;
    case PST_BTF_STRUCT:
    case PST_BTF_UNION:
    case PST_BTF_DATASEC:
        // The outermost may end in an array of no elements, which has the rest.
        if (depth > 0 && data.size > type.size) data.size = type.size;
        open_object(p);
        members(p, &type, data, depth);
        close_object(p);
        return;
    case PST_BTF_ARRAY: array(p, &type, data, depth); return;
    case PST_BTF_PTR:
    case PST_BTF_FLOAT: {
        uint64_t size = type.kind == PST_BTF_PTR ? p->btf->pointer_size : type.size;
        if (size > data.size) put_nothing(p);
        else put_hex(p, (bytes){data.at, size});
        return;
    }
    case PST_BTF_VOID:
    case PST_BTF_FWD:
    case PST_BTF_TYPEDEF:
    case PST_BTF_VOLATILE:
    case PST_BTF_CONST:
    case PST_BTF_RESTRICT:
    case PST_BTF_FUNC:
    case PST_BTF_FUNC_PROTO:
    case PST_BTF_VAR:
    case PST_BTF_DECL_TAG:
    case PST_BTF_TYPE_TAG: put_nothing(p); return;
    }
}

static void print(const pst_btf *btf, uint32_t id, const void *data, size_t size, pst_json *json, pst_text *text)
{
    printer p = {.btf = btf, .json = json, .text = text, .first = true, .left = WORK_BASE + (uint64_t)size * WORK_PER_BYTE};
    value(&p, id, (bytes){size ? data : (const void *)"", size}, 0);
}

void pst_btf_value_json(const pst_btf *btf, uint32_t id, const void *data, size_t size, pst_json *out)
{
    print(btf, id, data, size, out, out->out);
}

void pst_btf_value_text(const pst_btf *btf, uint32_t id, const void *data, size_t size, pst_text *out)
{
    print(btf, id, data, size, NULL, out);
}
