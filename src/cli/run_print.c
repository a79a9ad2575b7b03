// run_print.c: what `postern run` prints besides events: the start, statistics, the summary; as text or JSON lines.
#include <string.h>

#include "cli/run_command.h"

static const char *port_note(const run_state *run)
{
    switch (postern_bridge_port_kind(run->bridge, 0)) {
    case POSTERN_PORT_PACKET: return "joined inline: verdicts are enforced";
    case POSTERN_PORT_TAP: return "a TAP device: verdicts are enforced";
    case POSTERN_PORT_WATCH: return "watched only: verdicts are counted, frames pass anyway";
    }
    return "";
}

static const char *port_kind_name(const run_state *run)
{
    switch (postern_bridge_port_kind(run->bridge, 0)) {
    case POSTERN_PORT_PACKET: return "inline";
    case POSTERN_PORT_TAP: return "tap";
    case POSTERN_PORT_WATCH: return "watch";
    }
    return "";
}

void run_print_start(const run_state *run)
{
    size_t insns = bpf_program__insn_cnt(run->program);
    if (run->args->json) {
        cli_line line;
        cli_line_begin(&line, "start");
        pst_json_key(&line.json, "program");
        pst_json_string(&line.json, bpf_program__name(run->program));
        pst_json_key(&line.json, "instructions");
        pst_json_u64(&line.json, insns);
        pst_json_key(&line.json, "mode");
        pst_json_string(&line.json, port_kind_name(run));
        pst_json_key(&line.json, "ports");
        pst_json_array_begin(&line.json);
        for (unsigned i = 0; i < run->ports; i++) pst_json_string(&line.json, run->port[i]);
        pst_json_array_end(&line.json);
        cli_line_end(&line);
        return;
    }
    pst_text out;
    pst_text_init(&out, cli_env());
    pst_text_format(&out, "%srunning%s %s (xdp, %zu instructions) on %s%s%s, %s; ctrl-C ends it", cli_colour_on(CLI_BOLD), cli_colour_off(),
                    bpf_program__name(run->program), insns, run->port[0], run->ports == 2 ? " and " : "", run->port[1], port_note(run));
    cli_emit(&out);
}

void run_print_note(const run_state *run, const char *type, const char *text)
{
    if (run->args->json) {
        cli_line line;
        cli_line_begin(&line, type);
        cli_line_end(&line);
        return;
    }
    pst_text out;
    pst_text_init(&out, cli_env());
    pst_text_format(&out, "%s%s%s %s", cli_colour_on(CLI_YELLOW), type, cli_colour_off(), text);
    cli_emit(&out);
}

// --- Statistics ----------------------------------------------------------------------------------------------------

#define COUNTER_LIST(X)                                                                                        \
    X(rx_frames, "received") X(passed, "passed") X(dropped, "dropped") X(aborted, "aborted") X(sent_back, "tx") \
    X(redirected, "redirected") X(no_program, "unseen") X(tx_frames, "sent") X(kernel_drops, "lost") X(tx_errors, "send errors")

static void stats_json(const char *port, const struct postern_port_stats *s, pst_json *json)
{
    pst_json_object_begin(json);
    pst_json_key(json, "port");
    pst_json_string(json, port);
#define X(field, name)         \
    pst_json_key(json, #field); \
    pst_json_u64(json, s->field);
    COUNTER_LIST(X)
    X(rx_bytes, "") X(tx_bytes, "")
#undef X
    pst_json_object_end(json);
}

// Counters that stayed 0 are only noise, except for the verdicts that everybody looks for.
static void stats_text(const char *port, const struct postern_port_stats *s, pst_text *out)
{
    pst_text_format(out, "%sstats%s  %s ", cli_colour_on(CLI_DIM), cli_colour_off(), port);
#define X(field, name)                                                                                            \
    if (s->field || strcmp(name, "received") == 0 || strcmp(name, "passed") == 0 || strcmp(name, "dropped") == 0) \
        pst_text_format(out, " %s %llu", name, (unsigned long long)s->field);
    COUNTER_LIST(X)
#undef X
}

void run_print_stats(run_state *run, bool always)
{
    struct postern_port_stats stats[2] = {0};
    for (unsigned i = 0; i < run->ports; i++) (void)postern_bridge_stats(run->bridge, i, &stats[i]);
    if (!always && memcmp(stats, run->last, sizeof stats) == 0) return;
    memcpy(run->last, stats, sizeof stats);
    // The last ones are part of the JSON summary.
    if (run->args->json && always) return;
    if (run->args->json) {
        cli_line line;
        cli_line_begin(&line, "stats");
        pst_json_key(&line.json, "ports");
        pst_json_array_begin(&line.json);
        for (unsigned i = 0; i < run->ports; i++) stats_json(run->port[i], &stats[i], &line.json);
        pst_json_array_end(&line.json);
        cli_line_end(&line);
        return;
    }
    for (unsigned i = 0; i < run->ports; i++) {
        pst_text out;
        pst_text_init(&out, cli_env());
        stats_text(run->port[i], &stats[i], &out);
        cli_emit(&out);
    }
}

// --- Summary -------------------------------------------------------------------------------------------------------

static void summary_json(const run_state *run)
{
    cli_line line;
    cli_line_begin(&line, "summary");
    pst_json_key(&line.json, "duration_ns");
    pst_json_u64(&line.json, run->elapsed_ns);
    pst_json_key(&line.json, "events");
    pst_json_u64(&line.json, cli_events_count(run->events));
    pst_json_key(&line.json, "events_lost");
    pst_json_u64(&line.json, cli_events_lost(run->events));
    pst_json_key(&line.json, "traps");
    pst_json_u64(&line.json, cli_trap_count());
    pst_json_key(&line.json, "ports");
    pst_json_array_begin(&line.json);
    for (unsigned i = 0; i < run->ports; i++) stats_json(run->port[i], &run->last[i], &line.json);
    pst_json_array_end(&line.json);
    cli_contents_json(run->object, run->types, &line.json);
    cli_line_end(&line);
}

void run_print_summary(const run_state *run)
{
    if (run->args->json) {
        summary_json(run);
        return;
    }
    uint64_t seen = 0, stopped = 0;
    for (unsigned i = 0; i < run->ports; i++) {
        seen += run->last[i].rx_frames;
        stopped += run->last[i].dropped + run->last[i].aborted;
    }
    pst_text out;
    pst_text_init(&out, cli_env());
    pst_text_format(&out, "%ssummary%s %llu frames in %u.%03u s, %llu stopped, %llu events", cli_colour_on(CLI_BOLD), cli_colour_off(),
                    (unsigned long long)seen, (unsigned)(run->elapsed_ns / 1000000000u), (unsigned)(run->elapsed_ns / 1000000u % 1000u),
                    (unsigned long long)stopped, (unsigned long long)cli_events_count(run->events));
    if (cli_events_lost(run->events)) pst_text_format(&out, " (%llu lost)", (unsigned long long)cli_events_lost(run->events));
    if (cli_trap_count()) pst_text_format(&out, ", %s%llu traps%s", cli_colour_on(CLI_RED), (unsigned long long)cli_trap_count(), cli_colour_off());
    cli_emit(&out);
    cli_contents_text(run->object, run->types);
}
