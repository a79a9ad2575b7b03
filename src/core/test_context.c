// test_context.c: native contexts for PROG_TEST_RUN: xdp, socket_filter and sched_cls, sample.
//
// Each is one block: the context, then room for the packet with space to grow at both ends. Rules are Linux's (net/bpf/test_run.c), but that
// interface numbers need not exist on this host.
#include <string.h>

#include "base/bits.h"
#include "core/builtin.h"
#include "core/test_context.h"

#define HEADROOM 256u // XDP_PACKET_HEADROOM
#define TAILROOM 320u // what Linux keeps behind a frame
#define DATA_MAX 65536u
#define ETHERNET_HEADER 14u
#define XDP_MD_SIZE 24u // Linux's struct xdp_md
#define META_MAX 252u
#define SKB_SIZE 192u   // struct __sk_buff

typedef struct test_block {
    union {
        pst_xdp_ctx xdp;
        pst_skb_ctx skb;
        pst_sample_ctx sample;
    } ctx; // first
    size_t bytes; // of the block
    uint8_t buffer[];
} test_block;

// A block with the input behind the headroom.
static pst_status block_create(const pst_env *env, const pst_test_data *data, test_block **out)
{
    if (data->data_in_size > DATA_MAX)
        return pst_fail(env, PST_E_INVALID, "data_in is %u bytes, more than %u", data->data_in_size, DATA_MAX);
    size_t bytes = sizeof(test_block) + HEADROOM + data->data_in_size + TAILROOM;
    test_block *block = pst_alloc_zero(env, 1, bytes);
    if (!block) return PST_E_NOMEM;
    block->bytes = bytes;
    if (data->data_in_size > 0) memcpy(block->buffer + HEADROOM, data->data_in, data->data_in_size);
    *out = block;
    return PST_OK;
}

// ctx_in with the size of the struct; a longer one must end in zeros. NULL input gives zeros.
static pst_status ctx_read(const pst_env *env, const pst_test_data *data, uint8_t *ctx, uint32_t size)
{
    memset(ctx, 0, size);
    for (uint32_t i = size; i < data->ctx_in_size; i++)
        if (data->ctx_in[i] != 0) return pst_fail(env, PST_E_LIMIT, "ctx_in has bytes that are not zero after the %u of the context", size);
    if (data->ctx_in_size > 0) memcpy(ctx, data->ctx_in, data->ctx_in_size < size ? data->ctx_in_size : size);
    return PST_OK;
}

static void ctx_write(pst_test_data *data, const uint8_t *ctx, uint32_t size)
{
    uint32_t copied = size < data->ctx_out_capacity ? size : data->ctx_out_capacity;
    if (!data->ctx_out) return;
    if (copied > 0) memcpy(data->ctx_out, ctx, copied);
    data->ctx_out_size = size;
}

static void data_write(pst_test_data *data, const uint8_t *from, const uint8_t *end)
{
    uint32_t size = (uint32_t)(end - from), copied = size < data->data_out_capacity ? size : data->data_out_capacity;
    if (data->data_out && copied > 0) memcpy(data->data_out, from, copied);
    data->data_out_size = size;
}

// --- xdp ------------------------------------------------------------------------------------------------------

// struct xdp_md: data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex. With a context, data_in begins with
// the metadata: data is its length, data_end the length of all.
static pst_status xdp_check(const pst_env *env, const uint8_t md[XDP_MD_SIZE], uint32_t size)
{
    uint32_t meta = pst_load32(md);
    if (pst_load32(md + 8) != 0 || pst_load32(md + 4) != size || meta > size)
        return pst_fail(env, PST_E_INVALID, "ctx_in: data_meta must be 0, data_end the size of data_in, data at most that");
    if (meta % 4 || meta > META_MAX) return pst_fail(env, PST_E_INVALID, "ctx_in: %u bytes of metadata; a multiple of 4, at most %u", meta, META_MAX);
    if (pst_load32(md + 20) != 0) return pst_fail(env, PST_E_INVALID, "ctx_in: egress_ifindex must be 0");
    if (pst_load32(md + 12) == 0 && pst_load32(md + 16) != 0)
        return pst_fail(env, PST_E_INVALID, "ctx_in: rx_queue_index is set without ingress_ifindex");
    return PST_OK;
}

pst_status pst_builtin_xdp_test_create(void *user, const pst_env *env, const pst_test_data *data, void **ctx)
{
    uint8_t md[XDP_MD_SIZE];
    test_block *block;
    if (data->data_in_size < ETHERNET_HEADER)
        return pst_fail(env, PST_E_INVALID, "data_in is %u bytes: an Ethernet frame has at least %u", data->data_in_size, ETHERNET_HEADER);
    PST_TRY(ctx_read(env, data, md, sizeof md));
    if (data->ctx_in) PST_TRY(xdp_check(env, md, data->data_in_size));
    PST_TRY(block_create(env, data, &block));
    uint8_t *start = block->buffer + HEADROOM, *end = start + data->data_in_size;
    block->ctx.xdp = (pst_xdp_ctx){
        .data = start + pst_load32(md),
        .data_end = end,
        .data_meta = start,
        .hard_start = block->buffer,
        .hard_end = end + TAILROOM,
        .ingress_ifindex = data->ctx_in ? pst_load32(md + 12) : 1, // Linux: the loopback device
        .rx_queue_index = pst_load32(md + 16),
    };
    *ctx = block;
    return PST_OK;
}

void pst_builtin_xdp_test_finish(void *user, const pst_env *env, void *ctx, pst_test_data *data)
{
    test_block *block = ctx;
    const pst_xdp_ctx *xdp = &block->ctx.xdp;
    uint8_t md[XDP_MD_SIZE] = {0};
    data_write(data, xdp->data_meta, xdp->data_end);
    pst_store32(md, (uint32_t)(xdp->data - xdp->data_meta));
    pst_store32(md + 4, (uint32_t)(xdp->data_end - xdp->data_meta));
    pst_store32(md + 12, xdp->ingress_ifindex);
    pst_store32(md + 16, xdp->rx_queue_index);
    ctx_write(data, md, sizeof md);
    pst_free(env, block, block->bytes);
}

// --- socket_filter and sched_cls ------------------------------------------------------------------------------

// The fields that ctx_in may set and ctx_out shows; all others must be 0.
typedef struct skb_field {
    uint16_t abi, native, size;
} skb_field;

#define FIELD(abi, member) {abi, offsetof(pst_skb_ctx, member), sizeof(((pst_skb_ctx *)0)->member)}
static const skb_field g_skb_fields[] = {
    FIELD(8, mark),       FIELD(32, priority),  FIELD(36, ingress_ifindex), FIELD(40, ifindex), FIELD(48, cb),
    FIELD(152, tstamp),   FIELD(160, wire_len), FIELD(164, gso_segs),       FIELD(176, gso_size), FIELD(184, hwtstamp),
};

static pst_status skb_apply(const pst_env *env, uint8_t md[SKB_SIZE], pst_skb_ctx *skb)
{
    for (size_t i = 0; i < PST_COUNT(g_skb_fields); i++) {
        const skb_field *field = &g_skb_fields[i];
        memcpy((uint8_t *)skb + field->native, md + field->abi, field->size);
        memset(md + field->abi, 0, field->size);
    }
    for (uint32_t i = 0; i < SKB_SIZE; i++)
        if (md[i] != 0) return pst_fail(env, PST_E_INVALID, "ctx_in: the field at offset %u cannot be set", i);
    return PST_OK;
}

static uint32_t packet_type(const uint8_t *destination)
{
    static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, none[6] = {0};
    if (memcmp(destination, broadcast, 6) == 0) return 1; // PACKET_BROADCAST
    if (destination[0] & 1) return 2;                     // PACKET_MULTICAST
    return memcmp(destination, none, 6) == 0 ? 0 : 3;     // PACKET_HOST (the loopback device), PACKET_OTHERHOST
}

// A socket filter sees the packet from the network header on, a classifier from the link header.
static bool sees_link_header(const pst_prog_type *type)
{
    return type->number != PST_PROG_SOCKET_FILTER;
}

pst_status pst_builtin_skb_test_create(void *user, const pst_env *env, const pst_test_data *data, void **ctx)
{
    uint8_t md[SKB_SIZE];
    test_block *block;
    if (data->data_in_size < ETHERNET_HEADER)
        return pst_fail(env, PST_E_INVALID, "data_in is %u bytes: an Ethernet frame has at least %u", data->data_in_size, ETHERNET_HEADER);
    PST_TRY(ctx_read(env, data, md, sizeof md));
    PST_TRY(block_create(env, data, &block));
    pst_skb_ctx *skb = &block->ctx.skb;
    uint8_t *start = block->buffer + HEADROOM;
    pst_status status = skb_apply(env, md, skb);
    if (status != PST_OK) {
        pst_free(env, block, block->bytes);
        return status;
    }
    skb->data = skb->data_meta = start + (sees_link_header(user) ? 0 : ETHERNET_HEADER);
    skb->data_end = start + data->data_in_size;
    skb->hard_start = block->buffer;
    skb->hard_end = skb->data_end + TAILROOM;
    skb->len = (uint32_t)(skb->data_end - skb->data);
    skb->protocol = pst_load16(start + 12); // stays in network order
    skb->pkt_type = packet_type(start);
    if (skb->ingress_ifindex == 0) skb->ingress_ifindex = 1;
    if (skb->ifindex == 0) skb->ifindex = 1;
    if (skb->wire_len == 0) skb->wire_len = skb->len;
    *ctx = block;
    return PST_OK;
}

void pst_builtin_skb_test_finish(void *user, const pst_env *env, void *ctx, pst_test_data *data)
{
    test_block *block = ctx;
    const pst_skb_ctx *skb = &block->ctx.skb;
    uint8_t md[SKB_SIZE] = {0};
    data_write(data, skb->data - (sees_link_header(user) ? 0 : ETHERNET_HEADER), skb->data_end);
    for (size_t i = 0; i < PST_COUNT(g_skb_fields); i++)
        memcpy(md + g_skb_fields[i].abi, (const uint8_t *)skb + g_skb_fields[i].native, g_skb_fields[i].size);
    ctx_write(data, md, sizeof md);
    pst_free(env, block, block->bytes);
}

// --- sample ---------------------------------------------------------------------------------------------------

#define SAMPLE_SIZE 64u

// Scalars and the opaque pointer, in or out, by the descriptor.
static void sample_copy(const pst_prog_type *type, pst_sample_ctx *sample, uint8_t *abi, bool in)
{
    for (uint32_t i = 0; i < type->field_count; i++) {
        const pst_ctx_field *field = &type->fields[i];
        uint8_t *native = (uint8_t *)sample + field->native_off;
        if (field->kind != PST_FIELD_SCALAR && field->kind != PST_FIELD_POINTER) continue;
        if (in)
            memcpy(native, abi + field->abi_off, field->abi_size);
        else
            memcpy(abi + field->abi_off, native, field->abi_size);
    }
}

pst_status core_sample_test_create(void *user, const pst_env *env, const pst_test_data *data, void **ctx)
{
    const pst_prog_type *type = pst_prog_type_by_number(PST_PROG_SAMPLE);
    uint8_t md[SAMPLE_SIZE];
    test_block *block;
    PST_TRY(ctx_read(env, data, md, sizeof md));
    PST_TRY(block_create(env, data, &block));
    pst_sample_ctx *sample = &block->ctx.sample;
    sample_copy(type, sample, md, true);
    sample->data = sample->data_meta = block->buffer + HEADROOM;
    sample->data_end = sample->data + data->data_in_size;
    sample->hard_start = block->buffer;
    sample->hard_end = sample->data_end + TAILROOM;
    *ctx = block;
    return PST_OK;
}

void core_sample_test_finish(void *user, const pst_env *env, void *ctx, pst_test_data *data)
{
    test_block *block = ctx;
    uint8_t md[SAMPLE_SIZE] = {0};
    data_write(data, block->ctx.sample.data, block->ctx.sample.data_end);
    sample_copy(pst_prog_type_by_number(PST_PROG_SAMPLE), &block->ctx.sample, md, false);
    ctx_write(data, md, sizeof md);
    pst_free(env, block, block->bytes);
}
