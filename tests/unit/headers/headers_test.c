// headers_test.c: include/bpf as a program's author meets it: sources in the style of libbpf and of eBPF for Windows compile with these
// headers and no others, calls carry Linux's ids, and uapi/ says what Linux's own headers say.
//
// Skipped without a clang that knows the target bpf.
#include <stdbool.h>

#include "harness.h"

#define HERE PST_SOURCE_DIR "/tests/unit/headers/"
#define ROOT PST_SOURCE_DIR "/include/bpf/"
#define COMPILE "timeout 60 " PST_CLANG_BPF " -target bpf -O2 -g -mcpu=v3 -Wall -Wextra -Werror -Wno-unused-parameter -D__TARGET_ARCH_x86 "
#define LIBBPF "-nostdlibinc -I" PST_SOURCE_DIR "/include -I" ROOT "uapi "
#define WINDOWS "-nostdlibinc -I" ROOT "windows "
#define OUTPUT PST_BINARY_DIR "/headers_test.out"

static bool no_clang(void)
{
    static int answer = -1;
    if (answer < 0) answer = system("echo | " COMPILE " -x c -c - -o " OUTPUT " >" OUTPUT ".log 2>&1") != 0;
    if (answer) pst_test_skip("there is no clang with a bpf target");
    return answer != 0;
}

// Compiles file (or, with "-", the text) and shows what the compiler said if it fails.
static bool compiles(const char *flags, const char *file, const char *text, const char *output)
{
    char command[4096];
    FILE *source = fopen(OUTPUT ".c", "w");
    if (!source) return false;
    if (text) fputs(text, source);
    fclose(source);
    snprintf(command, sizeof command, COMPILE "%s %s -o %s >" OUTPUT ".log 2>&1", flags, text ? OUTPUT ".c" : file, output);
    return system(command) == 0;
}

static void show_log(const char *what)
{
    char line[512];
    FILE *log = fopen(OUTPUT ".log", "r");
    pst_test_fail(__FILE__, __LINE__, "%s does not compile", what);
    while (log && fgets(line, sizeof line, log)) fputs(line, stderr);
    if (log) fclose(log);
}

static char *read_all(const char *path)
{
    static char bytes[1 << 20];
    FILE *file = fopen(path, "r");
    size_t size = file ? fread(bytes, 1, sizeof bytes - 1, file) : 0;
    bytes[size] = '\0';
    if (file) fclose(file);
    return bytes;
}

TEST(sources_for_libbpf)
{
    static const char *const files[] = {"minimal.bpf.c", "core_events.bpf.c", "tc_rewrite.bpf.c", "control_flow.bpf.c", "kernel_types.bpf.c"};
    if (no_clang()) return;
    for (size_t i = 0; i < PST_COUNT(files); i++) {
        char path[512];
        snprintf(path, sizeof path, HERE "libbpf/%s", files[i]);
        if (!compiles(LIBBPF "-c", path, NULL, OUTPUT)) show_log(path);
    }
}

TEST(sources_for_windows)
{
    static const char *const files[] = {"bind_limit.bpf.c", "connect_policy.bpf.c", "packet_filter.bpf.c", "sock_ops.bpf.c", "sample_and_strings.bpf.c"};
    if (no_clang()) return;
    for (size_t i = 0; i < PST_COUNT(files); i++) {
        char path[512];
        snprintf(path, sizeof path, HERE "windows/%s", files[i]);
        if (!compiles(WINDOWS "-c", path, NULL, OUTPUT)) show_log(path);
    }
}

TEST(each_header_of_windows_stands_alone)
{
    static const char *const headers[] = {
        "bpf_endian.h", "bpf_helper_defs.h", "bpf_helpers.h", "ebpf_nethooks.h", "ebpf_ntos_hooks.h", "ebpf_structs.h", "ebpf_windows.h",
        "ipifcons.h", "linux/bpf.h", "linux/ip.h", "linux/types.h", "net/if_ether.h", "net/ip.h", "net/tcp.h", "net/udp.h",
        "net_ebpf_ext_xdp_hooks.h", "sample_ext_helpers.h", "stdint.h", "xdp_hooks.h",
    };
    if (no_clang()) return;
    for (size_t i = 0; i < PST_COUNT(headers); i++) {
        char text[128];
        snprintf(text, sizeof text, "#include \"%s\"\n#include \"%s\"\n", headers[i], headers[i]);
        if (!compiles(WINDOWS "-c", "-", text, OUTPUT)) show_log(headers[i]);
    }
}

TEST(each_header_of_uapi_stands_alone)
{
    static const char *const headers[] = {"asm/types.h",   "linux/bpf.h",  "linux/icmp.h", "linux/icmpv6.h",  "linux/if_ether.h", "linux/if_packet.h",
                                          "linux/if_vlan.h", "linux/in.h", "linux/in6.h",  "linux/ip.h",      "linux/ipv6.h",     "linux/pkt_cls.h",
                                          "linux/tcp.h",   "linux/types.h", "linux/udp.h"};
    if (no_clang()) return;
    for (size_t i = 0; i < PST_COUNT(headers); i++) {
        char text[128];
        snprintf(text, sizeof text, "#include <%s>\n#include <%s>\n", headers[i], headers[i]);
        if (!compiles(LIBBPF "-c", "-", text, OUTPUT)) show_log(headers[i]);
    }
}

TEST(calls_have_the_ids_of_linux_in_both_styles)
{
    static const char body[] = "struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } ring SEC(\".maps\");\n"
                               "SEC(\"xdp\") int f(void *ctx) { unsigned long long t = bpf_ktime_get_ns();\n"
                               "return bpf_ringbuf_output(&ring, &t, sizeof(t), 0); }\n";
    static const char *const heads[] = {"#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n", "#include \"bpf_helpers.h\"\n"};
    static const char *const flags[] = {LIBBPF "-S", WINDOWS "-S"};
    if (no_clang()) return;
    for (int i = 0; i < 2; i++) {
        char text[1024];
        snprintf(text, sizeof text, "%s%s", heads[i], body);
        if (!compiles(flags[i], "-", text, OUTPUT)) {
            show_log("a program that writes to a ring buffer");
            continue;
        }
        const char *assembly = read_all(OUTPUT);
        CHECK(strstr(assembly, "call 5\n") != NULL);
        CHECK(strstr(assembly, "call 130\n") != NULL);
    }
}

// The checker itself: a wrong type of argument must not compile.
TEST(a_wrong_call_is_refused)
{
    if (no_clang()) return;
    CHECK(!compiles(LIBBPF "-c", "-", "#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\nlong f(void) { return bpf_map_lookup_elem(1, 2); }\n", OUTPUT));
    CHECK(!compiles(LIBBPF "-c", "-", "#include <stdio.h>\n", OUTPUT)); // no header but ours is in reach
}

#define SYSTEM "-I/usr/include -I/usr/include/x86_64-linux-gnu -I/usr/include/aarch64-linux-gnu "

TEST(uapi_says_what_linux_says)
{
    static char ours[1 << 20];
    if (no_clang()) return;
    if (!compiles(SYSTEM "-c", "-", "#include <linux/bpf.h>\n", OUTPUT)) {
        pst_test_skip("Linux's headers are not installed");
        return;
    }
    if (!compiles(LIBBPF "-w -g0 -S", HERE "uapi_values.bpf.c", NULL, OUTPUT)) {
        show_log("uapi_values.bpf.c");
        return;
    }
    snprintf(ours, sizeof ours, "%s", read_all(OUTPUT));
    CHECK(compiles(SYSTEM "-w -g0 -S", HERE "uapi_values.bpf.c", NULL, OUTPUT));
    CHECK_STR(read_all(OUTPUT), ours);
    CHECK(strstr(ours, "value_off___sk_buff_tstamp") != NULL);
}
