// object_fixture.h: the test objects of data/, and ways to damage them at a named place.
#ifndef PST_TESTS_OBJECT_FIXTURE_H
#define PST_TESTS_OBJECT_FIXTURE_H

#include "base/bits.h"
#include "harness.h"
#include "object/object.h"
#include "unit/btf/btf_builder.h"

typedef struct object_file {
    uint8_t *bytes;
    size_t size;
} object_file;

// The caller frees bytes; exits when the file is not there, since no test makes sense then.
PST_UNUSED static object_file read_object(const char *name)
{
    char path[1024];
    object_file file = {.bytes = malloc(1u << 20)};
    snprintf(path, sizeof path, "%s/tests/unit/object/data/%s", PST_SOURCE_DIR, name);
    FILE *stream = fopen(path, "rb");
    if (!stream || !file.bytes) {
        printf("cannot read %s\n", path);
        exit(2);
    }
    file.size = fread(file.bytes, 1, 1u << 20, stream);
    fclose(stream);
    return file;
}

PST_UNUSED static pst_status open_file(object_file file, const char *name, pst_object **out)
{
    pst_object_options options = {.size = sizeof options, .file = name};
    g_memory.error[0] = 0;
    return pst_object_open(&g_env, file.bytes, file.size, &options, out);
}

// NULL (and a failed test) when it does not open.
PST_UNUSED static pst_object *open_object(const char *name)
{
    object_file file = read_object(name);
    pst_object *object = NULL;
    if (open_file(file, name, &object) != PST_OK) pst_test_fail(__FILE__, __LINE__, "%s does not open: %s", name, g_memory.error);
    free(file.bytes);
    return object;
}

// --- places in a file ----------------------------------------------------------------------------------------------

enum { SH_TYPE = 4, SH_FLAGS = 8, SH_OFFSET = 24, SH_SIZE = 32, SH_LINK = 40, SH_INFO = 44, SH_ENTSIZE = 56 };
enum { SYM_INFO = 4, SYM_OTHER = 5, SYM_SHNDX = 6, SYM_VALUE = 8, SYM_SIZE = 16 };

PST_UNUSED static uint8_t *header_at(object_file f, uint32_t index)
{
    return f.bytes + pst_load64(f.bytes + 40) + (size_t)index * 64;
}

PST_UNUSED static uint32_t section_index(object_file f, const char *name)
{
    const uint8_t *names = f.bytes + pst_load64(header_at(f, pst_load16(f.bytes + 62)) + SH_OFFSET);
    for (uint32_t i = 1; i < pst_load16(f.bytes + 60); i++)
        if (strcmp((const char *)names + pst_load32(header_at(f, i)), name) == 0) return i;
    printf("no section %s\n", name);
    exit(2);
}

PST_UNUSED static uint8_t *section_header(object_file f, const char *name)
{
    return header_at(f, section_index(f, name));
}

PST_UNUSED static uint8_t *section_bytes(object_file f, const char *name)
{
    return f.bytes + pst_load64(section_header(f, name) + SH_OFFSET);
}

PST_UNUSED static uint8_t *symbol_record(object_file f, const char *name)
{
    const uint8_t *table = section_header(f, ".symtab");
    const char *names = (const char *)f.bytes + pst_load64(header_at(f, pst_load32(table + SH_LINK)) + SH_OFFSET);
    for (uint64_t i = 0; i < pst_load64(table + SH_SIZE) / 24; i++) {
        uint8_t *symbol = f.bytes + pst_load64(table + SH_OFFSET) + i * 24;
        if (strcmp(names + pst_load32(symbol), name) == 0) return symbol;
    }
    printf("no symbol %s\n", name);
    exit(2);
}

// Opens a damaged file: it must be refused with this status and a sentence that says all three.
PST_UNUSED static void check_refused(const char *test_file, int line, object_file f, pst_status status, const char *a, const char *b)
{
    pst_object *object;
    pst_status got = open_file(f, "damaged.o", &object);
    if (got != status || !strstr(g_memory.error, a) || !strstr(g_memory.error, b) || !strstr(g_memory.error, "damaged.o"))
        pst_test_fail(test_file, line, "%s: \"%s\" should say \"%s\" and \"%s\"", pst_status_text(got), g_memory.error, a, b);
    if (got == PST_OK) pst_object_close(object);
    if (g_memory.live != 0) pst_test_fail(test_file, line, "%ld blocks leaked", g_memory.live);
}
#define CHECK_REFUSED(file, status, a, b) check_refused(__FILE__, __LINE__, file, status, a, b)

#endif
