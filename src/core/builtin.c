// builtin.c: the providers that every core has. See builtin.h.
//
// xdp, socket_filter and sched_cls can be test-run; hooks for them come from extensions, which replace the provider. sample has
// a hook here: a table of links that tests and demonstrations invoke.
#include "core/builtin.h"

#include "core/helper/helpers.h"
#include "core/test_context.h"

// --- Helper tables --------------------------------------------------------------------------------------------

typedef struct filled_table {
    core_spin lock;
    bool done;
    pst_helper helpers[16];
} filled_table;

// Joins prototypes and functions, once in the life of the process.
static const pst_helper *fill(filled_table *table, const helper_table *rows, uint32_t *count)
{
    core_spin_lock(&table->lock);
    for (uint32_t i = 0; i < rows->count && !table->done; i++)
        table->helpers[i] = (pst_helper){pst_helper_proto_by_id(rows->rows[i].id), rows->rows[i].fn};
    table->done = true;
    core_spin_unlock(&table->lock);
    *count = rows->count;
    return table->helpers;
}

const pst_helper *pst_builtin_xdp_helpers(uint32_t *count)
{
    static filled_table table;
    return fill(&table, &helper_xdp_table, count);
}

const pst_helper *pst_builtin_skb_helpers(uint32_t *count)
{
    static filled_table table;
    return fill(&table, &helper_skb_table, count);
}

// --- sample ---------------------------------------------------------------------------------------------------

#define SAMPLE_LINKS_MAX 64u

typedef struct sample_slot {
    pst_link *link; // NULL: free
    uint32_t target;
} sample_slot;

typedef struct sample_hook {
    core_spin lock; // of writers
    sample_slot slots[SAMPLE_LINKS_MAX];
    pst_helper helpers[2];
} sample_hook;

HELPER(sample_sum)
{
    const uint8_t *bytes = HELPER_POINTER(const uint8_t *, r2);
    uint64_t sum = 0;
    for (uint64_t i = 0; i < r3; i++) sum += bytes[i];
    return sum;
}

HELPER(sample_fill)
{
    memset(HELPER_POINTER(void *, r1), (int)(uint8_t)r3, (size_t)r2);
    return 0;
}

static pst_status sample_attach(void *user, const pst_attach_request *request, pst_link *link, void **hook)
{
    pst_core *core = user;
    sample_slot *found = NULL;
    if (request->flags) return pst_fail(&core->env, PST_E_INVALID, "the sample hook takes no flags");
    core_spin_lock(&core->sample->lock);
    for (uint32_t i = 0; i < SAMPLE_LINKS_MAX && !found; i++)
        if (!core->sample->slots[i].link) found = &core->sample->slots[i];
    if (found) {
        PST_ATOMIC_STORE(&found->target, request->target);
        PST_ATOMIC_STORE(&found->link, link);
    }
    core_spin_unlock(&core->sample->lock);
    if (!found) return pst_fail(&core->env, PST_E_NOSPACE, "the sample hook takes %u links", SAMPLE_LINKS_MAX);
    *hook = found;
    return PST_OK;
}

static void sample_detach(void *user, void *hook)
{
    pst_core *core = user;
    sample_slot *slot = hook;
    PST_ATOMIC_STORE(&slot->link, (pst_link *)NULL);
    epoch_synchronize(&core->epoch); // runs that began before are over
}

uint64_t pst_builtin_sample_invoke(pst_core *core, uint32_t target, pst_sample_ctx *ctx, bool *trapped)
{
    uint64_t r0 = 0;
    bool any_trapped = false;
    pst_epoch_guard guard = pst_core_epoch_enter(core);
    for (uint32_t i = 0; i < SAMPLE_LINKS_MAX; i++) {
        bool stopped;
        sample_slot *slot = &core->sample->slots[i];
        pst_link *link = PST_ATOMIC_LOAD(&slot->link);
        if (!link || PST_ATOMIC_LOAD(&slot->target) != target) continue;
        r0 = pst_link_run_in_epoch(link, ctx, &stopped);
        any_trapped = any_trapped || stopped;
    }
    pst_core_epoch_exit(core, guard);
    if (trapped) *trapped = any_trapped;
    return r0;
}

// --- Registration ---------------------------------------------------------------------------------------------

static pst_status register_packet_types(pst_core *core)
{
    pst_provider xdp = {
        .size = sizeof xdp,
        .name = "core xdp",
        .type = pst_prog_type_by_number(PST_PROG_XDP),
        .test_create = pst_builtin_xdp_test_create,
        .test_finish = pst_builtin_xdp_test_finish,
    };
    xdp.helpers = pst_builtin_xdp_helpers(&xdp.helper_count);
    PST_TRY(pst_core_add_provider(core, &xdp));
    static const uint32_t skb_types[] = {PST_PROG_SOCKET_FILTER, PST_PROG_SCHED_CLS};
    for (size_t i = 0; i < PST_COUNT(skb_types); i++) {
        const pst_prog_type *type = pst_prog_type_by_number(skb_types[i]);
        pst_provider skb = {
            .size = sizeof skb,
            .name = type->name,
            .type = type,
            .test_create = pst_builtin_skb_test_create,
            .test_finish = pst_builtin_skb_test_finish,
            .user = (void *)(uintptr_t)type, // only read
        };
        skb.helpers = pst_builtin_skb_helpers(&skb.helper_count);
        PST_TRY(pst_core_add_provider(core, &skb));
    }
    return PST_OK;
}

pst_status core_builtin_register(pst_core *core)
{
    const pst_prog_type *type = pst_prog_type_by_number(PST_PROG_SAMPLE);
    PST_TRY(register_packet_types(core));
    core->sample = pst_alloc_zero(&core->env, 1, sizeof *core->sample);
    if (!core->sample) return PST_E_NOMEM;
    core->sample->helpers[0] = (pst_helper){pst_prog_type_helper(type, 0x10001), sample_sum};
    core->sample->helpers[1] = (pst_helper){pst_prog_type_helper(type, 0x10002), sample_fill};
    pst_provider sample = {
        .size = sizeof sample,
        .name = "core sample",
        .type = type,
        .helpers = core->sample->helpers,
        .helper_count = PST_COUNT(core->sample->helpers),
        .attach = sample_attach,
        .detach = sample_detach,
        .test_create = core_sample_test_create,
        .test_finish = core_sample_test_finish,
        .user = core,
    };
    return pst_core_add_provider(core, &sample);
}

void core_builtin_free(pst_core *core)
{
    pst_free(&core->env, core->sample, sizeof *core->sample);
}
