// runtime.c: the door to a core: opened by the first call that needs it, closed by postern_shutdown. It leads to a host where POSTERN_HOST or
// postern_configure names one, else to a core inside this process.
//
// Creation is guarded by a three-state word instead of a lock, since a lock would have to be created too.
#include <stdio.h>
#include <stdlib.h>

#include "api/api.h"
#include "base/format.h"
#include "base/version.h"
#include "pal/pal.h"
#include "remote/remote.h"
#if PST_HAVE_EXT
#include "ext/net/xdp.h"
#endif

// Far above what an operating system gives out: close(2) of one fails and closes nobody's file. Each new core begins elsewhere, so that an
// object which outlived postern_shutdown cannot close descriptors of the next.
#define DESCRIPTORS_FIRST (1u << 28)
#define DESCRIPTORS_STEP (1u << 16)
#define DESCRIPTORS_ROUNDS (1u << 14)

enum { RUNTIME_NONE, RUNTIME_CHANGING, RUNTIME_READY };

static int g_state = RUNTIME_NONE;
static pst_core *g_core;
static pst_client *g_client;
static struct postern_options g_options;
static pst_trust g_trust; // of g_options.trust, read when the core is created
static uint32_t g_round; // how many cores there were
static const api_door *g_door;
#if PST_HAVE_EXT
static pst_net *g_net;
#endif

static void trace(void *user, const char *text)
{
    if (g_options.trace)
        g_options.trace(g_options.user, text);
    else
        api_print(LIBBPF_INFO, "bpf_printk: %s\n", text);
}

static void trap(void *user, const char *program, const char *text)
{
    if (g_options.trap)
        g_options.trap(g_options.user, program, text);
    else
        api_print(LIBBPF_WARN, "program %s: %s\n", program, text);
}

// A profiler that does not learn a name shows an address: no reason to refuse a program.
static void name_code(void *user, const char *name, const void *bytes, size_t size)
{
    (void)user;
    (void)pst_pal_code_name(bytes, size, name);
}

static bool wants_perf_map(void)
{
    const char *asked = getenv("POSTERN_PERF_MAP");
    return g_options.perf_map || (asked && strcmp(asked, "1") == 0);
}

static void destroy(void)
{
    if (g_door == &api_remote_door) api_remote_close();
    g_door = NULL;
    if (g_client) pst_client_free(g_client);
#if PST_HAVE_EXT
    if (g_net) pst_net_free(g_net);
    g_net = NULL;
#endif
    if (g_core) pst_core_free(g_core);
    g_client = NULL;
    g_core = NULL;
}

// NULL: this process has a core of its own.
static const char *host_path(void)
{
    const char *path = g_options.host ? g_options.host : getenv("POSTERN_HOST");
    if (!path || !*path) return NULL;
    return strcmp(path, "1") == 0 ? PST_REMOTE_DEFAULT : path;
}

static pst_status create(void)
{
    const char *host = host_path();
    if (host) {
        PST_TRY(api_remote_open(host));
        g_door = &api_remote_door;
        return PST_OK;
    }
    pst_core_options options = {.size = sizeof options, .trace = trace, .trap = trap, .budget = g_options.budget, .engine = g_options.engine,
                                .strict = g_options.strict, .harden = g_options.harden, .trust = &g_trust,
                                .allow_unsigned = g_options.allow_unsigned,
                                .meter = g_options.meter, .meter_turns = g_options.meter_turns,
                                .code = wants_perf_map() ? name_code : NULL};
    g_trust = (pst_trust){0};
    if (g_options.trust) PST_TRY(api_trust_read(g_options.trust, &g_trust));
    PST_TRY(pst_core_create(api_env(), &options, &g_core));
#if PST_HAVE_EXT
    PST_TRY(pst_net_create(api_env(), g_core, &g_net));
#endif
    PST_TRY(pst_client_create(g_core, &g_client));
    pst_client_number_from(g_client, (int)(DESCRIPTORS_FIRST + g_round++ % DESCRIPTORS_ROUNDS * DESCRIPTORS_STEP));
    g_door = &api_local_door;
    return PST_OK;
}

// The sentence that create left, if it left one, says more than its status.
static void say_why_not(pst_status status)
{
    char why[768];
    const char *said = postern_last_error();
    (void)pst_format(why, sizeof why, "%s", *said ? said : pst_status_text(status));
    int err = status == PST_E_NOTFOUND && host_path() ? ECONNREFUSED : api_errno_of(status);
    (void)api_fail(err, "no core: %s", why);
}

// True: the runtime is ready. Another thread that creates it is waited for.
static bool start(void)
{
    for (;;) {
        int expected = RUNTIME_NONE;
        if (PST_LIKELY(PST_ATOMIC_LOAD(&g_state) == RUNTIME_READY)) return true;
        if (PST_ATOMIC_CAS(&g_state, &expected, RUNTIME_CHANGING)) break;
        pst_pal_yield();
    }
    api_forget_error();
    pst_status status = create();
    if (status != PST_OK) destroy();
    PST_ATOMIC_STORE(&g_state, status == PST_OK ? RUNTIME_READY : RUNTIME_NONE);
    if (status != PST_OK) say_why_not(status);
    return status == PST_OK;
}

const api_door *api_door_get(void)
{
    return start() ? g_door : NULL;
}

pst_client *api_client(void)
{
    return start() ? g_client : NULL;
}

pst_core *api_core(void)
{
    return start() ? g_core : NULL;
}

struct pst_net *api_net(void)
{
#if PST_HAVE_EXT
    return start() ? g_net : NULL;
#else
    return NULL;
#endif
}

int postern_configure(const struct postern_options *options)
{
    struct postern_options copy;
    if (!options || !api_opts_copy(&copy, sizeof copy, options))
        return api_fail(EINVAL, "postern_configure: size is not that of a struct postern_options");
    if (copy.engine > POSTERN_ENGINE_CHECKED) return api_fail(EINVAL, "postern_configure: there is no engine %u", copy.engine);
    if (copy.harden > POSTERN_HARDEN_OFF) return api_fail(EINVAL, "postern_configure: harden is 0, POSTERN_HARDEN_ON or POSTERN_HARDEN_OFF, not %u", copy.harden);
    int expected = RUNTIME_NONE;
    if (!PST_ATOMIC_CAS(&g_state, &expected, RUNTIME_CHANGING))
        return api_fail(EBUSY, "postern_configure: the core runs already; call it first, or after postern_shutdown");
    g_options = copy;
    PST_ATOMIC_STORE(&g_state, RUNTIME_NONE);
    return 0;
}

void postern_shutdown(void)
{
    int expected = RUNTIME_READY;
    if (!PST_ATOMIC_CAS(&g_state, &expected, RUNTIME_CHANGING)) return;
    // Hooks let go of programs before the bridges, and those before the provider.
    api_xdp_forget();
    if (g_client) pst_client_free(g_client);
    g_client = NULL;
    api_bridges_shutdown();
    destroy();
    PST_ATOMIC_STORE(&g_state, RUNTIME_NONE);
}

const char *postern_version(void)
{
    return PST_VERSION;
}

void api_copy_version(struct postern_about *out, const char *version)
{
    (void)snprintf(out->version, sizeof out->version, "%s", version);
}

int postern_about(struct postern_about *out)
{
    const api_door *door = api_door_get();
    struct postern_about known = {.size = sizeof known};
    if (!door) return -errno;
    if (!out || out->size < sizeof out->size) return api_fail(EINVAL, "postern_about: size is not that of a struct postern_about");
    int64_t result = door->about(&known);
    if (result < 0) return api_fail(api_errno((int)-result), "the host does not say what it is: %s", api_why(api_errno((int)-result)));
    size_t size = known.size = out->size < sizeof known ? out->size : sizeof known;
    memcpy(out, &known, size);
    return 0;
}

int postern_next_process(uint32_t pid, uint32_t *next)
{
    const api_door *door = api_door_get();
    if (!door) return -errno;
    int64_t result = door->client_next(pid);
    if (result < 0) return api_err(-api_errno((int)-result));
    *next = (uint32_t)result;
    return 0;
}

int api_command(uint32_t cmd, void *attr, size_t size)
{
    const api_door *door = api_door_get();
    if (!door) return -errno;
    int64_t result = door->command(cmd, attr, (uint32_t)size);
    if (result >= 0) return (int)result;
    return api_err(-api_errno((int)-result));
}

const char *api_why(int err)
{
    const char *text = PST_ATOMIC_LOAD(&g_state) == RUNTIME_READY ? g_door->why() : "";
    return text && *text ? text : api_errno_text(err < 0 ? -err : err);
}

void api_close(int *fd)
{
    if (*fd < 0) return;
    int saved = errno; // closing belongs to clean-up, which must not hide why it is done
    if (PST_ATOMIC_LOAD(&g_state) == RUNTIME_READY) (void)g_door->close(*fd);
    errno = saved;
    *fd = -1;
}

int postern_close(int fd)
{
    const api_door *door = api_door_get();
    if (!door) return -errno;
    int64_t result = door->close(fd);
    return result < 0 ? api_fail(api_errno((int)-result), "postern_close: %d is no open descriptor", fd) : 0;
}

int api_unpin(const char *path)
{
    const api_door *door = api_door_get();
    if (!door) return -errno;
    return api_err(-api_errno((int)-door->unpin(path)));
}
