// xdp.c: bpf_xdp_attach and friends: attachment without a link, as netlink does it on Linux.
//
// Under the surface each attachment is a link of this process, kept in a small table by interface.
#include "api/api.h"
#include "pal/pal.h"

#define ATTACHED_MAX 64

// Linux's if_link.h has these; it is not there on every host.
enum { FLAG_UPDATE_IF_NOEXIST = 1u << 0, FLAG_REPLACE = 1u << 4 };

typedef struct attachment {
    int ifindex; // 0: free
    int link_fd, prog_fd;
} attachment;

static attachment g_attached[ATTACHED_MAX];
static int g_lock; // held for a few instructions and one command

static void lock(void)
{
    int expected = 0;
    while (!PST_ATOMIC_CAS(&g_lock, &expected, 1)) {
        expected = 0;
        pst_pal_yield();
    }
}

static void unlock(void)
{
    PST_ATOMIC_STORE(&g_lock, 0);
}

static attachment *find(int ifindex)
{
    for (size_t i = 0; i < ATTACHED_MAX; i++)
        if (g_attached[i].ifindex == ifindex) return &g_attached[i];
    return NULL;
}

// The program behind a descriptor, 0: none.
static uint32_t program_id(int fd)
{
    pst_bpf_prog_info info = {0};
    uint32_t size = sizeof info;
    return bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.id;
}

static uint32_t attached_id(const attachment *at)
{
    pst_bpf_link_info info = {0};
    uint32_t size = sizeof info;
    return bpf_obj_get_info_by_fd(at->link_fd, &info, &size) ? 0 : info.prog_id;
}

// Whether the program that the caller believes to be there is there. at NULL: there is none.
static int expect(const attachment *at, int old_prog_fd)
{
    uint32_t id = program_id(old_prog_fd);
    if (!id) return -EBADF;
    return at && attached_id(at) == id ? 0 : -EEXIST;
}

static int attach_locked(int ifindex, int prog_fd, uint32_t flags, int old_prog_fd)
{
    attachment *at = find(ifindex);
    int err = old_prog_fd ? expect(at, old_prog_fd) : 0;
    if (err) return err;
    if (prog_fd == -1) {
        if (!at) return 0;
        api_close(&at->link_fd);
        at->ifindex = 0;
        return 0;
    }
    if (at) return flags & FLAG_UPDATE_IF_NOEXIST ? -EBUSY : bpf_link_update(at->link_fd, prog_fd, NULL);
    at = find(0);
    if (!at) return -ENOSPC;
    int fd = bpf_link_create(prog_fd, ifindex, BPF_XDP, NULL);
    if (fd < 0) return fd;
    *at = (attachment){.ifindex = ifindex, .link_fd = fd, .prog_fd = prog_fd};
    return 0;
}

int bpf_xdp_attach(int ifindex, int prog_fd, __u32 flags, const struct bpf_xdp_attach_opts *opts)
{
    struct bpf_xdp_attach_opts o;
    if (ifindex <= 0 || !api_opts_copy(&o, sizeof o, opts)) return api_err(-EINVAL);
    lock();
    int err = attach_locked(ifindex, prog_fd, flags, o.old_prog_fd);
    unlock();
    return err ? api_fail(-err, "xdp of interface %d: %s", ifindex, api_why(err)) : 0;
}

int bpf_xdp_detach(int ifindex, __u32 flags, const struct bpf_xdp_attach_opts *opts)
{
    return bpf_xdp_attach(ifindex, -1, flags, opts);
}

// Links made by others (bpf_program__attach_xdp) count as well.
static uint32_t query_links(int ifindex)
{
    for (uint32_t id = 0; bpf_link_get_next_id(id, &id) == 0;) {
        pst_bpf_link_info info = {0};
        uint32_t size = sizeof info;
        int fd = bpf_link_get_fd_by_id(id);
        if (fd < 0) continue;
        int err = bpf_obj_get_info_by_fd(fd, &info, &size);
        api_close(&fd);
        if (!err && info.type == PST_LINK_XDP && info.xdp.ifindex == (uint32_t)ifindex) return info.prog_id;
    }
    return 0;
}

int bpf_xdp_query_id(int ifindex, int flags, __u32 *prog_id)
{
    if (ifindex <= 0 || !prog_id) return api_err(-EINVAL);
    if (!api_door_get()) return -errno;
    *prog_id = query_links(ifindex);
    return 0;
}

void api_xdp_forget(void)
{
    for (size_t i = 0; i < ATTACHED_MAX; i++)
        if (g_attached[i].ifindex) api_close(&g_attached[i].link_fd), g_attached[i].ifindex = 0;
}
