// dynptr.c: dynptrs of map values and of ring buffer records: make, read, write, slice, hand over.
//
// A dynptr is 16 bytes of a program's stack. The proof keeps the program from touching them, so what they say is true; a dynptr of
// nothing has no data. Sizes, offsets and errors are Linux's (kernel/bpf/helpers.c).
#include "core/helper/helpers.h"
#include "core/map/ringbuf.h"

#define DYNPTR_SIZE_MAX ((1u << 24) - 1)

typedef struct dynptr {
    uint8_t *data; // NULL: of nothing
    uint32_t size, reserved;
} dynptr;
PST_STATIC_ASSERT(sizeof(dynptr) == 16, "the size that programs set aside");

static dynptr *dynptr_at(uint64_t address)
{
    return HELPER_POINTER(dynptr *, address);
}

static bool contains(const dynptr *d, uint64_t offset, uint64_t size)
{
    return size <= d->size && offset <= d->size - size;
}

static uint64_t make(dynptr *d, uint8_t *data, uint32_t size, int error)
{
    *d = error ? (dynptr){0} : (dynptr){.data = data, .size = size};
    return error ? helper_error(error) : 0;
}

HELPER(dynptr_from_mem)
{
    int error = (uint32_t)r2 > DYNPTR_SIZE_MAX ? PST_E2BIG : r3 ? PST_EINVAL : 0;
    return make(dynptr_at(r4), HELPER_POINTER(uint8_t *, r1), (uint32_t)r2, error);
}

HELPER(dynptr_read)
{
    const dynptr *from = dynptr_at(r3);
    uint32_t size = (uint32_t)r2, offset = (uint32_t)r4;
    if (!from->data || r5) return helper_error(PST_EINVAL);
    if (!contains(from, offset, size)) return helper_error(PST_E2BIG);
    if (size) memmove(HELPER_POINTER(void *, r1), from->data + offset, size);
    return 0;
}

HELPER(dynptr_write)
{
    const dynptr *to = dynptr_at(r1);
    uint32_t offset = (uint32_t)r2, size = (uint32_t)r4;
    if (!to->data || r5) return helper_error(PST_EINVAL);
    if (!contains(to, offset, size)) return helper_error(PST_E2BIG);
    if (size) memmove(to->data + offset, HELPER_POINTER(const void *, r3), size);
    return 0;
}

HELPER(dynptr_data)
{
    const dynptr *d = dynptr_at(r1);
    uint32_t offset = (uint32_t)r2;
    return d->data && contains(d, offset, r3) ? (uintptr_t)(d->data + offset) : 0;
}

HELPER(ringbuf_reserve_dynptr)
{
    uint32_t size = (uint32_t)r2;
    int error = r3 ? PST_EINVAL : size > DYNPTR_SIZE_MAX ? PST_E2BIG : 0;
    uint8_t *record = error ? NULL : core_ringbuf_reserve(core_map_of_register(r1), size);
    return make(dynptr_at(r4), record, size, error ? error : record ? 0 : PST_EINVAL);
}

static uint64_t commit(dynptr *d, uint64_t flags, bool discard)
{
    if (d->data) core_ringbuf_commit(d->data, flags, discard);
    *d = (dynptr){0};
    return 0;
}

HELPER(ringbuf_submit_dynptr)
{
    return commit(dynptr_at(r1), r2, false);
}

HELPER(ringbuf_discard_dynptr)
{
    return commit(dynptr_at(r1), r2, true);
}

static const helper_row g_rows[] = {
    {197, dynptr_from_mem}, {198, ringbuf_reserve_dynptr}, {199, ringbuf_submit_dynptr}, {200, ringbuf_discard_dynptr},
    {201, dynptr_read},     {202, dynptr_write},           {203, dynptr_data},
};
const helper_table helper_dynptr_table = {g_rows, PST_COUNT(g_rows)};
