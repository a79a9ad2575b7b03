// skb.c: helpers of socket_filter and sched_cls programs over pst_skb_ctx. Limits and errno are those of Linux's net/core/filter.c.
#include "base/bits.h"
#include "core/helper/helpers.h"

#define ETHERNET_HEADER 14u
#define TC_ACT_SHOT 2u
#define TC_ACT_REDIRECT 7u
enum { STORE_RECOMPUTE = 1, STORE_INVALIDATE_HASH = 2 };
enum { CSUM_FIELD_SIZE = 0xf, CSUM_PSEUDO = 0x10, CSUM_MANGLED_0 = 0x20, CSUM_ENFORCE = 0x40 };

// The bytes [offset, offset + size) of the packet, or NULL.
static uint8_t *packet_at(const pst_skb_ctx *skb, uint64_t offset, uint64_t size)
{
    uint64_t length = (uint64_t)(skb->data_end - skb->data);
    offset = (uint32_t)offset;
    size = (uint32_t)size;
    return offset <= INT32_MAX && offset <= length && size <= length - offset ? skb->data + offset : NULL;
}

static uint64_t load_from(const pst_skb_ctx *skb, uint64_t offset, uint64_t to, uint64_t size)
{
    const uint8_t *from = packet_at(skb, offset, size);
    if (from) {
        memcpy(HELPER_POINTER(void *, to), from, (uint32_t)size);
        return 0;
    }
    memset(HELPER_POINTER(void *, to), 0, (uint32_t)size); // the program may read it anyway
    return helper_error(PST_EFAULT);
}

HELPER(skb_load_bytes)
{
    return load_from(run->ctx, r2, r3, r4);
}

// r5: 0 counts from the link header, 1 from the network header.
HELPER(skb_load_bytes_relative)
{
    if (r5 > 1) {
        memset(HELPER_POINTER(void *, r3), 0, (uint32_t)r4);
        return helper_error(PST_EFAULT);
    }
    return load_from(run->ctx, (uint32_t)r2 + (r5 ? ETHERNET_HEADER : 0u), r3, r4);
}

HELPER(skb_store_bytes)
{
    pst_skb_ctx *skb = run->ctx;
    if (r5 & ~(uint64_t)(STORE_RECOMPUTE | STORE_INVALIDATE_HASH)) return helper_error(PST_EINVAL);
    uint8_t *to = packet_at(skb, r2, r4);
    if (!to) return helper_error(PST_EFAULT);
    memmove(to, HELPER_POINTER(const void *, r3), (uint32_t)r4);
    if (r5 & STORE_INVALIDATE_HASH) skb->hash = 0;
    return 0;
}

// RFC 1624: the checksum after a change by diff (a sum of what came minus what went).
static uint16_t csum_replaced(uint16_t old, uint32_t diff)
{
    return (uint16_t)~helper_csum_fold(helper_csum_add(diff, (uint16_t)~old));
}

// The change that (from, to, size) describes; false when flags are wrong.
static bool csum_change(uint64_t from, uint64_t to, uint64_t size, uint32_t *diff)
{
    switch (size) {
    case 0: // to is a difference already, from csum_diff
        *diff = (uint32_t)to;
        return from == 0;
    case 2: *diff = helper_csum_add((uint16_t)to, ~(uint32_t)(uint16_t)from); return true;
    case 4: *diff = helper_csum_add((uint32_t)to, ~(uint32_t)from); return true;
    default: return false;
    }
}

HELPER(l3_csum_replace)
{
    uint32_t diff;
    if (r5 & ~(uint64_t)CSUM_FIELD_SIZE) return helper_error(PST_EINVAL);
    uint8_t *at = r2 <= 0xffff && r2 % 2 == 0 ? packet_at(run->ctx, r2, 2) : NULL;
    if (!at) return helper_error(PST_EFAULT);
    if (!csum_change(r3, r4, r5 & CSUM_FIELD_SIZE, &diff)) return helper_error(PST_EINVAL);
    pst_store16(at, csum_replaced(pst_load16(at), diff));
    return 0;
}

HELPER(l4_csum_replace)
{
    uint32_t diff;
    if (r5 & ~(uint64_t)(CSUM_FIELD_SIZE | CSUM_PSEUDO | CSUM_MANGLED_0 | CSUM_ENFORCE)) return helper_error(PST_EINVAL);
    uint8_t *at = r2 <= 0xffff && r2 % 2 == 0 ? packet_at(run->ctx, r2, 2) : NULL;
    if (!at) return helper_error(PST_EFAULT);
    // A UDP checksum of 0 means "none" and stays.
    if ((r5 & CSUM_MANGLED_0) && !(r5 & CSUM_ENFORCE) && pst_load16(at) == 0) return 0;
    if (!csum_change(r3, r4, r5 & CSUM_FIELD_SIZE, &diff)) return helper_error(PST_EINVAL);
    uint16_t sum = csum_replaced(pst_load16(at), diff);
    pst_store16(at, (r5 & CSUM_MANGLED_0) && sum == 0 ? 0xffff : sum);
    return 0;
}

HELPER(skb_redirect)
{
    pst_skb_ctx *skb = run->ctx;
    if (r2 & ~(uint64_t)1) return TC_ACT_SHOT; // BPF_F_INGRESS
    skb->redirect_ifindex = (uint32_t)r1;
    return TC_ACT_REDIRECT;
}

HELPER(get_hash_recalc)
{
    const pst_skb_ctx *skb = run->ctx;
    return skb->hash;
}

// The whole packet is linear here.
HELPER(skb_pull_data)
{
    const pst_skb_ctx *skb = run->ctx;
    return (uint32_t)r2 > (uint64_t)(skb->data_end - skb->data) ? helper_error(PST_ENOMEM) : 0;
}

static const helper_row g_rows[] = {
    {9, skb_store_bytes}, {10, l3_csum_replace},  {11, l4_csum_replace}, {23, skb_redirect},
    {26, skb_load_bytes}, {34, get_hash_recalc}, {39, skb_pull_data},   {68, skb_load_bytes_relative},
};
const helper_table helper_skb_table = {g_rows, PST_COUNT(g_rows)};
