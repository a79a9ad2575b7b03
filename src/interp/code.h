// code.h: what the fast interpreter executes. Internal to this folder.
//
// One fast_code per slot of the image, so that a slot index is a code index: jumps keep their displacement, and fusing two
// instructions means to replace the handler of the first by one that does both; the second keeps its own, for jumps that land on it.
#ifndef PST_INTERP_CODE_H
#define PST_INTERP_CODE_H

#include "interp/fusion.def"
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

// The ops with no list in isa.def: form and name.
#define FAST_ACCESS_LIST(X)                                                                                  \
    X(LOAD, 8) X(LOAD, 16) X(LOAD, 32) X(LOAD, 64) X(LOAD, S8) X(LOAD, S16) X(LOAD, S32)                       \
    X(STORE, 8) X(STORE, 16) X(STORE, 32) X(STORE, 64)                                                        \
    X(STORE_IMM, 8) X(STORE_IMM, 16) X(STORE_IMM, 32) X(STORE_IMM, 64)                                        \
    X(ACQUIRE, 8) X(ACQUIRE, 16) X(ACQUIRE, 32) X(ACQUIRE, 64)                                                \
    X(RELEASE, 8) X(RELEASE, 16) X(RELEASE, 32) X(RELEASE, 64)                                                \
    X(SWAP, LE16) X(SWAP, LE32) X(SWAP, LE64) X(SWAP, BE16) X(SWAP, BE32) X(SWAP, BE64)
#define FAST_PLAIN_LIST(X)                                                                                  \
    X(IMM64)                                                                                                 \
    X(LEGACY_ABS) X(LEGACY_IND)  /* imm: offset; off: width */                                               \
    X(CTX_LOAD)                  /* imm: ABI offset; off: width, negative: sign-extended */                  \
    X(CTX_STORE)                 /* imm: ABI offset; off: width */                                           \
    X(CTX_STORE_IMM)             /* dst: width; off: ABI offset; imm: the value */                           \
    X(JUMP)                      /* imm: displacement in slots */                                            \
    X(MAY_GOTO)                                                                                              \
    X(METERED_JUMP)              /* a jump or a branch, read from the image */                               \
    X(WAIT)                      /* until every branch before is decided; then what waiting[] has */         \
    X(CALL_HELPER) X(CALL_BACK_HELPER) X(CALL_SUBPROG) X(CALL_REGISTER) X(TAIL_CALL) X(EXIT)                                     \
    X(TRAP_HELPER)               /* a helper that this host does not provide */                              \
    X(TRAP_CONTEXT)              /* a context access that no field allows */

typedef enum fast_op {
#define OP(label) FAST_##label,
#include "interp/fast_ops.def"
    FAST_OP_COUNT
} fast_op;

// The four forms of one row of isa.def, in the order of fast_ops.def.
#define FAST_FORMS 4u
#define FAST_FORM_IMM 1u   // arithmetic and jumps
#define FAST_FORM_FETCH 1u // atomics
#define FAST_FORM_32 2u

typedef struct fast_program fast_program;

// Where a run begins that does not begin at the program's first instruction: a callback.
typedef struct fast_start {
    const void *const *labels; // out: see fast_loop_fn
    const fast_code *pc;       // NULL: nothing runs, the loop only stores its handlers' addresses in labels (NULL: ops are numbers of the switch)
    uint64_t args[PST_ARGS_MAX];
    unsigned depth;            // frames below that of the callback
} fast_start;

/// Runs the program from its beginning (start NULL) or from start. stack: the frames from the first one of this run on.
typedef uint64_t (*fast_loop_fn)(const fast_program *prog, pst_run *run, uint8_t *stack, fast_start *start);

struct fast_program {
    pst_exec exec; // first: what the caller holds
    const pst_env *env;
    pst_bindings bindings;
    fast_loop_fn loop;
    uint32_t stack_bytes;
    uint64_t meter_turns;
    fast_code *code; // image->count of them
    fast_code *waiting; // the same, for those that wait: label or op; NULL: none does
};

uint64_t fast_loop(const fast_program *prog, pst_run *run, uint8_t *stack, fast_start *start);
uint64_t fast_loop_switch(const fast_program *prog, pst_run *run, uint8_t *stack, fast_start *start);

/// Calls a helper that may call back, with r1 to r5 of r; returns its result. depth: calls that the current frame is deep, from 0. run->trap tells
/// whether a callback was stopped.
uint64_t fast_call_back_helper(const fast_program *prog, pst_run *run, const uint64_t *r, pst_helper_fn fn, unsigned depth);

/// interp_tail_nested, after which the caller goes on.
uint64_t fast_tail_nested(const pst_exec *target, pst_run *run);

/// pst_interp_create with a choice of the loop; tests run both.
PST_MUST_USE pst_status fast_create(const pst_env *env, const pst_image *image, const pst_bindings *bindings, const pst_facts *facts,
                                    fast_loop_fn loop, pst_exec **out);
PST_MUST_USE pst_status fast_create_with(const pst_env *env, const pst_image *image, const pst_bindings *bindings, const pst_facts *facts,
                                         const pst_interp_opts *opts, fast_loop_fn loop, pst_exec **out);

/// Whether the instruction at pc waits where that is wanted (pst_interp_opts.waits).
bool fast_waits(const pst_image *image, const pst_facts *facts, uint32_t pc);

/// Whether the metered branch or jump insn is taken, with the registers r.
bool fast_metered_taken(const pst_insn *insn, const uint64_t *r);

/// The op of one instruction and its operands in *code; code[1].wide too for a 64-bit immediate.
PST_MUST_USE fast_op fast_predecode(const fast_program *prog, const pst_facts *facts, uint32_t pc, fast_code *code);

/// The op that does the work of the instructions at pc and after it, or ops[pc] where there is no such op. ops and code have count
/// entries; that of a padding slot is FAST_TRAP_HELPER.
PST_MUST_USE fast_op fast_fuse(const fast_op *ops, const fast_code *code, uint32_t count, uint32_t pc);

#endif
