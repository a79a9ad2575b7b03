// memory_linux.c: pages, rings, executable code.
//
// Invariant: no page is ever writable and executable at once; code goes from read-write to read-execute and stays there.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "pal/linux/linux.h"
#include "pal/pal.h"

// Linux 6.3; the C library's headers may be older.
#ifndef PR_GET_MDWE
#define PR_GET_MDWE 66
#endif
#ifndef PR_MDWE_REFUSE_EXEC_GAIN
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif
// Linux 4.17.
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

pst_status linux_status(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR: return PST_E_NOTFOUND;
    case EACCES:
    case EPERM: return PST_E_DENIED;
    case ENOMEM: return PST_E_NOMEM;
    case ENOSPC: return PST_E_NOSPACE;
    case EEXIST: return PST_E_EXISTS;
    case EINVAL: return PST_E_INVALID;
    default: return PST_E_IO;
    }
}

size_t pst_pal_page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t whole_pages(size_t size)
{
    size_t page = pst_pal_page_size();
    if (size == 0) return page;
    return size > SIZE_MAX - page ? 0 : (size_t)pst_align_up(size, page);
}

void *pst_pal_pages_alloc(size_t size)
{
    size_t bytes = whole_pages(size);
    if (bytes == 0) return NULL;
    void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pages == MAP_FAILED ? NULL : pages;
}

void pst_pal_pages_free(void *pages, size_t size)
{
    if (pages) munmap(pages, whole_pages(size));
}

pst_status pst_pal_pages_protect(void *pages, size_t size, bool read_only)
{
    if (mprotect(pages, size, read_only ? PROT_READ : PROT_READ | PROT_WRITE) != 0) return linux_status(errno);
    return PST_OK;
}

size_t pst_pal_ring_granularity(void)
{
    return pst_pal_page_size();
}

// Maps the file over a reserved range: header and data, then data again.
static bool ring_map(uint8_t *base, int fd, size_t header, size_t data)
{
    int protection = PROT_READ | PROT_WRITE, flags = MAP_SHARED | MAP_FIXED;
    if (mmap(base, header + data, protection, flags, fd, 0) == MAP_FAILED) return false;
    return mmap(base + header + data, data, protection, flags, fd, (off_t)header) != MAP_FAILED;
}

// A memory file of size bytes; -1 when there is none. Whoever gets its descriptor cannot open it again with other rights, unless he is root.
static int file_make(size_t size)
{
    int fd = size > INT64_MAX ? -1 : memfd_create("postern", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd >= 0 && ftruncate(fd, (off_t)size) == 0 && fchmod(fd, S_IRUSR | S_IWUSR) == 0) return fd;
    if (fd >= 0) close(fd);
    return -1;
}

// Nobody can make it shorter, which would be a fault for us. Mappings that exist may still be written; with read_only no new one.
static bool file_seal(int fd, bool read_only)
{
    return fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | (read_only ? F_SEAL_FUTURE_WRITE : 0)) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL) == 0;
}

// The span of a ring as pages of our own. What is mapped there afterwards replaces only these.
static uint8_t *ring_reserve(size_t span)
{
    void *range = mmap(NULL, span, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return range == MAP_FAILED ? NULL : range;
}

static bool ring_fill(uint8_t *base, size_t header, size_t data)
{
    int fd = file_make(header + data);
    bool fine = fd >= 0 && ring_map(base, fd, header, data);
    if (fd >= 0) close(fd); // the mappings keep the memory
    return fine;
}

// The same of three parts: pages that nobody else sees, a granule that others may write, and what they may read.
static bool ring_fill_shared(uint8_t *base, size_t header, size_t data, pst_ring_share *share)
{
    size_t unit = pst_pal_ring_granularity();
    int front = file_make(unit), back = file_make(unit + data);
    int protection = PROT_READ | PROT_WRITE;
    bool fine = front >= 0 && back >= 0 && header >= 3 * unit;
    fine = fine && mprotect(base, header - 2 * unit, protection) == 0;
    fine = fine && mmap(base + header - 2 * unit, unit, protection, MAP_SHARED | MAP_FIXED, front, 0) != MAP_FAILED;
    fine = fine && ring_map(base + header - unit, back, unit, data) && file_seal(front, false) && file_seal(back, true);
    if (fine) {
        *share = (pst_ring_share){front, back};
        return true;
    }
    if (front >= 0) close(front);
    if (back >= 0) close(back);
    return false;
}

void *pst_pal_ring_alloc(size_t header, size_t data, pst_ring_share *share)
{
    size_t file_size, span;
    if (share) *share = (pst_ring_share){-1, -1};
    if (data == 0 || PST_ADD_OVERFLOW(header, data, &file_size) || PST_ADD_OVERFLOW(file_size, data, &span)) return NULL;
    uint8_t *base = ring_reserve(span);
    if (!base) return NULL;
    if (share ? ring_fill_shared(base, header, data, share) : ring_fill(base, header, data)) return base;
    munmap(base, span);
    return NULL;
}

void *pst_pal_shared_alloc(size_t size, intptr_t *share)
{
    size_t bytes = whole_pages(size);
    *share = -1;
    int fd = bytes == 0 ? -1 : file_make(bytes);
    if (fd < 0) return NULL;
    void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (pages != MAP_FAILED && file_seal(fd, false)) {
        *share = fd;
        return pages;
    }
    if (pages != MAP_FAILED) munmap(pages, bytes);
    close(fd);
    return NULL;
}

intptr_t pst_pal_share_copy(intptr_t share, bool read_only)
{
    char path[64];
    if (share < 0) return -1;
    if (!read_only) return fcntl((int)share, F_DUPFD_CLOEXEC, 0);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", (int)share);
    return open(path, O_RDONLY | O_CLOEXEC);
}

void pst_pal_share_close(intptr_t share)
{
    if (share >= 0) close((int)share);
}

void pst_pal_ring_free(void *ring, size_t header, size_t data)
{
    if (ring) munmap(ring, header + 2 * data);
}

// From our own code to where compiled code begins, and from there on. A call reaches 2 GiB on x86-64, 128 MiB on arm64.
#define NEAR_DISTANCE ((uintptr_t)(PST_HOST_ARM64 ? 112 : 512) << 20)
#define NEAR_SPAN ((uintptr_t)(PST_HOST_ARM64 ? 96 : 384) << 20)
#define NEAR_TRIES 4

// Address space for code, where nobody can guess: so near our own code that compiled code calls ours by a short instruction, if the system has room
// there in a few tries; else anywhere.
static uint8_t *reserve_near(size_t bytes)
{
    uintptr_t own = (uintptr_t)&pst_pal_code_alloc & ~(uintptr_t)0x1fffff, page = pst_pal_page_size();
    uintptr_t begin = own > 2 * NEAR_DISTANCE ? own - NEAR_DISTANCE : own + NEAR_DISTANCE;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    for (int i = 0; i < NEAR_TRIES && bytes < NEAR_SPAN; i++) {
        uint64_t chance;
        pst_pal_random(&chance, sizeof chance);
        uintptr_t wish = begin + (uintptr_t)(chance % (NEAR_SPAN / page)) * page;
        void *pages = mmap((void *)wish, bytes, PROT_NONE, flags | MAP_FIXED_NOREPLACE, -1, 0);
        if (pages == (void *)wish) return pages;
        if (pages != MAP_FAILED) munmap(pages, bytes); // a system that does not know the flag
    }
    void *pages = mmap(NULL, bytes, PROT_NONE, flags, -1, 0);
    return pages == MAP_FAILED ? NULL : pages;
}

pst_status pst_pal_code_alloc(size_t size, pst_code *out)
{
    *out = (pst_code){0};
    // Under this policy mprotect to executable will fail; saying so now spares the work of compiling.
    int policy = prctl(PR_GET_MDWE, 0L, 0L, 0L, 0L);
    if (policy > 0 && (policy & PR_MDWE_REFUSE_EXEC_GAIN)) return PST_E_DENIED;
    size_t page = pst_pal_page_size(), bytes = whole_pages(size), all;
    if (bytes == 0 || PST_ADD_OVERFLOW(bytes, 2 * page, &all)) return PST_E_NOMEM;
    uint8_t *pages = reserve_near(all);
    if (!pages) return PST_E_NOMEM;
    // The first and the last page are never opened: what runs, reads or writes off either end of a program faults.
    if (mprotect(pages + page, bytes, PROT_READ | PROT_WRITE) != 0) {
        munmap(pages, all);
        return PST_E_NOMEM;
    }
    *out = (pst_code){.bytes = pages + page, .size = size, .sealed = false};
    return PST_OK;
}

#define ARM64_PROT_BTI 0x10 // Linux 5.8: indirect branches into these pages must find a landing pad

pst_status pst_pal_code_seal(pst_code *code)
{
    int guarded = pst_pal_cpu_features() & PST_CPU_ARM64_BTI ? ARM64_PROT_BTI : 0;
    if (mprotect(code->bytes, whole_pages(code->size), PROT_READ | PROT_EXEC | guarded) != 0)
        return errno == ENOMEM ? PST_E_NOMEM : PST_E_DENIED;
    PST_FLUSH_CODE((char *)code->bytes, (char *)code->bytes + code->size);
    code->sealed = true;
    return PST_OK;
}

pst_status pst_pal_code_functions(pst_code *code, size_t at, uint32_t count)
{
    (void)code, (void)at, (void)count;
    return PST_E_UNSUPPORTED; // unwinders follow frame pointers, or what a debugger knows
}

void pst_pal_code_free(pst_code *code)
{
    size_t page = pst_pal_page_size();
    if (code->bytes) munmap(code->bytes - page, whole_pages(code->size) + 2 * page);
    *code = (pst_code){0};
}
