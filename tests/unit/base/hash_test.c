// hash_test.c: SipHash-1-3 against OpenSSL's (c-rounds 1, d-rounds 3), FNV-1a against its reference values, bits.
#include "base/hash.h"

#include "base/bits.h"
#include "harness.h"

TEST(siphash_1_3_known_values)
{
    // Key 00..0f, message 00..n-1.
    pst_hash_key key = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
    static const struct {
        size_t size;
        uint64_t want;
    } cases[] = {
        {0, 0xabac0158050fc4dcu},
        {1, 0xc9f49bf37d57ca93u},
        {7, 0xd3927d989bb11140u},
        {8, 0x369095118d299a8eu},
        {9, 0x25a48eb36c063de4u},
        {15, 0xd320d86d2a519956u},
        {16, 0xcc4fdd1a7d908b66u},
        {63, 0x9d199062b7bbb3a8u},
    };
    uint8_t message[64];
    for (size_t i = 0; i < sizeof message; i++) message[i] = (uint8_t)i;
    for (size_t i = 0; i < PST_COUNT(cases); i++) CHECK_EQ(pst_hash_keyed(key, message, cases[i].size), cases[i].want);
}

TEST(keyed_hash_depends_on_key_length_and_every_byte)
{
    uint8_t message[40] = {0};
    pst_hash_key key = {1, 2};
    uint64_t whole = pst_hash_keyed(key, message, sizeof message);
    CHECK(pst_hash_keyed((pst_hash_key){1, 3}, message, sizeof message) != whole);
    CHECK(pst_hash_keyed((pst_hash_key){2, 2}, message, sizeof message) != whole);
    CHECK(pst_hash_keyed(key, message, sizeof message - 1) != whole);
    for (size_t i = 0; i < sizeof message; i++) {
        message[i] = 1;
        CHECK(pst_hash_keyed(key, message, sizeof message) != whole);
        message[i] = 0;
    }
    CHECK_EQ(pst_hash_keyed(key, NULL, 0), pst_hash_keyed(key, message, 0));
}

TEST(fnv_1a_known_values)
{
    CHECK_EQ(pst_hash_plain("", 0), 0xcbf29ce484222325u);
    CHECK_EQ(pst_hash_plain("a", 1), 0xaf63dc4c8601ec8cu);
    CHECK_EQ(pst_hash_plain("foobar", 6), 0x85944171f73967e8u);
}

TEST(bits)
{
    CHECK_EQ(pst_mask(0), 0);
    CHECK_EQ(pst_mask(1), 1);
    CHECK_EQ(pst_mask(63), INT64_MAX);
    CHECK_EQ(pst_mask(64), UINT64_MAX);
    CHECK_EQ(pst_sign_extend(0x80, 8), UINT64_MAX - 127);
    CHECK_EQ(pst_sign_extend(0x17f, 8), 127);
    CHECK_EQ(pst_sign_extend(UINT64_MAX, 64), UINT64_MAX);
    CHECK_EQ(pst_sign_extend(1, 1), UINT64_MAX);
    CHECK(pst_is_pow2(1) && pst_is_pow2((uint64_t)1 << 63) && !pst_is_pow2(0) && !pst_is_pow2(6));
    CHECK_EQ(pst_align_up(0, 8), 0);
    CHECK_EQ(pst_align_up(1, 8), 8);
    CHECK_EQ(pst_align_up(16, 8), 16);
}
