// scalar_64_test.c: scalars at the widths of eBPF. Values are drawn first and scalars built around them, so that each result can be asked
// whether it still holds what the operation really gives; and named cases that programs depend on.

#include "harness.h"

#include <time.h>

#include "base/bits.h"
#include "concrete.h"
#include "domain/scalar.h"

static const uint64_t g_edges[] = {
    0, 1, 2, 3, 7, 8, 31, 32, 33, 63, 64, 65, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000,
    0x7ffffffe, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff, 0x100000000, 0x100000001, 0x17fffffff, 0x180000000,
    0x7ffffffffffffffe, 0x7fffffffffffffff, 0x8000000000000000, 0x8000000000000001, 0xffffffff00000000, 0xffffffff7fffffff,
    0xffffffff80000000, 0xfffffffffffffffe, 0xffffffffffffffff,
};

static uint64_t random_value(void)
{
    switch (random_below(4)) {
    case 0: return g_edges[random_below(PST_COUNT(g_edges))];
    case 1: return g_edges[random_below(PST_COUNT(g_edges))] + random_below(5) - 2;
    case 2: return 0 - (random_u64() >> random_below(64));
    default: return random_u64() >> random_below(64);
    }
}

// A scalar that holds v, of parts that know nothing of each other: each is left open, or reaches to both sides of v.
static pst_scalar loose_around(uint64_t v)
{
    pst_scalar a = PST_SCALAR_TOP;
    uint64_t open = random_u64() >> 40, x = random_value(), y = random_value();
    if (open & 1) {
        uint64_t mask = random_u64() & (random_u64() >> random_below(64)) & (UINT64_MAX << random_below(64));
        a.bits = (pst_tnum){v & ~mask, mask};
    }
    if (open & 2) {
        a.umin = x <= v ? x : v - random_below(v < 1000 ? v + 1 : 1000);
        a.umax = y >= v ? y : v;
    }
    int64_t s = (int64_t)v, sx = (int64_t)random_value(), sy = (int64_t)random_value();
    if (open & 4) {
        a.smin = sx <= s ? sx : s;
        a.smax = sy >= s ? sy : s;
    }
    uint32_t low = (uint32_t)v, low_x = (uint32_t)random_value(), low_y = (uint32_t)random_value();
    if (open & 8) {
        a.umin32 = low_x <= low ? low_x : low;
        a.umax32 = low_y >= low ? low_y : low;
    }
    int32_t low_s = (int32_t)as_signed(v, 32), low_sx = (int32_t)as_signed(random_value(), 32), low_sy = (int32_t)as_signed(random_value(), 32);
    if (open & 16) {
        a.smin32 = low_sx <= low_s ? low_sx : low_s;
        a.smax32 = low_sy >= low_s ? low_sy : low_s;
    }
    return a;
}

// A tightened one.
static pst_scalar scalar_around(uint64_t v)
{
    if (random_below(8) == 0) return pst_scalar_const(v);
    pst_scalar a = loose_around(v), before = a;
    CHECK(pst_scalar_normalise(&a) && pst_scalar_has(&a, v) && pst_scalar_in(&a, &before));
    return a;
}

static bool is_normal(const pst_scalar *a)
{
    pst_scalar again = *a;
    return pst_scalar_normalise(&again) && pst_scalar_equal(&again, a);
}

// Some values of a: v, the ends, v with other unknown bits.
enum { SAMPLES = 8 };
static unsigned sample(const pst_scalar *a, uint64_t v, uint64_t *out)
{
    uint64_t tries[SAMPLES] = {v, a->umin, a->umax, (uint64_t)a->smin, (uint64_t)a->smax};
    unsigned count = 0;
    for (unsigned i = 5; i < SAMPLES; i++) tries[i] = a->bits.value | (random_u64() & a->bits.mask);
    for (unsigned i = 0; i < SAMPLES; i++)
        if (pst_scalar_has(a, tries[i])) out[count++] = tries[i];
    return count;
}

typedef struct operand {
    pst_scalar scalar;
    uint64_t values[SAMPLES];
    unsigned count;
} operand;

static operand random_operand(void)
{
    operand r;
    uint64_t v = random_value();
    r.scalar = scalar_around(v);
    r.count = sample(&r.scalar, v, r.values);
    return r;
}

static bool check_alu(pst_scalar_op op, unsigned width, const operand *a, const operand *b)
{
    pst_scalar r = pst_scalar_alu(op, width, &a->scalar, &b->scalar);
    bool good = is_normal(&r);
    for (unsigned i = 0; i < a->count; i++)
        for (unsigned k = 0; k < b->count; k++) {
            uint64_t want = concrete_alu(op, width, a->values[i], b->values[k]);
            good = good && pst_scalar_has(&r, want);
            if (pst_scalar_is_const(&a->scalar) && pst_scalar_is_const(&b->scalar)) good = good && r.umin == want && r.umax == want;
        }
    if (!good) pst_test_fail(__FILE__, __LINE__, "%s at width %u, for example of 0x%" PRIx64 " and 0x%" PRIx64, op_names[op], width, a->values[0], b->values[0]);
    return good;
}

static bool check_compare(pst_scalar_cmp cmp, unsigned width, const operand *a, const operand *b)
{
    pst_scalar x = a->scalar, y = b->scalar;
    bool possible = pst_scalar_assume(cmp, width, &x, &y), good = true;
    int decided = pst_scalar_decide(cmp, width, &a->scalar, &b->scalar);
    if (possible) good = is_normal(&x) && is_normal(&y) && pst_scalar_in(&x, &a->scalar) && pst_scalar_in(&y, &b->scalar);
    for (unsigned i = 0; i < a->count; i++)
        for (unsigned k = 0; k < b->count; k++) {
            bool holds = concrete_holds(cmp, width, a->values[i], b->values[k]);
            if (holds) good = good && possible && pst_scalar_has(&x, a->values[i]) && pst_scalar_has(&y, b->values[k]);
            good = good && (decided < 0 || decided == holds);
        }
    if (pst_scalar_is_const(&a->scalar) && pst_scalar_is_const(&b->scalar)) good = good && decided >= 0;
    if (!good) pst_test_fail(__FILE__, __LINE__, "%s at width %u, for example of 0x%" PRIx64 " and 0x%" PRIx64, cmp_names[cmp], width, a->values[0], b->values[0]);
    return good;
}

static bool check_lattice(const operand *a, const operand *b)
{
    pst_scalar join = pst_scalar_join(&a->scalar, &b->scalar), meet;
    bool met = pst_scalar_meet(&a->scalar, &b->scalar, &meet);
    bool good = is_normal(&join) && pst_scalar_in(&a->scalar, &join) && pst_scalar_in(&b->scalar, &join) && (!met || is_normal(&meet));
    for (unsigned i = 0; i < a->count; i++) {
        uint64_t v = a->values[i];
        bool in_b = pst_scalar_has(&b->scalar, v);
        good = good && pst_scalar_has(&join, v) && (!in_b || met) && (!met || pst_scalar_has(&meet, v) == in_b);
    }
    CHECK(good);
    return good;
}

static uint64_t turned(uint64_t v, unsigned bits)
{
    uint64_t r = 0;
    for (unsigned i = 0; i < bits; i += 8) r |= (v >> i & 0xff) << (bits - 8 - i);
    return r;
}

static bool check_unary(const operand *a)
{
    int64_t c = (int64_t)random_value();
    pst_scalar constant = pst_scalar_const((uint64_t)c);
    pst_scalar sum = pst_scalar_add_const(&a->scalar, c), slow_sum = pst_scalar_alu(PST_SCALAR_ADD, 64, &a->scalar, &constant);
    pst_scalar neg = pst_scalar_neg(64, &a->scalar), neg32 = pst_scalar_neg(32, &a->scalar);
    bool good = pst_scalar_equal(&sum, &slow_sum) && is_normal(&sum);
    for (unsigned i = 0; i < a->count; i++) {
        uint64_t v = a->values[i];
        good = good && pst_scalar_has(&sum, v + (uint64_t)c) && pst_scalar_has(&neg, 0 - v) && pst_scalar_has(&neg32, (uint32_t)(0 - v));
    }
    for (unsigned bits = 8; bits <= 64; bits *= 2) {
        pst_scalar zero = pst_scalar_extend(&a->scalar, bits, false), sign = pst_scalar_extend(&a->scalar, bits, true);
        pst_scalar swap = pst_scalar_swap(&a->scalar, bits < 16 ? 16 : bits), sign32 = pst_scalar_extend32(&a->scalar, bits < 32 ? bits : 16);
        good = good && is_normal(&zero) && is_normal(&sign) && is_normal(&swap) && is_normal(&sign32);
        for (unsigned i = 0; i < a->count; i++) {
            uint64_t v = a->values[i];
            good = good && pst_scalar_has(&zero, low_bits(v, bits)) && pst_scalar_has(&sign, (uint64_t)as_signed(v, bits)) &&
                   pst_scalar_has(&swap, turned(v, bits < 16 ? 16 : bits)) && pst_scalar_has(&sign32, (uint32_t)as_signed(v, bits < 32 ? bits : 16));
        }
    }
    CHECK(good);
    return good;
}

// What is left of a widening, and what a certificate says of numbers, is not tightened: results have to hold all the same.
static bool holds_loosely(const operand *a, const operand *b)
{
    uint64_t v = a->values[0], w = b->values[0];
    bool good = true;
    for (unsigned op = PST_SCALAR_ADD; op <= PST_SCALAR_ARSH; op++)
        for (unsigned width = 32; width <= 64; width += 32) {
            pst_scalar r = pst_scalar_alu((pst_scalar_op)op, width, &a->scalar, &b->scalar);
            good = good && pst_scalar_has(&r, concrete_alu((pst_scalar_op)op, width, v, w));
        }
    for (unsigned cmp = PST_SCALAR_EQ; cmp <= PST_SCALAR_NSET; cmp++)
        for (unsigned width = 32; width <= 64; width += 32) {
            pst_scalar x = a->scalar, y = b->scalar;
            int decided = pst_scalar_decide((pst_scalar_cmp)cmp, width, &x, &y);
            bool holds = concrete_holds((pst_scalar_cmp)cmp, width, v, w), possible = pst_scalar_assume((pst_scalar_cmp)cmp, width, &x, &y);
            good = good && (decided < 0 || decided == holds) && (!holds || (possible && pst_scalar_has(&x, v) && pst_scalar_has(&y, w)));
        }
    for (unsigned bits = 8; bits <= 64; bits *= 2) {
        pst_scalar zero = pst_scalar_extend(&a->scalar, bits, false), sign = pst_scalar_extend(&a->scalar, bits, true);
        pst_scalar swap = pst_scalar_swap(&a->scalar, bits < 16 ? 16 : bits), sum = pst_scalar_add_const(&a->scalar, (int64_t)w), met;
        good = good && pst_scalar_has(&zero, low_bits(v, bits)) && pst_scalar_has(&sign, (uint64_t)as_signed(v, bits)) && pst_scalar_has(&sum, v + w) &&
               pst_scalar_has(&swap, turned(v, bits < 16 ? 16 : bits));
        if (pst_scalar_has(&b->scalar, v)) good = good && pst_scalar_meet(&a->scalar, &b->scalar, &met) && pst_scalar_has(&met, v);
    }
    return good;
}

TEST(scalar_64_of_operands_that_are_not_tightened)
{
    for (unsigned i = 0; i < 20000; i++) {
        operand a = {.values = {random_value()}}, b = {.values = {random_value()}};
        a.scalar = loose_around(a.values[0]);
        b.scalar = loose_around(b.values[0]);
        if (holds_loosely(&a, &b)) continue;
        pst_test_fail(__FILE__, __LINE__, "a result does not hold, of 0x%" PRIx64 " and 0x%" PRIx64, a.values[0], b.values[0]);
        return;
    }
}

TEST(scalar_64_random)
{
    clock_t end = clock() + CLOCKS_PER_SEC;
    bool good = true;
    for (unsigned round = 0; good && (round < 500 || round % 16 != 0 || clock() < end); round++) {
        operand a = random_operand(), b = random_operand();
        for (unsigned width = 32; width <= 64; width += 32) {
            for (pst_scalar_op op = PST_SCALAR_ADD; good && op <= PST_SCALAR_ARSH; op++) good = check_alu(op, width, &a, &b);
            for (pst_scalar_cmp cmp = PST_SCALAR_EQ; good && cmp <= PST_SCALAR_NSET; cmp++) good = check_compare(cmp, width, &a, &b);
        }
        good = good && check_lattice(&a, &b) && check_unary(&a);
    }
}

TEST(scalar_64_constants_fold)
{
    for (unsigned i = 0; i < PST_COUNT(g_edges); i++) for (unsigned k = 0; k < PST_COUNT(g_edges); k++) {
        operand a = {pst_scalar_const(g_edges[i]), {g_edges[i]}, 1}, b = {pst_scalar_const(g_edges[k]), {g_edges[k]}, 1};
        for (unsigned width = 32; width <= 64; width += 32) {
            for (pst_scalar_op op = PST_SCALAR_ADD; op <= PST_SCALAR_ARSH; op++) check_alu(op, width, &a, &b);
            for (pst_scalar_cmp cmp = PST_SCALAR_EQ; cmp <= PST_SCALAR_NSET; cmp++) check_compare(cmp, width, &a, &b);
        }
    }
}

TEST(scalar_64_widen)
{
    static const int64_t thresholds[] = {INT64_MIN, -1, 0, 1, 9, 10, 11, 4096, INT32_MAX, UINT32_MAX, INT64_MAX};
    const unsigned count = PST_COUNT(thresholds);
    for (unsigned round = 0; round < 2000; round++) {
        pst_scalar old = scalar_around(random_value());
        unsigned used = (unsigned)random_below(count + 1), grown = 0;
        for (unsigned step = 0; step < 200; step++) {
            pst_scalar more = step % 2 ? pst_scalar_add_const(&old, (int64_t)random_below(3) - 1) : scalar_around(random_value());
            pst_scalar now = pst_scalar_join(&old, &more), wide = pst_scalar_widen(&old, &now, thresholds, used);
            REQUIRE(pst_scalar_in(&now, &wide));
            grown += !pst_scalar_equal(&wide, &old);
            old = wide;
        }
        CHECK(grown <= 8 * (used + 2) + 64);
    }
    pst_scalar zero = pst_scalar_const(0), one = pst_scalar_const(1), now = pst_scalar_join(&zero, &one);
    pst_scalar wide = pst_scalar_widen(&zero, &now, thresholds, count);
    CHECK(wide.umin == 0 && wide.umax == 1 && wide.smax == 1);
    pst_scalar two = pst_scalar_const(2);
    now = pst_scalar_join(&wide, &two);
    wide = pst_scalar_widen(&wide, &now, thresholds, count);
    CHECK(wide.umin == 0 && wide.umax == 9 && wide.smin == 0 && wide.smax == 9 && wide.umax32 == 9);
    wide = pst_scalar_widen(&zero, &now, NULL, 0);
    CHECK(wide.umin == 0 && wide.umax == UINT64_MAX && wide.smin == 0 && wide.smax == INT64_MAX);
    // Steps of eight stay multiples of eight.
    pst_scalar eight = pst_scalar_const(8);
    now = pst_scalar_join(&zero, &eight);
    wide = pst_scalar_widen(&zero, &now, NULL, 0);
    CHECK(wide.bits.value == 0 && wide.bits.mask == UINT64_MAX << 3);
}

// ---- What programs depend on, and what once went wrong in verifiers

static pst_scalar alu_const(pst_scalar_op op, unsigned width, pst_scalar a, uint64_t c)
{
    pst_scalar b = pst_scalar_const(c);
    return pst_scalar_alu(op, width, &a, &b);
}

static pst_scalar assumed(pst_scalar a, pst_scalar_cmp cmp, unsigned width, uint64_t c)
{
    pst_scalar b = pst_scalar_const(c);
    CHECK(pst_scalar_assume(cmp, width, &a, &b));
    return a;
}

#define CHECK_UNSIGNED(a, lo, hi) \
    do {                          \
        CHECK_EQ((a).umin, lo);   \
        CHECK_EQ((a).umax, hi);   \
    } while (0)
#define CHECK_SIGNED(a, lo, hi) \
    do {                        \
        CHECK_EQ((a).smin, lo); \
        CHECK_EQ((a).smax, hi); \
    } while (0)

TEST(scalar_64_precise_results)
{
    pst_scalar top = PST_SCALAR_TOP, r = alu_const(PST_SCALAR_AND, 64, top, 0xff);
    CHECK_UNSIGNED(r, 0, 0xff);
    r = alu_const(PST_SCALAR_MUL, 64, r, 12);
    CHECK_UNSIGNED(r, 0, 0xff * 12);
    CHECK_EQ(r.bits.mask & 3, 0);
    CHECK_UNSIGNED(alu_const(PST_SCALAR_MOD, 64, top, 10), 0, 9);
    CHECK_UNSIGNED(alu_const(PST_SCALAR_DIV, 64, top, 1000), 0, UINT64_MAX / 1000);
    CHECK_SIGNED(alu_const(PST_SCALAR_SMOD, 64, top, 10), -9, 9);
    CHECK_UNSIGNED(alu_const(PST_SCALAR_RSH, 64, top, 60), 0, 15);
    CHECK_SIGNED(alu_const(PST_SCALAR_ARSH, 64, top, 60), -8, 7);
    CHECK_UNSIGNED(alu_const(PST_SCALAR_OR, 64, pst_scalar_range(0, 5), 8), 8, 13);
    CHECK_UNSIGNED(alu_const(PST_SCALAR_ADD, 32, top, 1), 0, UINT32_MAX);
    // The sign extension that compilers emit: r <<= 32; r s>>= 32.
    r = assumed(assumed(top, PST_SCALAR_SGE, 32, (uint64_t)-5), PST_SCALAR_SLE, 32, 7);
    r = alu_const(PST_SCALAR_ARSH, 64, alu_const(PST_SCALAR_LSH, 64, r, 32), 32);
    CHECK_SIGNED(r, -5, 7);
    // 1 << (x & 7), and a shift by a byte.
    pst_scalar one = pst_scalar_const(1), count = alu_const(PST_SCALAR_AND, 64, top, 7), byte = pst_scalar_range(0, 255);
    CHECK_UNSIGNED(pst_scalar_alu(PST_SCALAR_LSH, 64, &one, &count), 1, 128);
    CHECK_UNSIGNED(pst_scalar_alu(PST_SCALAR_RSH, 64, &byte, &count), 0, 255);
    // The ends of an interval move to what the known bits allow.
    r = assumed(alu_const(PST_SCALAR_AND, 64, top, ~(uint64_t)3), PST_SCALAR_LT, 64, 10);
    CHECK_UNSIGNED(r, 0, 8);
    r = assumed(r, PST_SCALAR_NE, 64, 0);
    CHECK_UNSIGNED(r, 4, 8);
    // A value that is not below zero is its own magnitude in both orders.
    r = assumed(assumed(top, PST_SCALAR_SGE, 64, 0), PST_SCALAR_SLT, 64, 100);
    CHECK_UNSIGNED(r, 0, 99);
    CHECK(r.umax32 == 99 && r.smax32 == 99);
    r = pst_scalar_swap(&byte, 16);
    CHECK_UNSIGNED(r, 0, 0xff00);
}

TEST(scalar_64_halves)
{
    pst_scalar top = PST_SCALAR_TOP;
    // A comparison of the low halves bounds them, never the whole (CVE-2020-8835 and its like).
    pst_scalar r = assumed(top, PST_SCALAR_LT, 32, 10);
    CHECK(r.umax32 == 9 && r.umax == 0xffffffff00000009);
    CHECK_UNSIGNED(pst_scalar_extend(&r, 32, false), 0, 9);
    // Where the upper half is known, it does bound the whole; and the other way round.
    r = assumed(pst_scalar_range(0, UINT32_MAX), PST_SCALAR_LT, 32, 10);
    CHECK_UNSIGNED(r, 0, 9);
    r = pst_scalar_range(0x500000003, 0x500000009);
    CHECK(r.umin32 == 3 && r.umax32 == 9);
    // A range across a multiple of 2^32 is one of the low half as signed numbers only.
    r = pst_scalar_range(0x4fffffffe, 0x500000003);
    CHECK(r.umin32 == 0 && r.umax32 == UINT32_MAX && r.smin32 == -2 && r.smax32 == 3);
    // A sign at 32 bits says nothing of the sign at 64.
    r = assumed(top, PST_SCALAR_SGE, 32, 0);
    CHECK(r.smin == INT64_MIN && r.smax32 == INT32_MAX && r.umax32 == INT32_MAX);
    r = assumed(top, PST_SCALAR_EQ, 32, 5);
    CHECK(r.umin32 == 5 && r.umax32 == 5 && r.bits.mask == 0xffffffff00000000 && r.umin == 5);
}

TEST(scalar_64_both_sides)
{
    // a < b, neither constant.
    pst_scalar a = pst_scalar_range(5, 100), b = pst_scalar_range(0, 50);
    CHECK(pst_scalar_assume(PST_SCALAR_LT, 64, &a, &b));
    CHECK_UNSIGNED(a, 5, 49);
    CHECK_UNSIGNED(b, 6, 50);
    CHECK_EQ(pst_scalar_decide(PST_SCALAR_LT, 64, &a, &b), -1);
    a = pst_scalar_range(0, 5);
    CHECK_EQ(pst_scalar_decide(PST_SCALAR_LT, 64, &a, &b), 1);
    CHECK_EQ(pst_scalar_decide(PST_SCALAR_GE, 64, &a, &b), 0);
    CHECK_EQ(pst_scalar_decide(PST_SCALAR_EQ, 64, &a, &b), 0);
    CHECK(!pst_scalar_assume(PST_SCALAR_EQ, 64, &a, &b));
    // Odd is never even.
    pst_scalar top = PST_SCALAR_TOP, even = alu_const(PST_SCALAR_AND, 64, top, ~(uint64_t)1), odd = alu_const(PST_SCALAR_OR, 64, top, 1);
    CHECK_EQ(pst_scalar_decide(PST_SCALAR_EQ, 64, &even, &odd), 0);
    CHECK_EQ(pst_scalar_decide(PST_SCALAR_NE, 32, &even, &odd), 1);
    // A failed test changes nothing.
    a = even;
    CHECK(!pst_scalar_assume(PST_SCALAR_EQ, 64, &a, &odd));
    CHECK(pst_scalar_equal(&a, &even));
    // A number in [1, 3] has one of the lower two bits.
    a = pst_scalar_range(1, 3);
    b = pst_scalar_const(3);
    CHECK_EQ(pst_scalar_decide(PST_SCALAR_SET, 64, &a, &b), 1);
    a = assumed(top, PST_SCALAR_SET, 64, 0x80);
    CHECK(a.bits.value == 0x80 && a.umin == 0x80);
    a = assumed(top, PST_SCALAR_NSET, 64, 0xf);
    CHECK_EQ(a.bits.mask, ~(uint64_t)0xf);
    // A number compared with itself.
    a = pst_scalar_range(0, 5);
    CHECK(pst_scalar_assume(PST_SCALAR_LE, 64, &a, &a));
    CHECK(pst_scalar_assume(PST_SCALAR_SET, 64, &a, &a));
    CHECK_UNSIGNED(a, 1, 5);
    CHECK(!pst_scalar_assume(PST_SCALAR_NE, 64, &a, &a));
}

TEST(scalar_64_comparisons_turned)
{
    for (unsigned round = 0; round < 2000; round++) {
        uint64_t x = random_value(), y = random_below(3) ? random_value() : x;
        for (pst_scalar_cmp cmp = PST_SCALAR_EQ; cmp <= PST_SCALAR_NSET; cmp++) {
            CHECK(concrete_holds(cmp, 64, x, y) == concrete_holds(pst_scalar_cmp_swap(cmp), 64, y, x));
            CHECK(concrete_holds(cmp, 64, x, y) != concrete_holds(pst_scalar_cmp_not(cmp), 64, x, y));
        }
    }
}

TEST(scalar_64_constructors)
{
    pst_scalar top = PST_SCALAR_TOP, full = pst_scalar_unknown(64, false), all = pst_scalar_range(0, UINT64_MAX);
    CHECK(pst_scalar_is_top(&top) && pst_scalar_is_top(&full) && pst_scalar_is_top(&all) && is_normal(&top));
    pst_scalar u8 = pst_scalar_unknown(8, false), s16 = pst_scalar_unknown(16, true), u32 = pst_scalar_unknown(32, false);
    CHECK_UNSIGNED(u8, 0, 255);
    CHECK_EQ(u8.bits.mask, 255);
    CHECK_SIGNED(s16, -32768, 32767);
    CHECK(s16.smin32 == -32768 && s16.smax32 == 32767);
    CHECK_UNSIGNED(u32, 0, UINT32_MAX);
    pst_scalar r = pst_scalar_signed_range(-3, -1);
    CHECK_UNSIGNED(r, (uint64_t)-3, (uint64_t)-1);
}
