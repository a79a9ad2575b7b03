// file_linux.c: whole files in, whole files out.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/format.h"
#include "pal/linux/linux.h"
#include "pal/pal.h"

static pst_status fail_path(const pst_env *env, const char *what, const char *path, int error)
{
    return pst_fail(env, linux_status(error), "cannot %s %s: %s", what, path, strerror(error));
}

typedef struct block {
    uint8_t *bytes;
    size_t capacity, size;
} block;

// Reads to the end of the file. The size that stat told is a hint only: files in /proc say 0, others may grow meanwhile.
static pst_status read_all(const pst_env *env, int fd, const char *path, size_t limit, block *b)
{
    for (;;) {
        if (b->size == b->capacity) PST_TRY(pst_grow(env, &b->bytes, &b->capacity, b->size + 4096, 1));
        ssize_t got = read(fd, b->bytes + b->size, b->capacity - b->size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_path(env, "read", path, errno);
        if (got == 0) return PST_OK;
        b->size += (size_t)got;
        if (b->size > limit)
            return pst_fail(env, PST_E_LIMIT, "%s is larger than the limit of %zu bytes", path, limit);
    }
}

// Checks what path is and allocates as much as it seems to need.
static pst_status prepare_read(const pst_env *env, int fd, const char *path, size_t limit, block *b)
{
    struct stat info;
    if (fstat(fd, &info) != 0) return fail_path(env, "read", path, errno);
    if (S_ISDIR(info.st_mode)) return pst_fail(env, PST_E_IO, "cannot read %s: it is a directory", path);
    uint64_t expected = info.st_size > 0 ? (uint64_t)info.st_size : 0;
    if (S_ISREG(info.st_mode) && expected > limit)
        return pst_fail(env, PST_E_LIMIT, "%s has %llu bytes, more than the limit of %zu", path,
                        (unsigned long long)expected, limit);
    return pst_grow(env, &b->bytes, &b->capacity, (size_t)expected + 1, 1);
}

pst_status pst_pal_file_read(const pst_env *env, const char *path, size_t limit, uint8_t **out, size_t *size)
{
    block b = {0};
    uint8_t *exact = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return fail_path(env, "open", path, errno);
    pst_status status = prepare_read(env, fd, path, limit, &b);
    if (status == PST_OK) status = read_all(env, fd, path, limit, &b);
    close(fd);
    if (status == PST_OK) {
        exact = env->resize(env->user, b.bytes, b.capacity, b.size + 1);
        if (!exact) status = PST_E_NOMEM;
    }
    if (status != PST_OK) {
        if (status == PST_E_NOMEM) (void)pst_fail(env, status, "cannot read %s: out of memory", path);
        pst_free(env, b.bytes, b.capacity);
        return status;
    }
    exact[b.size] = 0;
    *out = exact;
    *size = b.size;
    return PST_OK;
}

static int write_all(int fd, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ssize_t put = write(fd, bytes, size);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return errno;
        bytes += put;
        size -= (size_t)put;
    }
    return 0;
}

// Into what is no regular file (a terminal, a pipe, /dev/null): there is nothing to replace.
static int write_through(const char *path, const void *bytes, size_t size)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return errno;
    int error = write_all(fd, bytes, size);
    if (close(fd) != 0 && !error) error = errno;
    return error;
}

// Beside the target, then renamed over it.
static int write_beside(const char *path, mode_t mode, const void *bytes, size_t size)
{
    char name[PATH_MAX];
    uint64_t chance;
    pst_pal_random(&chance, sizeof chance);
    if (pst_format(name, sizeof name, "%s.%016llx.tmp", path, (unsigned long long)chance) >= sizeof name) return ENAMETOOLONG;
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) return errno;
    int error = write_all(fd, bytes, size);
    if (!error && mode && fchmod(fd, mode) != 0) error = errno;
    // Without it a crash may leave the new name with no content.
    if (!error && fsync(fd) != 0) error = errno;
    if (close(fd) != 0 && !error) error = errno;
    if (!error && rename(name, path) != 0) error = errno;
    if (error) unlink(name);
    return error;
}

pst_status pst_pal_file_write(const pst_env *env, const char *path, const void *bytes, size_t size)
{
    char target[PATH_MAX];
    struct stat info;
    int error;
    if (!realpath(path, target)) // a new file
        error = write_beside(path, 0, bytes, size);
    else if (stat(target, &info) != 0)
        error = errno;
    else if (S_ISDIR(info.st_mode))
        error = EISDIR;
    else if (S_ISREG(info.st_mode)) // a symbolic link stays, what it names is replaced
        error = write_beside(target, info.st_mode & 07777, bytes, size);
    else
        error = write_through(target, bytes, size);
    return error ? fail_path(env, "write", path, error) : PST_OK;
}

pst_status pst_pal_file_create(const pst_env *env, const char *path, const void *bytes, size_t size, bool is_private)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, is_private ? 0600 : 0666);
    if (fd < 0 && errno == EEXIST) return pst_fail(env, PST_E_EXISTS, "%s exists already, and a key is never replaced: remove it first", path);
    if (fd < 0) return fail_path(env, "create", path, errno);
    int error = write_all(fd, bytes, size);
    if (close(fd) != 0 && !error) error = errno;
    if (error) (void)unlink(path);
    return error ? fail_path(env, "write", path, error) : PST_OK;
}
