// verify_plant_test.c: the oracle finds mistakes. Each is planted in turn, at the place that VPLANT marks in src/verify, which this program has compiled anew
// with PST_VERIFY_PLANTED.
//
// Some mistakes show in one program of a thousand; so that the test is quick, each is looked for from a program on where it once showed. When the
// generator has changed and the test takes long, set the numbers to those that it prints (PST_PLANT_FROM=0: all anew).
#include "harness.h"

#include "interp/interp.h"
#include "pal/pal.h"
#include "verify_forge.h"
#include "verify_oracle.h"

#define COUNT 6000u
#define MUTANTS 5u
#define FORGERIES 24u

int verify_planted; // 0: none

typedef struct plant {
    const char *what;
    uint64_t from; // a program that shows it
} plant;

static const plant plants[] = {
    {"nothing", 0},
    {"a >= that is learned is one too strong", 34},
    {"< is decided where both can be equal", 400},
    {"packet pointers are ordered although the address may wrap", 476},
    {"a packet access may be one byte too long", 78},
    {"an access of an object may be one byte too long", 397},
    {"packet pointers outlive a call that moves the packet", 36},
    {"pointers outlive the reference that was given back", 125},
    {"a pointer is not null where it was found to be", 2245},
    {"stack bytes that a call fills keep what was known of them", 203},
    {"a store at a variable offset weakens nothing", 318},
    {"a small number under zeros is read with its sign", 2032},
    {"the subset test of covers.c is the wrong way round", 6},
    {"a state covers others whatever its relations say", 1139},
    {"a state covers others that hold more references", 1325},
    {"a join forgets the interval of one side", 147},
    {"a widening is no upper bound", 72},
    {"a join keeps the relations of one side", 194},
    {"bytes are initialised if they are on one side", 435},
    {"bytes are zero if they are on one side", 591},
    {"an edge of a loop is cut although the loop may be entered again", 479},
    {"turns of a loop are not counted", 24},
    {"a sum of 32 bits keeps its symbol although it wraps", 734},
    {"a difference is related by the wrong end", 687},
    {"the low half is taken for the whole", 462},
    {"any divisor is said not to be 0", 125},
    {"relations are used for sums that wrap", 272},
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
        uint64_t from = setting("PST_PLANT_FROM", p->from), number = from;
        while (number < from + COUNT && oracle_number(number, MUTANTS, false, &tally)) number++;
        if (!tally.wrong) pst_test_fail(__FILE__, __LINE__, "mistake %d is not found: %s", verify_planted, p->what);
        if (number != p->from) printf("mistake %d shows in program %" PRIu64 "\n", verify_planted, number);
    }
    verify_planted = 0;
}

typedef struct numbered_plant {
    int number;
    const char *what;
    uint64_t from;
} numbered_plant;

// Mistakes in calls by summary, by what vgen_calls makes.
static const numbered_plant summary_plants[] = {
    {29, "a summary is used whatever is in the stack slots that the callee reads", 6},
    {30, "what the callee gives back lives on for the caller", 3828},
    {31, "what the callee stores in the caller's frame is not there behind the call", 20},
    {32, "a packet that the callee moves has not moved for the caller", 222},
    {33, "a summary is used whatever the arguments are", 2},
    {34, "a callee is taken to have one exit", 16},
    {35, "a store of the callee at a variable offset is not noted", 155},
};

TEST(verify_plant_each_mistake_in_summaries_is_found)
{
    for (size_t i = 0; i < PST_COUNT(summary_plants); i++) {
        const numbered_plant *p = &summary_plants[i];
        oracle_tally tally = {0};
        uint64_t from = setting("PST_PLANT_FROM", p->from), number = from;
        verify_planted = p->number;
        while (number < from + COUNT && oracle_calls_number(number, MUTANTS, false, &tally)) number++;
        if (!tally.wrong) pst_test_fail(__FILE__, __LINE__, "mistake %d is not found: %s", p->number, p->what);
        if (number != p->from) printf("mistake %d shows in calls %" PRIu64 "\n", p->number, number);
    }
    verify_planted = 0;
}

// Mistakes in what must be given back, lies on the stack, or runs later: from ORACLE_HOLDS on.
static const numbered_plant holding_plants[] = {
    {36, "slices of a packet outlive a call that moves it", 3572},
    {37, "slices outlive the dynptr that was overwritten", 2815},
    {38, "an iterator need not be destroyed", 2},
    {39, "elements outlive their iterator", 1649},
    {40, "a lock may be held at the end", 16},
    {41, "any lock is released, whichever is held", 227},
    {42, "calls may be made while a lock is held", 2062},
    {43, "what was put into a map is still the program's", 5106},
    {44, "a pointer out of a map's value is not null", 4371},
    {45, "locks and timers are numbers like any other", 108},
    {46, "a timer's callback is walked for one map only", 2699},
    {47, "a timer's callback may return anything", 536},
    {48, "a global function leaves its caller's memory as it was", 252},
    {49, "a global function's memory is never missing", 0},
    {50, "global functions are not verified", 31},
    {51, "a section may be open at the end", 115},
    {52, "a reservation by dynptr need not be given back", 102},
    {53, "may_goto never leaves its loop", 512},
    {55, "a task that was acquired need not be released", 65},
    {56, "a new object is never null", 65},
    {57, "the index of bpf_loop's callback is 0", 95},
    {58, "an iterator never comes to its end", 2},
};

TEST(verify_plant_each_mistake_in_what_is_held_is_found)
{
    for (size_t i = 0; i < PST_COUNT(holding_plants); i++) {
        const numbered_plant *p = &holding_plants[i];
        oracle_tally tally = {0};
        uint64_t from = setting("PST_PLANT_FROM", p->from), number = from;
        verify_planted = p->number;
        while (number < from + COUNT && oracle_number(ORACLE_HOLDS + number, MUTANTS, false, &tally)) number++;
        if (!tally.wrong) pst_test_fail(__FILE__, __LINE__, "mistake %d is not found: %s", p->number, p->what);
        if (number != p->from) printf("mistake %d shows in program ORACLE_HOLDS + %" PRIu64 "\n", p->number, number);
    }
    verify_planted = 0;
}

// Mistakes that generated programs hardly ever show, each with a program that does.
typedef struct shown {
    int number;
    const char *what;
    vgen_type type;
    pst_verify_mode mode;
    const char *text;
} shown;

static const shown written[] = {
    {27, "views of a socket outlive it", VGEN_SCHED_CLS, PST_VERIFY_PRIVILEGED,
     "r6 = r1; *(u64 *)(r10 - 16) = 0; *(u64 *)(r10 - 8) = 0; r2 = r10; r2 += -16; r3 = 12; r4 = -1 ll; r5 = 0; call 84; if r0 == 0 goto out; r7 = r0;"
     "r1 = r0; call 95; if r0 == 0 goto back; r8 = r0; r1 = r7; call 86; r5 = *(u32 *)(r8 + 4); r0 = 0; exit;"
     "back: r1 = r7; call 86; out: r0 = 0; exit"},
    {28, "an address is stored where others can read it, in strict mode", VGEN_XDP, PST_VERIFY_STRICT,
     "r1 = map[fd:6][0]+0; *(u64 *)(r1 + 8) = r1; r0 = 0; exit"},
    {60, "a number stays a multiple of the turns if it is on one side of a join", VGEN_XDP, PST_VERIFY_PRIVILEGED,
     "r6 = 0; r7 = 0; head: if r7 == 30 goto out; r1 = map[fd:6][0]+0; r1 += r6; *(u8 *)(r1 + 0) = 1; r6 += 2; if r7 < 14 goto skip; r6 += 2;"
     "skip: r7 += 1; goto head; out: r0 = 0; exit"},
    {54, "atomics may go through a part of a dynptr", VGEN_XDP, PST_VERIFY_PRIVILEGED,
     "r1 = map[fd:6][0]+0; r2 = 64; r3 = 0; r4 = r10; r4 += -16; call 197; r1 = r10; r1 += -16; r2 = 5; r3 = 8; call 203; if r0 == 0 goto out; r1 = 1;"
     "lock *(u32 *)(r0 + 0) += w1; out: r0 = 0; exit"},
};

TEST(verify_plant_each_mistake_is_found_in_written_programs)
{
    for (size_t i = 0; i < PST_COUNT(written); i++) {
        static oracle_report report;
        const shown *w = &written[i];
        pst_slot *slots = NULL;
        size_t count = 0;
        pst_asm_error error = {0};
        oracle_options options = {.type = w->type, .mode = w->mode, .runs = 100, .seed = 1};
        REQUIRE(pst_assemble(pst_pal_env(), w->text, &slots, &count, &error) == PST_OK);
        CHECK(oracle_check(&options, slots, count, &report) == ORACLE_REJECTED);
        verify_planted = w->number;
        if (oracle_check(&options, slots, count, &report) != ORACLE_WRONG) pst_test_fail(__FILE__, __LINE__, "mistake %d is not found: %s (%s at %u, %s)", w->number, w->what, pst_finding_kind_text(report.finding.kind), report.finding.pc, report.finding.known);
        verify_planted = 0;
        pst_free(pst_pal_env(), slots, count * sizeof *slots);
    }
}

TEST(verify_plant_nothing_is_found_where_nothing_is_wrong)
{
    oracle_tally tally = {0};
    for (uint64_t number = 0; number < 50; number++) {
        CHECK(oracle_number(number, MUTANTS, true, &tally) && oracle_number(ORACLE_HOLDS + number, MUTANTS, true, &tally));
        CHECK(oracle_calls_number(number, MUTANTS, true, &tally));
    }
}

// --- Metered loops --------------------------------------------------------------------------------------------

#define METER_TURNS 1000
#define METER_INSNS 100000

static uint64_t some_number(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5, pst_run *run)
{
    (void)r1, (void)r2, (void)r3, (void)r4, (void)r5, (void)run;
    return 7;
}

static const pst_helper *find_prandom(void *user, int32_t id)
{
    static const pst_helper_proto proto = {.id = 7, .name = "get_prandom_u32", .ret = PST_RET_INTEGER};
    static const pst_helper helper = {.proto = &proto, .fn = some_number};
    (void)user;
    return id == 7 ? &helper : NULL;
}

typedef enum meter_outcome { METER_REFUSED, METER_STOPPED, METER_RUNS_ON } meter_outcome;

// Proves the program with its loops metered, and runs it: the turns stop it, or it runs on.
static meter_outcome run_metered(const char *text)
{
    const pst_env *env = pst_pal_env();
    pst_slot *slots = NULL;
    size_t count = 0;
    pst_asm_error error = {0};
    pst_image *image = NULL;
    pst_verdict *verdict = NULL;
    pst_exec *exec = NULL;
    meter_outcome outcome = METER_REFUSED;
    pst_run run = {.budget = METER_INSNS};
    if (pst_assemble(env, text, &slots, &count, &error) != PST_OK) pst_test_fail(__FILE__, __LINE__, "%s: %s", text, error.text);
    const pst_prog_type *type = pst_prog_type_by_name("sched_cls");
    pst_image_input input = {.size = sizeof input, .name = "meter", .prog_type = type->number, .gpl_compatible = true, .slots = slots, .count = (uint32_t)count};
    if (pst_image_build(env, &input, NULL, &image) != PST_OK) pst_test_fail(__FILE__, __LINE__, "%s: no program", text);
    pst_verify_input verify = {.size = sizeof verify, .image = image, .type = type};
    pst_verify_opts opts = {.size = sizeof opts, .meter_loops = true};
    const pst_bindings bindings = {.find_helper = find_prandom};
    const pst_interp_opts turns = {.size = sizeof turns, .meter_turns = METER_TURNS};
    CHECK_EQ(pst_verify(env, &verify, &opts, &verdict), PST_OK);
    if (verdict->kind == PST_VERDICT_ACCEPT) outcome = METER_RUNS_ON;
    if (outcome == METER_RUNS_ON && pst_checked_create_with(env, image, &bindings, &verdict->facts, &turns, &exec) == PST_OK) {
        CHECK_EQ(verdict->metered, 1);
        (void)pst_exec_run(exec, &run);
        if (run.trap.code == PST_TRAP_BUDGET && run.turns == METER_TURNS) outcome = METER_STOPPED;
        exec->free(exec);
    }
    pst_verdict_free(verdict);
    pst_image_free(image);
    pst_free(env, slots, count * sizeof *slots);
    return outcome;
}

TEST(verify_plant_a_metered_loop_without_a_counted_jump)
{
    static const char *const texts[] = {
        "head: call 7; if r0 != 5 goto head; r0 = 0; exit",
        "call 7; if r0 > 9 goto out; head: r0 += 1; goto head; out: r0 = 0; exit",
        "r6 = 0; outer: r6 += 1; if r6 < 3 goto outer; r6 = 0; call 7; if r0 != 5 goto outer; r0 = 0; exit",
    };
    for (size_t i = 0; i < PST_COUNT(texts); i++) {
        verify_planted = 0;
        CHECK_EQ(run_metered(texts[i]), METER_STOPPED);
        verify_planted = 61;
        CHECK_EQ(run_metered(texts[i]), METER_RUNS_ON);
    }
    verify_planted = 0;
}

TEST(verify_plant_a_metered_loop_that_holds_a_reference)
{
    static const char text[] =
        "*(u64 *)(r10 - 16) = 0; *(u64 *)(r10 - 8) = 0; r2 = r10; r2 += -16; r3 = 12; r4 = -1 ll; r5 = 0; call 84; if r0 == 0 goto out; r7 = r0;"
        "head: call 7; if r0 != 5 goto head; r1 = r7; call 86; out: r0 = 0; exit";
    CHECK_EQ(run_metered(text), METER_REFUSED);
    verify_planted = 62;
    CHECK(run_metered(text) != METER_REFUSED);
    verify_planted = 0;
}

// Mistakes of the re-check, which forged certificates make use of. That there may be anything behind a certificate is none: it lets them come to an end.
static const plant rechecks[] = {
    {"a certificate may be longer than its proof", 0},
    {"a state is not compared with the one that it is said to be inside of", 22},
    {"a state is not compared with the one that is made for it", 570},
    {"the way from a state to the one that it is inside of is forgotten", 582},
};
#define RECHECKS_FROM 90

TEST(verify_plant_each_mistake_of_the_recheck_is_found)
{
    for (int i = 0; i < (int)PST_COUNT(rechecks); i++) {
        forge_tally tally = {0};
        uint64_t from = setting("PST_PLANT_FROM", rechecks[i].from), number = from, count = i ? COUNT : 50;
        for (; number < from + count && !tally.wrong; number++) {
            verify_planted = 0;
            if (!forge_certify(number, false, &tally)) continue;
            verify_planted = RECHECKS_FROM + i;
            forge_try(FORGERIES, 2);
        }
        verify_planted = 0;
        if (i == 0) CHECK_EQ(tally.wrong, 0);
        else if (!tally.wrong) pst_test_fail(__FILE__, __LINE__, "mistake %d is not found: %s", RECHECKS_FROM + i, rechecks[i].what);
        if (i && number - 1 != from) printf("mistake %d shows in program %" PRIu64 "\n", RECHECKS_FROM + i, number - 1);
    }
}
