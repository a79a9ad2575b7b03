// unsupported.c: systems without a transport to a host.
#include "remote/remote.h"

pst_status pst_remote_open(const pst_env *env, const char *path, pst_remote **out)
{
    *out = NULL;
    return pst_fail(env, PST_E_UNSUPPORTED, "there is no way to a host at %s on this system yet: leave POSTERN_HOST unset", path);
}

void pst_remote_close(pst_remote *remote) { (void)remote; }

int64_t pst_remote_command(pst_remote *remote, uint32_t cmd, void *attr, uint32_t size)
{
    (void)remote, (void)cmd, (void)attr, (void)size;
    return -PST_ENOTCONN;
}

int64_t pst_remote_unpin(pst_remote *remote, const char *path)
{
    (void)remote, (void)path;
    return -PST_ENOTCONN;
}

int64_t pst_remote_pin_next(pst_remote *remote, const char *after, wire_pin *out, char path[WIRE_STRING_MAX])
{
    (void)remote, (void)after, (void)out, (void)path;
    return -PST_ENOTCONN;
}

int64_t pst_remote_about(pst_remote *remote, wire_about *out)
{
    (void)remote, (void)out;
    return -PST_ENOTCONN;
}

int64_t pst_remote_client_next(pst_remote *remote, uint32_t pid)
{
    (void)remote, (void)pid;
    return -PST_ENOTCONN;
}

int32_t pst_remote_kfunc_number(pst_remote *remote, const char *name, bool provided)
{
    (void)remote, (void)name, (void)provided;
    return 0;
}

const char *pst_remote_error(const pst_remote *remote)
{
    (void)remote;
    return "";
}

bool pst_remote_shape(pst_remote *remote, int fd, wire_shape *out)
{
    (void)remote, (void)fd, (void)out;
    return false;
}

pst_status pst_remote_ring_map(pst_remote *remote, int fd, pst_remote_ring *out)
{
    (void)remote, (void)fd;
    *out = (pst_remote_ring){.event = -1};
    return PST_E_UNSUPPORTED;
}

void pst_remote_ring_unmap(pst_remote_ring *ring) { (void)ring; }

pst_status pst_remote_memory_map(pst_remote *remote, int fd, void **out, size_t *size)
{
    (void)remote, (void)fd, (void)size;
    *out = NULL;
    return PST_E_UNSUPPORTED;
}

void pst_remote_memory_unmap(void *memory, size_t size) { (void)memory, (void)size; }

pst_status pst_remote_perf_read(pst_remote *remote, int fd, uint32_t cpu, void *out, size_t *size, uint64_t *lost)
{
    (void)remote, (void)fd, (void)cpu, (void)out, (void)size, (void)lost;
    return PST_E_UNSUPPORTED;
}

pst_status pst_remote_poll(const int *fds, size_t count, uint64_t timeout_ns)
{
    (void)fds, (void)count, (void)timeout_ns;
    return PST_E_UNSUPPORTED;
}

pst_status pst_remote_memory_fds(pst_remote *remote, int fd, int fds[WIRE_DESCRIPTORS_MAX], uint32_t *count, uint64_t *bytes)
{
    (void)remote, (void)fd, (void)fds;
    *count = 0;
    *bytes = 0;
    return PST_E_UNSUPPORTED;
}
