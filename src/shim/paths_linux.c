// paths_linux.c: pins as files, and what a descriptor is.
//
// Programs ask whether /sys/fs/bpf is a bpf file system before they pin there, remove pins with unlink(2), and read /proc/self/fd/N to learn what
// kind of object a descriptor is. Pins of a host lie in the host.
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/env.h"
#include "shim/shim.h"

#define PIN_ROOT "/sys/fs/bpf"
#define BPF_FS_MAGIC 0xcafe4a11

bool shim_is_pin_path(const char *path)
{
    size_t length = sizeof PIN_ROOT - 1;
    return path && strncmp(path, PIN_ROOT, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

SHIM_API int statfs(const char *path, struct statfs *out)
{
    typedef int (*statfs_fn)(const char *, struct statfs *);
    if (!shim_is_pin_path(path)) return SHIM_NEXT(statfs_fn, "statfs")(path, out);
    *out = (struct statfs){.f_type = BPF_FS_MAGIC, .f_bsize = 4096, .f_namelen = 255};
    return 0;
}

SHIM_API int statfs64(const char *path, struct statfs64 *out);
SHIM_API int statfs64(const char *path, struct statfs64 *out)
{
    typedef int (*statfs_fn)(const char *, struct statfs64 *);
    if (!shim_is_pin_path(path)) return SHIM_NEXT(statfs_fn, "statfs64")(path, out);
    *out = (struct statfs64){.f_type = BPF_FS_MAGIC, .f_bsize = 4096, .f_namelen = 255};
    return 0;
}

// 1: it was a pin of the host; 0: it is not; -1: with errno.
static int unpin(const char *path)
{
    pst_remote *remote = shim_is_pin_path(path) ? shim_remote() : NULL;
    if (!remote) return 0;
    int64_t result = pst_remote_unpin(remote, path);
    if (result >= 0) return 1;
    errno = (int)-result;
    return -1;
}

SHIM_API int unlink(const char *path)
{
    typedef int (*unlink_fn)(const char *);
    int done = unpin(path);
    return done ? (done > 0 ? 0 : -1) : SHIM_NEXT(unlink_fn, "unlink")(path);
}

SHIM_API int unlinkat(int folder, const char *path, int flags)
{
    typedef int (*unlinkat_fn)(int, const char *, int);
    int done = flags & AT_REMOVEDIR ? 0 : unpin(path);
    return done ? (done > 0 ? 0 : -1) : SHIM_NEXT(unlinkat_fn, "unlinkat")(folder, path, flags);
}

// What stat(2) says of a pin: a file of its owner alone. 1: done, 0: the path is no pin, -1: with errno.
static int stat_pin(const char *path, struct stat *out)
{
    pst_bpf_attr attr = {.pathname = (uint64_t)(uintptr_t)path};
    bool inside = shim_is_pin_path(path) && path[sizeof PIN_ROOT - 1] == '/' && path[sizeof PIN_ROOT] != '\0';
    pst_remote *remote = inside ? shim_remote() : NULL;
    if (!remote) return 0;
    int64_t fd = pst_remote_command(remote, PST_BPF_OBJ_GET, &attr, sizeof attr);
    if (fd < 0) {
        errno = (int)-fd;
        return -1;
    }
    close((int)fd);
    *out = (struct stat){.st_mode = S_IFREG | S_IRUSR | S_IWUSR, .st_nlink = 1, .st_uid = geteuid(), .st_gid = getegid(), .st_blksize = 4096};
    return 1;
}

SHIM_API int stat(const char *restrict path, struct stat *restrict out)
{
    typedef int (*stat_fn)(const char *, struct stat *);
    int done = stat_pin(path, out);
    return done ? (done > 0 ? 0 : -1) : SHIM_NEXT(stat_fn, "stat")(path, out);
}

SHIM_API int lstat(const char *restrict path, struct stat *restrict out)
{
    typedef int (*stat_fn)(const char *, struct stat *);
    int done = stat_pin(path, out);
    return done ? (done > 0 ? 0 : -1) : SHIM_NEXT(stat_fn, "lstat")(path, out);
}

SHIM_API int fstatat(int folder, const char *restrict path, struct stat *restrict out, int flags)
{
    typedef int (*fstatat_fn)(int, const char *, struct stat *, int);
    int done = stat_pin(path, out);
    return done ? (done > 0 ? 0 : -1) : SHIM_NEXT(fstatat_fn, "fstatat")(folder, path, out, flags);
}

SHIM_API int remove(const char *path)
{
    typedef int (*remove_fn)(const char *);
    int done = unpin(path);
    return done ? (done > 0 ? 0 : -1) : SHIM_NEXT(remove_fn, "remove")(path);
}

// Folders of the tree exist as soon as something lies in them.
SHIM_API int mkdir(const char *path, mode_t mode)
{
    typedef int (*mkdir_fn)(const char *, mode_t);
    return shim_is_pin_path(path) ? 0 : SHIM_NEXT(mkdir_fn, "mkdir")(path, mode);
}

static const char *kind_name(const wire_shape *shape)
{
    switch ((pst_object_kind)shape->kind) {
    case PST_OBJECT_MAP: return "anon_inode:bpf-map";
    case PST_OBJECT_PROG: return "anon_inode:bpf-prog";
    case PST_OBJECT_BTF: return "anon_inode:btf";
    case PST_OBJECT_LINK: return "anon_inode:bpf_link";
    case PST_OBJECT_STATS: return "anon_inode:bpf-stats";
    }
    return "anon_inode:bpf";
}

// The descriptor that "/proc/self/fd/N" or "/proc/PID/fd/N" of this process names, -1: none.
static int descriptor_of(const char *path)
{
    int pid, fd, end = 0;
    if (sscanf(path, "/proc/self/fd/%d%n", &fd, &end) == 1 && path[end] == '\0') return fd;
    if (sscanf(path, "/proc/%d/fd/%d%n", &pid, &fd, &end) == 2 && path[end] == '\0' && pid == getpid()) return fd;
    return -1;
}

SHIM_API ssize_t readlink(const char *restrict path, char *restrict out, size_t size)
{
    typedef ssize_t (*readlink_fn)(const char *, char *, size_t);
    wire_shape shape;
    pst_remote *remote = shim_remote_if();
    int fd = remote ? descriptor_of(path) : -1;
    if (fd < 0 || !pst_remote_shape(remote, fd, &shape)) return SHIM_NEXT(readlink_fn, "readlink")(path, out, size);
    const char *name = kind_name(&shape);
    size_t length = strlen(name);
    if (length > size) length = size;
    memcpy(out, name, length);
    return (ssize_t)length;
}

// The fortified form, which programs built with optimisation call.
SHIM_API ssize_t __readlink_chk(const char *restrict path, char *restrict out, size_t size, size_t room);
SHIM_API ssize_t __readlink_chk(const char *restrict path, char *restrict out, size_t size, size_t room)
{
    if (size > room) abort();
    return readlink(path, out, size);
}
