// suite.c: see suite.h.
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "raw_program.h"

static bool parse_case(const char *line, suite_case *out)
{
    static char mem[2 * SUITE_MEM_MAX + 1], prog[2 * SUITE_SLOTS_MAX * 8 + 1], expected[32];
    if (sscanf(line, "%63s %8192s %65536s %31s", out->name, mem, prog, expected) != 4) return false;
    long mem_size = strcmp(mem, "-") == 0 ? 0 : raw_hex(mem, out->mem, SUITE_MEM_MAX);
    long size = raw_hex(prog, (uint8_t *)out->slots, sizeof out->slots);
    if (mem_size < 0 || size < 0 || size % 8 != 0) return false;
    out->mem_size = (size_t)mem_size;
    out->slot_count = (size_t)size / 8;
    out->expected = strtoull(expected, NULL, 16);
    return true;
}

unsigned suite_each(void (*visit)(void *user, const suite_case *c), void *user)
{
    static suite_case c;
    unsigned cases = 0;
    char *text = raw_file(PST_SOURCE_DIR "/tests/conformance/public_suite.txt");
    if (!text) return 0;
    for (char *line = text, *next; *line; line = next) {
        size_t length = strcspn(line, "\r\n");
        next = line + length + (line[length] != '\0');
        line[length] = '\0';
        if (length == 0 || line[0] == '#') continue;
        visit(user, parse_case(line, &c) ? &c : NULL);
        cases++;
    }
    free(text);
    return cases;
}
