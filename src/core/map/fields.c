// fields.c: special fields of values. See fields.h.
//
// The parts between the fields are copied as values.c does it: what is aligned is written whole, so that a reader sees old or new words.
#include "core/map/fields.h"

#include "core/spin.h"

typedef void (*part_fn)(void *to, const void *from, uint32_t size);

// Copies what is in front of the next multiple of 8 in steps that are aligned, then the rest.
static void copy_part(uint8_t *to, const uint8_t *from, uint32_t offset, uint32_t end, part_fn copy)
{
    for (uint32_t step = 1; step < 8; step *= 2) {
        if (!(offset & step)) continue;
        while (step > end - offset) step /= 2; // the last few bytes
        if (step == 0) return;
        copy(to + offset, from + offset, step);
        offset += step;
    }
    if (offset < end) copy(to + offset, from + offset, end - offset);
}

static void copy_parts(const pst_map *map, uint8_t *to, const uint8_t *from, uint32_t size, part_fn copy)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < map->view.record_count; i++) {
        const pst_record *field = &map->view.records[i];
        if (at < field->offset) copy_part(to, from, at, field->offset, copy);
        at = field->offset + field->size;
    }
    if (at < size) copy_part(to, from, at, size, copy);
}

void core_fields_store(const pst_map *map, void *live, const void *from, uint32_t size)
{
    copy_parts(map, live, from, size, core_value_store);
}

void core_fields_load(const pst_map *map, void *to, const void *live, uint32_t size)
{
    for (uint32_t i = 0; i < map->view.record_count; i++) memset((uint8_t *)to + map->view.records[i].offset, 0, map->view.records[i].size);
    copy_parts(map, to, live, size, core_value_load);
}

static core_spin *lock_of(const pst_map *map, void *live)
{
    return (core_spin *)(void *)((uint8_t *)live + map->lock_offset);
}

void core_fields_store_locked(const pst_map *map, void *live, const void *from)
{
    core_spin_lock(lock_of(map, live));
    core_fields_store(map, live, from, map->view.value_size);
    core_spin_unlock(lock_of(map, live));
}

void core_fields_load_locked(const pst_map *map, void *to, void *live)
{
    core_spin_lock(lock_of(map, live));
    core_fields_load(map, to, live, map->view.value_size);
    core_spin_unlock(lock_of(map, live));
}

// --- Rules ------------------------------------------------------------------------------------------------------

#define TYPE(type) (1u << PST_MAP_##type)
#define PLAIN (TYPE(HASH) | TYPE(ARRAY))
#define PERCPU (TYPE(PERCPU_HASH) | TYPE(LRU_PERCPU_HASH) | TYPE(PERCPU_ARRAY))

// The map types whose values may have such a field.
static uint32_t types_of(pst_record_kind kind)
{
    switch (kind) {
    case PST_RECORD_SPIN_LOCK:
    case PST_RECORD_RES_SPIN_LOCK: return PLAIN;
    case PST_RECORD_TIMER:
    case PST_RECORD_WORKQUEUE:
    case PST_RECORD_TASK_WORK:
    case PST_RECORD_LIST_HEAD:
    case PST_RECORD_RB_ROOT: return PLAIN | TYPE(LRU_HASH);
    case PST_RECORD_KPTR:
    case PST_RECORD_KPTR_UNTRUSTED:
    case PST_RECORD_KPTR_PERCPU:
    case PST_RECORD_REFCOUNT: return PLAIN | TYPE(LRU_HASH) | PERCPU;
    case PST_RECORD_UPTR:
    case PST_RECORD_DYNPTR:
    case PST_RECORD_LIST_NODE:
    case PST_RECORD_RB_NODE: break;
    }
    return 0;
}

int core_fields_check(const pst_map *map, const char **why)
{
    const pst_map_view *view = &map->view;
    *why = "values with locks, timers or kptrs do not go with BPF_F_RDONLY_PROG and BPF_F_WRONLY_PROG";
    if (view->record_count && (view->flags & (PST_F_RDONLY_PROG | PST_F_WRONLY_PROG))) return -PST_EACCES;
    for (uint32_t i = 0; i < view->record_count; i++) {
        const pst_record *field = &view->records[i];
        *why = "the value's type is larger than value_size";
        if (field->offset > view->value_size || field->size > view->value_size - field->offset) return -PST_EINVAL;
        *why = "values of this map type cannot have such a lock, timer, list, tree or kptr";
        if (view->type >= 32 || !(types_of(field->kind) & 1u << view->type)) return -PST_EOPNOTSUPP;
    }
    return 0;
}

bool core_fields_equal(const pst_map_view *a, const pst_map_view *b)
{
    if (a->record_count != b->record_count) return false;
    for (uint32_t i = 0; i < a->record_count; i++) {
        const pst_record *x = &a->records[i], *y = &b->records[i];
        if (x->kind != y->kind || x->offset != y->offset || x->size != y->size) return false;
    }
    return true;
}
