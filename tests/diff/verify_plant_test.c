// verify_plant_test.c: the oracle finds mistakes. Each is planted in turn, at the place that VPLANT marks in src/verify, which this program has compiled anew
// with PST_VERIFY_PLANTED.
//
// Some mistakes show in one program of a thousand; so that the test is quick, each is looked for from a program on that is near one where it shows. When the
// generator changes, PST_PLANT_FROM=0 PST_PLANT_COUNT=20000 prints the numbers anew.
#include "harness.h"

#include "verify_oracle.h"

#define COUNT 40u
#define MUTANTS 5u

int verify_planted; // 0: none

typedef struct plant {
    const char *what;
    uint64_t from; // where to begin to look
} plant;

static const plant plants[] = {
    {"nothing", 0},
    {"a >= that is learned is one too strong", 0},
    {"< is decided where both can be equal", 0},
    {"packet pointers are ordered although the address may wrap", 0},
    {"a packet access may be one byte too long", 0},
    {"an access of an object may be one byte too long", 0},
    {"packet pointers outlive a call that moves the packet", 0},
    {"pointers outlive the reference that was given back", 0},
    {"a pointer is not null where it was found to be", 0},
    {"stack bytes that a call fills keep what was known of them", 0},
    {"a store at a variable offset weakens nothing", 0},
    {"a small number under zeros is read with its sign", 0},
    {"the subset test of covers.c is the wrong way round", 0},
    {"a state covers others whatever its relations say", 0},
    {"a state covers others that hold more references", 0},
    {"a join forgets the interval of one side", 0},
    {"a widening is no upper bound", 0},
    {"a join keeps the relations of one side", 0},
    {"bytes are initialised if they are on one side", 0},
    {"bytes are zero if they are on one side", 0},
    {"an edge of a loop is cut although the loop may be entered again", 0},
    {"turns of a loop are not counted", 0},
    {"a sum of 32 bits keeps its symbol although it wraps", 0},
    {"a difference is related by the wrong end", 0},
    {"the low half is taken for the whole", 0},
    {"any divisor is said not to be 0", 0},
    {"relations are used for sums that wrap", 0},
};

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 0) : otherwise;
}

TEST(verify_plant_each_mistake_is_found)
{
    for (verify_planted = 1; verify_planted < (int)PST_COUNT(plants); verify_planted++) {
        const plant *p = &plants[verify_planted];
        oracle_tally tally = {0};
        uint64_t from = setting("PST_PLANT_FROM", p->from), count = setting("PST_PLANT_COUNT", COUNT), number = from;
        while (number < from + count && oracle_number(number, MUTANTS, false, &tally)) number++;
        if (!tally.wrong) pst_test_fail(__FILE__, __LINE__, "mistake %d is not found: %s", verify_planted, p->what);
        if (getenv("PST_PLANT_FROM")) printf("%d: %" PRIu64 "\n", verify_planted, number);
    }
    verify_planted = 0;
}

TEST(verify_plant_nothing_is_found_where_nothing_is_wrong)
{
    oracle_tally tally = {0};
    for (uint64_t number = 0; number < 50; number++) CHECK(oracle_number(number, MUTANTS, true, &tally));
}
