// verify_oracle_test.c: what the verifier accepts does what its proof says, on programs that nobody wrote and on mutants of them.
//
// PST_ORACLE_FROM and PST_ORACLE_COUNT in the environment choose other programs than those of each test run; a number that is found wrong is
// made again from the number alone.
#include "harness.h"

#include "pal/pal.h"
#include "verify_oracle.h"

#define PROGRAMS 1500u
#define HOLDING 400u // that also have what must be given back
#define CALLS_PROGRAMS 500u
#define MUTANTS 5u

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 0) : otherwise;
}

static void print_tally(const oracle_tally *t)
{
    printf("%" PRIu64 " programs, %" PRIu64 " accepted; %" PRIu64 " mutants, %" PRIu64 " accepted; %" PRIu64 " runs, %" PRIu64 " instructions, %" PRIu64
           " states compared; %" PRIu64 " with calls by summary\n", t->programs, t->accepted, t->mutants, t->mutants_accepted, t->runs, t->steps, t->checks, t->by_summary);
    for (unsigned kind = 1; kind < PST_COUNT(t->findings); kind++)
        if (t->findings[kind]) printf("  %s: %" PRIu64 "\n", pst_finding_kind_text((pst_finding_kind)kind), t->findings[kind]);
}

static void check_numbers(uint64_t from, uint64_t count)
{
    static oracle_tally tally;
    tally = (oracle_tally){0};
    for (uint64_t number = from; number < from + count && tally.wrong < 8; number++)
        if (!oracle_number(number, MUTANTS, true, &tally)) pst_test_fail(__FILE__, __LINE__, "the proof of program %" PRIu64 " or of a mutant is wrong", number);
    print_tally(&tally);
    CHECK_EQ(tally.failed, 0);
    // A generator whose programs are all refused, or all accepted, shows nothing.
    if (count < HOLDING) return;
    CHECK(tally.accepted * 10 > tally.programs * 3 && tally.accepted * 10 < tally.programs * 9);
    CHECK(tally.mutants_accepted * 10 > tally.mutants * 2 && tally.mutants_accepted * 10 < tally.mutants * 8);
}

TEST(verify_oracle_every_proof_holds) { check_numbers(setting("PST_ORACLE_FROM", 0), setting("PST_ORACLE_COUNT", PROGRAMS)); }

TEST(verify_oracle_every_proof_of_programs_that_hold_things)
{
    if (setting("PST_ORACLE_FROM", 0) < ORACLE_HOLDS) check_numbers(ORACLE_HOLDS + setting("PST_ORACLE_FROM", 0), setting("PST_ORACLE_COUNT", HOLDING));
}

TEST(verify_oracle_every_proof_by_summary_holds)
{
    static oracle_tally tally;
    uint64_t from = setting("PST_ORACLE_FROM", 0), count = setting("PST_ORACLE_COUNT", CALLS_PROGRAMS);
    for (uint64_t number = from; number < from + count && tally.wrong < 8; number++)
        if (!oracle_calls_number(number, MUTANTS, true, &tally)) pst_test_fail(__FILE__, __LINE__, "the proof of calls %" PRIu64 " or of a mutant is wrong", number);
    print_tally(&tally);
    CHECK_EQ(tally.failed, 0);
    CHECK(tally.accepted * 10 > tally.programs && tally.by_summary * 20 > tally.programs);
}

// Programs that once had a wrong proof, and what was wrong.
typedef struct museum_piece {
    const char *what;
    vgen_type type;
    const char *text;
} museum_piece;

static const museum_piece pieces[] = {
    {"the second shift of a pair that is stepped as one was said to be dead", VGEN_XDP,
     "r0 = *(u32 *)(r1 + 12); r0 <<= 32; r0 >>= 32; exit"},
};

TEST(verify_oracle_old_mistakes_stay_mended)
{
    for (size_t i = 0; i < PST_COUNT(pieces); i++) {
        static oracle_report report;
        pst_slot *slots = NULL;
        size_t count = 0;
        pst_asm_error error = {0};
        if (pst_assemble(pst_pal_env(), pieces[i].text, &slots, &count, &error) != PST_OK) {
            pst_test_fail(__FILE__, __LINE__, "piece %zu: line %u: %s", i, error.line, error.text);
            continue;
        }
        oracle_options options = {.type = pieces[i].type, .runs = 200, .seed = 1};
        oracle_answer answer = oracle_check(&options, slots, count, &report);
        if (answer == ORACLE_WRONG || answer == ORACLE_MALFORMED) pst_test_fail(__FILE__, __LINE__, "%s: %s", pieces[i].what, report.why);
        pst_free(pst_pal_env(), slots, count * sizeof *slots);
    }
}
