// object_hostile_test.c: objects that are wrong in one named place, cut at every byte, or damaged at random: never a crash, always a sentence.
#include "unit/object/object_fixture.h"

static const char *const g_objects[] = {"callbacks.o", "catcher.o", "core.o",   "externs.o",         "globals.o",  "legacy.o",  "maps.o",
                                        "windows.o",   "subprogs.o", "static_programs.o", "text_only.o", "no_btf_undefined.o"};

// Opens and relocates; whatever fails must have said why, and nothing may leak.
static void try_file(object_file f)
{
    pst_object *object = NULL;
    pst_object_target target = {.size = sizeof target};
    pst_status status = open_file(f, "hostile.o", &object);
    if (status == PST_OK) {
        status = pst_object_relocate(object, &target);
        pst_object_close(object);
    }
    if (status != PST_OK && !strstr(g_memory.error, "hostile.o") && !strstr(g_memory.error, "CO-RE"))
        pst_test_fail(__FILE__, __LINE__, "%s without a sentence: \"%s\"", pst_status_text(status), g_memory.error);
    for (const char *c = g_memory.error; *c; c++)
        if ((unsigned char)*c < 0x20) pst_test_fail(__FILE__, __LINE__, "control characters in \"%s\"", g_memory.error);
    CHECK_EQ(g_memory.live, 0);
}

TEST(objects_cut_at_every_byte)
{
    for (size_t i = 0; i < PST_COUNT(g_objects); i++) {
        object_file f = read_object(g_objects[i]);
        for (size_t size = 0; size < f.size; size++) {
            uint8_t *copy = malloc(size ? size : 1); // its own block, so that a sanitizer sees each byte behind it
            REQUIRE(copy);
            memcpy(copy, f.bytes, size);
            try_file((object_file){.bytes = copy, .size = size});
            free(copy);
        }
        free(f.bytes);
    }
}

TEST(objects_with_every_byte_changed)
{
    static const uint8_t patterns[] = {0x01, 0x80, 0xff};
    for (size_t i = 0; i < PST_COUNT(g_objects); i++) {
        object_file f = read_object(g_objects[i]);
        for (size_t at = 0; at < f.size; at++) {
            f.bytes[at] ^= patterns[at % 3];
            try_file(f);
            f.bytes[at] ^= patterns[at % 3];
        }
        free(f.bytes);
    }
}

TEST(objects_with_several_bytes_changed)
{
    uint64_t chance = 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < PST_COUNT(g_objects); i++) {
        object_file f = read_object(g_objects[i]);
        uint8_t *copy = malloc(f.size);
        REQUIRE(copy);
        for (unsigned round = 0; round < 300; round++) {
            memcpy(copy, f.bytes, f.size);
            for (unsigned k = 0; k < 6; k++) {
                chance ^= chance << 13, chance ^= chance >> 7, chance ^= chance << 17;
                copy[chance % f.size] = (uint8_t)(chance >> 32);
            }
            try_file((object_file){.bytes = copy, .size = f.size});
        }
        free(copy);
        free(f.bytes);
    }
}

TEST(each_allocation_that_fails_is_reported)
{
    static const char *const names[] = {"maps.o", "externs.o", "core.o", "windows.o"};
    for (size_t i = 0; i < PST_COUNT(names); i++) {
        object_file f = read_object(names[i]);
        for (long after = 0; after < 10000; after++) {
            pst_object *object = NULL;
            g_memory.fail_after = after;
            pst_status status = open_file(f, names[i], &object);
            bool failed = g_memory.fail_after == -1;
            g_memory.fail_after = -1;
            CHECK(failed ? status == PST_E_NOMEM : status == PST_OK);
            CHECK(status == PST_OK || g_memory.error[0]);
            if (status == PST_OK) pst_object_close(object);
            CHECK_EQ(g_memory.live, 0);
            if (!failed) break;
        }
        free(f.bytes);
    }
}

TEST(what_is_no_object_is_told_by_its_kind)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *says;
    } files[] = {
        {"", 0, "empty"},
        {"\177EL", 3, "truncated"},
        {"\177ELF\2\1\1", 7, "truncated"},
        {"BC\xc0\xde....", 8, "bitcode"},
        {"MZ......", 8, "Windows executable"},
        {"!<arch>\n....", 12, "archive"},
        {"#include <linux/bpf.h>", 22, "does not begin with"},
    };
    for (size_t i = 0; i < PST_COUNT(files); i++) {
        uint8_t bytes[32];
        memcpy(bytes, files[i].bytes, files[i].size);
        CHECK_REFUSED(((object_file){.bytes = bytes, .size = files[i].size}), PST_E_FORMAT, files[i].says, "");
    }
}

// A fresh copy of maps.o in f, changed by one statement, must be refused with a sentence that says a and b.
#define DAMAGED(object, change, status, a, b)      \
    do {                                           \
        object_file f = read_object(object);       \
        change;                                    \
        CHECK_REFUSED(f, status, a, b);            \
        free(f.bytes);                             \
    } while (0)

TEST(headers_are_checked)
{
    DAMAGED("maps.o", f.bytes[4] = 1, PST_E_UNSUPPORTED, "64-bit", "class 1");
    DAMAGED("maps.o", f.bytes[5] = 2, PST_E_UNSUPPORTED, "big-endian", "bpfel");
    DAMAGED("maps.o", f.bytes[6] = 3, PST_E_FORMAT, "version 3", "");
    DAMAGED("maps.o", pst_store16(f.bytes + 16, 2), PST_E_UNSUPPORTED, "executable", "not a relocatable object");
    DAMAGED("maps.o", pst_store16(f.bytes + 16, 3), PST_E_UNSUPPORTED, "shared library", "-c");
    DAMAGED("maps.o", pst_store16(f.bytes + 18, 62), PST_E_UNSUPPORTED, "x86-64", "clang -target bpf");
    DAMAGED("maps.o", pst_store16(f.bytes + 58, 63), PST_E_FORMAT, "63 bytes each", "64");
    DAMAGED("maps.o", pst_store16(f.bytes + 60, 0), PST_E_FORMAT, "0 sections", "");
    DAMAGED("maps.o", pst_store16(f.bytes + 60, 5000), PST_E_FORMAT, "section table", "truncated");
    DAMAGED("maps.o", pst_store64(f.bytes + 40, UINT64_MAX - 8), PST_E_FORMAT, "section table", "truncated");
    DAMAGED("maps.o", pst_store16(f.bytes + 62, 999), PST_E_FORMAT, "section names", "999");
}

TEST(sections_and_symbols_are_checked)
{
    DAMAGED("maps.o", pst_store64(section_header(f, "xdp") + SH_SIZE, UINT64_MAX), PST_E_FORMAT, "truncated", "reaches beyond");
    DAMAGED("maps.o", pst_store64(section_header(f, "xdp") + SH_OFFSET, UINT64_MAX - 2), PST_E_FORMAT, "truncated", "reaches beyond");
    DAMAGED("maps.o", pst_store32(section_header(f, "xdp"), 0x7fffffff), PST_E_FORMAT, "name of section", "");
    DAMAGED("maps.o", pst_store32(section_header(f, ".symtab") + SH_TYPE, 1), PST_E_FORMAT, "no symbol table", "stripped");
    DAMAGED("maps.o", pst_store32(section_header(f, "xdp") + SH_TYPE, 2), PST_E_FORMAT, "two symbol tables", "");
    DAMAGED("maps.o", pst_store64(section_header(f, ".symtab") + SH_ENTSIZE, 8), PST_E_FORMAT, ".symtab", "entries of 8");
    DAMAGED("maps.o", pst_store32(section_header(f, ".symtab") + SH_LINK, 77), PST_E_FORMAT, ".symtab", "no string table");
    DAMAGED("maps.o", pst_store16(symbol_record(f, "first") + SYM_SHNDX, 500), PST_E_FORMAT, "symbol", "section 500");
    DAMAGED("maps.o", pst_store32(symbol_record(f, "first"), 0x00ffffff), PST_E_FORMAT, "the name of symbol", "");
    DAMAGED("maps.o", section_bytes(f, ".strtab")[3] = '\n', PST_E_FORMAT, "no text", "");
    DAMAGED("globals.o", pst_store64(section_header(f, "version") + SH_SIZE, 3), PST_E_FORMAT, "section version", "3 bytes");
}

TEST(functions_are_checked)
{
    DAMAGED("maps.o", pst_store64(symbol_record(f, "first") + SYM_SIZE, 1 << 20), PST_E_FORMAT, "section xdp", "function first");
    DAMAGED("maps.o", pst_store64(symbol_record(f, "first") + SYM_VALUE, UINT64_MAX - 7), PST_E_FORMAT, "section xdp", "reaches beyond");
    DAMAGED("maps.o", pst_store64(symbol_record(f, "first") + SYM_SIZE, 0), PST_E_FORMAT, "function first", "whole instructions");
    DAMAGED("maps.o", pst_store64(symbol_record(f, "first") + SYM_SIZE, 12), PST_E_FORMAT, "function first", "whole instructions");
    DAMAGED("maps.o", pst_store64(section_header(f, "?socket") + SH_SIZE, 12), PST_E_FORMAT, "section ?socket", "12 bytes of code");
    // The function ends between the halves of the immediate that names its map.
    DAMAGED("maps.o", pst_store64(symbol_record(f, "third") + SYM_SIZE, pst_load64(section_bytes(f, ".rel?socket")) + 8), PST_E_FORMAT,
            "function third", "second half");
}

// The slot that the n-th relocation of a code section is for.
static uint8_t *relocated(object_file f, const char *relocs, const char *code, uint32_t index)
{
    return section_bytes(f, code) + pst_load64(section_bytes(f, relocs) + (size_t)index * 16);
}

static void aim(object_file f, const char *relocs, const char *symbol)
{
    const uint8_t *table = f.bytes + pst_load64(section_header(f, ".symtab") + SH_OFFSET);
    pst_store32(section_bytes(f, relocs) + 12, (uint32_t)((symbol_record(f, symbol) - table) / 24));
}

TEST(relocations_are_checked)
{
    DAMAGED("maps.o", pst_store64(section_header(f, ".relxdp") + SH_ENTSIZE, 24), PST_E_FORMAT, ".relxdp", "entries of 24");
    DAMAGED("maps.o", pst_store32(section_header(f, ".relxdp") + SH_INFO, 600), PST_E_FORMAT, ".relxdp", "section 600");
    DAMAGED("maps.o", pst_store32(section_bytes(f, ".relxdp") + 12, 9999), PST_E_FORMAT, ".relxdp", "symbol 9999");
    DAMAGED("maps.o", pst_store64(section_bytes(f, ".relxdp"), 4), PST_E_FORMAT, ".relxdp", "no instruction begins");
    DAMAGED("maps.o", pst_store64(section_bytes(f, ".relxdp"), 1 << 20), PST_E_FORMAT, ".relxdp", "no instruction begins");
    DAMAGED("maps.o", pst_store64(section_bytes(f, ".relxdp"), pst_load64(section_bytes(f, ".relxdp") + 16)), PST_E_FORMAT, "section xdp",
            "two relocations");
    DAMAGED("maps.o", *relocated(f, ".relxdp", "xdp", 0) = 0xb7, PST_E_FORMAT, "section xdp", "neither a call nor");
    DAMAGED("maps.o", pst_store16(symbol_record(f, "outer") + SYM_SHNDX, 0xfff2), PST_E_FORMAT, "outer", "common variable");
    DAMAGED("maps.o", pst_store16(symbol_record(f, "outer") + SYM_SHNDX, 0xfff1), PST_E_FORMAT, "outer", "no section");
    DAMAGED("maps.o", pst_store16(symbol_record(f, "outer") + SYM_SHNDX, (uint16_t)section_index(f, ".BTF")), PST_E_FORMAT, "outer", "neither maps");
}

TEST(calls_are_checked)
{
    DAMAGED("subprogs.o", relocated(f, ".relxdp", "xdp", 0)[1] = 0, PST_E_FORMAT, "section xdp", "call of a helper");
    DAMAGED("subprogs.o", pst_store32(relocated(f, ".relxdp", "xdp", 0) + 4, 0), PST_E_FORMAT, "global_one", "no function begins");
    DAMAGED("subprogs.o", pst_store32(relocated(f, ".relxdp", "xdp", 0) + 4, 1 << 30), PST_E_FORMAT, "global_one", "no instruction");
    DAMAGED("subprogs.o", pst_store16(symbol_record(f, "global_one") + SYM_SHNDX, (uint16_t)section_index(f, ".BTF")), PST_E_FORMAT, "global_one",
            "code");
    // A call inside a section has no relocation.
    object_file f = read_object("text_only.o");
    uint8_t *text = section_bytes(f, ".text");
    bool found = false;
    for (uint8_t *slot = text; slot < text + pst_load64(section_header(f, ".text") + SH_SIZE); slot += 8) {
        if (slot[0] != 0x85 || slot[1] != 0x10) continue;
        found = true;
        pst_store32(slot + 4, pst_load32(slot + 4) + 1);
        CHECK_REFUSED(f, PST_E_FORMAT, "function run", "no function begins");
        pst_store32(slot + 4, 0x7fffffff);
        CHECK_REFUSED(f, PST_E_FORMAT, "section .text, offset", "no function begins");
    }
    CHECK(found);
    free(f.bytes);
}

TEST(map_definitions_are_checked)
{
    DAMAGED("legacy.o", pst_store64(section_header(f, "maps") + SH_SIZE, 39), PST_E_FORMAT, "section maps", "cannot be divided");
    DAMAGED("legacy.o", pst_store64(symbol_record(f, "seen") + SYM_VALUE, 24), PST_E_FORMAT, "map seen", "0x18");
    DAMAGED("legacy.o", pst_store32(section_bytes(f, "maps"), 0), PST_E_FORMAT, "type 0", "counters");
    DAMAGED("maps.o", pst_store32(section_header(f, ".BTF") + SH_TYPE, 8), PST_E_FORMAT, "section .maps", "compile with -g");
    DAMAGED("maps.o", pst_store64(section_header(f, ".maps") + SH_SIZE, 8), PST_E_FORMAT, "section .maps", "");
    DAMAGED("maps.o", pst_store64(section_bytes(f, ".rel.maps"), 1 << 20), PST_E_FORMAT, ".rel.maps", "beyond");
    DAMAGED("maps.o", pst_store64(section_bytes(f, ".rel.maps"), 0), PST_E_FORMAT, "section .maps", "only map-in-maps");
    DAMAGED("maps.o", pst_store64(section_bytes(f, ".rel.maps"), pst_load64(section_bytes(f, ".rel.maps")) + 4), PST_E_FORMAT, "section .maps", "slot");
    DAMAGED("maps.o", aim(f, ".rel.maps", "first"), PST_E_FORMAT, "slot 1 of map outer", "no map");
    DAMAGED("globals.o", pst_store64(section_header(f, ".bss") + SH_SIZE, (uint64_t)1 << 31), PST_E_LIMIT, ".bss", "global data");
}

TEST(an_object_at_no_address_is_refused)
{
    pst_object *o;
    CHECK_EQ(pst_object_open(&g_env, NULL, 5, NULL, &o), PST_E_INVALID);
    CHECK_EQ(pst_object_open(&g_env, NULL, 0, NULL, &o), PST_E_FORMAT);
    CHECK(strstr(g_memory.error, "object: not an ELF object"));
    pst_object_close(NULL);
}
