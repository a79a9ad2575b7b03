// unwind_info.c: see unwind_info.h.
#include "jit/x64/unwind_info.h"

#include "base/bits.h"
#include "jit/x64/registers.h"

#include <string.h>

enum { UWOP_PUSH_NONVOL, UWOP_ALLOC_LARGE, UWOP_ALLOC_SMALL, UWOP_SET_FPREG };

#define CODES_MAX 16u // rbp twice, two allocations of up to two codes, eight registers: 14
#define INFO_BYTES_MAX (4u + 2u * CODES_MAX)
#define ROW_BYTES 12u

// In the order of the prologue, which is not that of UNWIND_INFO. A slot that belongs to the one in front of it stands behind it.
typedef struct prologue {
    uint16_t codes[CODES_MAX];
    uint8_t slots[CODES_MAX]; // of each code: 1 or 2
    uint16_t second[CODES_MAX];
    uint32_t count;
    uint32_t at; // how far it is read
    bool has_rbp;
} prologue;

static void add(prologue *p, unsigned op, unsigned info)
{
    p->slots[p->count] = 1;
    p->codes[p->count++] = (uint16_t)(p->at | op << 8 | info << 12);
}

static void add_alloc(prologue *p, uint32_t bytes)
{
    if (bytes <= 128) {
        add(p, UWOP_ALLOC_SMALL, bytes / 8 - 1);
        return;
    }
    p->second[p->count] = (uint16_t)(bytes / 8);
    add(p, UWOP_ALLOC_LARGE, 0);
    p->slots[p->count - 1] = 2;
}

static bool next_is(prologue *p, const uint8_t *code, uint32_t size, const char *bytes, uint32_t count)
{
    if (size - p->at < count || memcmp(code + p->at, bytes, count) != 0) return false;
    p->at += count;
    return true;
}

// sub rsp, imm, in the forms of x64_alu_ri.
static void read_sub(prologue *p, const uint8_t *code, uint32_t size)
{
    uint32_t bytes;
    if (size - p->at < 8) return; // a function ends with more than that
    if (next_is(p, code, size, "\x48\x83\xc4\x80", 4)) bytes = 128;
    else if (next_is(p, code, size, "\x48\x83\xec", 3)) bytes = code[p->at++];
    else if (next_is(p, code, size, "\x48\x81\xec", 3)) bytes = pst_load32(code + p->at), p->at += 4;
    else return;
    add_alloc(p, bytes);
}

static void read_pushes(prologue *p, const uint8_t *code, uint32_t size)
{
    while (p->count < CODES_MAX - 4 && size - p->at > 2) {
        bool high = code[p->at] == 0x41;
        uint8_t opcode = code[p->at + high];
        if (opcode < 0x50 || opcode > 0x57 || (!high && opcode == 0x50)) return;
        p->at += 1u + high;
        add(p, UWOP_PUSH_NONVOL, (opcode & 7u) + 8u * high);
    }
}

static void read_prologue(prologue *p, const uint8_t *code, uint32_t size)
{
    *p = (prologue){0};
    (void)next_is(p, code, size, "\xf3\x0f\x1e\xfa", 4); // endbr64
    if (next_is(p, code, size, "\x55", 1)) {
        add(p, UWOP_PUSH_NONVOL, RBP);
        p->has_rbp = next_is(p, code, size, "\x48\x89\xe5", 3) || next_is(p, code, size, "\x48\x8b\xec", 3);
        if (p->has_rbp) add(p, UWOP_SET_FPREG, 0);
    }
    read_sub(p, code, size); // the program's stack, or room for calls
    read_pushes(p, code, size);
    if (next_is(p, code, size, "\x50", 1)) add_alloc(p, 8);
    else read_sub(p, code, size);
}

// Returns its size, a multiple of 4.
static uint32_t write_info(const prologue *p, uint8_t *out)
{
    uint32_t slots = 0, size = 4;
    for (uint32_t i = p->count; i-- > 0;) { // the last comes first
        pst_store16(out + size, p->codes[i]);
        if (p->slots[i] == 2) pst_store16(out + size + 2, p->second[i]);
        slots += p->slots[i];
        size += 2u * p->slots[i];
    }
    out[0] = 1; // version, no handler
    out[1] = (uint8_t)p->at;
    out[2] = (uint8_t)slots;
    out[3] = p->has_rbp ? RBP : 0;
    if (slots % 2) pst_store16(out + size, 0), size += 2;
    return size;
}

uint32_t x64_unwind_bound(uint32_t functions) { return (functions + 1) * (INFO_BYTES_MAX + ROW_BYTES); }

// Where function i ends; count is the stub.
static uint32_t end_of(const jit_places *places, uint32_t i)
{
    uint32_t end = places->code_bytes;
    if (i == places->count) return end;
    if (i + 1 < places->count) return places->functions[i + 1];
    if (places->call_offset < end) end = places->call_offset;
    return places->unwind_offset < end ? places->unwind_offset : end;
}

uint32_t x64_unwind_write(const jit_places *places, uint32_t code_rva, uint32_t out_rva, uint8_t *out, uint32_t *table)
{
    uint32_t infos = 0, rows = 0, all = places->count + (places->call_offset < places->code_bytes);
    *table = (places->count + 1) * INFO_BYTES_MAX;
    for (uint32_t i = 0; i < all; i++) {
        uint32_t begin = i < places->count ? places->functions[i] : places->call_offset, end = end_of(places, i);
        prologue p;
        if (begin >= end) continue;
        read_prologue(&p, places->code + begin, end - begin);
        uint8_t *row = out + *table + ROW_BYTES * rows++;
        pst_store32(row, code_rva + begin);
        pst_store32(row + 4, code_rva + end);
        pst_store32(row + 8, out_rva + infos);
        infos += write_info(&p, out + infos);
    }
    return rows;
}
