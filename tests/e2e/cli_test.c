// cli_test.c: `postern` as its users meet it: every kind of bad input gets one sentence and its exit code; output is what it claims to be.
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli_fixture.h"
#include "harness.h"

#define OBJECT PST_SOURCE_DIR "/tests/unit/api/data/api.bpf.o"
#define SCRATCH PST_BINARY_DIR "/cli_test."

#define RUN(...) cli_execute((const char *const[]){PST_POSTERN, __VA_ARGS__, NULL}, false)

// --- Failing -----------------------------------------------------------------------------------------------------------

// One line that begins with "postern: ", and nothing else.
static bool is_one_sentence(const char *text)
{
    const char *end = strchr(text, '\n');
    return strncmp(text, "postern: ", 9) == 0 && end && !end[1] && end > text + 12;
}

typedef struct failure {
    int code;
    const char *part; // of the sentence
    const char *argv[8];
} failure;

static void check_failure(const failure *f, bool as_nobody)
{
    const char *argv[10] = {PST_POSTERN};
    for (int i = 0; f->argv[i]; i++) argv[i + 1] = f->argv[i];
    cli_result r = cli_execute(argv, as_nobody);
    bool right = r.code == f->code && is_one_sentence(r.err) && strstr(r.err, f->part);
    if (!right)
        pst_test_fail(__FILE__, __LINE__, "%s %s %s %s: exit code %d instead of %d, \"%s\" should be one sentence with \"%s\"", f->argv[0], f->argv[1] ? f->argv[1] : "",
                      f->argv[1] && f->argv[2] ? f->argv[2] : "", f->argv[1] && f->argv[2] && f->argv[3] ? f->argv[3] : "", r.code, f->code, r.err, f->part);
    cli_result_free(&r);
}

TEST(wrong_command_lines)
{
    static const failure cases[] = {
        {2, "frobnicate", {"frobnicate"}},
        {2, "--frobnicate", {"--frobnicate"}},
        {2, "no command", {"-j"}},
        {2, "--frobnicate", {"run", OBJECT, "--frobnicate"}},
        {2, "usage: postern run", {"run"}},
        {2, "usage: postern run", {"run", OBJECT, "extra"}},
        {2, "--hook", {"run", OBJECT}},
        {2, "needs a value", {"run", OBJECT, "--hook"}},
        {2, "tc:lo", {"run", OBJECT, "--hook", "tc:lo"}},
        {2, "xdp:", {"run", OBJECT, "--hook", "xdp:"}},
        {2, "xdp:lo,", {"run", OBJECT, "--hook", "xdp:lo,"}},
        {2, "xdp:a,b,c", {"run", OBJECT, "--hook", "xdp:a,b,c"}},
        {2, "itself", {"run", OBJECT, "--hook", "xdp:lo,lo"}},
        {2, "--duration", {"run", OBJECT, "--hook", "xdp:lo", "--duration", "soon"}},
        {2, "--duration", {"run", OBJECT, "--hook", "xdp:lo", "--duration=-1"}},
        {2, "--stats-interval", {"run", OBJECT, "--hook", "xdp:lo", "--stats-interval", "nan"}},
        {2, "takes no value", {"run", OBJECT, "--make-tap=yes"}},
        {2, "name one of", {"run", OBJECT, "--hook", "xdp:lo"}},
        {2, "name one of", {"test-run", OBJECT}},
        {2, "only jit and jit-quick make machine code", {"show", "code", OBJECT, "count", "--engine", "interp"}},
        {2, "--repeat is for --profile", {"show", "code", OBJECT, "count", "--repeat", "3"}},
        {2, "--profile is for show code", {"show", "maps", OBJECT, "--profile"}},
        {2, "programs fit", {"show", "code", OBJECT}},
        {2, "jit, jit-quick, interp or checked", {"test-run", OBJECT, "count", "--engine", "abacus"}},
        {2, "privileged or strict", {"test-run", OBJECT, "count", "--mode", "lax"}},
        {2, "exclude each other", {"test-run", OBJECT, "count", "--harden", "--no-harden"}},
        {2, "frobnicate", {"show", "frobnicate", OBJECT}},
        {2, "needs a file", {"show", "disassembly"}},
        {2, "takes no name", {"show", "maps", OBJECT, "counts"}},
        {2, "--repeat", {"test-run", OBJECT, "count", "--repeat", "0"}},
        {2, "--repeat", {"test-run", OBJECT, "count", "--repeat", "-1"}},
        {2, "--ctx", {"test-run", OBJECT, "count", "--ctx", "xyz"}},
        {2, "VARIABLE=VALUE", {"test-run", OBJECT, "count", "--set", "port"}},
        {2, "too large", {"test-run", OBJECT, "count", "--set", "port=65536"}},
        {2, "number", {"test-run", OBJECT, "count", "--set", "port=many"}},
        {2, "MAP=KEY=VALUE", {"test-run", OBJECT, "count", "--map", "blocked=1"}},
        {2, "key x", {"test-run", OBJECT, "count", "--map", "blocked=x=1"}},
        {2, "ring buffer", {"test-run", OBJECT, "count", "--events", "blocked"}},
        {2, "from 1", {"test-run", OBJECT, "count", "--data", "@x.pcap:0"}},
        {2, "frobnicate", {"help", "frobnicate"}},
    };
    for (size_t i = 0; i < PST_COUNT(cases); i++) check_failure(&cases[i], false);
}

TEST(things_that_are_not_there)
{
    static const failure cases[] = {
        {3, "no-such.o", {"run", "no-such.o", "--hook", "xdp:lo"}},
        {3, "no-such.o", {"show", "maps", "no-such.o"}},
        {3, "no-such.o", {"test-run", "no-such.o"}},
        {3, "nothing", {"run", OBJECT, "--hook", "xdp:lo", "--program", "nothing"}},
        {3, "nothing", {"test-run", OBJECT, "nothing"}},
        {3, "nothing", {"show", "disassembly", OBJECT, "nothing"}},
        {3, "nothing", {"show", "btf", OBJECT, "nothing"}},
        {3, "pstnone0", {"run", OBJECT, "--hook", "xdp:pstnone0", "--program", "count"}},
        {3, "nothing", {"test-run", OBJECT, "count", "--set", "nothing=1"}},
        {3, "nothing", {"test-run", OBJECT, "count", "--map", "nothing=1=1"}},
        {3, "nothing", {"test-run", OBJECT, "count", "--events", "nothing"}},
        {3, "nothing", {"test-run", OBJECT, "count", "--event-type", "nothing"}},
        {3, "no-such.bin", {"test-run", OBJECT, "count", "--data", "no-such.bin"}},
        {3, "no-such.pcap", {"test-run", OBJECT, "count", "--data", "@no-such.pcap"}},
        {3, "no-such.btf", {"show", "disassembly", OBJECT, "--btf", "no-such.btf"}},
    };
    for (size_t i = 0; i < PST_COUNT(cases); i++) check_failure(&cases[i], false);
}

static void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, size, file) != size) pst_test_fail(__FILE__, __LINE__, "%s cannot be written", path);
    if (file) fclose(file);
}

static size_t read_object(unsigned char *bytes, size_t capacity)
{
    FILE *file = fopen(OBJECT, "rb");
    size_t size = file ? fread(bytes, 1, capacity, file) : 0;
    if (file) fclose(file);
    return size;
}

TEST(input_that_is_refused)
{
    static unsigned char bytes[1 << 16];
    size_t size = read_object(bytes, sizeof bytes);
    REQUIRE(size > 1000);
    write_file(SCRATCH "empty", "", 0);
    write_file(SCRATCH "text", "this is no object\n", 18);
    write_file(SCRATCH "short", bytes, size / 2);
    write_file(SCRATCH "pcap", "\xd4\xc3\xb2\xa1garbage", 11);
    bytes[18] = 62; // e_machine: x86-64
    write_file(SCRATCH "machine", bytes, size);
    static const failure cases[] = {
        {4, "cli_test.empty", {"show", "programs", SCRATCH "empty"}},
        {4, "cli_test.text", {"show", "programs", SCRATCH "text"}},
        {4, "cli_test.short", {"show", "programs", SCRATCH "short"}},
        {4, "cli_test.machine", {"show", "programs", SCRATCH "machine"}},
        {4, "tests", {"show", "programs", PST_SOURCE_DIR "/tests"}},
        {4, "cli_test.empty", {"run", SCRATCH "empty", "--hook", "xdp:lo"}},
        {4, "cli_test.text", {"test-run", SCRATCH "text"}},
        {4, "tests", {"test-run", PST_SOURCE_DIR "/tests"}},
        {4, "sched_cls", {"run", OBJECT, "--hook", "xdp:lo", "--program", "classify"}},
        {4, "kprobe", {"test-run", OBJECT, "traced"}},
        {4, "cli_test.text", {"test-run", OBJECT, "count", "--data", "@" SCRATCH "text"}},
        {4, "cli_test.pcap", {"test-run", OBJECT, "count", "--data", "@" SCRATCH "pcap"}},
        {4, "cli_test.text", {"show", "disassembly", OBJECT, "--btf", SCRATCH "text"}},
    };
    for (size_t i = 0; i < PST_COUNT(cases); i++) check_failure(&cases[i], false);
    const char *const names[] = {"empty", "text", "short", "pcap", "machine"};
    for (size_t i = 0; i < PST_COUNT(names); i++) {
        char path[512];
        snprintf(path, sizeof path, SCRATCH "%s", names[i]);
        unlink(path);
    }
}

TEST(a_run_that_is_stopped_names_its_line)
{
    cli_result r = RUN("test-run", OBJECT, "slow", "--budget", "1000"), free_run = RUN("test-run", OBJECT, "slow");
    CHECK_EQ(r.code, 1);
    CHECK(is_one_sentence(r.err));
    CHECK(strstr(r.err, "slow") && strstr(r.err, "api.bpf.c:100") && strstr(r.err, "budget"));
    CHECK_EQ(free_run.code, 0); // no limit but the proof
    cli_result_free(&r), cli_result_free(&free_run);
}

TEST(a_program_that_is_not_proved_names_its_line)
{
    cli_result r = RUN("test-run", OBJECT, "unsafe");
    CHECK_EQ(r.code, 4);
    CHECK(is_one_sentence(r.err));
    CHECK(strstr(r.err, "not proved safe") && strstr(r.err, "api.bpf.c:117") && strstr(r.err, "outside of the packet"));
    cli_result_free(&r);
}

TEST(without_rights)
{
    if (geteuid() != 0) {
        pst_test_skip("only root can give up its rights");
        return;
    }
    write_file(SCRATCH "secret", "x", 1);
    chmod(SCRATCH "secret", 0);
    static const failure hook = {5, "lo", {"run", OBJECT, "--hook", "xdp:lo", "--program", "count"}};
    static const failure file = {5, "cli_test.secret", {"show", "maps", SCRATCH "secret"}};
    static const failure out = {5, "/etc/x", {"test-run", OBJECT, "count", "--out", "/etc/x"}};
    const failure *cases[] = {&hook, &file, &out};
    // nobody must be able to reach the program and the object at all.
    cli_result probe = cli_execute((const char *const[]){PST_POSTERN, "show", "maps", OBJECT, NULL}, true);
    if (probe.code == 0)
        for (size_t i = 0; i < PST_COUNT(cases); i++) check_failure(cases[i], true);
    else
        pst_test_skip("an ordinary user cannot read the build folder");
    cli_result_free(&probe);
    unlink(SCRATCH "secret");
}

// --- Showing -----------------------------------------------------------------------------------------------------------

TEST(help_explains_everything)
{
    cli_result all = RUN("--help"), none = cli_execute((const char *const[]){PST_POSTERN, NULL}, false), run = RUN("help", "run"), same = RUN("run", "--help");
    CHECK_EQ(all.code, 0);
    CHECK_EQ(none.code, 0);
    CHECK_STR(all.out, none.out);
    CHECK_STR(run.out, same.out);
    CHECK(strstr(all.out, "test-run") && strstr(all.out, "Exit codes") && strstr(all.out, "Examples"));
    CHECK(strstr(run.out, "--detach-after") && strstr(run.out, "Examples"));
    CHECK(!strchr(all.out, '\033')); // colours are for terminals
    cli_result version = RUN("--version");
    CHECK(strncmp(version.out, "postern ", 8) == 0);
    cli_result_free(&all), cli_result_free(&none), cli_result_free(&run), cli_result_free(&same), cli_result_free(&version);
}

TEST(show_prints_tables_and_json)
{
    static const char *const topics[] = {"sections", "maps", "programs", "disassembly", "btf", "helpers", "types", "groups"};
    for (size_t i = 0; i < PST_COUNT(topics); i++) {
        cli_result text = RUN("show", topics[i], OBJECT), json = RUN("show", topics[i], OBJECT, "-j");
        CHECK_EQ(text.code, 0);
        CHECK(strlen(text.out) > 50 && !*text.err);
        if (json.code || !json_valid(json.out)) pst_test_fail(__FILE__, __LINE__, "show %s -j: code %d, not JSON: %.80s", topics[i], json.code, json.out);
        cli_result_free(&text);
        cli_result_free(&json);
    }
    cli_result helpers = RUN("show", "helpers", "--json"), types = RUN("show", "types", "--json");
    CHECK(json_valid(helpers.out) && strstr(helpers.out, "bpf_ringbuf_reserve"));
    CHECK(json_valid(types.out) && strstr(types.out, "sched_cls"));
    cli_result groups = RUN("show", "groups"), needed = RUN("show", "groups", OBJECT, "-j");
    CHECK(strstr(groups.out, "divmul64") && strstr(groups.out, "atomic32"));
    CHECK(strstr(needed.out, "\"group\": \"base64\"") && strstr(needed.out, "\"group\": \"base32\"") && !strstr(needed.out, "\"packet\""));
    cli_result_free(&groups), cli_result_free(&needed);
    cli_result code = RUN("show", "disassembly", OBJECT, "count");
    CHECK(strstr(code.out, "call bpf_map_lookup_elem") && strstr(code.out, "counts") && strstr(code.out, "api.bpf.c:"));
    CHECK(!strstr(code.out, "tail_target"));
    cli_result_free(&helpers), cli_result_free(&types), cli_result_free(&code);
}

TEST(the_json_checker_refuses_what_is_not_json)
{
    static const char *const wrong[] = {"", "{", "[1,]", "{\"a\":}", "{a:1}", "01", "1 2", "\"\n\"", "[1 2]", "{\"a\" 1}", "nul", "\"\\x\"", "-", "1."};
    static const char *const right[] = {"{}", "[]", " [1, -2.5e3, \"a\\u0041\\n\", {\"b\": null}] ", "true", "0"};
    for (size_t i = 0; i < PST_COUNT(wrong); i++)
        if (json_valid(wrong[i])) pst_test_fail(__FILE__, __LINE__, "accepted: %s", wrong[i]);
    for (size_t i = 0; i < PST_COUNT(right); i++)
        if (!json_valid(right[i])) pst_test_fail(__FILE__, __LINE__, "refused: %s", right[i]);
    CHECK(!json_lines_valid("{}\n{\n}\n") && json_lines_valid("{}\n[]\n") && !json_lines_valid(""));
}

#define VALUES PST_SOURCE_DIR "/tests/unit/api/data/values.bpf.o"

TEST(values_are_written_as_their_types_are)
{
    static const char *const cases[][2] = {
        {"colour=GREEN", "returned 2 "},
        {"colour=7", "returned 7 "},
        {"mac=02:00:00:00:00:09", "returned 11 "},
        {"address=10.0.0.9", "returned 19 "},
        {"address=1,2,3", "returned 1 "},
        {"name=\"ab\"", "returned 97 "},
        {"name=abcdefgh", "returned 201 "},
        {"numbers=1,2,3", "returned 4 "},
        {"numbers=0x10", "returned 16 "},
        {"wrapped=5", "returned 5 "},
        {"pair=hex:01000200", "returned 3 "},
        {"pair=hex:01 00:02 00", "returned 3 "},
        {"small=-3", "(0xfffffffd)"},
        {"flag=true", "returned 1 "},
    };
    static const failure wrong[] = {
        {2, "an enumerator's name", {"test-run", VALUES, "--set", "colour=GREY"}},
        {2, "longer than the array", {"test-run", VALUES, "--set", "name=abcdefghi"}},
        {2, "more elements", {"test-run", VALUES, "--set", "numbers=1,2,3,4"}},
        {2, "a number is expected", {"test-run", VALUES, "--set", "numbers=1,x"}},
        {2, "too large", {"test-run", VALUES, "--set", "numbers=4294967296"}},
        {2, "too large", {"test-run", VALUES, "--set", "small=-32769"}},
        {2, "hex:BYTES", {"test-run", VALUES, "--set", "pair=5"}},
        {2, "hex digits", {"test-run", VALUES, "--set", "pair=hex:01"}},
        {2, "hex digits", {"test-run", VALUES, "--set", "colour=hex:0200000"}},
        {2, "a number is expected", {"test-run", VALUES, "--set", "mac=02:00:00:00:00:zz"}},
        {2, "a number is expected", {"test-run", VALUES, "--set", "address=256.1.1.1"}},
    };
    for (size_t i = 0; i < PST_COUNT(cases); i++) {
        cli_result r = RUN("test-run", VALUES, "--set", cases[i][0]);
        if (r.code || !strstr(r.out, cases[i][1]))
            pst_test_fail(__FILE__, __LINE__, "--set %s: code %d, %.60s%s", cases[i][0], r.code, r.out, r.err);
        cli_result_free(&r);
    }
    for (size_t i = 0; i < PST_COUNT(wrong); i++) check_failure(&wrong[i], false);
}

// --- Running -----------------------------------------------------------------------------------------------------------

TEST(test_run_shows_result_events_and_contents)
{
    cli_result r = RUN("test-run", OBJECT, "count", "--set", "port=443");
    CHECK_EQ(r.code, 0);
    CHECK(strstr(r.out, "{length = 64, port = 443, tag = \"ring\"}"));
    CHECK(strstr(r.out, "= XDP_PASS") && strstr(r.out, "packet changed") && strstr(r.out, "seen = 1") && strstr(r.out, "[1] = 1"));
    cli_result dropped = RUN("test-run", OBJECT, "count", "--map", "blocked=1=5", "-j");
    CHECK(json_lines_valid(dropped.out));
    CHECK(strstr(dropped.out, "\"meaning\":\"XDP_DROP\"") && strstr(dropped.out, "\"data_changed\":false"));
    CHECK(strstr(dropped.out, "{\"length\":64,\"port\":53,\"tag\":\"ring\"}"));
    cli_result short_packet = RUN("test-run", OBJECT, "perf", "--data", "00112233445566778899aabbccddeeff", "--events", "none", "--repeat", "100");
    CHECK(strstr(short_packet.out, "XDP_TX") && !strstr(short_packet.out, "event  "));
    cli_result address = RUN("test-run", OBJECT, "count", "--map", "blocked=1.0.0.0=0x10");
    CHECK(strstr(address.out, "XDP_DROP") && strstr(address.out, "[1] = 16"));
    cli_result_free(&r), cli_result_free(&dropped), cli_result_free(&short_packet), cli_result_free(&address);
}

TEST(test_run_in_each_engine)
{
    static const char *const engines[] = {"interp", "checked", "jit", "jit-quick"};
    for (size_t i = 0; i < PST_COUNT(engines); i++) {
        cli_result r = RUN("test-run", OBJECT, "count", "--set", "port=443", "--engine", engines[i]);
        // A machine without a compiler says so.
        if (i < 2 || PST_HOST_COMPILES)
            CHECK(r.code == 0 && strstr(r.out, "{length = 64, port = 443, tag = \"ring\"}") && strstr(r.out, "= XDP_PASS"));
        else CHECK(r.code != 0 && strstr(r.err, "compiler"));
        cli_result_free(&r);
    }
}

TEST(test_run_of_hardened_code)
{
    static const char *const choices[] = {"--harden", "--no-harden"};
    for (size_t i = 0; i < PST_COUNT(choices); i++) {
        cli_result r = RUN("test-run", OBJECT, "count", "--set", "port=443", choices[i]);
        CHECK(r.code == 0 && strstr(r.out, "{length = 64, port = 443, tag = \"ring\"}") && strstr(r.out, "= XDP_PASS"));
        cli_result_free(&r);
    }
}

TEST(show_code_puts_machine_code_beside_source)
{
    cli_result text = RUN("show", "code", OBJECT, "count"), json = RUN("show", "code", OBJECT, "count", "-j", "--engine", "jit-quick");
    if (!PST_HOST_X64) { // a machine without a compiler says so
        CHECK(text.code != 0 && strstr(text.err, "compiler"));
    } else {
        CHECK_EQ(text.code, 0);
        CHECK(strstr(text.out, "bytes of machine code by jit)\n") && strstr(text.out, "call bpf_") && strstr(text.out, "cost by source line"));
        CHECK(strstr(text.out, " ret\n") || strstr(text.out, "has no disassembler"));
        CHECK_EQ(json.code, 0);
        CHECK(json_valid(json.out) && strstr(json.out, "\"engine\": \"jit-quick\"") && strstr(json.out, "\"machine\": ["));
        CHECK(!strstr(json.out, "\"executed\""));
    }
    cli_result_free(&text), cli_result_free(&json);
}

TEST(show_code_counts_instructions)
{
    cli_result once = RUN("show", "code", OBJECT, "count", "--profile", "-j"), often = RUN("show", "code", OBJECT, "count", "--profile", "--repeat", "7", "-j");
    cli_result text = RUN("show", "code", OBJECT, "count", "--profile", "--repeat", "7");
    if (PST_HOST_X64) {
        const char *first = strstr(once.out, "\"executed\": "), *second = strstr(often.out, "\"executed\": ");
        CHECK(once.code == 0 && often.code == 0 && json_valid(once.out) && first && second);
        long executed = first ? strtol(first + 12, NULL, 10) : 0;
        CHECK(executed > 5);
        CHECK_EQ(second ? strtol(second + 12, NULL, 10) : 0, 7 * executed); // every run takes the same way
        CHECK(strstr(text.out, "\n           7      0: ") && strstr(text.out, "the instructions executed"));
    }
    cli_result_free(&once), cli_result_free(&often), cli_result_free(&text);
}

TEST(test_run_by_the_strict_rules)
{
    cli_result r = RUN("test-run", OBJECT, "tail_target", "--mode", "strict");
    CHECK_EQ(r.code, 0);
    cli_result_free(&r);
}

TEST(test_run_reads_captures_and_writes_packets)
{
    static const unsigned char capture[] = {
        0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, // header
        0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 1, 2,                                // packet 1
        0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 16, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
    };
    write_file(SCRATCH "capture", capture, sizeof capture);
    cli_result r = RUN("test-run", OBJECT, "count", "--data", "@" SCRATCH "capture:2", "--out", SCRATCH "out");
    CHECK_EQ(r.code, 0);
    CHECK(strstr(r.out, "length = 16"));
    char *out = cli_slurp(SCRATCH "out");
    CHECK((unsigned char)out[0] == 0xaa && out[1] == 1 && out[15] == 15);
    free(out);
    static const failure beyond = {3, "no packet 3", {"test-run", OBJECT, "count", "--data", "@" SCRATCH "capture:3"}};
    check_failure(&beyond, false);
    cli_result from_file = RUN("test-run", OBJECT, "count", "--data", SCRATCH "out");
    CHECK(strstr(from_file.out, "length = 16") && !strstr(from_file.out, "packet changed"));
    unlink(SCRATCH "capture");
    unlink(SCRATCH "out");
    cli_result_free(&r), cli_result_free(&from_file);
}

TEST(a_loader_written_for_libbpf_runs)
{
    cli_result r = cli_execute((const char *const[]){PST_LOADER, OBJECT, NULL}, false);
    CHECK_EQ(r.code, 0);
    CHECK_STR(r.out, "event 64 443 ring\nreturned 2, counted 1, 1 events\n");
    CHECK_STR(r.err, "");
    cli_result wrong = cli_execute((const char *const[]){PST_LOADER, "no-such.o", NULL}, false);
    CHECK_EQ(wrong.code, 1);
    CHECK(strstr(wrong.err, "no-such.o"));
    cli_result_free(&r), cli_result_free(&wrong);
}
