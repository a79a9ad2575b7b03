// engine.c: which engine runs a program.
#include "core/native_internal.h"
#include "interp/interp.h"
#include "jit/jit.h"
#include "pal/pal.h"

static const char *missing(const core_prog *prog, const pst_insn *insn)
{
    const pst_bindings *b = &prog->bindings;
    if (insn->kind != PST_KIND_CALL || (insn->op != PST_CALL_HELPER && insn->op != PST_CALL_KFUNC)) return NULL;
    bool is_kfunc = insn->op == PST_CALL_KFUNC;
    const pst_helper *callee = (is_kfunc ? b->find_kfunc : b->find_helper)(b->user, (int32_t)insn->imm);
    if (callee && (callee->fn || callee->proto->flags & PST_HELPER_TAIL_CALL)) return NULL;
    const pst_helper_proto *proto = callee ? callee->proto : is_kfunc ? NULL : pst_prog_type_helper(prog->provider->type, (int32_t)insn->imm);
    return proto ? proto->name : "a function";
}

// A helper or kfunc that is described, that a run gets to, and that nobody here implements.
static pst_status check_callees(pst_core *core, const core_prog *prog)
{
    const pst_image *image = prog->image;
    const uint8_t *facts = prog->verdict->facts.flags;
    for (uint32_t pc = 0; pc < image->count; pc++) {
        const char *name = facts[pc] & PST_FACT_DEAD ? NULL : missing(prog, &image->insns[pc]);
        if (name) return pst_fail(&core->env, PST_E_UNSUPPORTED, "instruction %u calls %s, which this host does not have yet", pc, name);
    }
    return PST_OK;
}

// A proof by the strict rules holds for what runs by a wrong guess as well only if accesses are masked, or wait: those who ask for it get that in any case.
static uint32_t hardening(const pst_core *core, const core_prog *prog)
{
    uint32_t harden = prog->strict ? PST_JIT_MASK : 0;
    bool on = core->options.harden == PST_CORE_HARDEN_AUTO ? !pst_pal_is_privileged() || !prog->privileged : core->options.harden == PST_CORE_HARDEN_ON;
    return on ? harden | PST_JIT_BLIND | PST_JIT_PLACE : harden;
}

static pst_status create_proved(pst_core *core, const core_prog *prog, pst_exec **out)
{
    const pst_facts *facts = &prog->verdict->facts;
    uint32_t wanted = core->options.engine;
    const pst_jit_opts opts = {.size = sizeof opts,
                               .tier = wanted == PST_CORE_ENGINE_JIT_QUICK ? PST_JIT_QUICK : PST_JIT_OPTIMISED,
                               .harden = hardening(core, prog),
                               .walkable = core->options.code != NULL,
                               .meter_turns = core->options.meter_turns};
    const pst_interp_opts interp = {.size = sizeof interp, .meter_turns = core->options.meter_turns, .waits = prog->strict};
    if (wanted == PST_CORE_ENGINE_JIT || wanted == PST_CORE_ENGINE_JIT_QUICK)
        return pst_jit_create(&core->env, prog->image, &prog->bindings, facts, &opts, out);
    if (wanted == PST_CORE_ENGINE_ANY && pst_jit_supported()) {
        pst_status status = pst_jit_create(&core->quiet_env, prog->image, &prog->bindings, facts, &opts, out);
        // Where the host allows no dynamic code, or too much of it is there, programs run all the same.
        if (status == PST_OK || status == PST_E_NOMEM) return status;
    }
    return pst_interp_create_with(&core->env, prog->image, &prog->bindings, facts, &interp, out);
}

pst_status core_engine_create(pst_core *core, const core_prog *prog, pst_exec **out)
{
    if (prog->native) return core_native_bind(core, prog, out);
    // Without a proof nothing runs without checks (engines.h: for comparisons and tests only).
    if (!prog->verdict) return pst_checked_create(&core->env, prog->image, &prog->bindings, out);
    if (prog->verdict->kind != PST_VERDICT_ACCEPT) return PST_E_UNSAFE;
    PST_TRY(check_callees(core, prog));
    // Only the checked interpreter counts instructions.
    if (core->options.budget || core->options.engine == PST_CORE_ENGINE_CHECKED) {
        const pst_interp_opts opts = {.size = sizeof opts, .meter_turns = core->options.meter_turns};
        return pst_checked_create_with(&core->env, prog->image, &prog->bindings, &prog->verdict->facts, &opts, out);
    }
    return create_proved(core, prog, out);
}
