// unsupported.c: the provider where there is neither AF_PACKET nor TAP: it says so, and test runs work without it.
#include "ext/net/xdp.h"

#include <string.h>

static pst_status unsupported(const pst_env *env)
{
    return pst_fail(env, PST_E_UNSUPPORTED, "packets cannot be hooked on this system yet: use 'postern test-run', or Linux");
}

struct pst_net {
    const pst_env *env;
};

pst_status pst_net_create(const pst_env *env, pst_core *core, pst_net **out)
{
    *out = pst_alloc(env, sizeof **out);
    if (!*out) return PST_E_NOMEM;
    (*out)->env = env;
    return PST_OK;
}

void pst_net_free(pst_net *net)
{
    if (net) pst_free(net->env, net, sizeof *net);
}

pst_status pst_bridge_open(pst_net *net, const pst_bridge_options *options, pst_bridge **out)
{
    *out = NULL;
    return unsupported(net->env);
}

void pst_bridge_close(pst_bridge *bridge) {}
uint32_t pst_bridge_ifindex(const pst_bridge *bridge, unsigned port) { return 0; }
pst_port_kind pst_bridge_port_kind(const pst_bridge *bridge, unsigned port) { return PST_PORT_WATCH; }
void pst_bridge_stats(const pst_bridge *bridge, unsigned port, pst_port_stats *out) { memset(out, 0, sizeof *out); }
