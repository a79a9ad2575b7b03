// show_live.c: `postern show programs|maps|links|pins|host` without a file: what lives in the core at hand.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "catalog/catalog.h"
#include "cli/live.h"
#include "cli/show.h"

static void type_cell(cli_table *table, const char *name, uint32_t number)
{
    cli_table_format(table, *name ? "%s" : "%s%u", name, number);
}

static void program_row(cli_table *table, const live_state *state, const live_program *program)
{
    const pst_bpf_prog_info *info = &program->info;
    pst_text maps;
    pst_text_init(&maps, cli_env());
    for (uint32_t i = 0; i < program->map_count; i++) pst_text_format(&maps, "%s%u", i ? "," : "", program->map_ids[i]);
    cli_table_format(table, "%u", info->id);
    cli_table_text(table, info->name);
    type_cell(table, pst_prog_type_name(info->type), info->type);
    cli_table_text(table, live_mode(state, program));
    cli_table_format(table, "%u", info->xlated_prog_len / 8);
    cli_table_format(table, "%u", info->jited_prog_len);
    cli_table_text(table, pst_text_cstr(&maps));
    cli_table_format(table, "%zu", live_pins_of(state, LIVE_PROGRAM, info->id));
    cli_table_format(table, "%zu", live_links_of(state, info->id));
    cli_table_format(table, "%llu", (unsigned long long)info->run_cnt);
    cli_table_format(table, "%llu", (unsigned long long)info->run_time_ns);
    cli_table_format(table, "%u", info->created_by_uid);
    cli_table_format(table, "%llu", (unsigned long long)live_wall_seconds(info->load_time));
    pst_text_free(&maps);
}

static cli_exit programs_table(const live_state *state, bool json)
{
    static const char *const columns[] = {"Id",   "name",  "program type", "mode", "Instructions", "Code bytes", "maps",
                                          "Pins", "Links", "Runs",         "Run ns", "Uid",          "Loaded",     NULL};
    cli_table table;
    cli_table_begin(&table, columns);
    for (size_t i = 0; i < state->program_count; i++) program_row(&table, state, &state->programs[i]);
    return cli_table_end(&table, json);
}

static cli_exit maps_table(const live_state *state, bool json)
{
    static const char *const columns[] = {"Id", "name", "map type", "Key size", "Value size", "Max entries", "Flags", "Inner", "Pins", NULL};
    cli_table table;
    cli_table_begin(&table, columns);
    for (size_t i = 0; i < state->map_count; i++) {
        const pst_bpf_map_info *map = &state->maps[i];
        cli_table_format(&table, "%u", map->id);
        cli_table_text(&table, map->name);
        type_cell(&table, pst_map_type_name(map->type), map->type);
        cli_table_format(&table, "%u", map->key_size);
        cli_table_format(&table, "%u", map->value_size);
        cli_table_format(&table, "%u", map->max_entries);
        cli_table_format(&table, "0x%x", map->map_flags);
        cli_table_format(&table, "%u", live_inner_map(map));
        cli_table_format(&table, "%zu", live_pins_of(state, LIVE_MAP, map->id));
    }
    return cli_table_end(&table, json);
}

static cli_exit links_table(const live_state *state, bool json)
{
    static const char *const columns[] = {"Id", "Program id", "program", "attach type", "Target", "Pins", NULL};
    cli_table table;
    cli_table_begin(&table, columns);
    for (size_t i = 0; i < state->link_count; i++) {
        const pst_bpf_link_info *link = &state->links[i];
        const live_program *program = live_program_by_id(state, link->prog_id);
        cli_table_format(&table, "%u", link->id);
        cli_table_format(&table, "%u", link->prog_id);
        cli_table_text(&table, program ? program->info.name : "");
        type_cell(&table, pst_attach_type_name(live_link_attach_type(link)), live_link_attach_type(link));
        cli_table_format(&table, "%u", live_link_target(link));
        cli_table_format(&table, "%zu", live_pins_of(state, LIVE_LINK, link->id));
    }
    return cli_table_end(&table, json);
}

static cli_exit pins_table(const live_state *state, bool json)
{
    static const char *const columns[] = {"path", "kind", "Id", NULL};
    static const char *const kinds[] = {"map", "program", "btf", "link"};
    cli_table table;
    cli_table_begin(&table, columns);
    for (size_t i = 0; i < state->pin_count; i++) {
        cli_table_text(&table, state->pins[i].path);
        cli_table_text(&table, state->pins[i].kind < PST_COUNT(kinds) ? kinds[state->pins[i].kind] : "");
        cli_table_format(&table, "%u", state->pins[i].id);
    }
    return cli_table_end(&table, json);
}

static cli_exit with_state(const cli_args *args, cli_exit (*print)(const live_state *state, bool json))
{
    live_state state;
    cli_exit code = live_read(&state);
    if (code == CLI_OK) code = print(&state, args->json);
    live_free(&state);
    return code;
}

cli_exit show_live_programs(const show_state *s) { return with_state(s->args, programs_table); }
cli_exit show_live_maps(const show_state *s) { return with_state(s->args, maps_table); }
cli_exit show_live_links(const show_state *s) { return with_state(s->args, links_table); }
cli_exit show_live_pins(const show_state *s) { return with_state(s->args, pins_table); }

// --- The host ------------------------------------------------------------------------------------------------------

static const char *why_text(unsigned why)
{
    switch (why) {
    case POSTERN_WHY_FASTEST: return "it is the fastest of this machine";
    case POSTERN_WHY_CHOSEN: return "whoever started the core chose it";
    case POSTERN_WHY_COUNTED: return "instructions are counted (a budget is set)";
    case POSTERN_WHY_NO_COMPILER: return "there is no compiler for this machine";
    case POSTERN_WHY_REFUSED: return "the system allows no dynamic code";
    }
    return "";
}

static size_t count_processes(void)
{
    size_t count = 0;
    for (uint32_t pid = 0; count < LIVE_OBJECTS_MAX && postern_next_process(pid, &pid) == 0;) count++;
    return count;
}

static cli_exit host_json(const live_state *state)
{
    const struct postern_about *about = &state->about;
    cli_line line;
    cli_line_begin(&line, about->is_host ? "host" : "process");
    pst_json *json = &line.json;
    const struct {
        const char *key;
        uint64_t value;
    } numbers[] = {{"pid", about->pid},          {"uptime_ns", about->uptime_ns}, {"programs", state->program_count}, {"maps", state->map_count},
                   {"links", state->link_count}, {"pins", state->pin_count},      {"processes", count_processes()}};
    pst_json_key(json, "version");
    pst_json_string(json, about->version);
    pst_json_key(json, "engine");
    pst_json_string(json, live_engine_name(about->engine));
    pst_json_key(json, "why");
    pst_json_string(json, why_text(about->why));
    pst_json_key(json, "dynamic_code");
    pst_json_bool(json, about->dynamic_code);
    pst_json_key(json, "strict");
    pst_json_bool(json, about->strict);
    pst_json_key(json, "statistics");
    pst_json_bool(json, about->statistics);
    for (size_t i = 0; i < PST_COUNT(numbers); i++) {
        pst_json_key(json, numbers[i].key);
        pst_json_u64(json, numbers[i].value);
    }
    cli_line_end(&line);
    return CLI_OK;
}

static cli_exit host_table(const live_state *state, bool json)
{
    const struct postern_about *about = &state->about;
    uint64_t seconds = about->uptime_ns / 1000000000u;
    if (json) return host_json(state);
    printf("core          %s (process %u), version %s\n", about->is_host ? "a host's" : "of this process", about->pid, about->version);
    printf("engine        %s: %s\n", live_engine_name(about->engine), why_text(about->why));
    printf("dynamic code  %s\n", about->dynamic_code ? "made" : "not made");
    printf("proofs        %s\n", about->strict ? "strict for everybody" : "Linux's rules for clients with all rights, strict for others");
    printf("statistics    %s\n", about->statistics ? "on" : "off");
    printf("up            %llu:%02u:%02u\n", (unsigned long long)(seconds / 3600), (unsigned)(seconds / 60 % 60), (unsigned)(seconds % 60));
    printf("objects       %zu programs, %zu maps, %zu links, %zu pins%s\n", state->program_count, state->map_count, state->link_count, state->pin_count,
           state->sees_all ? "" : " of this user");
    if (state->sees_all) printf("processes     %zu\n", count_processes());
    return CLI_OK;
}

cli_exit show_host(const show_state *s) { return with_state(s->args, host_table); }
