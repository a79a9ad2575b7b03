// btf_builder.h: makes BTF for tests, a type a call; ids are 1, 2, 3 in the order of the calls.
//
// A struct, enum or prototype is followed by as many items as it announced. Nothing is checked: tests want wrong BTF as well.
#ifndef PST_TESTS_BTF_BUILDER_H
#define PST_TESTS_BTF_BUILDER_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "btf/btf.h"

// An environment that keeps the last error, counts what is not freed, and fails the n-th allocation.
typedef struct test_memory {
    long live;      // blocks
    long fail_after; // allocations that succeed before one fails; negative: none fails
    char error[1024];
} test_memory;

static test_memory g_memory = {.fail_after = -1};

static void *test_resize(void *user, void *ptr, size_t old_size, size_t new_size)
{
    test_memory *m = user;
    (void)old_size;
    if (new_size == 0) {
        free(ptr);
        m->live--;
        return NULL;
    }
    if (m->fail_after >= 0 && m->fail_after-- == 0) return NULL;
    if (!ptr) m->live++;
    return realloc(ptr, new_size);
}

static void test_log(void *user, pst_log_level level, const char *text)
{
    test_memory *m = user;
    if (level != PST_LOG_ERROR) return;
    size_t length = strlen(text) < sizeof m->error - 1 ? strlen(text) : sizeof m->error - 1;
    memcpy(m->error, text, length);
    m->error[length] = 0;
}

static const pst_env g_env = {.resize = test_resize, .log = test_log, .user = &g_memory};

#define BUILDER_MAX 65536u

typedef struct btf_builder {
    uint8_t types[BUILDER_MAX];
    uint32_t types_size;
    char strings[BUILDER_MAX];
    uint32_t strings_size;
    uint32_t strings_first; // of split BTF
    uint32_t last;          // id
    uint8_t blob[2 * BUILDER_MAX + 64];
} btf_builder;

PST_UNUSED static btf_builder *builder_new(void)
{
    btf_builder *b = calloc(1, sizeof *b);
    if (!b) abort();
    b->strings_size = 1;
    return b;
}

PST_UNUSED static uint32_t builder_string(btf_builder *b, const char *text)
{
    uint32_t at = b->strings_size;
    if (!*text) return 0;
    memcpy(b->strings + at, text, strlen(text) + 1);
    b->strings_size += (uint32_t)strlen(text) + 1;
    return b->strings_first + at;
}

PST_UNUSED static void builder_word(btf_builder *b, uint32_t word)
{
    memcpy(b->types + b->types_size, &word, sizeof word);
    b->types_size += (uint32_t)sizeof word;
}

PST_UNUSED static uint32_t builder_type(btf_builder *b, const char *name, pst_btf_kind kind, bool flag, uint32_t count, uint32_t size_or_type)
{
    builder_word(b, builder_string(b, name));
    builder_word(b, (uint32_t)flag << 31 | (uint32_t)kind << 24 | count);
    builder_word(b, size_or_type);
    return ++b->last;
}

// encoding: 1 signed, 2 char, 4 bool
PST_UNUSED static uint32_t builder_int(btf_builder *b, const char *name, uint32_t size, uint32_t encoding)
{
    uint32_t id = builder_type(b, name, PST_BTF_INT, false, 0, size);
    builder_word(b, encoding << 24 | size * 8);
    return id;
}

// PTR, TYPEDEF, CONST, ... : kinds with nothing but a type
PST_UNUSED static uint32_t builder_ref(btf_builder *b, pst_btf_kind kind, const char *name, uint32_t type)
{
    return builder_type(b, name, kind, false, 0, type);
}

PST_UNUSED static uint32_t builder_array(btf_builder *b, uint32_t element, uint32_t count)
{
    uint32_t id = builder_type(b, "", PST_BTF_ARRAY, false, 0, 0);
    builder_word(b, element);
    builder_word(b, element);
    builder_word(b, count);
    return id;
}

PST_UNUSED static uint32_t builder_struct(btf_builder *b, const char *name, uint32_t size, uint32_t count)
{
    return builder_type(b, name, PST_BTF_STRUCT, false, count, size);
}

PST_UNUSED static void builder_member(btf_builder *b, const char *name, uint32_t type, uint32_t bit_offset)
{
    builder_word(b, builder_string(b, name));
    builder_word(b, type);
    builder_word(b, bit_offset);
}

// Of a struct whose flag is set.
PST_UNUSED static void builder_bits(btf_builder *b, const char *name, uint32_t type, uint32_t bit_offset, uint32_t bits)
{
    builder_member(b, name, type, bits << 24 | bit_offset);
}

// Enumerator, or parameter with a type.
PST_UNUSED static void builder_pair(btf_builder *b, const char *name, uint32_t value)
{
    builder_word(b, builder_string(b, name));
    builder_word(b, value);
}

// Lays the whole out in b->blob.
PST_UNUSED static size_t builder_blob(btf_builder *b)
{
    const uint32_t header[6] = {0x0001eb9f, 24, 0, b->types_size, b->types_size, b->strings_size};
    memcpy(b->blob, header, sizeof header);
    memcpy(b->blob + 24, b->types, b->types_size);
    memcpy(b->blob + 24 + b->types_size, b->strings, b->strings_size);
    return 24 + b->types_size + b->strings_size;
}

// Frees the builder. NULL when it does not parse.
PST_UNUSED static pst_btf *builder_parse(btf_builder *b)
{
    pst_btf *btf;
    pst_status status = pst_btf_parse(&g_env, b->blob, builder_blob(b), "test", &btf);
    free(b);
    return status == PST_OK ? btf : NULL;
}

#endif
