// bind_limit.bpf.c: counts binds by process, limits them, and tells of refusals.
#include "bpf_helpers.h"
#include "ebpf_nethooks.h"

typedef struct _process_entry {
    uint32_t count;
    uint8_t name[64];
} process_entry_t;

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __type(key, uint64_t);
    __type(value, process_entry_t);
    __uint(max_entries, 1024);
} processes SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 64 * 1024);
} refusals SEC(".maps");

// The form before BTF.
SEC("maps")
struct bpf_map_def limits = {.type = BPF_MAP_TYPE_ARRAY, .key_size = sizeof(uint32_t), .value_size = sizeof(uint32_t), .max_entries = 1};

bind_hook_t bind_limit;

SEC("bind")
bind_action_t bind_limit(bind_md_t *ctx)
{
    uint32_t zero = 0;
    uint64_t key = ctx->process_id;
    uint32_t *limit = bpf_map_lookup_elem(&limits, &zero);
    process_entry_t *entry = bpf_map_lookup_elem(&processes, &key);
    if (!limit || *limit == 0) return BIND_PERMIT;
    if (ctx->operation == BIND_OPERATION_UNBIND) {
        if (entry && entry->count > 0) entry->count--;
        return BIND_PERMIT_SOFT;
    }
    if (!entry) {
        process_entry_t fresh = {.count = 1};
        memcpy(fresh.name, ctx->socket_address, sizeof(ctx->socket_address));
        if (ctx->app_id_end > ctx->app_id_start) memset(fresh.name, 0, sizeof(fresh.name));
        bpf_map_update_elem(&processes, &key, &fresh, EBPF_ANY);
        return BIND_PERMIT_HARD;
    }
    if (++entry->count <= *limit) return BIND_PERMIT;
    bpf_printk("process %u is over its limit", key);
    bpf_ringbuf_output(&refusals, &key, sizeof(key), 0);
    return BIND_DENY;
}
