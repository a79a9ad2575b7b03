// prog_array.c: BPF_MAP_TYPE_PROG_ARRAY: the targets of tail calls.
//
// The first program that is stored here, or that uses the map, decides what programs fit: those that can run on the same context.
// A program in the array may use the array itself; the cycle is broken when the last handle and pin of the map are gone:
// then all slots are emptied, as on Linux.
#include "core/internal.h"
#include "core/map/slots.h"

typedef struct prog_array {
    slot_map slots; // first
    core_spin lock; // of what follows
    bool owned;
    uint32_t prog_type;
} prog_array;

bool core_prog_array_accepts(pst_map *map, const core_prog *prog)
{
    prog_array *array = (prog_array *)(void *)map;
    core_spin_lock(&array->lock);
    if (!array->owned) {
        array->owned = true;
        array->prog_type = prog->image->prog_type;
    }
    bool fits = array->prog_type == prog->image->prog_type;
    core_spin_unlock(&array->lock);
    return fits;
}

static int prog_array_set(pst_map *map, const void *key, core_object *target, uint64_t flags)
{
    if (target && !core_prog_array_accepts(map, core_prog_of(target))) return -PST_EINVAL;
    return map_slots_set(map, key, target, flags);
}

const pst_exec *core_prog_array_target(void *map_view, uint32_t index)
{
    core_object *object = map_slots_get(map_view, index);
    return object ? core_prog_of(object)->exec : NULL;
}

const map_ops map_prog_array_ops = {
    .object_size = sizeof(prog_array),
    .check = map_fd_array_check,
    .create = map_slots_create,
    .destroy = map_slots_destroy,
    .read = map_slots_read,
    .next_key = map_array_next_key,
    .set_check = map_slots_check,
    .set_object = prog_array_set,
    .release_users = map_slots_clear,
    .object_kind = OBJECT_PROG,
};
