// provider.c: the XDP provider: attaches links to the ports of open bridges, opens and closes bridges. See xdp.h.
#include <string.h>

#include "core/builtin.h"
#include "ext/net/net.h"

#define HEADROOM_DEFAULT 256u // as Linux gives XDP programs
#define HEADROOM_MAX 2048u

// Linux's XDP_FLAGS_*: which way a driver runs programs means nothing here, but offload to hardware cannot be given.
enum { XDP_FLAG_HW_MODE = 1 << 3, XDP_FLAGS_KNOWN = 0x1f };

// --- Attach -----------------------------------------------------------------------------------------------------

static pst_bridge *find_port(pst_net *net, uint32_t ifindex, pst_port **port)
{
    for (pst_bridge *b = net->bridges; b; b = b->next) {
        for (int i = 0; i < 2; i++) {
            *port = b->forward.port[i];
            if (*port && (*port)->ifindex == ifindex) return b;
        }
    }
    return NULL;
}

static pst_status attach_locked(pst_net *net, const pst_attach_request *request, pst_link *link, pst_hook **out)
{
    pst_port *port;
    pst_bridge *bridge = find_port(net, request->target, &port);
    if (!bridge)
        return pst_fail(net->env, PST_E_NOTFOUND,
                        "no bridge is open on the interface with index %u: open one first (postern run FILE --hook xdp:IFACE,IFACE2 does)",
                        (unsigned)request->target);
    if (port->hook)
        return pst_fail(net->env, PST_E_BUSY, "%s: a program is attached already: update its link, or detach it first", port->name);
    pst_hook *hook = pst_alloc(net->env, sizeof *hook);
    if (!hook) return PST_E_NOMEM;
    *hook = (pst_hook){.bridge = bridge, .port = port, .link = link};
    PST_ATOMIC_STORE(&port->hook, (void *)hook);
    *out = hook;
    return PST_OK;
}

static pst_status net_attach(void *user, const pst_attach_request *request, pst_link *link, void **hook)
{
    pst_net *net = user;
    pst_hook *attached = NULL;
    if (request->flags & XDP_FLAG_HW_MODE)
        return pst_fail(net->env, PST_E_UNSUPPORTED, "XDP_FLAGS_HW_MODE: there is no hardware offload here: attach without it");
    if (request->flags & ~(uint32_t)XDP_FLAGS_KNOWN)
        return pst_fail(net->env, PST_E_INVALID, "attach flags 0x%x: only XDP_FLAGS_* are known", (unsigned)request->flags);
    pst_pal_mutex_lock(net->lock);
    pst_status status = attach_locked(net, request, link, &attached);
    pst_pal_mutex_unlock(net->lock);
    *hook = attached;
    return status;
}

static void net_detach(void *user, void *arg)
{
    pst_net *net = user;
    pst_hook *hook = arg;
    pst_pal_mutex_lock(net->lock);
    if (hook->bridge) {
        PST_ATOMIC_STORE(&hook->port->hook, NULL);
        pst_bridge_quiesce(hook->bridge);
    }
    pst_pal_mutex_unlock(net->lock);
    pst_free(net->env, hook, sizeof *hook);
}

// --- The provider -----------------------------------------------------------------------------------------------

pst_status pst_net_create(const pst_env *env, pst_core *core, pst_net **out)
{
    *out = NULL;
    pst_net *net = pst_alloc_zero(env, 1, sizeof *net);
    if (!net) return PST_E_NOMEM;
    net->env = env;
    net->core = core;
    pst_provider provider = {
        .size = sizeof provider, .name = "net", .type = pst_prog_type_by_number(PST_PROG_XDP),
        .attach = net_attach, .detach = net_detach,
        .test_create = pst_builtin_xdp_test_create, .test_finish = pst_builtin_xdp_test_finish, .user = net,
    };
    provider.helpers = pst_builtin_xdp_helpers(&provider.helper_count);
    pst_status status = pst_pal_mutex_create(env, &net->lock);
    if (status == PST_OK) status = pst_core_add_provider(core, &provider);
    if (status == PST_OK)
        *out = net;
    else
        pst_net_free(net);
    return status;
}

void pst_net_free(pst_net *net)
{
    if (!net) return;
    if (net->lock) pst_pal_mutex_free(net->lock);
    pst_free(net->env, net, sizeof *net);
}

// --- Bridges ----------------------------------------------------------------------------------------------------

static uint64_t run_hook(void *hook, pst_xdp_ctx *ctx)
{
    return pst_link_run_in_epoch(((pst_hook *)hook)->link, ctx, NULL); // a trap is XDP_ABORTED
}

static bool is_other_tap(pst_port_kind kind, const pst_port_request *request) { return kind != PST_PORT_TAP && request->watch; }

static pst_status open_ports(pst_bridge *bridge, const pst_bridge_options *options)
{
    pst_forward *f = &bridge->forward;
    const pst_env *env = bridge->net->env;
    bool pair = options->port[1] != NULL;
    if (!options->port[0]) return pst_fail(env, PST_E_INVALID, "a bridge needs the name of an interface");
    if (pair && strcmp(options->port[0], options->port[1]) == 0)
        return pst_fail(env, PST_E_INVALID, "%s: both ends of the bridge are the same interface: name two, or one to watch it", options->port[0]);
    for (int i = 0; i <= (int)pair; i++) {
        pst_port_request request = {.name = options->port[i], .make_tap = options->make_tap[i], .watch = !pair, .headroom = f->headroom};
        PST_TRY(pst_port_open(env, &request, &f->port[i]));
        if (is_other_tap(f->port[i]->kind, &request))
            pst_log(env, PST_LOG_INFO, "%s: alone it is only watched: verdicts are counted, no frame is held back or sent", request.name);
    }
    // Two names can be one interface: Linux knows alternative names.
    if (pair && f->port[0]->ifindex == f->port[1]->ifindex)
        return pst_fail(env, PST_E_INVALID, "%s and %s are the same interface: name two", options->port[0], options->port[1]);
    return PST_OK;
}

static pst_status open_bridge(pst_bridge *bridge, const pst_bridge_options *options)
{
    const pst_env *env = bridge->net->env;
    pst_forward *f = &bridge->forward;
    f->run = run_hook;
    f->headroom = options->headroom ? options->headroom : HEADROOM_DEFAULT;
    if (f->headroom > HEADROOM_MAX)
        return pst_fail(env, PST_E_INVALID, "headroom %u: at most %u bytes", (unsigned)f->headroom, HEADROOM_MAX);
    for (int i = 0; i < 2; i++) {
        f->scratch[i] = pst_alloc(env, pst_forward_scratch_size(f->headroom));
        if (!f->scratch[i]) return PST_E_NOMEM;
    }
    PST_TRY(open_ports(bridge, options));
    PST_TRY(pst_pal_event_create(env, &bridge->wake));
    return pst_pal_thread_create(env, pst_bridge_loop, bridge, &bridge->thread);
}

// Everything that open_bridge made, as far as it came.
static void free_bridge(pst_bridge *bridge)
{
    const pst_env *env = bridge->net->env;
    pst_forward *f = &bridge->forward;
    for (int i = 0; i < 2; i++) {
        pst_port_close(f->port[i]);
        pst_free(env, f->scratch[i], pst_forward_scratch_size(f->headroom));
    }
    if (bridge->wake) pst_pal_event_free(bridge->wake);
    pst_free(env, bridge, sizeof *bridge);
}

pst_status pst_bridge_open(pst_net *net, const pst_bridge_options *options, pst_bridge **out)
{
    *out = NULL;
    if (options->size < sizeof *options) return pst_fail(net->env, PST_E_INVALID, "the size of the bridge's options is not set");
    pst_bridge *bridge = pst_alloc_zero(net->env, 1, sizeof *bridge);
    if (!bridge) return PST_E_NOMEM;
    bridge->net = net;
    pst_status status = open_bridge(bridge, options);
    if (status != PST_OK) {
        free_bridge(bridge);
        return status;
    }
    pst_pal_mutex_lock(net->lock);
    bridge->next = net->bridges;
    net->bridges = bridge;
    pst_pal_mutex_unlock(net->lock);
    *out = bridge;
    return PST_OK;
}

static void remove_bridge(pst_net *net, pst_bridge *bridge)
{
    pst_bridge **at = &net->bridges;
    while (*at != bridge) at = &(*at)->next;
    *at = bridge->next;
    for (int i = 0; i < 2; i++) {
        pst_port *port = bridge->forward.port[i];
        if (!port || !port->hook) continue;
        pst_hook *hook = port->hook;
        hook->bridge = NULL; // its link stays, attached to nothing
        hook->port = NULL;
    }
}

void pst_bridge_close(pst_bridge *bridge)
{
    if (!bridge) return;
    PST_ATOMIC_STORE(&bridge->stopping, 1);
    pst_pal_event_signal(bridge->wake);
    pst_pal_thread_join(bridge->thread);
    pst_pal_mutex_lock(bridge->net->lock);
    remove_bridge(bridge->net, bridge);
    pst_pal_mutex_unlock(bridge->net->lock);
    free_bridge(bridge);
}

uint32_t pst_bridge_ifindex(const pst_bridge *bridge, unsigned port)
{
    return port < 2 && bridge->forward.port[port] ? bridge->forward.port[port]->ifindex : 0;
}

pst_port_kind pst_bridge_port_kind(const pst_bridge *bridge, unsigned port)
{
    return port < 2 && bridge->forward.port[port] ? bridge->forward.port[port]->kind : PST_PORT_WATCH;
}

void pst_bridge_stats(const pst_bridge *bridge, unsigned port, pst_port_stats *out)
{
    memset(out, 0, sizeof *out);
    if (port >= 2 || !bridge->forward.port[port]) return;
    pst_port *from = bridge->forward.port[port];
    from->ops->count_drops(from);
    const uint64_t *counters = (const uint64_t *)&from->stats;
    uint64_t *copy = (uint64_t *)out;
    PST_STATIC_ASSERT(sizeof *out % sizeof *copy == 0, "statistics are words only");
    for (size_t i = 0; i < sizeof *out / sizeof *copy; i++) copy[i] = PST_ATOMIC_LOAD_RELAXED(&counters[i]);
}
