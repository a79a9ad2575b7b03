// opt_test.c: what the optimiser makes of small programs, as text. That it means the same is tested by tests/diff and tests/conformance, which run optimised
// programs in the checked interpreter and compiled.
#include "harness.h"
#include "raw_program.h"

#include "pal/pal.h"

static pst_text g_text;

// The program that text becomes, an instruction a line.
static const char *optimised(const char *text, const pst_facts *facts)
{
    char error[256];
    raw_program program;
    raw_optimised o;
    if (!g_text.env) pst_text_init(&g_text, pst_pal_env());
    pst_text_clear(&g_text);
    if (!raw_program_assemble(&program, RAW_CHECKED, text, error, sizeof error)) {
        pst_test_fail(__FILE__, __LINE__, "%s", error);
        return "";
    }
    pst_status status = raw_optimise(&o, program.image, &raw_bindings, facts);
    if (status != PST_OK) pst_text_add(&g_text, pst_status_text(status));
    for (uint32_t pc = 0; status == PST_OK && pc < o.result.image.count; pc++) {
        if (o.result.image.insns[pc].kind == PST_KIND_PADDING) continue;
        pst_disasm_insn(&g_text, &o.result.image.insns[pc], pc, NULL);
        pst_text_add(&g_text, "; ");
    }
    raw_optimised_free(&o);
    raw_program_free(&program);
    return pst_text_cstr(&g_text);
}

#define BECOMES(before, after) CHECK_STR(optimised(before, NULL), after)

TEST(what_is_known_is_computed)
{
    BECOMES("r1 = 6; r2 = 7; r1 *= r2; r0 = r1; exit", "r0 = 42; exit; ");
    BECOMES("w0 = -1; w0 >>= 4; r0 += 1; exit", "r0 = 268435456; exit; ");
    BECOMES("r0 = 1; if r0 > 3 goto far; r0 = 2; exit; far: r0 = 3; exit", "r0 = 2; exit; ");
    BECOMES("r0 = *(u8 *)(r1 + 0); if r0 > 255 goto far; exit; far: r0 = 3; exit", "r0 = *(u8 *)(r1 + 0); exit; ");
}

TEST(what_changes_nothing_goes)
{
    BECOMES("r0 = *(u32 *)(r1 + 0); w0 = w0; w0 &= -1; exit", "r0 = *(u32 *)(r1 + 0); exit; ");
    BECOMES("r0 = *(u8 *)(r1 + 0); r0 <<= 32; r0 >>= 32; r0 &= 255; exit", "r0 = *(u8 *)(r1 + 0); exit; ");
    BECOMES("r0 = *(u64 *)(r1 + 0); r0 += 5; r0 += -5; r0 ^= 0; r0 *= 1; exit", "r0 = *(u64 *)(r1 + 0); exit; ");
    BECOMES("r0 = *(u64 *)(r1 + 0); w0 += 1; w0 = w0; exit", "r0 = *(u64 *)(r1 + 0); w0 += 1; exit; ");
    BECOMES("r0 = *(u64 *)(r1 + 0); r0 <<= 32; r0 s>>= 32; exit", "r0 = *(u64 *)(r1 + 0); r0 = (s32)r0; exit; ");
}

TEST(what_nobody_reads_goes)
{
    BECOMES("r3 = *(u64 *)(r1 + 8); r3 += 1; r4 = r3; r0 = 1; exit", "r0 = 1; exit; ");
    BECOMES("*(u64 *)(r10 - 8) = 7; r0 = 1; exit", "r0 = 1; exit; ");
}

TEST(what_is_computed_twice_is_computed_once)
{
    BECOMES("r2 = *(u64 *)(r1 + 0); r3 = r2; r3 *= 77; r0 = r2; r0 *= 77; r0 ^= r3; exit", "r0 = 0; exit; ");
    BECOMES("r2 = *(u64 *)(r1 + 0); r3 = *(u64 *)(r1 + 8); r4 = r2; r4 *= r3; *(u64 *)(r1 + 0) = r4; if r2 > 5 goto more; r0 = r2; r0 *= r3; exit; more: r0 = 1; exit",
            "r2 = *(u64 *)(r1 + 0); r3 = *(u64 *)(r1 + 8); r0 = r2; r0 *= r3; *(u64 *)(r1 + 0) = r0; if r2 > 5 goto +1; exit; r0 = 1; exit; ");
}

TEST(stack_becomes_registers)
{
    BECOMES("r2 = *(u64 *)(r1 + 0); *(u64 *)(r10 - 8) = r2; r0 = *(u64 *)(r10 - 8); exit", "r0 = *(u64 *)(r1 + 0); exit; ");
    // At the width of the slot: what is read is what fits.
    BECOMES("r2 = *(u64 *)(r1 + 0); *(u8 *)(r10 - 1) = r2; r0 = *(u8 *)(r10 - 1); exit", "r0 = *(u64 *)(r1 + 0); r0 &= 0xff; exit; ");
    BECOMES("r2 = *(u64 *)(r1 + 0); *(u8 *)(r10 - 1) = r2; r0 = *(s8 *)(r10 - 1); exit", "r2 = *(u64 *)(r1 + 0); r0 = (s8)r2; exit; ");
}

TEST(stack_that_others_see_stays)
{
    // Overlapping accesses, a variable address, an address that is stored.
    BECOMES("*(u64 *)(r10 - 8) = 7; r0 = *(u8 *)(r10 - 8); exit", "*(u64 *)(r10 - 8) = 7; r0 = *(u8 *)(r10 - 8); exit; ");
    BECOMES("r2 = *(u64 *)(r1 + 0); r3 = r10; r3 -= r2; *(u64 *)(r10 - 8) = 7; r0 = *(u64 *)(r3 + 0); r2 = *(u64 *)(r10 - 8); r0 += r2; exit",
            "r2 = *(u64 *)(r1 + 0); r3 = r10; r3 -= r2; *(u64 *)(r10 - 8) = 7; r0 = *(u64 *)(r3 + 0); r2 = *(u64 *)(r10 - 8); r0 += r2; exit; ");
    BECOMES("*(u64 *)(r1 + 0) = r10; *(u64 *)(r10 - 8) = 7; r0 = 0; exit", "r2 = r10; *(u64 *)(r1 + 0) = r2; *(u64 *)(r10 - 8) = 7; r0 = 0; exit; ");
}

TEST(small_functions_are_inlined)
{
    BECOMES("r1 = 20; call f; exit; f: r0 = r1; r0 += 1; exit", "r0 = 21; exit; exit; ");
    // Registers that a callee keeps, and a number that it gets by reference.
    BECOMES("r6 = *(u64 *)(r1 + 0); r1 = 5; call f; r0 += r6; exit; f: r6 = r1; r6 *= r6; r0 = r6; exit", "r0 = *(u64 *)(r1 + 0); r0 += 25; exit; exit; ");
    BECOMES("*(u64 *)(r10 - 8) = 3; r1 = r10; r1 += -8; call f; exit; f: r0 = *(u64 *)(r1 + 0); r0 += 4; exit", "r0 = 7; exit; exit; ");
    // Functions that call themselves stay.
    CHECK(strstr(optimised("r1 = 3; call f; exit; f: r0 = r1; if r1 == 0 goto out; r1 += -1; call f; r0 += 1; out: exit", NULL), "call"));
}

TEST(facts_are_used)
{
    static const uint8_t flags[8] = {[1] = PST_FACT_UPPER_ZERO};
    static const pst_fact_value values[8] = {{0, UINT64_MAX, 0, UINT64_MAX}, {0, UINT64_MAX, 0, UINT64_MAX}, {0, UINT64_MAX, 0, UINT64_MAX},
                                             {0, UINT64_MAX, 0, UINT64_MAX}, {0, UINT64_MAX, 0, UINT64_MAX}, {0, UINT64_MAX, 0, UINT64_MAX}};
    static pst_fact_value small[8];
    const pst_facts upper = {.flags = flags, .values = values};
    CHECK_STR(optimised("r0 = *(u64 *)(r1 + 0); w0 = w0; exit", &upper), "r0 = *(u64 *)(r1 + 0); exit; ");
    memcpy(small, values, sizeof small);
    small[0] = (pst_fact_value){3, 9, 0, 15};
    const pst_facts range = {.values = small};
    CHECK_STR(optimised("r0 = *(u64 *)(r1 + 0); if r0 > 20 goto far; r0 &= 15; exit; far: r0 = 1; exit", &range), "r0 = *(u64 *)(r1 + 0); exit; ");
}

TEST(counted_jumps_stay)
{
    static const uint8_t flags[8] = {[2] = PST_FACT_METERED};
    const pst_facts facts = {.flags = flags};
    char error[256];
    raw_program program;
    raw_optimised o;
    REQUIRE(raw_program_assemble(&program, RAW_CHECKED, "r0 = *(u64 *)(r1 + 0); r0 += 1; if r0 != 0 goto -2; exit", error, sizeof error));
    CHECK_EQ(raw_optimise(&o, program.image, &raw_bindings, &facts), PST_OK);
    unsigned counted = 0;
    for (uint32_t pc = 0; pc < o.result.image.count; pc++) counted += (o.result.facts.flags[pc] & PST_FACT_METERED) != 0;
    CHECK_EQ(counted, 1);
    raw_optimised_free(&o);
    raw_program_free(&program);
}

// More values than registers: some have to live on the stack.
TEST(too_many_values_are_spilled)
{
    char text[4096] = "", error[256];
    for (int i = 0; i < 14; i++) snprintf(text + strlen(text), sizeof text - strlen(text), "r0 = *(u64 *)(r1 + %d); r0 *= 3; *(u64 *)(r10 - %d) = r0; ", 8 * i, 8 * i + 8);
    snprintf(text + strlen(text), sizeof text - strlen(text), "r0 = 1; ");
    for (int i = 0; i < 14; i++) snprintf(text + strlen(text), sizeof text - strlen(text), "r2 = *(u64 *)(r10 - %d); r0 *= 7; r0 ^= r2; ", 8 * i + 8);
    snprintf(text + strlen(text), sizeof text - strlen(text), "exit");
    CHECK(strstr(optimised(text, NULL), "(r10 -"));
    uint64_t memory[14], r0[2] = {0};
    static const raw_engine engines[] = {RAW_CHECKED, RAW_OPTIMISED};
    for (unsigned i = 0; i < 14; i++) memory[i] = 0x9e3779b97f4a7c15u * (i + 1);
    for (unsigned e = 0; e < 2; e++) {
        raw_program program;
        pst_run run = {0};
        REQUIRE(raw_program_assemble(&program, engines[e], text, error, sizeof error));
        r0[e] = pst_exec_run_raw(program.exec, (pst_raw_memory){memory, sizeof memory}, &run);
        CHECK_EQ(run.trap.code, PST_TRAP_NONE);
        raw_program_free(&program);
    }
    CHECK_EQ(r0[0], r0[1]);
}

TEST(large_programs_are_declined)
{
    pst_text text;
    pst_text_init(&text, pst_pal_env());
    for (unsigned i = 0; i < OPT_SLOTS_MAX; i++) pst_text_add(&text, "r0 = 1;");
    pst_text_add(&text, "exit");
    CHECK_STR(optimised(pst_text_cstr(&text), NULL), pst_status_text(PST_E_LIMIT));
    pst_text_free(&text);
    pst_text_free(&g_text);
}

static uint64_t run_jit(const char *text, uint64_t a, uint64_t b)
{
    char error[256];
    raw_program program;
    uint64_t memory[2] = {a, b}, r0 = 0;
    pst_run run = {0};
    if (raw_program_assemble(&program, RAW_JIT, text, error, sizeof error)) r0 = pst_exec_run_raw(program.exec, (pst_raw_memory){memory, sizeof memory}, &run);
    else pst_test_fail(__FILE__, __LINE__, "%s", error);
    raw_program_free(&program);
    return r0;
}

// Each comparison, as a choice between two values that no branch makes.
TEST(choices_are_right)
{
    static const char *const ops[] = {"==", "!=", ">", ">=", "<", "<=", "s>", "s>=", "s<", "s<=", "&"};
    static const uint64_t numbers[] = {0, 1, 5, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x100000005, UINT64_MAX, (uint64_t)1 << 63};
    char text[256];
    if (!pst_jit_supported()) {
        pst_test_skip("there is no compiler for this machine");
        return;
    }
    for (unsigned op = 0; op < PST_COUNT(ops); op++)
        for (unsigned form = 0; form < 4; form++) {
            snprintf(text, sizeof text, "r2 = *(u64 *)(r1 + 0); r3 = *(u64 *)(r1 + 8); r0 = r2; r0 += 7; if %c2 %s %s goto out; r0 = r3; out: exit", form & 1 ? 'w' : 'r', ops[op],
                     form & 2 ? "5" : form & 1 ? "w3" : "r3");
            for (unsigned i = 0; i < PST_COUNT(numbers) * PST_COUNT(numbers); i++) {
                uint64_t a = numbers[i / PST_COUNT(numbers)], b = numbers[i % PST_COUNT(numbers)];
                bool holds = pst_jump_eval(op == 10 ? PST_JUMP_JSET : (pst_jump_op[]){PST_JUMP_JEQ, PST_JUMP_JNE, PST_JUMP_JGT, PST_JUMP_JGE, PST_JUMP_JLT, PST_JUMP_JLE, PST_JUMP_JSGT, PST_JUMP_JSGE, PST_JUMP_JSLT, PST_JUMP_JSLE}[op],
                                           form & 1 ? 32 : 64, a, form & 2 ? 5 : b);
                if (i % 9 == form && run_jit(text, a, b) != (holds ? a + 7 : b)) pst_test_fail(__FILE__, __LINE__, "\"%s\" with 0x%" PRIx64 ", 0x%" PRIx64, text, a, b);
            }
        }
}
