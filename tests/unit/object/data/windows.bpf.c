// windows.bpf.c: section names and maps as sources for eBPF for Windows have them: 32-byte definitions, inner maps by position and by id.
#include "object_data.h"

struct windows_map {
    u32 type, key_size, value_size, max_entries, inner_map_idx, pinning, id, inner_id;
};

struct windows_map SEC("maps") plain = {.type = 1, .key_size = 4, .value_size = 4, .max_entries = 10, .pinning = 1, .id = 7};
struct windows_map SEC("maps") outer_by_id = {.type = 12, .key_size = 4, .value_size = 4, .max_entries = 3, .inner_id = 7};
struct windows_map SEC("maps") outer_by_position = {.type = 13, .key_size = 4, .value_size = 4, .max_entries = 3, .inner_map_idx = 0};

SEC("bind") int on_bind(void *context)
{
    u32 zero = 0;
    return bpf_map_lookup_elem(&outer_by_id, &zero) != 0 || bpf_map_lookup_elem(&outer_by_position, &zero) != 0 || bpf_map_lookup_elem(&plain, &zero) != 0;
}

SEC("cgroup/connect4") int on_connect(void *context)
{
    return 1;
}
