// bench_object.c: see bench_object.h. The files are our own, but are read through a cursor all the same.
#include "bench_object.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"

#define FILE_MAX (1u << 20)
#define SECTION_HEADER_SIZE 64u

typedef struct section {
    uint32_t name;
    uint64_t offset, size;
} section;

// ELF64: the header's fields at 0x28 (section headers), 0x3c (their count), 0x3e (the one with the names).
static bool section_at(pst_cursor file, uint16_t index, section *out)
{
    uint64_t headers;
    if (!pst_cursor_seek(&file, 0x28) || !pst_cursor_u64(&file, &headers)) return false;
    if (!pst_cursor_seek(&file, headers + (uint64_t)index * SECTION_HEADER_SIZE) || !pst_cursor_u32(&file, &out->name)) return false;
    return pst_cursor_skip(&file, 20) && pst_cursor_u64(&file, &out->offset) && pst_cursor_u64(&file, &out->size);
}

static bool find_text(pst_cursor file, section *text)
{
    pst_cursor header = file, names;
    uint16_t count, name_index;
    section name_section;
    if (!pst_cursor_seek(&header, 0x3c) || !pst_cursor_u16(&header, &count) || !pst_cursor_u16(&header, &name_index)) return false;
    if (!section_at(file, name_index, &name_section)) return false;
    if (!pst_cursor_slice(file, name_section.offset, name_section.size, &names)) return false;
    for (uint16_t i = 0; i < count; i++) {
        const char *name;
        if (!section_at(file, i, text) || !pst_cursor_string_at(names, text->name, &name)) return false;
        if (strcmp(name, ".text") == 0) return true;
    }
    return false;
}

bool bench_object_read(const char *path, bench_object *out)
{
    section text;
    pst_cursor code;
    FILE *file = fopen(path, "rb");
    if (!file) return false;
    uint8_t *bytes = malloc(FILE_MAX);
    size_t size = bytes ? fread(bytes, 1, FILE_MAX, file) : 0;
    fclose(file);
    pst_cursor all = pst_cursor_make(bytes, size);
    if (!find_text(all, &text) || !pst_cursor_slice(all, text.offset, text.size, &code)) {
        free(bytes);
        return false;
    }
    *out = (bench_object){bytes, (const pst_slot *)(const void *)code.bytes, code.size / sizeof(pst_slot), code.size};
    return true;
}
