// fast_loop.h: the handlers of the fast interpreter. fast.c and fast_switch.c compile it, each with its own dispatch.
//
// Before including it define LOOP_NAME. PST_COMPUTED_GOTO (compiler.h) chooses labels as values; without it the same
// handlers are cases of a switch.
//
// Invariant: the program is proved, so nothing is checked that a proof covers. Registers live in r[]; a handler reads its
// operands through pc, does its work and dispatches the next one itself, so that each has its own indirect jump to predict.
// Legend: FORM(NAME, i) does the work of the instruction at pc[i]; a handler is one such body, or several, and the step to the next.
#include "interp/code.h"
#include "interp/shared.h"

typedef struct loop_frame {
    const fast_code *pc; // of the call
    uint64_t r6, r7, r8, r9;
} loop_frame;

// isa.def's meanings as functions, so that any handler can use any of them.
#define X(name, code, off, text, group32, group64, meaning)      \
    PST_INLINE uint64_t alu64_##name(uint64_t a, uint64_t b)     \
    {                                                            \
        typedef uint64_t U PST_UNUSED;                           \
        typedef int64_t S PST_UNUSED;                            \
        enum { BITS = 64 };                                      \
        (void)a, (void)b;                                        \
        return meaning;                                          \
    }                                                            \
    PST_INLINE uint32_t alu32_##name(uint32_t a, uint32_t b)     \
    {                                                            \
        typedef uint32_t U PST_UNUSED;                           \
        typedef int32_t S PST_UNUSED;                            \
        enum { BITS = 32 };                                      \
        (void)a, (void)b;                                        \
        return meaning;                                          \
    }
PST_ALU_LIST(X)
#undef X
#define X(name, code, text, group32, group64, meaning)           \
    PST_INLINE bool jump64_##name(uint64_t a, uint64_t b)        \
    {                                                            \
        typedef int64_t S PST_UNUSED;                            \
        return meaning;                                          \
    }                                                            \
    PST_INLINE bool jump32_##name(uint32_t a, uint32_t b)        \
    {                                                            \
        typedef int32_t S PST_UNUSED;                            \
        return meaning;                                          \
    }
PST_JUMP_LIST(X)
#undef X

#ifdef PST_COMPUTED_GOTO
#define HANDLER(name) name
#define DISPATCH() goto *pc->label
#else
#define HANDLER(name) case FAST_##name
#define DISPATCH() goto dispatch
#endif
#define NEXT(slots)      \
    do {                 \
        pc += (slots);   \
        DISPATCH();      \
    } while (0)
// To the instruction distance slots after pc[i + 1].
#define GO(i, distance)                                                                              \
    do {                                                                                             \
        pc = (const fast_code *)(const void *)((const char *)(pc + (i) + 1) + (int64_t)(distance) * 16); \
        DISPATCH();                                                                                  \
    } while (0)

// Operands of the instruction at pc[i].
#define DST(i) r[pc[i].dst]
#define SRC(i) r[pc[i].src]
#define IMM(i) ((uint64_t)(int64_t)pc[i].imm)
#define OFF(i) ((uint64_t)(int64_t)pc[i].off)
#define AT(address) ((void *)(uintptr_t)(address))

// The low half of a register as it is in memory, so that the compiler reads four bytes.
#define ALU64_REG(name, i) DST(i) = alu64_##name(DST(i), SRC(i))
#define ALU64_IMM(name, i) DST(i) = alu64_##name(DST(i), IMM(i))
#define ALU32_REG(name, i) DST(i) = alu32_##name((uint32_t)DST(i), (uint32_t)SRC(i))
#define ALU32_IMM(name, i) DST(i) = alu32_##name((uint32_t)DST(i), (uint32_t)pc[i].imm)
#define TAKEN_JUMP64_REG(name, i) jump64_##name(DST(i), SRC(i))
#define TAKEN_JUMP64_IMM(name, i) jump64_##name(DST(i), IMM(i))
#define TAKEN_JUMP32_REG(name, i) jump32_##name((uint32_t)DST(i), (uint32_t)SRC(i))
#define TAKEN_JUMP32_IMM(name, i) jump32_##name((uint32_t)DST(i), (uint32_t)pc[i].imm)

#define LOAD_OF_8(p) (*(const uint8_t *)(p))
#define LOAD_OF_16(p) pst_load16(p)
#define LOAD_OF_32(p) pst_load32(p)
#define LOAD_OF_64(p) pst_load64(p)
#define LOAD_OF_S8(p) (uint64_t)(int64_t)(*(const int8_t *)(p))
#define LOAD_OF_S16(p) (uint64_t)(int64_t)(int16_t)pst_load16(p)
#define LOAD_OF_S32(p) (uint64_t)(int64_t)(int32_t)pst_load32(p)
#define STORE_OF_8(p, v) (*(uint8_t *)(p) = (uint8_t)(v))
#define STORE_OF_16(p, v) pst_store16(p, (uint16_t)(v))
#define STORE_OF_32(p, v) pst_store32(p, (uint32_t)(v))
#define STORE_OF_64(p, v) pst_store64(p, v)
#define LOAD(name, i) DST(i) = LOAD_OF_##name(AT(SRC(i) + OFF(i)))
#define STORE(name, i) STORE_OF_##name(AT(DST(i) + OFF(i)), SRC(i))
#define STORE_IMM(name, i) STORE_OF_##name(AT(DST(i) + OFF(i)), IMM(i))
// An ordered or atomic access that is not aligned is the program's fault; the proof excludes it.
#define UNSIGNED_8 uint8_t
#define UNSIGNED_16 uint16_t
#define UNSIGNED_32 uint32_t
#define UNSIGNED_64 uint64_t
#define ACQUIRE(name, i) DST(i) = PST_ATOMIC_LOAD((const UNSIGNED_##name *)AT(SRC(i) + OFF(i)))
#define RELEASE(name, i) PST_ATOMIC_STORE((UNSIGNED_##name *)AT(DST(i) + OFF(i)), (UNSIGNED_##name)SRC(i))
#define SWAP_OF_LE16(a) (uint16_t)(a)
#define SWAP_OF_LE32(a) (uint32_t)(a)
#define SWAP_OF_LE64(a) (a)
#define SWAP_OF_BE16(a) PST_BSWAP16((uint16_t)(a))
#define SWAP_OF_BE32(a) PST_BSWAP32((uint32_t)(a))
#define SWAP_OF_BE64(a) PST_BSWAP64(a)
#define SWAP(name, i) DST(i) = SWAP_OF_##name(DST(i))

#define ATOMIC_RUN64(name) interp_atomic64(PST_ATOMIC_##name, AT(DST(0) + OFF(0)), SRC(0), r[0])
#define ATOMIC_RUN32(name) interp_atomic32(PST_ATOMIC_##name, AT(DST(0) + OFF(0)), (uint32_t)SRC(0), (uint32_t)r[0])
#define FETCHED(name) *(PST_ATOMIC_##name == PST_ATOMIC_CMPXCHG ? &r[0] : &SRC(0))

// A branch dispatches in two places instead of selecting a pc: the machine then predicts it instead of waiting for its operands.
#define BRANCH(form, name, i)                             \
    do {                                                  \
        if (TAKEN_##form(name, i)) GO(i, pc[i].off);      \
        NEXT((i) + 1);                                    \
    } while (0)
// The same where a jump follows.
#define BRANCH_ELSE(form, name, i)                        \
    do {                                                  \
        if (TAKEN_##form(name, i)) GO(i, pc[i].off);      \
        GO((i) + 1, pc[(i) + 1].imm);                     \
    } while (0)

#define FAIL(trap_code)                                                                        \
    do {                                                                                       \
        run->trap = (pst_trap){.code = (trap_code), .pc = (uint32_t)(pc - prog->code)};        \
        return 0;                                                                              \
    } while (0)

// A function as table expansions: its length is that of isa.def.
uint64_t LOOP_NAME(const fast_program *prog, pst_run *run, uint8_t *stack, fast_start *start)
{
#ifdef PST_COMPUTED_GOTO
    static const void *const addresses[FAST_OP_COUNT] = {
#define OP(label) &&label,
#include "interp/fast_ops.def"
    };
    if (start && !start->pc) {
        start->labels = addresses;
        return 0;
    }
#else
    if (start && !start->pc) {
        start->labels = NULL;
        return 0;
    }
#endif
    uint64_t r[PST_REG_COUNT] = {0};
    loop_frame frames[PST_FRAMES_MAX - 1];
    unsigned depth = 0; // within this loop
    const unsigned frames_below = start ? start->depth : 0;
    uint32_t may_goto_left = PST_MAY_GOTO_MAX;
    const fast_code *pc = prog->code, *target;
    r[1] = (uint64_t)(uintptr_t)run->ctx;
    r[2] = run->ctx_size;
    r[PST_REG_FP] = (uint64_t)(uintptr_t)stack + PST_FRAME_BYTES;
    if (start) {
        pc = start->pc;
        memcpy(&r[1], start->args, sizeof start->args);
    }

#ifdef PST_COMPUTED_GOTO
    DISPATCH();
#else
    uintptr_t op;
dispatch:
    op = pc->op;
again:
    switch ((fast_op)op) {
#endif

#define X(name, ...)                                                   \
    HANDLER(ALU64_REG_##name) : { ALU64_REG(name, 0); NEXT(1); }       \
    HANDLER(ALU64_IMM_##name) : { ALU64_IMM(name, 0); NEXT(1); }       \
    HANDLER(ALU32_REG_##name) : { ALU32_REG(name, 0); NEXT(1); }       \
    HANDLER(ALU32_IMM_##name) : { ALU32_IMM(name, 0); NEXT(1); }       \
    HANDLER(MOVED_ALU64_REG_##name) : { DST(0) = alu64_##name(SRC(0), SRC(1)); NEXT(2); }                              \
    HANDLER(MOVED_ALU64_IMM_##name) : { DST(0) = alu64_##name(SRC(0), IMM(1)); NEXT(2); }                              \
    HANDLER(MOVED_ALU32_REG_##name) : { DST(0) = alu32_##name((uint32_t)SRC(0), (uint32_t)SRC(1)); NEXT(2); }          \
    HANDLER(MOVED_ALU32_IMM_##name) : { DST(0) = alu32_##name((uint32_t)SRC(0), (uint32_t)pc[1].imm); NEXT(2); }
    PST_ALU_LIST(X)
#undef X

#define X(name, ...)                                                                          \
    HANDLER(JUMP64_REG_##name) : BRANCH(JUMP64_REG, name, 0);                                 \
    HANDLER(JUMP64_IMM_##name) : BRANCH(JUMP64_IMM, name, 0);                                 \
    HANDLER(JUMP32_REG_##name) : BRANCH(JUMP32_REG, name, 0);                                 \
    HANDLER(JUMP32_IMM_##name) : BRANCH(JUMP32_IMM, name, 0);                                 \
    HANDLER(ELSE_JUMP64_REG_##name) : BRANCH_ELSE(JUMP64_REG, name, 0);                       \
    HANDLER(ELSE_JUMP64_IMM_##name) : BRANCH_ELSE(JUMP64_IMM, name, 0);                       \
    HANDLER(ELSE_JUMP32_REG_##name) : BRANCH_ELSE(JUMP32_REG, name, 0);                       \
    HANDLER(ELSE_JUMP32_IMM_##name) : BRANCH_ELSE(JUMP32_IMM, name, 0);                       \
    HANDLER(ADD_ELSE_JUMP64_REG_##name) : { ALU64_IMM(ADD, 0); BRANCH_ELSE(JUMP64_REG, name, 1); } \
    HANDLER(ADD_ELSE_JUMP64_IMM_##name) : { ALU64_IMM(ADD, 0); BRANCH_ELSE(JUMP64_IMM, name, 1); } \
    HANDLER(ADD_ELSE_JUMP32_REG_##name) : { ALU64_IMM(ADD, 0); BRANCH_ELSE(JUMP32_REG, name, 1); } \
    HANDLER(ADD_ELSE_JUMP32_IMM_##name) : { ALU64_IMM(ADD, 0); BRANCH_ELSE(JUMP32_IMM, name, 1); }
    PST_JUMP_LIST(X)
#undef X

#define X(name, ...)                                                                  \
    HANDLER(ATOMIC64_##name) : { (void)ATOMIC_RUN64(name); NEXT(1); }                 \
    HANDLER(ATOMIC64_FETCH_##name) : { FETCHED(name) = ATOMIC_RUN64(name); NEXT(1); } \
    HANDLER(ATOMIC32_##name) : { (void)ATOMIC_RUN32(name); NEXT(1); }                 \
    HANDLER(ATOMIC32_FETCH_##name) : { FETCHED(name) = ATOMIC_RUN32(name); NEXT(1); }
    PST_ATOMIC_LIST(X)
#undef X

#define X(form, name) HANDLER(form##_##name) : { form(name, 0); NEXT(1); }
    FAST_ACCESS_LIST(X)
#undef X
#define X(form, name, form2, name2) \
    HANDLER(form##_##name##__##form2##_##name2) : { form(name, 0); form2(name2, 1); NEXT(2); }
    FUSE_PAIR_LIST(X)
#undef X
#define X(form, name, form2, name2) \
    HANDLER(form##_##name##__##form2##_##name2) : { form(name, 0); BRANCH(form2, name2, 1); }
    FUSE_BRANCH_LIST(X)
#undef X
#define X(width, shift, then)                                                                   \
    HANDLER(SHIFTED##width##_##shift##_##then) : {                                              \
        const uint##width##_t shifted = alu##width##_##shift((uint##width##_t)SRC(0), (uint##width##_t)IMM(1)); \
        DST(2) = alu##width##_##then((uint##width##_t)DST(2), shifted);                         \
        DST(0) = shifted;                                                                       \
        NEXT(3);                                                                                \
    }
    FUSE_SHIFTED_LIST(X)
#undef X
#define X(width, first, second, into)                                                           \
    HANDLER(ROTATE##width##_##first##_##second##_##into) : {                                    \
        const uint##width##_t whole = (uint##width##_t)SRC(0);                                  \
        const uint##width##_t NEW = alu##width##_##first(whole, (uint##width##_t)IMM(1));       \
        const uint##width##_t OLD = alu##width##_##second(whole, (uint##width##_t)IMM(2));      \
        DST(0) = NEW;                                                                           \
        SRC(0) = OLD;                                                                           \
        DST(3) = NEW | OLD;                                                                     \
        NEXT(4);                                                                                \
    }
    FUSE_ROTATE_LIST(X)
#undef X
#define INDEXED_LOAD(name) DST(2) = LOAD_OF_##name(AT(address + OFF(2)))
#define INDEXED_STORE(name) STORE_OF_##name(AT(address + OFF(2)), SRC(2))
#define INDEXED_STORE_IMM(name) STORE_OF_##name(AT(address + OFF(2)), IMM(2))
#define X(form, name)                                           \
    HANDLER(INDEXED_##form##_##name) : {                        \
        const uint64_t address = SRC(0) + SRC(1);               \
        DST(0) = address;                                       \
        INDEXED_##form(name);                                   \
        NEXT(3);                                                \
    }
    FUSE_INDEXED_LIST(X)
#undef X

    HANDLER(IMM64) : {
        DST(0) = pc[1].wide;
        NEXT(2);
    }
    HANDLER(LEGACY_ABS) : {
        if (!interp_legacy_load(&prog->bindings, run, (unsigned)pc->off, IMM(0), &r[0])) return 0;
        NEXT(1);
    }
    HANDLER(LEGACY_IND) : {
        if (!interp_legacy_load(&prog->bindings, run, (unsigned)pc->off, SRC(0) + IMM(0), &r[0])) return 0;
        NEXT(1);
    }
    HANDLER(CTX_LOAD) : {
        unsigned bits = (unsigned)(pc->off < 0 ? -pc->off : pc->off);
        uint64_t value = 0;
        if (!pst_ctx_read(prog->bindings.type, run->ctx, (uint32_t)pc->imm, bits / 8, &value)) FAIL(PST_TRAP_CONTEXT);
        DST(0) = pc->off < 0 ? (uint64_t)pst_sign_extend(value, bits) : value;
        NEXT(1);
    }
    HANDLER(CTX_STORE) : {
        if (!pst_ctx_write(prog->bindings.type, run->ctx, (uint32_t)pc->imm, (uint32_t)pc->off / 8, SRC(0))) FAIL(PST_TRAP_CONTEXT);
        NEXT(1);
    }
    HANDLER(CTX_STORE_IMM) : {
        if (!pst_ctx_write(prog->bindings.type, run->ctx, (uint16_t)pc->off, pc->dst / 8u, IMM(0))) FAIL(PST_TRAP_CONTEXT);
        NEXT(1);
    }

    HANDLER(JUMP) : GO(0, pc->imm);
    HANDLER(MAY_GOTO) : {
        if (may_goto_left == 0) GO(0, pc->off);
        may_goto_left--;
        NEXT(1);
    }
    HANDLER(METERED_JUMP) : { // rare: what it does is not worth a handler for each form
        const pst_insn *insn = &prog->exec.image->insns[pc - prog->code];
        if (run->turns >= prog->meter_turns) FAIL(PST_TRAP_BUDGET);
        run->turns++;
        if (fast_metered_taken(insn, r)) GO(0, insn->target);
        NEXT(1);
    }
    HANDLER(WAIT) : {
        const fast_code *behind = &prog->waiting[pc - prog->code];
        PST_GUESS_BARRIER();
#ifdef PST_COMPUTED_GOTO
        goto *behind->label;
#else
        op = behind->op;
        goto again;
#endif
    }
    HANDLER(CALL_HELPER) : {
        const pst_helper_fn fn = (pst_helper_fn)(uintptr_t)pc->wide;
        r[0] = fn(r[1], r[2], r[3], r[4], r[5], run);
        NEXT(1);
    }
    HANDLER(CALL_BACK_HELPER) : {
        r[0] = fast_call_back_helper(prog, run, r, (pst_helper_fn)(uintptr_t)pc->wide, frames_below + depth);
        if (run->trap.code != PST_TRAP_NONE) return 0;
        NEXT(1);
    }
    HANDLER(CALL_SUBPROG) : {
        target = pc + 1 + (ptrdiff_t)pc->imm;
    enter:
        if (frames_below + depth == PST_FRAMES_MAX - 1) FAIL(PST_TRAP_DEPTH);
        frames[depth++] = (loop_frame){pc, r[6], r[7], r[8], r[9]};
        r[PST_REG_FP] += PST_FRAME_BYTES;
        pc = target;
        DISPATCH();
    }
    HANDLER(CALL_REGISTER) : {
        const pst_subprog *sub = interp_func(prog->exec.image, DST(0));
        if (sub) {
            target = prog->code + sub->start;
            goto enter;
        }
        const pst_helper *helper = interp_helper(&prog->bindings, (int64_t)DST(0));
        if (!helper || !helper->fn || helper->proto->flags & PST_HELPER_CALLBACK) FAIL(PST_TRAP_CALL);
        r[0] = helper->fn(r[1], r[2], r[3], r[4], r[5], run);
        NEXT(1);
    }
    HANDLER(TAIL_CALL) : {
        const bool nested = depth > 0 || start;
        const pst_exec *next = interp_tail_target(&prog->bindings, run, r[2], r[3], nested);
        if (!next) NEXT(1);
        if (!nested) {
            run->tail_next = next;
            return 0;
        }
        r[0] = fast_tail_nested(next, run);
        if (run->trap.code != PST_TRAP_NONE) return 0;
        goto leave;
    }
    HANDLER(EXIT) : {
    leave:
        if (depth == 0) return r[0];
        depth--;
        r[6] = frames[depth].r6;
        r[7] = frames[depth].r7;
        r[8] = frames[depth].r8;
        r[9] = frames[depth].r9;
        r[PST_REG_FP] -= PST_FRAME_BYTES;
        pc = frames[depth].pc;
        NEXT(1);
    }
    HANDLER(TRAP_HELPER) : FAIL(PST_TRAP_HELPER);
    HANDLER(TRAP_CONTEXT) : FAIL(PST_TRAP_CONTEXT);

#ifndef PST_COMPUTED_GOTO
    case FAST_OP_COUNT: break;
    }
    PST_UNREACHABLE();
#endif
}
