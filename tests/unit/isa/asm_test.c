// asm_test.c: what the assembler accepts beyond the disassembler's syntax, and each error with its line.
#include "harness.h"
#include "isa_cases.h"

// Assembles on a fresh heap, which must be empty again afterwards; the slots are copied to out.
static pst_status assemble(const char *text, pst_slot *out, size_t capacity, size_t *count, pst_asm_error *error)
{
    isa_heap heap;
    pst_env env = isa_heap_env(&heap);
    pst_slot *slots;
    pst_status status = pst_assemble(&env, text, &slots, count, error);
    CHECK(status == PST_OK || (slots == NULL && *count == 0));
    if (slots) memcpy(out, slots, (*count < capacity ? *count : capacity) * sizeof *slots);
    pst_free(&env, slots, *count * sizeof *slots);
    CHECK_EQ(heap.live_bytes, 0);
    return status;
}

static void check_same(const char *a, const char *b)
{
    pst_slot slots_a[16] = {{0}}, slots_b[16] = {{0}};
    size_t count_a, count_b;
    pst_asm_error error;
    if (assemble(a, slots_a, 16, &count_a, &error) != PST_OK) pst_test_fail(__FILE__, __LINE__, "%s: %s", a, error.text);
    if (assemble(b, slots_b, 16, &count_b, &error) != PST_OK) pst_test_fail(__FILE__, __LINE__, "%s: %s", b, error.text);
    if (count_a != count_b || memcmp(slots_a, slots_b, sizeof slots_a) != 0) pst_test_fail(__FILE__, __LINE__, "\"%s\" is not \"%s\"", a, b);
}

TEST(variants)
{
    check_same("r1=r2", "r1 = r2");
    check_same("r1=-1", "r1 = -1");
    check_same("r1 = 0x10", "r1 = 16");
    check_same("r1 = -0x10", "r1 = -16");
    check_same("w1 = 0xffffffff", "w1 = -1");
    check_same("r1 = -1 ll", "r1 = 0xffffffffffffffff ll");
    check_same("r1 = 5ll", "r1 = 5 ll");
    check_same("w0 = *(u8*)(r1+4)", "r0 = *(u8 *)(r1 + 4)");
    check_same("r0 = *(u8 *)(r1)", "r0 = *(u8 *)(r1 + 0)");
    check_same("*(u32 *)(r1 + 0) = w2", "*(u32 *)(r1 + 0) = r2");
    check_same("*(u64 *)(r1 + 0) += r2", "lock *(u64 *)(r1 + 0) += r2");
    check_same("goto pc+3", "goto +3");
    check_same("if r1 == 0 goto pc-3", "if r1 == 0 goto -3");
    check_same("r2 = load_acquire((u8 *)(r1 + 0))", "w2 = load_acquire((u8 *)(r1 + 0))");
    check_same("# one\nexit // two\n/* three\n */", "exit");
    check_same("r0 = 0; exit", "r0 = 0\nexit");
    check_same("r0 = 0;;\r\n\n;exit;", "r0 = 0\nexit");
    check_same("r0 = *(u8 *)skb[r3+4]", "r0 = *(u8 *)skb[r3 + 4]");
    check_same("", "\n# nothing\n");
}

TEST(labels)
{
    check_same("start: r0 += 1; goto start", "r0 += 1; goto -2");
    check_same("goto out\nr0 = 1 ll\nout: exit", "goto +2; r0 = 1 ll; exit");
    check_same("a: b: if r1 s< r2 goto b; goto a", "if r1 s< r2 goto -1; goto -2");
    check_same("if w1 & 1 goto LBB0_2; exit; LBB0_2: exit", "if w1 & 1 goto +1; exit; exit");
    check_same("gotol x; x: exit", "gotol +0; exit");
    check_same("may_goto x; x: exit", "may_goto +0; exit");
    check_same("call f; exit; f: exit", "call pc+1; exit; exit");
    check_same("r1 = subprog[f]; exit; f: exit", "r1 = subprog[+2]; exit; exit");
    check_same("exit; end:", "exit");
}

static const struct {
    const char *text;
    unsigned line;
    const char *part; // of the sentence
} bad[] = {
    {"r0 = 0\nr11 = 5", 2, "register"},
    {"bogus", 1, "register"},
    {"r0 = bogus r1", 1, "no operation has this name"},
    {"r0 @ 5", 1, "0x40"},
    {"r0 = 5 5", 1, "complete"},
    {"exit exit", 1, "complete"},
    {"r0 5", 1, "assignment"},
    {"r0 =", 1, "number"},
    {"r0 = w1", 1, "64 bits"},
    {"w0 = r1", 1, "32 bits"},
    {"r0 = 0xffffffff", 1, "out of range"},
    {"r0 = 4294967296", 1, "out of range"},
    {"w0 = 4294967296", 1, "out of range"},
    {"r0 = -2147483649", 1, "out of range"},
    {"r0 = 99999999999999999999999", 1, "64 bits"},
    {"r0 = 0x", 1, "no number"},
    {"r0 = 12monkeys", 1, "no number"},
    {"r0 = *(u8 *)(r1 + 32768)", 1, "out of range"},
    {"r0 = *(u24 *)(r1 + 0)", 1, "type"},
    {"r0 = *(u8 *)(w1 + 0)", 1, "address"},
    {"w0 = *(u64 *)(r1 + 0)", 1, "64 bits"},
    {"w0 = *(s8 *)(r1 + 0)", 1, "64 bits"},
    {"r0 = *(s64 *)(r1 + 0)", 1, "width"},
    {"*(s8 *)(r1 + 0) = 5", 1, "signed"},
    {"*(u64 *)(r1 + 0) = w5", 1, "w register"},
    {"*(u8 *)(r1 + 0) += r5", 1, "width"},
    {"lock *(u64 *)(r1 + 0) = r5", 1, "assignment"},
    {"lock *(u64 *)(r1 + 0) -= r5", 1, "assignment"},
    {"r1 = atomic_fetch_add((u64 *)(r1 + 0), r2)", 1, "last argument"},
    {"r1 = cmpxchg_64(r1 + 0, r0, r2)", 1, "r0"},
    {"w0 = cmpxchg_64(r1 + 0, r0, r2)", 1, "64 bits"},
    {"r1 = be16 r2", 1, "in place"},
    {"r1 = -r2", 1, "in place"},
    {"r1 = (u8)r2", 1, "s8"},
    {"w1 = (s32)w2", 1, "width"},
    {"w1 = map[fd:3]", 1, "64 bits"},
    {"r1 = map[fd:3][1]+0", 1, "\"0\""},
    {"r1 = map[xx:3]", 1, "\"fd\""},
    {"r10 = 5", 1, "r10 is read-only"},
    {"r1 = *(u8 *)skb[0]", 1, "destination r0"},
    {"r0 = *(u64 *)skb[0]", 1, "width"},
    {"if r1 goto +1", 1, "comparison"},
    {"if r1 = 5 goto +1", 1, "comparison"},
    {"if r1 == 5 +1", 1, "\"goto\""},
    {"if r1 == 5", 1, "missing at the end"},
    {"goto 5", 1, "sign"},
    {"goto +40000", 1, "out of range"},
    {"\n\ngoto nowhere", 3, "no label \"nowhere\""},
    {"a: exit\na: exit", 2, "twice, first in line 1"},
    {"call", 1, "label"},
    {"callx 5", 1, "register"},
    {"callx imm r0", 1, "reserved"},
    {"exit\n/* for ever", 2, "no end"},
    {": exit", 1, "register"},
    {"r1 = addr_space_cast(r2, 0, 2)", 1, "reserved"},
};

TEST(errors_have_a_line_and_a_sentence)
{
    for (size_t i = 0; i < PST_COUNT(bad); i++) {
        pst_asm_error error;
        size_t count;
        CHECK_EQ(assemble(bad[i].text, NULL, 0, &count, &error), PST_E_FORMAT);
        if (error.line != bad[i].line || !strstr(error.text, bad[i].part))
            pst_test_fail(__FILE__, __LINE__, "\"%s\": line %u: \"%s\", not line %u: \"%s\"", bad[i].text, error.line, error.text, bad[i].line, bad[i].part);
    }
}

// A text of count copies of line; %u in it becomes the number. Freed by the caller.
static char *repeat(const char *line, unsigned count)
{
    size_t capacity = strlen(line) + 12;
    char *text = malloc((size_t)count * capacity + 1), *end = text;
    if (!text) exit(2);
    for (unsigned i = 0; i < count; i++) end += snprintf(end, capacity, line, i);
    *end = '\0';
    return text;
}

#define WHOLE_SIZE 300000

TEST(limits)
{
    static pst_slot unused[1];
    size_t count;
    pst_asm_error error;
    char *text = repeat("exit\n", PST_ASM_SLOTS_MAX);
    CHECK_EQ(assemble(text, unused, 1, &count, &error), PST_OK);
    CHECK_EQ(count, PST_ASM_SLOTS_MAX);
    free(text);

    text = repeat("exit\n", PST_ASM_SLOTS_MAX + 1);
    CHECK_EQ(assemble(text, unused, 1, &count, &error), PST_E_LIMIT);
    CHECK_EQ(error.line, PST_ASM_SLOTS_MAX + 1);
    free(text);

    text = repeat("l%u:\n", PST_ASM_LABELS_MAX + 1);
    CHECK_EQ(assemble(text, unused, 1, &count, &error), PST_E_LIMIT);
    CHECK(strstr(error.text, "labels"));
    free(text);

    char *far = repeat("exit\n", 40000), *whole = malloc(WHOLE_SIZE);
    if (!whole) exit(2);
    snprintf(whole, WHOLE_SIZE, "goto end\n%send: exit", far);
    CHECK_EQ(assemble(whole, unused, 1, &count, &error), PST_E_FORMAT);
    CHECK(strstr(error.text, "gotol"));
    snprintf(whole, WHOLE_SIZE, "gotol end\n%send: exit", far);
    CHECK_EQ(assemble(whole, unused, 1, &count, &error), PST_OK);
    CHECK_EQ(unused[0].imm, 40000);
    free(far);
    free(whole);
}

TEST(each_failed_allocation_is_reported)
{
    for (long fail_at = 0;; fail_at++) {
        isa_heap heap;
        pst_env env = isa_heap_env(&heap);
        pst_slot *slots;
        size_t count;
        pst_asm_error error;
        heap.fail_at = fail_at;
        pst_status status = pst_assemble(&env, "a: goto b; r1 = 5 ll; b: goto a", &slots, &count, &error);
        if (status == PST_OK) {
            CHECK(fail_at >= 4);
            pst_free(&env, slots, count * sizeof *slots);
            CHECK_EQ(heap.live_bytes, 0);
            return;
        }
        CHECK_EQ(status, PST_E_NOMEM);
        CHECK_EQ(heap.live_bytes, 0);
    }
}
