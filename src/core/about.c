// about.c: what a core is: which engine runs what is loaded now, and why that one.
#include "core/internal.h"
#include "jit/jit.h"

// Asked with a page that is given back: the host's rule may have come into force since the core began.
static pst_status code_rule(void)
{
    pst_code code;
    pst_status status = pst_pal_code_alloc(1, &code);
    if (status == PST_OK) pst_pal_code_free(&code);
    return status;
}

static void choose(const pst_core *core, pst_core_about *out)
{
    uint32_t wanted = core->options.engine;
    bool compiles = wanted == PST_CORE_ENGINE_ANY || wanted == PST_CORE_ENGINE_JIT || wanted == PST_CORE_ENGINE_JIT_QUICK;
    out->engine = wanted == PST_CORE_ENGINE_ANY ? PST_CORE_ENGINE_JIT : wanted;
    out->why = wanted == PST_CORE_ENGINE_ANY ? PST_CORE_WHY_FASTEST : PST_CORE_WHY_CHOSEN;
    if (core->options.budget) {
        out->engine = PST_CORE_ENGINE_CHECKED;
        out->why = PST_CORE_WHY_COUNTED;
    } else if (compiles && !pst_jit_supported()) {
        out->engine = PST_CORE_ENGINE_INTERP;
        out->why = PST_CORE_WHY_NO_COMPILER;
    } else if (compiles && code_rule() == PST_E_DENIED) {
        out->engine = PST_CORE_ENGINE_INTERP;
        out->why = PST_CORE_WHY_REFUSED;
    }
}

void pst_core_about_get(pst_core *core, pst_core_about *out)
{
    *out = (pst_core_about){0};
    choose(core, out);
    out->dynamic_code = code_rule() != PST_E_DENIED && core->options.engine != PST_CORE_ENGINE_INTERP && core->options.engine != PST_CORE_ENGINE_CHECKED;
    out->strict = core->options.strict;
    out->uptime_ns = pst_pal_time_ns() - core->born_ns;
    pst_pal_mutex_lock(core->lock);
    out->statistics = core->stats_users > 0;
    pst_pal_mutex_unlock(core->lock);
}
