// map_elem.c: MAP_*_ELEM, MAP_GET_NEXT_KEY, MAP_FREEZE.
//
// The hot commands of loaders and monitors: they allocate nothing, and a refusal that everybody expects (no such key) costs one short
// copy. Keys and values are read and written where the caller has them.
#include "core/internal.h"

// Errors of the maps in words. Programs and loops meet ENOENT and EEXIST all the time.
static int64_t refuse_map(core_call *call, const pst_map *map, const char *verb, int error)
{
    const char *why = core_errno_text(-error);
    switch (-error) {
    case PST_ENOENT: why = "no such key"; break;
    case PST_EEXIST: why = "the key exists already"; break;
    case PST_E2BIG: why = "the map is full, or the index is beyond max_entries"; break;
    case PST_ENOTSUPP: why = "this map type does not support the operation"; break;
    case PST_ENOMEM: why = "out of memory"; break;
    case PST_EOPNOTSUPP: why = "entries of this map cannot have a program or a socket here"; break;
    case PST_EINVAL: why = "the flags, or the operation, do not fit this map type"; break;
    default: break;
    }
    return core_refuse(call, -error, "cannot %s %s map %u \"%s\": %s", verb, pst_map_type_name(map->view.type), map->view.id,
                       map->object.name, why);
}

// The map behind fd for a command that reads or writes it. A writer is counted until core_map_end, so that freezing can refuse.
int64_t core_map_begin(core_call *call, uint32_t fd, unsigned access, pst_map **out)
{
    uint32_t mode = 0;
    int64_t error = 0;
    pst_map *map = core_call_map(call, fd, &mode, &error);
    if (!map) return error;
    if (access & HANDLE_WRITE) (void)PST_ATOMIC_ADD(&map->writers, 1u);
    if (PST_ATOMIC_LOAD(&map->view.frozen)) mode &= ~HANDLE_WRITE;
    if ((mode & access) == access) {
        *out = map;
        return 0;
    }
    error = core_refuse(call, PST_EPERM, PST_ATOMIC_LOAD(&map->view.frozen) ? "map %u is frozen: commands cannot change it"
                                                                             : "the handle of map %u was not opened for this access",
                        map->view.id);
    if (access & HANDLE_WRITE) (void)PST_ATOMIC_SUB(&map->writers, 1u);
    core_object_put(&map->object);
    return error;
}

void core_map_end(pst_map *map, unsigned access)
{
    if (access & HANDLE_WRITE) (void)PST_ATOMIC_SUB(&map->writers, 1u);
    core_object_put(&map->object);
}

// The key that attr names; a map with no keys takes none.
static int64_t key_of(core_call *call, const pst_map *map, const void **key)
{
    *key = CORE_POINTER(const void *, call->attr->key);
    if (map->view.key_size == 0) return *key ? core_refuse(call, PST_EINVAL, "map %u has no keys: key must be 0", map->view.id) : 0;
    return *key ? 0 : core_refuse(call, PST_EFAULT, "key is NULL");
}

// Linux looks at unknown flags first, at rights next, at BPF_F_LOCK last.
static int64_t lookup_begin(core_call *call, unsigned access, pst_map **map)
{
    uint64_t flags = call->attr->flags;
    if (flags & ~(uint64_t)PST_BPF_F_LOCK)
        return core_refuse(call, PST_EINVAL, "flags 0x%llx: a lookup takes none but BPF_F_LOCK", (unsigned long long)flags);
    int64_t error = core_map_begin(call, call->attr->map_fd, access, map);
    if (error || !flags || (*map)->has_lock) return error;
    error = core_refuse(call, PST_EINVAL, "BPF_F_LOCK: the values of map %u have no spin lock", (*map)->view.id);
    core_map_end(*map, access);
    return error;
}

typedef int (*read_fn)(pst_map *map, const void *key, void *value);

// Lookup, with or without delete: a read function of the map's type on the caller's key and value.
static int64_t read_value(core_call *call, pst_map *map, read_fn read, const char *verb)
{
    const void *key;
    int64_t error = key_of(call, map, &key);
    if (error) return error;
    if (!read) return refuse_map(call, map, verb, -PST_ENOTSUPP);
    void *value = CORE_POINTER(void *, call->attr->value);
    if (!value) return core_refuse(call, PST_EFAULT, "value is NULL");
    epoch_slot *slot = epoch_enter(&call->core->epoch);
    int result = read(map, key, value);
    epoch_exit(slot);
    return result ? refuse_map(call, map, verb, result) : 0;
}

int64_t core_cmd_map_lookup(core_call *call)
{
    pst_map *map;
    int64_t error = lookup_begin(call, HANDLE_READ, &map);
    if (error) return error;
    error = read_value(call, map, call->attr->flags ? map->ops->read_locked : map->ops->read, "look up a key in");
    core_map_end(map, HANDLE_READ);
    return error;
}

int64_t core_cmd_map_take(core_call *call)
{
    pst_map *map;
    int64_t error = lookup_begin(call, HANDLE_READ | HANDLE_WRITE, &map);
    if (error) return error;
    error = read_value(call, map, call->attr->flags ? map->ops->take_locked : map->ops->take, "look up and delete a key in");
    core_map_end(map, HANDLE_READ | HANDLE_WRITE);
    return error;
}

// The value is a handle: its object goes into the map.
static int64_t update_object(core_call *call, pst_map *map, const void *key, const void *value, uint64_t flags)
{
    uint32_t fd;
    int64_t error = map->ops->set_check ? map->ops->set_check(map, key, flags) : 0;
    if (error) return refuse_map(call, map, "update", (int)error);
    memcpy(&fd, value, sizeof fd);
    core_object *target = core_call_object(call, fd, (object_kind)map->ops->object_kind, NULL, &error);
    if (!target) return error;
    error = map->ops->set_object(map, key, target, flags);
    core_object_put(target);
    if (error == -PST_EINVAL)
        return core_refuse(call, PST_EINVAL, map->ops->object_kind == OBJECT_PROG
                               ? "program in handle %d does not fit prog_array %u: its program type differs from what the map holds"
                               : "map in handle %d does not fit map %u: type, key, value, flags or size differ from the template",
                           (int32_t)fd, map->view.id);
    return error ? refuse_map(call, map, "update", (int)error) : 0;
}

int64_t core_map_update_key(core_call *call, pst_map *map, const void *key, const void *value, uint64_t flags)
{
    if (map->ops->set_object) return update_object(call, map, key, value, flags);
    if (map->view.type == PST_MAP_PERF_EVENT_ARRAY)
        return core_refuse(call, PST_EOPNOTSUPP, "perf event array %u needs no descriptors: each CPU has its ring from the start",
                           map->view.id);
    if (!map->ops->write) return refuse_map(call, map, "update", -PST_ENOTSUPP);
    int error = map->ops->write(map, key, value, flags);
    return error ? refuse_map(call, map, "update", error) : 0;
}

int64_t core_cmd_map_update(core_call *call)
{
    const pst_bpf_attr *attr = call->attr;
    const void *key, *value = CORE_POINTER(const void *, attr->value);
    pst_map *map;
    int64_t error = core_map_begin(call, attr->map_fd, HANDLE_WRITE, &map);
    if (error) return error;
    if ((attr->flags & PST_BPF_F_LOCK) && !map->has_lock) error = core_refuse(call, PST_EINVAL, "BPF_F_LOCK: the values of map %u have no spin lock", map->view.id);
    if (!error) error = key_of(call, map, &key);
    if (!error && !value && core_map_user_value_size(map) > 0) error = core_refuse(call, PST_EFAULT, "value is NULL");
    if (!error) error = core_map_update_key(call, map, key, value, attr->flags);
    core_map_end(map, HANDLE_WRITE);
    return error;
}

int core_map_delete_key(pst_map *map, const void *key)
{
    if (map->ops->set_object) {
        // An index beyond the array is reported before an empty slot.
        int error = map->ops->set_check ? map->ops->set_check(map, key, 0) : 0;
        return error ? error : map->ops->set_object(map, key, NULL, 0);
    }
    if (map->view.type == PST_MAP_PERF_EVENT_ARRAY) return -PST_ENOENT;
    return map->ops->remove ? map->ops->remove(map, key) : -PST_ENOTSUPP;
}

int64_t core_cmd_map_delete(core_call *call)
{
    const void *key;
    pst_map *map;
    int64_t error = core_map_begin(call, call->attr->map_fd, HANDLE_WRITE, &map);
    if (error) return error;
    error = key_of(call, map, &key);
    if (!error) {
        int result = core_map_delete_key(map, key);
        if (result) error = refuse_map(call, map, "delete a key of", result);
    }
    core_map_end(map, HANDLE_WRITE);
    return error;
}

int64_t core_cmd_map_next_key(core_call *call)
{
    const pst_bpf_attr *attr = call->attr;
    const void *key = CORE_POINTER(const void *, attr->key);
    void *next = CORE_POINTER(void *, attr->next_key);
    pst_map *map;
    int64_t error = core_map_begin(call, attr->map_fd, HANDLE_READ, &map);
    if (error) return error;
    if (map->view.key_size == 0 && key) {
        error = core_refuse(call, PST_EINVAL, "map %u has no keys: key must be 0", map->view.id);
    } else if (!map->ops->next_key) {
        error = refuse_map(call, map, "walk", -PST_ENOTSUPP);
    } else if (!next) {
        error = core_refuse(call, PST_EFAULT, "next_key is NULL");
    } else {
        epoch_slot *slot = epoch_enter(&call->core->epoch);
        int result = map->ops->next_key(map, key, next);
        epoch_exit(slot);
        if (result) error = core_refuse(call, -result, "no key follows in map %u", map->view.id);
    }
    core_map_end(map, HANDLE_READ);
    return error;
}

int64_t core_cmd_map_freeze(core_call *call)
{
    uint32_t mode = 0;
    int64_t error = 0;
    pst_map *map = core_call_map(call, call->attr->map_fd, &mode, &error);
    if (!map) return error;
    if (!(mode & HANDLE_WRITE) || PST_ATOMIC_LOAD(&map->view.frozen)) {
        error = core_refuse(call, PST_EPERM, "map %u is frozen already, or the handle was not opened for writing", map->view.id);
    } else {
        // Frozen first, then look for writers: one that comes between sees the mark.
        PST_ATOMIC_STORE(&map->view.frozen, true);
        if (PST_ATOMIC_ADD(&map->writers, 0u) != 0) {
            PST_ATOMIC_STORE(&map->view.frozen, false);
            error = core_refuse(call, PST_EBUSY, "another command writes map %u at this moment", map->view.id);
        }
    }
    core_object_put(&map->object);
    return error;
}
