// cli_verify_test.c: `postern verify`: bad input of every kind, the format of answers, the conversation through pipes, reports.
//
// What the verifier accepts and rejects is tests/verify's; here are programs about which there is no doubt.
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "cli_fixture.h"
#include "harness.h"

#define OBJECT PST_SOURCE_DIR "/tests/unit/api/data/api.bpf.o"
#define SCRATCH PST_BINARY_DIR "/cli_verify_test."
#define RUN(...) cli_execute((const char *const[]){PST_POSTERN, "verify", __VA_ARGS__, NULL}, false)

#define PASS "b7000000020000009500000000000000"      // r0 = 2; exit
#define READS_R2 "bf200000000000009500000000000000"  // r0 = r2; exit
#define MAP_LOOKUP_FREE "18010000000000000000000000000000" PASS // r1 = map 0

static void write_lines(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    if (!file || fputs(text, file) < 0) pst_test_fail(__FILE__, __LINE__, "%s cannot be written", path);
    if (file) fclose(file);
}

static cli_result answer(const char *lines)
{
    write_lines(SCRATCH "lines", lines);
    cli_result r = RUN("--programs", SCRATCH "lines");
    unlink(SCRATCH "lines");
    return r;
}

static size_t count_lines(const char *text)
{
    size_t lines = 0;
    for (; *text; text++) lines += *text == '\n';
    return lines;
}

// --- Bad input -----------------------------------------------------------------------------------------------------------

TEST(command_lines_and_files_that_are_wrong)
{
    static const struct {
        int code;
        const char *part;
        const char *argv[6];
    } cases[] = {
        {2, "needs FILE or --programs", {NULL}},
        {2, "not both", {OBJECT, "--programs", "x"}},
        {2, "JSON", {"--programs", "x", "--html", "y"}},
        {2, "--recheck are for object files", {"--programs", "x", "--recheck", "y"}},
        {2, "nothing for --certificate", {OBJECT, "--recheck", "x", "--certificate", "y"}},
        {3, "no-such.cert", {OBJECT, "--recheck", "no-such.cert"}},
        {3, "no file of certificates", {OBJECT, "--recheck", PST_SOURCE_DIR "/tests/e2e/cli_verify_test.c"}},
        {3, "no-such-folder", {OBJECT, "count", "-j", "--certificate", "no-such-folder/x"}},
        {2, "privileged or strict", {OBJECT, "--mode", "kind"}},
        {2, "--max-steps", {OBJECT, "--max-steps", "0"}},
        {2, "--max-states", {OBJECT, "--max-states", "4294967296"}},
        {2, "--unroll", {OBJECT, "--unroll", "many"}},
        {2, "--stack-max", {OBJECT, "--stack-max", "-1"}},
        {2, "usage: postern verify", {OBJECT, "count", "more"}},
        {3, "no-such.o", {"no-such.o"}},
        {3, "no-such.jsonl", {"--programs", "no-such.jsonl"}},
        {3, "cannot read", {"--programs", PST_SOURCE_DIR}},
        {3, "cli_verify_test.c", {PST_SOURCE_DIR "/tests/e2e/cli_verify_test.c"}},
        {3, "tests", {PST_SOURCE_DIR "/tests"}},
        {3, "nothing", {OBJECT, "nothing"}},
        {3, "no-such-folder", {OBJECT, "--html", "no-such-folder/x.html", "-j"}},
    };
    for (size_t i = 0; i < PST_COUNT(cases); i++) {
        const char *argv[9] = {PST_POSTERN, "verify"};
        for (int a = 0; cases[i].argv[a]; a++) argv[a + 2] = cases[i].argv[a];
        cli_result r = cli_execute(argv, false);
        bool right = r.code == cases[i].code && strncmp(r.err, "postern: ", 9) == 0 && strstr(r.err, cases[i].part) && count_lines(r.err) == 1;
        if (!right) pst_test_fail(__FILE__, __LINE__, "case %zu: exit code %d instead of %d, \"%s\" should have \"%s\"", i, r.code, cases[i].code, r.err, cases[i].part);
        cli_result_free(&r);
    }
}

typedef struct line_case {
    const char *line, *part;
} line_case;

// Each line alone: one answer with the verdict and the part, and the exit code.
static void check_lines(const line_case *cases, size_t count, const char *verdict, int code)
{
    for (size_t i = 0; i < count; i++) {
        cli_result r = answer(cases[i].line);
        bool right = r.code == code && json_lines_valid(r.out) && count_lines(r.out) == 1 && strstr(r.out, verdict) && strstr(r.out, cases[i].part) && !*r.err;
        if (!right) pst_test_fail(__FILE__, __LINE__, "%s: exit code %d instead of %d, %s%s should have %s", cases[i].line, r.code, code, r.out, r.err, cases[i].part);
        cli_result_free(&r);
    }
}

#define P "{\"id\":1,\"type\":\"xdp\",\"insns\":\"" PASS "\","
#define M "{\"id\":1,\"type\":\"xdp\",\"insns\":\"" MAP_LOOKUP_FREE "\",\"map_refs\":[[0,0]],\"maps\":["
#define ARRAY "\"type\":\"array\",\"key_size\":4,\"value_size\":8,\"max_entries\":1"

TEST(lines_that_are_no_programs)
{
    static const line_case cases[] = {
        {"x", "at byte 1"},
        {"{\"id\":1", "at byte 8"},
        {"[1]", "no JSON object"},
        {"{\"type\":\"xdp\",\"insns\":\"" PASS "\"}", "\"id\":null"},
        {"{\"id\":true,\"type\":\"xdp\",\"insns\":\"" PASS "\"}", "id: a string or a number"},
        {"{\"id\":1,\"insns\":\"" PASS "\"}", "type is missing"},
        {"{\"id\":1,\"type\":[],\"insns\":\"" PASS "\"}", "type: a name or a number"},
        {"{\"id\":1,\"type\":-1,\"insns\":\"" PASS "\"}", "type: a name or a number"},
        {"{\"id\":1,\"type\":\"xdp\"}", "insns is missing"},
        {"{\"id\":1,\"type\":\"xdp\",\"insns\":[]}", "insns: a string"},
        {"{\"id\":1,\"type\":\"xdp\",\"insns\":\"9\"}", "even number"},
        {"{\"id\":1,\"type\":\"xdp\",\"insns\":\"9z\"}", "character 2 is no hex digit"},
        {"{\"id\":1,\"type\":\"xdp\",\"insns\":\"950000\"}", "no whole number of instructions"},
        {P "\"attach\":\"nowhere\"}", "nowhere"},
        {P "\"attach\":{}}", "attach: a name or a number"},
        {P "\"license\":1}", "license: a string"},
        {P "\"flags\":\"sleepable\"}", "flags: an array"},
        {P "\"flags\":[1]}", "flags: strings"},
        {P "\"flags\":[\"fast\"]}", "there is no flag fast"},
        {P "\"mode\":\"kind\"}", "neither privileged nor strict"},
        {P "\"maps\":{}}", "maps: an array"},
        {P "\"maps\":[1]}", "maps: objects"},
        {P "\"maps\":[{}]}", "maps: type is missing"},
        {P "\"maps\":[{\"type\":{}}]}", "maps: type: a name or a number"},
        {P "\"maps\":[{\"type\":\"hash\",\"key_size\":-4}]}", "key_size: a whole number"},
        {P "\"maps\":[{\"type\":\"hash\",\"value_size\":4294967296}]}", "value_size: a whole number"},
        {P "\"maps\":[{\"type\":\"hash\",\"frozen\":1}]}", "frozen: true or false"},
        {P "\"maps\":[{\"type\":\"hash\",\"inner\":3}]}", "maps: objects"},
        {P "\"maps\":[{\"type\":\"hash\",\"fields\":3}]}", "fields: an array"},
        {P "\"maps\":[{\"type\":\"hash\",\"fields\":[{\"kind\":\"timer\"}]}]}", "kind and offset"},
        {P "\"maps\":[{\"type\":\"hash\",\"fields\":[{\"kind\":\"x\",\"offset\":0}]}]}", "there is no kind x"},
        {P "\"maps\":[{\"type\":\"hash\",\"value_size\":16,\"fields\":[{\"kind\":\"timer\",\"offset\":1}]}]}", "does not fit"},
        {P "\"maps\":[{\"type\":\"hash\",\"value_size\":4,\"fields\":[{\"kind\":\"timer\",\"offset\":4294967295}]}]}", "does not fit"},
        {P "\"maps\":[{\"type\":\"hash\",\"value_size\":16,\"fields\":[{\"kind\":\"spin_lock\",\"offset\":2},{\"kind\":\"kptr\",\"offset\":0}]}]}", "overlap"},
        {P "\"maps\":[{" ARRAY ",\"init\":[1]}]}", "pairs of key and value"},
        {P "\"maps\":[{" ARRAY ",\"init\":[[\"00\",\"00\"]]}]}", "a key of 4 bytes"},
        {P "\"maps\":[{" ARRAY ",\"init\":[[\"00000000\",\"00\"]]}]}", "a value of 8 bytes"},
        {P "\"maps\":[{" ARRAY ",\"init\":[[\"01000000\",\"0000000000000000\"]]}]}", "key 1 is outside"},
        {P "\"maps\":[{\"type\":\"array\",\"key_size\":4,\"value_size\":4294967295,\"max_entries\":4294967295,\"frozen\":true}]}", "at most"},
        {P "\"map_refs\":[0]}", "map_refs: pairs"},
        {P "\"map_refs\":[[0,0]]}", "not in maps"},
        {P "\"map_refs\":[[2,0]]}", "there is no instruction 2"},
        {P "\"maps\":[{" ARRAY "}],\"map_refs\":[[0,0]]}", "no 64-bit immediate"},
        {P "\"kfuncs\":[[0,\"x\"]]}", "no call of a kfunc"},
        {P "\"kfuncs\":[[0]]}", "kfuncs: pairs"},
        {P "\"ksyms\":[[0,\"x\"]]}", "ksyms: instruction 0"},
        {P "\"btf\":1}", "btf: a string"},
        {P "\"func_info\":[[0,1]]}", "func_info needs btf"},
        {P "\"runs\":[1]}", "runs: objects"},
        {P "\"runs\":[{\"data\":\"0\"}]}", "runs: data"},
    };
    check_lines(cases, PST_COUNT(cases), "\"kind\":\"input\"", 3);
}

TEST(programs_that_are_rejected_or_unsupported)
{
    static const line_case rejected[] = {
        {"{\"id\":1,\"type\":\"xdp\",\"insns\":\"\"}", "\"kind\":\"structure\""},
        {"{\"id\":1,\"type\":\"xdp\",\"insns\":\"b700000002000000\"}", "\"kind\":\"structure\""},
        {"{\"id\":1,\"type\":\"xdp\",\"insns\":\"ff000000000000009500000000000000\"}", "\"insn\":0,\"kind\":\"structure\""},
        {"{\"id\":1,\"type\":\"xdp\",\"insns\":\"1811000007000000000000000000000095000000000000009500000000000000\"}", "map_refs does not say"},
        {"{\"id\":\"a\\\"b\",\"type\":6,\"insns\":\"" READS_R2 "\"}", "{\"id\":\"a\\\"b\",\"verdict\":\"reject\",\"finding\":{\"insn\":0,\"kind\":\"uninitialised\""},
        {P "\"btf\":\"00\"}", "\"kind\":\"type-information\""},
    };
    static const line_case unsupported[] = {
        {"{\"id\":1,\"type\":\"fancy\",\"insns\":\"" PASS "\"}", "program type fancy"},
        {"{\"id\":1,\"type\":12345,\"insns\":\"" PASS "\"}", "program type 12345"},
        {P "\"maps\":[{\"type\":\"fancy\"}]}", "map type fancy"},
        {P "\"maps\":[{\"type\":999}]}", "map type 999"},
        {"{\"id\":1,\"type\":\"xdp\",\"insns\":\"8520000000000000" PASS "\",\"kfuncs\":[[0,\"bpf_fancy\"]]}", "bpf_fancy"},
    };
    check_lines(rejected, PST_COUNT(rejected), "\"verdict\":\"reject\"", 1);
    check_lines(unsupported, PST_COUNT(unsupported), "\"verdict\":\"unsupported\"", 2);
}

TEST(bad_lines_do_not_stop_the_others)
{
    cli_result r = answer("{\"id\":1,\"type\":\"xdp\",\"insns\":\"" PASS "\"}\n\n  \r\nnonsense\n{\"id\":-2.50,\"type\":\"BPF_PROG_TYPE_XDP\",\"insns\":\"" PASS "\"}");
    CHECK_EQ(r.code, 3);
    CHECK_EQ(count_lines(r.out), 3);
    CHECK(json_lines_valid(r.out));
    CHECK(strstr(r.out, "{\"id\":1,\"verdict\":\"accept\",\"insns\":2,\"states\":"));
    CHECK(strstr(r.out, "{\"id\":-2.50,\"verdict\":\"accept\""));
    CHECK(strstr(r.out, "\"loops_bound\":0,\"metered\":0,\"stack\":0,\"time_us\":") && strstr(r.out, "\"peak_kib\":"));
    cli_result_free(&r);
}

TEST(a_line_that_is_too_long_is_passed_over)
{
    enum { CHUNK = 1 << 20 };
    char *chunk = malloc(CHUNK);
    FILE *file = fopen(SCRATCH "long", "wb");
    REQUIRE(chunk && file);
    memset(chunk, ' ', CHUNK);
    for (int i = 0; i < 64; i++) fwrite(chunk, 1, CHUNK, file);
    fputs(" \n{\"id\":2,\"type\":\"xdp\",\"insns\":\"" PASS "\"}\n", file);
    fclose(file);
    free(chunk);
    cli_result r = RUN("--programs", SCRATCH "long");
    CHECK_EQ(r.code, 3);
    CHECK(strstr(r.out, "longer than 64 MiB") && strstr(r.out, "{\"id\":2,\"verdict\":\"accept\""));
    cli_result_free(&r);
    unlink(SCRATCH "long");
}

// Lines with small changes: each is answered, whatever it says.
TEST(changed_lines_are_answered)
{
    static const char line[] = "{\"id\":\"x1\",\"type\":\"xdp\",\"attach\":37,\"insns\":\"" MAP_LOOKUP_FREE "\",\"license\":\"GPL\",\"flags\":[\"any_alignment\"],\"maps\":[{" ARRAY
                               ",\"flags\":0,\"map_extra\":0,\"fields\":[{\"kind\":\"kptr\",\"offset\":0}],\"init\":[[\"00000000\",\"0100000000000000\"]],\"frozen\":true}],"
                               "\"map_refs\":[[0,0]],\"kfuncs\":[],\"btf\":null,\"mode\":\"strict\",\"runs\":[{\"data\":\"00112233445566778899aabbccddeeff\"}]}\n";
    enum { LINES = 3000 };
    static const char changes[] = "0123456789abcdefxyz\"{}[]:,-.\\ ";
    size_t size = sizeof line - 1;
    uint64_t chance = 88172645463325252u;
    char *text = malloc(LINES * size + 1);
    REQUIRE(text);
    for (size_t i = 0; i < LINES; i++) {
        memcpy(text + i * size, line, size);
        for (unsigned c = 0; c < 1 + i % 3; c++) {
            chance ^= chance << 13, chance ^= chance >> 7, chance ^= chance << 17;
            text[i * size + chance % (size - 1)] = changes[(chance >> 32) % (sizeof changes - 1)];
        }
    }
    text[LINES * size] = '\0';
    cli_result r = answer(text);
    free(text);
    CHECK(r.code >= 0 && r.code <= 3);
    CHECK_EQ(count_lines(r.out), LINES);
    CHECK(json_lines_valid(r.out));
    CHECK_STR(r.err, "");
    cli_result_free(&r);
}

// --- Accepting and running ---------------------------------------------------------------------------------------------

TEST(accepted_programs_run_in_every_engine)
{
    // r0 = *(u32 *)value 0 of map 0
    cli_result r = answer("{\"id\":1,\"type\":\"xdp\",\"insns\":\"1821000000000000000000000000000061100000000000009500000000000000\",\"map_refs\":[[0,0]],"
                          "\"maps\":[{" ARRAY ",\"init\":[[\"00000000\",\"0700000000000000\"]],\"frozen\":true}],"
                          "\"runs\":[{\"data\":\"00112233445566778899aabbccddeeff\"},{\"data\":\"00\"}]}\n"
                          "{\"id\":2,\"type\":\"kprobe\",\"insns\":\"b7000000000000009500000000000000\",\"runs\":[{\"data\":\"00\"}]}\n");
    CHECK_EQ(r.code, 0);
    CHECK(json_lines_valid(r.out));
    CHECK(strstr(r.out, "\"runs\":[{\"retval\":7},{\"error\":\""));
    CHECK(strstr(r.out, "\"runs\":[{\"error\":\"nothing here runs"));
    CHECK(!strstr(r.out, "disagree"));
    cli_result_free(&r);
}

// One line goes in, its answer comes out, before the next line exists.
TEST(answers_come_at_once)
{
    static const char line[] = "{\"id\":1,\"type\":\"xdp\",\"insns\":\"" PASS "\"}\n";
    char read_back[512];
    int in[2], out[2], status = -1;
    REQUIRE(pipe(in) == 0 && pipe(out) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[1]);
        close(out[0]);
        execl(PST_POSTERN, PST_POSTERN, "verify", "--programs", "-", (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(write(in[1], line, sizeof line - 1), sizeof line - 1);
        size_t size = 0;
        while (size == 0 || (size < sizeof read_back - 1 && read_back[size - 1] != '\n')) {
            ssize_t got = read(out[0], read_back + size, sizeof read_back - 1 - size); // the test's timeout ends a wait in vain
            if (got <= 0) break;
            size += (size_t)got;
        }
        read_back[size] = '\0';
        CHECK(strstr(read_back, "\"verdict\":\"accept\"") && count_lines(read_back) == 1);
    }
    close(in[1]);
    status = cli_wait(pid);
    CHECK_EQ(status, 0);
    close(out[0]);
}

// --- Objects -----------------------------------------------------------------------------------------------------------

TEST(an_object_is_reported)
{
    cli_result text = RUN(OBJECT), json = RUN(OBJECT, "-j"), one = RUN(OBJECT, "count", "-v", "--explain"), section = RUN(OBJECT, "tc", "-j");
    CHECK_EQ(text.code, 1);
    CHECK(strstr(text.out, "accepted count (section xdp)") && strstr(text.out, "accepted not_loaded (section ?xdp)"));
    CHECK(strstr(text.out, "rejected unsafe (section ?xdp): out-of-bounds") && strstr(text.out, "--> api.bpf.c:") && strstr(text.out, "in mode privileged"));
    CHECK(strstr(text.out, " programs: ") && strstr(text.out, " accepted, 1 rejected, 0 unsupported"));
    CHECK(!strchr(text.out, '\033'));
    CHECK_EQ(json.code, 1);
    CHECK(json_lines_valid(json.out));
    CHECK(count_lines(json.out) >= 8);
    CHECK(strstr(json.out, "\"section\":\"xdp\",\"program\":\"count\",\"verdict\":\"accept\"") && strstr(json.out, "\"line\":\"api.bpf.c:"));
    CHECK_EQ(one.code, 0);
    CHECK(strstr(one.out, "instructions walked") && strstr(one.out, "at 0") && strstr(one.out, "r1=ctx") && !strstr(one.out, "perf"));
    CHECK_EQ(section.code, 0);
    CHECK_EQ(count_lines(section.out), 1);
    cli_result_free(&text), cli_result_free(&json), cli_result_free(&one), cli_result_free(&section);
}

TEST(the_page_needs_no_other_file)
{
    cli_result r = RUN(OBJECT, "unsafe", "--html", SCRATCH "html");
    CHECK_EQ(r.code, 1);
    char *page = cli_slurp(SCRATCH "html");
    CHECK(strncmp(page, "<!DOCTYPE html>", 15) == 0 && strstr(page, "</html>"));
    CHECK(strstr(page, "prefers-color-scheme:dark") && strstr(page, "api.bpf.c:") && strstr(page, "class=\"at\"") && strstr(page, "class=\"finding\""));
    CHECK(!strstr(page, "http") && !strstr(page, "src=\"") && !strstr(page, "<script") && !strstr(page, "@import"));
    free(page);
    unlink(SCRATCH "html");
    cli_result_free(&r);
}

TEST(programs_are_proved_by_their_certificates)
{
    cli_result made = RUN(OBJECT, "--certificate", SCRATCH "cert", "-j"), again = RUN(OBJECT, "--recheck", SCRATCH "cert", "-j");
    CHECK_EQ(made.code, again.code); // one of them is unsafe, and has none
    CHECK(json_lines_valid(made.out) && json_lines_valid(again.out));
    CHECK(strstr(made.out, "\"certificate_bytes\":") && strstr(made.out, "\"certificate_us\":"));
    CHECK(strstr(again.out, "\"program\":\"count\",\"verdict\":\"accept\"") && strstr(again.out, "\"rechecked_bytes\":"));
    CHECK(strstr(again.out, "\"kind\":\"certificate\"") && strstr(again.out, "has none for this program"));
    cli_result_free(&made), cli_result_free(&again);
    made = RUN(OBJECT, "count", "--certificate", SCRATCH "cert");
    again = RUN(OBJECT, "count", "--recheck", SCRATCH "cert");
    CHECK(made.code == 0 && strstr(made.out, "certificate of") && strstr(made.out, "bytes of code"));
    CHECK(again.code == 0 && strstr(again.out, "by its certificate of"));
    cli_result_free(&again);
    again = RUN(OBJECT, "count", "--recheck", SCRATCH "cert", "--mode", "strict", "-j");
    CHECK(again.code == 1 && strstr(again.out, "another mode"));
    cli_result_free(&made), cli_result_free(&again);
    unlink(SCRATCH "cert");
}

TEST(limits_reach_the_verifier)
{
    cli_result steps = RUN(OBJECT, "count", "--max-steps", "3", "-j"), stack = RUN(OBJECT, "count", "--stack-max", "8", "-j");
    CHECK(steps.code == 1 && strstr(steps.out, "\"kind\":\"too-complex\""));
    CHECK(stack.code == 1 && strstr(stack.out, "\"kind\":\"stack-depth\""));
    cli_result_free(&steps), cli_result_free(&stack);
}
