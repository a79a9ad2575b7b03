// cmd_run.c: `postern run`: the way of one program from its file to a hook, the loop while it runs, and the orderly end.
//
// Phases: options -> object -> bridge -> link -> loop -> end. What one phase made is undone in the reverse order, whatever happens
// later; signals only set flags that the loop reads.
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/format.h"
#include "cli/cli.h"
#include "cli/run_command.h"
#include "pal/pal.h"

#define POLL_MS 100

static volatile sig_atomic_t g_stop, g_detach;

static void on_stop(int number)
{
    g_stop = 1;
}

#ifdef SIGUSR1
static void on_detach(int number)
{
    g_detach = 1;
}
#endif

static void catch_signals(void)
{
    signal(SIGINT, on_stop);
    signal(SIGTERM, on_stop);
#ifdef SIGHUP
    signal(SIGHUP, on_stop);
#endif
#ifdef SIGUSR1
    signal(SIGUSR1, on_detach);
#endif
}

// --- Options -------------------------------------------------------------------------------------------------------

// "xdp:IFACE[,IFACE2]".
static cli_exit parse_hook(const cli_args *args, run_state *run)
{
    const char *hook = cli_value(args, "hook");
    if (!hook) return cli_fail(CLI_USAGE, "run needs a hook: --hook xdp:IFACE or --hook xdp:IFACE,IFACE2");
    if (strncmp(hook, "xdp:", 4) != 0)
        return cli_fail(CLI_USAGE, "--hook %s: a hook is written xdp:IFACE or xdp:IFACE,IFACE2", hook);
    const char *first = hook + 4, *comma = strchr(first, ',');
    const char *second = comma ? comma + 1 : NULL;
    size_t length = comma ? (size_t)(comma - first) : strlen(first);
    if (!length || length >= RUN_NAME_MAX || (second && (!*second || strlen(second) >= RUN_NAME_MAX || strchr(second, ','))))
        return cli_fail(CLI_USAGE, "--hook %s: one or two names of interfaces are expected after xdp:", hook);
    memcpy(run->port[0], first, length);
    if (second) memcpy(run->port[1], second, strlen(second) + 1);
    run->ports = second ? 2 : 1;
    if (second && strcmp(run->port[0], run->port[1]) == 0)
        return cli_fail(CLI_USAGE, "--hook %s: an interface cannot be joined with itself", hook);
    return CLI_OK;
}

static cli_exit parse_options(const cli_args *args, run_state *run)
{
    run->args = args;
    run->file = args->argument[0];
    run->stats_interval_ns = 5000000000u;
    run->duration_ns = run->detach_after_ns = UINT64_MAX;
    cli_exit code = parse_hook(args, run);
    if (code == CLI_OK) code = cli_seconds(args, "duration", &run->duration_ns);
    if (code == CLI_OK) code = cli_seconds(args, "detach-after", &run->detach_after_ns);
    if (code == CLI_OK) code = cli_seconds(args, "stats-interval", &run->stats_interval_ns);
    return code;
}

// --- Setting up ------------------------------------------------------------------------------------------------------

static cli_exit load(run_state *run)
{
    cli_exit code = cli_open(run->file, cli_value(run->args, "btf"), &run->object);
    if (code == CLI_OK) code = cli_pick(run->object, run->file, cli_value(run->args, "program"), BPF_PROG_TYPE_XDP, &run->program);
    if (code != CLI_OK) return code;
    // A named program may stand in a section that says nothing; a section that says something else must not be overruled.
    if (bpf_program__type(run->program) == BPF_PROG_TYPE_UNSPEC) bpf_program__set_type(run->program, BPF_PROG_TYPE_XDP);
    if (bpf_program__type(run->program) != BPF_PROG_TYPE_XDP)
        return cli_fail(CLI_REJECTED, "%s: program %s is of type %s and cannot run at an xdp hook", run->file, bpf_program__name(run->program),
                        libbpf_bpf_prog_type_str(bpf_program__type(run->program)));
    run->types = cli_types(run->object);
    code = cli_set_variables(run->args, run->object, run->types);
    if (code == CLI_OK) code = cli_load(run->object, run->program);
    if (code == CLI_OK) code = cli_set_elements(run->args, run->object, run->types);
    return code;
}

static cli_exit exit_of_bridge(int err)
{
    if (err == ENODEV || err == ENOENT) return CLI_MISSING;
    if (err == EACCES || err == EPERM) return CLI_DENIED;
    return err == EINVAL ? CLI_USAGE : CLI_FAILED;
}

static cli_exit open_bridge(run_state *run)
{
    int make_tap = cli_value(run->args, "make-tap") != NULL;
    struct postern_bridge_options options = {
        .size = sizeof options, .port = {run->port[0], run->ports == 2 ? run->port[1] : NULL}, .make_tap = {make_tap, make_tap}};
    run->bridge = postern_bridge_open(&options);
    return run->bridge ? CLI_OK : cli_fail_last(exit_of_bridge(errno), "the interfaces cannot be opened");
}

static cli_exit attach(run_state *run)
{
    unsigned count = run->ports == 2 && !cli_value(run->args, "one-way") ? 2 : 1;
    for (unsigned i = 0; i < count; i++) {
        run->link[i] = bpf_program__attach_xdp(run->program, (int)postern_bridge_ifindex(run->bridge, i));
        if (!run->link[i]) return cli_fail_last(CLI_FAILED, "the program cannot be attached");
    }
    return CLI_OK;
}

static void detach(run_state *run)
{
    for (unsigned i = 0; i < 2; i++) {
        (void)bpf_link__destroy(run->link[i]);
        run->link[i] = NULL;
    }
}

static void tear_down(run_state *run)
{
    detach(run);
    postern_bridge_close(run->bridge);
    cli_events_close(run->events);
    bpf_object__close(run->object);
    pst_btf_free(run->types);
}

// --- The loop ----------------------------------------------------------------------------------------------------------

static void detach_in_flight(run_state *run)
{
    detach(run);
    run->detached = true;
    run_print_note(run, "detached", "the program is off; forwarding goes on");
}

static void loop(run_state *run)
{
    uint64_t start = pst_pal_time_ns(), next_stats = run->stats_interval_ns ? start + run->stats_interval_ns : UINT64_MAX;
    for (;;) {
        uint64_t now = pst_pal_time_ns();
        run->elapsed_ns = now - start;
        if (g_stop || run->elapsed_ns >= run->duration_ns) break;
        if (!run->detached && (g_detach || run->elapsed_ns >= run->detach_after_ns)) detach_in_flight(run);
        if (now >= next_stats) {
            run_print_stats(run, false);
            next_stats = now + run->stats_interval_ns;
        }
        cli_events_poll(run->events, POLL_MS);
    }
    run->elapsed_ns = pst_pal_time_ns() - start;
}

static cli_exit start(run_state *run)
{
    cli_exit code = load(run);
    if (code == CLI_OK)
        code = cli_events_open(run->object, run->types, cli_value(run->args, "events"), cli_value(run->args, "event-type"), run->args->json,
                               &run->events);
    if (code == CLI_OK) code = open_bridge(run);
    if (code == CLI_OK) code = attach(run);
    return code;
}

cli_exit cli_run(const cli_args *args)
{
    run_state *run = calloc(1, sizeof *run);
    if (!run) return cli_fail(CLI_FAILED, "no memory");
    catch_signals();
    cli_exit code = cli_watch_core(args);
    if (code == CLI_OK) code = parse_options(args, run);
    if (code == CLI_OK) code = start(run);
    if (code == CLI_OK) {
        run_print_start(run);
        loop(run);
        detach(run); // nothing new arrives while the rest is printed
        cli_events_poll(run->events, 0);
        run_print_stats(run, true);
        run_print_summary(run);
    }
    tear_down(run);
    free(run);
    return code;
}
