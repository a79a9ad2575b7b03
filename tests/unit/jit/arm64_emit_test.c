// arm64_emit_test.c: every emitter of the arm64 back end on registers and immediates of each kind, against llvm's assembler: the word is what llvm makes
// of the text that the test writes for it. Branches, whose words layout.c makes, too. Skipped without llvm-mc.
#include <stdarg.h>

#include "base/bits.h"
#include "harness.h"
#include "jit/arm64/arm64_layout.h"
#include "pal/pal.h"

#ifdef _WIN32
TEST(arm64_emitters_against_llvm) { pst_test_skip("there is no popen"); }
#else

#define COMMAND "llvm-mc-19 -triple=aarch64 -mattr=+v8.5a --show-encoding"
#define INPUT PST_BINARY_DIR "/arm64_emit_test.in"
#define WORDS_MAX 200000u

static arm64_code g_code;
static FILE *g_input;
static uint32_t g_words[WORDS_MAX];
static size_t g_count;

static bool begin(void)
{
    if (system("llvm-mc-19 --version >/dev/null 2>&1") != 0) {
        pst_test_skip("llvm-mc-19 is not there (Debian: llvm-19)");
        return false;
    }
    if (!g_code.env) CHECK_EQ(arm64_code_init(&g_code, pst_pal_env(), 1), PST_OK);
    g_code.size = 0;
    g_count = 0;
    g_input = fopen(INPUT, "w");
    CHECK(g_input);
    return g_input != NULL;
}

static void note(uint32_t word, const char *fmt, va_list args)
{
    if (g_count == WORDS_MAX) {
        pst_test_fail(__FILE__, __LINE__, "there are more words than WORDS_MAX");
        exit(1);
    }
    vfprintf(g_input, fmt, args);
    fputc('\n', g_input);
    g_words[g_count++] = word;
}

// The last emitter's one word, in the assembler's language.
static void PST_PRINTF(1, 2) expect(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    CHECK_EQ(g_code.size, 1);
    note(g_code.words[0], fmt, args);
    va_end(args);
    g_code.size = 0;
}

static void PST_PRINTF(2, 3) expect_word(uint32_t word, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    note(word, fmt, args);
    va_end(args);
}

static void judge(void)
{
    char line[512];
    size_t seen = 0, wrong = 0;
    fclose(g_input);
    FILE *output = popen("timeout 60 " COMMAND " " INPUT " 2>&1", "r");
    REQUIRE(output);
    while (fgets(line, sizeof line, output)) {
        const char *encoding = strstr(line, "// encoding: [");
        if (strstr(line, "error:") && wrong++ < 10) pst_test_fail(__FILE__, __LINE__, "%s", line);
        if (!encoding || seen == g_count) continue;
        uint32_t word = 0;
        const char *p = encoding + strlen("// encoding: [");
        for (unsigned i = 0; i < 4; i++, p += 5) word |= (uint32_t)strtoul(p, NULL, 16) << 8 * i;
        if (word != g_words[seen] && wrong++ < 10) pst_test_fail(__FILE__, __LINE__, "the word is 0x%08x, but llvm has %s", g_words[seen], line);
        seen++;
    }
    CHECK_EQ(pclose(output), 0);
    CHECK_EQ(seen, g_count);
    CHECK_EQ(wrong, 0);
    CHECK_EQ(g_code.status, PST_OK);
}

// --- Text -----------------------------------------------------------------------------------------------------

static const char *text_of(char prefix, unsigned reg, const char *last)
{
    static char names[8][8];
    static unsigned turn;
    char *name = names[turn++ % 8];
    if (reg == 31) snprintf(name, sizeof names[0], "%s", last);
    else snprintf(name, sizeof names[0], "%c%u", prefix, reg);
    return name;
}

// With the zero register, and with the stack pointer.
static const char *z(unsigned width, unsigned reg) { return text_of(width == 64 ? 'x' : 'w', reg, width == 64 ? "xzr" : "wzr"); }
static const char *s(unsigned width, unsigned reg) { return text_of(width == 64 ? 'x' : 'w', reg, width == 64 ? "sp" : "wsp"); }

static const arm64_reg regs[] = {X0, X1, X5, X15, X16, X29, X30, XZR};
#define EACH_REG(r) for (arm64_reg r = X0; r <= XZR; r++)
#define SOME_REG(r) for (const arm64_reg *at_##r = regs; at_##r < regs + PST_COUNT(regs); at_##r++)
#define EACH_WIDTH(w) for (unsigned w = 32; w <= 64; w += 32)

static const char *const shift_names[] = {"lsl", "lsr", "asr", "ror"};
static const char *const sum_names[] = {"add", "adds", "sub", "subs"};
static const char *const logic_names[] = {"and", "orr", "eor", "ands"};
static const char *const cc_names[] = {"eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le"};

// --- Arithmetic -----------------------------------------------------------------------------------------------

static void three_registers(unsigned w, arm64_reg d, arm64_reg a, arm64_reg b)
{
    static const struct { arm64_two op; const char *name; } two[] = {{TWO_UDIV, "udiv"}, {TWO_SDIV, "sdiv"}, {TWO_LSLV, "lslv"}, {TWO_LSRV, "lsrv"}, {TWO_ASRV, "asrv"}, {TWO_RORV, "rorv"}};
    for (unsigned i = 0; i < PST_COUNT(two); i++) arm64_two_sources(&g_code, two[i].op, w, d, a, b), expect("%s %s, %s, %s", two[i].name, z(w, d), z(w, a), z(w, b));
    for (arm64_sum op = SUM_ADD; op <= SUM_SUBS; op++)
        arm64_sum_r(&g_code, op, w, d, a, arm64_plain(b)), expect("%s %s, %s, %s, lsl #0", sum_names[op], z(w, d), z(w, a), z(w, b));
    for (arm64_logic op = LOGIC_AND; op <= LOGIC_ANDS; op++)
        arm64_logic_r(&g_code, op, w, d, a, arm64_plain(b)), expect("%s %s, %s, %s, lsl #0", logic_names[op], z(w, d), z(w, a), z(w, b));
    arm64_orn(&g_code, w, d, a, arm64_plain(b)), expect("orn %s, %s, %s", z(w, d), z(w, a), z(w, b));
    arm64_extr(&g_code, w, d, a, b, w - 5), expect("extr %s, %s, %s, #%u", z(w, d), z(w, a), z(w, b), w - 5);
    arm64_madd(&g_code, w, d, a, b, X7), expect("madd %s, %s, %s, %s", z(w, d), z(w, a), z(w, b), z(w, X7));
    arm64_msub(&g_code, w, d, X9, a, b), expect("msub %s, %s, %s, %s", z(w, d), z(w, X9), z(w, a), z(w, b));
    for (arm64_cc cc = CC_EQ; cc <= CC_LE; cc++) arm64_csel(&g_code, w, d, a, b, cc), expect("csel %s, %s, %s, %s", z(w, d), z(w, a), z(w, b), cc_names[cc]);
}

TEST(arm64_registers)
{
    if (!begin()) return;
    SOME_REG(d) SOME_REG(a) SOME_REG(b) {
        EACH_WIDTH(w) three_registers(w, *at_d, *at_a, *at_b);
        arm64_umull(&g_code, *at_d, *at_a, *at_b), expect("umull %s, %s, %s", z(64, *at_d), z(32, *at_a), z(32, *at_b));
        arm64_umulh(&g_code, *at_d, *at_a, *at_b), expect("umulh %s, %s, %s", z(64, *at_d), z(64, *at_a), z(64, *at_b));
    }
    EACH_REG(d) EACH_REG(a) {
        EACH_WIDTH(w) {
            arm64_mov_r(&g_code, w, d, a), expect("mov %s, %s", z(w, d), z(w, a));
            arm64_rev(&g_code, w, d, a), expect("rev %s, %s", z(w, d), z(w, a));
        }
        arm64_rev16(&g_code, d, a), expect("rev16 %s, %s", z(32, d), z(32, a));
        EACH_WIDTH(w) three_registers(w, d, a, X3);
    }
    EACH_REG(a) arm64_call_r(&g_code, a), expect("blr %s", z(64, a));
    arm64_ret(&g_code), expect("ret");
    arm64_bti_c(&g_code), expect("bti c");
    arm64_udf(&g_code), expect("udf #0");
    arm64_barrier(&g_code), expect("dmb ish");
    judge();
}

TEST(arm64_shifted_operands)
{
    if (!begin()) return;
    EACH_WIDTH(w) for (unsigned n = 0; n < w; n++) for (arm64_shift shift = SHIFT_LSL; shift <= SHIFT_ROR; shift++) {
        arm64_operand b = {X4, (uint8_t)shift, (uint8_t)n};
        for (arm64_sum op = SUM_ADD; op <= SUM_SUBS && shift != SHIFT_ROR; op++)
            arm64_sum_r(&g_code, op, w, X2, X3, b), expect("%s %s, %s, %s, %s #%u", sum_names[op], z(w, X2), z(w, X3), z(w, X4), shift_names[shift], n);
        for (arm64_logic op = LOGIC_AND; op <= LOGIC_ANDS; op++)
            arm64_logic_r(&g_code, op, w, X2, X3, b), expect("%s %s, %s, %s, %s #%u", logic_names[op], z(w, X2), z(w, X3), z(w, X4), shift_names[shift], n);
        arm64_orn(&g_code, w, X2, XZR, b), expect("orn %s, %s, %s, %s #%u", z(w, X2), z(w, XZR), z(w, X4), shift_names[shift], n);
        arm64_shift_i(&g_code, shift, w, X5, X6, n);
        if (n > 0 || shift != SHIFT_LSL) expect("%s %s, %s, #%u", shift_names[shift], z(w, X5), z(w, X6), n);
        else expect("ubfm %s, %s, #0, #%u", z(w, X5), z(w, X6), w - 1);
    }
    EACH_WIDTH(w) for (unsigned rotate = 0; rotate < w; rotate++) for (unsigned last = 0; last < w; last += 3) {
        arm64_bitfield(&g_code, FIELD_S, w, X1, X30, rotate, last), expect("sbfm %s, %s, #%u, #%u", z(w, X1), z(w, X30), rotate, last);
        arm64_bitfield(&g_code, FIELD_INSERT, w, X1, X30, rotate, last), expect("bfm %s, %s, #%u, #%u", z(w, X1), z(w, X30), rotate, last);
        arm64_bitfield(&g_code, FIELD_U, w, X1, X30, rotate, last), expect("ubfm %s, %s, #%u, #%u", z(w, X1), z(w, X30), rotate, last);
    }
    judge();
}

// --- Immediates -----------------------------------------------------------------------------------------------

TEST(arm64_immediates_of_sums)
{
    static const uint32_t imms[] = {0, 1, 2, 0x7ff, 0x800, 0xfff, 0x1000, 0x2000, 0x7ff000, 0xfff000};
    if (!begin()) return;
    EACH_WIDTH(w) EACH_REG(a) SOME_REG(d) for (unsigned i = 0; i < PST_COUNT(imms); i++) {
        CHECK(arm64_fits_sum(imms[i]));
        for (arm64_sum op = SUM_ADD; op <= SUM_SUBS; op++) {
            bool sets = op == SUM_ADDS || op == SUM_SUBS; // then register 31 as destination is the zero register
            arm64_sum_i(&g_code, op, w, *at_d, a, imms[i]);
            expect("%s %s, %s, #%u", sum_names[op], sets ? z(w, *at_d) : s(w, *at_d), s(w, a), imms[i]);
        }
    }
    CHECK(!arm64_fits_sum(0x1001) && !arm64_fits_sum(0x1000000) && !arm64_fits_sum(UINT64_MAX) && !arm64_fits_sum(0xfff001));
    judge();
}

// Each pattern that there is: a run of ones of each length, rotated by each number, in elements of each size.
static size_t logic_patterns(uint64_t out[6000])
{
    size_t count = 0;
    for (unsigned size = 2; size <= 64; size *= 2)
        for (unsigned ones = 1; ones < size; ones++)
            for (unsigned turn = 0; turn < size; turn++) {
                uint64_t run = pst_mask(ones), element = turn == 0 ? run : (run << turn | run >> (size - turn)) & pst_mask(size), value = 0;
                for (unsigned at = 0; at < 64; at += size) value |= element << at;
                out[count++] = value;
            }
    return count;
}

TEST(arm64_immediates_of_logic)
{
    static uint64_t patterns[6000];
    size_t count = logic_patterns(patterns);
    if (!begin()) return;
    for (size_t i = 0; i < count; i++) {
        uint64_t v = patterns[i];
        CHECK(arm64_fits_logic(64, v));
        arm64_logic_i(&g_code, (arm64_logic)(i % 4), 64, X1, X2, v), expect("%s x1, x2, #0x%" PRIx64, logic_names[i % 4], v);
        if (v >> 32 != (uint32_t)v) continue;
        CHECK(arm64_fits_logic(32, (uint32_t)v));
        arm64_logic_i(&g_code, (arm64_logic)(i % 4), 32, X1, X2, (uint32_t)v), expect("%s w1, w2, #0x%x", logic_names[i % 4], (uint32_t)v);
    }
    // Whatever is not one of them is refused: their neighbours are the hard ones.
    for (size_t i = 0; i < count; i++) for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t v = patterns[i] ^ (uint64_t)1 << bit;
        if (!arm64_fits_logic(64, v)) continue;
        bool known = false;
        for (size_t k = 0; k < count && !known; k++) known = patterns[k] == v;
        if (!known) pst_test_fail(__FILE__, __LINE__, "0x%" PRIx64 " is taken for a pattern", v);
    }
    EACH_WIDTH(w) CHECK(!arm64_fits_logic(w, 0) && !arm64_fits_logic(w, pst_mask(w)) && !arm64_fits_logic(w, 5));
    EACH_REG(a) SOME_REG(d) EACH_WIDTH(w) for (arm64_logic op = LOGIC_AND; op <= LOGIC_ANDS; op++)
        arm64_logic_i(&g_code, op, w, *at_d, a, 0xff), expect("%s %s, %s, #255", logic_names[op], op == LOGIC_ANDS ? z(w, *at_d) : s(w, *at_d), z(w, a));
    judge();
}

// What a sequence of moves leaves in its register.
static uint64_t moved(const uint32_t *words, uint32_t count)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t word = words[i];
        unsigned at = (word >> 21 & 3) * 16, op = word >> 29 & 3;
        uint64_t imm = (uint64_t)(word >> 5 & 0xffff) << at;
        if (op == MOVE_K) value = (value & ~((uint64_t)0xffff << at)) | imm;
        else value = op == MOVE_Z ? imm : ~imm;
        if (!(word >> 31)) value = (uint32_t)value;
    }
    return value;
}

TEST(arm64_constants)
{
    static const uint64_t values[] = {0, 1, 0xffff, 0x10000, 0x12345678, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffff1234, 0x1234ffff, 0xffffffff, 0x100000000, 0x123456789abcdef0,
                                      0xffffffff80000000, 0xffffffffffff0000, 0xffff0000ffff1234, 0x1234ffffffff5678, UINT64_MAX, UINT64_MAX - 1, 0xffff00001234, 0x8000000000000000};
    if (!begin()) return;
    EACH_WIDTH(w) SOME_REG(d) for (unsigned at = 0; at < w; at += 16) for (unsigned i = 0; i < 3; i++) {
        static const struct { arm64_move op; const char *name; } moves[] = {{MOVE_N, "movn"}, {MOVE_Z, "movz"}, {MOVE_K, "movk"}};
        arm64_mov_wide(&g_code, moves[i].op, w, *at_d, 0xabcd, at), expect("%s %s, #0xabcd, lsl #%u", moves[i].name, z(w, *at_d), at);
    }
    for (unsigned i = 0; i < PST_COUNT(values); i++) {
        unsigned width = values[i] <= UINT32_MAX ? 32 : 64;
        arm64_mov_i(&g_code, X3, values[i]);
        CHECK(g_code.size >= 1 && g_code.size <= 4);
        bool by_pattern = (g_code.words[0] & 0x1f800000) == 0x12000000;
        if (by_pattern) expect("orr %s, %s, #0x%" PRIx64, z(width, X3), z(width, XZR), values[i]);
        else CHECK_EQ(moved(g_code.words, g_code.size), values[i]);
        g_code.size = 0;
    }
    judge();
}

// --- Memory ---------------------------------------------------------------------------------------------------

static const char *size_suffix(unsigned width) { return width == 8 ? "b" : width == 16 ? "h" : ""; }
static unsigned register_width(unsigned width) { return width == 64 ? 64 : 32; }

static void accesses(unsigned width, arm64_reg r, arm64_mem mem, const char *place, bool scaled)
{
    const char *u = scaled ? "" : "u", *value = z(register_width(width), r);
    arm64_load(&g_code, width, r, mem), expect("ld%sr%s %s, %s", u, size_suffix(width), value, place);
    arm64_store(&g_code, width, mem, r), expect("st%sr%s %s, %s", u, size_suffix(width), value, place);
    if (width < 64) arm64_load_signed(&g_code, width, r, mem), expect("ld%srs%s %s, %s", u, width == 32 ? "w" : size_suffix(width), z(64, r), place);
}

TEST(arm64_memory)
{
    char place[64];
    if (!begin()) return;
    for (unsigned width = 8; width <= 64; width *= 2) SOME_REG(r) EACH_REG(base) {
        int32_t bytes = (int32_t)width / 8;
        const int32_t disps[] = {0, bytes, 7 * bytes, 4095 * bytes, -1, -256, 255, 1};
        for (unsigned i = 0; i < PST_COUNT(disps); i++) {
            bool scaled = disps[i] >= 0 && disps[i] % bytes == 0;
            CHECK(arm64_fits_disp(width, disps[i]));
            snprintf(place, sizeof place, "[%s, #%d]", s(64, base), disps[i]);
            accesses(width, *at_r, arm64_at(base, disps[i]), place, scaled);
        }
        CHECK(!arm64_fits_disp(width, 4096 * bytes) && !arm64_fits_disp(width, -257) && (bytes == 1 || !arm64_fits_disp(width, 4095 * bytes - 1)));
        unsigned log = (unsigned)PST_CTZ64((uint64_t)width / 8);
        for (unsigned index = 0; index < 31; index += 3) for (unsigned count = 0; count <= log; count += log ? log : 1) {
            if (count) snprintf(place, sizeof place, "[%s, x%u, lsl #%u]", s(64, base), index, count);
            else snprintf(place, sizeof place, "[%s, x%u]", s(64, base), index);
            accesses(width, *at_r, (arm64_mem){(uint8_t)base, (uint8_t)index, (uint8_t)count, 0}, place, true);
        }
    }
    judge();
}

TEST(arm64_pairs)
{
    if (!begin()) return;
    EACH_WIDTH(w) EACH_REG(base) for (int32_t n = -64; n <= 63; n += 13) {
        int32_t disp = n * (int32_t)w / 8;
        CHECK(arm64_fits_pair(w, disp) && !arm64_fits_pair(w, disp + 1));
        arm64_store_pair(&g_code, w, PAIR_OFFSET, X3, XZR, base, disp), expect("stp %s, %s, [%s, #%d]", z(w, X3), z(w, XZR), s(64, base), disp);
        arm64_load_pair(&g_code, w, PAIR_OFFSET, X3, X30, base, disp), expect("ldp %s, %s, [%s, #%d]", z(w, X3), z(w, X30), s(64, base), disp);
        if (base == X3 || base == X30) continue;
        arm64_store_pair(&g_code, w, PAIR_PRE, X3, X30, base, disp), expect("stp %s, %s, [%s, #%d]!", z(w, X3), z(w, X30), s(64, base), disp);
        arm64_load_pair(&g_code, w, PAIR_POST, X3, X30, base, disp), expect("ldp %s, %s, [%s], #%d", z(w, X3), z(w, X30), s(64, base), disp);
    }
    for (int32_t disp = -256; disp < 256; disp += 37) {
        arm64_store_pre(&g_code, X19, SP, disp), expect("str x19, [sp, #%d]!", disp);
        arm64_load_post(&g_code, X19, SP, disp), expect("ldr x19, [sp], #%d", disp);
    }
    EACH_WIDTH(w) CHECK(!arm64_fits_pair(w, 64 * (int32_t)w / 8) && !arm64_fits_pair(w, -65 * (int32_t)w / 8));
    judge();
}

TEST(arm64_atomics)
{
    static const struct { arm64_atomic op; const char *name; } ops[] = {{ATOMIC_ADD, "ldadd"}, {ATOMIC_CLR, "ldclr"}, {ATOMIC_EOR, "ldeor"}, {ATOMIC_SET, "ldset"}, {ATOMIC_SWP, "swp"}};
    if (!begin()) return;
    for (unsigned width = 8; width <= 64; width *= 2) SOME_REG(r) EACH_REG(base) {
        const char *suffix = size_suffix(width), *value = z(register_width(width), *at_r), *place = s(64, base);
        arm64_load_acquire(&g_code, width, *at_r, base), expect("ldar%s %s, [%s]", suffix, value, place);
        arm64_store_release(&g_code, width, *at_r, base), expect("stlr%s %s, [%s]", suffix, value, place);
        arm64_load_exclusive(&g_code, width, *at_r, base), expect("ldxr%s %s, [%s]", suffix, value, place);
        if (base != X11) arm64_store_exclusive_release(&g_code, width, X11, *at_r, base), expect("stlxr%s w11, %s, [%s]", suffix, value, place);
    }
    EACH_WIDTH(w) SOME_REG(r) SOME_REG(old) EACH_REG(base) {
        for (unsigned i = 0; i < PST_COUNT(ops); i++) {
            arm64_atomic_op(&g_code, ops[i].op, true, w, *at_r, *at_old, base), expect("%sal %s, %s, [%s]", ops[i].name, z(w, *at_r), z(w, *at_old), s(64, base));
            arm64_atomic_op(&g_code, ops[i].op, false, w, *at_r, *at_old, base), expect("%s %s, %s, [%s]", ops[i].name, z(w, *at_r), z(w, *at_old), s(64, base));
        }
        arm64_cas(&g_code, w, *at_old, *at_r, base), expect("casal %s, %s, [%s]", z(w, *at_old), z(w, *at_r), s(64, base));
    }
    judge();
}

// --- Branches -------------------------------------------------------------------------------------------------

// One branch over fill words, forwards or backwards, as layout.c makes it.
static void far_branch(void (*branch)(arm64_code *code, arm64_label label), bool back, uint32_t fill, uint32_t first[2], int64_t *distance, uint32_t *size)
{
    arm64_code code;
    arm64_layout layout;
    CHECK_EQ(arm64_code_init(&code, pst_pal_env(), 1), PST_OK);
    arm64_room(&code);
    if (back) arm64_bind(&code, 0);
    if (!back) branch(&code, 0);
    for (uint32_t i = 0; i < fill; i++) {
        if (i % 64 == 0) arm64_room(&code);
        arm64_barrier(&code);
    }
    if (back) branch(&code, 0);
    else arm64_bind(&code, 0);
    CHECK_EQ(code.status, PST_OK);
    CHECK_EQ(arm64_layout_make(&code, 0x1000, &layout), PST_OK);
    uint8_t *bytes = pst_alloc(pst_pal_env(), 4 * (size_t)layout.size + 8);
    REQUIRE(bytes);
    arm64_layout_write(&code, &layout, 0x1000, bytes);
    *size = layout.size - fill;
    uint32_t at = back ? fill : 0;
    for (uint32_t i = 0; i < 2; i++) first[i] = i < *size ? pst_load32(bytes + 4 * (size_t)(at + i)) : 0;
    *distance = 4 * ((int64_t)arm64_layout_index(&code, &layout, 0) - (int64_t)at);
    pst_free(pst_pal_env(), bytes, 4 * (size_t)layout.size + 8);
    arm64_layout_free(&code, &layout);
    arm64_code_free(&code);
}

static void on_carry(arm64_code *code, arm64_label label) { arm64_jump_if(code, CC_HS, label); }
static void on_zero(arm64_code *code, arm64_label label) { arm64_jump_zero(code, true, 64, X9, label); }
static void on_number(arm64_code *code, arm64_label label) { arm64_jump_zero(code, false, 32, X30, label); }
static void on_set(arm64_code *code, arm64_label label) { arm64_jump_bit(code, true, 63, X2, label); }
static void on_clear(arm64_code *code, arm64_label label) { arm64_jump_bit(code, false, 5, X2, label); }

TEST(arm64_branches_at_the_limits_of_their_reach)
{
    static const struct {
        void (*branch)(arm64_code *, arm64_label);
        const char *name, *opposite; // what stands before the distance
        unsigned bits;
    } rows[] = {
        {on_carry, "b.hs", "b.lo", 19}, {on_zero, "cbz x9,", "cbnz x9,", 19}, {on_number, "cbnz w30,", "cbz w30,", 19},
        {on_set, "tbnz x2, #63,", "tbz x2, #63,", 14}, {on_clear, "tbz w2, #5,", "tbnz w2, #5,", 14}, {arm64_jump, "b", "", 26}, {arm64_call, "bl", "", 26},
    };
    if (!begin()) return;
    for (unsigned i = 0; i < PST_COUNT(rows); i++) for (int back = 0; back <= 1; back++) for (int32_t by = -2; by <= 2; by++) {
        // Short ones reach 2^(bits - 1) words back, and one less forwards, the branch's own word counted.
        uint32_t limit = rows[i].bits == 26 ? 1000 : (1u << (rows[i].bits - 1)) - (back ? 0 : 2), fill = limit + (uint32_t)by, words[2] = {0}, size = 0;
        int64_t distance = 0;
        far_branch(rows[i].branch, back, fill, words, &distance, &size);
        bool near = rows[i].bits == 26 || by <= 0;
        CHECK_EQ(size, near ? 1 : 2);
        if (size == 1) {
            expect_word(words[0], "%s #%lld", rows[i].name, (long long)distance);
        } else {
            expect_word(words[0], "%s #8", rows[i].opposite);
            expect_word(words[1], "b #%lld", (long long)distance - 4);
        }
    }
    judge();
}

// A call of a C function at each kind of distance: by a branch, by a page's address, by a number.
TEST(arm64_calls_out_of_the_program)
{
    static const struct { uint64_t base, address; uint32_t words; } rows[] = {
        {0x10000000, 0x10000100, 1}, {0x10000000, 0x17ffff00, 1}, {0x18000000, 0x10000100, 1}, {0x10000000, 0x18000000, 3}, {0x100000000, 0x17ff00abc, 3},
        {0x100000000, 0x80010ff8, 3}, {0x100000000, 0x200000004, 5}, {0x100000000, 0x123456789abcdef0, 5},
    };
    if (!begin()) return;
    for (unsigned i = 0; i < PST_COUNT(rows); i++) {
        arm64_code code;
        arm64_layout layout;
        uint8_t bytes[64];
        CHECK_EQ(arm64_code_init(&code, pst_pal_env(), 1), PST_OK);
        arm64_room(&code);
        arm64_call_out(&code, rows[i].address);
        CHECK_EQ(arm64_layout_make(&code, rows[i].base, &layout), PST_OK);
        CHECK_EQ(layout.size, rows[i].words);
        CHECK(layout.size <= arm64_layout_bound(&code));
        arm64_layout_write(&code, &layout, rows[i].base, bytes);
        uint64_t address = rows[i].address;
        if (rows[i].words == 1) {
            expect_word(pst_load32(bytes), "bl #%lld", (long long)(address - rows[i].base));
        } else if (rows[i].words == 3) {
            expect_word(pst_load32(bytes), "adrp x16, #%lld", (long long)((address & ~0xfffull) - (rows[i].base & ~0xfffull)));
            expect_word(pst_load32(bytes + 4), "add x16, x16, #%llu", (unsigned long long)(address & 0xfff));
            expect_word(pst_load32(bytes + 8), "blr x16");
        } else {
            for (unsigned n = 0; n < 4; n++) expect_word(pst_load32(bytes + 4 * n), "mov%c x16, #%u, lsl #%u", n ? 'k' : 'z', (unsigned)(address >> 16 * n & 0xffff), 16 * n);
            expect_word(pst_load32(bytes + 16), "blr x16");
        }
        arm64_layout_free(&code, &layout);
        arm64_code_free(&code);
    }
    judge();
}

#endif
