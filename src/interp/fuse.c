// fuse.c: which instructions in a row have one handler in the fast interpreter.
//
// Called by fast.c for each instruction. The instruction after a fused one keeps its own handler, so it does not matter whether something
// jumps there, and only straight sequences need to be looked at. Longer ones first.
#include "interp/code.h"

#define PAIR(a, b) ((unsigned)(a) << 16 | (unsigned)(b))

static bool is_move64(fast_op op) { return op == FAST_ALU64_REG_MOV; }
static bool is_move32(fast_op op) { return op == FAST_ALU32_REG_MOV; }

// Position of op's row and form among the four-form ops that start at first.
static bool row_of(fast_op op, fast_op first, unsigned rows, unsigned *at)
{
    *at = (unsigned)op - (unsigned)first;
    return op >= first && *at < rows * FAST_FORMS;
}

#define X(...) +1
enum { ALU_ROWS = 0 PST_ALU_LIST(X), JUMP_ROWS = 0 PST_JUMP_LIST(X) };
#undef X

static fast_op fuse_pair(const fast_op *ops)
{
    switch (PAIR(ops[0], ops[1])) {
#define X(form, name, form2, name2) \
    case PAIR(FAST_##form##_##name, FAST_##form2##_##name2): return FAST_##form##_##name##__##form2##_##name2;
        FUSE_PAIR_LIST(X)
        FUSE_BRANCH_LIST(X)
#undef X
    default: return ops[0];
    }
}

// dst = src; dst op= operand. The operand is read before dst is written, so it must not be dst itself.
static fast_op fuse_moved(const fast_op *ops, const fast_code *code)
{
    unsigned row;
    if (!row_of(ops[1], FAST_ALU64_REG_ADD, ALU_ROWS, &row) || code[1].dst != code[0].dst) return ops[0];
    bool narrow = (row & FAST_FORM_32) != 0, imm = (row & FAST_FORM_IMM) != 0;
    if (!imm && code[1].src == code[0].dst) return ops[0];
    // A 32-bit operation takes the low half only, so a move of either width will do before it.
    if (!is_move64(ops[0]) && !(narrow && is_move32(ops[0]))) return ops[0];
    return (fast_op)(FAST_MOVED_ALU64_REG_ADD + row);
}

static fast_op fuse_else(const fast_op *ops, fast_op first)
{
    unsigned row;
    bool branch = row_of(ops[0], FAST_JUMP64_REG_JEQ, JUMP_ROWS, &row);
    return branch && ops[1] == FAST_JUMP ? (fast_op)(first + row) : ops[0];
}

// t = b; t shift= n; a op= t
static fast_op fuse_shifted(const fast_op *ops, const fast_code *code)
{
    bool chain = code[1].dst == code[0].dst && code[2].src == code[0].dst && code[2].dst != code[0].dst;
    if (!chain) return ops[0];
#define X(width, shift, then)                                                                                          \
    if (ops[0] == FAST_ALU##width##_REG_MOV && ops[1] == FAST_ALU##width##_IMM_##shift && ops[2] == FAST_ALU##width##_REG_##then) \
        return FAST_SHIFTED##width##_##shift##_##then;
    FUSE_SHIFTED_LIST(X)
#undef X
    return ops[0];
}

// n = o; n first= i; o second= j; then one |= the other
static fast_op fuse_rotate(const fast_op *ops, const fast_code *code)
{
    uint8_t n = code[0].dst, o = code[0].src;
    if (n == o || code[1].dst != n || code[2].dst != o) return ops[0];
    bool into_new = code[3].dst == n && code[3].src == o, into_old = code[3].dst == o && code[3].src == n;
    bool NEW = into_new, OLD = into_old;
#define X(width, first, second, into)                                                                        \
    if (into && ops[0] == FAST_ALU##width##_REG_MOV && ops[1] == FAST_ALU##width##_IMM_##first &&              \
        ops[2] == FAST_ALU##width##_IMM_##second && ops[3] == FAST_ALU##width##_REG_OR)                        \
        return FAST_ROTATE##width##_##first##_##second##_##into;
    FUSE_ROTATE_LIST(X)
#undef X
    return ops[0];
}

// p = a; p += i; access through p. What is stored must not be p.
static fast_op fuse_indexed(const fast_op *ops, const fast_code *code)
{
    uint8_t p = code[0].dst;
    if (!is_move64(ops[0]) || ops[1] != FAST_ALU64_REG_ADD || code[1].dst != p || code[1].src == p) return ops[0];
    switch (ops[2]) {
#define LOAD_BASE code[2].src
#define STORE_BASE code[2].dst
#define STORE_IMM_BASE code[2].dst
#define X(form, name) \
    case FAST_##form##_##name: return form##_BASE == p ? FAST_INDEXED_##form##_##name : ops[0];
        FUSE_INDEXED_LIST(X)
#undef X
    default: return ops[0];
    }
}

fast_op fast_fuse(const fast_op *ops, const fast_code *code, uint32_t count, uint32_t pc)
{
    uint32_t left = count - pc;
    ops += pc;
    code += pc;
    fast_op fused = ops[0];
    if (left >= 4) fused = fuse_rotate(ops, code);
    if (left >= 3 && fused == ops[0]) fused = fuse_shifted(ops, code);
    if (left >= 3 && fused == ops[0]) fused = fuse_indexed(ops, code);
    if (left >= 3 && fused == ops[0] && ops[0] == FAST_ALU64_IMM_ADD) {
        fast_op branch = fuse_else(ops + 1, FAST_ADD_ELSE_JUMP64_REG_JEQ);
        if (branch != ops[1]) fused = branch;
    }
    if (left >= 2 && fused == ops[0]) fused = fuse_moved(ops, code);
    if (left >= 2 && fused == ops[0]) fused = fuse_else(ops, FAST_ELSE_JUMP64_REG_JEQ);
    if (left >= 2 && fused == ops[0]) fused = fuse_pair(ops);
    return fused;
}
