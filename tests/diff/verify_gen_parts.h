// verify_gen_parts.h: what the files of the generator share: the program that is being written, and how its instructions are put.
//
// verify_gen.c has numbers, memory, calls and loops; verify_gen_held.c what a program must give back. See the head of verify_gen.c for what registers hold.
#ifndef PST_TESTS_VERIFY_GEN_PARTS_H
#define PST_TESTS_VERIFY_GEN_PARTS_H

#include <string.h>

#include "verify_gen.h"

// Functions of a program by number: main, SUBPROGS static ones, callbacks, and a global one.
#define SUBPROGS 3u
enum { VGEN_CALLBACK_LOOP, VGEN_CALLBACK_EACH, VGEN_CALLBACK_TIMER, VGEN_CALLBACKS };
#define VGEN_FIRST_CALLBACK (SUBPROGS + 1)
#define VGEN_GLOBAL_FUNC (VGEN_FIRST_CALLBACK + VGEN_CALLBACKS)
#define VGEN_FUNCS (VGEN_GLOBAL_FUNC + 1)

typedef struct gen {
    vgen_source *source;
    pst_slot *slots;
    size_t count;
    vgen_type type;
    size_t outs[128]; // jumps to the common exit of the function
    uint32_t out_count;
    size_t calls[16]; // with the callee's number in imm until all is written
    uint32_t call_count;
    size_t funcs[8];  // ld_imm64 of a callback, with VGEN_CALLBACK_* in imm until all is written
    uint32_t func_count;
    unsigned level;   // 0: main; else the number of the subprogram
    unsigned depth, loops;
    bool is_callback, holds; // holds: a reservation, a lock ...; no jumps out
} gen;

PST_INLINE uint32_t next(gen *g, uint32_t below) { return vgen_next(g->source, below); }
PST_INLINE bool chance(gen *g, uint32_t one_in) { return next(g, one_in) == 0; }

PST_INLINE void put(gen *g, unsigned opcode, unsigned dst, unsigned src, int off, int64_t imm)
{
    if (g->count < VGEN_SLOTS_MAX) g->slots[g->count] = (pst_slot){(uint8_t)opcode, (uint8_t)(src << 4 | dst), (int16_t)off, (int32_t)imm};
    g->count++;
}

// Opcodes: arithmetic by operation bits; |8: a register; 64 bits.
enum { ADD = 0x07, SUB = 0x17, MUL = 0x27, AND = 0x57, LSH = 0x67, RSH = 0x77, MOV = 0xb7, ARSH = 0xc7, X = 8 };
// Sizes of loads and stores.
static const uint8_t size_bits[] = {0x10, 0x08, 0x00, 0x18}; // by log2 of bytes

PST_INLINE void mov(gen *g, unsigned dst, unsigned src) { put(g, MOV | X, dst, src, 0, 0); }
PST_INLINE void movi(gen *g, unsigned dst, int64_t imm) { put(g, MOV, dst, 0, 0, imm); }
PST_INLINE void ld(gen *g, unsigned log2, unsigned dst, unsigned src, int off) { put(g, 0x61u | size_bits[log2], dst, src, off, 0); }
PST_INLINE void st(gen *g, unsigned log2, unsigned dst, unsigned src, int off) { put(g, 0x63u | size_bits[log2], dst, src, off, 0); }
PST_INLINE void sti(gen *g, unsigned log2, unsigned dst, int off, int64_t imm) { put(g, 0x62u | size_bits[log2], dst, 0, off, imm); }
PST_INLINE void call(gen *g, int id) { put(g, 0x85, 0, 0, 0, id); }

PST_INLINE void map_fd(gen *g, unsigned dst, int fd)
{
    put(g, 0x18, dst, 1, 0, fd);
    put(g, 0, 0, 0, 0, 0);
}

// A jump whose target comes later; land puts it here.
PST_INLINE size_t jump(gen *g, unsigned opcode, unsigned dst, unsigned src, int64_t imm)
{
    put(g, opcode, dst, src, 0, imm);
    return g->count - 1;
}

PST_INLINE void land(gen *g, size_t at)
{
    if (at < VGEN_SLOTS_MAX) g->slots[at].off = (int16_t)(g->count - at - 1);
}

PST_INLINE void jump_back(gen *g, unsigned opcode, unsigned dst, unsigned src, int64_t imm, size_t to)
{
    put(g, opcode, dst, src, (int)((int64_t)to - (int64_t)g->count - 1), imm);
}

PST_INLINE void out_if(gen *g, unsigned opcode, unsigned dst, unsigned src, int64_t imm)
{
    if (g->out_count == PST_COUNT(g->outs)) return;
    g->outs[g->out_count++] = g->count;
    put(g, opcode, dst, src, 0, imm);
}

// A constant, now and then one beside it.
PST_INLINE int64_t near(gen *g, int64_t value) { return chance(g, 24) ? value + 1 : chance(g, 48) ? value - 1 : value; }

PST_INLINE int32_t some_imm(gen *g)
{
    static const int32_t edges[] = {0, 1, -1, 2, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256, INT32_MAX, INT32_MIN, -2, 0xffff, 0x10000};
    return chance(g, 3) ? (int32_t)next(g, 1u << 16) - 0x8000 : edges[next(g, PST_COUNT(edges))];
}

// --- verify_gen.c -----------------------------------------------------------------------------------------------

/// One of r7 to r9 that counts no loop.
unsigned vgen_held_number(gen *g);
/// dst becomes a number of which nothing, or its width, is known.
void vgen_number(gen *g, unsigned dst);
/// Leaves in reg a number from 0 to limit - 1, or leaves the function.
void vgen_bound(gen *g, unsigned reg, uint32_t limit);
/// One access of the object of size bytes that base points to (base is kept). Uses r4 and r5.
void vgen_access(gen *g, unsigned base, uint32_t size, bool writable);
void vgen_null_check(gen *g, unsigned reg);
/// What a loop does with its counter: an element of the global, a stack slot, or anything.
void vgen_body(gen *g, unsigned counter, uint32_t limit);
void vgen_units(gen *g, uint32_t units);

// --- verify_gen_held.c ------------------------------------------------------------------------------------------

/// Something that is acquired, used and given back, or that lives on the stack; a call of the global function.
void vgen_held_unit(gen *g);
/// The body of the global function, up to its end.
void vgen_global_start(gen *g);

#endif
