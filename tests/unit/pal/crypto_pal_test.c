// crypto_pal_test.c: SHA-256 and signatures, the same on every system: known answers, and everything changed once is refused.
#include <string.h>

#include "harness.h"
#include "pal/pal.h"

static void from_hex(const char *hex, uint8_t *out, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned byte = 0;
        REQUIRE(sscanf(hex + 2 * i, "%2x", &byte) == 1);
        out[i] = (uint8_t)byte;
    }
}

static bool has_crypto(void)
{
    uint8_t digest[PST_SHA256_SIZE];
    if (pst_pal_sha256("", 0, digest) == PST_OK) return true;
    pst_test_skip("this build has no crypto library");
    return false;
}

TEST(sha256_knows_its_test_vector)
{
    uint8_t digest[PST_SHA256_SIZE], want[PST_SHA256_SIZE];
    if (!has_crypto()) return;
    from_hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", want, sizeof want);
    CHECK_EQ(pst_pal_sha256("abc", 3, digest), PST_OK);
    CHECK(memcmp(digest, want, sizeof want) == 0);
}

// RFC 6979, A.2.5: the key, and its signature of "sample" with SHA-256.
TEST(a_known_signature_is_right)
{
    uint8_t key[PST_PUBLIC_KEY_SIZE], signature[PST_SIGNATURE_SIZE], digest[PST_SHA256_SIZE];
    if (!has_crypto()) return;
    from_hex("60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB67903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299", key, sizeof key);
    from_hex("EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8", signature,
             sizeof signature);
    REQUIRE(pst_pal_sha256("sample", 6, digest) == PST_OK);
    CHECK_EQ(pst_pal_signature_check(key, digest, signature), PST_OK);
    digest[0] ^= 1;
    CHECK_EQ(pst_pal_signature_check(key, digest, signature), PST_E_DENIED);
}

TEST(what_a_new_key_signs_only_it_vouches_for)
{
    uint8_t key[PST_PRIVATE_KEY_SIZE], other[PST_PRIVATE_KEY_SIZE], signature[PST_SIGNATURE_SIZE], digest[PST_SHA256_SIZE];
    if (!has_crypto()) return;
    REQUIRE(pst_pal_key_create(key) == PST_OK && pst_pal_key_create(other) == PST_OK);
    CHECK(memcmp(key, other, sizeof key) != 0);
    for (unsigned round = 0; round < 16; round++) { // numbers with leading zeros come up
        REQUIRE(pst_pal_sha256(&round, sizeof round, digest) == PST_OK);
        REQUIRE(pst_pal_sign(key, digest, signature) == PST_OK);
        CHECK_EQ(pst_pal_signature_check(key, digest, signature), PST_OK);
        CHECK_EQ(pst_pal_signature_check(other, digest, signature), PST_E_DENIED);
        signature[round * 4] ^= 0x10;
        CHECK_EQ(pst_pal_signature_check(key, digest, signature), PST_E_DENIED);
    }
}

TEST(nonsense_is_no_key_and_no_signature)
{
    uint8_t key[PST_PRIVATE_KEY_SIZE] = {1, 2, 3}, signature[PST_SIGNATURE_SIZE] = {0}, digest[PST_SHA256_SIZE] = {0};
    if (!has_crypto()) return;
    CHECK_EQ(pst_pal_sign(key, digest, signature), PST_E_INVALID);
    CHECK_EQ(pst_pal_signature_check(key, digest, signature), PST_E_DENIED);
    REQUIRE(pst_pal_key_create(key) == PST_OK);
    memset(signature, 0, sizeof signature);
    CHECK_EQ(pst_pal_signature_check(key, digest, signature), PST_E_DENIED);
    memset(signature, 0xff, sizeof signature);
    CHECK_EQ(pst_pal_signature_check(key, digest, signature), PST_E_DENIED);
}

TEST(private_files_are_created_once)
{
    const char *path = PST_BINARY_DIR "/pal_test.private";
    const pst_env quiet = {.resize = pst_pal_env()->resize};
    uint8_t *bytes;
    size_t size;
    (void)remove(path);
    CHECK_EQ(pst_pal_file_create(&quiet, path, "secret", 6, true), PST_OK);
    CHECK_EQ(pst_pal_file_create(&quiet, path, "other", 5, true), PST_E_EXISTS);
    REQUIRE(pst_pal_file_read(&quiet, path, 100, &bytes, &size) == PST_OK);
    CHECK(size == 6 && memcmp(bytes, "secret", 6) == 0);
    pst_free(&quiet, bytes, size + 1);
    (void)remove(path);
}
