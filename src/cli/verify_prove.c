// verify_prove.c: from a subject to an answer: build the image, ask the verifier, count.
//
// Every subject gets an answer. What the verifier itself could not answer (no memory) is a rejection: safe is only what was proved.
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/format.h"
#include "cli/verify_path.h"
#include "object/core_relo.h"
#include "pal/pal.h"

// --- Answers ---------------------------------------------------------------------------------------------------------

void verify_answer_own(verify_answer *answer, pst_verdict_kind kind, pst_finding_kind finding, uint32_t pc, const char *fmt, ...)
{
    va_list args;
    answer->own = (pst_verdict){.kind = kind};
    answer->own.finding = (pst_finding){.kind = finding, .pc = pc, .reg = -1, .lost_pc = UINT32_MAX};
    va_start(args, fmt);
    (void)pst_format_v(answer->own.finding.text, sizeof answer->own.finding.text, fmt, args);
    va_end(args);
}

void verify_answer_free(verify_answer *answer)
{
    pst_verdict_free(answer->proved);
    pst_image_free(answer->image);
    *answer = (verify_answer){0};
}

void verify_count(verify_settings *settings, const verify_answer *answer)
{
    if (answer->bad_input) {
        settings->unreadable++;
        return;
    }
    switch (verify_verdict(answer)->kind) {
    case PST_VERDICT_ACCEPT: settings->accepted++; return;
    case PST_VERDICT_REJECT: settings->rejected++; return;
    case PST_VERDICT_UNSUPPORTED: settings->unsupported++; return;
    }
}

cli_exit verify_exit_code(const verify_settings *settings)
{
    verify_exit code = VERIFY_ALL_ACCEPTED;
    if (settings->unreadable) code = VERIFY_UNREADABLE;
    else if (settings->rejected) code = VERIFY_SOME_REJECTED;
    else if (settings->unsupported) code = VERIFY_SOME_UNSUPPORTED;
    return (cli_exit)code;
}

// --- What the verifier asks ------------------------------------------------------------------------------------------

bool verify_license_is_gpl(const char *license)
{
    static const char *const gpl[] = {"GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"};
    for (size_t i = 0; i < PST_COUNT(gpl); i++)
        if (strcmp(license, gpl[i]) == 0) return true;
    return false;
}

static int by_pc(const void *a, const void *b)
{
    uint32_t x = ((const verify_kfunc *)a)->pc, y = ((const verify_kfunc *)b)->pc;
    return x < y ? -1 : x > y;
}

const char *verify_kfunc_name(const verify_subject *subject, uint32_t pc)
{
    verify_kfunc wanted = {.pc = pc};
    const verify_kfunc *found = subject->kfunc_count
                                    ? bsearch(&wanted, subject->kfuncs, subject->kfunc_count, sizeof wanted, by_pc)
                                    : NULL;
    return found ? found->name : NULL;
}

static const char *kfunc_name(void *user, uint32_t pc, const pst_insn *insn)
{
    return verify_kfunc_name(user, pc);
}

static pst_map_view *find_map(void *user, pst_imm64_op op, int32_t number)
{
    const verify_subject *subject = user;
    return number >= 0 && (uint32_t)number < subject->map_count ? &subject->maps[number]->view : NULL;
}

static bool proto_names_types(const pst_helper_proto *proto)
{
    bool names = proto->btf_ret || proto->ret == PST_RET_KERN_CTX || proto->ret == PST_RET_RDONLY_CAST || proto->ret == PST_RET_MEM_OR_BTF_ID;
    for (int i = 0; i < PST_ARGS_MAX; i++) names |= proto->btf_args[i] != NULL || proto->args[i] == PST_ARG_PERCPU_BTF_ID;
    return names;
}

// The host's types take a while to read, and most programs never look at one.
static bool needs_host_types(const pst_image *image, const pst_prog_type *type)
{
    if (type->tracing) return true;
    for (uint32_t pc = 0; pc < image->count; pc++) {
        const pst_insn *insn = &image->insns[pc];
        if (insn->kind == PST_KIND_IMM64 && insn->op == PST_IMM64_BTF_ID) return true;
        if (insn->kind != PST_KIND_CALL || insn->op == PST_CALL_SUBPROG) continue;
        const pst_helper_proto *proto = insn->op == PST_CALL_HELPER ? pst_prog_type_helper(type, (int32_t)insn->imm) : NULL;
        if (insn->op == PST_CALL_KFUNC || (proto && proto_names_types(proto))) return true;
    }
    return false;
}

// A file of the host that may be absent: no sentence then, and no types.
const pst_btf *verify_host_types(verify_settings *settings)
{
    if (settings->host_tried) return settings->host_btf;
    settings->host_tried = true;
    const char *path = settings->btf_path ? settings->btf_path : "/sys/kernel/btf/vmlinux";
    static pst_env quiet; // the types keep it
    uint8_t *bytes;
    size_t size;
    quiet = *cli_env();
    quiet.log = NULL;
    if (pst_pal_file_read(&quiet, path, PST_BTF_BYTES_MAX, &bytes, &size) != PST_OK) return NULL;
    if (pst_btf_parse_file(&quiet, NULL, bytes, size, path, &settings->host_btf) != PST_OK) settings->host_btf = NULL;
    pst_free(&quiet, bytes, size + 1);
    return settings->host_btf;
}

// --- Proving -----------------------------------------------------------------------------------------------------------

static bool build_image(const verify_subject *subject, verify_answer *answer)
{
    pst_image_error error;
    uint32_t *starts = pst_alloc(cli_env(), (subject->func_count + 1) * sizeof *starts);
    for (uint32_t i = 0; starts && i < subject->func_count; i++) starts[i] = subject->funcs[i].pc;
    pst_image_input input = {
        .size = sizeof input,
        .name = subject->program,
        .prog_type = subject->prog_type,
        .attach_type = subject->attach_type,
        .sleepable = subject->sleepable,
        .gpl_compatible = subject->gpl_compatible,
        .slots = subject->slots,
        .count = subject->count,
        .find_map = find_map,
        .user = (void *)(uintptr_t)subject,
        .lines = subject->lines,
        .line_count = subject->line_count,
        .starts = starts,
        .start_count = starts ? subject->func_count : 0,
    };
    pst_status status = starts ? pst_image_build(cli_env(), &input, &error, &answer->image) : PST_E_NOMEM;
    pst_free(cli_env(), starts, (subject->func_count + 1) * sizeof *starts);
    if (status == PST_OK) return true;
    if (status == PST_E_FORMAT)
        verify_answer_own(answer, PST_VERDICT_REJECT, PST_FINDING_STRUCTURE, error.pc, "%s", error.text);
    else
        verify_answer_own(answer, PST_VERDICT_REJECT, PST_FINDING_COMPLEXITY, 0, "no answer was reached: %s", pst_status_text(status));
    return false;
}

static const pst_prog_type *find_type(const verify_subject *subject, verify_answer *answer)
{
    const pst_prog_type *type = pst_prog_type_by_number(subject->prog_type);
    if (type) return type;
    const char *name = subject->type_name ? subject->type_name : pst_prog_type_name(subject->prog_type);
    if (*name)
        verify_answer_own(answer, PST_VERDICT_UNSUPPORTED, PST_FINDING_UNSUPPORTED, 0, "program type %s is not described", name);
    else
        verify_answer_own(answer, PST_VERDICT_UNSUPPORTED, PST_FINDING_UNSUPPORTED, 0, "program type %u is not described", subject->prog_type);
    return NULL;
}

// Memory that programs and user space share by address: nothing here describes it.
static bool uses_arena(const verify_subject *subject, verify_answer *answer)
{
    for (uint32_t pc = 0; pc < subject->count; pc += subject->slots[pc].opcode == 0x18 ? 2 : 1) {
        const pst_slot *slot = &subject->slots[pc];
        uint8_t src = slot->regs >> 4;
        if (slot->opcode != 0x18 || (src != 1 && src != 2 && src != 5 && src != 6)) continue;
        if ((uint32_t)slot->imm >= subject->map_count || subject->maps[slot->imm]->view.type != PST_MAP_ARENA) continue;
        verify_answer_own(answer, PST_VERDICT_UNSUPPORTED, PST_FINDING_UNSUPPORTED, pc, "map type arena is not described");
        return true;
    }
    return false;
}

// Loaders put calls of helpers that do not exist where the host lacks what the program asks for; libbpf's numbers.
#define POISON_KFUNC 2002000000
#define POISON_KFUNC_END (POISON_KFUNC + 65536)

// Reached, such a call says more about the host than about a helper.
static void explain_poison(const verify_subject *subject, verify_answer *answer)
{
    const pst_finding *f = &answer->proved->finding;
    if (answer->proved->kind == PST_VERDICT_ACCEPT || f->pc >= subject->count) return;
    const pst_slot *slot = &subject->slots[f->pc];
    bool call = slot->opcode == 0x85 && slot->regs >> 4 == 0, core = call && slot->imm == PST_CORE_POISON;
    bool kfunc = call && slot->imm >= POISON_KFUNC && slot->imm < POISON_KFUNC_END;
    if (!core && !kfunc) return;
    uint32_t pc = f->pc;
    pst_verdict_free(answer->proved);
    answer->proved = NULL;
    verify_answer_own(answer, PST_VERDICT_REJECT, PST_FINDING_BTF, pc, core
                          ? "a CO-RE relocation found nothing on the host, and the instruction that needs it can be reached"
                          : "a weak kernel function is not on the host, and the call of it can be reached");
    (void)pst_format(answer->own.finding.hint, sizeof answer->own.finding.hint, core
                         ? "guard the access with bpf_core_field_exists() or bpf_core_type_exists()"
                         : "guard the call with bpf_ksym_exists()");
}

void verify_prove(verify_settings *settings, const verify_subject *subject, verify_answer *answer)
{
    *answer = (verify_answer){0};
    const pst_prog_type *type = find_type(subject, answer);
    if (!type || uses_arena(subject, answer) || !build_image(subject, answer)) return;
    pst_verify_opts opts = settings->opts;
    opts.mode = subject->mode;
    opts.flags = subject->flags;
    pst_verify_input input = {
        .size = sizeof input,
        .image = answer->image,
        .type = type,
        .btf = subject->btf,
        .func_info = subject->funcs,
        .func_info_count = subject->func_count,
        .host_btf = needs_host_types(answer->image, type) ? verify_host_types(settings) : NULL,
        .kfunc_name = kfunc_name,
        .user = (void *)(uintptr_t)subject,
    };
    const verify_data *certificate = subject->certificate;
    pst_status status = certificate ? pst_recheck(cli_env(), &input, &opts, certificate->bytes, certificate->size, &answer->proved)
                                    : pst_verify(cli_env(), &input, &opts, &answer->proved);
    if (certificate) answer->rechecked_bytes = certificate->size;
    if (status == PST_OK) {
        explain_poison(subject, answer);
        return;
    }
    answer->proved = NULL;
    verify_answer_own(answer, PST_VERDICT_REJECT, PST_FINDING_COMPLEXITY, 0, "no answer was reached: %s", pst_status_text(status));
}

// --- Instructions and places -----------------------------------------------------------------------------------------

const char *verify_trimmed(const char *text)
{
    while (*text == ' ' || *text == '\t') text++;
    return text;
}

bool verify_place(const pst_image *image, uint32_t pc, char *out, size_t capacity)
{
    const pst_line *line = verify_line_at(image, pc);
    if (!line) return false;
    const char *slash = strrchr(line->file, '/');
    (void)pst_format(out, capacity, "%s:%u", slash ? slash + 1 : line->file, line->line);
    return true;
}

typedef struct disasm_user {
    const verify_subject *subject;
    uint32_t pc;
} disasm_user;

static const char *helper_text(void *user, int32_t id)
{
    const pst_helper_proto *proto = pst_helper_proto_by_id(id);
    return proto ? proto->name : NULL;
}

static const char *kfunc_text(void *user, int32_t btf_id, int16_t off)
{
    const disasm_user *u = user;
    return verify_kfunc_name(u->subject, u->pc);
}

static const char *map_text(void *user, size_t pc, const pst_insn *insn)
{
    const disasm_user *u = user;
    uint32_t index = (uint32_t)u->subject->slots[pc].imm; // the image's numbers are its own
    return index < u->subject->map_count ? u->subject->maps[index]->name : NULL;
}

static const char *subprog_text(void *user, size_t pc)
{
    const disasm_user *u = user;
    const verify_subject *s = u->subject;
    for (uint32_t i = 0; s->btf && i < s->func_count; i++)
        if (s->funcs[i].pc == pc) return pst_btf_get(s->btf, s->funcs[i].type_id).name;
    return NULL;
}

void verify_disassemble(const verify_subject *subject, uint32_t pc, pst_text *out)
{
    disasm_user user = {subject, pc};
    pst_disasm_names names = {.user = &user, .helper = helper_text, .kfunc = kfunc_text, .map = map_text, .subprog = subprog_text};
    pst_insn insn;
    pst_decode_result result = pst_insn_decode(&subject->slots[pc], subject->count - pc, &insn);
    if (result == PST_DECODE_OK)
        pst_disasm_insn(out, &insn, pc, &names);
    else
        pst_text_format(out, "(opcode 0x%02x: %s)", subject->slots[pc].opcode, pst_decode_text(result));
}
