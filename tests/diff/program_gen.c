// program_gen.c: see program_gen.h.
//
// Roles: r0 to r5, r7, r8 are data; r6 is the memory's address (a subprogram gets it in r1) and r10 the stack's; r9 counts loops. A unit is an instruction or a
// sequence that belongs together, so that a forward branch can skip units. Sequences that the fast interpreter fuses are
// generated on purpose, and more often than chance would.
#include "program_gen.h"

#include "interp/fusion.def"

#define UNITS_MAX 60
#define SUBPROGS 3

typedef struct gen {
    gen_source *source;
    pst_slot *slots;
    size_t count;
    unsigned level;     // of the subprogram that is being written: it calls only higher ones
    size_t calls[64];   // slots that call a subprogram not written yet; imm holds which
    size_t call_count;
    bool in_loop;
} gen;

static uint32_t next(gen *g, uint32_t limit)
{
    gen_source *s = g->source;
    if (s->bytes) {
        uint32_t value = 0;
        for (int i = 0; i < 2 && s->pos < s->size; i++) value = value << 8 | s->bytes[s->pos++];
        return value % limit;
    }
    s->seed ^= s->seed << 13;
    s->seed ^= s->seed >> 7;
    s->seed ^= s->seed << 17;
    return (uint32_t)(s->seed >> 32) % limit;
}

static void put(gen *g, unsigned opcode, unsigned dst, unsigned src, int off, int64_t imm)
{
    if (g->count < GEN_SLOTS_MAX)
        g->slots[g->count++] = (pst_slot){(uint8_t)opcode, (uint8_t)(dst | src << 4), (int16_t)off, (int32_t)(uint32_t)(uint64_t)imm};
}

static unsigned data_reg(gen *g)
{
    static const uint8_t regs[] = {0, 1, 2, 3, 4, 5, 7, 8};
    return regs[next(g, 8)];
}

static unsigned data_reg_but(gen *g, unsigned other)
{
    unsigned reg = data_reg(g);
    return reg != other ? reg : other == 0 ? 1 : 0;
}

static int32_t some_imm(gen *g)
{
    static const int32_t edges[] = {0, 1, -1, 2, 31, 32, 63, 64, 127, -128, 255, 0x7fff, -0x8000, INT32_MAX, INT32_MIN, 0x1234567};
    return next(g, 3) ? edges[next(g, 16)] : (int32_t)(next(g, 65536) << 16 | next(g, 65536));
}

// --- One instruction ------------------------------------------------------------------------------------------

static const struct {
    uint8_t code;
    int16_t off;
} alu_rows[] = {
#define X(name, code, off, ...) {code, off},
    PST_ALU_LIST(X)
#undef X
};
static const uint8_t jump_codes[] = {
#define X(name, code, ...) code,
    PST_JUMP_LIST(X)
#undef X
};
static const int32_t atomic_codes[] = {
#define X(name, imm, ...) imm,
    PST_ATOMIC_LIST(X)
#undef X
};

static bool is_movsx(unsigned row) { return row == PST_ALU_MOVSX8 || row == PST_ALU_MOVSX16 || row == PST_ALU_MOVSX32; }

static void put_alu(gen *g, unsigned row, bool wide, bool imm, unsigned dst, unsigned src)
{
    if (row == PST_ALU_MOVSX32) wide = true;
    if (is_movsx(row)) imm = false;
    if (row == PST_ALU_NEG) imm = true;
    unsigned opcode = (wide ? 7u : 4u) | (imm ? 0u : 8u) | alu_rows[row].code;
    put(g, opcode, dst, imm ? 0 : src, alu_rows[row].off, imm && row != PST_ALU_NEG ? some_imm(g) : 0);
}

static void put_some_alu(gen *g)
{
    put_alu(g, next(g, PST_ALU_ARSH + 1), next(g, 2), next(g, 2), data_reg(g), data_reg(g));
}

static void put_swap(gen *g)
{
    static const uint8_t opcodes[] = {0xd4, 0xdc, 0xd7};
    put(g, opcodes[next(g, 3)], data_reg(g), 0, 0, 16 << next(g, 3));
}

static void put_imm64(gen *g)
{
    put(g, 0x18, data_reg(g), 0, 0, some_imm(g));
    put(g, 0, 0, 0, 0, some_imm(g));
}

static const uint8_t size_bits[] = {0x10, 0x08, 0x00, 0x18};

// A base register and a displacement with size bytes of room, aligned if asked for.
static unsigned place(gen *g, unsigned size, bool aligned, int *off)
{
    bool stack = next(g, 3) == 0;
    uint32_t room = (stack ? GEN_STACK_SIZE : GEN_MEM_SIZE) - size + 1;
    uint32_t at = next(g, room);
    if (aligned) at -= at % size;
    *off = stack ? (int)at - (int)GEN_STACK_SIZE : (int)at;
    return stack ? 10 : 6;
}

static void put_load(gen *g, unsigned s, bool sign)
{
    int off;
    unsigned base = place(g, 1u << s, false, &off);
    put(g, 1u | size_bits[s] | (sign && s < 3 ? 0x80u : 0x60u), data_reg(g), base, off, 0);
}

static void put_store(gen *g, unsigned s, bool imm)
{
    int off;
    unsigned base = place(g, 1u << s, false, &off);
    put(g, (imm ? 2u : 3u) | size_bits[s] | 0x60u, base, imm ? 0 : data_reg(g), off, imm ? some_imm(g) : 0);
}

static void put_atomic(gen *g)
{
    int off;
    bool wide = next(g, 2);
    unsigned base = place(g, wide ? 8 : 4, true, &off);
    put(g, wide ? 0xdb : 0xc3, base, data_reg(g), off, atomic_codes[next(g, PST_ATOMIC_CMPXCHG + 1)] | (int32_t)next(g, 2));
}

static void put_ordered(gen *g)
{
    int off;
    unsigned s = next(g, 4), base = place(g, 1u << s, true, &off);
    if (next(g, 2)) put(g, 0xc3u | size_bits[s], data_reg(g), base, off, 0x100);
    else put(g, 0xc3u | size_bits[s], base, data_reg(g), off, 0x110);
}

// No program that a verifier accepts reads r1 to r5 after a call.
static void put_new_arguments(gen *g)
{
    for (unsigned reg = 1; reg <= 5; reg++) {
        if (next(g, 2)) put(g, 0xb7, reg, 0, 0, some_imm(g));
        else put(g, 0xbf, reg, next(g, 2) ? 0 : 7 + next(g, 2), 0, 0);
    }
}

static void put_helper(gen *g)
{
    put(g, 0x85, 0, 0, 0, 5);
    put_new_arguments(g);
}

static void put_subprog_call(gen *g)
{
    if (g->level >= SUBPROGS || g->call_count == 64 || g->in_loop) return;
    put(g, 0xbf, 1, 6, 0, 0);
    g->calls[g->call_count++] = g->count;
    put(g, 0x85, 0, 1, 0, (int)(g->level + 1 + next(g, SUBPROGS - g->level)));
    put_new_arguments(g);
}

// --- Sequences that are fused ---------------------------------------------------------------------------------

static void put_moved(gen *g)
{
    unsigned dst = data_reg(g), row = next(g, PST_ALU_ARSH + 1);
    bool wide = next(g, 2);
    put(g, wide || next(g, 2) ? 0xbf : 0xbc, dst, data_reg(g), 0, 0);
    put_alu(g, row, wide, next(g, 2), dst, data_reg(g));
}

static void put_shifted(gen *g)
{
    static const uint8_t rows[] = {PST_ALU_XOR, PST_ALU_ADD, PST_ALU_OR};
    bool wide = next(g, 2);
    unsigned t = data_reg(g), to = next(g, 8) ? data_reg_but(g, t) : t;
    put_alu(g, PST_ALU_MOV, wide, false, t, data_reg(g));
    put_alu(g, next(g, 2) ? PST_ALU_LSH : PST_ALU_RSH, wide, true, t, 0);
    put_alu(g, rows[next(g, 3)], wide, false, to, t);
}

static void put_rotate(gen *g)
{
    bool wide = next(g, 2), left_first = next(g, 2);
    unsigned o = data_reg(g), n = next(g, 8) ? data_reg_but(g, o) : o;
    bool into_new = next(g, 2);
    put_alu(g, PST_ALU_MOV, wide, false, n, o);
    put_alu(g, left_first ? PST_ALU_LSH : PST_ALU_RSH, wide, true, n, 0);
    put_alu(g, left_first ? PST_ALU_RSH : PST_ALU_LSH, wide, true, o, 0);
    put_alu(g, PST_ALU_OR, wide, false, into_new ? n : o, into_new ? o : n);
}

// Both halves of a rotate: of widths that add up to the register's, nearly always.
static void put_two_halves(gen *g)
{
    bool wide = next(g, 2), left_first = next(g, 2), keeps = next(g, 2);
    unsigned bits = wide ? 64 : 32, k = 1 + next(g, bits - 1), o = data_reg(g), t = data_reg_but(g, o), n = data_reg_but(g, o);
    unsigned code = wide ? 7 : 4, left = left_first ? k : bits - k;
    put(g, code | 0xb8, t, o, 0, 0);
    put(g, code | (left_first ? 0x60u : 0x70u), t, 0, 0, left_first ? left : bits - left);
    if (keeps) put(g, code | 0xb8, n, o, 0, 0);
    else n = o;
    put(g, code | (left_first ? 0x70u : 0x60u), n, 0, 0, left_first ? bits - left : left);
    put(g, (wide || next(g, 2) ? 7u : 4u) | (next(g, 2) ? 0x48u : 0xa8u), next(g, 2) ? n : t, next(g, 2) ? t : n, 0, 0);
    if (next(g, 3)) put(g, 0xb7, t, 0, 0, some_imm(g)); // the half that dies, or one that does not
}

// i &= 255; p = r6; p += i; access through p; p = 0, so that no address is left.
static void put_indexed(gen *g)
{
    unsigned i = data_reg(g), p = data_reg_but(g, i), s = next(g, 4), kind = next(g, 3);
    put(g, 0x57, i, 0, 0, 255);
    put(g, 0xbf, p, 6, 0, 0);
    put(g, 0x0f, p, i, 0, 0);
    if (kind == 0) put(g, 1u | size_bits[s] | 0x60u, next(g, 2) ? p : data_reg_but(g, p), p, (int)next(g, 200), 0);
    else put(g, (kind == 1 ? 3u : 2u) | size_bits[s] | 0x60u, p, kind == 1 ? data_reg_but(g, p) : 0, (int)next(g, 200), kind == 1 ? 0 : some_imm(g));
    put(g, 0xb7, p, 0, 0, 0);
}

// The pairs of fusion.def, by form and name.
typedef enum pair_form { F_ALU64_REG, F_ALU64_IMM, F_ALU32_REG, F_ALU32_IMM, F_LOAD, F_STORE, F_STORE_IMM, F_SWAP } pair_form;
enum {
#define X(name, ...) N_##name,
    PST_ALU_LIST(X)
#undef X
    N_8, N_16, N_32, N_64, N_BE16, N_BE32, N_BE64
};
static const uint8_t pairs[][4] = {
#define X(form, name, form2, name2) {F_##form, N_##name, F_##form2, N_##name2},
    FUSE_PAIR_LIST(X)
#undef X
};

static void put_form(gen *g, pair_form form, unsigned name)
{
    switch (form) {
    case F_ALU64_REG: put_alu(g, name, true, false, data_reg(g), data_reg(g)); break;
    case F_ALU64_IMM: put_alu(g, name, true, true, data_reg(g), 0); break;
    case F_ALU32_REG: put_alu(g, name, false, false, data_reg(g), data_reg(g)); break;
    case F_ALU32_IMM: put_alu(g, name, false, true, data_reg(g), 0); break;
    case F_LOAD: put_load(g, name - N_8, false); break;
    case F_STORE: put_store(g, name - N_8, false); break;
    case F_STORE_IMM: put_store(g, name - N_8, true); break;
    case F_SWAP: put(g, 0xdc, data_reg(g), 0, 0, 16 << (name - N_BE16)); break;
    }
}

static void put_pair(gen *g)
{
    const uint8_t *pair = pairs[next(g, sizeof pairs / sizeof pairs[0])];
    put_form(g, (pair_form)pair[0], pair[1]);
    put_form(g, (pair_form)pair[2], pair[3]);
}

// --- Units ----------------------------------------------------------------------------------------------------

static void put_straight(gen *g)
{
    switch (next(g, 16)) {
    case 0:
    case 1: put_some_alu(g); break;
    case 2: put_swap(g); break;
    case 3: put_imm64(g); break;
    case 4: put_load(g, next(g, 4), next(g, 2)); break;
    case 5: put_store(g, next(g, 4), next(g, 2)); break;
    case 6: put_atomic(g); break;
    case 7: put_ordered(g); break;
    case 8: put_helper(g); break;
    case 9: put_moved(g); break;
    case 10: put_shifted(g); break;
    case 11:
        if (next(g, 2)) put_two_halves(g);
        else put_rotate(g);
        break;
    case 12: put_indexed(g); break;
    case 13: put_subprog_call(g); break;
    default: put_pair(g); break;
    }
}

static void put_jump(gen *g, int off)
{
    bool imm = next(g, 2);
    unsigned opcode = (next(g, 2) ? 5u : 6u) | (imm ? 0u : 8u) | jump_codes[next(g, PST_JUMP_JSLE + 1)];
    put(g, opcode, data_reg(g), imm ? 0 : data_reg(g), off, imm ? some_imm(g) : 0);
}

// What fusion.def has in front of a branch, or nothing.
static void put_before_jump(gen *g)
{
    switch (next(g, 7)) {
    case 0: put_alu(g, PST_ALU_ADD, true, true, data_reg(g), 0); break;
    case 1: put_alu(g, PST_ALU_ADD, true, false, data_reg(g), data_reg(g)); break;
    case 2: put_alu(g, PST_ALU_MOV, true, false, data_reg(g), data_reg(g)); break;
    case 3: put_alu(g, PST_ALU_AND, false, true, data_reg(g), 0); break;
    case 4: put_load(g, 0, false); break;
    case 5: put_load(g, 2, false); break;
    default: break;
    }
}

// A branch over some units; or, inverted, over a jump over them.
static void put_branch(gen *g)
{
    bool inverted = next(g, 2);
    put_before_jump(g);
    size_t at = g->count;
    if (next(g, 12) == 0 && !inverted) put(g, 0xe5, 0, 0, 0, 0); // may_goto
    else put_jump(g, inverted ? 1 : 0);
    if (inverted) {
        at = g->count;
        put(g, next(g, 2) ? 0x05 : 0x06, 0, 0, 0, 0);
    }
    for (uint32_t units = next(g, 4); units > 0; units--) put_straight(g);
    if (at >= GEN_SLOTS_MAX) return;
    int32_t distance = (int32_t)(g->count - at - 1);
    if (g->slots[at].opcode == 0x06) g->slots[at].imm = distance;
    else g->slots[at].off = (int16_t)distance;
}

// r9 = n; units; r9 -= 1; if r9 != 0 goto units: in the two shapes that compilers write.
static void put_loop(gen *g)
{
    if (g->in_loop) return;
    g->in_loop = true;
    put(g, 0xb7, 9, 0, 0, 1 + next(g, 8));
    size_t top = g->count;
    for (uint32_t units = next(g, 5); units > 0; units--) put_straight(g);
    put(g, 0x07, 9, 0, 0, -1);
    if (next(g, 2)) {
        put(g, 0x55, 9, 0, (int)((int64_t)top - (int64_t)g->count - 1), 0);
    } else {
        put(g, 0x15, 9, 0, 1, 0);
        put(g, 0x05, 0, 0, (int)((int64_t)top - (int64_t)g->count - 1), 0);
    }
    g->in_loop = false;
}

static void put_units(gen *g, uint32_t units)
{
    for (; units > 0 && g->count < GEN_SLOTS_MAX / 2; units--) {
        uint32_t kind = next(g, 8);
        if (kind == 0) put_loop(g);
        else if (kind < 3) put_branch(g);
        else put_straight(g);
    }
}

// The stack area holds known bytes, and no register an address.
static void put_prologue(gen *g)
{
    for (unsigned at = 8; at <= GEN_STACK_SIZE; at += 8) put(g, 0x7a, 10, 0, -(int)at, some_imm(g));
    put(g, 0xbf, 6, 1, 0, 0);
    for (unsigned reg = 0; reg < 10; reg++) // r2 to r5 of a subprogram are its arguments
        if (reg != 6 && (g->level == 0 || reg < 2 || reg > 5)) put(g, 0xb7, reg, 0, 0, some_imm(g));
}

static void put_epilogue(gen *g)
{
    for (unsigned reg = 1; reg < 10; reg++) {
        if (reg == 6) continue;
        put(g, 0x27, 0, 0, 0, 31);
        put(g, 0x0f, 0, reg, 0, 0);
    }
    put(g, 0x95, 0, 0, 0, 0);
}

static void patch_calls(gen *g, const size_t *starts)
{
    for (size_t i = 0; i < g->call_count; i++) {
        pst_slot *call = &g->slots[g->calls[i]];
        call->imm = (int32_t)((int64_t)starts[call->imm] - (int64_t)g->calls[i] - 1);
    }
}

size_t gen_program(gen_source *source, pst_slot *slots)
{
    gen g = {.source = source, .slots = slots};
    size_t starts[SUBPROGS + 1];
    if (!source->bytes && source->seed == 0) source->seed = 1;
    for (g.level = 0; g.level <= SUBPROGS; g.level++) {
        starts[g.level] = g.count;
        put_prologue(&g);
        put_units(&g, g.level == 0 ? 4 + next(&g, UNITS_MAX) : next(&g, 12));
        put_epilogue(&g);
    }
    patch_calls(&g, starts);
    return g.count;
}
