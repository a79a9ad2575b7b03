// names.c: numbers and names of map types, program types, attach types and ELF sections.
//
// The lists are in postern/abi.h and sections.def; this file expands them and looks things up. Called by loader, commands and disassembler.
#include "catalog/catalog.h"

#include <string.h>

#include "catalog/sections.def"

typedef struct named_number {
    uint32_t number;
    const char *name;
} named_number;

#define X(id, num, text) {(num), (text)},
static const named_number g_map_types[] = {PST_MAP_TYPE_LIST(X)};
static const named_number g_prog_types[] = {PST_PROG_TYPE_LIST(X)};
static const named_number g_attach_types[] = {PST_ATTACH_TYPE_LIST(X)};
#undef X

static const char *name_of(const named_number *rows, size_t count, uint32_t number)
{
    for (size_t i = 0; i < count; i++)
        if (rows[i].number == number) return rows[i].name;
    return "";
}

static bool number_of(const named_number *rows, size_t count, const char *name, uint32_t *number)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].name, name) != 0) continue;
        *number = rows[i].number;
        return true;
    }
    return false;
}

const char *pst_map_type_name(uint32_t number)
{
    return name_of(g_map_types, PST_COUNT(g_map_types), number);
}

bool pst_map_type_by_name(const char *name, uint32_t *number)
{
    return number_of(g_map_types, PST_COUNT(g_map_types), name, number);
}

const char *pst_prog_type_name(uint32_t number)
{
    return name_of(g_prog_types, PST_COUNT(g_prog_types), number);
}

bool pst_prog_type_number_by_name(const char *name, uint32_t *number)
{
    return number_of(g_prog_types, PST_COUNT(g_prog_types), name, number);
}

const char *pst_attach_type_name(uint32_t number)
{
    return name_of(g_attach_types, PST_COUNT(g_attach_types), number);
}

bool pst_attach_type_number_by_name(const char *name, uint32_t *number)
{
    return number_of(g_attach_types, PST_COUNT(g_attach_types), name, number);
}

#define EXACT false
#define REST true
#define SLEEPABLE 1
#define WINDOWS 2

static const pst_section_type g_sections[] = {
#define S(text, rest, type, attach, bits)                                                                          \
    {.prefix = (text),                                                                                             \
     .has_rest = (rest),                                                                                           \
     .prog_type = PST_PROG_##type,                                                                                 \
     .attach_type = (uint32_t)PST_ATTACH_##attach,                                                                 \
     .sleepable = ((bits)&SLEEPABLE) != 0,                                                                         \
     .windows = ((bits)&WINDOWS) != 0},
    PST_SECTION_LIST(S)
#undef S
};

static bool section_matches(const pst_section_type *row, const char *section)
{
    size_t length = strlen(row->prefix);
    if (strncmp(row->prefix, section, length) != 0) return false;
    return section[length] == '\0' || (row->has_rest && section[length] == '/');
}

const pst_section_type *pst_section_type_find(const char *section)
{
    for (size_t i = 0; i < PST_COUNT(g_sections); i++)
        if (section_matches(&g_sections[i], section)) return &g_sections[i];
    return NULL;
}

size_t pst_section_type_count(void)
{
    return PST_COUNT(g_sections);
}

const pst_section_type *pst_section_type_at(size_t index)
{
    return index < PST_COUNT(g_sections) ? &g_sections[index] : NULL;
}
