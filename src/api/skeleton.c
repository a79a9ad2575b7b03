// skeleton.c: what the code of `bpftool gen skeleton` calls.
//
// The generator's rows may be longer or shorter than ours (map_skel_sz, prog_skel_sz): they are walked by their own size.
#include "api/api.h"

static struct bpf_map_skeleton *map_row(const struct bpf_object_skeleton *s, int i)
{
    return (void *)((char *)s->maps + (size_t)i * (size_t)s->map_skel_sz);
}

static struct bpf_prog_skeleton *prog_row(const struct bpf_object_skeleton *s, int i)
{
    return (void *)((char *)s->progs + (size_t)i * (size_t)s->prog_skel_sz);
}

// Newer generators have a link in a map's row.
static struct bpf_link **map_link(const struct bpf_object_skeleton *s, int i)
{
    size_t need = offsetof(struct bpf_map_skeleton, link) + sizeof(struct bpf_link **);
    return (size_t)s->map_skel_sz >= need ? map_row(s, i)->link : NULL;
}

static int populate(struct bpf_object_skeleton *s, struct bpf_object *obj)
{
    for (int i = 0; i < s->map_cnt; i++) {
        struct bpf_map_skeleton *row = map_row(s, i);
        *row->map = bpf_object__find_map_by_name(obj, row->name);
        if (!*row->map) return api_fail(ESRCH, "skeleton %s: the object has no map %s", s->name, row->name);
        if (row->mmaped) *row->mmaped = bpf_map__initial_value(*row->map, NULL);
    }
    for (int i = 0; i < s->prog_cnt; i++) {
        struct bpf_prog_skeleton *row = prog_row(s, i);
        *row->prog = bpf_object__find_program_by_name(obj, row->name);
        if (!*row->prog) return api_fail(ESRCH, "skeleton %s: the object has no program %s", s->name, row->name);
    }
    return 0;
}

int bpf_object__open_skeleton(struct bpf_object_skeleton *s, const struct bpf_object_open_opts *opts)
{
    struct bpf_object_open_opts o;
    if (!api_opts_copy(&o, sizeof o, opts)) return api_err(-EINVAL);
    o.sz = sizeof o;
    if (!o.object_name) o.object_name = s->name;
    struct bpf_object *obj = bpf_object__open_mem(s->data, s->data_sz, &o);
    if (!obj) return -errno;
    *s->obj = obj;
    return populate(s, obj);
}

int bpf_object__load_skeleton(struct bpf_object_skeleton *s)
{
    int err = bpf_object__load(*s->obj);
    if (err) return err;
    // From now on the pointers show the live maps.
    for (int i = 0; i < s->map_cnt; i++) {
        struct bpf_map_skeleton *row = map_row(s, i);
        if (row->mmaped) *row->mmaped = bpf_map__initial_value(*row->map, NULL);
    }
    return 0;
}

int bpf_object__attach_skeleton(struct bpf_object_skeleton *s)
{
    for (int i = 0; i < s->prog_cnt; i++) {
        struct bpf_prog_skeleton *row = prog_row(s, i);
        struct bpf_program *prog = *row->prog;
        if (!prog->def->autoload || !prog->autoattach || !row->link || *row->link) continue;
        // As with libbpf, types that name no target by themselves are left to the caller.
        if (prog->type == BPF_PROG_TYPE_XDP || prog->type == BPF_PROG_TYPE_SCHED_CLS || prog->type == BPF_PROG_TYPE_SOCKET_FILTER) continue;
        *row->link = bpf_program__attach(prog);
        if (!*row->link) return -errno;
    }
    return 0;
}

void bpf_object__detach_skeleton(struct bpf_object_skeleton *s)
{
    for (int i = 0; i < s->prog_cnt; i++) {
        struct bpf_link **link = prog_row(s, i)->link;
        if (!link) continue;
        (void)bpf_link__destroy(*link);
        *link = NULL;
    }
    for (int i = 0; i < s->map_cnt; i++) {
        struct bpf_link **link = map_link(s, i);
        if (!link) continue;
        (void)bpf_link__destroy(*link);
        *link = NULL;
    }
}

void bpf_object__destroy_skeleton(struct bpf_object_skeleton *s)
{
    if (!s) return;
    bpf_object__detach_skeleton(s);
    if (s->obj) bpf_object__close(*s->obj);
    free(s->maps);
    free(s->progs);
    free(s);
}
