// core.c: a core and its clients: creation, ends, messages, providers, running a link's program.
#include "core/internal.h"

#include "base/format.h"

// --- Messages -------------------------------------------------------------------------------------------------

// A module below explains a failure through the environment before it returns a status. The sentence is kept for the thread, so that the
// command that fails can hand it to its client.
static PST_THREAD_LOCAL char t_error[CLIENT_ERROR_MAX];

static void *core_resize(void *user, void *ptr, size_t old_size, size_t new_size)
{
    const pst_core *core = user;
    return core->host_env->resize(core->host_env->user, ptr, old_size, new_size);
}

static void core_log(void *user, pst_log_level level, const char *text)
{
    const pst_core *core = user;
    if (level == PST_LOG_ERROR) {
        (void)pst_format(t_error, sizeof t_error, "%s", text);
        return;
    }
    if (core->host_env->log) core->host_env->log(core->host_env->user, level, text);
}

const char *core_errors_last(void)
{
    return t_error;
}

void core_errors_clear(void)
{
    t_error[0] = '\0';
}

const char *pst_client_error(const pst_client *client)
{
    return client->error;
}

// --- Core and clients -----------------------------------------------------------------------------------------

static bool options_copy(pst_core *core, const pst_core_options *options)
{
    if (!options) return true;
    if (options->size < sizeof(size_t)) return false;
    size_t size = options->size < sizeof core->options ? options->size : sizeof core->options;
    memcpy(&core->options, options, size);
    return true;
}

pst_status pst_core_create(const pst_env *env, const pst_core_options *options, pst_core **out)
{
    *out = NULL;
    pst_core *core = pst_alloc_zero(env, 1, sizeof *core);
    if (!core) return pst_fail(env, PST_E_NOMEM, "no memory for an execution core");
    core->host_env = env;
    core->env = (pst_env){.resize = core_resize, .log = core_log, .user = core};
    core->quiet_env = (pst_env){.resize = core_resize, .user = core};
    core->born_ns = pst_pal_time_ns();
    pst_status status = PST_OK;
    if (!options_copy(core, options))
        status = pst_fail(env, PST_E_INVALID, "pst_core_options.size is %zu: set it to sizeof(pst_core_options)", options->size);
    if (status == PST_OK) status = pst_pal_mutex_create(&core->env, &core->lock);
    if (status == PST_OK) status = epoch_init(&core->epoch);
    if (status == PST_OK) {
        core_helpers_init(core);
        status = core_builtin_register(core);
    }
    if (status != PST_OK) {
        pst_core_free(core);
        return status;
    }
    *out = core;
    return PST_OK;
}

void pst_core_free(pst_core *core)
{
    if (!core) return;
    if (core->lock) {
        core_attachments_free(core);
        core_pins_free(core);
    }
    core_timers_stop(core);
    epoch_destroy(&core->epoch);
    for (uint32_t i = 0; i < core->provider_count; i++) pst_free(&core->env, core->providers[i], sizeof(pst_provider));
    for (uint32_t i = 0; i < core->retired_provider_count; i++)
        pst_free(&core->env, core->retired_providers[i], sizeof(pst_provider));
    core_builtin_free(core);
    for (unsigned kind = 0; kind < OBJECT_KINDS; kind++)
        pst_free(&core->env, core->ids[kind].objects, core->ids[kind].capacity * sizeof(core_object *));
    pst_pal_mutex_free(core->lock);
    pst_free(core->host_env, core, sizeof *core);
}

pst_status pst_client_create(pst_core *core, pst_client **out)
{
    *out = NULL;
    pst_client *client = pst_alloc_zero(&core->env, 1, sizeof *client);
    if (!client) return PST_E_NOMEM;
    client->core = core;
    client->first = HANDLES_FIRST;
    client->identity = (pst_client_identity){.uid = (uint32_t)pst_pal_uid_gid(), .privileged = true};
    pst_status status = pst_pal_mutex_create(&core->env, &client->lock);
    if (status != PST_OK) {
        pst_free(&core->env, client, sizeof *client);
        return status;
    }
    *out = client;
    return PST_OK;
}

void pst_client_identify(pst_client *client, const pst_client_identity *identity)
{
    client->identity = *identity;
}

void pst_client_cancel(pst_client *client)
{
    PST_ATOMIC_STORE_RELAXED(&client->cancelled, true);
}

void pst_client_number_from(pst_client *client, int first)
{
    client->first = first;
}

void pst_client_free(pst_client *client)
{
    if (!client) return;
    pst_core *core = client->core;
    for (size_t i = 0; i < client->capacity; i++)
        if (client->handles[i].object) core_object_put_user(client->handles[i].object);
    pst_free(&core->env, client->handles, client->capacity * sizeof *client->handles);
    pst_pal_mutex_free(client->lock);
    pst_free(&core->env, client, sizeof *client);
    for (int i = 0; i < 3; i++) { // two advances make ripe what was just retired
        (void)epoch_advance(&core->epoch);
        epoch_collect(&core->epoch);
    }
}

// --- Providers ------------------------------------------------------------------------------------------------

static uint32_t provider_index(const pst_core *core, uint32_t prog_type)
{
    uint32_t count = PST_ATOMIC_LOAD(&core->provider_count);
    for (uint32_t i = 0; i < count; i++)
        if (PST_ATOMIC_LOAD(&core->providers[i])->type->number == prog_type) return i;
    return CORE_PROVIDERS_MAX;
}

const pst_provider *core_provider_find(const pst_core *core, uint32_t prog_type)
{
    uint32_t index = provider_index(core, prog_type);
    return index < CORE_PROVIDERS_MAX ? PST_ATOMIC_LOAD(&core->providers[index]) : NULL;
}

// The core's lock is held. Takes the copy.
static pst_status provider_insert(pst_core *core, pst_provider *copy)
{
    uint32_t index = provider_index(core, copy->type->number);
    if (index < CORE_PROVIDERS_MAX) {
        if (core->retired_provider_count == CORE_PROVIDERS_MAX) return PST_E_LIMIT;
        core->retired_providers[core->retired_provider_count++] = core->providers[index];
        PST_ATOMIC_STORE(&core->providers[index], copy);
        return PST_OK;
    }
    if (core->provider_count == CORE_PROVIDERS_MAX) return PST_E_LIMIT;
    core->providers[core->provider_count] = copy;
    PST_ATOMIC_STORE(&core->provider_count, core->provider_count + 1);
    return PST_OK;
}

pst_status pst_core_add_provider(pst_core *core, const pst_provider *provider)
{
    const pst_env *env = core->host_env;
    if (provider->size < offsetof(pst_provider, helpers) || !provider->type)
        return pst_fail(env, PST_E_INVALID, "a provider needs its size and a program type");
    pst_provider *copy = pst_alloc_zero(&core->env, 1, sizeof *copy);
    if (!copy) return PST_E_NOMEM;
    memcpy(copy, provider, provider->size < sizeof *copy ? provider->size : sizeof *copy);
    pst_pal_mutex_lock(core->lock);
    pst_status status = provider_insert(core, copy);
    pst_pal_mutex_unlock(core->lock);
    if (status == PST_OK) return PST_OK;
    pst_free(&core->env, copy, sizeof *copy);
    return pst_fail(env, status, "no room for provider \"%s\": a core takes %u", provider->name ? provider->name : "",
                    CORE_PROVIDERS_MAX);
}

// --- Running --------------------------------------------------------------------------------------------------

static PST_NOINLINE PST_COLD void report_trap(pst_core *core, const pst_exec *exec, const pst_trap *trap)
{
    const core_prog *prog = core_exec_prog(exec);
    char text[320];
    if (prog->stats) (void)PST_ATOMIC_ADD(&prog->stats[pst_pal_cpu_id()].traps, (uint64_t)1);
    if (!core->options.trap) return;
    const pst_line *line = pst_image_line_at(exec->image, trap->pc);
    size_t at = pst_format(text, sizeof text, "%s: instruction %u, address 0x%llx, size %u", pst_trap_text(trap->code), trap->pc,
                           (unsigned long long)trap->address, trap->size);
    if (line && at < sizeof text) (void)pst_format(text + at, sizeof text - at, " (%s:%u: %s)", line->file, line->line, line->text);
    core->options.trap(core->options.user, prog->object.name, text);
}

uint64_t core_run(const pst_exec *exec, void *native_ctx, bool *trapped, pst_trap *trap)
{
    core_prog *prog = core_exec_prog(exec);
    pst_core *core = prog->object.core;
    pst_run run;
    uint64_t r0;
    pst_run_begin(&run, native_ctx, core);
    run.budget = core->options.budget;
    if (PST_LIKELY(PST_ATOMIC_LOAD_RELAXED(&core->stats_users) == 0)) {
        r0 = pst_exec_run(exec, &run);
    } else {
        uint64_t begin = pst_pal_time_ns();
        r0 = pst_exec_run(exec, &run);
        prog_stats *stats = &prog->stats[pst_pal_cpu_id()];
        (void)PST_ATOMIC_ADD(&stats->time_ns, pst_pal_time_ns() - begin);
        (void)PST_ATOMIC_ADD(&stats->runs, (uint64_t)1);
    }
    bool stopped = run.trap.code != PST_TRAP_NONE;
    if (trapped) *trapped = stopped;
    if (PST_LIKELY(!stopped)) return r0;
    if (run.lock) core_spin_unlock(run.lock);
    if (trap) *trap = run.trap;
    report_trap(core, run.prog ? run.prog : exec, &run.trap); // after a tail call it is another program's
    return 0;
}

void core_run_callback(core_prog *prog, uint64_t func, const uint64_t args[PST_ARGS_MAX])
{
    pst_core *core = prog->object.core;
    pst_run run;
    pst_run_begin(&run, NULL, core);
    run.budget = core->options.budget;
    run.prog = prog->exec;
    (void)prog->exec->enter_callback(prog->exec, &run, func, args);
    if (PST_LIKELY(run.trap.code == PST_TRAP_NONE)) return;
    if (run.lock) core_spin_unlock(run.lock);
    report_trap(core, run.prog, &run.trap);
}

uint64_t pst_link_run_in_epoch(pst_link *link, void *native_ctx, bool *trapped)
{
    return core_run(PST_ATOMIC_LOAD(&link->exec), native_ctx, trapped, NULL);
}

uint64_t pst_link_run(pst_link *link, void *native_ctx, bool *trapped)
{
    epoch_slot *slot = epoch_enter(&link->object.core->epoch);
    uint64_t r0 = pst_link_run_in_epoch(link, native_ctx, trapped);
    epoch_exit(slot);
    return r0;
}

pst_epoch_guard pst_core_epoch_enter(pst_core *core)
{
    return (pst_epoch_guard){epoch_enter(&core->epoch)};
}

void pst_core_epoch_exit(pst_core *core, pst_epoch_guard guard)
{
    epoch_exit(guard.state);
}

uint32_t pst_link_id(const pst_link *link)
{
    return link->object.id;
}

pst_core *pst_link_core(const pst_link *link)
{
    return link->object.core;
}

pst_core *pst_run_core(const pst_run *run)
{
    return run->host;
}
