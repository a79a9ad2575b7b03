// map_create.c: MAP_CREATE, and what all maps have: the table of types, templates of inner maps, the end of a map.
//
// Checks come in Linux's order, so that a caller who probes for features gets Linux's errno.
#include "core/internal.h"
#include "core/map/fields.h"

#include "base/bits.h"
#include "verify/record.h"

const map_ops *core_map_ops(uint32_t type)
{
    static const map_ops *const table[] = {
        [PST_MAP_HASH] = &map_hash_ops,
        [PST_MAP_ARRAY] = &map_array_ops,
        [PST_MAP_PROG_ARRAY] = &map_prog_array_ops,
        [PST_MAP_PERF_EVENT_ARRAY] = &map_perf_array_ops,
        [PST_MAP_PERCPU_HASH] = &map_percpu_hash_ops,
        [PST_MAP_PERCPU_ARRAY] = &map_percpu_array_ops,
        [PST_MAP_LRU_HASH] = &map_lru_hash_ops,
        [PST_MAP_LRU_PERCPU_HASH] = &map_lru_percpu_hash_ops,
        [PST_MAP_LPM_TRIE] = &map_lpm_ops,
        [PST_MAP_ARRAY_OF_MAPS] = &map_array_of_maps_ops,
        [PST_MAP_HASH_OF_MAPS] = &map_hash_of_maps_ops,
        [PST_MAP_QUEUE] = &map_queue_ops,
        [PST_MAP_STACK] = &map_queue_ops,
        [PST_MAP_RINGBUF] = &map_ringbuf_ops,
        [PST_MAP_BLOOM_FILTER] = &map_bloom_ops,
        [PST_MAP_DEVMAP] = &map_devmap_ops,
        [PST_MAP_DEVMAP_HASH] = &map_devmap_hash_ops,
        [PST_MAP_CPUMAP] = &map_devmap_ops,
        [PST_MAP_XSKMAP] = &map_xskmap_ops,
    };
    return type < PST_COUNT(table) ? table[type] : NULL;
}

uint32_t core_map_user_value_size(const pst_map *map)
{
    switch (map->view.type) {
    case PST_MAP_PERCPU_ARRAY:
    case PST_MAP_PERCPU_HASH:
    case PST_MAP_LRU_PERCPU_HASH: return map->value_bytes * map->cpus;
    case PST_MAP_PROG_ARRAY:
    case PST_MAP_PERF_EVENT_ARRAY:
    case PST_MAP_ARRAY_OF_MAPS:
    case PST_MAP_HASH_OF_MAPS: return 4;
    default: return map->view.value_size;
    }
}

bool core_map_fits_template(const map_template *meta, const pst_map *inner)
{
    const pst_map_view *a = &meta->view, *b = &inner->view;
    if (a->type != b->type || a->key_size != b->key_size || a->value_size != b->value_size || a->flags != b->flags) return false;
    if (!core_fields_equal(a, b)) return false; // programs go by the template's
    // Programs check an array's index against the template's length when it is known.
    return !meta->ops->inner_same_length || (a->flags & PST_F_INNER_MAP) || a->max_entries == b->max_entries;
}

static uint32_t file_mode(uint32_t flags)
{
    if (flags & PST_F_RDONLY) return HANDLE_READ;
    if (flags & PST_F_WRONLY) return HANDLE_WRITE;
    return HANDLE_READ | HANDLE_WRITE;
}

static bool is_map_of_maps(uint32_t type)
{
    return type == PST_MAP_ARRAY_OF_MAPS || type == PST_MAP_HASH_OF_MAPS;
}

// The rules that hold for every type, before the type's own.
static int64_t check_common(core_call *call, const map_ops **ops)
{
    const pst_bpf_attr *attr = call->attr;
    const char *why = NULL;
    if (attr->btf_vmlinux_value_type_id)
        return core_refuse(call, PST_EINVAL, "btf_vmlinux_value_type_id is for struct_ops maps, which this core does not have");
    if (attr->btf_key_type_id && !attr->btf_value_type_id)
        return core_refuse(call, PST_EINVAL, "btf_key_type_id is given without btf_value_type_id");
    if (attr->map_extra && attr->map_type != PST_MAP_BLOOM_FILTER) return core_refuse(call, PST_EINVAL, "map_extra must be 0 for map type %u", attr->map_type);
    if ((attr->map_flags & PST_F_RDONLY) && (attr->map_flags & PST_F_WRONLY))
        return core_refuse(call, PST_EINVAL, "map_flags has both BPF_F_RDONLY and BPF_F_WRONLY");
    if ((attr->map_flags & PST_F_NUMA_NODE) && attr->numa_node != 0)
        return core_refuse(call, PST_EINVAL, "NUMA node %u: only node 0 exists here", attr->numa_node);
    if (attr->map_ifindex) return core_refuse(call, PST_EINVAL, "map_ifindex is set: maps cannot be offloaded to a device");
    *ops = core_map_ops(attr->map_type);
    if (!*ops) {
        const char *name = pst_map_type_name(attr->map_type);
        return core_refuse(call, PST_EINVAL, "map type %u%s%s is not supported", attr->map_type, *name ? " " : "", name);
    }
    int error = (*ops)->check(attr, &why);
    return error ? core_refuse(call, -error, "%s map: %s", pst_map_type_name(attr->map_type), why) : 0;
}

// The template outlives the map that it was taken from, and so do its records; names of types stay behind.
static bool keep_records(pst_map *map)
{
    pst_map_view *view = &map->inner->view;
    if (!view->record_count) return true;
    if (!map->arena.env) pst_arena_init(&map->arena, core_map_env(map), 0);
    pst_record *records = pst_arena_array(&map->arena, view->record_count, sizeof *records);
    if (!records) return false;
    for (uint32_t i = 0; i < view->record_count; i++) {
        records[i] = view->records[i];
        records[i].type_name = NULL;
    }
    view->records = records;
    return true;
}

// The template of a map of maps, from the handle in attr.
static int64_t take_template(core_call *call, pst_map *map)
{
    int64_t error;
    pst_map *inner = core_call_map(call, call->attr->inner_map_fd, NULL, &error);
    if (!inner) return error;
    error = 0;
    if (is_map_of_maps(inner->view.type)) {
        error = core_refuse(call, PST_EINVAL, "inner_map_fd is itself a map of maps");
    } else if (!inner->ops->may_be_inner) {
        error = core_refuse(call, PST_ENOTSUPP, "a %s map cannot be an inner map", pst_map_type_name(inner->view.type));
    } else {
        map->inner = pst_alloc_zero(core_map_env(map), 1, sizeof *map->inner);
        if (!map->inner) {
            error = core_refuse(call, PST_ENOMEM, "no memory for the template of inner maps");
        } else {
            *map->inner = (map_template){.view = inner->view, .ops = inner->ops};
            map->inner->view.values = NULL; // a shape, not a map
            if (!keep_records(map)) error = core_refuse(call, PST_ENOMEM, "no memory for the template of inner maps");
            map->view.inner = &map->inner->view;
        }
    }
    core_object_put(&inner->object);
    return error;
}

static int64_t check_records(core_call *call, pst_map *map)
{
    const char *why = "";
    int error = core_fields_check(map, &why);
    if (error) return core_refuse(call, -error, "%s map: %s", pst_map_type_name(map->view.type), why);
    for (uint32_t i = 0; i < map->view.record_count; i++) {
        const pst_record *field = &map->view.records[i];
        if (field->kind == PST_RECORD_SPIN_LOCK) {
            map->has_lock = true;
            map->lock_offset = field->offset;
        } else if (field->kind == PST_RECORD_TIMER) {
            map->has_timer = true;
            map->timer_offset = field->offset;
        }
    }
    if (!map->has_timer || core_timers_start(call->core) == PST_OK) return 0;
    return core_refuse(call, PST_ENOMEM, "no thread could be started for timers: a limit of the system is reached");
}

// Locks, timers and the like in the value, told by its type.
static int64_t take_records(core_call *call, pst_map *map)
{
    const pst_btf *types = map->btf->types;
    if (map->btf_value_type >= pst_btf_count(types))
        return core_refuse(call, PST_EINVAL, "btf_value_type_id %u is not in the BTF given", map->btf_value_type);
    uint64_t size = 0;
    if (map->btf_key_type && (!pst_btf_size(types, map->btf_key_type, &size) || size != map->view.key_size))
        return core_refuse(call, PST_EINVAL, "btf_key_type_id %u is no type of key_size bytes (%u)", map->btf_key_type, map->view.key_size);
    if (!pst_btf_size(types, map->btf_value_type, &size) || size != map->view.value_size)
        return core_refuse(call, PST_EINVAL, "btf_value_type_id %u is a type of %llu bytes, but value_size is %u", map->btf_value_type,
                           (unsigned long long)size, map->view.value_size);
    if (!map->arena.env) pst_arena_init(&map->arena, core_map_env(map), 0);
    core_errors_clear();
    pst_status status = pst_verify_records(&map->arena, types, map->btf_value_type, &map->view.records, &map->view.record_count);
    if (status == PST_OK) return check_records(call, map);
    const char *why = core_errors_last();
    return core_refuse(call, status == PST_E_NOMEM ? PST_ENOMEM : PST_EINVAL, "the map's value type: %s", *why ? why : pst_status_text(status));
}

static int64_t take_btf(core_call *call, pst_map *map)
{
    const pst_bpf_attr *attr = call->attr;
    int64_t error;
    if (!attr->btf_key_type_id && !attr->btf_value_type_id) return 0; // a btf_fd alone means nothing, as on Linux
    core_object *object = core_call_object(call, attr->btf_fd, OBJECT_BTF, NULL, &error);
    if (!object) return error;
    map->btf = core_btf_of(object);
    map->btf_key_type = attr->btf_key_type_id;
    map->btf_value_type = attr->btf_value_type_id;
    return take_records(call, map);
}

static void map_free_parts(pst_map *map)
{
    const pst_env *env = core_map_env(map);
    if (map->arena.env) pst_arena_free(&map->arena);
    if (map->btf) core_object_put(&map->btf->object);
    pst_free(env, map->inner, sizeof *map->inner);
    pst_free(env, map, map->ops->object_size);
}

void core_map_free(core_object *object)
{
    pst_map *map = core_map_of_object(object);
    map->ops->destroy(map);
    map_free_parts(map);
}

static void map_describe(pst_map *map, core_call *call)
{
    const pst_bpf_attr *attr = call->attr;
    map->object.core = call->core;
    map->object.kind = OBJECT_MAP;
    map->view = (pst_map_view){
        .type = attr->map_type,
        .key_size = attr->key_size,
        .value_size = attr->value_size,
        .max_entries = attr->max_entries,
        .map_extra = attr->map_extra,
        // How this handle was opened is no property of the map.
        .flags = attr->map_flags & ~(uint32_t)(PST_F_RDONLY | PST_F_WRONLY),
    };
}

int64_t core_cmd_map_create(core_call *call)
{
    const map_ops *ops = NULL;
    int64_t error = check_common(call, &ops);
    if (error) return error;
    pst_map *map = pst_alloc_zero(&call->core->env, 1, ops->object_size);
    if (!map) return core_refuse(call, PST_ENOMEM, "no memory for a map");
    map->ops = ops;
    map_describe(map, call);
    bool created = false;
    if (!core_name_copy(map->object.name, call->attr->map_name))
        error = core_refuse(call, PST_EINVAL, "map_name is not a NUL-terminated name of letters, digits, '_' and '.'");
    if (!error && is_map_of_maps(map->view.type)) error = take_template(call, map);
    if (!error) error = take_btf(call, map);
    if (!error) {
        error = ops->create(map);
        created = error == 0;
        if (error)
            error = core_refuse(call, (int)-error, "no memory for a %s map of %u entries with values of %u bytes",
                                pst_map_type_name(map->view.type), map->view.max_entries, map->view.value_size);
    }
    if (!error && !(map->view.flags & PST_F_WRONLY_PROG)) map->view.lookup = (uintptr_t)ops->lookup;
    if (!error && !core_object_register(&map->object)) error = core_refuse(call, PST_ENOMEM, "no memory for another map id");
    if (error) {
        if (created) ops->destroy(map);
        map_free_parts(map);
        return error;
    }
    map->view.id = map->object.id;
    int64_t fd = core_handle_add(call->client, &map->object, file_mode(call->attr->map_flags));
    return fd < 0 ? core_refuse(call, (int)-fd, "no room for another handle: close some") : fd;
}
