// bound_test.c: which accesses stay in an array on every way, a wrong one included. The last access of a program is the one that is asked about.
#include "harness.h"
#include "isa/isa.h"
#include "jit/guess.h"
#include "pal/pal.h"

#define ARRAY_BYTES 64

typedef struct bound_case {
    const char *name;
    const char *text; // r1: 64 bytes of an array; r2: any number
    bool bounded;
} bound_case;

static const bound_case cases[] = {
    {"a constant offset", "r0 = *(u8 *)(r1 + 63)", true},
    {"one byte too far", "r0 = *(u8 *)(r1 + 64)", false},
    {"a part of it too far", "r0 = *(u32 *)(r1 + 61)", false},
    {"in front of it", "r0 = *(u8 *)(r1 - 1)", false},
    {"a masked index", "r2 &= 63; r1 += r2; r0 = *(u8 *)(r1 + 0)", true},
    {"a mask that is too wide", "r2 &= 127; r1 += r2; r0 = *(u8 *)(r1 + 0)", false},
    {"a masked index and an offset", "r2 &= 31; r1 += r2; r0 = *(u32 *)(r1 + 29)", true},
    {"a masked index and an offset too far", "r2 &= 31; r1 += r2; r0 = *(u32 *)(r1 + 30)", false},
    {"a shift", "r2 >>= 58; r1 += r2; r0 = *(u8 *)(r1 + 0)", true},
    {"a shift by too little", "r2 >>= 57; r1 += r2; r0 = *(u8 *)(r1 + 0)", false},
    {"a scaled index", "w2 &= 7; r2 <<= 3; r1 += r2; r0 = *(u64 *)(r1 + 0)", true},
    {"a remainder", "r2 %= 57; r1 += r2; r0 = *(u64 *)(r1 + 0)", true},
    {"a negative index", "r2 &= 7; r2 -= 1; r1 += r2; r0 = *(u8 *)(r1 + 0)", false},
    {"a comparison, which a guess passes by", "if r2 > 63 goto out; r1 += r2; r0 = *(u8 *)(r1 + 0)", false},
    {"an index that is masked on one way only", "if r2 > 99 goto far; r2 &= 63; far: r1 += r2; r0 = *(u8 *)(r1 + 0)", false},
    {"an index that is masked on both", "if r2 > 99 goto far; r2 &= 63; goto on; far: r2 &= 31; on: r1 += r2; r0 = *(u8 *)(r1 + 0)", true},
    {"a pointer on one way, a number on the other", "if r2 > 99 goto far; r1 = 4; far: r0 = *(u8 *)(r1 + 0)", false},
    {"a counter, masked where it is used", "r3 = 0; again: r4 = r1; r5 = r3; r5 &= 63; r4 += r5; r3 += 1; if r3 < r2 goto again; r0 = *(u8 *)(r4 + 0)", true},
    {"a counter with a limit", "r3 = 0; again: r4 = r1; r4 += r3; r3 += 1; if r3 < 8 goto again; r0 = *(u8 *)(r4 + 0)", false},
    {"a pointer that a loop moves", "again: r1 += 1; r2 += -1; if r2 > 7 goto again; r0 = *(u8 *)(r1 + 0)", false},
    {"a move to 32 bits, which may be left out", "w3 = w2; r3 >>= 26; r1 += r3; r0 = *(u8 *)(r1 + 0)", false},
    {"a pointer from memory", "*(u64 *)(r10 - 8) = r1; r1 = *(u64 *)(r10 - 8); r0 = *(u8 *)(r1 + 0)", false},
    {"a store", "r2 &= 63; r1 += r2; *(u8 *)(r1 + 0) = 1", true},
};

static uint8_t g_values[ARRAY_BYTES];
static pst_map_view g_map = {.type = PST_MAP_ARRAY, .key_size = 4, .value_size = ARRAY_BYTES, .max_entries = 1, .values = g_values, .value_stride = ARRAY_BYTES};

static pst_map_view *find_map(void *user, pst_imm64_op op, int32_t number)
{
    (void)user, (void)op, (void)number;
    return &g_map;
}

static bool is_bounded(const bound_case *c, const pst_facts *facts)
{
    char text[400];
    pst_slot *slots = NULL, with[80] = {{.opcode = 0x18, .regs = 0x21, .imm = 3}, {0}}; // r1 = values of the map
    size_t count = 0;
    pst_asm_error error;
    pst_image *image = NULL;
    const pst_bindings bindings = {0};
    bool bounded = false;
    snprintf(text, sizeof text, "%s; out: r0 = 0; exit", c->text);
    CHECK_EQ(pst_assemble(pst_pal_env(), text, &slots, &count, &error), PST_OK);
    memcpy(with + 2, slots, count * sizeof *slots);
    const pst_image_input input = {.size = sizeof input, .slots = with, .count = (uint32_t)count + 2, .find_map = find_map};
    CHECK_EQ(pst_image_build(pst_pal_env(), &input, NULL, &image), PST_OK);
    jit_unit unit = {.env = pst_pal_env(), .image = image, .source = image, .bindings = &bindings, .facts = facts, .harden = PST_JIT_MASK};
    CHECK_EQ(jit_analyse(&unit), PST_OK);
    for (uint32_t pc = 0; pc < image->count; pc++)
        if (image->insns[pc].kind == PST_KIND_LOAD || image->insns[pc].kind == PST_KIND_STORE) bounded = (jit_guesses_at(&unit, pc) & JIT_GUESS_BOUNDED) != 0;
    jit_unit_free(&unit);
    pst_image_free(image);
    pst_free(pst_pal_env(), slots, count * sizeof *slots);
    return bounded;
}

TEST(accesses_that_stay_in_an_array_on_every_way)
{
    for (unsigned i = 0; i < PST_COUNT(cases); i++)
        if (is_bounded(&cases[i], NULL) != cases[i].bounded)
            pst_test_fail(__FILE__, __LINE__, "%s (%s): it is %s bounded", cases[i].name, cases[i].text, cases[i].bounded ? "not" : "wrongly");
}

TEST(what_only_the_proof_says_bounds_nothing)
{
    static const bound_case sum = {"a 32-bit sum that is left at 64 bits", "w2 += w2; r2 >>= 26; r1 += r2; r0 = *(u8 *)(r1 + 0)", false};
    uint8_t flags[16] = {0};
    const pst_facts facts = {.flags = flags};
    CHECK(is_bounded(&sum, &facts));
    flags[2] = PST_FACT_UPPER_ZERO;
    CHECK(!is_bounded(&sum, &facts));
}
