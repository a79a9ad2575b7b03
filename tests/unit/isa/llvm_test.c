// llvm_test.c: the same instructions through llvm's assembler and disassembler, as a judge from outside.
//
// Our text must assemble there to our bytes, and llvm's text for our bytes must assemble here to the same bytes. Left out is
// what llvm 19 has no text for: pseudo kinds, kinds of calls, ordered loads and stores. Skipped without llvm-mc.
#include "harness.h"
#include "isa_cases.h"

#define COMMAND "llvm-mc-19 -triple=bpfel -mcpu=v4 -mattr=+alu32"
#define INPUT PST_BINARY_DIR "/llvm_test.in"
#define CASES_MAX 200000u

#ifdef _WIN32
TEST(llvm_is_asked_on_other_systems) { pst_test_skip("there is no popen"); }
#else

#define NO_JUDGE (system(COMMAND " --version >/dev/null 2>&1") != 0)

static struct {
    pst_slot slots[CASES_MAX][2];
    size_t count;
} g_cases;

static bool llvm_knows(const pst_insn *insn)
{
    bool imm64_is_number = insn->kind != PST_KIND_IMM64 || insn->op == PST_IMM64_VALUE;
    bool call_is_helper = insn->kind != PST_KIND_CALL || insn->op == PST_CALL_HELPER ||
                          (insn->op == PST_CALL_REGISTER && !(insn->flags & PST_INSN_IMM_CALL));
    bool ordered = insn->kind == PST_KIND_LOAD_ACQUIRE || insn->kind == PST_KIND_STORE_RELEASE;
    bool far = insn->kind == PST_KIND_JUMP && (insn->target > INT16_MAX || insn->target < INT16_MIN);
    bool indirect_imm = insn->kind == PST_KIND_LEGACY_LOAD && insn->op == PST_LEGACY_IND && insn->imm != 0;
    return imm64_is_number && call_is_helper && !ordered && !far && !indirect_imm;
}

static void collect(void *user, const pst_slot slots[2])
{
    pst_insn insn;
    static uint32_t turn;
    if (pst_insn_decode(slots, 2, &insn) != PST_DECODE_OK || !llvm_knows(&insn)) return;
    // Loads and stores have many combinations of registers and offsets: some of them do.
    bool many = insn.kind == PST_KIND_BRANCH || insn.kind == PST_KIND_STORE || insn.kind == PST_KIND_ATOMIC;
    if ((many && turn++ % 7 != 0) || g_cases.count == CASES_MAX) return;
    memcpy(g_cases.slots[g_cases.count++], slots, 2 * sizeof *slots);
}

static size_t slots_of(size_t i) { return g_cases.slots[i][0].opcode == 0x18 ? 2 : 1; }

static FILE *open_input(void)
{
    if (g_cases.count == 0) isa_each_slot(collect, NULL);
    return fopen(INPUT, "w");
}

static FILE *run_judge(const char *options)
{
    char command[512];
    snprintf(command, sizeof command, "timeout 60 " COMMAND " %s %s 2>&1", options, INPUT);
    return popen(command, "r");
}

TEST(llvm_assembles_our_text_to_our_bytes)
{
    if (NO_JUDGE) {
        pst_test_skip("llvm-mc-19 is not there");
        return;
    }
    isa_heap heap;
    pst_env env = isa_heap_env(&heap);
    pst_text text;
    pst_text_init(&text, &env);
    FILE *input = open_input();
    REQUIRE(input);
    for (size_t i = 0; i < g_cases.count; i++) {
        pst_insn insn;
        CHECK_EQ(pst_insn_decode(g_cases.slots[i], 2, &insn), PST_DECODE_OK);
        pst_text_clear(&text);
        pst_disasm_insn(&text, &insn, 0, NULL);
        fprintf(input, "%s\n", pst_text_cstr(&text));
    }
    fclose(input);
    pst_text_free(&text);

    FILE *output = run_judge("--show-encoding");
    REQUIRE(output);
    char line[512];
    size_t seen = 0, wrong = 0;
    while (fgets(line, sizeof line, output)) {
        const char *encoding = strstr(line, "# encoding: [");
        if (strstr(line, "error:") && wrong++ < 10) pst_test_fail(__FILE__, __LINE__, "%s", line);
        if (!encoding || seen == g_cases.count) continue;
        uint8_t bytes[16] = {0}, *want = (uint8_t *)g_cases.slots[seen];
        const char *p = encoding + strlen("# encoding: [");
        for (size_t i = 0; i < slots_of(seen) * 8; i++, p += 5) bytes[i] = (uint8_t)strtoul(p, NULL, 16);
        if (memcmp(bytes, want, slots_of(seen) * 8) != 0 && wrong++ < 10)
            pst_test_fail(__FILE__, __LINE__, "llvm has other bytes for %s", line);
        seen++;
    }
    CHECK_EQ(pclose(output), 0);
    CHECK_EQ(seen, g_cases.count);
    CHECK_EQ(wrong, 0);
}

TEST(llvm_text_assembles_here_to_the_same_bytes)
{
    if (NO_JUDGE) {
        pst_test_skip("llvm-mc-19 is not there");
        return;
    }
    FILE *input = open_input();
    REQUIRE(input);
    for (size_t i = 0; i < g_cases.count; i++) {
        const uint8_t *bytes = (const uint8_t *)g_cases.slots[i];
        for (size_t k = 0; k < slots_of(i) * 8; k++) fprintf(input, "0x%02x ", bytes[k]);
        fprintf(input, "\n");
    }
    fclose(input);

    FILE *output = run_judge("--disassemble");
    REQUIRE(output);
    isa_heap heap;
    pst_env env = isa_heap_env(&heap);
    char line[512];
    size_t seen = 0, wrong = 0;
    while (fgets(line, sizeof line, output)) {
        if (strstr(line, "warning:") && wrong++ < 10) pst_test_fail(__FILE__, __LINE__, "%s", line);
        if (line[0] != '\t' || strstr(line, ".text") || seen == g_cases.count) continue;
        pst_slot *slots;
        size_t count;
        pst_asm_error error;
        pst_status status = pst_assemble(&env, line, &slots, &count, &error);
        bool same = status == PST_OK && count == slots_of(seen) && memcmp(slots, g_cases.slots[seen], count * sizeof *slots) == 0;
        if (!same && wrong++ < 10) pst_test_fail(__FILE__, __LINE__, "%s here: %s", line, status == PST_OK ? "other bytes" : error.text);
        pst_free(&env, slots, count * sizeof *slots);
        seen++;
    }
    CHECK_EQ(pclose(output), 0);
    CHECK_EQ(seen, g_cases.count);
    CHECK_EQ(wrong, 0);
}

#endif
