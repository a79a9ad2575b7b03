// netsh_host_test.c: `postern netsh` against a host: whole layouts, messages and exit codes of eBPF for Windows, and what lives on.
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf/bpf.h"
#include "bpf/libbpf.h"
#include "cli_fixture.h"
#include "harness.h"
#include "host_fixture.h"
#include "pal/pal.h"
#include "postern/postern.h"

#define XDP PST_BINARY_DIR "/samples/xdp_pass.bpf.o"
#define SAMPLE PST_BINARY_DIR "/samples/sample_every_field.bpf.o"
#define OBJECT PST_SOURCE_DIR "/tests/unit/api/data/api.bpf.o"

static cli_result netsh(const char *const *words)
{
    const char *argv[24] = {PST_POSTERN, "netsh", "ebpf"};
    for (size_t i = 0; words[i]; i++) argv[i + 3] = words[i];
    return cli_execute(argv, false);
}

// NULL: that stream is not looked at.
static void check(int line, int code, const char *out, const char *err, const char *const *words)
{
    // The host learns a moment later that a process has ended, and what it held goes then: a listing may be asked again.
    int tries = words[0][0] == 's' && words[0][1] == 'h' ? 100 : 1;
    cli_result result = {0};
    bool fine = false;
    while (!fine && tries-- > 0) {
        cli_result_free(&result);
        result = netsh(words);
        fine = result.code == code && (!out || strcmp(result.out, out) == 0) && (!err || strncmp(result.err, err, strlen(err)) == 0);
        if (!fine && tries > 0) pst_pal_sleep_ns(50000000);
    }
    if (!fine) pst_test_fail(__FILE__, line, "netsh %s %s: exit code %d\n---\n%s---\n%s---", words[0], words[1], result.code, result.out, result.err);
    cli_result_free(&result);
}
#define SAYS(out, ...) check(__LINE__, 0, out, "", (const char *const[]){__VA_ARGS__, NULL})
#define NOTES(out, err, ...) check(__LINE__, 0, out, err, (const char *const[]){__VA_ARGS__, NULL})
#define FAILS(err, ...) check(__LINE__, 1, "", err, (const char *const[]){__VA_ARGS__, NULL})

static bool samples_missing(void)
{
    if (access(XDP, R_OK) == 0 && access(SAMPLE, R_OK) == 0) return false;
    pst_test_skip("the samples are not built");
    return true;
}

#define PROGRAMS_HEAD                                              \
    "\n    ID  Pins  Links  Mode       Type           Name\n"      \
    "======  ====  =====  =========  =============  ====================\n"
#define LINKS_HEAD                  \
    "\n   Link  Program  Attach\n"  \
    "     ID       ID  Type\n"      \
    "=======  =======  =============\n"
#define PINS_HEAD "\n     ID     Type  Path\n=======  =======  ==============\n"
#define MAPS_HEAD                                                               \
    "\n                              Key  Value      Max  Inner\n"              \
    "     ID            Map Type  Size   Size  Entries     ID  Pins  Name\n"    \
    "=======  ==================  ====  =====  =======  =====  ====  ========\n"

TEST(programs_come_live_on_and_go)
{
    host_place p;
    if (samples_missing()) return;
    host_open(&p, "--no-dynamic-code");
    SAYS("Loaded with ID 1\n", "add", "program", SAMPLE);
    SAYS(PROGRAMS_HEAD "     1     1      1  INTERPRET  sample         sample_every_fi\n", "show", "programs");
    SAYS(LINKS_HEAD "      1        1  sample\n", "show", "links");
    SAYS(PINS_HEAD "      1     Link  BPF:\\links\\1\n      1  Program  BPF:\\sample_every_field\n", "show", "pins");
    SAYS("", "pin", "program", "1", "a\\b");
    FAILS("error 17: could not pin to a\\b", "pin", "program", "1", "pinpath=a\\b");
    SAYS("", "set", "program", "1", "attached=");
    SAYS(LINKS_HEAD, "show", "links");
    FAILS("error 1168: could not detach program", "set", "program", "1", "");
    SAYS("", "set", "program", "1", "sample_ext");
    SAYS(PROGRAMS_HEAD "     1     2      1  INTERPRET  sample         sample_every_fi\n", "sh", "prog", "att=y", "pin=y");
    SAYS(PROGRAMS_HEAD, "show", "programs", "attached=no");
    SAYS(PROGRAMS_HEAD, "show", "programs", "xdp");
    SAYS(PROGRAMS_HEAD "     1     2      1  INTERPRET  sample         sample_every_fi\n", "show", "programs", "filename=" SAMPLE);
    SAYS(PROGRAMS_HEAD, "show", "programs", "filename=" XDP);
    SAYS("", "unpin", "program", "1", "BPF:\\a\\b");
    FAILS("error 11: could not unpin BPF:\\a\\b", "unpin", "program", "1", "BPF:\\a\\b");
    SAYS("Unpinned 1 from BPF:\\sample_every_field\n", "delete", "program", "1");
    SAYS(PROGRAMS_HEAD, "show", "programs");
    SAYS(PINS_HEAD, "show", "pins");
    FAILS("Program not found\n", "delete", "program", "1");
    host_close(&p);
}

TEST(a_program_that_needs_an_interface_waits_for_one)
{
    host_place p;
    if (samples_missing()) return;
    host_open(&p, NULL);
    NOTES("Loaded with ID 1\n", "The program is not attached", "add", "program", XDP, "pinpath=x/y");
    SAYS("\nID             : 1\nFile name      : xdp_pass.bpf.c\nSection        : xdp\nName           : xdp_pass\nProgram type   : xdp\nMode           : JIT\n"
         "# map IDs      : 0\n# pinned paths : 1\n# links        : 0\n",
         "show", "programs", "id=1");
    FAILS("Interface parameter is invalid.\n", "add", "program", XDP, "interface=no-such-interface");
    FAILS("Interface parameter is invalid.\n", "add", "program", SAMPLE, "interface=lo");
    FAILS("Compartment parameter is invalid.\n", "add", "program", SAMPLE, "compartment=1");
    check(__LINE__, 1, "", "error 19: could not attach program", (const char *const[]){"add", "program", XDP, "interface=1", NULL}); // no bridge there
    FAILS("error 2: could not open file", "add", "program", "no-such.o");
    FAILS("error 22: could not load program", "add", "program", OBJECT); // a kprobe is in it
    SAYS(PROGRAMS_HEAD "     1     1      0  JIT        xdp            xdp_pass\n", "show", "programs"); // nothing is left of those
    SAYS(PINS_HEAD "      1  Program  BPF:\\x\\y\n", "show", "pins");
    // Without a pin a program lives as long as the shell.
    SAYS("", "set", "program", "1", "pinpath=");
    SAYS(PROGRAMS_HEAD, "show", "programs");
    host_close(&p);
}

TEST(maps_are_shown_and_pinned)
{
    host_place p;
    host_open(&p, NULL);
    libbpf_set_print(NULL);
    int inner = bpf_map_create(BPF_MAP_TYPE_HASH, "inner_map", 4, 4, 1, NULL);
    struct bpf_map_create_opts opts = {.sz = sizeof opts, .inner_map_fd = (uint32_t)inner};
    int outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "outer_map", 4, 4, 1, &opts);
    uint32_t key = 0, value = (uint32_t)inner;
    CHECK(inner >= 0 && outer >= 0);
    CHECK_EQ(bpf_map_update_elem(outer, &key, &value, BPF_ANY), 0);
    key = 1, value = 5;
    CHECK_EQ(bpf_map_update_elem(inner, &key, &value, BPF_ANY), 0);
    SAYS("", "pin", "map", "1");
    SAYS(MAPS_HEAD "      1                hash     4      4        1      0     1  inner_map\n"
                   "      2       array_of_maps     4      4        1      1     0  outer_map\n",
         "show", "maps");
    SAYS("[1] = 5\n", "show", "contents", "inner_map");
    SAYS("{\"type\":\"element\",\"key\":1,\"value\":5}\n", "show", "contents", "map=1", "-j");
    FAILS("postern: no map is called none", "show", "contents", "none");
    SAYS("", "unpin", "map", "1");
    FAILS("Map not found\n", "pin", "map", "77");
    FAILS("'x' is not an acceptable value for 'id'.", "pin", "map", "x");
    postern_shutdown();
    host_close(&p);
}

TEST(files_are_shown_without_a_host)
{
    cli_result result;
    SAYS("\n"
         "                                                                     Size\n"
         "                       Section                   Program       Type  (bytes)\n"
         "==============================  ========================  =========  =======\n"
         "                           xdp               tail_target        xdp       16\n"
         "                           xdp                     count        xdp      472\n"
         "                           xdp                      perf        xdp      248\n"
         "                           xdp               tail_caller        xdp       48\n"
         "                           xdp                      slow        xdp       72\n"
         "                           xdp                    unsafe        xdp       24\n"
         "                           xdp                not_loaded        xdp       16\n"
         "                            tc                  classify  sched_cls       16\n"
         "            kprobe/do_unlinkat                    traced     kprobe       16\n"
         "\n"
         "                     Key  Value      Max\n"
         "          Map Type  Size   Size  Entries  Name\n"
         "==================  ====  =====  =======  ========\n"
         "             array     4      4        1  inner_one\n"
         "     array_of_maps     4      4        2  outer\n"
         "        prog_array     4      4        2  jumps\n"
         "      percpu_array     4      8        4  counts\n"
         "           ringbuf     0      0    65536  events\n"
         "              hash     4      4       16  blocked\n"
         "  perf_event_array     4      4        0  perf_events\n"
         "              hash     4      8        8  pinned\n"
         "             array     4     31        1  api.rodata\n"
         "             array     4      4        1  api.data\n"
         "             array     4     16        1  api.bss\n"
         "             array     4      4        1  outer.inner\n",
         "show", "sections", OBJECT);
    SAYS("Verification succeeded\nProgram terminates within 0 loop iterations\n", "show", "verification", OBJECT, "xdp", "count");
    result = netsh((const char *const[]){"show", "verification", OBJECT, "program=unsafe", NULL});
    CHECK_EQ(result.code, 1);
    CHECK(strncmp(result.out, "Verification failed\n\nVerification report:\n\n", 43) == 0);
    CHECK(strstr(result.out, "\n1 errors\n\n") != NULL);
    cli_result_free(&result);
    FAILS("error: Section not found\n", "show", "disassembly", OBJECT, "none");
    FAILS("error: No such file or directory opening no-such.o\n", "show", "disassembly", "no-such.o");
    result = netsh((const char *const[]){"show", "disassembly", OBJECT, "xdp", "tail_target", NULL});
    CHECK(result.code == 0 && strstr(result.out, "       0:\t") != NULL);
    cli_result_free(&result);
    result = netsh((const char *const[]){"show", "hash", OBJECT, "hashonly", NULL});
    CHECK(result.code == 0 && strlen(result.out) == 65 && strspn(result.out, "0123456789ABCDEF") == 64);
    cli_result_free(&result);
    FAILS("Error: No hash section found in " PST_POSTERN, "show", "hash", PST_POSTERN);
    SAYS("\nProgram type          Attach type                     Hosted\n====================  ==============================  ======\n"
         "sample                sample                          yes\n",
         "show", "hooks", "sample_ext");
    result = netsh((const char *const[]){"show", "helpers", "xdp", NULL});
    CHECK(result.code == 0 && strstr(result.out, "     44  bpf_xdp_adjust_head             integer (") != NULL);
    CHECK(!strstr(result.out, "bpf_skb_"));
    cli_result_free(&result);
    FAILS("'nothing' is not an acceptable value for 'type'.", "show", "helpers", "nothing");
    FAILS("One or more essential parameters were not entered.", "delete", "program");
    FAILS("The following command was not found: ebpf frobnicate.", "frobnicate");
}

// The shell reads lines; a program without a pin lives as long as it.
TEST(the_shell_reads_commands)
{
    host_place p;
    char script[96], out[96];
    if (samples_missing()) return;
    host_open(&p, "--no-dynamic-code");
    snprintf(script, sizeof script, "%s/script", p.folder);
    snprintf(out, sizeof out, "%s/out", p.folder);
    FILE *file = fopen(script, "w");
    REQUIRE(file != NULL);
    fprintf(file, "# a comment\n\nebpf add program \"%s\" pinned=none\nshow programs\nshow programs ?\nexit\nshow nothing\n", XDP);
    fclose(file);
    char command[512];
    snprintf(command, sizeof command, "%s netsh <%s >%s 2>&1", PST_POSTERN, script, out);
    const char *argv[] = {"/bin/sh", "-c", command, NULL};
    cli_result result = cli_execute(argv, false);
    CHECK_EQ(result.code, 0);
    char *said = cli_slurp(out);
    CHECK(said && strstr(said, "Loaded with ID 1\n" PROGRAMS_HEAD "     1     0      0  INTERPRET  xdp            xdp_pass\n") != NULL);
    CHECK(said && strstr(said, "Usage: show programs [[type=]<string>]") != NULL);
    free(said);
    cli_result_free(&result);
    SAYS(PROGRAMS_HEAD, "show", "programs"); // it went with the shell
    unlink(script);
    unlink(out);
    host_close(&p);
}

TEST(every_listing_is_json_too)
{
    static const char *const shows[] = {"programs", "maps", "links", "pins", "processes", "helpers", "hooks"};
    host_place p;
    if (samples_missing()) return;
    host_open(&p, NULL);
    cli_result result = netsh((const char *const[]){"-j", "add", "program", SAMPLE, NULL});
    CHECK(result.code == 0 && json_valid(result.out) && strstr(result.out, "\"id\":1") != NULL);
    cli_result_free(&result);
    for (size_t i = 0; i < sizeof shows / sizeof *shows; i++) {
        result = netsh((const char *const[]){"show", shows[i], "-j", NULL});
        if (result.code != 0 || !json_valid(result.out) || !strchr(result.out, '{')) pst_test_fail(__FILE__, __LINE__, "show %s: %s", shows[i], result.out);
        cli_result_free(&result);
    }
    static const char *const files[] = {"sections", "disassembly", "verification", "hash"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        result = netsh((const char *const[]){"show", files[i], SAMPLE, "-j", NULL});
        if (result.code != 0 || !json_valid(result.out)) pst_test_fail(__FILE__, __LINE__, "show %s: %s", files[i], result.out);
        cli_result_free(&result);
    }
    host_close(&p);
}
