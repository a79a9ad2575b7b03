// shim_linux.c: syscall(2): bpf(2) goes to the host, all else to the kernel.
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pal/pal.h"
#include "shim/shim.h"

static pst_remote *g_remote; // set once
static pthread_mutex_t g_lock = PTHREAD_MUTEX_INITIALIZER;
static bool g_failed;

void *shim_next(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) abort(); // the C library has them all
    return found;
}

pst_remote *shim_remote_if(void)
{
    return PST_ATOMIC_LOAD(&g_remote);
}

pst_remote *shim_remote(void)
{
    pst_remote *remote = PST_ATOMIC_LOAD(&g_remote);
    if (remote) return remote;
    (void)pthread_mutex_lock(&g_lock);
    if (!g_remote && !g_failed) {
        const char *path = getenv("POSTERN_HOST");
        if (!path || !*path || strcmp(path, "1") == 0) path = PST_REMOTE_DEFAULT;
        g_failed = pst_remote_open(pst_pal_env(), path, &remote) != PST_OK; // pal's environment says why
        PST_ATOMIC_STORE(&g_remote, remote);
    }
    (void)pthread_mutex_unlock(&g_lock);
    return g_remote;
}

static long bpf(long cmd, long attr, long size)
{
    pst_remote *remote = shim_remote();
    int64_t result = remote ? pst_remote_command(remote, (uint32_t)cmd, (void *)(uintptr_t)attr, (uint32_t)size) : -ENOTCONN;
    if (result >= 0) return (long)result;
    const char *verbose = getenv("POSTERN_SHIM_VERBOSE");
    if (verbose && *verbose && remote) fprintf(stderr, "postern shim: bpf command %ld: %s\n", cmd, pst_remote_error(remote));
    errno = (int)-result;
    return -1;
}

SHIM_API long syscall(long number, ...);
SHIM_API long syscall(long number, ...)
{
    typedef long (*syscall_fn)(long, ...);
    static syscall_fn next;
    long a[6];
    va_list args;
    va_start(args, number);
    for (int i = 0; i < 6; i++) a[i] = va_arg(args, long); // those that were not given are garbage that nobody reads
    va_end(args);
    if (number == SYS_bpf) return bpf(a[0], a[1], a[2]);
    if (!next) next = SHIM_NEXT(syscall_fn, "syscall");
    return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
