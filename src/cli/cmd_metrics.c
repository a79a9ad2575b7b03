// cmd_metrics.c: `postern metrics`: the core at hand in Prometheus' text format (version 0.0.4).
#include <stdio.h>

#include "catalog/catalog.h"
#include "cli/live.h"
#include "cli/metrics_server.h"
#include "pal/pal.h"

static void head(pst_text *out, const char *name, const char *type, const char *help)
{
    pst_text_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

// The value of a label: quotes, backslashes and line ends would break the line.
static void label(pst_text *out, const char *name, const char *value)
{
    pst_text_format(out, "%s=\"", name);
    for (; *value; value++) {
        if (*value == '"' || *value == '\\') pst_text_bytes(out, "\\", 1);
        if (*value == '\n') pst_text_add(out, "\\n");
        else pst_text_bytes(out, value, 1);
    }
    pst_text_add(out, "\"");
}

static void seconds(pst_text *out, uint64_t ns)
{
    pst_text_format(out, " %llu.%09llu\n", (unsigned long long)(ns / 1000000000u), (unsigned long long)(ns % 1000000000u));
}

static void core_metrics(const live_state *state, pst_text *out)
{
    const struct {
        const char *kind;
        size_t count;
    } objects[] = {{"program", state->program_count}, {"map", state->map_count}, {"link", state->link_count}, {"pin", state->pin_count}};
    head(out, "postern_info", "gauge", "What the core is; the value is 1.");
    pst_text_add(out, "postern_info{");
    label(out, "version", state->about.version);
    pst_text_add(out, ",");
    label(out, "engine", live_engine_name(state->about.engine));
    pst_text_add(out, ",");
    label(out, "dynamic_code", state->about.dynamic_code ? "yes" : "no");
    pst_text_add(out, "} 1\n");
    head(out, "postern_uptime_seconds", "gauge", "Time since the core began.");
    pst_text_add(out, "postern_uptime_seconds");
    seconds(out, state->about.uptime_ns);
    head(out, "postern_statistics_enabled", "gauge", "Whether runs are counted and timed.");
    pst_text_format(out, "postern_statistics_enabled %d\n", state->about.statistics);
    head(out, "postern_objects", "gauge", "Objects that live in the core, by kind.");
    for (size_t i = 0; i < PST_COUNT(objects); i++) pst_text_format(out, "postern_objects{kind=\"%s\"} %zu\n", objects[i].kind, objects[i].count);
}

static void program_labels(const live_program *program, pst_text *out)
{
    pst_text_format(out, "{id=\"%u\",", program->info.id);
    label(out, "name", program->info.name);
    pst_text_add(out, ",");
    label(out, "type", pst_prog_type_name(program->info.type));
    pst_text_add(out, "}");
}

static void program_metrics(const live_state *state, pst_text *out)
{
    head(out, "postern_program_runs_total", "counter", "Runs while statistics were on.");
    for (size_t i = 0; i < state->program_count; i++) {
        pst_text_add(out, "postern_program_runs_total");
        program_labels(&state->programs[i], out);
        pst_text_format(out, " %llu\n", (unsigned long long)state->programs[i].info.run_cnt);
    }
    head(out, "postern_program_run_seconds_total", "counter", "Time of these runs.");
    for (size_t i = 0; i < state->program_count; i++) {
        pst_text_add(out, "postern_program_run_seconds_total");
        program_labels(&state->programs[i], out);
        seconds(out, state->programs[i].info.run_time_ns);
    }
    head(out, "postern_program_links", "gauge", "Hooks that the program is attached to.");
    for (size_t i = 0; i < state->program_count; i++) {
        pst_text_add(out, "postern_program_links");
        program_labels(&state->programs[i], out);
        pst_text_format(out, " %zu\n", live_links_of(state, state->programs[i].info.id));
    }
}

static void map_metrics(const live_state *state, pst_text *out)
{
    head(out, "postern_map_max_entries", "gauge", "Elements that the map has room for.");
    for (size_t i = 0; i < state->map_count; i++) {
        pst_text_format(out, "postern_map_max_entries{id=\"%u\",", state->maps[i].id);
        label(out, "name", state->maps[i].name);
        pst_text_add(out, ",");
        label(out, "type", pst_map_type_name(state->maps[i].type));
        pst_text_format(out, "} %u\n", state->maps[i].max_entries);
    }
}

// Runs are counted for the time of --interval; without it, as far as others have statistics on.
static cli_exit count_for_a_while(const cli_args *args)
{
    uint64_t interval_ns = 0;
    cli_exit code = cli_seconds(args, "interval", &interval_ns);
    if (code != CLI_OK || interval_ns == 0) return code;
    int fd = live_statistics(&code);
    if (fd < 0) return code;
    pst_pal_sleep_ns(interval_ns);
    (void)postern_close(fd);
    return CLI_OK;
}

// The page, whole or not at all.
static cli_exit make(pst_text *out, live_state *state)
{
    cli_exit code = live_read(state);
    if (code != CLI_OK) return code;
    core_metrics(state, out);
    program_metrics(state, out);
    map_metrics(state, out);
    return out->failed ? cli_fail(CLI_FAILED, "no memory for metrics") : CLI_OK;
}

// The same for whoever asks over HTTP. Runs are counted from the first request on, and again when the host has been started anew.
static cli_exit make_page(void *user, pst_text *out)
{
    int *statistics = user;
    live_state state;
    cli_exit code = make(out, &state);
    if (code == CLI_OK && !state.about.statistics) {
        if (*statistics >= 0) (void)postern_close(*statistics);
        *statistics = live_statistics(&code);
    }
    live_free(&state);
    return code;
}

static cli_exit serve(const char *where)
{
    int statistics = -1;
    cli_exit code = metrics_serve(where, make_page, &statistics);
    if (statistics >= 0) (void)postern_close(statistics);
    return code;
}

cli_exit cli_metrics(const cli_args *args)
{
    live_state state;
    pst_text out;
    const char *where = cli_value(args, "listen");
    if (where && cli_value(args, "interval")) return cli_fail(CLI_USAGE, "--listen and --interval do not go together: a server has runs counted all the time");
    if (where) return serve(where);
    cli_exit code = count_for_a_while(args);
    if (code != CLI_OK) return code;
    pst_text_init(&out, cli_env());
    code = make(&out, &state);
    if (code == CLI_OK) fputs(pst_text_cstr(&out), stdout);
    pst_text_free(&out);
    live_free(&state);
    return code;
}
