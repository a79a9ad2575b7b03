// profile_linux.c: names of machine code for perf(1), in the file that it looks for them in: tools/perf/Documentation/jit-interface.txt of Linux.
//
// A line is "START SIZE name" in hexadecimal. Nothing is kept open: a child of fork(2) has a number, and so a file, of its own.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/format.h"
#include "pal/pal.h"

#define LINE_BYTES 256u
#define MAP_BYTES_MAX (16u << 20) // some 200,000 functions

// Another program of this process may keep the file as well, so it is never cut. In /tmp anybody may have made it, or put a link in its place.
static pst_status append(int fd, const char *line, size_t size)
{
    struct stat info;
    if (fstat(fd, &info) != 0) return PST_E_IO;
    if (!S_ISREG(info.st_mode) || info.st_uid != geteuid() || info.st_nlink != 1) return PST_E_DENIED;
    if (info.st_size > (off_t)(MAP_BYTES_MAX - size)) return PST_E_LIMIT;
    return write(fd, line, size) == (ssize_t)size ? PST_OK : PST_E_IO; // one call with O_APPEND: lines of threads do not mix
}

pst_status pst_pal_code_name(const void *bytes, size_t size, const char *name)
{
    char path[64], line[LINE_BYTES];
    (void)pst_format(path, sizeof path, "/tmp/perf-%d.map", (int)getpid());
    size_t length = pst_format(line, sizeof line, "%llx %llx %s\n", (unsigned long long)(uintptr_t)bytes, (unsigned long long)size, name);
    if (length >= sizeof line) return PST_E_INVALID;
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (fd < 0) return PST_E_DENIED;
    pst_status status = append(fd, line, length);
    close(fd);
    return status;
}
