// verify_recheck_test.c: what is proved by a certificate is safe, whatever the certificate is.
//
// Generated programs (verify_gen.h) are certified. Each certificate has to prove its program; changed in any way, and given to mutants of the program, it
// may prove something or nothing: what it proves is run by the oracle, which holds each run to the states of that very re-check.
//
// PST_RECHECK_FROM and PST_RECHECK_COUNT in the environment choose other programs than those of each test run.
#include "harness.h"

#include <string.h>

#include "verify_forge.h"
#include "verify_oracle.h"

#define PROGRAMS 400u
#define FORGERIES 12u // certificates of each program
#define MUTANTS 6u    // of each program, with its certificate

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 0) : otherwise;
}

TEST(recheck_proves_nothing_that_is_wrong)
{
    static forge_tally tally;
    uint64_t from = setting("PST_RECHECK_FROM", 0), count = setting("PST_RECHECK_COUNT", PROGRAMS);
    for (uint64_t i = 0; i < count && tally.wrong < 8; i++) {
        uint64_t wrong = tally.wrong, number = from + i / 2 + (i & 1 ? ORACLE_HOLDS : 0);
        if (forge_certify(number, true, &tally)) forge_try(FORGERIES, MUTANTS);
        if (tally.wrong != wrong) pst_test_fail(__FILE__, __LINE__, "a proof by certificate is wrong, program %" PRIu64, number);
    }
    printf("%" PRIu64 " programs certified, %" PRIu64 " bytes for %" PRIu64 " of code; %" PRIu64 " forgeries, %" PRIu64 " of them proofs; %" PRIu64
           " mutants, %" PRIu64 " proved by the certificate\n", tally.certified, tally.certificate_bytes, tally.code_bytes, tally.forgeries, tally.forgeries_accepted,
           tally.mutants, tally.mutants_accepted);
    CHECK_EQ(tally.uncertified, 0);
    // If none of them were proofs, or all, nothing would be shown.
    CHECK(tally.certified * 4 > count);
    CHECK(tally.forgeries_accepted * 100 > tally.forgeries && tally.forgeries_accepted * 2 < tally.forgeries);
    CHECK(tally.mutants_accepted * 20 > tally.mutants && tally.mutants_accepted * 10 < tally.mutants * 9);
    CHECK(tally.certificate_bytes < tally.code_bytes);
}
