// fast_loop.h: the handlers of the fast interpreter. fast.c and fast_switch.c compile it, each with its own dispatch.
//
// Before including it define LOOP_NAME. PST_COMPUTED_GOTO (compiler.h) chooses labels as values; without it the same
// handlers are cases of a switch.
//
// Invariant: the program is proved, so nothing is checked that a proof covers. Registers live in r[]; a handler reads its
// operands through pc, does its work and dispatches the next one itself, so that each has its own indirect jump to predict.
#include "interp/code.h"
#include "interp/shared.h"

typedef struct loop_frame {
    const fast_code *pc; // of the call
    uint64_t r6, r7, r8, r9;
} loop_frame;

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

#define DST r[pc->dst]
#define SRC r[pc->src]
#define ADDRESS(base) ((void *)(uintptr_t)((base) + (uint64_t)(int64_t)pc->off))
#define FAIL(trap_code, at)                                                       \
    do {                                                                          \
        run->trap = (pst_trap){.code = (trap_code), .pc = (uint32_t)((at) - prog->code)}; \
        return 0;                                                                 \
    } while (0)

// The names that isa.def's meaning column uses, per width.
#define MEANING32(x, y) typedef uint32_t U PST_UNUSED; typedef int32_t S PST_UNUSED; enum { BITS = 32 }; \
    const U a PST_UNUSED = (U)(x), b PST_UNUSED = (U)(y)
#define MEANING64(x, y) typedef uint64_t U PST_UNUSED; typedef int64_t S PST_UNUSED; enum { BITS = 64 }; \
    const U a PST_UNUSED = (U)(x), b PST_UNUSED = (U)(y)
#define IMM ((int64_t)pc->imm)
#define SET_DST(meaning)             \
    do {                             \
        const U result_ = (meaning); \
        DST = result_;               \
    } while (0)

// type: what the bytes are; the conversion to 64 bits extends its sign if it has one.
#define LOAD(name, type, access)                               \
    HANDLER(name) : {                                          \
        DST = (uint64_t)(int64_t)(type)access(ADDRESS(SRC));   \
        NEXT(1);                                               \
    }
#define STORE(name, type, access, value)                       \
    HANDLER(name) : {                                          \
        access(ADDRESS(DST), (type)(value));                   \
        NEXT(1);                                               \
    }
#define SWAP(name, expression)                                 \
    HANDLER(name) : {                                          \
        const uint64_t a = DST;                                \
        DST = (expression);                                    \
        NEXT(1);                                               \
    }
#define LOAD8(p) (*(const uint8_t *)(p))
#define STORE8(p, v) (*(uint8_t *)(p) = (v))
// An unaligned ordered access is the program's fault; the proof excludes it.
#define ACQUIRE(name, type)                                    \
    HANDLER(name) : {                                          \
        DST = PST_ATOMIC_LOAD((const type *)ADDRESS(SRC));     \
        NEXT(1);                                               \
    }
#define RELEASE(name, type)                                    \
    HANDLER(name) : {                                          \
        PST_ATOMIC_STORE((type *)ADDRESS(DST), (type)SRC);     \
        NEXT(1);                                               \
    }

// A function as a table expansion: its length is that of isa.def.
uint64_t LOOP_NAME(const fast_program *prog, pst_run *run, uint8_t *stack, const void *const **labels)
{
#ifdef PST_COMPUTED_GOTO
    static const void *const addresses[FAST_OP_COUNT] = {
#define X(name, ...) &&ALU64_REG_##name, &&ALU64_IMM_##name, &&ALU32_REG_##name, &&ALU32_IMM_##name,
        PST_ALU_LIST(X)
#undef X
#define X(name, ...) &&JUMP64_REG_##name, &&JUMP64_IMM_##name, &&JUMP32_REG_##name, &&JUMP32_IMM_##name,
        PST_JUMP_LIST(X)
#undef X
#define X(name, ...) &&ATOMIC64_##name, &&ATOMIC64_FETCH_##name, &&ATOMIC32_##name, &&ATOMIC32_FETCH_##name,
        PST_ATOMIC_LIST(X)
#undef X
#define X(name) &&name,
        FAST_PLAIN_LIST(X)
#undef X
    };
    if (labels) {
        *labels = addresses;
        return 0;
    }
#else
    if (labels) {
        *labels = NULL;
        return 0;
    }
#endif
    uint64_t r[PST_REG_COUNT] = {0};
    loop_frame frames[PST_FRAMES_MAX - 1];
    unsigned depth = 0;
    uint32_t may_goto_left = PST_MAY_GOTO_MAX;
    const fast_code *pc = prog->code;
    r[1] = (uint64_t)(uintptr_t)run->ctx;
    r[2] = run->ctx_size;
    r[PST_REG_FP] = (uint64_t)(uintptr_t)stack + PST_FRAME_BYTES;

#ifdef PST_COMPUTED_GOTO
    DISPATCH();
#else
dispatch:
    switch ((fast_op)pc->op) {
#endif

#define X(name, code, off_, text, group32, group64, meaning)                       \
    HANDLER(ALU64_REG_##name) : { MEANING64(DST, SRC); SET_DST(meaning); NEXT(1); } \
    HANDLER(ALU64_IMM_##name) : { MEANING64(DST, IMM); SET_DST(meaning); NEXT(1); } \
    HANDLER(ALU32_REG_##name) : { MEANING32(DST, SRC); SET_DST(meaning); NEXT(1); } \
    HANDLER(ALU32_IMM_##name) : { MEANING32(DST, IMM); SET_DST(meaning); NEXT(1); }
    PST_ALU_LIST(X)
#undef X

    // Two dispatches, not a selected pc: the machine then predicts the branch instead of waiting for its operands.
#define BRANCH(meaning, distance)         \
    if (meaning) NEXT(1 + (distance));    \
    NEXT(1)
#define X(name, code, text, group32, group64, meaning)                                 \
    HANDLER(JUMP64_REG_##name) : { MEANING64(DST, SRC); BRANCH(meaning, pc->off); }    \
    HANDLER(JUMP64_IMM_##name) : { MEANING64(DST, IMM); BRANCH(meaning, pc->off); }    \
    HANDLER(JUMP32_REG_##name) : { MEANING32(DST, SRC); BRANCH(meaning, pc->off); }    \
    HANDLER(JUMP32_IMM_##name) : { MEANING32(DST, IMM); BRANCH(meaning, pc->off); }
    PST_JUMP_LIST(X)
#undef X

#define FETCHED(name) *(PST_ATOMIC_##name == PST_ATOMIC_CMPXCHG ? &r[0] : &SRC)
#define X(name, ...)                                                                                              \
    HANDLER(ATOMIC64_##name) : {                                                                                  \
        (void)interp_atomic64(PST_ATOMIC_##name, ADDRESS(DST), SRC, r[0]);                                        \
        NEXT(1);                                                                                                  \
    }                                                                                                             \
    HANDLER(ATOMIC64_FETCH_##name) : {                                                                            \
        FETCHED(name) = interp_atomic64(PST_ATOMIC_##name, ADDRESS(DST), SRC, r[0]);                              \
        NEXT(1);                                                                                                  \
    }                                                                                                             \
    HANDLER(ATOMIC32_##name) : {                                                                                  \
        (void)interp_atomic32(PST_ATOMIC_##name, ADDRESS(DST), (uint32_t)SRC, (uint32_t)r[0]);                    \
        NEXT(1);                                                                                                  \
    }                                                                                                             \
    HANDLER(ATOMIC32_FETCH_##name) : {                                                                            \
        FETCHED(name) = interp_atomic32(PST_ATOMIC_##name, ADDRESS(DST), (uint32_t)SRC, (uint32_t)r[0]);          \
        NEXT(1);                                                                                                  \
    }
    PST_ATOMIC_LIST(X)
#undef X

    SWAP(SWAP_LE16, (uint16_t)a)
    SWAP(SWAP_LE32, (uint32_t)a)
    SWAP(SWAP_LE64, a)
    SWAP(SWAP_BE16, PST_BSWAP16((uint16_t)a))
    SWAP(SWAP_BE32, PST_BSWAP32((uint32_t)a))
    SWAP(SWAP_BE64, PST_BSWAP64(a))

    HANDLER(IMM64) : {
        DST = pc[1].wide;
        NEXT(2);
    }

    LOAD(LOAD8, uint8_t, LOAD8)
    LOAD(LOAD16, uint16_t, pst_load16)
    LOAD(LOAD32, uint32_t, pst_load32)
    LOAD(LOAD64, uint64_t, pst_load64)
    LOAD(LOADS8, int8_t, LOAD8)
    LOAD(LOADS16, int16_t, pst_load16)
    LOAD(LOADS32, int32_t, pst_load32)
    STORE(STORE8, uint8_t, STORE8, SRC)
    STORE(STORE16, uint16_t, pst_store16, SRC)
    STORE(STORE32, uint32_t, pst_store32, SRC)
    STORE(STORE64, uint64_t, pst_store64, SRC)
    STORE(STORE8_IMM, uint8_t, STORE8, IMM)
    STORE(STORE16_IMM, uint16_t, pst_store16, IMM)
    STORE(STORE32_IMM, uint32_t, pst_store32, IMM)
    STORE(STORE64_IMM, uint64_t, pst_store64, IMM)
    ACQUIRE(ACQUIRE8, uint8_t)
    ACQUIRE(ACQUIRE16, uint16_t)
    ACQUIRE(ACQUIRE32, uint32_t)
    ACQUIRE(ACQUIRE64, uint64_t)
    RELEASE(RELEASE8, uint8_t)
    RELEASE(RELEASE16, uint16_t)
    RELEASE(RELEASE32, uint32_t)
    RELEASE(RELEASE64, uint64_t)

    HANDLER(LEGACY_ABS) : {
        if (!interp_legacy_load(&prog->bindings, run, (unsigned)pc->off, (uint64_t)IMM, &r[0])) return 0;
        NEXT(1);
    }
    HANDLER(LEGACY_IND) : {
        if (!interp_legacy_load(&prog->bindings, run, (unsigned)pc->off, SRC + (uint64_t)IMM, &r[0])) return 0;
        NEXT(1);
    }
    HANDLER(CTX_LOAD) : {
        unsigned bits = (unsigned)(pc->off < 0 ? -pc->off : pc->off);
        uint64_t value = 0;
        if (!pst_ctx_read(prog->bindings.type, run->ctx, (uint32_t)pc->imm, bits / 8, &value)) FAIL(PST_TRAP_CONTEXT, pc);
        DST = pc->off < 0 ? (uint64_t)pst_sign_extend(value, bits) : value;
        NEXT(1);
    }
    HANDLER(CTX_STORE) : {
        if (!pst_ctx_write(prog->bindings.type, run->ctx, (uint32_t)pc->imm, (uint32_t)pc->off / 8, SRC)) FAIL(PST_TRAP_CONTEXT, pc);
        NEXT(1);
    }
    HANDLER(CTX_STORE_IMM) : {
        if (!pst_ctx_write(prog->bindings.type, run->ctx, (uint16_t)pc->off, pc->dst / 8u, (uint64_t)IMM)) FAIL(PST_TRAP_CONTEXT, pc);
        NEXT(1);
    }

    HANDLER(JUMP) : NEXT(1 + (ptrdiff_t)pc->imm);
    HANDLER(MAY_GOTO) : {
        if (may_goto_left == 0) NEXT(1 + (ptrdiff_t)pc->off);
        may_goto_left--;
        NEXT(1);
    }
    HANDLER(CALL_HELPER) : {
        const pst_helper_fn fn = (pst_helper_fn)(uintptr_t)pc->wide;
        r[0] = fn(r[1], r[2], r[3], r[4], r[5], run);
        NEXT(1);
    }
    HANDLER(CALL_SUBPROG) : {
        const fast_code *target = pc + 1 + (ptrdiff_t)pc->imm;
        if (depth == PST_FRAMES_MAX - 1) FAIL(PST_TRAP_DEPTH, pc);
        frames[depth++] = (loop_frame){pc, r[6], r[7], r[8], r[9]};
        r[PST_REG_FP] += PST_FRAME_BYTES;
        pc = target;
        DISPATCH();
    }
    HANDLER(CALL_REGISTER) : {
        const pst_subprog *sub = interp_func(prog->exec.image, DST);
        if (sub) {
            if (depth == PST_FRAMES_MAX - 1) FAIL(PST_TRAP_DEPTH, pc);
            frames[depth++] = (loop_frame){pc, r[6], r[7], r[8], r[9]};
            r[PST_REG_FP] += PST_FRAME_BYTES;
            pc = prog->code + sub->start;
            DISPATCH();
        }
        const pst_helper *helper = interp_helper(&prog->bindings, (int64_t)DST);
        if (!helper || !helper->fn) FAIL(PST_TRAP_CALL, pc);
        r[0] = helper->fn(r[1], r[2], r[3], r[4], r[5], run);
        NEXT(1);
    }
    HANDLER(TAIL_CALL) : {
        const pst_exec *target = interp_tail_target(&prog->bindings, run, r[2], r[3], depth > 0);
        if (!target) NEXT(1);
        if (depth == 0) {
            run->tail_next = target;
            return 0;
        }
        r[0] = interp_tail_nested(target, run);
        if (run->trap.code != PST_TRAP_NONE) return 0;
        goto leave;
    }
    HANDLER(EXIT) : {
        if (depth == 0) return r[0];
    leave:
        depth--;
        r[6] = frames[depth].r6;
        r[7] = frames[depth].r7;
        r[8] = frames[depth].r8;
        r[9] = frames[depth].r9;
        r[PST_REG_FP] -= PST_FRAME_BYTES;
        pc = frames[depth].pc;
        NEXT(1);
    }
    HANDLER(TRAP_HELPER) : FAIL(PST_TRAP_HELPER, pc);
    HANDLER(TRAP_CONTEXT) : FAIL(PST_TRAP_CONTEXT, pc);

#ifndef PST_COMPUTED_GOTO
    case FAST_OP_COUNT: break;
    }
    PST_UNREACHABLE();
#endif
}
