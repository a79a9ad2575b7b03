// map_batch.c: MAP_*_BATCH.
//
// Hash maps go bucket by bucket with a cursor of 4 bytes; the others key by key, the cursor being the last key. count says how many entries
// were done, also when the command fails; -PST_ENOENT says that the end was reached.
#include "core/internal.h"

typedef struct batch_call {
    pst_map *map;
    uint8_t *keys, *values;
    uint32_t capacity, done;
    bool locked;
} batch_call;

static int64_t check_batch(core_call *call, const pst_map *map, bool lookup)
{
    uint64_t flags = call->attr->batch.elem_flags;
    if (flags && (flags != PST_BPF_F_LOCK || !map->has_lock))
        return core_refuse(call, PST_EINVAL, "batch.elem_flags may only be BPF_F_LOCK, in a map whose values have a bpf_spin_lock");
    if (lookup && call->attr->batch.flags != 0) return core_refuse(call, PST_EINVAL, "batch.flags must be 0");
    return 0;
}

// Key by key from the cursor on. Keys that vanish on the way are skipped.
static int read_keys(batch_call *batch, const void *cursor, void *next_cursor)
{
    pst_map *map = batch->map;
    uint32_t key_size = map->view.key_size, value_size = core_map_user_value_size(map);
    const void *previous = cursor;
    int error = 0;
    while (batch->done < batch->capacity) {
        uint8_t *key = batch->keys + (size_t)batch->done * key_size;
        error = map->ops->next_key(map, previous, key);
        if (error) break;
        int read = (batch->locked ? map->ops->read_locked : map->ops->read)(map, key, batch->values + (size_t)batch->done * value_size);
        if (read == 0) {
            batch->done++;
            previous = key;
        } else {
            // The place is used again for the next key, so where we are must be remembered elsewhere.
            memcpy(next_cursor, key, key_size);
            previous = next_cursor;
            if (read != -PST_ENOENT) return read;
        }
    }
    if (batch->done > 0 || previous == next_cursor) {
        const void *last = previous == next_cursor ? next_cursor : batch->keys + (size_t)(batch->done - 1) * key_size;
        if (last != next_cursor) memcpy(next_cursor, last, key_size);
    }
    return error;
}

static int64_t read_batch(core_call *call, bool remove)
{
    pst_bpf_attr *attr = call->attr;
    unsigned access = remove ? HANDLE_READ | HANDLE_WRITE : HANDLE_READ;
    pst_map *map;
    int64_t error = core_map_begin(call, attr->batch.map_fd, access, &map);
    if (error) return error;
    bool supported = remove ? map->ops->batch_take : map->ops->batch;
    if (!supported || !map->ops->read)
        error = core_refuse(call, PST_ENOTSUPP, "%s maps have no such batch command", pst_map_type_name(map->view.type));
    if (!error) error = check_batch(call, map, map->ops->read_batch != NULL);
    void *cursor = CORE_POINTER(void *, attr->batch.in_batch), *next = CORE_POINTER(void *, attr->batch.out_batch);
    batch_call batch = {map, CORE_POINTER(uint8_t *, attr->batch.keys), CORE_POINTER(uint8_t *, attr->batch.values),
                        attr->batch.count, 0, attr->batch.elem_flags != 0};
    if (!error && batch.capacity > 0) {
        if (!next || !batch.keys || !batch.values) error = core_refuse(call, PST_EFAULT, "batch.out_batch, batch.keys or batch.values is NULL");
    }
    if (!error && batch.capacity > 0) {
        map_batch whole = {cursor, next, batch.keys, batch.values, batch.capacity, 0, remove, batch.locked};
        epoch_slot *slot = epoch_enter(&call->core->epoch);
        int result = map->ops->read_batch ? map->ops->read_batch(map, &whole) : read_keys(&batch, cursor, next);
        epoch_exit(slot);
        attr->batch.count = map->ops->read_batch ? whole.done : batch.done;
        if (result == -PST_ENOENT)
            error = core_refuse(call, PST_ENOENT, "the end of map %u is reached", map->view.id);
        else if (result == -PST_ENOSPC)
            error = core_refuse(call, PST_ENOSPC, "batch.count is less than the entries of the next bucket: use a larger one");
        else if (result)
            error = core_refuse(call, -result, "the batch lookup stopped: %s", core_errno_text(-result));
    }
    core_map_end(map, access);
    return error;
}

int64_t core_cmd_map_lookup_batch(core_call *call)
{
    return read_batch(call, false);
}

int64_t core_cmd_map_take_batch(core_call *call)
{
    return read_batch(call, true);
}

typedef int64_t (*write_fn)(core_call *call, batch_call *batch, uint32_t index);

static int64_t update_one(core_call *call, batch_call *batch, uint32_t index)
{
    const uint8_t *key = batch->keys + (size_t)index * batch->map->view.key_size;
    const uint8_t *value = batch->values + (size_t)index * core_map_user_value_size(batch->map);
    return core_map_update_key(call, batch->map, key, value, call->attr->batch.elem_flags);
}

static int64_t delete_one(core_call *call, batch_call *batch, uint32_t index)
{
    int error = core_map_delete_key(batch->map, batch->keys + (size_t)index * batch->map->view.key_size);
    return error ? core_refuse(call, -error, "key %u of the batch: %s", index, core_errno_text(-error)) : 0;
}

static int64_t write_batch(core_call *call, write_fn write, bool values)
{
    pst_bpf_attr *attr = call->attr;
    pst_map *map;
    int64_t error = core_map_begin(call, attr->batch.map_fd, HANDLE_WRITE, &map);
    if (error) return error;
    if (values ? !map->ops->batch : !map->ops->batch_delete)
        error = core_refuse(call, PST_ENOTSUPP, "%s maps have no such batch command", pst_map_type_name(map->view.type));
    if (!error) error = check_batch(call, map, false);
    batch_call batch = {map, CORE_POINTER(uint8_t *, attr->batch.keys), CORE_POINTER(uint8_t *, attr->batch.values),
                        attr->batch.count, 0, false};
    if (!error && batch.capacity > 0 && (!batch.keys || (values && !batch.values)))
        error = core_refuse(call, PST_EFAULT, "batch.keys or batch.values is NULL");
    if (!error && batch.capacity > 0) {
        for (; batch.done < batch.capacity && !error; batch.done += error == 0) error = write(call, &batch, batch.done);
        attr->batch.count = batch.done;
    }
    core_map_end(map, HANDLE_WRITE);
    return error;
}

int64_t core_cmd_map_update_batch(core_call *call)
{
    return write_batch(call, update_one, true);
}

int64_t core_cmd_map_delete_batch(core_call *call)
{
    return write_batch(call, delete_one, false);
}
