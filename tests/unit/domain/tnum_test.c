// tnum_test.c: known bits, for all pairs at 5 bits: every value is kept, and how often the result is the tightest.
#include "harness.h"

#include "base/bits.h"
#include "concrete.h"
#include "domain/tnum.h"

enum { BITS = 5, NUMBERS = 1 << BITS, TNUM_COUNT = 243 };

static pst_tnum g_all[TNUM_COUNT];

static void fill(void)
{
    unsigned count = 0;
    for (uint64_t mask = 0; mask < NUMBERS; mask++)
        for (uint64_t value = 0; value < NUMBERS; value++)
            if (!(mask & value)) g_all[count++] = (pst_tnum){value, mask};
}

// The tightest of what has been added.
typedef struct collect {
    uint64_t ones, any;
    unsigned count;
} collect;

static void add(collect *c, uint64_t v)
{
    c->ones = c->count++ ? c->ones & v : v;
    c->any |= v;
}

static bool is_tightest(const collect *c, pst_tnum t) { return t.value == c->ones && t.mask == (c->any & ~c->ones); }
static bool is_sound(const collect *c, pst_tnum t) { return pst_tnum_in((pst_tnum){c->ones, c->any & ~c->ones}, t) && (t.value & t.mask) == 0; }

typedef pst_tnum binary(pst_tnum a, pst_tnum b);

// Results are compared modulo 2^BITS and at 64 bits, where a carry shows. exact: each must be the tightest.
static void check_binary(const char *name, binary *operation, pst_scalar_op op, bool exact)
{
    unsigned tightest = 0, low_tightest = 0;
    fill();
    for (unsigned i = 0; i < TNUM_COUNT; i++) for (unsigned k = 0; k < TNUM_COUNT; k++) {
        pst_tnum a = g_all[i], b = g_all[k], r = operation(a, b), low = pst_tnum_low(r, BITS);
        collect all = {0}, all_low = {0};
        for (uint64_t x = 0; x < NUMBERS; x++) for (uint64_t y = 0; y < NUMBERS; y++) {
            if (!pst_tnum_has(a, x) || !pst_tnum_has(b, y)) continue;
            uint64_t v = concrete_alu(op, 64, x, y);
            add(&all, v);
            add(&all_low, low_bits(v, BITS));
        }
        CHECK(is_sound(&all, r) && is_sound(&all_low, low));
        tightest += is_tightest(&all, r);
        low_tightest += is_tightest(&all_low, low);
    }
    unsigned pairs = TNUM_COUNT * TNUM_COUNT;
    printf("  tnum %-4s %6.2f %% are the tightest, %6.2f %% of the low bits\n", name, 100.0 * tightest / pairs, 100.0 * low_tightest / pairs);
    if (exact) CHECK_EQ(tightest, pairs);
}

TEST(tnum_arithmetic)
{
    check_binary("add", pst_tnum_add, PST_SCALAR_ADD, true);
    check_binary("sub", pst_tnum_sub, PST_SCALAR_SUB, true);
    check_binary("mul", pst_tnum_mul, PST_SCALAR_MUL, false);
    check_binary("and", pst_tnum_and, PST_SCALAR_AND, true);
    check_binary("or", pst_tnum_or, PST_SCALAR_OR, true);
    check_binary("xor", pst_tnum_xor, PST_SCALAR_XOR, true);
}

TEST(tnum_unary)
{
    fill();
    for (unsigned i = 0; i < TNUM_COUNT; i++) for (unsigned n = 0; n < BITS; n++) {
        pst_tnum a = g_all[i];
        collect neg = {0}, shl = {0}, shr = {0}, sar = {0}, low = {0};
        for (uint64_t x = 0; x < NUMBERS; x++) {
            if (!pst_tnum_has(a, x)) continue;
            add(&neg, 0 - x);
            add(&shl, x << n);
            add(&shr, x >> n);
            add(&sar, low_bits((uint64_t)(as_signed(x, BITS) >> n), BITS));
            add(&low, low_bits(x, n + 1));
        }
        CHECK(is_tightest(&neg, pst_tnum_neg(a)));
        CHECK(is_tightest(&shl, pst_tnum_shl(a, n)));
        CHECK(is_tightest(&shr, pst_tnum_shr(a, n)));
        CHECK(is_tightest(&sar, pst_tnum_sar(a, n, BITS)));
        CHECK(is_tightest(&low, pst_tnum_low(a, n + 1)));
    }
}

TEST(tnum_lattice)
{
    fill();
    for (unsigned i = 0; i < TNUM_COUNT; i++) for (unsigned k = 0; k < TNUM_COUNT; k++) {
        pst_tnum a = g_all[i], b = g_all[k], meet = {1, 1};
        bool met = pst_tnum_meet(a, b, &meet), inside = true;
        collect either = {0}, both = {0};
        for (uint64_t x = 0; x < NUMBERS; x++) {
            bool in_a = pst_tnum_has(a, x), in_b = pst_tnum_has(b, x);
            if (in_a || in_b) add(&either, x);
            if (in_a && in_b) add(&both, x);
            if (in_a && !in_b) inside = false;
        }
        CHECK(is_tightest(&either, pst_tnum_join(a, b)));
        CHECK(met == (both.count != 0));
        CHECK(met ? is_tightest(&both, meet) : meet.value == 1 && meet.mask == 1);
        CHECK(pst_tnum_in(a, b) == inside);
    }
}

TEST(tnum_range)
{
    for (uint64_t lo = 0; lo < 64; lo++) for (uint64_t hi = lo; hi < 64; hi++) {
        collect all = {0};
        for (uint64_t x = lo; x <= hi; x++) add(&all, x);
        CHECK(is_tightest(&all, pst_tnum_range(lo, hi)));
    }
    pst_tnum all = pst_tnum_range(0, UINT64_MAX), half = pst_tnum_range(0, INT64_MAX), edge = pst_tnum_range(INT64_MAX, (uint64_t)INT64_MAX + 1);
    CHECK(all.value == 0 && all.mask == UINT64_MAX);
    CHECK(half.value == 0 && half.mask == INT64_MAX);
    CHECK(edge.value == 0 && edge.mask == UINT64_MAX);
}

// At 64 bits: values drawn from the operands, and the shapes that multiplication treats apart.
TEST(tnum_64)
{
    for (unsigned round = 0; round < 20000; round++) {
        pst_tnum t[2];
        uint64_t v[2];
        for (int i = 0; i < 2; i++) {
            uint64_t mask = random_below(4) == 0 ? UINT64_MAX : random_u64() & random_u64() >> random_below(64);
            v[i] = random_below(4) ? random_u64() >> random_below(64) : (uint64_t)1 << random_below(64);
            if (random_below(4) == 0) mask = 0;
            t[i] = (pst_tnum){v[i] & ~mask, mask};
        }
        CHECK(pst_tnum_has(pst_tnum_add(t[0], t[1]), v[0] + v[1]));
        CHECK(pst_tnum_has(pst_tnum_sub(t[0], t[1]), v[0] - v[1]));
        CHECK(pst_tnum_has(pst_tnum_mul(t[0], t[1]), v[0] * v[1]));
        CHECK(pst_tnum_has(pst_tnum_neg(t[0]), 0 - v[0]));
        unsigned n = (unsigned)random_below(64);
        CHECK(pst_tnum_has(pst_tnum_sar(t[0], n, 64), concrete_alu(PST_SCALAR_ARSH, 64, v[0], n)));
        CHECK(pst_tnum_has(pst_tnum_sar(pst_tnum_low(t[0], 32), n & 31, 32), concrete_alu(PST_SCALAR_ARSH, 32, v[0], n & 31)));
    }
}
