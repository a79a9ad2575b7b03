// What is written is read, in as many bytes as it is worth; what is cut or lengthened is noticed.
#include "harness.h"

#include <string.h>

#include "pal/pal.h"
#include "verify/coder.h"

#define VALUES 4000u

static uint64_t g_random;

static uint64_t draw(void)
{
    g_random = g_random * 6364136223846793005u + 1442695040888963407u;
    return g_random >> 16;
}

// Any mixture of decisions; the same calls write and read them. False: what is read differs.
static bool code_all(vcoder *c, uint64_t seed)
{
    vprob probs[4];
    static vnumber numbers[2];
    vprob_init(probs, PST_COUNT(probs));
    vnumber_init(numbers, PST_COUNT(numbers));
    g_random = seed;
    for (unsigned i = 0; i < VALUES; i++) {
        uint64_t kind = draw() % 5, value = draw() >> draw() % 48;
        bool bit = draw() % 100 < (kind ? 3 : 50);
        unsigned count = 1 + (unsigned)(draw() % 40);
        switch (kind) {
        case 0:
        case 1:
            if (vcode_bit(c, &probs[kind], bit) != bit) return false;
            break;
        case 2:
            if (vcode_number(c, &numbers[0], value) != value) return false;
            break;
        case 3:
            if (vcode_signed(c, &numbers[1], bit ? (int64_t)(0 - value) : (int64_t)value) != (bit ? (int64_t)(0 - value) : (int64_t)value)) return false;
            break;
        default:
            value &= ((uint64_t)1 << count) - 1;
            if (vcode_raw(c, count, value) != value) return false;
        }
    }
    return true;
}

TEST(coder_reads_what_was_written)
{
    for (uint64_t seed = 1; seed < 40; seed++) {
        vcoder w, r;
        vcoder_write(&w, pst_pal_env(), 1u << 20);
        CHECK(code_all(&w, seed) && vcoder_finish(&w));
        vcoder_read(&r, pst_cursor_make(w.out, w.size));
        CHECK(code_all(&r, seed) && vcoder_finish(&r));
        vcoder_free(&w);
    }
}

TEST(coder_keeps_the_ends_of_numbers)
{
    static const uint64_t values[] = {0, 1, 2, 3, 4, 7, 8, UINT32_MAX, (uint64_t)1 << 63, UINT64_MAX - 1, UINT64_MAX};
    static vnumber n;
    vcoder w, r;
    vcoder_write(&w, pst_pal_env(), 4096);
    vnumber_init(&n, 1);
    for (size_t i = 0; i < PST_COUNT(values); i++) {
        vcode_number(&w, &n, values[i]);
        vcode_signed(&w, &n, (int64_t)values[i]);
    }
    REQUIRE(vcoder_finish(&w));
    vcoder_read(&r, pst_cursor_make(w.out, w.size));
    vnumber_init(&n, 1);
    for (size_t i = 0; i < PST_COUNT(values); i++) {
        CHECK_EQ(vcode_number(&r, &n, 0), values[i]);
        CHECK_EQ((uint64_t)vcode_signed(&r, &n, 0), values[i]);
    }
    CHECK(vcoder_finish(&r));
    vcoder_free(&w);
}

TEST(coder_needs_next_to_nothing_for_what_is_expected)
{
    vprob p;
    vcoder w;
    vcoder_write(&w, pst_pal_env(), 4096);
    vprob_init(&p, 1);
    for (unsigned i = 0; i < 8000; i++) vcode_bit(&w, &p, false);
    REQUIRE(vcoder_finish(&w));
    CHECK(w.size < 16);
    vcoder_free(&w);
}

TEST(coder_notices_what_is_cut_off_or_added)
{
    vcoder w, r;
    uint8_t *longer = NULL;
    vcoder_write(&w, pst_pal_env(), 1u << 20);
    REQUIRE(code_all(&w, 77) && vcoder_finish(&w));
    for (size_t cut = 1; cut < w.size; cut += 97) {
        vcoder_read(&r, pst_cursor_make(w.out, w.size - cut));
        bool same = code_all(&r, 77);
        CHECK(!same || !vcoder_finish(&r));
    }
    longer = calloc(1, w.size + 1);
    REQUIRE(longer != NULL);
    memcpy(longer, w.out, w.size);
    vcoder_read(&r, pst_cursor_make(longer, w.size + 1));
    CHECK(code_all(&r, 77) && !vcoder_finish(&r));
    free(longer);
    vcoder_free(&w);
}

TEST(coder_stops_at_its_limit)
{
    vprob p;
    vcoder w;
    vcoder_write(&w, pst_pal_env(), 8);
    vprob_init(&p, 1);
    for (unsigned i = 0; i < 1000; i++) vcode_raw(&w, 8, i * 37);
    CHECK(!vcoder_finish(&w));
    CHECK_EQ(w.status, PST_E_LIMIT);
    CHECK_EQ(w.size, 8);
    vcoder_free(&w);
}
