// legacy.bpf.c: maps in section "maps", 20 bytes each.
#include "object_data.h"

struct legacy_map {
    u32 type, key_size, value_size, max_entries, map_flags;
};

struct legacy_map SEC("maps") counters = {.type = 2, .key_size = 4, .value_size = 8, .max_entries = 256};
struct legacy_map SEC("maps") seen = {.type = 1, .key_size = 12, .value_size = 4, .max_entries = 16, .map_flags = 1};

SEC("socket") int count(void *context)
{
    u32 zero = 0;
    u64 *value = bpf_map_lookup_elem(&counters, &zero);
    if (value) (*value)++;
    return bpf_map_lookup_elem(&seen, &zero) != 0;
}

char _license[] SEC("license") = "GPL";
