// verify_oracle.h: one program: verified, and if it is accepted run on many inputs and held to its proof.
#ifndef PST_TESTS_VERIFY_ORACLE_H
#define PST_TESTS_VERIFY_ORACLE_H

#include "verify_gen.h"
#include "verify_machine.h"

typedef struct oracle_options {
    vgen_type type;
    pst_verify_mode mode;
    uint32_t states_max, unroll_max; // 0: the verifier's own. Small ones join and widen early
    uint32_t paths_max;              // likewise. 1: all calls are made by summary
    uint32_t runs;                   // inputs
    uint64_t seed;                   // of the inputs, not 0
    uint64_t steps_max, bytes_max;
    bool holds;                      // the program has types (verify_types.h); see vgen_source
    size_t global_at;
    const uint8_t *certificate;      // to prove it by (pst_recheck); NULL: a proof is searched for
    size_t certificate_size;
    bool certifies;                  // the report is to have a certificate
    /// For tests of the states themselves; may be NULL. See vinspector and machine.
    void (*stable)(void *user, verifier *v);
    void (*at_head)(void *user, machine *m, uint32_t block);
    void *user;
} oracle_options;

#define ORACLE_CERTIFICATE_MAX 16384u

typedef enum oracle_answer {
    ORACLE_MALFORMED, // no image
    ORACLE_REJECTED,
    ORACLE_SAFE,      // accepted, and nothing was found
    ORACLE_WRONG,     // accepted, and a run does what the proof excludes: why
    ORACLE_FAILED,    // no answer: a limit of memory
} oracle_answer;

typedef struct oracle_report {
    char why[400];
    pst_finding finding;
    uint64_t loops_bound;
    uint32_t stack_bytes, runs_done, attempts, contexts; // contexts: of calls by summary
    uint64_t steps, checks;  // of the machine
    uint64_t verifier_steps;
    uint8_t certificate[ORACLE_CERTIFICATE_MAX];
    size_t certificate_size; // 0: none
    uint8_t facts[VGEN_SLOTS_MAX]; // by pc, of an accepted program
} oracle_report;

oracle_answer oracle_check(const oracle_options *options, const pst_slot *slots, size_t count, oracle_report *report);
typedef struct oracle_tally {
    uint64_t programs, accepted, mutants, mutants_accepted, wrong, failed;
    uint64_t by_summary;          // accepted ones with calls by summary
    uint64_t checks, steps, runs; // states compared, instructions run, runs that came to their end
    uint64_t findings[PST_FINDING_UNSUPPORTED + 1]; // of programs that were rejected
} oracle_tally;

// Programs from this number on also have what must be given back (vgen_source.holds).
#define ORACLE_HOLDS ((uint64_t)1 << 40)

/// Makes program number (its type, mode, and limits of the verifier follow from the number), checks it, and if it is accepted checks mutants of it.
/// False: a proof is wrong; with prints, what and where is on standard error.
bool oracle_number(uint64_t number, unsigned mutants, bool prints, oracle_tally *tally);
/// The same with a program of many calls (vgen_calls).
bool oracle_calls_number(uint64_t number, unsigned mutants, bool prints, oracle_tally *tally);
/// The options that belong to a number.
oracle_options oracle_options_of(uint64_t number);
/// The stream that makes program number.
vgen_source oracle_source_of(uint64_t number);
/// The program as text on standard error.
void oracle_print(const pst_slot *slots, size_t count);
/// The map that a descriptor of a generated program names; for pst_image_input.
pst_map_view *oracle_find_map(void *user, pst_imm64_op op, int32_t number);

#endif
