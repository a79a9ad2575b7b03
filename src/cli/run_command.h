// run_command.h: the state of `postern run`, shared by its loop (cmd_run.c) and what it prints (run_print.c).
#ifndef PST_CLI_RUN_COMMAND_H
#define PST_CLI_RUN_COMMAND_H

#include "cli/cli.h"

#define RUN_NAME_MAX 64

typedef struct run_state {
    const cli_args *args;
    const char *file;
    char port[2][RUN_NAME_MAX];
    unsigned ports;
    uint64_t duration_ns, detach_after_ns, stats_interval_ns, elapsed_ns; // UINT64_MAX: never
    struct bpf_object *object;
    struct bpf_program *program;
    pst_btf *types; // NULL: none
    struct postern_bridge *bridge;
    struct bpf_link *link[2];
    cli_events *events;
    bool detached;
    struct postern_port_stats last[2]; // as printed before
} run_state;

void run_print_start(const run_state *run);
/// Statistics per port when they changed, or always.
void run_print_stats(run_state *run, bool always);
void run_print_note(const run_state *run, const char *type, const char *text);
void run_print_summary(const run_state *run);

#endif
