// cmd_top.c: `postern top`: what the programs of a core do, measured from one look to the next.
//
// The core counts runs and their time (BPF_ENABLE_STATS); it keeps no distribution, so there is an average and no percentile.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/catalog.h"
#include "cli/live.h"
#include "pal/pal.h"

typedef struct top_row {
    const live_program *program;
    uint64_t runs, time_ns; // in the interval
    double rate, share, average_ns; // a second; of one CPU; of a run, 0: there was none
} top_row;

typedef struct top_state {
    const cli_args *args;
    const char *filter;
    int (*order)(const void *a, const void *b);
    uint64_t interval_ns, count;
    bool clears; // the screen, before each table; else an empty line parts them
} top_state;

static int by_number(double a, double b) { return (a < b) - (a > b); } // the largest first

#define ORDER(name, comparison)                                \
    static int order_##name(const void *left, const void *right) \
    {                                                          \
        const top_row *a = left, *b = right;                   \
        int order = comparison;                                \
        return order ? order : (a->program->info.id > b->program->info.id) - (a->program->info.id < b->program->info.id); \
    }
ORDER(share, by_number(a->share, b->share))
ORDER(rate, by_number(a->rate, b->rate))
ORDER(average, by_number(a->average_ns, b->average_ns))
ORDER(runs, by_number((double)a->program->info.run_cnt, (double)b->program->info.run_cnt))
ORDER(name, strcmp(a->program->info.name, b->program->info.name))
ORDER(id, 0)

static cli_exit read_options(top_state *top)
{
    static const struct {
        const char *name;
        int (*order)(const void *a, const void *b);
    } orders[] = {{"share", order_share}, {"rate", order_rate}, {"average", order_average}, {"runs", order_runs}, {"name", order_name}, {"id", order_id}};
    const char *sort = cli_value(top->args, "sort");
    top->filter = cli_value(top->args, "filter");
    top->interval_ns = 1000000000u;
    for (size_t i = 0; i < PST_COUNT(orders); i++)
        if (strcmp(sort ? sort : "share", orders[i].name) == 0) top->order = orders[i].order;
    if (!top->order) return cli_fail(CLI_USAGE, "--sort %s: share, rate, average, runs, name or id is expected", sort);
    cli_exit code = cli_seconds(top->args, "interval", &top->interval_ns);
    return code == CLI_OK ? cli_number(top->args, "count", UINT32_MAX, &top->count) : code;
}

static bool is_wanted(const top_state *top, const live_program *program)
{
    return !top->filter || strstr(program->info.name, top->filter) || strstr(pst_prog_type_name(program->info.type), top->filter);
}

static top_row row_of(const live_program *program, const live_program *before, double seconds)
{
    uint64_t runs = program->info.run_cnt - (before ? before->info.run_cnt : 0), time_ns = program->info.run_time_ns - (before ? before->info.run_time_ns : 0);
    return (top_row){.program = program,
                     .runs = runs,
                     .time_ns = time_ns,
                     .rate = seconds > 0 ? (double)runs / seconds : 0,
                     .share = seconds > 0 ? (double)time_ns / 1e9 / seconds : 0,
                     .average_ns = runs ? (double)time_ns / (double)runs : 0};
}

static void print_json(const live_state *state, const top_row *row)
{
    const pst_bpf_prog_info *info = &row->program->info;
    char number[48];
    cli_line line;
    cli_line_begin(&line, "program");
    pst_json *json = &line.json;
    pst_json_key(json, "id");
    pst_json_u64(json, info->id);
    pst_json_key(json, "name");
    pst_json_string(json, info->name);
    pst_json_key(json, "program_type");
    pst_json_string(json, pst_prog_type_name(info->type));
    pst_json_key(json, "mode");
    pst_json_string(json, live_mode(state, row->program));
    const struct {
        const char *key;
        double value;
    } measured[] = {{"runs_per_second", row->rate}, {"share", row->share}, {"average_ns", row->average_ns}};
    for (size_t i = 0; i < PST_COUNT(measured); i++) {
        snprintf(number, sizeof number, "%.6g", measured[i].value);
        pst_json_key(json, measured[i].key);
        pst_json_number(json, number);
    }
    pst_json_key(json, "runs");
    pst_json_u64(json, info->run_cnt);
    pst_json_key(json, "run_ns");
    pst_json_u64(json, info->run_time_ns);
    cli_line_end(&line);
}

static cli_exit print_table(const live_state *state, const top_row *rows, size_t count)
{
    static const char *const columns[] = {"Id", "name", "program type", "mode", "Runs/s", "Share %", "Average ns", "Runs", NULL};
    cli_table table;
    cli_table_begin(&table, columns);
    for (size_t i = 0; i < count; i++) {
        const pst_bpf_prog_info *info = &rows[i].program->info;
        cli_table_format(&table, "%u", info->id);
        cli_table_text(&table, info->name);
        cli_table_text(&table, pst_prog_type_name(info->type));
        cli_table_text(&table, live_mode(state, rows[i].program));
        cli_table_format(&table, "%.0f", rows[i].rate);
        cli_table_format(&table, "%.2f", rows[i].share * 100);
        cli_table_format(&table, "%.0f", rows[i].average_ns);
        cli_table_format(&table, "%llu", (unsigned long long)info->run_cnt);
    }
    return cli_table_end(&table, false);
}

static cli_exit print(const top_state *top, const live_state *before, const live_state *now, double seconds, bool first)
{
    top_row *rows = calloc(now->program_count + 1, sizeof *rows);
    size_t count = 0;
    cli_exit code = CLI_OK;
    if (!rows) return cli_fail(CLI_FAILED, "no memory for a table");
    for (size_t i = 0; i < now->program_count; i++) {
        const live_program *program = &now->programs[i];
        if (is_wanted(top, program)) rows[count++] = row_of(program, live_program_by_id(before, program->info.id), seconds);
    }
    qsort(rows, count, sizeof *rows, top->order);
    if (top->args->json) {
        for (size_t i = 0; i < count; i++) print_json(now, &rows[i]);
    } else {
        if (top->clears) printf("\033[H\033[J");
        else if (!first) printf("\n");
        code = print_table(now, rows, count);
    }
    free(rows);
    if (fflush(stdout) && code == CLI_OK) code = cli_fail(CLI_FAILED, "standard output cannot be written");
    return code;
}

static cli_exit watch(const top_state *top)
{
    live_state before;
    uint64_t begin = pst_pal_time_ns();
    cli_exit code = live_read_programs(&before);
    for (uint64_t shown = 0; code == CLI_OK && (!top->count || shown < top->count); shown++) {
        live_state now;
        pst_pal_sleep_ns(top->interval_ns);
        uint64_t end = pst_pal_time_ns();
        code = live_read_programs(&now);
        if (code == CLI_OK) code = print(top, &before, &now, (double)(end - begin) / 1e9, shown == 0);
        live_free(&before);
        before = now;
        begin = end;
    }
    live_free(&before);
    return code;
}

cli_exit cli_top(const cli_args *args)
{
    top_state top = {.args = args, .clears = pst_pal_stdout_is_terminal()};
    cli_exit code = read_options(&top);
    if (code != CLI_OK) return code;
    int statistics = live_statistics(&code);
    if (code == CLI_OK) code = watch(&top);
    if (statistics >= 0) (void)postern_close(statistics);
    return code;
}
