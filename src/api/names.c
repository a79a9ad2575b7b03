// names.c: names of types, and what this host supports.
#include <stdlib.h>

#include "api/api.h"
#include "catalog/catalog.h"
#include "pal/pal.h"

static const char *name_or_null(const char *name)
{
    return name && *name ? name : NULL;
}

const char *libbpf_bpf_attach_type_str(enum bpf_attach_type t)
{
    return name_or_null(pst_attach_type_name((uint32_t)t));
}

const char *libbpf_bpf_map_type_str(enum bpf_map_type t)
{
    return name_or_null(pst_map_type_name((uint32_t)t));
}

const char *libbpf_bpf_prog_type_str(enum bpf_prog_type t)
{
    return name_or_null(pst_prog_type_name((uint32_t)t));
}

const char *libbpf_bpf_link_type_str(enum bpf_link_type t)
{
    static const char *const names[] = {"unspec", "raw_tracepoint", "tracing", "cgroup",       "iter",  "netns",  "xdp",
                                        "perf_event", "kprobe_multi", "struct_ops", "netfilter", "tcx", "uprobe_multi", "netkit"};
    return (size_t)t < PST_COUNT(names) ? names[t] : NULL;
}

int libbpf_prog_type_by_name(const char *name, enum bpf_prog_type *prog_type, enum bpf_attach_type *expected_attach_type)
{
    if (!name) return api_err(-EINVAL);
    const pst_section_type *row = pst_section_type_find(name[0] == '?' ? name + 1 : name);
    if (!row) return api_fail(ESRCH, "section %s: no program type has this name (`postern show types` lists them)", name);
    *prog_type = (enum bpf_prog_type)row->prog_type;
    *expected_attach_type = (enum bpf_attach_type)(row->attach_type == PST_ATTACH_NONE ? 0 : row->attach_type);
    return 0;
}

int libbpf_attach_type_by_name(const char *name, enum bpf_attach_type *attach_type)
{
    if (!name) return api_err(-EINVAL);
    const pst_section_type *row = pst_section_type_find(name);
    if (!row || row->attach_type == PST_ATTACH_NONE)
        return api_fail(EINVAL, "section %s: no attach type has this name (`postern show types` lists them)", name);
    *attach_type = (enum bpf_attach_type)row->attach_type;
    return 0;
}

int libbpf_num_possible_cpus(void)
{
    return (int)pst_pal_cpu_count();
}

int libbpf_probe_bpf_prog_type(enum bpf_prog_type prog_type, const void *opts)
{
    if (opts) return api_err(-EINVAL);
    return pst_prog_type_hosted(pst_prog_type_by_number((uint32_t)prog_type));
}

int libbpf_probe_bpf_map_type(enum bpf_map_type map_type, const void *opts)
{
    if (opts) return api_err(-EINVAL);
    bool keyless = map_type == BPF_MAP_TYPE_RINGBUF, has_inner = false;
    uint32_t entries = keyless ? (uint32_t)pst_pal_ring_granularity() : 1;
    struct bpf_map_create_opts create = {.sz = sizeof create};
    int inner = -1;
    if (map_type == BPF_MAP_TYPE_ARRAY_OF_MAPS || map_type == BPF_MAP_TYPE_HASH_OF_MAPS) {
        inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, NULL, 4, 4, 1, NULL);
        if (inner < 0) return inner;
        create.inner_map_fd = (uint32_t)inner;
        has_inner = true;
    }
    int fd = bpf_map_create(map_type, NULL, keyless ? 0 : 4, keyless ? 0 : 4, entries, &create);
    bool works = fd >= 0;
    if (has_inner) api_close(&inner);
    if (works) api_close(&fd);
    return works;
}

int libbpf_probe_bpf_helper(enum bpf_prog_type prog_type, enum bpf_func_id helper_id, const void *opts)
{
    if (opts) return api_err(-EINVAL);
    const pst_prog_type *type = pst_prog_type_by_number((uint32_t)prog_type);
    if (!pst_prog_type_hosted(type)) return api_err(-EOPNOTSUPP);
    return pst_prog_type_helper(type, (int32_t)helper_id) != NULL;
}
