// verify.h: prove a program safe before it runs.
//
// A rejection is a result, not an error: pst_verify returns PST_OK and the verdict says why. Any other status means that no answer was
// reached. What is proved, and how, is told in README.md of this folder.
#ifndef PST_VERIFY_VERIFY_H
#define PST_VERIFY_VERIFY_H

#include "btf/btf.h"
#include "catalog/catalog.h"
#include "program/facts.h"
#include "program/image.h"

typedef enum pst_verify_mode {
    PST_VERIFY_PRIVILEGED, // the rules of Linux for a fully privileged loader
    PST_VERIFY_STRICT,     // and nothing of the host leaks: no pointer as a number, no uninitialised byte read or put out
} pst_verify_mode;

#define PST_VERIFY_STRICT_ALIGNMENT 0x1u // every access is aligned to its size, packets too
#define PST_VERIFY_ANY_ALIGNMENT 0x2u    // none must be

typedef struct pst_verify_opts {
    size_t size; // sizeof(pst_verify_opts); new fields go last. 0 in any field below: its default
    pst_verify_mode mode;
    uint32_t flags;             // PST_VERIFY_*
    uint64_t steps_max;         // instructions that are walked in all, comparisons of states counted in by their cost: 1,000,000. Reaching it is the finding "too complex", never "safe"
    uint64_t bytes_max;         // memory of states: 56 MiB
    uint32_t states_max;        // states kept apart at one point before they are joined: 24, fewer in large programs, more when that fails
    uint32_t unroll_max;        // turns of a loop that are followed one by one before it is widened: 12; likewise
    uint32_t stack_max;         // bytes of stack of a chain of calls: 512
    uint64_t turns_max;         // of a loop, since it was entered: 4,294,967,295. A bound above it is none
    bool value_facts;           // the verdict has facts.values and PST_FACT_UPPER_ZERO: for compilers
    bool keep_states;           // for --explain, --html and tests: the verdict keeps the invariant at each block head
    uint32_t paths_max;         // the way to call a subprogram from which on calls are made by summary (1: all are): the 64th, later when that fails
    bool certificate;           // an accepting verdict has a certificate for pst_recheck, which takes time to make
    bool meter_loops;           // a loop that nothing bounds is no finding: the jumps that close it get PST_FACT_METERED, and engines count them
} pst_verify_opts;

typedef struct pst_func_info {
    uint32_t pc;      // slot where the subprogram starts
    uint32_t type_id; // BTF FUNC
} pst_func_info;

typedef struct pst_verify_input {
    size_t size; // sizeof(pst_verify_input)
    const pst_image *image;
    const pst_prog_type *type;
    const pst_btf *btf;              // the program's types; may be NULL
    const pst_func_info *func_info;  // by pc; may be NULL
    uint32_t func_info_count;
    const pst_btf *host_btf;         // the host's types, for pointers to its structs; may be NULL
    /// The name of the kfunc that the call at pc means, NULL when unknown. May be NULL.
    const char *(*kfunc_name)(void *user, uint32_t pc, const pst_insn *insn);
    void *user;
} pst_verify_input;

typedef enum pst_verdict_kind {
    PST_VERDICT_ACCEPT,
    PST_VERDICT_REJECT,
    PST_VERDICT_UNSUPPORTED, // a helper, kfunc, program type or map that the catalog does not describe
} pst_verdict_kind;

//  name, its spelling in JSON
#define PST_FINDING_LIST(X)                                                                                        \
    X(NONE, "none")                                                                                                \
    X(STRUCTURE, "structure")             /* malformed instruction, jump, last instruction */                      \
    X(UNREACHABLE, "unreachable-code")                                                                             \
    X(RECURSION, "recursion")                                                                                      \
    X(CALL_DEPTH, "call-depth")                                                                                    \
    X(STACK_DEPTH, "stack-depth")                                                                                  \
    X(UNINITIALISED, "uninitialised")     /* register or stack bytes read before written */                        \
    X(TYPE, "wrong-type")                 /* a value of another type is needed */                                  \
    X(NULL_POINTER, "maybe-null")                                                                                  \
    X(BOUNDS, "out-of-bounds")                                                                                     \
    X(ALIGNMENT, "misaligned")                                                                                     \
    X(READ_ONLY, "read-only")                                                                                      \
    X(CONTEXT, "context-access")                                                                                   \
    X(POINTER_ARITHMETIC, "pointer-arithmetic")                                                                    \
    X(POINTER_LEAK, "pointer-leak")                                                                                \
    X(HELPER, "helper")                   /* not for this program type, licence, sleeping */                       \
    X(ARGUMENT, "argument")               /* does not fit the prototype */                                         \
    X(MAP, "map")                         /* a map that cannot be used like this */                                \
    X(REFERENCE, "reference")             /* not released, released twice */                                       \
    X(LOCK, "lock")                       /* locks, RCU, preemption, interrupts */                                 \
    X(DYNPTR, "dynptr")                                                                                            \
    X(ITERATOR, "iterator")                                                                                        \
    X(CALLBACK, "callback")                                                                                        \
    X(RETURN, "return-value")                                                                                      \
    X(TERMINATION, "no-termination")                                                                               \
    X(COMPLEXITY, "too-complex")                                                                                   \
    X(BTF, "type-information")                                                                                     \
    X(INSTRUCTION, "instruction")         /* an instruction that nothing here runs */                              \
    X(CERTIFICATE, "certificate")         /* pst_recheck: it is malformed, or no proof of this program */          \
    X(UNSUPPORTED, "unsupported")

typedef enum pst_finding_kind {
#define X(name, text) PST_FINDING_##name,
    PST_FINDING_LIST(X)
#undef X
} pst_finding_kind;

const char *pst_finding_kind_text(pst_finding_kind kind);

#define PST_FINDING_PATH_MAX 64

typedef struct pst_finding {
    pst_finding_kind kind;
    uint32_t pc;
    int reg;              // register that it is about, -1: none
    char text[256];       // one sentence
    char needed[128];     // "" when the text says it all
    char known[192];
    char lost[192];       // where the knowledge was lost, "" when unknown
    uint32_t lost_pc;     // UINT32_MAX: unknown
    char hint[192];       // what usually repairs it
    uint32_t path[PST_FINDING_PATH_MAX]; // block starts that led here, the last ones, oldest first
    uint32_t path_count;
} pst_finding;

/// What is known at the head of a block, as text, for people.
typedef struct pst_verdict_state {
    uint32_t pc;
    uint32_t frame;   // depth of calls
    const char *text; // "r1=ctx r2=packet+14 r3=number [0, 5] fp-8=..."
} pst_verdict_state;

typedef struct pst_verdict {
    pst_verdict_kind kind;
    pst_verify_mode mode;
    pst_finding finding;   // of the first cause; kind NONE when accepted
    uint64_t steps;        // instructions walked, all attempts together
    uint32_t states;       // kept in the end
    uint32_t attempts;     // 1, or more where coarser attempts failed
    uint64_t loops_bound;  // no loop turns more often than this; 0: no loops
    uint32_t metered;      // loops that nothing bounds: their turns are counted (meter_loops)
    uint32_t stack_bytes;  // of the deepest chain of calls
    uint64_t time_ns;
    uint64_t peak_bytes;
    pst_facts facts;       // one entry a slot; valid when accepted
    const pst_verdict_state *explained; // with keep_states, by pc
    uint32_t explained_count;
    const uint8_t *certificate; // with opts.certificate, of an accepted program; NULL: none was found within the limits
    size_t certificate_size;
    uint64_t certificate_ns; // that it took to make, not in time_ns
} pst_verdict;

/// Proves the program of input->image, or says why not. input is only read, so threads may share it. opts may be NULL. The caller
/// frees *out with pst_verdict_free.
PST_MUST_USE pst_status pst_verify(const pst_env *env, const pst_verify_input *input, const pst_verify_opts *opts, pst_verdict **out);
/// Proves the program anew by a certificate, which need not be trusted: whatever its bytes are, a program is accepted only if it is safe. One pass over
/// what the certificate says, no search: what pst_verify spends on finding the proof is saved. mode and flags are those that it was made with. opts may be
/// NULL; states_max, unroll_max, keep_states and certificate mean nothing here. A certificate that is malformed or no proof of this program is a
/// rejection, whose finding says so in one sentence.
PST_MUST_USE pst_status pst_recheck(const pst_env *env, const pst_verify_input *input, const pst_verify_opts *opts, const void *certificate, size_t size,
                                    pst_verdict **out);
void pst_verdict_free(pst_verdict *verdict);

#endif
