// case_runner.c: verifies every case of the files it was built with, and compares the verdict with what the case expects.
//
// verify_cases [-v] [WORD...]: only cases in whose file, title or origin a WORD occurs; -v prints each verdict. Before that it checks itself: cases whose
// expectation is wrong must fail. The museum's entries are counted.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "case_file.h"
#include "pal/pal.h"

#define MUSEUM_LEAST 60u // entries of different origin
#define ORIGINS_MAX 512u
#define FILE_MAX ((size_t)4 << 20)

#define DAMAGED_MAX (PST_TESTS_SLOW ? 3u : 24u) // bytes of a certificate that are damaged in turn

typedef struct outcome {
    char text[1024]; // "": as expected
    pst_verdict *verdict;
    uint64_t kinds_seen; // by pst_finding_kind: findings with a hint about its damaged certificate
} outcome;

typedef struct tally {
    unsigned passed, failed;
    bool loud;
    bool kinds[PST_FINDING_UNSUPPORTED + 1]; // seen with what is needed, known, or a hint
    unsigned origins;
    char origin[ORIGINS_MAX][160];
} tally;

static pst_map_view *find_map(void *user, pst_imm64_op op, int32_t number)
{
    verify_case *c = user;
    (void)op;
    return number >= 3 && number < 3 + (int32_t)c->map_count ? &c->maps[number - 3].view : NULL;
}

static const char *kfunc_name(void *user, uint32_t pc, const pst_insn *insn)
{
    (void)user, (void)pc;
    return case_kfunc_name((int32_t)insn->imm);
}

// The slot of a label: where a jump to it leads that is appended to the code. Or of "insn N". -1: there is none.
static long label_pc(const verify_case *c, const char *label)
{
    static char text[CASE_CODE_MAX + 64];
    pst_slot *slots = NULL;
    size_t count = 0;
    pst_asm_error why = {0};
    long pc = -1;
    if (strncmp(label, "insn ", 5) == 0) return strtol(label + 5, NULL, 10);
    (void)snprintf(text, sizeof text, "%.*s\ngotol %.40s\n", (int)CASE_CODE_MAX, c->code, label);
    if (pst_assemble(pst_pal_env(), text, &slots, &count, &why) == PST_OK) pc = (long)count + slots[count - 1].imm;
    pst_free(pst_pal_env(), slots, count * sizeof *slots);
    return pc;
}

// --- One case -------------------------------------------------------------------------------------------------

// What is accepted is proved by its certificate too, and a certificate that is damaged is refused with a sentence, or proves it still.
static void check_certificate(const pst_verify_input *input, const pst_verify_opts *opts, outcome *out)
{
    static uint8_t damaged[65536];
    const pst_verdict *proved = out->verdict;
    pst_verdict *again = NULL;
    if (!proved->certificate || proved->certificate_size > sizeof damaged) {
        (void)snprintf(out->text, sizeof out->text, "there is no certificate, or it is too large");
        return;
    }
    pst_status status = pst_recheck(pst_pal_env(), input, opts, proved->certificate, proved->certificate_size, &again);
    if (status != PST_OK || again->kind != PST_VERDICT_ACCEPT)
        (void)snprintf(out->text, sizeof out->text, "its certificate does not prove it: %s at %u: %s", pst_status_text(status), again ? again->finding.pc : 0,
                       again ? again->finding.text : "");
    else if (again->stack_bytes != proved->stack_bytes)
        (void)snprintf(out->text, sizeof out->text, "the re-check says that %u bytes of stack are used, not %u", again->stack_bytes, proved->stack_bytes);
    pst_verdict_free(again);
    for (size_t at = 0; at < proved->certificate_size && at < DAMAGED_MAX && !out->text[0]; at++) {
        memcpy(damaged, proved->certificate, proved->certificate_size);
        damaged[at] ^= (uint8_t)(1u << at % 8);
        status = pst_recheck(pst_pal_env(), input, opts, damaged, proved->certificate_size, &again);
        if (status != PST_OK || (again->kind != PST_VERDICT_ACCEPT && !again->finding.text[0]))
            (void)snprintf(out->text, sizeof out->text, "with byte %u damaged: %s, and no sentence", (unsigned)at, pst_status_text(status));
        else if (again->finding.hint[0]) out->kinds_seen |= (uint64_t)1 << again->finding.kind;
        pst_verdict_free(again);
    }
}

static pst_status verify_image(verify_case *c, const pst_slot *slots, size_t count, uint32_t paths_max, outcome *out)
{
    const pst_prog_type *type = pst_prog_type_by_name(c->type);
    pst_image_error error = {0};
    pst_image *image = NULL;
    pst_image_input input = {.size = sizeof input, .name = "case", .prog_type = type->number, .attach_type = c->attach, .sleepable = c->sleepable,
                             .gpl_compatible = !c->proprietary, .slots = slots, .count = (uint32_t)count, .find_map = find_map, .user = c};
    pst_status status = pst_image_build(pst_pal_env(), &input, &error, &image);
    if (status == PST_OK) {
        pst_verify_input verify = {.size = sizeof verify, .image = image, .type = type, .kfunc_name = kfunc_name};
        pst_verify_opts opts = {.size = sizeof opts, .mode = c->mode, .flags = c->flags, .keep_states = c->post_count > 0, .certificate = true, .steps_max = c->steps_max,
                                .bytes_max = (uint64_t)c->kib_max << 10, .stack_max = c->stack_max, .paths_max = paths_max, .meter_loops = c->meter};
        status = pst_verify(pst_pal_env(), &verify, &opts, &out->verdict);
        if (status == PST_OK && out->verdict->kind == PST_VERDICT_ACCEPT) check_certificate(&verify, &opts, out);
        pst_image_free(image);
    } else if (!c->accept && c->kind == PST_FINDING_STRUCTURE && status == PST_E_FORMAT) {
        return PST_OK; // refused before the verifier sees it
    }
    if (status != PST_OK) (void)snprintf(out->text, sizeof out->text, "%s %s", pst_status_text(status), error.text);
    return status;
}

static void check_verdict(const verify_case *c, outcome *out)
{
    const pst_finding *f = &out->verdict->finding;
    long pc = c->at[0] ? label_pc(c, c->at) : -1;
    const char *want = c->accept ? "accept" : pst_finding_kind_text(c->kind);
    if ((out->verdict->kind == PST_VERDICT_ACCEPT) != c->accept || f->kind != c->kind)
        (void)snprintf(out->text, sizeof out->text, "%s was expected, but: %s at %u: %s [needed: %s] [known: %s]", want, pst_finding_kind_text(f->kind), f->pc,
                       f->text, f->needed, f->known);
    else if (c->at[0] && (pc < 0 || (long)f->pc != pc))
        (void)snprintf(out->text, sizeof out->text, "the finding is at %u, not at \"%s\" (%ld): %s", f->pc, c->at, pc, f->text);
    for (uint32_t i = 0; i < c->says_count && !out->text[0]; i++)
        if (!strstr(f->text, c->says[i]) && !strstr(f->needed, c->says[i]) && !strstr(f->known, c->says[i]) && !strstr(f->hint, c->says[i]))
            (void)snprintf(out->text, sizeof out->text, "the finding does not say \"%s\": %s [needed: %s] [known: %s] [hint: %s]", c->says[i], f->text,
                           f->needed, f->known, f->hint);
}

// Whether the state's text has this item whole: "r0=[0, 5]" is not in "r0=[0, 55]".
static bool has_item(const char *text, const char *item)
{
    size_t length = strlen(item);
    for (const char *at = text; (at = strstr(at, item)) != NULL; at++)
        if ((at == text || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0')) return true;
    return false;
}

// "LABEL: r0=[0, 255]": in every state that is kept there.
static void check_post(const verify_case *c, const char *post, outcome *out)
{
    char label[32];
    const char *colon = strchr(post, ':');
    unsigned seen = 0;
    if (!colon || colon - post > 31) {
        (void)snprintf(out->text, sizeof out->text, "post is \"LABEL: what is known\"");
        return;
    }
    (void)snprintf(label, sizeof label, "%.*s", (int)(colon - post), post);
    const char *item = colon + 1 + strspn(colon + 1, " ");
    long pc = label_pc(c, label);
    for (uint32_t i = 0; i < out->verdict->explained_count && !out->text[0]; i++) {
        const pst_verdict_state *s = &out->verdict->explained[i];
        if ((long)s->pc != pc) continue;
        seen++;
        if (!has_item(s->text, item)) (void)snprintf(out->text, sizeof out->text, "at %s it is not known that %.160s: %.700s", label, item, s->text);
    }
    if (!seen) (void)snprintf(out->text, sizeof out->text, "no state is kept at \"%s\" (only where ways meet)", label);
}

// With all calls made by summary (src/verify/summary.h) the verdict is the same.
static void check_by_summary(verify_case *c, const pst_slot *slots, size_t count, outcome *out)
{
    outcome other = {.text = ""};
    if (verify_image(c, slots, count, 1, &other) == PST_OK && other.verdict) check_verdict(c, &other);
    if (other.text[0]) (void)snprintf(out->text, sizeof out->text, "by summary: %.*s", (int)sizeof out->text - 16, other.text);
    pst_verdict_free(other.verdict);
}

static outcome run_case(verify_case *c)
{
    outcome out = {.text = ""};
    pst_slot *slots = NULL;
    size_t count = 0;
    pst_asm_error why = {0};
    if (pst_assemble(pst_pal_env(), c->code, &slots, &count, &why) != PST_OK) {
        (void)snprintf(out.text, sizeof out.text, "line %u of the code: %s", why.line, why.text);
        return out;
    }
    if (verify_image(c, slots, count, 0, &out) == PST_OK && out.verdict) {
        check_verdict(c, &out);
        for (uint32_t i = 0; i < c->post_count && !out.text[0]; i++) check_post(c, c->post[i], &out);
    }
    if (!out.text[0] && out.verdict) check_by_summary(c, slots, count, &out);
    pst_free(pst_pal_env(), slots, count * sizeof *slots);
    return out;
}

// --- All of them ----------------------------------------------------------------------------------------------

static void note_origin(tally *t, const char *from)
{
    for (unsigned i = 0; i < t->origins; i++)
        if (strcmp(t->origin[i], from) == 0) return;
    if (t->origins < ORIGINS_MAX) (void)snprintf(t->origin[t->origins++], sizeof t->origin[0], "%s", from);
}

static void tell(const verify_case *c, const pst_verdict *v)
{
    const pst_finding *f = &v->finding;
    printf("%-11s %s: %s", v->kind == PST_VERDICT_ACCEPT ? "accept" : pst_finding_kind_text(f->kind), c->title, f->text);
    printf("%s%s%s%s%s%s\n", f->needed[0] ? " / needed: " : "", f->needed, f->known[0] ? " / known: " : "", f->known, f->hint[0] ? " / hint: " : "", f->hint);
    for (uint32_t i = 0; i < v->explained_count; i++) printf("    %u: %s\n", v->explained[i].pc, v->explained[i].text);
}

static void count_case(tally *t, verify_case *c, const char *file)
{
    outcome out = run_case(c);
    bool museum = strncmp(file, "museum", 6) == 0;
    if (out.verdict && t->loud) tell(c, out.verdict);
    if (out.verdict && (out.verdict->finding.needed[0] || out.verdict->finding.known[0] || out.verdict->finding.hint[0]))
        t->kinds[out.verdict->finding.kind] = true;
    if (out.kinds_seen >> PST_FINDING_CERTIFICATE & 1) t->kinds[PST_FINDING_CERTIFICATE] = true;
    pst_verdict_free(out.verdict);
    if (!out.text[0] && museum && (!c->from[0] || !c->why[0])) (void)snprintf(out.text, sizeof out.text, "an entry of the museum says from and why");
    if (museum) note_origin(t, c->from);
    if (out.text[0]) printf("%s:%u: %s: %s\n", file, c->line, c->title, out.text);
    t->failed += out.text[0] != '\0';
    t->passed += out.text[0] == '\0';
}

static bool wanted(const verify_case *c, const char *file, int argc, char **argv)
{
    bool any = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-v") == 0) continue;
        any = true;
        if (strstr(file, argv[i]) || strstr(c->title, argv[i]) || strstr(c->from, argv[i])) return true;
    }
    return !any;
}

static void run_text(tally *t, const char *file, const char *text, int argc, char **argv)
{
    static verify_case c;
    unsigned line = 1;
    char error[256];
    int found;
    while ((found = case_next(&text, &line, &c, error)) > 0)
        if (wanted(&c, file, argc, argv)) count_case(t, &c, file);
    if (found < 0) {
        printf("%s:%u: %s\n", file, line, error);
        t->failed++;
    }
}

static void run_file(tally *t, const char *path, int argc, char **argv)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    const char *slash = strrchr(path, '/');
    if (pst_pal_file_read(pst_pal_env(), path, FILE_MAX, &bytes, &size) != PST_OK) {
        printf("%s cannot be read\n", path);
        t->failed++;
        return;
    }
    run_text(t, slash ? slash + 1 : path, (const char *)bytes, argc, argv); // one NUL follows the bytes
    pst_free(pst_pal_env(), bytes, size + 1);
}

// PST_CASE_FILES: paths with '|' between them.
static void run_files(tally *t, int argc, char **argv)
{
    char path[1024];
    for (const char *at = PST_CASE_FILES; *at;) {
        size_t length = strcspn(at, "|");
        (void)snprintf(path, sizeof path, "%.*s", (int)length, at);
        run_file(t, path, argc, argv);
        at += length + (at[length] == '|');
    }
}

// --- The runner itself ----------------------------------------------------------------------------------------

// Each of these is wrong, and the runner has to see it.
static const char *const planted[] = {
    "case: unsafe, said to be safe\ncode:\n r0 = *(u8 *)(r10 + 0)\n exit\nexpect: accept\n",
    "case: safe, said to be unsafe\ncode:\n r0 = 0\n exit\nexpect: reject out-of-bounds\n",
    "case: another kind of finding\ncode:\n r0 = *(u8 *)(r10 + 0)\n exit\nexpect: reject uninitialised\n",
    "case: another place\ncode:\n r0 = 0\n bad: r0 = *(u8 *)(r10 + 0)\n out: exit\nexpect: reject out-of-bounds at out\n",
    "case: a label that is not there\ncode:\n bad: r0 = *(u8 *)(r10 + 0)\n exit\nexpect: reject out-of-bounds at good\n",
    "case: words that it does not say\ncode:\n bad: r0 = *(u8 *)(r10 + 0)\n exit\nexpect: reject out-of-bounds\nsays: gibberish\n",
    "case: less is known\ncode:\n call bpf_get_prandom_u32\n r0 &= 7\n if r0 == 9 goto out\n if r0 > 5 goto out\n out: exit\nexpect: accept\npost: out: r0=[0, 6]\n",
    "case: nothing is kept there\ncode:\n r0 = 0\n here: r0 += 1\n exit\nexpect: accept\npost: here: r0=0\n",
    "case: no program\ncode:\n r0 = = 0\n exit\nexpect: accept\n",
    "case: no expectation\ncode:\n r0 = 0\n exit\n",
    "case: no such key\ncolour: blue\ncode:\n r0 = 0\n exit\nexpect: accept\n",
    "case: no such helper\ncode:\n call bpf_no_such_helper\n exit\nexpect: accept\n",
    "case: no such map\ncode:\n r1 = map[nothing]\n r0 = 0\n exit\nexpect: accept\n",
    "case: no such kind\ncode:\n r0 = 0\n exit\nexpect: reject nonsense\n",
};

// And this is right.
static const char *const sound =
    "# a comment\n\ncase: all of the format\nfrom: nowhere\nwhy: because\n  of this\ntype: sched_cls\nmode: privileged\nflags: strict_alignment\n"
    "map: values array key 4 value 16 entries 1\nmap: locked hash key 8 value 16 lock 4\ncode:\n    call bpf_get_prandom_u32 # a comment\n    r0 &= 7\n"
    "    r1 = map[values][0]+0; r2 = map[locked]\n  head:\n    exit\nexpect: accept\n";

static unsigned check_itself(void)
{
    static tally quiet;
    unsigned wrong = 0;
    printf("The runner checks itself; the next %u complaints are planted:\n", (unsigned)PST_COUNT(planted));
    for (size_t i = 0; i < PST_COUNT(planted); i++) {
        unsigned failed = quiet.failed;
        run_text(&quiet, "planted", planted[i], 0, NULL);
        if (quiet.failed != failed + 1) {
            printf("WRONG: the runner accepted this: %s\n", planted[i]);
            wrong++;
        }
    }
    run_text(&quiet, "planted", sound, 0, NULL);
    if (quiet.passed != 1) {
        printf("WRONG: the runner refused a sound case\n");
        wrong++;
    }
    printf("The runner is %s.\n\n", wrong ? "BROKEN" : "fine");
    return wrong;
}

int main(int argc, char **argv)
{
    static tally all;
    bool filtered = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-v") == 0) all.loud = true;
        else filtered = true;
    }
    all.failed = check_itself();
    run_files(&all, argc, argv);
    if (!filtered && all.origins < MUSEUM_LEAST) {
        printf("The museum has %u entries, not %u.\n", all.origins, MUSEUM_LEAST);
        all.failed++;
    }
    for (int i = 1; i <= PST_FINDING_UNSUPPORTED && !filtered; i++) {
        if (all.kinds[i]) continue;
        printf("No case shows a finding \"%s\" that says what is needed or known, or has a hint.\n", pst_finding_kind_text((pst_finding_kind)i));
        all.failed++;
    }
    printf("%u entries in the museum; %u cases passed, %u failed\n", all.origins, all.passed, all.failed);
    return all.failed ? 1 : 0;
}
