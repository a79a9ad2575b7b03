// link.c: bpf_link__* and the attach calls for hooks that Postern hosts.
#include <stdio.h>

#include "api/api.h"
#include "catalog/catalog.h"

struct bpf_link *api_link_new(int fd)
{
    struct bpf_link *link = calloc(1, sizeof *link);
    if (!link) {
        api_close(&fd);
        return api_fail_ptr(ENOMEM, "a link: no memory");
    }
    link->fd = fd;
    return link;
}

int bpf_link__fd(const struct bpf_link *link)
{
    return link ? link->fd : api_err(-EINVAL);
}

const char *bpf_link__pin_path(const struct bpf_link *link)
{
    return link->pin_path;
}

struct bpf_link *bpf_link__open(const char *path)
{
    int fd = bpf_obj_get(path);
    if (fd < 0) return api_fail_ptr(-fd, "the pin %s cannot be opened: %s", path ? path : "(null)", api_why(fd));
    struct bpf_link *link = api_link_new(fd);
    if (!link) return NULL;
    link->pin_path = api_strdup(path);
    if (link->pin_path) return link;
    (void)bpf_link__destroy(link);
    return api_err_ptr(-ENOMEM);
}

int bpf_link__pin(struct bpf_link *link, const char *path)
{
    if (link->pin_path) return api_fail(EBUSY, "the link is pinned already, at %s", link->pin_path);
    char *copy = path ? api_strdup(path) : NULL;
    if (!copy) return api_err(path ? -ENOMEM : -EINVAL);
    int err = bpf_obj_pin(link->fd, path);
    if (err) {
        free(copy);
        return api_fail(-err, "a link cannot be pinned at %s: %s", path, api_why(err));
    }
    link->pin_path = copy;
    return 0;
}

int bpf_link__unpin(struct bpf_link *link)
{
    if (!link->pin_path) return api_err(-EINVAL);
    int err = api_unpin(link->pin_path);
    if (err) return api_fail(-err, "the pin %s cannot be removed: %s", link->pin_path, api_why(err));
    free(link->pin_path);
    link->pin_path = NULL;
    return 0;
}

int bpf_link__update_program(struct bpf_link *link, struct bpf_program *prog)
{
    int fd = bpf_program__fd(prog);
    if (fd < 0) return api_fail(EINVAL, "program %s: it is not loaded", prog ? prog->def->name : "(null)");
    int err = bpf_link_update(link->fd, fd, NULL);
    return err ? api_fail(-err, "program %s: cannot take the link over: %s", prog->def->name, api_why(err)) : 0;
}

void bpf_link__disconnect(struct bpf_link *link)
{
    link->disconnected = true;
}

int bpf_link__detach(struct bpf_link *link)
{
    int err = bpf_link_detach(link->fd);
    return err ? api_fail(-err, "the link cannot be detached: %s", api_why(err)) : 0;
}

int bpf_link__destroy(struct bpf_link *link)
{
    if (!link) return 0;
    // Closing the last descriptor of a link detaches it; a disconnected one keeps its descriptor open.
    if (!link->disconnected) api_close(&link->fd);
    free(link->pin_path);
    free(link);
    return 0;
}

static struct bpf_link *attach(const struct bpf_program *prog, uint32_t target, uint32_t attach_type, const char *where)
{
    int prog_fd = bpf_program__fd(prog);
    if (prog_fd < 0) return api_fail_ptr(EINVAL, "program %s: it is not loaded", prog ? prog->def->name : "(null)");
    int fd = bpf_link_create(prog_fd, (int)target, (enum bpf_attach_type)attach_type, NULL);
    if (fd < 0) return api_fail_ptr(-fd, "program %s cannot be attached to %s: %s", prog->def->name, where, api_why(fd));
    return api_link_new(fd);
}

struct bpf_link *bpf_program__attach_xdp(const struct bpf_program *prog, int ifindex)
{
    char where[64];
    snprintf(where, sizeof where, "xdp of interface %d", ifindex);
    return attach(prog, (uint32_t)ifindex, BPF_XDP, where);
}

struct bpf_link *bpf_program__attach_tcx(const struct bpf_program *prog, int ifindex, const struct bpf_tcx_opts *opts)
{
    struct bpf_tcx_opts o;
    char where[64];
    if (!api_opts_copy(&o, sizeof o, opts)) return api_err_ptr(-EINVAL);
    snprintf(where, sizeof where, "tc of interface %d", ifindex);
    return attach(prog, (uint32_t)ifindex, (uint32_t)prog->attach_type, where);
}

struct bpf_link *bpf_program__attach_cgroup(const struct bpf_program *prog, int cgroup_fd)
{
    return attach(prog, (uint32_t)cgroup_fd, (uint32_t)prog->attach_type, "a cgroup");
}

struct bpf_link *bpf_program__attach_netns(const struct bpf_program *prog, int netns_fd)
{
    return attach(prog, (uint32_t)netns_fd, (uint32_t)prog->attach_type, "a network namespace");
}

struct bpf_link *bpf_program__attach_freplace(const struct bpf_program *prog, int target_fd, const char *attach_func_name)
{
    return api_fail_ptr(EOPNOTSUPP, "program %s: replacing functions of loaded programs is not supported", prog->def->name);
}

struct bpf_link *bpf_program__attach(const struct bpf_program *prog)
{
    const pst_prog_type *type = pst_prog_type_by_number((uint32_t)prog->type);
    if (!pst_prog_type_hosted(type)) {
        const char *name = libbpf_bpf_prog_type_str(prog->type);
        return api_fail_ptr(EOPNOTSUPP, "program %s: Postern has no hook for programs of type %s", prog->def->name, name ? name : "(unknown)");
    }
    if (type->number == PST_PROG_SAMPLE) return attach(prog, 0, (uint32_t)prog->attach_type, "the sample hook");
    if (prog->type == BPF_PROG_TYPE_XDP)
        return api_fail_ptr(EOPNOTSUPP, "program %s: use bpf_program__attach_xdp with the interface of a bridge's port", prog->def->name);
    return api_fail_ptr(EOPNOTSUPP, "program %s: a %s program is attached by a call that names its target", prog->def->name, type->name);
}
