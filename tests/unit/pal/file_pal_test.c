// file_pal_test.c: files and SHA-256.
#include "harness.h"
#include "pal/pal.h"

static char g_message[1200];

static void keep(void *user, pst_log_level level, const char *text)
{
    (void)user, (void)level;
    snprintf(g_message, sizeof g_message, "%s", text);
}

static pst_env quiet_env(void)
{
    pst_env env = *pst_pal_env();
    env.log = keep;
    g_message[0] = '\0';
    return env;
}

// A name of this run only: tests of several builds run at the same time.
static const char *scratch_path(void)
{
    static char path[512];
    if (!path[0]) snprintf(path, sizeof path, "%s/pal_test_%" PRIx64 "_\xc3\xa9.tmp", PST_BINARY_DIR, pst_pal_pid_tgid());
    return path;
}

TEST(what_is_written_is_read)
{
    pst_env env = quiet_env();
    static const char first[] = "first\0content", second[] = "2";
    uint8_t *bytes;
    size_t size;
    REQUIRE(pst_pal_file_write(&env, scratch_path(), first, sizeof first) == PST_OK);
    REQUIRE(pst_pal_file_read(&env, scratch_path(), sizeof first, &bytes, &size) == PST_OK);
    CHECK_EQ(size, sizeof first);
    CHECK(memcmp(bytes, first, size) == 0 && bytes[size] == 0);
    pst_free(&env, bytes, size + 1);
    REQUIRE(pst_pal_file_write(&env, scratch_path(), second, 1) == PST_OK); // replaces
    REQUIRE(pst_pal_file_read(&env, scratch_path(), 100, &bytes, &size) == PST_OK);
    CHECK_EQ(size, 1);
    CHECK_STR((char *)bytes, "2");
    pst_free(&env, bytes, size + 1);
    REQUIRE(pst_pal_file_write(&env, scratch_path(), NULL, 0) == PST_OK);
    REQUIRE(pst_pal_file_read(&env, scratch_path(), 0, &bytes, &size) == PST_OK);
    CHECK_EQ(size, 0);
    pst_free(&env, bytes, size + 1);
    CHECK_STR(g_message, "");
    remove(scratch_path());
}

TEST(a_large_file_is_read_whole)
{
    pst_env env = quiet_env();
    size_t size = 3000000, got;
    uint8_t *bytes = pst_alloc(&env, size), *back;
    REQUIRE(bytes != NULL);
    for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)(i * 7 >> 3);
    REQUIRE(pst_pal_file_write(&env, scratch_path(), bytes, size) == PST_OK);
    CHECK_EQ(pst_pal_file_read(&env, scratch_path(), size - 1, &back, &got), PST_E_LIMIT);
    CHECK(strstr(g_message, "limit") && strstr(g_message, "pal_test_"));
    REQUIRE(pst_pal_file_read(&env, scratch_path(), size, &back, &got) == PST_OK);
    CHECK(got == size && memcmp(back, bytes, size) == 0);
    pst_free(&env, back, got + 1);
    pst_free(&env, bytes, size);
    remove(scratch_path());
}

TEST(each_failure_names_the_path)
{
    pst_env env = quiet_env();
    uint8_t *bytes;
    size_t size;
    CHECK_EQ(pst_pal_file_read(&env, PST_BINARY_DIR "/no-such-file", 10, &bytes, &size), PST_E_NOTFOUND);
    CHECK(strstr(g_message, "no-such-file"));
    g_message[0] = '\0';
    CHECK_EQ(pst_pal_file_read(&env, PST_BINARY_DIR, 10, &bytes, &size), PST_E_IO);
    CHECK(strstr(g_message, "directory") && strstr(g_message, PST_BINARY_DIR));
    g_message[0] = '\0';
    CHECK_EQ(pst_pal_file_write(&env, PST_BINARY_DIR "/no-such-folder/x", "1", 1), PST_E_NOTFOUND);
    CHECK(strstr(g_message, "no-such-folder"));
    g_message[0] = '\0';
    CHECK(pst_pal_file_write(&env, PST_BINARY_DIR, "1", 1) != PST_OK); // a folder is never replaced
    CHECK(strstr(g_message, PST_BINARY_DIR));
    CHECK_EQ(pst_pal_file_read(&env, "", 10, &bytes, &size), PST_E_NOTFOUND);
}

#ifndef _WIN32
TEST(a_file_without_a_size_is_read_and_a_device_is_not_replaced)
{
    pst_env env = quiet_env();
    uint8_t *bytes;
    size_t size;
    REQUIRE(pst_pal_file_read(&env, "/proc/self/maps", 1 << 20, &bytes, &size) == PST_OK);
    CHECK(size > 100);
    pst_free(&env, bytes, size + 1);
    CHECK_EQ(pst_pal_file_read(&env, "/dev/zero", 5000, &bytes, &size), PST_E_LIMIT);
    CHECK_EQ(pst_pal_file_write(&env, "/dev/null", "x", 1), PST_OK);
    REQUIRE(pst_pal_file_read(&env, "/dev/null", 10, &bytes, &size) == PST_OK); // still the device
    CHECK_EQ(size, 0);
    pst_free(&env, bytes, size + 1);
}
#endif

TEST(sha256_of_the_standard)
{
    static const uint8_t abc[PST_SHA256_SIZE] = {
        0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
        0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    static const uint8_t empty_start[4] = {0xe3, 0xb0, 0xc4, 0x42};
    uint8_t digest[PST_SHA256_SIZE];
    pst_status status = pst_pal_sha256("abc", 3, digest);
    if (status == PST_E_UNSUPPORTED) {
        pst_test_skip("built without a crypto library");
        return;
    }
    CHECK_EQ(status, PST_OK);
    CHECK(memcmp(digest, abc, sizeof abc) == 0);
    CHECK_EQ(pst_pal_sha256(NULL, 0, digest), PST_OK);
    CHECK(memcmp(digest, empty_start, sizeof empty_start) == 0);
}
