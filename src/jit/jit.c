// jit.c: see jit.h. From an image to a program that can be entered.
#include "jit/back_end.h"
#include "jit/faults.h"
#include "jit/guess.h"
#include "jit/opt/opt.h"

#include <string.h>

bool pst_jit_supported(void) { return jit_back_end_of(pst_jit_target_of_host()) != NULL; }

void jit_program_free(pst_exec *exec)
{
    jit_program *prog = (jit_program *)(void *)exec;
    jit_faults_remove(prog);
    if (!prog->code_is_lent) pst_pal_code_free(&prog->code);
    pst_free(prog->env, prog->offsets, ((size_t)prog->piece_count + 1) * sizeof *prog->offsets);
    pst_free(prog->env, prog->slots, prog->piece_count * sizeof *prog->slots);
    pst_free(prog->env, prog->functions, exec->image->subprog_count * sizeof *prog->functions);
    pst_free(prog->env, prog, sizeof *prog);
}

pst_status jit_back_end_check(const jit_back_end *back_end, const jit_unit *unit)
{
    if (unit->has_metered && !back_end->meters)
        return pst_fail(unit->env, PST_E_UNSUPPORTED, "the compiler for this machine does not count the turns of loops without a bound yet");
    return PST_OK;
}

// Which slot of the loaded program each piece of code comes from.
static pst_status keep_slots(const jit_unit *unit, jit_program *prog)
{
    prog->piece_count = unit->image->count;
    if (!unit->origins) return PST_OK;
    prog->slots = pst_alloc(unit->env, prog->piece_count * sizeof *prog->slots);
    if (!prog->slots) return PST_E_NOMEM;
    memcpy(prog->slots, unit->origins, prog->piece_count * sizeof *prog->slots);
    return PST_OK;
}

pst_status jit_program_ready(jit_program *prog)
{
    uint64_t entry = (uint64_t)(uintptr_t)prog->code.bytes + prog->functions[0];
    if (prog->call_offset == UINT32_MAX) prog->exec.enter = (uint64_t (*)(const pst_exec *, pst_run *))(uintptr_t)entry;
    return jit_faults_add(prog);
}

static pst_status compile(const jit_unit *unit, const pst_jit_opts *opts, jit_program *prog)
{
    const jit_back_end *back_end = jit_back_end_of(pst_jit_target_of_host());
    PST_TRY(jit_back_end_check(back_end, unit));
    PST_TRY(keep_slots(unit, prog));
    PST_TRY(back_end->compile(unit, opts, prog));
    prog->reads_stack = unit->reads_stack;
    prog->counts_depth = unit->counts_depth;
    return jit_program_ready(prog);
}

const char *jit_reason(pst_status status)
{
    switch (status) {
    case PST_E_DENIED: return "the host allows no dynamic code";
    case PST_E_LIMIT: return "there is too much of it";
    default: return pst_status_text(status);
    }
}

static pst_status create_by_blob(const pst_env *env, const pst_image *image, const pst_bindings *bindings, const pst_facts *facts,
                                 const pst_jit_opts *opts, pst_exec **out)
{
    pst_jit_blob *compiled, *read = NULL;
    pst_text bytes;
    PST_TRY(pst_jit_compile(env, image, bindings, facts, opts, pst_jit_target_of_host(), &compiled));
    pst_text_init(&bytes, env);
    pst_jit_blob_write(compiled, true, &bytes);
    pst_status status = bytes.failed ? PST_E_NOMEM : pst_jit_blob_read(env, bytes.data, bytes.size, &read);
    if (status == PST_OK) status = pst_jit_bind(env, image, bindings, read, out);
    pst_jit_blob_free(read);
    pst_text_free(&bytes);
    pst_jit_blob_free(compiled);
    return status;
}

pst_status pst_jit_create(const pst_env *env, const pst_image *image, const pst_bindings *bindings, const pst_facts *facts,
                          const pst_jit_opts *opts, pst_exec **out)
{
    *out = NULL;
    if (opts && opts->size < sizeof *opts) return PST_E_INVALID;
    if (!pst_jit_supported()) return pst_fail(env, PST_E_UNSUPPORTED, "there is no compiler for this machine yet");
    if (opts && opts->by_blob) return create_by_blob(env, image, bindings, facts, opts, out);
    jit_program *prog = pst_alloc_zero(env, 1, sizeof *prog);
    if (!prog) return PST_E_NOMEM;
    *prog = (jit_program){.env = env, .bindings = *bindings, .exec = {.enter = jit_enter_by_stub, .enter_callback = jit_enter_callback, .free = jit_program_free, .image = image}};
    jit_unit unit = {.env = env, .image = image, .source = image, .bindings = bindings, .facts = facts,
                     .harden = opts ? opts->harden : 0, .walkable = opts && opts->walkable, .meter_turns = jit_meter_turns(opts)};
    pst_status status = jit_analyse(&unit);
    if (status == PST_OK) {
        opt_better better;
        const jit_unit *best;
        const jit_machine machine = jit_machine_for(jit_back_end_of(pst_jit_target_of_host()), &unit);
        status = opt_better_make(&better, &unit, &machine, opts, &best);
        if (status == PST_OK) status = compile(best, opts, prog);
        opt_better_free(&better);
        if (status != PST_OK) (void)pst_fail(env, status, "cannot make machine code of %s: %s", image->name, jit_reason(status));
    }
    jit_unit_free(&unit);
    if (status == PST_OK) *out = &prog->exec;
    else jit_program_free(&prog->exec);
    return status;
}

bool pst_jit_code_of(const pst_exec *exec, pst_jit_code *out)
{
    if (exec->free != jit_program_free) return false;
    const jit_program *prog = (const jit_program *)(const void *)exec;
    *out = (pst_jit_code){.bytes = prog->code.bytes, .size = prog->code_bytes, .count = prog->piece_count, .offsets = prog->offsets, .slots = prog->slots,
                          .functions = prog->functions, .function_count = exec->image->subprog_count};
    return true;
}
