// verify_kernel_test.c: generated programs before two verifiers: ours and that of the Linux kernel below.
//
// What ours accepts and Linux refuses is a mistake of ours until it is known to be a class of programs that ours knows more about (g_more); each such
// program is run by the oracle all the same. What Linux accepts and ours refuses is a gap in precision: a limit of ours is counted by class (g_less); of
// other gaps, where Linux follows a path from constant to constant and ours has joined it, there may be LESS_RATE in a thousand programs.
// Needs Linux 6.18 and the right to call bpf(2); skipped elsewhere. PST_ORACLE_FROM and PST_ORACLE_COUNT choose other programs.
#include "harness.h"

#include "verify_oracle.h"

#ifdef __linux__

#include <errno.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "postern/attr.h"

#define PROGRAMS 400u
#define MUTANTS 3u
#define LESS_RATE 2u

static char g_log[1u << 20];
static int g_fds[VGEN_PLAIN_END];

static long kernel(uint32_t command, pst_bpf_attr *attr)
{
    long result = syscall(SYS_bpf, command, attr, sizeof *attr);
    return result < 0 ? -errno : result;
}

static bool make_maps(void)
{
    for (int i = VGEN_ARRAY; i < VGEN_PLAIN_END; i++) {
        const pst_map_view *view = oracle_find_map(NULL, PST_IMM64_MAP_FD, i);
        pst_bpf_attr attr = {.map_type = view->type, .key_size = view->key_size, .value_size = view->value_size, .max_entries = view->max_entries};
        g_fds[i] = (int)kernel(PST_BPF_MAP_CREATE, &attr);
        if (g_fds[i] < 0) return false;
    }
    return true;
}

static void close_maps(void)
{
    for (int i = VGEN_ARRAY; i < VGEN_PLAIN_END; i++)
        if (g_fds[i] > 0) close(g_fds[i]);
}

// Whether Linux accepts the program; else, with logs, g_log says why. (A log costs more than the proof.)
static bool kernel_accepts(vgen_type type, const pst_slot *slots, size_t count, bool logs)
{
    static pst_slot copy[VGEN_SLOTS_MAX];
    memcpy(copy, slots, count * sizeof *slots);
    for (size_t i = 0; i < count; i++) {
        unsigned source = copy[i].regs >> 4;
        if (copy[i].opcode != 0x18) continue;
        if ((source == 1 || source == 2) && copy[i].imm >= VGEN_ARRAY && copy[i].imm < VGEN_PLAIN_END) copy[i].imm = g_fds[copy[i].imm];
        i++;
    }
    pst_bpf_attr attr = {.prog_type = pst_prog_type_by_name(vgen_type_names[type])->number,
                         .insn_cnt = (uint32_t)count,
                         .insns = (uint64_t)(uintptr_t)copy,
                         .license = (uint64_t)(uintptr_t) "GPL",
                         .log_level = logs,
                         .log_size = logs ? sizeof g_log : 0,
                         .log_buf = logs ? (uint64_t)(uintptr_t)g_log : 0};
    g_log[0] = '\0';
    long fd = kernel(PST_BPF_PROG_LOAD, &attr);
    if (fd >= 0) close((int)fd);
    return fd >= 0;
}

static bool kernel_is_ours(void)
{
    struct utsname host;
    const pst_slot slots[] = {{.opcode = 0xb7}, {.opcode = 0x95}};
    if (uname(&host) == 0 && strncmp(host.release, "6.18.", 5) == 0 && kernel_accepts(VGEN_XDP, slots, 2, false) && make_maps()) return true;
    pst_test_skip("the host is not Linux 6.18 or does not let this process call bpf(2)");
    return false;
}

// --- Classes --------------------------------------------------------------------------------------------------

typedef struct verdict_class {
    const char *text;   // in the log of Linux, or in our finding
    const char *reason;
    unsigned count;
    const char *type;   // of program; NULL: any
} verdict_class;

// Accepted here, refused by Linux. Each of these programs is run by the oracle as well.
static verdict_class g_more[] = {
    {.text = "pointer be out of bounds", .reason = "what was added and taken away again is the number that it was"},
    {.text = "is outside of the allowed memory range", .reason = "a remainder, or a relation to another number, bounds it"},
    {.text = "min value is negative", .reason = "the same"},
    {.text = "unbounded memory access", .reason = "the same"},
    {.text = "unbounded variable-offset", .reason = "the same"},
    {.text = "At program exit the register R0", .reason = "the same"},
    {.text = "offset is outside of the packet", .reason = "the difference of two packet pointers, or another relation, bounds the offset"},
    {.text = "unbounded min value", .reason = "a remainder, or a relation to another number, bounds it"},
    {.text = "misaligned", .reason = "the same: what bounds it tells its low bits"},
    {.text = "_or_null", .reason = "the pointer was compared with a register that holds 0"},
    {.text = "infinite loop detected", .reason = "Linux sees a state again and gives up; here the count of turns has a bound"},
    {.text = "BPF program is too large", .reason = "Linux follows turns one by one"},
    {.text = "too many states", .reason = "Linux follows turns one by one"},
    {.text = "The sequence of", .reason = "Linux follows at most 8192 jumps of one path"},
    {.text = "invalid bpf_context access", .reason = "the context of eBPF for Windows is described here as well: pointers of 8 bytes, data_meta at 16, ingress_ifindex at 24", .type = "xdp"},
};

// Accepted by Linux, refused here: what our finding says.
static verdict_class g_less[] = {
    {.text = "too complex", .reason = "a limit of the search"},
};

// Programs that Linux cannot be asked about: callbacks need types, and there are none here.
static bool is_no_answer(void) { return strstr(g_log, "missing btf func_info") != NULL; }

static verdict_class *class_of(verdict_class *classes, size_t count, vgen_type type, const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (strstr(text, classes[i].text) && (!classes[i].type || strcmp(classes[i].type, vgen_type_names[type]) == 0)) {
            classes[i].count++;
            return &classes[i];
        }
    return NULL;
}

static bool compares_itself(const pst_slot *s)
{
    unsigned class = s->opcode & 7u, code = s->opcode & 0xf0u;
    return (class == 5 || class == 6) && (s->opcode & 8) && code != 0 && code < 0xe0 && code != 0x80 && code != 0x90 && s->regs >> 4 == (s->regs & 15);
}

// Whether Linux refuses a path that is never run, as ours has proved: it has an instruction that no run gets to, or Linux has let a register be less than
// itself. The path is what the log has since it says "from A to B", A included.
static bool refused_is_dead(const oracle_report *report, const pst_slot *slots, size_t count)
{
    bool dead = false;
    for (const char *line = g_log; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        bool starts = strncmp(line, "from ", 5) == 0;
        const char *at = starts ? line + 5 : line;
        char *end;
        unsigned long pc = strtoul(at, &end, 10);
        if (end == at || (!starts && strncmp(end, ": (", 3) != 0)) continue;
        if (starts) dead = false;
        if (pc < count && ((report->facts[pc] & PST_FACT_DEAD) || compares_itself(&slots[pc]))) dead = true;
    }
    return dead;
}

// Whether the jump at pc is never taken: so it is if a program that does what is forbidden where it goes to is accepted.
static bool is_never_taken(const oracle_options *options, const pst_slot *slots, size_t count, size_t pc)
{
    static pst_slot other[VGEN_SLOTS_MAX];
    static oracle_report report;
    if (count + 2 > VGEN_SLOTS_MAX) return false;
    memcpy(other, slots, count * sizeof *slots);
    other[pc].off = (int16_t)(count - pc - 1);
    other[count] = (pst_slot){.opcode = 0x7a, .regs = 10, .off = 8}; // a store outside of the frame
    other[count + 1] = (pst_slot){.opcode = 0x95};
    return oracle_check(options, other, count + 2, &report) == ORACLE_SAFE;
}

// Whether a jump on the path that Linux refuses is never taken. (A path may also hang on one that always is: that is not looked for.)
static bool refused_is_cut(const oracle_options *options, const pst_slot *slots, size_t count)
{
    size_t edges[256], edge_count = 0, before = SIZE_MAX;
    for (const char *line = g_log; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        bool starts = strncmp(line, "from ", 5) == 0;
        const char *at = starts ? line + 5 : line;
        char *end;
        unsigned long pc = strtoul(at, &end, 10);
        if (end == at || (!starts && strncmp(end, ": (", 3) != 0)) continue;
        if (starts) edge_count = 0;
        bool jumps = before < count && (slots[before].opcode & 7) >= 5 && (slots[before].opcode & 7) <= 6 && slots[before].off > 0;
        if (jumps && pc == before + 1 + (size_t)slots[before].off && edge_count < PST_COUNT(edges)) edges[edge_count++] = before;
        before = pc;
    }
    for (size_t i = edge_count, tries = 0; i > 0 && tries < 16; i--, tries++)
        if (is_never_taken(options, slots, count, edges[i - 1])) return true;
    return false;
}

static const char *last_lines(void)
{
    size_t end = strlen(g_log);
    for (unsigned lines = 0; end > 0; end--)
        if (g_log[end - 1] == '\n' && ++lines == 5) break;
    return g_log + end;
}

typedef struct both {
    unsigned programs, accepted_by_both, refused_by_both, more, less, unexplained, dead;
} both;

static void compare(const oracle_options *options, const pst_slot *slots, size_t count, uint64_t number, both *b)
{
    static oracle_report report;
    oracle_answer answer = oracle_check(options, slots, count, &report);
    if (answer == ORACLE_MALFORMED || answer == ORACLE_FAILED) return;
    bool ours = answer != ORACLE_REJECTED, theirs = kernel_accepts(options->type, slots, count, false);
    if (ours && !theirs) theirs = kernel_accepts(options->type, slots, count, true);
    if (ours && !theirs && is_no_answer()) return;
    b->programs++;
    if (answer == ORACLE_WRONG) pst_test_fail(__FILE__, __LINE__, "program %" PRIu64 ": %s", number, report.why);
    if (ours == theirs) {
        if (ours) b->accepted_by_both++;
        else b->refused_by_both++;
    } else if (ours) {
        b->more++;
        if (refused_is_dead(&report, slots, count)) {
            b->dead++;
            return;
        }
        if (strstr(g_log, "!read_ok") && refused_is_cut(options, slots, count)) {
            b->dead++;
            return;
        }
        if (class_of(g_more, PST_COUNT(g_more), options->type, g_log)) return;
        pst_test_fail(__FILE__, __LINE__, "program %" PRIu64 " is accepted here, but not by Linux:\n%s", number, last_lines());
        if (getenv("PST_ORACLE_PRINT")) oracle_print(slots, count);
    } else {
        b->less++;
        if (!class_of(g_less, PST_COUNT(g_less), options->type, report.finding.text)) {
            b->unexplained++;
            printf("program %" PRIu64 " is accepted by Linux, but not here: %u: %s\n", number, report.finding.pc, report.finding.text);
        }
        if (!getenv("PST_ORACLE_PRINT")) return;
        fprintf(stderr, "less: program %" PRIu64 ": %u: %s [%s]\n", number, report.finding.pc, report.finding.text, report.finding.known);
        if (getenv("PST_ORACLE_PRINT")[0] == '2') oracle_print(slots, count);
    }
}

static void print_classes(const char *title, const verdict_class *classes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (classes[i].count) printf("  %s: %u: %s (%s)\n", title, classes[i].count, classes[i].text, classes[i].reason);
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 0) : otherwise;
}

TEST(verify_kernel_both_verifiers_agree)
{
    static pst_slot slots[VGEN_SLOTS_MAX], mutant[VGEN_SLOTS_MAX];
    both b = {0};
    if (!kernel_is_ours()) return;
    uint64_t from = setting("PST_ORACLE_FROM", 0), programs = setting("PST_ORACLE_COUNT", PROGRAMS);
    for (uint64_t number = from; number < from + programs; number++) {
        oracle_options options = oracle_options_of(number);
        vgen_source source = oracle_source_of(number);
        options.mode = PST_VERIFY_PRIVILEGED;
        options.holds = source.holds = false; // Linux would have to be told types
        options.states_max = options.unroll_max = 0;
        options.steps_max = 0;
        options.runs = 4;
        size_t count = vgen_program(&source, options.type, slots);
        compare(&options, slots, count, number, &b);
        for (unsigned i = 0; i < MUTANTS; i++) {
            memcpy(mutant, slots, count * sizeof *slots);
            if (vgen_mutate(&source, mutant, count)) compare(&options, mutant, count, number, &b);
        }
    }
    close_maps();
    printf("%u programs: %u accepted by both, %u refused by both, %u here only, %u by Linux only\n", b.programs, b.accepted_by_both, b.refused_by_both, b.more,
           b.less);
    printf("  here only: %u: the path that Linux refuses is never run\n", b.dead);
    print_classes("here only", g_more, PST_COUNT(g_more));
    print_classes("by Linux only", g_less, PST_COUNT(g_less));
    if (b.unexplained * 1000 > b.programs * LESS_RATE + 2000) pst_test_fail(__FILE__, __LINE__, "%u programs are accepted by Linux and not here", b.unexplained);
}

#else

TEST(verify_kernel_both_verifiers_agree) { pst_test_skip("this is not Linux"); }

#endif
