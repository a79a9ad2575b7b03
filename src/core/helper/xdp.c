// xdp.c: helpers of xdp programs over pst_xdp_ctx. Limits and errno are those of Linux's net/core/filter.c.
//
// Invariant: hard_start <= data_meta <= data <= data_end <= hard_end.
#include "core/helper/helpers.h"
#include "core/map/devmap.h"

#define ETHERNET_HEADER 14
#define META_MAX 252u // metadata in front of a frame, in steps of 4

HELPER(xdp_get_buff_len)
{
    const pst_xdp_ctx *xdp = run->ctx;
    return (uint64_t)(xdp->data_end - xdp->data);
}

// Moves the start of the frame, and the metadata with it.
HELPER(xdp_adjust_head)
{
    pst_xdp_ctx *xdp = run->ctx;
    int64_t delta = (int32_t)(uint32_t)r2, meta = xdp->data - xdp->data_meta;
    if (xdp->data - xdp->hard_start - meta + delta < 0) return helper_error(PST_EINVAL);
    if (xdp->data_end - xdp->data - ETHERNET_HEADER < delta) return helper_error(PST_EINVAL);
    if (meta > 0) memmove(xdp->data_meta + delta, xdp->data_meta, (size_t)meta);
    xdp->data_meta += delta;
    xdp->data += delta;
    return 0;
}

// Moves the end. New bytes are 0.
HELPER(xdp_adjust_tail)
{
    pst_xdp_ctx *xdp = run->ctx;
    int64_t delta = (int32_t)(uint32_t)r2;
    if (delta > xdp->hard_end - xdp->data_end) return helper_error(PST_EINVAL);
    if (xdp->data_end - xdp->data - ETHERNET_HEADER + delta < 0) return helper_error(PST_EINVAL);
    if (delta > 0) memset(xdp->data_end, 0, (size_t)delta);
    xdp->data_end += delta;
    return 0;
}

HELPER(xdp_adjust_meta)
{
    pst_xdp_ctx *xdp = run->ctx;
    int64_t meta = xdp->data - xdp->data_meta - (int32_t)(uint32_t)r2;
    if (meta < 0 || meta > xdp->data - xdp->hard_start) return helper_error(PST_EINVAL);
    if (meta % 4 || meta > META_MAX) return helper_error(PST_EACCES);
    xdp->data_meta = xdp->data - meta;
    return 0;
}

// 0 when [offset, offset + size) lies in the frame.
static int check_range(const pst_xdp_ctx *xdp, uint64_t offset, uint64_t size)
{
    offset = (uint32_t)offset;
    size = (uint32_t)size;
    if (offset > 0xffff || size > 0xffff) return PST_EFAULT;
    return offset + size > (uint64_t)(xdp->data_end - xdp->data) ? PST_EINVAL : 0;
}

HELPER(xdp_load_bytes)
{
    const pst_xdp_ctx *xdp = run->ctx;
    int error = check_range(xdp, r2, r4);
    if (error) return helper_error(error);
    memcpy(HELPER_POINTER(void *, r3), xdp->data + (uint32_t)r2, (uint32_t)r4);
    return 0;
}

HELPER(xdp_store_bytes)
{
    const pst_xdp_ctx *xdp = run->ctx;
    int error = check_range(xdp, r2, r4);
    if (error) return helper_error(error);
    memmove(xdp->data + (uint32_t)r2, HELPER_POINTER(const void *, r3), (uint32_t)r4); // the source may be the packet
    return 0;
}

HELPER(xdp_redirect)
{
    pst_xdp_ctx *xdp = run->ctx;
    if (r2 || !xdp) return PST_XDP_ABORTED; // the callback of a timer has no packet
    xdp->redirect_ifindex = (uint32_t)r1;
    return PST_XDP_REDIRECT;
}

#define ACTIONS 3u // the flags that say what a program returns where there is no such entry

HELPER(xdp_redirect_map)
{
    pst_xdp_ctx *xdp = run->ctx;
    pst_map *map = core_map_of_register(r1);
    if (r3 & ~(uint64_t)ACTIONS || !xdp) return PST_XDP_ABORTED; // broadcasts are not there
    uint32_t target = core_redirect_target(map, (uint32_t)r2);
    if (target == 0) return r3;
    if (map->view.type == PST_MAP_CPUMAP) return PST_XDP_PASS; // what becomes of the frame on that CPU
    xdp->redirect_ifindex = target;
    return PST_XDP_REDIRECT;
}

static const helper_row g_rows[] = {
    {23, xdp_redirect},      {51, xdp_redirect_map}, {44, xdp_adjust_head}, {54, xdp_adjust_meta},  {65, xdp_adjust_tail},
    {188, xdp_get_buff_len}, {189, xdp_load_bytes}, {190, xdp_store_bytes},
};
const helper_table helper_xdp_table = {g_rows, PST_COUNT(g_rows)};
