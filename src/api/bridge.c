// bridge.c: postern_bridge_*: the net extension's bridges behind a stable interface, and the list of those that are open.
//
// The list lets postern_shutdown close what is left.
#include "api/api.h"
#include "pal/pal.h"
#if PST_HAVE_EXT
#include "ext/net/xdp.h"

#define BRIDGES_MAX 64

struct postern_bridge {
    pst_bridge *bridge;
    char *name[2]; // of the ports; [1] may be NULL
};

static struct postern_bridge *g_bridges[BRIDGES_MAX];

static void bridge_free(struct postern_bridge *bridge)
{
    free(bridge->name[0]);
    free(bridge->name[1]);
    free(bridge);
}

// A slot for the bridge, claimed without a lock: opening and closing are rare.
static bool list_add(struct postern_bridge *bridge)
{
    for (size_t i = 0; i < BRIDGES_MAX; i++) {
        struct postern_bridge *expected = NULL;
        if (PST_ATOMIC_CAS(&g_bridges[i], &expected, bridge)) return true;
    }
    return false;
}

static bool list_remove(struct postern_bridge *bridge)
{
    for (size_t i = 0; i < BRIDGES_MAX; i++) {
        struct postern_bridge *expected = bridge;
        if (PST_ATOMIC_CAS(&g_bridges[i], &expected, NULL)) return true;
    }
    return false;
}

static int bridge_errno(pst_status status)
{
    return status == PST_E_NOTFOUND ? ENODEV : api_errno_of(status);
}

static struct postern_bridge *bridge_new(const struct postern_bridge_options *options)
{
    struct postern_bridge *bridge = calloc(1, sizeof *bridge);
    if (!bridge) return NULL;
    for (int i = 0; i < 2 && options->port[i]; i++) {
        bridge->name[i] = api_strdup(options->port[i]);
        if (bridge->name[i]) continue;
        bridge_free(bridge);
        return NULL;
    }
    return bridge;
}

struct postern_bridge *postern_bridge_open(const struct postern_bridge_options *options)
{
    struct postern_bridge_options opts;
    if (!options || !api_opts_copy(&opts, sizeof opts, options) || !opts.port[0])
        return api_fail_ptr(EINVAL, "postern_bridge_open: no port is named, or size is not that of the struct");
    const api_door *door = api_door_get();
    if (!door) return NULL;
    if (door->is_remote) return api_fail_ptr(EOPNOTSUPP, "bridge %s: bridges are in the process that has the core, and that is a host's: unset POSTERN_HOST", opts.port[0]);
    pst_net *net = api_net();
    if (!net) return NULL;
    struct postern_bridge *bridge = bridge_new(&opts);
    if (!bridge) return api_fail_ptr(ENOMEM, "bridge %s: no memory", opts.port[0]);
    pst_bridge_options inner = {.size = sizeof inner,
                                .port = {opts.port[0], opts.port[1]},
                                .make_tap = {opts.make_tap[0] != 0, opts.make_tap[1] != 0},
                                .headroom = opts.headroom};
    pst_status status = pst_bridge_open(net, &inner, &bridge->bridge);
    if (status != PST_OK) {
        bridge_free(bridge);
        return api_err_ptr(-bridge_errno(status));
    }
    if (!list_add(bridge)) {
        pst_bridge_close(bridge->bridge);
        bridge_free(bridge);
        return api_fail_ptr(ENOSPC, "bridge %s: %d bridges are open already", opts.port[0], BRIDGES_MAX);
    }
    return bridge;
}

void postern_bridge_close(struct postern_bridge *bridge)
{
    // postern_shutdown may have closed it.
    if (!bridge || !list_remove(bridge)) return;
    pst_bridge_close(bridge->bridge);
    bridge_free(bridge);
}

void api_bridges_shutdown(void)
{
    for (size_t i = 0; i < BRIDGES_MAX; i++)
        if (g_bridges[i]) postern_bridge_close(g_bridges[i]);
}

uint32_t postern_bridge_ifindex(const struct postern_bridge *bridge, unsigned port)
{
    if (port > 1 || !bridge->name[port]) return 0;
    return pst_bridge_ifindex(bridge->bridge, port);
}

enum postern_port_kind postern_bridge_port_kind(const struct postern_bridge *bridge, unsigned port)
{
    switch (pst_bridge_port_kind(bridge->bridge, port)) {
    case PST_PORT_PACKET: return POSTERN_PORT_PACKET;
    case PST_PORT_TAP: return POSTERN_PORT_TAP;
    case PST_PORT_WATCH: return POSTERN_PORT_WATCH;
    }
    return POSTERN_PORT_WATCH;
}

int postern_bridge_stats(const struct postern_bridge *bridge, unsigned port, struct postern_port_stats *out)
{
    memset(out, 0, sizeof *out);
    if (port > 1 || !bridge->name[port]) return api_fail(EINVAL, "postern_bridge_stats: the bridge has no port %u", port);
    pst_port_stats stats;
    pst_bridge_stats(bridge->bridge, port, &stats);
    *out = (struct postern_port_stats){
        .rx_frames = stats.rx_frames, .rx_bytes = stats.rx_bytes, .tx_frames = stats.tx_frames, .tx_bytes = stats.tx_bytes,
        .passed = stats.passed, .dropped = stats.dropped, .aborted = stats.aborted, .sent_back = stats.sent_back,
        .redirected = stats.redirected, .kernel_drops = stats.kernel_drops, .tx_errors = stats.tx_errors,
        .no_program = stats.no_program,
    };
    return 0;
}

#else // no hook extension in this build

struct postern_bridge *postern_bridge_open(const struct postern_bridge_options *options)
{
    return api_fail_ptr(EOPNOTSUPP, "this build has no packet hook; `postern test-run` runs programs on packets from a file");
}

void postern_bridge_close(struct postern_bridge *bridge) {}
void api_bridges_shutdown(void) {}

uint32_t postern_bridge_ifindex(const struct postern_bridge *bridge, unsigned port)
{
    return 0;
}

enum postern_port_kind postern_bridge_port_kind(const struct postern_bridge *bridge, unsigned port)
{
    return POSTERN_PORT_WATCH;
}

int postern_bridge_stats(const struct postern_bridge *bridge, unsigned port, struct postern_port_stats *out)
{
    return api_fail(EOPNOTSUPP, "this build has no packet hook");
}

#endif
