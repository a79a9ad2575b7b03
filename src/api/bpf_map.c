// bpf_map.c: bpf.h's calls on maps: one command each.
#include "api/api.h"
#include "base/format.h"

static uint64_t address(const void *pointer)
{
    return (uint64_t)(uintptr_t)pointer;
}

int bpf_map_create(enum bpf_map_type map_type, const char *map_name, uint32_t key_size, uint32_t value_size, uint32_t max_entries,
                   const struct bpf_map_create_opts *opts)
{
    struct bpf_map_create_opts o;
    if (!api_opts_copy(&o, sizeof o, opts)) return api_fail(EINVAL, "bpf_map_create: sz of the options is wrong");
    pst_bpf_attr attr = {0};
    attr.map_type = (uint32_t)map_type;
    attr.key_size = key_size;
    attr.value_size = value_size;
    attr.max_entries = max_entries;
    attr.map_flags = o.map_flags;
    attr.inner_map_fd = o.inner_map_fd;
    attr.numa_node = o.numa_node;
    if (map_name) pst_format(attr.map_name, sizeof attr.map_name, "%s", map_name);
    attr.map_ifindex = o.map_ifindex;
    attr.btf_fd = o.btf_fd;
    attr.btf_key_type_id = o.btf_key_type_id;
    attr.btf_value_type_id = o.btf_value_type_id;
    attr.btf_vmlinux_value_type_id = o.btf_vmlinux_value_type_id;
    attr.map_extra = o.map_extra;
    attr.value_type_btf_obj_fd = o.value_type_btf_obj_fd;
    return api_command(PST_BPF_MAP_CREATE, &attr, sizeof attr);
}

static int element_command(uint32_t cmd, int fd, const void *key, const void *value, __u64 flags)
{
    pst_bpf_attr attr = {0};
    attr.map_fd = (uint32_t)fd;
    attr.key = address(key);
    attr.value = address(value);
    attr.flags = flags;
    return api_command(cmd, &attr, sizeof attr);
}

int bpf_map_update_elem(int fd, const void *key, const void *value, __u64 flags)
{
    return element_command(PST_BPF_MAP_UPDATE_ELEM, fd, key, value, flags);
}

int bpf_map_lookup_elem(int fd, const void *key, void *value)
{
    return element_command(PST_BPF_MAP_LOOKUP_ELEM, fd, key, value, 0);
}

int bpf_map_lookup_elem_flags(int fd, const void *key, void *value, __u64 flags)
{
    return element_command(PST_BPF_MAP_LOOKUP_ELEM, fd, key, value, flags);
}

int bpf_map_lookup_and_delete_elem(int fd, const void *key, void *value)
{
    return element_command(PST_BPF_MAP_LOOKUP_AND_DELETE_ELEM, fd, key, value, 0);
}

int bpf_map_lookup_and_delete_elem_flags(int fd, const void *key, void *value, __u64 flags)
{
    return element_command(PST_BPF_MAP_LOOKUP_AND_DELETE_ELEM, fd, key, value, flags);
}

int bpf_map_delete_elem(int fd, const void *key)
{
    return element_command(PST_BPF_MAP_DELETE_ELEM, fd, key, NULL, 0);
}

int bpf_map_delete_elem_flags(int fd, const void *key, __u64 flags)
{
    return element_command(PST_BPF_MAP_DELETE_ELEM, fd, key, NULL, flags);
}

int bpf_map_get_next_key(int fd, const void *key, void *next_key)
{
    return element_command(PST_BPF_MAP_GET_NEXT_KEY, fd, key, next_key, 0);
}

int bpf_map_freeze(int fd)
{
    pst_bpf_attr attr = {0};
    attr.map_fd = (uint32_t)fd;
    return api_command(PST_BPF_MAP_FREEZE, &attr, sizeof attr);
}

typedef struct batch {
    int fd;
    const void *in, *keys, *values;
    void *out;
    uint32_t *count;
    const struct bpf_map_batch_opts *opts;
} batch;

static int batch_command(uint32_t cmd, const batch *b)
{
    struct bpf_map_batch_opts o;
    if (!api_opts_copy(&o, sizeof o, b->opts) || !b->count) return api_err(-EINVAL);
    pst_bpf_attr attr = {0};
    attr.batch.map_fd = (uint32_t)b->fd;
    attr.batch.in_batch = address(b->in);
    attr.batch.out_batch = address(b->out);
    attr.batch.keys = address(b->keys);
    attr.batch.values = address(b->values);
    attr.batch.count = *b->count;
    attr.batch.elem_flags = o.elem_flags;
    attr.batch.flags = o.flags;
    int err = api_command(cmd, &attr, sizeof attr);
    *b->count = attr.batch.count;
    return err;
}

int bpf_map_delete_batch(int fd, const void *keys, uint32_t *count, const struct bpf_map_batch_opts *opts)
{
    return batch_command(PST_BPF_MAP_DELETE_BATCH, &(batch){.fd = fd, .keys = keys, .count = count, .opts = opts});
}

int bpf_map_lookup_batch(int fd, void *in_batch, void *out_batch, void *keys, void *values, uint32_t *count,
                         const struct bpf_map_batch_opts *opts)
{
    return batch_command(PST_BPF_MAP_LOOKUP_BATCH, &(batch){fd, in_batch, keys, values, out_batch, count, opts});
}

int bpf_map_lookup_and_delete_batch(int fd, void *in_batch, void *out_batch, void *keys, void *values, uint32_t *count,
                                    const struct bpf_map_batch_opts *opts)
{
    return batch_command(PST_BPF_MAP_LOOKUP_AND_DELETE_BATCH, &(batch){fd, in_batch, keys, values, out_batch, count, opts});
}

int bpf_map_update_batch(int fd, const void *keys, const void *values, uint32_t *count, const struct bpf_map_batch_opts *opts)
{
    return batch_command(PST_BPF_MAP_UPDATE_BATCH, &(batch){.fd = fd, .keys = keys, .values = values, .count = count, .opts = opts});
}
