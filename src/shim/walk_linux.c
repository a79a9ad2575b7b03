// walk_linux.c: nftw(3) over the tree of pins, which is how bpftool finds out what is pinned where (`bpftool -f`). It asks /proc/mounts for the tree first, so
// this has an effect where a bpf file system is mounted at /sys/fs/bpf. Listing folders in other ways shows what the kernel has.
#include <errno.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/shim.h"

typedef int (*visit_fn)(const char *, const struct stat *, int, struct FTW *);

static int visit(visit_fn fn, const char *path, mode_t mode, int type, size_t above)
{
    const struct stat about = {.st_mode = mode, .st_nlink = 1, .st_uid = geteuid(), .st_gid = getegid(), .st_blksize = 4096};
    const char *base = strrchr(path, '/');
    struct FTW where = {.base = (int)(base + 1 - path), .level = 0};
    for (const char *c = path + above; *c; c++) where.level += *c == '/';
    return fn(path, &about, type, &where);
}

// Pins that lie below root, in order. Folders between are not visited: nobody has asked for them.
static int walk(pst_remote *remote, const char *root, visit_fn fn)
{
    char path[WIRE_STRING_MAX];
    wire_pin pin;
    size_t above = strlen(root);
    while (above > 0 && root[above - 1] == '/') above--;
    if (above >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(path, root, above);
    path[above] = '\0';
    int stopped = visit(fn, path, S_IFDIR | S_IRWXU, FTW_D, above);
    int64_t result = 0;
    while (stopped == 0 && (result = pst_remote_pin_next(remote, path, &pin, path)) == 0) {
        if (strncmp(path, root, above) != 0) break;
        if (path[above] == '/') stopped = visit(fn, path, S_IFREG | S_IRUSR | S_IWUSR, FTW_F, above);
    }
    if (result == 0 || result == -PST_ENOENT) return stopped;
    errno = (int)-result;
    return -1;
}

SHIM_API int nftw(const char *path, visit_fn fn, int descriptors, int flags)
{
    typedef int (*nftw_fn)(const char *, visit_fn, int, int);
    pst_remote *remote = shim_is_pin_path(path) ? shim_remote() : NULL;
    return remote ? walk(remote, path, fn) : SHIM_NEXT(nftw_fn, "nftw")(path, fn, descriptors, flags);
}
