// events.c: records of ring buffers and perf arrays, decoded by the object's types.
//
// A ring buffer's definition does not say what its records are, so names do: --event-type, struct event, event_t, or the map's name without
// its plural s ("flows": struct flow). A record shorter than the type, or no such type: a hex dump.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/format.h"
#include "cli/cli.h"
#include "pal/pal.h"

typedef struct source {
    cli_events *owner;
    const char *map;
    uint32_t type; // BTF type of records, 0: unknown
    uint64_t type_size;
    struct ring_buffer *ring; // one of the two
    struct perf_buffer *perf;
} source;

struct cli_events {
    source *sources;
    size_t count;
    const pst_btf *btf;
    bool json;
    uint64_t start_ns, records, lost;
};

// --- Which type --------------------------------------------------------------------------------------------------

static uint32_t find_type(const pst_btf *btf, const char *name)
{
    static const char *const prefixes[] = {"struct ", "union ", "enum "};
    for (size_t i = 0; i < PST_COUNT(prefixes); i++)
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0) name += strlen(prefixes[i]);
    static const pst_btf_kind kinds[] = {PST_BTF_STRUCT, PST_BTF_UNION, PST_BTF_TYPEDEF, PST_BTF_INT, PST_BTF_ENUM, PST_BTF_ENUM64};
    for (size_t i = 0; i < PST_COUNT(kinds); i++) {
        uint32_t id = pst_btf_find(btf, name, kinds[i]);
        if (id) return id;
    }
    return 0;
}

static uint32_t guess_type(const pst_btf *btf, const char *map)
{
    char name[128];
    size_t length = pst_format(name, sizeof name, "%s", map);
    if (length >= sizeof name) length = sizeof name - 1;
    uint32_t id = find_type(btf, name);
    if (id) return id;
    if (length > 1 && name[length - 1] == 's') {
        name[length - 1] = '\0';
        if ((id = find_type(btf, name))) return id;
        pst_format(name, sizeof name, "%.*s_t", (int)length - 1, map);
        if ((id = find_type(btf, name))) return id;
    }
    if ((id = find_type(btf, "event"))) return id;
    return find_type(btf, "event_t");
}

// --- Printing ----------------------------------------------------------------------------------------------------

static void emit_json(const source *s, const void *data, size_t size, uint64_t time_ns)
{
    cli_line line;
    cli_line_begin(&line, "event");
    pst_json_key(&line.json, "map");
    pst_json_string(&line.json, s->map);
    pst_json_key(&line.json, "time_ns");
    pst_json_u64(&line.json, time_ns);
    bool typed = s->type && size >= s->type_size;
    pst_json_key(&line.json, typed ? "value" : "bytes");
    if (typed)
        pst_btf_value_json(s->owner->btf, s->type, data, size, &line.json);
    else
        pst_json_hex(&line.json, data, size);
    cli_line_end(&line);
}

static void emit_text(const source *s, const void *data, size_t size, uint64_t time_ns)
{
    pst_text out;
    pst_text_init(&out, cli_env());
    pst_text_format(&out, "%sevent%s  %u.%06u  %s  ", cli_colour_on(CLI_GREEN), cli_colour_off(), (unsigned)(time_ns / 1000000000u),
                    (unsigned)(time_ns / 1000u % 1000000u), s->map);
    if (s->type && size >= s->type_size) {
        pst_btf_value_text(s->owner->btf, s->type, data, size, &out);
    } else {
        pst_text_format(&out, "%zu bytes\n", size);
        cli_hex_dump(&out, data, size);
    }
    cli_emit(&out);
}

static void emit(const source *s, const void *data, size_t size)
{
    uint64_t time_ns = pst_pal_time_ns() - s->owner->start_ns;
    s->owner->records++;
    if (s->owner->json)
        emit_json(s, data, size, time_ns);
    else
        emit_text(s, data, size, time_ns);
}

static int on_ring(void *ctx, void *data, size_t size)
{
    emit(ctx, data, size);
    return 0;
}

// Perf samples may be padded; the type cuts what is too long when it prints.
static void on_perf(void *ctx, int cpu, void *data, __u32 size)
{
    emit(ctx, data, size);
}

static void on_lost(void *ctx, int cpu, __u64 count)
{
    source *s = ctx;
    s->owner->lost += count;
}

// --- Opening -----------------------------------------------------------------------------------------------------

static bool is_listed(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (strncmp(at, name, length) == 0 && (at[length] == ',' || !at[length])) return true;
    return false;
}

static bool has_events(const struct bpf_map *map)
{
    return bpf_map__fd(map) >= 0 && (bpf_map__type(map) == BPF_MAP_TYPE_RINGBUF || bpf_map__type(map) == BPF_MAP_TYPE_PERF_EVENT_ARRAY);
}

// Each name of the list is a map that has events.
static cli_exit check_list(struct bpf_object *obj, const char *list)
{
    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        char name[256];
        pst_format(name, sizeof name, "%.*s", (int)strcspn(at, ","), at);
        struct bpf_map *map = bpf_object__find_map_by_name(obj, name);
        if (!map) return cli_fail(CLI_MISSING, "--events %s: the object has no map %s", list, name);
        if (!has_events(map)) return cli_fail(CLI_USAGE, "--events %s: map %s is neither a ring buffer nor a perf event array", list, name);
    }
    return CLI_OK;
}

static bool open_source(cli_events *events, struct bpf_map *map, uint32_t type)
{
    source *s = &events->sources[events->count];
    *s = (source){.owner = events, .map = bpf_map__name(map)};
    s->type = type ? type : events->btf ? guess_type(events->btf, s->map) : 0;
    if (s->type && !pst_btf_size(events->btf, s->type, &s->type_size)) s->type = 0;
    if (bpf_map__type(map) == BPF_MAP_TYPE_RINGBUF)
        s->ring = ring_buffer__new(bpf_map__fd(map), on_ring, s, NULL);
    else
        s->perf = perf_buffer__new(bpf_map__fd(map), 8, on_perf, on_lost, s, NULL);
    if (!s->ring && !s->perf) return false;
    events->count++;
    return true;
}

static cli_exit open_sources(cli_events *events, struct bpf_object *obj, const char *which, uint32_t type)
{
    struct bpf_map *map;
    size_t maps = 1;
    bpf_object__for_each_map(map, obj) maps++;
    events->sources = calloc(maps, sizeof *events->sources);
    if (!events->sources) return cli_fail(CLI_FAILED, "no memory for events");
    bpf_object__for_each_map(map, obj) {
        if (!has_events(map) || (which && !is_listed(which, bpf_map__name(map)))) continue;
        if (!open_source(events, map, type)) return cli_fail_last(CLI_FAILED, "a ring buffer cannot be read");
    }
    return CLI_OK;
}

cli_exit cli_events_open(struct bpf_object *obj, const pst_btf *btf, const char *which, const char *type, bool json, cli_events **out)
{
    uint32_t type_id = 0;
    *out = NULL;
    bool none = which && strcmp(which, "none") == 0;
    if (type && !btf) return cli_fail(CLI_REJECTED, "--event-type %s: the object has no type information (compile with -g)", type);
    if (type && !(type_id = find_type(btf, type))) return cli_fail(CLI_MISSING, "--event-type %s: the object has no such type", type);
    cli_exit code = which && !none ? check_list(obj, which) : CLI_OK;
    if (code != CLI_OK) return code;
    cli_events *events = calloc(1, sizeof *events);
    if (!events) return cli_fail(CLI_FAILED, "no memory for events");
    events->btf = btf;
    events->json = json;
    events->start_ns = pst_pal_time_ns();
    code = none ? CLI_OK : open_sources(events, obj, which, type_id);
    if (code == CLI_OK)
        *out = events;
    else
        cli_events_close(events);
    return code;
}

void cli_events_poll(cli_events *events, int timeout_ms)
{
    if (!events->count) {
        pst_pal_sleep_ns((uint64_t)timeout_ms * 1000000u);
        return;
    }
    // Each source gets its share of the time.
    int share = timeout_ms / (int)events->count;
    for (size_t i = 0; i < events->count; i++) {
        source *s = &events->sources[i];
        int done = s->ring ? ring_buffer__poll(s->ring, share) : perf_buffer__poll(s->perf, share);
        if (done < 0) pst_pal_sleep_ns(1000000u); // never spin on an error
    }
}

uint64_t cli_events_count(const cli_events *events)
{
    return events->records;
}

uint64_t cli_events_lost(const cli_events *events)
{
    return events->lost;
}

void cli_events_close(cli_events *events)
{
    if (!events) return;
    for (size_t i = 0; i < events->count; i++) {
        ring_buffer__free(events->sources[i].ring);
        perf_buffer__free(events->sources[i].perf);
    }
    free(events->sources);
    free(events);
}
