// worst_test.c: programs made to be hard for a verifier: many paths, deep loops, much code. Each is answered within the verifier's own limits of
// steps and memory, and with the right verdict where it is known. Times are printed, not asserted.
#include "harness.h"

#include <stdarg.h>

#include "pal/pal.h"
#include "verify/verify.h"

#define TEXT_MAX ((size_t)8 << 20)
#define STEPS_MAX 1000000u
#define BYTES_MAX ((uint64_t)64 << 20)

typedef struct program {
    char *text;
    size_t size;
} program;

static void say(program *p, const char *fmt, ...) PST_PRINTF(2, 3);
static void say(program *p, const char *fmt, ...)
{
    va_list args;
    if (!p->text) p->text = malloc(TEXT_MAX);
    va_start(args, fmt);
    p->size += (size_t)vsnprintf(p->text + p->size, TEXT_MAX - p->size, fmt, args);
    va_end(args);
}

static pst_map_view *find_map(void *user, pst_imm64_op op, int32_t map)
{
    static uint8_t values[4096];
    static pst_map_view view = {.type = PST_MAP_ARRAY, .key_size = 4, .value_size = 4096, .max_entries = 1, .id = 1, .values = values, .value_stride = 4096};
    (void)user, (void)op, (void)map;
    return &view;
}

typedef enum want { ACCEPT, REJECT, EITHER } want;

static pst_verdict *verify_slots(const char *name, const pst_slot *slots, size_t count)
{
    const pst_prog_type *type = pst_prog_type_by_name("xdp");
    pst_image_error error = {0};
    pst_image *image = NULL;
    pst_verdict *verdict = NULL;
    pst_image_input input = {.size = sizeof input, .name = "worst", .prog_type = type->number, .gpl_compatible = true, .slots = slots,
                             .count = (uint32_t)count, .find_map = find_map};
    pst_status status = pst_image_build(pst_pal_env(), &input, &error, &image);
    if (status == PST_OK) {
        pst_verify_input verify = {.size = sizeof verify, .image = image, .type = type};
        status = pst_verify(pst_pal_env(), &verify, NULL, &verdict);
        pst_image_free(image);
    }
    if (status != PST_OK) pst_test_fail(__FILE__, __LINE__, "%s: %s %s", name, pst_status_text(status), error.text);
    return verdict;
}

// Verifies, checks and frees the program.
static void check(program *p, const char *name, want expected)
{
    pst_slot *slots = NULL;
    size_t count = 0;
    pst_asm_error why = {0};
    pst_verdict *verdict = NULL;
    if (pst_assemble(pst_pal_env(), p->text, &slots, &count, &why) != PST_OK) pst_test_fail(__FILE__, __LINE__, "%s: line %u: %s", name, why.line, why.text);
    else verdict = verify_slots(name, slots, count);
    if (verdict) {
        const pst_finding *f = &verdict->finding;
        printf("%8.1f ms %8.1f KiB %9llu steps %6u states %u attempts  %s: %zu instructions: %s%s%s\n", (double)verdict->time_ns / 1e6,
               (double)verdict->peak_bytes / 1024, (unsigned long long)verdict->steps, verdict->states, verdict->attempts, name, count,
               verdict->kind == PST_VERDICT_ACCEPT ? "accept" : pst_finding_kind_text(f->kind), f->text[0] ? ": " : "", f->text);
        // Two attempts, of which the first has a share of the steps; and the step that is one too many in each.
        CHECK(verdict->steps <= 2 * (uint64_t)STEPS_MAX);
        CHECK(verdict->peak_bytes <= BYTES_MAX);
        if (expected != EITHER && (expected == ACCEPT) != (verdict->kind == PST_VERDICT_ACCEPT))
            pst_test_fail(__FILE__, __LINE__, "%s: %s at %u: %s [%s]", name, pst_finding_kind_text(f->kind), f->pc, f->text, f->known);
    }
    pst_verdict_free(verdict);
    pst_free(pst_pal_env(), slots, count * sizeof *slots);
    free(p->text);
    *p = (program){0};
}

// --- Loops ----------------------------------------------------------------------------------------------------

TEST(worst_narrow_count)
{
    program p = {0};
    say(&p, "r0 = 0; r1 = 10; loop: w1 -= 1; if r1 > 0 goto loop; exit\n");
    check(&p, "w1 -= 1 from 10", ACCEPT);
    say(&p, "call 7; r1 = r0; r0 = 0; loop: w1 -= 1; if r1 > 0 goto loop; exit\n");
    check(&p, "w1 -= 1 from anything", EITHER);
    say(&p, "r0 = 0; r1 = 0x7fffffff; loop: w1 -= 1; if r1 > 0 goto loop; exit\n");
    check(&p, "w1 -= 1 from 2^31", EITHER);
    say(&p, "r0 = 0; r1 = 0; loop: w1 -= 3; if r1 != 0 goto loop; exit\n");
    check(&p, "w1 -= 3 to 0, round the corner", EITHER);
    say(&p, "r0 = 0xff00380000000000 ll; self: if w0 & 0x21000900 goto self; forever: goto forever\n");
    check(&p, "goto itself", REJECT);
}

static void nest(program *p, unsigned depth, unsigned turns)
{
    say(p, "r6 = 0\n");
    for (unsigned i = 0; i < depth; i++) say(p, "*(u64 *)(r10 - %u) = 0\nhead%u:\n", 8 * (i + 1), i);
    say(p, "r6 += 1\n");
    for (unsigned i = depth; i-- > 0;)
        say(p, "r1 = *(u64 *)(r10 - %u); r1 += 1; *(u64 *)(r10 - %u) = r1; if r1 < %u goto head%u\n", 8 * (i + 1), 8 * (i + 1), turns, i);
    say(p, "r0 = 0; exit\n");
}

TEST(worst_nested_loops)
{
    program p = {0};
    nest(&p, 5, 10);
    check(&p, "5 nested loops of 10 turns", ACCEPT);
    nest(&p, 10, 100);
    check(&p, "10 nested loops of 100 turns", ACCEPT);
    nest(&p, 10, 1000000);
    check(&p, "10 nested loops of a million turns", EITHER);
    nest(&p, 40, 3);
    check(&p, "40 nested loops of 3 turns", EITHER);
}

static void branches_in_loop(program *p, unsigned branches, bool correlated)
{
    say(p, "call 7; r6 = r0; r7 = 0; r8 = 0\nhead:\n");
    for (unsigned i = 0; i < branches; i++) {
        if (correlated) say(p, "if r6 > %u goto l%u; r8 += 1; l%u:\n", 7 * i, i, i);
        else say(p, "call 7; if r0 > %u goto l%u; r8 += 1; l%u:\n", 7 * i + 1, i, i);
    }
    say(p, "r7 += 1; if r7 < 1000 goto head; r0 = 0; exit\n");
}

TEST(worst_loop_bodies)
{
    program p = {0};
    branches_in_loop(&p, 200, false);
    check(&p, "a loop with 200 independent branches", ACCEPT);
    branches_in_loop(&p, 200, true);
    check(&p, "a loop with 200 correlated branches", ACCEPT);
    say(&p, "r6 = map[fd:3][0]+0; r7 = 0\nhead:\n");
    for (unsigned i = 0; i < 60; i++) say(&p, "call 7; if r0 > 7 goto l%u; *(u64 *)(r10 - %u) = r0; l%u:\n", i, 8 * (i + 1), i);
    say(&p, "r7 += 1; if r7 < 100 goto head; r0 = 0; exit\n");
    check(&p, "a loop that may fill any of 60 slots", ACCEPT);
}

// --- Branches -------------------------------------------------------------------------------------------------

TEST(worst_diamonds)
{
    program p = {0};
    say(&p, "r6 = 0\n");
    for (unsigned i = 0; i < 2000; i++) say(&p, "call 7; if r0 > 7 goto l%u; r6 += 1; l%u:\n", i, i);
    say(&p, "r0 = 0; exit\n");
    check(&p, "2,000 diamonds, independent, counted", ACCEPT);
    say(&p, "call 7; r6 = r0; r7 = 0\n");
    for (unsigned i = 0; i < 2000; i++) say(&p, "if r6 & 0x%x goto l%u; r7 += %u; l%u:\n", 1u << (i % 31), i, i, i);
    say(&p, "r0 = 0; exit\n");
    check(&p, "2,000 diamonds, correlated by bits", ACCEPT);
    say(&p, "call 7; r6 = r0; r7 = 0\n");
    for (unsigned i = 0; i < 2000; i++) say(&p, "if r6 > %u goto l%u; r7 += 1; l%u:\n", i * 1000, i, i);
    say(&p, "r0 = 0; exit\n");
    check(&p, "2,000 diamonds, correlated by ranges", ACCEPT);
}

// What is counted is an index in the end, so the states differ in something that matters.
TEST(worst_diamonds_that_matter)
{
    program p = {0};
    say(&p, "r6 = 0\n");
    for (unsigned i = 0; i < 2000; i++) say(&p, "call 7; if r0 > 7 goto l%u; r6 += 1; l%u:\n", i, i);
    say(&p, "r0 = map[fd:3][0]+0; r0 += r6; *(u8 *)(r0 + 0) = 1; r0 = 0; exit\n");
    check(&p, "2,000 diamonds, an index", ACCEPT);
    for (unsigned i = 0; i < 60; i++) say(&p, "call 7; *(u64 *)(r10 - %u) = r0\n", 8 * (i + 1));
    say(&p, "r6 = map[fd:3][0]+0\n");
    for (unsigned i = 0; i < 60; i++) say(&p, "r1 = *(u64 *)(r10 - %u); if r1 > 7 goto l%u; r6 = r6; l%u:\n", 8 * (i + 1), i, i);
    for (unsigned i = 0; i < 60; i++) say(&p, "r1 = *(u64 *)(r10 - %u); if r1 > 7 goto m%u; r2 = r6; r2 += r1; *(u8 *)(r2 + 0) = 1; m%u:\n", 8 * (i + 1), i, i);
    say(&p, "r0 = 0; exit\n");
    check(&p, "60 numbers, each tested twice", ACCEPT);
    say(&p, "r6 = r1\n");
    for (unsigned i = 0; i < 500; i++)
        say(&p, "r2 = *(u32 *)(r6 + 0); r3 = *(u32 *)(r6 + 4); r4 = r2; r4 += %u; if r4 > r3 goto l%u; r0 = *(u8 *)(r2 + %u); l%u:\n", i + 1, i, i, i);
    say(&p, "r0 = 0; exit\n");
    check(&p, "500 packet checks", ACCEPT);
}

// --- Much code ------------------------------------------------------------------------------------------------

TEST(worst_straight_code)
{
    program p = {0};
    say(&p, "r0 = 0\n");
    for (unsigned i = 0; i < 65000; i++) say(&p, "r0 += 1\n");
    say(&p, "exit\n");
    check(&p, "65,000 additions", EITHER);
    say(&p, "call 7\n");
    for (unsigned i = 0; i < 16000; i++) say(&p, "r%u = r0; r%u *= %u; r0 ^= r%u; r0 += r%u\n", i % 4 + 6, i % 4 + 6, i + 3, i % 4 + 6, i % 4 + 6);
    say(&p, "r0 = 0; exit\n");
    check(&p, "64,000 of arithmetic", ACCEPT);
    say(&p, "call 7\n");
    for (unsigned i = 0; i < 32000; i++) say(&p, "*(u64 *)(r10 - %u) = r0; r0 = *(u64 *)(r10 - %u)\n", 8 * (i % 64 + 1), 8 * (i * 7 % 64 + 1));
    say(&p, "r0 = 0; exit\n");
    check(&p, "64,000 spills and fills", ACCEPT);
    for (unsigned i = 0; i < 30000; i++) say(&p, "call 7; r6 += r0\n");
    say(&p, "r0 = 0; exit\n");
    check(&p, "60,000 of calls, r6 not set", REJECT);
}

TEST(worst_ladders)
{
    program p = {0};
    say(&p, "call 7; r6 = r0\n");
    for (unsigned i = 0; i < 20000; i++) say(&p, "if r6 == %u goto +1; if r6 != %u goto +1; gotol out\n", i, i + 1);
    say(&p, "out: r0 = 0; exit\n");
    check(&p, "a ladder of 20,000 with one way out", ACCEPT);
    say(&p, "call 7; r6 = r0; r7 = 0\n");
    for (unsigned i = 0; i < 30000; i++) say(&p, "if r6 > %u goto +1; r7 = %u\n", i, i);
    say(&p, "r0 = 0; exit\n");
    check(&p, "a ladder of 30,000 diamonds", ACCEPT);
    for (unsigned i = 0; i < 21000; i++) say(&p, "call 7; if r0 > 7 goto +1; r0 = %u\n", i);
    say(&p, "r0 = 0; exit\n");
    check(&p, "a ladder of 21,000 independent diamonds", ACCEPT);
}

// --- Calls ----------------------------------------------------------------------------------------------------

TEST(worst_subprograms)
{
    program p = {0};
    for (unsigned i = 0; i < 1000; i++) say(&p, "r1 = %u; call f%u\n", i, i);
    say(&p, "r0 = 0; exit\n");
    for (unsigned i = 0; i < 1000; i++) say(&p, "f%u: r0 = r1; if r1 > 7 goto e%u; r0 = 1; e%u: exit\n", i, i, i);
    check(&p, "1,000 subprograms", ACCEPT);
    say(&p, "r6 = 0\n");
    for (unsigned i = 0; i < 1000; i++) say(&p, "call 7; r1 = r0; call f; r6 += r0\n");
    say(&p, "r0 = 0; exit\nf: r0 = 0\n");
    for (unsigned i = 0; i < 10; i++) say(&p, "if r1 & 0x%x goto l%u; r0 += 1; l%u:\n", 1u << i, i, i);
    say(&p, "exit\n");
    check(&p, "1,000 calls of a function with 10 branches", ACCEPT);
    say(&p, "call f0; r0 = 0; exit\n");
    for (unsigned i = 0; i < 6; i++) {
        say(&p, "f%u:\n", i);
        for (unsigned j = 0; j < 8; j++) say(&p, "call f%u\n", i + 1);
        say(&p, "exit\n");
    }
    say(&p, "f6: call 7; if r0 > 7 goto e; r0 = 1; e: exit\n");
    check(&p, "7 levels of functions, each called 8 times", ACCEPT);
}

TEST(worst_callbacks)
{
    program p = {0};
    for (unsigned i = 0; i < 200; i++) say(&p, "r1 = 100; r2 = subprog[f]; r3 = 0; r4 = 0; call 181\n");
    say(&p, "r0 = 0; exit\nf: call 7; r6 = r0; r0 = 0\n");
    for (unsigned i = 0; i < 20; i++) say(&p, "if r6 & 0x%x goto l%u; r0 = 1; l%u:\n", 1u << i, i, i);
    say(&p, "exit\n");
    check(&p, "200 loops by a callback with 20 branches", ACCEPT);
    say(&p, "r1 = 100; r2 = subprog[f1]; r3 = 0; r4 = 0; call 181; r0 = 0; exit\n");
    for (unsigned i = 1; i < 6; i++) say(&p, "f%u: r1 = 100; r2 = subprog[f%u]; r3 = 0; r4 = 0; call 181; r0 = 0; exit\n", i, i + 1);
    say(&p, "f6: call 7; if r0 > 7 goto e; r0 = 1; exit; e: r0 = 0; exit\n");
    check(&p, "callbacks in callbacks, 6 deep", ACCEPT);
}

// --- Spills ---------------------------------------------------------------------------------------------------

TEST(worst_spills)
{
    program p = {0};
    say(&p, "call 7; *(u64 *)(r10 - 8) = r0\n");
    for (unsigned i = 1; i < 64; i++) say(&p, "r1 = *(u64 *)(r10 - %u); r1 += 1; *(u64 *)(r10 - %u) = r1\n", 8 * i, 8 * (i + 1));
    for (unsigned i = 0; i < 64; i++) say(&p, "r1 = *(u64 *)(r10 - %u); if r1 > %u goto l%u; r2 = 1; l%u:\n", 8 * (i + 1), 100 * i + 100, i, i);
    say(&p, "r0 = 0; exit\n");
    check(&p, "64 spilled numbers, all related", ACCEPT);
    for (unsigned i = 0; i < 64; i++) say(&p, "call 7; *(u64 *)(r10 - %u) = r0\n", 8 * (i + 1));
    for (unsigned i = 0; i < 64; i++)
        for (unsigned j = 0; j < 32; j++)
            say(&p, "r1 = *(u64 *)(r10 - %u); r2 = *(u64 *)(r10 - %u); if r1 > r2 goto +1; r3 = 1\n", 8 * (i + 1), 8 * (j + 1));
    say(&p, "r0 = 0; exit\n");
    check(&p, "64 numbers compared with each other", ACCEPT);
    say(&p, "r7 = 0\nhead:\n");
    for (unsigned i = 0; i < 63; i++) say(&p, "r1 = *(u64 *)(r10 - %u); *(u64 *)(r10 - %u) = r1\n", 8 * (i + 1), 8 * (i + 2));
    say(&p, "call 7; *(u64 *)(r10 - 8) = r0; r7 += 1; if r7 < 1000 goto head; r0 = 0; exit\n");
    check(&p, "a loop that moves 64 slots on", ACCEPT);
}

// --- What a hostile writer may think of ---------------------------------------------------------------------------------

// Layers of functions, each of which calls all those of the next layer: width^layers ways to the last ones.
static void layers(program *p, unsigned depth, unsigned width, const char *pass, const char *leaf)
{
    say(p, "r6 = r1; r9 = 0; *(u64 *)(r10 - 8) = 0\n");
    for (unsigned j = 0; j < width; j++) say(p, "r1 = r10; r1 += -8; r2 = %u; call f0_%u\n", j, j);
    say(p, "r0 = 0; exit\n");
    for (unsigned i = 0; i < depth; i++)
        for (unsigned k = 0; k < width; k++) {
            say(p, "f%u_%u: r6 = r1; r7 = r2; r8 = 0; *(u64 *)(r10 - 8) = %u\n", i, k, k);
            for (unsigned j = 0; j < width && i + 1 < depth; j++) say(p, "%s; call f%u_%u; r8 += r0\n", pass, i + 1, j);
            say(p, "%s; r0 = r8; exit\n", i + 1 < depth ? "r8 &= 15" : leaf);
        }
}

TEST(worst_layers_of_functions)
{
    program p = {0};
    layers(&p, 6, 12, "r1 = r6; r2 = r7", "r8 = r7");
    check(&p, "6 layers of 12 functions, numbers passed on", ACCEPT);
    layers(&p, 6, 12, "r1 = r6; r2 = r7; r2 *= 13; r2 += r8", "r8 = *(u64 *)(r6 + 0)");
    check(&p, "6 layers of 12 functions, other numbers each time", ACCEPT);
    layers(&p, 6, 8, "r1 = r10; r1 += -8; r2 = r7", "*(u64 *)(r6 + 0) = r7; call 7; r8 = r0");
    check(&p, "6 layers of 8 functions, stacks that are written to", ACCEPT);
    layers(&p, 6, 8, "r1 = r6; r2 = r7", "r1 = *(u64 *)(r6 + 0); r1 += 1; *(u64 *)(r6 + 0) = r1; r8 = r1");
    check(&p, "6 layers of 8 functions that count in one slot", ACCEPT);
    layers(&p, 7, 70, "r1 = r6; r2 = r7", "r8 = r7");
    check(&p, "490 functions in 7 layers", EITHER);
}

// Many values come back, each of which the caller knows apart.
TEST(worst_many_results)
{
    program p = {0};
    say(&p, "call f0; r0 = 0; exit\n");
    for (unsigned i = 0; i < 5; i++) {
        say(&p, "f%u: r6 = 0\n", i);
        for (unsigned j = 0; j < 6; j++) say(&p, "call f%u; r6 *= 7; r6 += r0\n", i + 1);
        say(&p, "r0 = r6; exit\n");
    }
    say(&p, "f5: call 7\n");
    for (unsigned i = 0; i < 40; i++) say(&p, "if r0 > %u goto l%u; r0 = %u; exit; l%u:\n", 5 * i, i, i * i, i);
    say(&p, "r0 = 1; exit\n");
    check(&p, "results of 40 kinds through 5 levels", ACCEPT);
    say(&p, "r6 = map[fd:3][0]+0; r7 = 0\n");
    for (unsigned i = 0; i < 40; i++) say(&p, "call f; if r0 > 63 goto out; r1 = r6; r1 += r0; *(u8 *)(r1 + %u) = 1; r7 += r0\n", i);
    say(&p, "out: r0 = 0; exit\nf: call 7; r1 = r0; r0 = 0\n");
    for (unsigned i = 0; i < 30; i++) say(&p, "if r1 & 0x%x goto l%u; r0 += %u; l%u:\n", 1u << i, i, i, i);
    say(&p, "exit\n");
    check(&p, "40 calls of a function with 30 branches, an index", ACCEPT);
}

TEST(worst_callbacks_and_calls)
{
    program p = {0};
    say(&p, "r1 = 100; r2 = subprog[f1]; r3 = r10; r3 += -8; *(u64 *)(r10 - 8) = 0; r4 = 0; call 181; r0 = 0; exit\n");
    for (unsigned i = 1; i < 6; i++) {
        say(&p, "f%u: r6 = r2\n", i);
        for (unsigned j = 0; j < 4; j++) say(&p, "r1 = 100; r2 = subprog[f%u]; r3 = r6; r4 = 0; call 181\n", i + 1);
        say(&p, "r0 = 0; exit\n");
    }
    say(&p, "f6: r1 = *(u64 *)(r2 + 0); r1 += 1; *(u64 *)(r2 + 0) = r1; r0 = 0; exit\n");
    check(&p, "callbacks in callbacks, 6 deep and 4 wide, that count", EITHER);
    say(&p, "r6 = 0\n");
    for (unsigned i = 0; i < 8; i++) say(&p, "*(u64 *)(r10 - %u) = 0; h%u:\n", 8 * (i + 1), i);
    say(&p, "r1 = r6; call f0; r6 += r0\n");
    for (unsigned i = 8; i-- > 0;) say(&p, "r1 = *(u64 *)(r10 - %u); r1 += 1; *(u64 *)(r10 - %u) = r1; if r1 < 50 goto h%u\n", 8 * (i + 1), 8 * (i + 1), i);
    say(&p, "r0 = 0; exit\n");
    for (unsigned i = 0; i < 5; i++) say(&p, "f%u: r6 = r1; call f%u; r1 = r6; r1 += r0; call f%u; exit\n", i, i + 1, i + 1);
    say(&p, "f5: r0 = r1; r0 &= 7; exit\n");
    check(&p, "8 nested loops around a tree of calls", EITHER);
}

TEST(worst_pointers_in_slots)
{
    program p = {0};
    for (unsigned i = 0; i < 60; i++) say(&p, "*(u32 *)(r10 - 4) = %u; r2 = r10; r2 += -4; r1 = map[fd:3]; call 1; *(u64 *)(r10 - %u) = r0\n", i, 8 * (i + 2));
    for (unsigned i = 0; i < 60; i++) say(&p, "r1 = *(u64 *)(r10 - %u); if r1 == 0 goto l%u; *(u8 *)(r1 + %u) = 1; l%u:\n", 8 * (i + 2), i, i, i);
    say(&p, "r0 = 0; exit\n");
    check(&p, "60 pointers that may be null", ACCEPT);
    say(&p, "r7 = 0\nhead:\n");
    for (unsigned i = 0; i < 30; i++)
        say(&p, "*(u32 *)(r10 - 4) = r7; r2 = r10; r2 += -4; r1 = map[fd:3]; call 1; if r0 == 0 goto l%u; *(u64 *)(r10 - %u) = r0; l%u:\n", i, 8 * (i + 2), i);
    say(&p, "r7 += 1; if r7 < 1000 goto head; r0 = 0; exit\n");
    check(&p, "a loop that may put pointers into 30 slots", EITHER);
    say(&p, "r6 = map[fd:3][0]+0\n");
    for (unsigned i = 0; i < 60; i++) say(&p, "*(u64 *)(r10 - %u) = 0\n", 8 * (i + 1));
    for (unsigned i = 0; i < 60; i++) say(&p, "call 7; if r0 > 7 goto l%u; *(u64 *)(r10 - %u) = %u; l%u:\n", i, 8 * (i + 1), i, i);
    for (unsigned i = 0; i < 60; i++) say(&p, "r1 = *(u64 *)(r10 - %u); r2 = r6; r2 += r1; *(u8 *)(r2 + 0) = 1\n", 8 * (i + 1));
    say(&p, "r0 = 0; exit\n");
    check(&p, "60 slots of two values each", ACCEPT);
}

TEST(worst_control)
{
    program p = {0};
    say(&p, "r6 = 0; r7 = 0\nhead:\n");
    for (unsigned i = 0; i < 100; i++) say(&p, "if r6 == %u goto s%u\n", i, i);
    say(&p, "r0 = 0; exit\n");
    for (unsigned i = 0; i < 100; i++) say(&p, "s%u: call 7; r6 = r0; r6 &= 127; r7 += 1; if r7 < 1000 goto head; r0 = 0; exit\n", i);
    check(&p, "a machine of 100 states in a loop", ACCEPT);
    say(&p, "call 7; r6 = r0; r7 = 0\n");
    for (unsigned i = 0; i < 30; i++) say(&p, "l%u: r7 += 1; if r7 > 1000 goto out; call 7; if r0 > 5 goto l%u; if r0 > 3 goto l%u\n", i, (i * 7 + 3) % 30, (i * 11 + 5) % 30);
    say(&p, "out: r0 = 0; exit\n");
    check(&p, "30 blocks that jump into each other", EITHER);
    say(&p, "r6 = 0\n");
    for (unsigned i = 0; i < 40; i++) say(&p, "h%u: may_goto out%u; r6 += 1\n", i, i);
    for (unsigned i = 40; i-- > 0;) say(&p, "goto h%u; out%u:\n", i, i);
    say(&p, "r0 = 0; exit\n");
    check(&p, "40 nested loops by may_goto", EITHER);
    say(&p, "r6 = 0; call 7; r7 = r0; r8 = 0\nhead:\n");
    for (unsigned i = 0; i < 20; i++) say(&p, "r1 = r7; r1 += %u; *(u64 *)(r10 - %u) = r1; call 7; if r0 > 7 goto +1; r7 += 1\n", i, 8 * (i + 1));
    say(&p, "r8 += 1; if r8 < r7 goto head; r0 = 0; exit\n");
    check(&p, "a loop that never catches up, and 20 related slots", EITHER);
}

// Each slot is compared with those before it while a loop turns: as many relations as there can be.
TEST(worst_relations)
{
    program p = {0};
    for (unsigned i = 0; i < 40; i++) say(&p, "call 7; *(u64 *)(r10 - %u) = r0\n", 8 * (i + 1));
    say(&p, "r7 = 0\nhead:\n");
    for (unsigned i = 1; i < 40; i++)
        for (unsigned j = 0; j < i; j += 1 + i / 4)
            say(&p, "r1 = *(u64 *)(r10 - %u); r2 = *(u64 *)(r10 - %u); if r1 s> r2 goto out\n", 8 * (i + 1), 8 * (j + 1));
    say(&p, "r7 += 1; if r7 < 1000 goto head; out:\n");
    for (unsigned i = 0; i < 40; i++) say(&p, "r1 = *(u64 *)(r10 - %u); if r1 > %u goto +1; r2 = 1\n", 8 * (i + 1), 100 * i);
    say(&p, "r0 = 0; exit\n");
    check(&p, "40 slots ordered in a loop", EITHER);
    for (unsigned i = 0; i < 30; i++) say(&p, "call 7; r0 &= 0xffff; *(u64 *)(r10 - %u) = r0\n", 8 * (i + 1));
    say(&p, "r7 = 0\nhead:\n");
    for (unsigned i = 1; i < 30; i++)
        say(&p, "r1 = *(u64 *)(r10 - %u); r2 = *(u64 *)(r10 - %u); if r1 > r2 goto +1; r1 += 1; *(u64 *)(r10 - %u) = r1\n", 8 * i, 8 * (i + 1), 8 * i);
    say(&p, "r7 += 1; if r7 < 1000 goto head\n");
    for (unsigned i = 0; i < 30; i++) say(&p, "r1 = *(u64 *)(r10 - %u); if r1 > %u goto +1; r2 = 1\n", 8 * (i + 1), 100 * i);
    say(&p, "r0 = 0; exit\n");
    check(&p, "30 slots that climb over each other in a loop", EITHER);
}
