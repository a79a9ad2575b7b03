// rings.c: ringbuf_output, reserve, submit, discard, query; perf_event_output.
#include "core/helper/helpers.h"
#include "core/map/perf_array.h"
#include "core/map/ringbuf.h"

#define WAKEUP_FLAGS (PST_RB_NO_WAKEUP | PST_RB_FORCE_WAKEUP)

HELPER(ringbuf_output)
{
    if (r4 & ~(uint64_t)WAKEUP_FLAGS) return helper_error(PST_EINVAL);
    void *record = core_ringbuf_reserve(core_map_of_register(r1), r3);
    if (!record) return helper_error(PST_EAGAIN);
    if (r3 > 0) memcpy(record, HELPER_POINTER(const void *, r2), (size_t)r3);
    core_ringbuf_commit(record, r4, false);
    return 0;
}

HELPER(ringbuf_reserve)
{
    return r3 ? 0 : (uintptr_t)core_ringbuf_reserve(core_map_of_register(r1), r2);
}

HELPER(ringbuf_submit)
{
    core_ringbuf_commit(HELPER_POINTER(void *, r1), r2, false);
    return 0;
}

HELPER(ringbuf_discard)
{
    core_ringbuf_commit(HELPER_POINTER(void *, r1), r2, true);
    return 0;
}

HELPER(ringbuf_query)
{
    return core_ringbuf_query(core_map_of_register(r1), r2);
}

// The upper half of flags may ask for the first bytes of the packet behind the data.
HELPER(perf_event_output)
{
    uint64_t flags = r3, index = flags & PST_F_INDEX_MASK, from_packet = (flags & PST_F_CTXLEN_MASK) >> 32;
    if (flags & ~(PST_F_INDEX_MASK | PST_F_CTXLEN_MASK)) return helper_error(PST_EINVAL);
    pst_packet_range packet = {0};
    if (from_packet > 0) {
        const core_prog *prog = run->prog->owner;
        packet = pst_ctx_packet(prog->provider->type, run->ctx);
        if (!packet.start || from_packet > (uint64_t)(packet.end - packet.start)) return helper_error(PST_EFAULT);
    }
    uint32_t cpu = index == PST_F_CURRENT_CPU ? pst_pal_cpu_id() : (uint32_t)index;
    if (r5 > UINT16_MAX) return helper_error(PST_E2BIG);
    return helper_result(core_perf_write(core_map_of_register(r2), cpu, HELPER_POINTER(const void *, r4), (uint32_t)r5, packet.start,
                                         (uint32_t)from_packet));
}

static const helper_row g_rows[] = {
    {25, perf_event_output}, {130, ringbuf_output},  {131, ringbuf_reserve},
    {132, ringbuf_submit},   {133, ringbuf_discard}, {134, ringbuf_query},
};
const helper_table helper_ring_table = {g_rows, PST_COUNT(g_rows)};
