// scalar_4_2_test.c: the code of scalars at 4 and 2 bits: every scalar that there is.
//
// A scalar is one of the combinations of known bits, pieces and pieces of the low half (scalar_impl.h); there are 1.6 million, which
// tighten to some thousand different ones.
#include "harness.h"

#define SCALAR_FULL 4
#define SCALAR_HALF 2
#include "small.h"

enum { POOL_MAX = 1 << 15 };
static struct {
    pst_scalar scalar;
    set values;
} g_pool[POOL_MAX];
static unsigned g_pool_count;
static uint16_t g_slots[1 << 17]; // hash table: index in the pool, plus one

static void pool_add(const pst_scalar *a)
{
    uint64_t hash = a->bits.value | a->bits.mask << 4 | a->umin << 8 | a->umax << 12 | (uint64_t)(a->smin & 15) << 16 | (uint64_t)(a->smax & 15) << 20 |
                    (uint64_t)a->umin32 << 24 | (uint64_t)a->umax32 << 26 | (uint64_t)(a->smin32 & 3) << 28 | (uint64_t)(a->smax32 & 3) << 30;
    for (hash = hash * 0x9e3779b97f4a7c15u >> 47;; hash = (hash + 1) % PST_COUNT(g_slots)) {
        if (g_slots[hash] == 0) break;
        if (small_equal(&g_pool[g_slots[hash] - 1].scalar, a)) return;
    }
    if (g_pool_count == POOL_MAX) {
        pst_test_fail(__FILE__, __LINE__, "there are more scalars than POOL_MAX");
        return;
    }
    g_pool[g_pool_count].scalar = *a;
    g_pool[g_pool_count].values = values_of(a);
    g_slots[hash] = (uint16_t)++g_pool_count;
}

// The pieces of width `width` number `index` of all, in out; false: past the last.
static unsigned all_pieces(unsigned width, pieces *out)
{
    unsigned count = 0;
    uint64_t sign = sign_bit(width);
    for (uint64_t a = 0; a <= sign; a++) for (uint64_t b = a; b < sign + (a == sign); b++)
        for (uint64_t c = 0; c <= sign; c++) for (uint64_t d = c; d < sign + (c == sign); d++) {
            pieces p = NO_PIECES;
            if (a < sign) piece_set(&p, 0, a, b);
            if (c < sign) piece_set(&p, 1, c + sign, d + sign);
            if (!pieces_empty(&p)) out[count++] = p;
        }
    return count;
}

static unsigned pool_fill(void)
{
    static pieces full[2000], half[100];
    unsigned bad = 0, full_count = all_pieces(SCALAR_FULL, full), half_count = all_pieces(SCALAR_HALF, half);
    if (g_pool_count) return 0;
    for (uint64_t mask = 0; mask < NUMBERS; mask++) for (uint64_t value = 0; value < NUMBERS; value++) {
        if (mask & value) continue;
        for (unsigned f = 0; f < full_count; f++) for (unsigned h = 0; h < half_count; h++) {
            part x = {{value, mask}, full[f]}, y = {{value & HALF_MASK, mask & HALF_MASK}, half[h]};
            pst_scalar a = from_parts(&x, &y);
            set before = values_of(&a);
            if (!small_normalise(&a)) {
                bad += set_count(&before) != 0;
                continue;
            }
            set after = values_of(&a);
            bad += !set_in(&before, &after) || !set_in(&after, &before);
            if (set_count(&after)) pool_add(&a);
        }
    }
    return bad;
}

TEST(scalar_4_2_every_combination_is_tightened)
{
    CHECK_EQ(pool_fill(), 0);
    unsigned bad = 0;
    for (unsigned i = 0; i < g_pool_count; i++) {
        bad += check_normalise(g_pool[i].scalar);
        bad += check_unary(&g_pool[i].scalar, &g_pool[i].values);
    }
    CHECK_EQ(bad, 0);
    CHECK_EQ(check_constructors(), 0);
    printf("  4/2: %u scalars\n", g_pool_count);
}

// Each with some random partners on both sides.
TEST(scalar_4_2_every_scalar)
{
    unsigned bad = pool_fill();
    clock_t end = clock() + CLOCKS_PER_SEC;
    for (unsigned round = 0; round < 1 || clock() < end; round++)
        for (unsigned i = 0; i < g_pool_count; i++) {
            unsigned k = (unsigned)random_below(g_pool_count);
            bad += check_pair(&g_pool[i].scalar, &g_pool[i].values, &g_pool[k].scalar, &g_pool[k].values);
        }
    CHECK_EQ(bad, 0);
    gaps_print();
}
