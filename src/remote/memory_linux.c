// memory_linux.c: maps of the host in this process's memory, and waiting for them.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "pal/pal.h"
#include "remote/remote.h"

#define NS_PER_S 1000000000u

static void close_all(const int *fds, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) close(fds[i]);
}

// The consumer's page, the producers' page, the data, the data again: in this order over one reserved range.
static bool ring_fill(uint8_t *base, size_t page, size_t data, const int *fds)
{
    bool fine = mmap(base, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fds[0], 0) != MAP_FAILED;
    fine = fine && mmap(base + page, page + data, PROT_READ, MAP_SHARED | MAP_FIXED, fds[1], 0) != MAP_FAILED;
    return fine && mmap(base + 2 * page + data, data, PROT_READ, MAP_SHARED | MAP_FIXED, fds[1], (off_t)page) != MAP_FAILED;
}

pst_status pst_remote_ring_map(pst_remote *remote, int fd, pst_remote_ring *out)
{
    int fds[WIRE_DESCRIPTORS_MAX];
    uint32_t count;
    uint64_t bytes;
    *out = (pst_remote_ring){.event = -1};
    PST_TRY(pst_remote_memory_fds(remote, fd, fds, &count, &bytes));
    size_t page = pst_pal_page_size();
    pst_status status = count == 3 && bytes > 0 && bytes <= SIZE_MAX / 4 ? PST_OK : PST_E_INVALID;
    size_t span = 2 * page + 2 * (size_t)bytes;
    uint8_t *base = status == PST_OK ? mmap(NULL, span, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) : MAP_FAILED;
    if (base == MAP_FAILED) {
        close_all(fds, count);
        return status == PST_OK ? PST_E_NOMEM : status;
    }
    bool fine = ring_fill(base, page, (size_t)bytes, fds);
    close_all(fds, fine ? 2 : 3);
    if (!fine) {
        munmap(base, span);
        return PST_E_IO;
    }
    *out = (pst_remote_ring){.consumer_pos = (uint64_t *)(void *)base, .producer_pos = (const uint64_t *)(const void *)(base + page),
                             .data = base + 2 * page, .data_size = bytes, .mapping = base, .mapping_size = span, .event = fds[2]};
    return PST_OK;
}

void pst_remote_ring_unmap(pst_remote_ring *ring)
{
    if (ring->mapping) munmap(ring->mapping, ring->mapping_size);
    if (ring->event >= 0) close(ring->event);
    *ring = (pst_remote_ring){.event = -1};
}

pst_status pst_remote_memory_map(pst_remote *remote, int fd, void **out, size_t *size)
{
    int fds[WIRE_DESCRIPTORS_MAX];
    uint32_t count;
    uint64_t bytes;
    *out = NULL;
    PST_TRY(pst_remote_memory_fds(remote, fd, fds, &count, &bytes));
    pst_status status = count == 1 && bytes > 0 && bytes < SIZE_MAX ? PST_OK : PST_E_INVALID;
    int access = fcntl(fds[0], F_GETFL) & O_ACCMODE;
    if (status == PST_OK) {
        void *memory = mmap(NULL, (size_t)bytes, access == O_RDONLY ? PROT_READ : PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0);
        *out = memory == MAP_FAILED ? NULL : memory;
        *size = (size_t)bytes;
        if (!*out) status = PST_E_NOMEM;
    }
    close_all(fds, count);
    return status;
}

void pst_remote_memory_unmap(void *memory, size_t size)
{
    if (memory) munmap(memory, size);
}

pst_status pst_remote_poll(const int *fds, size_t count, uint64_t timeout_ns)
{
    struct pollfd polled[64];
    if (count > PST_COUNT(polled)) count = PST_COUNT(polled);
    for (size_t i = 0; i < count; i++) polled[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
    const struct timespec left = {.tv_sec = (time_t)(timeout_ns / NS_PER_S), .tv_nsec = (long)(timeout_ns % NS_PER_S)};
    int ready = ppoll(polled, (nfds_t)count, &left, NULL);
    for (size_t i = 0; ready > 0 && i < count; i++) {
        uint64_t value;
        // An event stays readable until somebody takes its count.
        if (polled[i].revents & POLLIN) (void)!read(fds[i], &value, sizeof value);
    }
    return ready > 0 ? PST_OK : PST_E_TIMEOUT;
}
