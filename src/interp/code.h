// code.h: what the fast interpreter executes. Internal to this folder.
//
// One fast_code per slot of the image, so that a slot index is a code index: jumps keep their displacement, and fusing two
// instructions means to replace the handler of the first by one that does both; the second keeps its own, for jumps that land on it.
#ifndef PST_INTERP_CODE_H
#define PST_INTERP_CODE_H

#include "interp/interp.h"

typedef struct fast_code {
    union {
        const void *label; // with labels as values
        uintptr_t op;      // with the switch: fast_op
    };
    union {
        struct {
            uint8_t dst, src;
            int16_t off; // of memory in bytes, of a branch in slots
            int32_t imm;
        };
        uint64_t wide; // second slot of a 64-bit immediate: its value; helper call: the function's address
    };
} fast_code;
PST_STATIC_ASSERT(sizeof(fast_code) == 16, "four instructions a cache line");

// The handlers with no list of their own in isa.def.
#define FAST_PLAIN_LIST(X)                                                                                  \
    X(SWAP_LE16) X(SWAP_LE32) X(SWAP_LE64) X(SWAP_BE16) X(SWAP_BE32) X(SWAP_BE64)                             \
    X(IMM64)                                                                                                 \
    X(LOAD8) X(LOAD16) X(LOAD32) X(LOAD64) X(LOADS8) X(LOADS16) X(LOADS32)                                    \
    X(STORE8) X(STORE16) X(STORE32) X(STORE64) X(STORE8_IMM) X(STORE16_IMM) X(STORE32_IMM) X(STORE64_IMM)     \
    X(ACQUIRE8) X(ACQUIRE16) X(ACQUIRE32) X(ACQUIRE64)                                                       \
    X(RELEASE8) X(RELEASE16) X(RELEASE32) X(RELEASE64)                                                       \
    X(LEGACY_ABS) X(LEGACY_IND)  /* imm: offset; off: width */                                               \
    X(CTX_LOAD)                  /* imm: ABI offset; off: width, negative: sign-extended */                  \
    X(CTX_STORE)                 /* imm: ABI offset; off: width */                                           \
    X(CTX_STORE_IMM)             /* dst: width; off: ABI offset; imm: the value */                              \
    X(JUMP)                      /* imm: displacement in slots */                                            \
    X(MAY_GOTO)                                                                                              \
    X(CALL_HELPER) X(CALL_SUBPROG) X(CALL_REGISTER) X(TAIL_CALL) X(EXIT)                                     \
    X(TRAP_HELPER)               /* a helper that this host does not provide */                              \
    X(TRAP_CONTEXT)              /* a context access that no field allows */

typedef enum fast_op {
#define X(name, ...) FAST_ALU64_REG_##name, FAST_ALU64_IMM_##name, FAST_ALU32_REG_##name, FAST_ALU32_IMM_##name,
    PST_ALU_LIST(X)
#undef X
#define X(name, ...) FAST_JUMP64_REG_##name, FAST_JUMP64_IMM_##name, FAST_JUMP32_REG_##name, FAST_JUMP32_IMM_##name,
    PST_JUMP_LIST(X)
#undef X
#define X(name, ...) FAST_ATOMIC64_##name, FAST_ATOMIC64_FETCH_##name, FAST_ATOMIC32_##name, FAST_ATOMIC32_FETCH_##name,
    PST_ATOMIC_LIST(X)
#undef X
#define X(name) FAST_##name,
    FAST_PLAIN_LIST(X)
#undef X
    FAST_OP_COUNT
} fast_op;

// The four variants of one row of isa.def, in the order above.
#define FAST_ALU_FIRST FAST_ALU64_REG_ADD
#define FAST_JUMP_FIRST FAST_JUMP64_REG_JEQ
#define FAST_ATOMIC_FIRST FAST_ATOMIC64_ADD
#define FAST_VARIANTS 4u
#define FAST_VARIANT_IMM 1u   // ALU and JUMP
#define FAST_VARIANT_FETCH 1u // ATOMIC
#define FAST_VARIANT_32 2u

typedef struct fast_program fast_program;

/// Runs the program. With labels not NULL: only stores the handlers' addresses there (NULL: ops are numbers, use the switch).
typedef uint64_t (*fast_loop_fn)(const fast_program *prog, pst_run *run, uint8_t *stack, const void *const **labels);

struct fast_program {
    pst_exec exec; // first: what the caller holds
    const pst_env *env;
    pst_bindings bindings;
    fast_loop_fn loop;
    fast_code *code; // image->count of them
};

uint64_t fast_loop(const fast_program *prog, pst_run *run, uint8_t *stack, const void *const **labels);
uint64_t fast_loop_switch(const fast_program *prog, pst_run *run, uint8_t *stack, const void *const **labels);

/// pst_interp_create with a choice of the loop; tests run both.
PST_MUST_USE pst_status fast_create(const pst_env *env, const pst_image *image, const pst_bindings *bindings, const pst_facts *facts,
                                    fast_loop_fn loop, pst_exec **out);

/// The op of one instruction and its operands in *code; code[1].wide too for a 64-bit immediate.
PST_MUST_USE fast_op fast_predecode(const fast_program *prog, const pst_facts *facts, uint32_t pc, fast_code *code);

/// The op that does the work of the instructions at pc and after it, or ops[pc] where there is no such op.
PST_MUST_USE fast_op fast_fuse(const pst_image *image, const fast_op *ops, const fast_code *code, uint32_t pc);

#endif
