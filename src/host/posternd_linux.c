// posternd_linux.c: the program posternd: options, a core with the extensions of this host, and the server.
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/format.h"
#include "host/server.h"
#include "pal/pal.h"
#include "remote/remote.h"
#if PST_HAVE_EXT
#include "ext/net/xdp.h"
#endif

enum { EXIT_USAGE = 2 };

static const char g_help[] =
    "Usage: posternd [OPTION]...\n"
    "Runs a core for many clients: programs, maps and links live here, and clients come and go. Clients are `postern`, programs that use\n"
    "libpostern (both with POSTERN_HOST set), and any program that uses bpf(2) (see `postern shim`).\n"
    "\n"
    "  -s, --socket PATH   where clients connect (default " PST_REMOTE_DEFAULT "; a socket from a service manager is used instead)\n"
    "  -g, --group NAME    members of the group have all rights, as root and the host's own user have\n"
    "  -o, --open          other users may connect too: they see only what they made, load by the strict rules, and attach nothing\n"
    "  -n, --no-dynamic-code\n"
    "                      no machine code is made: programs are interpreted, whatever their loader asks for\n"
    "  -f, --foreground    stay attached to the terminal (the default: a service manager or `&` does the rest)\n"
    "  -v, --verbose       say more on standard error\n"
    "  -h, --help          explain this and exit\n"
    "\n"
    "SIGTERM and SIGINT end it: programs are taken off their hooks first. Readiness is told by sd_notify(3)'s protocol and on standard error.\n"
    "Example: posternd --socket /tmp/h.sock & POSTERN_HOST=/tmp/h.sock postern show programs\n";

static bool g_verbose;

static void say(void *user, pst_log_level level, const char *text)
{
    (void)user;
    if (level > PST_LOG_WARN && !g_verbose) return;
    fprintf(stderr, "posternd: %s\n", text);
}

static void trace(void *user, const char *text)
{
    (void)user;
    if (g_verbose) fprintf(stderr, "posternd: bpf_printk: %s\n", text);
}

static void trap(void *user, const char *program, const char *text)
{
    (void)user;
    fprintf(stderr, "posternd: program %s: %s\n", program, text);
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
    return asked && strcmp(asked, "1") == 0;
}

// READY=1 to the service manager, if there is one.
static void notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = path ? strlen(path) : 0;
    if (length < 2 || length >= sizeof address.sun_path) return;
    memcpy(address.sun_path, path, length);
    if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return;
    (void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
    close(fd);
}

static void ready(void *user)
{
    const host_options *options = user;
    fprintf(stderr, "posternd: ready at %s\n", options->socket_path);
    notify("READY=1");
}

// The folder of the default socket; a folder that somebody names is their own to make.
static void make_default_folder(const host_options *options)
{
    if (strcmp(options->socket_path, PST_REMOTE_DEFAULT) == 0) (void)mkdir("/run/postern", 0755);
}

static pst_status run(const pst_env *env, const host_options *options)
{
    pst_core *core;
    pst_core_options core_options = {.size = sizeof core_options, .trace = trace, .trap = trap, .share_memory = true, .code = wants_perf_map() ? name_code : NULL,
                                     .engine = options->dynamic_code ? PST_CORE_ENGINE_ANY : PST_CORE_ENGINE_INTERP};
    PST_TRY(pst_core_create(env, &core_options, &core));
    pst_status status = PST_OK;
#if PST_HAVE_EXT
    pst_net *net = NULL;
    status = pst_net_create(env, core, &net);
#endif
    make_default_folder(options);
    if (status == PST_OK) status = host_run(env, core, options);
    notify("STOPPING=1");
#if PST_HAVE_EXT
    if (net) pst_net_free(net);
#endif
    pst_core_free(core);
    return status;
}

int main(int argc, char **argv)
{
    static const struct option long_options[] = {
        {"socket", required_argument, NULL, 's'}, {"group", required_argument, NULL, 'g'}, {"open", no_argument, NULL, 'o'},
        {"no-dynamic-code", no_argument, NULL, 'n'}, {"foreground", no_argument, NULL, 'f'}, {"verbose", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'}, {0},
    };
    host_options options = {.socket_path = PST_REMOTE_DEFAULT, .dynamic_code = true, .ready = ready, .user = &options};
    for (int option; (option = getopt_long(argc, argv, "s:g:onfvh", long_options, NULL)) != -1;) {
        switch (option) {
        case 's': options.socket_path = optarg; break;
        case 'g': options.group = optarg; break;
        case 'o': options.open = true; break;
        case 'n': options.dynamic_code = false; break;
        case 'f': break;
        case 'v': g_verbose = true; break;
        case 'h': fputs(g_help, stdout); return EXIT_SUCCESS;
        default: fputs("posternd: see posternd --help\n", stderr); return EXIT_USAGE;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "posternd: \"%s\" is not expected: see posternd --help\n", argv[optind]);
        return EXIT_USAGE;
    }
    pst_env env = *pst_pal_env();
    env.log = say;
    return run(&env, &options) == PST_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
