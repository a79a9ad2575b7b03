// eval.c: what each operation computes, as functions: isa.def's meaning column at the widths 32 and 64.
//
// Called by the verifier's constant folding, by tests as the reference, and by engines off their fast path. Pure.
// Claim: no operand gives undefined behaviour; a 32-bit result has an upper half of zeros.
#include "isa/isa.h"

#include "base/bits.h"

// The names that the meaning column uses, per width.
static uint32_t alu32(pst_alu_op op, uint32_t a, uint32_t b)
{
    typedef uint32_t U;
    typedef int32_t S;
    enum { BITS = 32 };
    switch (op) {
#define X(name, code, off, text, group32, group64, meaning) \
    case PST_ALU_##name: return meaning;
        PST_ALU_LIST(X)
#undef X
    }
    PST_UNREACHABLE();
}

static uint64_t alu64(pst_alu_op op, uint64_t a, uint64_t b)
{
    typedef uint64_t U;
    typedef int64_t S;
    enum { BITS = 64 };
    switch (op) {
#define X(name, code, off, text, group32, group64, meaning) \
    case PST_ALU_##name: return meaning;
        PST_ALU_LIST(X)
#undef X
    }
    PST_UNREACHABLE();
}

uint64_t pst_alu_eval(pst_alu_op op, unsigned width, uint64_t a, uint64_t b)
{
    return width == 32 ? alu32(op, (uint32_t)a, (uint32_t)b) : alu64(op, a, b);
}

static uint64_t byte_swap(unsigned width, uint64_t a)
{
    switch (width) {
    case 16: return PST_BSWAP16((uint16_t)a);
    case 32: return PST_BSWAP32((uint32_t)a);
    default: return PST_BSWAP64(a);
    }
}

uint64_t pst_swap_eval(pst_swap_op op, unsigned width, uint64_t a)
{
    switch (op) {
    case PST_SWAP_LE: return a & pst_mask(width); // hosts are little-endian (base/bits.h)
    case PST_SWAP_BE:
    case PST_SWAP_BSWAP: return byte_swap(width, a);
    }
    PST_UNREACHABLE();
}

static bool jump32(pst_jump_op op, uint32_t a, uint32_t b)
{
    typedef int32_t S;
    switch (op) {
#define X(name, code, text, group32, group64, meaning) \
    case PST_JUMP_##name: return meaning;
        PST_JUMP_LIST(X)
#undef X
    }
    PST_UNREACHABLE();
}

static bool jump64(pst_jump_op op, uint64_t a, uint64_t b)
{
    typedef int64_t S;
    switch (op) {
#define X(name, code, text, group32, group64, meaning) \
    case PST_JUMP_##name: return meaning;
        PST_JUMP_LIST(X)
#undef X
    }
    PST_UNREACHABLE();
}

bool pst_jump_eval(pst_jump_op op, unsigned width, uint64_t a, uint64_t b)
{
    return width == 32 ? jump32(op, (uint32_t)a, (uint32_t)b) : jump64(op, a, b);
}
