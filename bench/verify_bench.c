// verify_bench.c: how long pst_verify takes, next to the running kernel's BPF_PROG_LOAD of the same instructions in the same run.
//
// Each program is measured by both in turn, in rounds; a row keeps the least of the rounds' medians, because other work on the machine can only add to
// a time. Ratios between the two columns of one run are what to quote. bench/README.md says what is and is not in a time.
#include <dirent.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/verify_work.h"
#include "pal/pal.h"
#include "verify_kernel_linux.h"

#define RUNS_MAX 101u
#define ROUND_NS 1000000000ull // a program that takes longer than this for a round gets no other
#define PREVAIL_TIMEOUT_S 60u
#define SLOWEST 10u
#define EXPENSIVE_NS 1000000ull // from here on a re-check is to pay

typedef struct row {
    char *name;
    uint32_t slots;
    bool accepted, unsupported, kernel_asked, kernel_accepted, prevail_asked, prevail_accepted;
    uint64_t ours_ns, kernel_ns, prevail_ns, steps, peak_bytes;
    bool rechecked;              // it has a certificate, by which it was accepted
    uint32_t certificate_size;   // 0: none
    uint32_t states, recheck_states;
    uint64_t certify_ns, recheck_ns, recheck_steps;
} row;

typedef struct bench {
    verify_settings settings;
    unsigned runs, rounds;
    bool json, kernel;
    const char *prevail;   // program, NULL: none
    const char *path;      // file that is read now
    uint64_t prevail_start_ns; // of that file
    row *rows;
    size_t count, capacity;
} bench;

static void die(const char *fmt, ...) PST_PRINTF(1, 2);

static void die(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("verify_bench: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

static void *must(void *block)
{
    if (!block) die("no memory");
    return block;
}

// --- Measuring ---------------------------------------------------------------------------------------------------------

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static uint64_t median(uint64_t *times, unsigned count)
{
    qsort(times, count, sizeof *times, by_value);
    return times[count / 2];
}

static uint64_t prove_ns(bench *b, const verify_subject *subject)
{
    verify_answer answer;
    verify_prove(&b->settings, subject, &answer);
    uint64_t time = answer.proved ? answer.proved->time_ns : 0; // of the call itself
    verify_answer_free(&answer);
    return time;
}

// Both in turn, so that what the machine does meanwhile hits both.
static void measure_round(bench *b, const verify_subject *subject, kernel_program *kernel, row *r)
{
    uint64_t ours[RUNS_MAX], theirs[RUNS_MAX];
    for (unsigned i = 0; i < b->runs; i++) {
        ours[i] = prove_ns(b, subject);
        if (!kernel) continue;
        bool accepted = kernel_load(kernel, &theirs[i]) == KERNEL_ACCEPTS;
        r->kernel_accepted |= accepted;
    }
    uint64_t ours_ns = median(ours, b->runs), kernel_ns = kernel ? median(theirs, b->runs) : 0;
    if (!r->ours_ns || ours_ns < r->ours_ns) r->ours_ns = ours_ns;
    if (!r->kernel_ns || kernel_ns < r->kernel_ns) r->kernel_ns = kernel_ns;
}

// One proof by the certificate.
static uint64_t recheck_ns(bench *b, const verify_subject *subject, row *r)
{
    verify_answer answer;
    verify_prove(&b->settings, subject, &answer);
    uint64_t time = answer.proved ? answer.proved->time_ns : 0;
    r->rechecked = answer.proved && answer.proved->kind == PST_VERDICT_ACCEPT;
    r->recheck_steps = answer.proved ? answer.proved->steps : 0;
    r->recheck_states = answer.proved ? answer.proved->states : 0;
    verify_answer_free(&answer);
    return time;
}

// The certificate is made once; then proofs with and without it are measured in turn.
static void measure_certificate(bench *b, const verify_subject *subject, row *r)
{
    verify_answer answer;
    uint64_t times[RUNS_MAX];
    b->settings.opts.certificate = true;
    verify_prove(&b->settings, subject, &answer);
    b->settings.opts.certificate = false;
    const pst_verdict *verdict = verify_verdict(&answer);
    if (verdict->kind == PST_VERDICT_ACCEPT && verdict->certificate) {
        verify_data bytes = {verdict->certificate, (uint32_t)verdict->certificate_size};
        verify_subject again = *subject;
        again.certificate = &bytes;
        r->certificate_size = bytes.size;
        r->certify_ns = verdict->certificate_ns;
        for (unsigned round = 0; round < b->rounds; round++) {
            for (unsigned i = 0; i < b->runs; i++) {
                (void)prove_ns(b, subject); // the caches are as after a search
                times[i] = recheck_ns(b, &again, r);
            }
            uint64_t middle = median(times, b->runs);
            if (!r->recheck_ns || middle < r->recheck_ns) r->recheck_ns = middle;
            if (r->ours_ns * b->runs > ROUND_NS) break;
        }
    }
    verify_answer_free(&answer);
}

static void measure_both(bench *b, const verify_subject *subject, row *r)
{
    char why[256];
    const pst_btf *host = subject->kfunc_count ? verify_host_types(&b->settings) : NULL;
    kernel_program *kernel = b->kernel && subject->prog_type != PST_PROG_UNSPEC ? kernel_open(subject, host, why, sizeof why) : NULL;
    for (unsigned round = 0; round < b->rounds; round++) {
        uint64_t begin = pst_pal_time_ns();
        measure_round(b, subject, kernel, r);
        if (pst_pal_time_ns() - begin > ROUND_NS) break;
    }
    r->kernel_asked = kernel && (r->kernel_accepted || kernel_has_log(kernel));
    kernel_close(kernel);
}

// PREVAIL is a process: its time is that of the process without what listing the object's programs takes.
static void measure_prevail(bench *b, const verify_subject *subject, row *r)
{
    const char *const list[] = {b->prevail, b->path, "-l", NULL};
    const char *const check[] = {b->prevail, b->path, subject->section, subject->program, "-q", NULL};
    uint64_t time;
    for (unsigned i = 0; !b->prevail_start_ns || (i > 0 && i < b->rounds); i++) {
        (void)process_run(list, PREVAIL_TIMEOUT_S, &time);
        if (!b->prevail_start_ns || time < b->prevail_start_ns) b->prevail_start_ns = time;
    }
    for (unsigned i = 0; i < b->rounds; i++) {
        int code = process_run(check, PREVAIL_TIMEOUT_S, &time);
        r->prevail_asked = true;
        r->prevail_accepted = code == 0;
        time = time > b->prevail_start_ns ? time - b->prevail_start_ns : 1;
        if (!r->prevail_ns || time < r->prevail_ns) r->prevail_ns = time;
        if (code < 0 || time > ROUND_NS) break;
    }
}

static char *name_of(const bench *b, const verify_subject *subject)
{
    const char *slash = strrchr(b->path, '/'), *file = slash ? slash + 1 : b->path, *text = subject->program;
    if (subject->id) text = subject->id->text;
    size_t size = strlen(file) + strlen(text) + 2;
    char *name = must(malloc(size));
    snprintf(name, size, "%s%s%s", subject->id ? "" : file, subject->id ? "" : ":", text);
    return name;
}

static void measure(void *user, const verify_subject *subject, const verify_answer *answer)
{
    bench *b = user;
    const pst_verdict *verdict = verify_verdict(answer);
    if (b->count == b->capacity) {
        b->capacity = b->capacity ? b->capacity * 2 : 64;
        b->rows = must(realloc(b->rows, b->capacity * sizeof *b->rows));
    }
    row *r = &b->rows[b->count++];
    *r = (row){.name = name_of(b, subject), .slots = subject->count, .steps = verdict->steps, .peak_bytes = verdict->peak_bytes, .states = verdict->states};
    r->accepted = verdict->kind == PST_VERDICT_ACCEPT;
    r->unsupported = verdict->kind == PST_VERDICT_UNSUPPORTED;
    measure_both(b, subject, r);
    if (r->accepted) measure_certificate(b, subject, r);
    if (b->prevail && subject->program) measure_prevail(b, subject, r);
}

// --- Files -------------------------------------------------------------------------------------------------------------

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

static void measure_line(bench *b, const char *text, size_t size)
{
    pst_arena arena;
    verify_subject subject = {0};
    verify_answer answer = {0};
    pst_arena_init(&arena, cli_env(), 0);
    if (verify_line_read(&b->settings, &arena, text, size, &subject, &answer)) verify_prove(&b->settings, &subject, &answer);
    if (subject.slots) measure(b, &subject, &answer);
    verify_answer_free(&answer);
    verify_line_end(&subject);
    pst_arena_free(&arena);
}

static void measure_lines(bench *b)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t size;
    FILE *file = fopen(b->path, "r");
    if (!file) die("cannot open %s", b->path);
    while ((size = getline(&line, &capacity, file)) > 0) measure_line(b, line, (size_t)size);
    free(line);
    fclose(file);
}

static void measure_path(bench *b, const char *path);

static void measure_directory(bench *b, const char *path)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0) die("cannot read the directory %s", path);
    for (int i = 0; i < count; i++) {
        size_t size = strlen(path) + strlen(entries[i]->d_name) + 2;
        char *inner = must(malloc(size));
        struct stat info;
        snprintf(inner, size, "%s/%s", path, entries[i]->d_name);
        bool wanted = entries[i]->d_name[0] != '.' && stat(inner, &info) == 0 && (S_ISDIR(info.st_mode) || ends_with(inner, ".o"));
        if (wanted) measure_path(b, inner);
        free(inner);
        free(entries[i]);
    }
    free(entries);
}

static void measure_path(bench *b, const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0) die("there is no %s", path);
    b->path = path;
    b->prevail_start_ns = 0;
    if (S_ISDIR(info.st_mode)) measure_directory(b, path);
    else if (ends_with(path, ".jsonl")) measure_lines(b);
    else (void)verify_file(&b->settings, path, NULL); // what cannot be read has said so
}

// --- Figures -----------------------------------------------------------------------------------------------------------

typedef struct summary {
    size_t count;
    double geomean, median, p95, p99, max;
} summary;

static int by_double(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double rank(const double *values, size_t count, double share)
{
    size_t at = (size_t)(share * (double)count);
    return values[at < count ? at : count - 1];
}

static summary summarise(double *values, size_t count)
{
    summary s = {.count = count};
    double logs = 0;
    if (!count) return s;
    qsort(values, count, sizeof *values, by_double);
    for (size_t i = 0; i < count; i++) logs += log(values[i] > 0 ? values[i] : 1e-9);
    s.geomean = exp(logs / (double)count);
    s.median = rank(values, count, 0.5);
    s.p95 = rank(values, count, 0.95);
    s.p99 = rank(values, count, 0.99);
    s.max = values[count - 1];
    return s;
}

typedef enum figure { OURS_MS, OURS_BOTH_MS, KERNEL_MS, BY_KERNEL, PREVAIL_MS, BY_PREVAIL, PEAK_KIB, RECHECK_MS, BY_RECHECK, BY_RECHECK_SLOW, BYTES, BYTES_PER_BYTE, FIGURES } figure;

static const struct {
    const char *name, *text;
} g_figures[FIGURES] = {
    [OURS_MS] = {"ours_ms", "ours, ms: all programs"},
    [OURS_BOTH_MS] = {"ours_both_ms", "ours, ms: accepted by both"},
    [KERNEL_MS] = {"kernel_ms", "kernel, ms: accepted by both"},
    [BY_KERNEL] = {"ratio_kernel", "ours / kernel: accepted by both"},
    [PREVAIL_MS] = {"prevail_ms", "PREVAIL, ms: accepted by both"},
    [BY_PREVAIL] = {"ratio_prevail", "ours / PREVAIL: accepted by both"},
    [PEAK_KIB] = {"peak_kib", "peak memory, KiB: all programs"},
    [RECHECK_MS] = {"recheck_ms", "re-check, ms"},
    [BY_RECHECK] = {"recheck_share", "re-check / verification"},
    [BY_RECHECK_SLOW] = {"recheck_share_slow", "the same: verification from 1 ms on"},
    [BYTES] = {"certificate_bytes", "certificate, bytes"},
    [BYTES_PER_BYTE] = {"certificate_share", "certificate / code"},
};

static bool figure_of(const row *r, figure f, double *out)
{
    bool both = r->accepted && r->kernel_asked && r->kernel_accepted && r->ours_ns, prevail = r->accepted && r->prevail_accepted && r->ours_ns;
    switch (f) {
    case OURS_MS: *out = (double)r->ours_ns / 1e6; return r->ours_ns > 0;
    case OURS_BOTH_MS: *out = (double)r->ours_ns / 1e6; return both;
    case KERNEL_MS: *out = (double)r->kernel_ns / 1e6; return both;
    case BY_KERNEL: *out = both ? (double)r->ours_ns / (double)r->kernel_ns : 0; return both;
    case PREVAIL_MS: *out = (double)r->prevail_ns / 1e6; return prevail;
    case BY_PREVAIL: *out = prevail ? (double)r->ours_ns / (double)r->prevail_ns : 0; return prevail;
    case PEAK_KIB: *out = (double)r->peak_bytes / 1024; return r->ours_ns > 0;
    case RECHECK_MS: *out = (double)r->recheck_ns / 1e6; return r->rechecked;
    case BY_RECHECK: *out = (double)r->recheck_ns / (double)r->ours_ns; return r->rechecked && r->ours_ns;
    case BY_RECHECK_SLOW: *out = (double)r->recheck_ns / (double)r->ours_ns; return r->rechecked && r->ours_ns >= EXPENSIVE_NS;
    case BYTES: *out = r->certificate_size; return r->certificate_size > 0;
    case BYTES_PER_BYTE: *out = r->certificate_size / (8.0 * r->slots); return r->certificate_size > 0;
    case FIGURES: break;
    }
    return false;
}

static summary figure_summary(const bench *b, figure f)
{
    double *values = must(malloc((b->count + 1) * sizeof *values));
    size_t count = 0;
    for (size_t i = 0; i < b->count; i++) count += figure_of(&b->rows[i], f, &values[count]);
    summary s = summarise(values, count);
    free(values);
    return s;
}

typedef struct counts {
    size_t asked, both, only_ours, only_kernel, neither, ours, unsupported, prevail_asked, prevail;
    size_t certified, rechecked;
    double steps_per_s;
} counts;

static counts count_rows(const bench *b)
{
    counts c = {0};
    double steps = 0, ns = 0;
    for (size_t i = 0; i < b->count; i++) {
        const row *r = &b->rows[i];
        c.ours += r->accepted;
        c.unsupported += r->unsupported;
        c.prevail_asked += r->prevail_asked;
        c.prevail += r->prevail_accepted;
        c.certified += r->certificate_size > 0;
        c.rechecked += r->rechecked;
        steps += (double)r->steps;
        ns += (double)r->ours_ns;
        if (!r->kernel_asked) continue;
        c.asked++;
        c.both += r->accepted && r->kernel_accepted;
        c.only_ours += r->accepted && !r->kernel_accepted;
        c.only_kernel += !r->accepted && r->kernel_accepted;
        c.neither += !r->accepted && !r->kernel_accepted;
    }
    c.steps_per_s = ns > 0 ? steps / ns * 1e9 : 0;
    return c;
}

// --- Output ------------------------------------------------------------------------------------------------------------

static int slower_first(const void *a, const void *b)
{
    return by_value(&((const row *)b)->ours_ns, &((const row *)a)->ours_ns);
}

static void print_text(const bench *b)
{
    counts c = count_rows(b);
    printf("programs %zu: accepted %zu, unsupported %zu\n", b->count, c.ours, c.unsupported);
    if (b->kernel)
        printf("the kernel's verifier was asked for %zu: accepted by both %zu, only by us %zu, only by the kernel %zu, by neither %zu\n"
               "a load includes the kernel's JIT (net.core.bpf_jit_enable is %d) and freeing the program's copy\n",
               c.asked, c.both, c.only_ours, c.only_kernel, c.neither, kernel_jit());
    else
        puts("the kernel is left out: bpf(2) is not available (it needs root)");
    if (b->prevail) printf("PREVAIL was asked for %zu and accepts %zu\n", c.prevail_asked, c.prevail);
    printf("certificates %zu, accepted by them %zu\n", c.certified, c.rechecked);
    printf("\n%-34s %7s %10s %10s %10s %10s %10s\n", "", "count", "geo. mean", "median", "p95", "p99", "max");
    for (figure f = 0; f < FIGURES; f++) {
        summary s = figure_summary(b, f);
        if (s.count) printf("%-34s %7zu %10.4g %10.4g %10.4g %10.4g %10.4g\n", g_figures[f].text, s.count, s.geomean, s.median, s.p95, s.p99, s.max);
    }
    printf("instructions walked a second: %.3g million\n\nslowest\n%10s %10s %10s %10s %9s %9s %9s %9s %9s\n", c.steps_per_s / 1e6, "ours ms", "kernel ms",
           "re-check", "certify", "steps", "again", "bytes", "peak KiB", "slots");
    for (size_t i = 0; i < b->count && i < SLOWEST; i++) {
        const row *r = &b->rows[i];
        printf("%10.3f %10.3f %10.3f %10.3f %9llu %9llu %9u %9llu %9u  %s%s\n", (double)r->ours_ns / 1e6, r->kernel_asked ? (double)r->kernel_ns / 1e6 : 0,
               (double)r->recheck_ns / 1e6, (double)r->certify_ns / 1e6, (unsigned long long)r->steps, (unsigned long long)r->recheck_steps,
               r->certificate_size, (unsigned long long)r->peak_bytes / 1024, r->slots, r->name, r->accepted ? "" : " (not accepted)");
    }
}

static void member(pst_json *json, const char *key, uint64_t value)
{
    pst_json_key(json, key);
    pst_json_u64(json, value);
}

static void real(pst_json *json, const char *key, double value)
{
    char text[40];
    snprintf(text, sizeof text, "%.6g", value);
    pst_json_key(json, key);
    pst_json_number(json, text);
}

static void truth(pst_json *json, const char *key, bool known, bool value)
{
    pst_json_key(json, key);
    if (known) pst_json_bool(json, value);
    else pst_json_null(json);
}

static void json_summary(pst_json *json, const bench *b)
{
    counts c = count_rows(b);
    member(json, "programs", b->count);
    member(json, "accepted", c.ours);
    member(json, "unsupported", c.unsupported);
    member(json, "kernel_asked", c.asked);
    member(json, "both", c.both);
    member(json, "only_ours", c.only_ours);
    member(json, "only_kernel", c.only_kernel);
    member(json, "prevail_asked", c.prevail_asked);
    member(json, "prevail_accepted", c.prevail);
    member(json, "certified", c.certified);
    member(json, "rechecked", c.rechecked);
    real(json, "steps_per_s", c.steps_per_s);
    for (figure f = 0; f < FIGURES; f++) {
        summary s = figure_summary(b, f);
        if (!s.count) continue;
        pst_json_key(json, g_figures[f].name);
        pst_json_object_begin(json);
        member(json, "count", s.count);
        real(json, "geomean", s.geomean);
        real(json, "median", s.median);
        real(json, "p95", s.p95);
        real(json, "p99", s.p99);
        real(json, "max", s.max);
        pst_json_object_end(json);
    }
}

static void json_row(pst_json *json, const row *r)
{
    pst_json_object_begin(json);
    pst_json_key(json, "name");
    pst_json_string(json, r->name);
    member(json, "slots", r->slots);
    truth(json, "accepted", true, r->accepted);
    truth(json, "kernel_accepted", r->kernel_asked, r->kernel_accepted);
    truth(json, "prevail_accepted", r->prevail_asked, r->prevail_accepted);
    member(json, "ours_ns", r->ours_ns);
    member(json, "kernel_ns", r->kernel_ns);
    member(json, "prevail_ns", r->prevail_ns);
    member(json, "steps", r->steps);
    member(json, "peak_bytes", r->peak_bytes);
    member(json, "states", r->states);
    truth(json, "rechecked", r->certificate_size > 0, r->rechecked);
    member(json, "certificate_bytes", r->certificate_size);
    member(json, "certify_ns", r->certify_ns);
    member(json, "recheck_ns", r->recheck_ns);
    member(json, "recheck_steps", r->recheck_steps);
    member(json, "recheck_states", r->recheck_states);
    pst_json_object_end(json);
}

static void print_json(const bench *b)
{
    pst_text text;
    pst_json json;
    pst_text_init(&text, cli_env());
    pst_json_init(&json, &text, false);
    pst_json_object_begin(&json);
    pst_json_key(&json, "jit");
    pst_json_i64(&json, kernel_jit());
    json_summary(&json, b);
    pst_json_key(&json, "rows");
    pst_json_array_begin(&json);
    for (size_t i = 0; i < b->count; i++) json_row(&json, &b->rows[i]);
    pst_json_array_end(&json);
    pst_json_object_end(&json);
    if (text.failed) die("no memory");
    cli_emit(&text);
}

// --- The program ---------------------------------------------------------------------------------------------------------

static unsigned small_number(const char *option, const char *text)
{
    char *end;
    unsigned long number = text ? strtoul(text, &end, 10) : 0;
    if (number < 1 || number > RUNS_MAX || *end) die("%s: a number from 1 to %u is expected", option, RUNS_MAX);
    return (unsigned)number;
}

static int read_options(bench *b, int argc, char **argv)
{
    int at = 1;
    for (; at < argc && argv[at][0] == '-'; at++) {
        if (strcmp(argv[at], "-j") == 0) b->json = true;
        else if (strcmp(argv[at], "--no-kernel") == 0) b->kernel = false;
        else if (strcmp(argv[at], "--runs") == 0 && at + 1 < argc) b->runs = small_number("--runs", argv[++at]);
        else if (strcmp(argv[at], "--rounds") == 0 && at + 1 < argc) b->rounds = small_number("--rounds", argv[++at]);
        else die("usage: verify_bench [--runs N] [--rounds N] [--no-kernel] [-j] [FILE.o|FILE.jsonl|DIR...]");
    }
    return at;
}

int main(int argc, char **argv)
{
    static cli_args args;
    static bench b = {.runs = 5, .rounds = 3, .kernel = true};
    const char *objects = getenv("POSTERN_BENCH_OBJECTS");
    b.prevail = getenv("POSTERN_BENCH_PREVAIL");
    b.settings = (verify_settings){.args = &args, .opts = {.size = sizeof b.settings.opts}, .visit = measure, .visit_user = &b};
    int at = read_options(&b, argc, argv);
    b.kernel = b.kernel && kernel_available();
    cli_route_messages(false);
    for (int i = at; i < argc; i++) measure_path(&b, argv[i]);
    if (at == argc) measure_path(&b, objects && *objects ? objects : VERIFY_BENCH_SAMPLES);
    if (b.count) qsort(b.rows, b.count, sizeof *b.rows, slower_first);
    if (b.json) print_json(&b);
    else print_text(&b);
    for (size_t i = 0; i < b.count; i++) free(b.rows[i].name);
    free(b.rows);
    pst_btf_free(b.settings.host_btf);
    return b.count ? 0 : 1;
}
