// prog_verify.c: the proof of a program, before the core makes it executable.
//
// Called by prog_load.c only. What was proved stays with the program as facts; why a program was refused goes to the client as one
// sentence and, with more, to the log buffer.
#include "core/internal.h"

#include "base/bits.h"
#include "base/text.h"

static int error_of(const pst_finding *finding)
{
    switch (finding->kind) {
    case PST_FINDING_STRUCTURE:
    case PST_FINDING_UNREACHABLE:
    case PST_FINDING_RECURSION:
    case PST_FINDING_INSTRUCTION:
    case PST_FINDING_BTF: return PST_EINVAL;
    case PST_FINDING_COMPLEXITY: return PST_E2BIG;
    case PST_FINDING_UNSUPPORTED: return PST_EOPNOTSUPP;
    default: return PST_EACCES;
    }
}

// Linux's sentence of a success, and what a person needs after a refusal (log_finish of prog_load.c adds the refusal itself).
static void write_log(pst_text *log, const core_prog *prog, const pst_verdict *verdict)
{
    const pst_finding *f = &verdict->finding;
    if (verdict->kind == PST_VERDICT_ACCEPT) {
        pst_text_format(log, "processed %llu insns (limit 1000000) total_states %u\n", (unsigned long long)verdict->steps, verdict->states);
        return;
    }
    const pst_line *line = pst_image_line_at(prog->image, f->pc);
    if (line) pst_text_format(log, "; %s @ %s:%u\n", line->text, line->file, line->line);
    if (f->pc < prog->image->count) {
        pst_text_format(log, "%u: ", f->pc);
        pst_disasm_insn(log, &prog->image->insns[f->pc], f->pc, NULL);
        pst_text_add(log, "\n");
    }
    if (*f->needed) pst_text_format(log, "needed: %s\n", f->needed);
    if (*f->known) pst_text_format(log, "known: %s\n", f->known);
    if (*f->lost) pst_text_format(log, "lost: %s\n", f->lost);
    if (*f->hint) pst_text_format(log, "hint: %s\n", f->hint);
}

static int64_t refuse(core_call *call, const core_prog *prog, const pst_verdict *verdict)
{
    const pst_finding *f = &verdict->finding;
    const pst_line *line = pst_image_line_at(prog->image, f->pc);
    if (line)
        return core_refuse(call, error_of(f), "program \"%s\" is not proved safe: %s:%u, instruction %u: %s", prog->object.name, line->file,
                           line->line, f->pc, f->text);
    return core_refuse(call, error_of(f), "program \"%s\" is not proved safe: instruction %u: %s", prog->object.name, f->pc, f->text);
}

static pst_func_info *take_func_info(const core_prog *prog, const pst_env *env)
{
    if (!prog->func_info_count) return NULL;
    pst_func_info *rows = pst_alloc(env, prog->func_info_count * sizeof *rows);
    for (uint32_t i = 0; rows && i < prog->func_info_count; i++) {
        const uint8_t *at = prog->func_info + i * sizeof(pst_bpf_func_info);
        rows[i] = (pst_func_info){.pc = pst_load32(at), .type_id = pst_load32(at + 4)};
    }
    return rows;
}

static const char *kfunc_name(void *user, uint32_t pc, const pst_insn *insn)
{
    const pst_helper *kfunc = insn->off == 0 ? core_kfunc_find(user, (int32_t)insn->imm) : NULL;
    return kfunc ? kfunc->proto->name : NULL;
}

int64_t core_prog_verify(core_call *call, core_prog *prog, pst_text *log)
{
    const pst_env *env = &call->core->env;
    pst_func_info *rows = take_func_info(prog, env);
    if (prog->func_info_count && !rows) return core_refuse(call, PST_ENOMEM, "no memory for func_info");
    pst_verify_input input = {
        .size = sizeof input,
        .image = prog->image,
        .type = prog->provider->type,
        .btf = prog->btf ? prog->btf->types : NULL,
        .func_info = rows,
        .func_info_count = prog->func_info_count,
        .kfunc_name = kfunc_name,
        .user = call->core,
    };
    pst_verify_opts opts = {.size = sizeof opts, .mode = prog->strict ? PST_VERIFY_STRICT : PST_VERIFY_PRIVILEGED,
                            .meter_loops = call->core->options.meter};
    if (call->attr->prog_flags & PST_F_STRICT_ALIGNMENT) opts.flags |= PST_VERIFY_STRICT_ALIGNMENT;
    if (call->attr->prog_flags & PST_F_ANY_ALIGNMENT) opts.flags |= PST_VERIFY_ANY_ALIGNMENT;
    pst_status status = pst_verify(env, &input, &opts, &prog->verdict);
    pst_free(env, rows, prog->func_info_count * sizeof *rows);
    if (status != PST_OK) return core_refuse(call, core_errno_of_status(status), "program \"%s\": %s", prog->object.name, pst_status_text(status));
    if (call->attr->log_level) write_log(log, prog, prog->verdict);
    return prog->verdict->kind == PST_VERDICT_ACCEPT ? 0 : refuse(call, prog, prog->verdict);
}
