// verify_run_maps.c: the maps of a program line as real ones, for its runs.
//
// The core proves a program before it runs it, and wants to know locks and timers by the type of a map's value, as Linux does. A line that lists
// them as fields gets such a type made for it.
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/format.h"
#include "cli/verify_engine.h"
#include "pal/pal.h"

int64_t engine_command(engine_run *e, uint32_t cmd, pst_bpf_attr *attr)
{
    int64_t result = pst_core_command(e->client, cmd, attr, sizeof *attr);
    if (result < 0) (void)pst_format(e->why, sizeof e->why, "%s", pst_client_error(e->client));
    return result;
}

uint64_t engine_address(const void *pointer)
{
    return (uint64_t)(uintptr_t)pointer;
}

// --- Maps --------------------------------------------------------------------------------------------------------------

static bool is_percpu(uint32_t type)
{
    return type == PST_MAP_PERCPU_ARRAY || type == PST_MAP_PERCPU_HASH || type == PST_MAP_LRU_PERCPU_HASH;
}

// Values of per-CPU maps travel CPU by CPU.
static bool fill_map(engine_run *e, const verify_map *map, int fd)
{
    size_t size = map->view.value_size, stride = (size_t)pst_align_up(size, 8), cpus = is_percpu(map->view.type) ? pst_pal_cpu_count() : 1;
    const uint8_t *at = map->init;
    uint8_t *values = map->init_count ? calloc(cpus, stride + 8) : NULL;
    bool filled = values || !map->init_count;
    for (uint32_t i = 0; filled && i < map->init_count; i++, at += map->view.key_size + size) {
        for (size_t cpu = 0; cpu < cpus; cpu++) memcpy(values + cpu * stride, at + map->view.key_size, size);
        pst_bpf_attr attr = {.map_fd = (uint32_t)fd, .key = engine_address(at), .value = engine_address(values)};
        filled = engine_command(e, PST_BPF_MAP_UPDATE_ELEM, &attr) >= 0;
    }
    free(values);
    pst_bpf_attr freeze = {.map_fd = (uint32_t)fd};
    return filled && (!map->view.frozen || engine_command(e, PST_BPF_MAP_FREEZE, &freeze) >= 0);
}

// --- Types ---------------------------------------------------------------------------------------------------------------

int64_t engine_load_btf(engine_run *e, const uint8_t *bytes, uint32_t size)
{
    pst_bpf_attr attr = {.btf = engine_address(bytes), .btf_size = size};
    return engine_command(e, PST_BPF_BTF_LOAD, &attr);
}

static void word(pst_text *out, uint32_t value)
{
    uint8_t bytes[4];
    pst_store32(bytes, value);
    pst_text_bytes(out, (const char *)bytes, sizeof bytes);
}

static void type_row(pst_text *out, uint32_t name, pst_btf_kind kind, uint32_t count, uint32_t size)
{
    word(out, name);
    word(out, (uint32_t)kind << 24 | count);
    word(out, size);
}

enum { TYPE_INT = 1, TYPE_SPIN_LOCK, TYPE_TIMER, TYPE_WORKQUEUE, TYPE_VALUE };

// 0: not a field that a type of ours can hold.
static uint32_t field_type(const pst_record *record)
{
    if (record->kind == PST_RECORD_SPIN_LOCK) return TYPE_SPIN_LOCK;
    if (record->kind == PST_RECORD_TIMER) return TYPE_TIMER;
    return record->kind == PST_RECORD_WORKQUEUE ? TYPE_WORKQUEUE : 0;
}

static void add_types(pst_text *out, const pst_map_view *view)
{
    type_row(out, 1, PST_BTF_INT, 0, 4);
    word(out, 32);
    type_row(out, 5, PST_BTF_STRUCT, 0, 4);
    type_row(out, 19, PST_BTF_STRUCT, 0, 16);
    type_row(out, 29, PST_BTF_STRUCT, 0, 16);
    type_row(out, 36, PST_BTF_STRUCT, view->record_count, view->value_size);
    for (uint32_t i = 0; i < view->record_count; i++) {
        word(out, 42);
        word(out, field_type(&view->records[i]));
        word(out, view->records[i].offset * 8);
    }
}

// The types of a value with the fields that the line lists.
static void make_btf(pst_text *out, const pst_map_view *view)
{
    static const char strings[] = "\0int\0bpf_spin_lock\0bpf_timer\0bpf_wq\0value\0f";
    pst_text types;
    pst_text_init(&types, cli_env());
    add_types(&types, view);
    word(out, 0x0001eb9f); // magic, version 1, no flags
    word(out, 24);         // bytes of this header
    word(out, 0);
    word(out, (uint32_t)types.size);
    word(out, (uint32_t)types.size);
    word(out, sizeof strings);
    pst_text_bytes(out, types.data, types.size);
    pst_text_bytes(out, strings, sizeof strings);
    out->failed |= types.failed;
    pst_text_free(&types);
}

static int64_t load_made_types(engine_run *e, const pst_map_view *view)
{
    pst_text bytes;
    for (uint32_t i = 0; i < view->record_count; i++)
        if (!field_type(&view->records[i])) return -1;
    pst_text_init(&bytes, cli_env());
    make_btf(&bytes, view);
    int64_t fd = bytes.failed ? -1 : engine_load_btf(e, (const uint8_t *)bytes.data, (uint32_t)bytes.size);
    pst_text_free(&bytes);
    return fd;
}

// Types only matter where the value has fields of their own.
static int64_t add_value_type(engine_run *e, const verify_subject *s, const verify_map *map, pst_bpf_attr *attr)
{
    if (!map->view.record_count) return -1;
    bool own = map->btf_value && s->btf_bytes;
    int64_t fd = own ? engine_load_btf(e, s->btf_bytes, s->btf_size) : load_made_types(e, &map->view);
    if (fd < 0) return fd;
    attr->btf_fd = (uint32_t)fd;
    attr->btf_key_type_id = own ? map->btf_key : TYPE_INT;
    attr->btf_value_type_id = own ? map->btf_value : TYPE_VALUE;
    return fd;
}

// --- Creating ------------------------------------------------------------------------------------------------------------

int64_t engine_create_map(engine_run *e, const verify_subject *s, const verify_map *map)
{
    pst_bpf_attr attr = {.map_type = map->view.type, .key_size = map->view.key_size, .value_size = map->view.value_size,
                         .max_entries = map->view.max_entries, .map_flags = map->view.flags, .map_extra = map->view.map_extra};
    if (map->view.type == PST_MAP_PERF_EVENT_ARRAY && !attr.max_entries) attr.max_entries = pst_pal_cpu_count();
    int64_t inner = map->inner ? engine_create_map(e, s, map->inner) : 0;
    if (inner < 0) return inner;
    attr.inner_map_fd = (uint32_t)inner;
    int64_t types = add_value_type(e, s, map, &attr);
    int64_t fd = engine_command(e, PST_BPF_MAP_CREATE, &attr);
    if (types >= 0) (void)pst_core_close(e->client, (int)types);
    if (map->inner) (void)pst_core_close(e->client, (int)inner);
    return fd >= 0 && !fill_map(e, map, (int)fd) ? -1 : fd;
}
