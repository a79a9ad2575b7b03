// profile_pal_test.c: names of machine code for profilers.
#include "harness.h"
#include "pal/pal.h"

static const char *map_path(void)
{
    static char path[64];
    snprintf(path, sizeof path, "/tmp/perf-%u.map", (unsigned)(pst_pal_pid_tgid() >> 32));
    return path;
}

static void read_map(char *out, size_t size)
{
    FILE *file = fopen(map_path(), "rb");
    size_t got = file ? fread(out, 1, size - 1, file) : 0;
    out[got] = '\0';
    if (file) fclose(file);
}

TEST(code_is_named_a_line_each_and_not_without_end)
{
    char text[256], want[256];
    uint8_t code[48];
    remove(map_path());
    pst_status status = pst_pal_code_name(code, sizeof code, "bpf_prog_1_first");
    if (status == PST_E_UNSUPPORTED) {
        pst_test_skip("no profiler of this system reads such a file");
        return;
    }
    CHECK_EQ(status, PST_OK);
    CHECK_EQ(pst_pal_code_name(code + 16, 5, "second"), PST_OK);
    read_map(text, sizeof text);
    uintptr_t at = (uintptr_t)code;
    snprintf(want, sizeof want, "%" PRIxPTR " 30 bpf_prog_1_first\n%" PRIxPTR " 5 second\n", at, at + 16);
    CHECK_STR(text, want);
    // A file of 16 MiB is as large as it gets.
    FILE *file = fopen(map_path(), "r+b");
    REQUIRE(file != NULL);
    CHECK(fseek(file, (16L << 20) - 1, SEEK_SET) == 0 && fputc('\n', file) == '\n' && fclose(file) == 0);
    CHECK_EQ(pst_pal_code_name(code, 1, "third"), PST_E_LIMIT);
    CHECK_EQ(remove(map_path()), 0);
    // A name that is no name.
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    CHECK_EQ(pst_pal_code_name(code, 1, text), PST_E_INVALID);
    CHECK(fopen(map_path(), "rb") == NULL);
}
