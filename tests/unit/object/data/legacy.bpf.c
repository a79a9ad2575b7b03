// legacy.bpf.c: maps in section "maps", 20 bytes each.
#include "object_data.h"

struct bpf_map_def {
    u32 type, key_size, value_size, max_entries, map_flags;
};

struct bpf_map_def SEC("maps") counters = {.type = 2, .key_size = 4, .value_size = 8, .max_entries = 256};
struct bpf_map_def SEC("maps") seen = {.type = 1, .key_size = 12, .value_size = 4, .max_entries = 16, .map_flags = 1};

SEC("socket") int count(void *context)
{
    u32 zero = 0;
    u64 *value = map_lookup(&counters, &zero);
    if (value) (*value)++;
    return map_lookup(&seen, &zero) != 0;
}

char _license[] SEC("license") = "GPL";
