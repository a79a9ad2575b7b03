// ringbuf.c: ring_buffer__*: consumes ring buffer maps in place.
//
// A record is an 8-byte header (length with two flag bits, page offset) and the data, rounded up to 8 bytes; the data area is
// mapped twice in a row, so a record is always contiguous. The consumer's position is released after each record, as in the kernel's ABI.
#include "api/api.h"
#include "pal/pal.h"

typedef struct ring {
    ring_buffer_sample_fn sample;
    void *ctx;
} ring;

struct ring_buffer {
    ring *rings;
    api_ring *memory; // one a ring, as the door takes them, and so the descriptors
    int *map_fds;
    size_t count;
};

// Room for one more in all three.
static bool grow(struct ring_buffer *rb)
{
    ring *rings = realloc(rb->rings, (rb->count + 1) * sizeof *rings);
    if (rings) rb->rings = rings;
    api_ring *memory = realloc(rb->memory, (rb->count + 1) * sizeof *memory);
    if (memory) rb->memory = memory;
    int *fds = realloc(rb->map_fds, (rb->count + 1) * sizeof *fds);
    if (fds) rb->map_fds = fds;
    return rings && memory && fds;
}

int ring_buffer__add(struct ring_buffer *rb, int map_fd, ring_buffer_sample_fn sample_cb, void *ctx)
{
    const api_door *door = api_door_get();
    api_ring memory;
    if (!door) return -errno;
    if (!grow(rb)) return api_fail(ENOMEM, "ring_buffer: no memory");
    pst_status status = door->ring_open(map_fd, &memory);
    if (status != PST_OK) return api_fail(api_errno_of(status), "ring_buffer: descriptor %d is not that of a ring buffer map", map_fd);
    rb->rings[rb->count] = (ring){sample_cb, ctx};
    rb->memory[rb->count] = memory;
    rb->map_fds[rb->count++] = map_fd;
    return 0;
}

struct ring_buffer *ring_buffer__new(int map_fd, ring_buffer_sample_fn sample_cb, void *ctx, const struct ring_buffer_opts *opts)
{
    struct ring_buffer_opts o;
    if (!api_opts_copy(&o, sizeof o, opts)) return api_err_ptr(-EINVAL);
    struct ring_buffer *rb = calloc(1, sizeof *rb);
    if (!rb) return api_err_ptr(-ENOMEM);
    if (ring_buffer__add(rb, map_fd, sample_cb, ctx) == 0) return rb;
    int saved = errno;
    ring_buffer__free(rb);
    errno = saved;
    return NULL;
}

void ring_buffer__free(struct ring_buffer *rb)
{
    if (!rb) return;
    const api_door *door = api_door_get();
    for (size_t i = 0; door && i < rb->count; i++) door->ring_close(&rb->memory[i]);
    free(rb->rings);
    free(rb->memory);
    free(rb->map_fds);
    free(rb);
}

// Consumes at most limit records; the number, or a callback's negative result.
static int64_t consume_ring(const ring *r, const pst_ringbuf_view *view, size_t limit)
{
    int64_t records = 0;
    uint64_t consumer = PST_ATOMIC_LOAD(view->consumer_pos);
    while ((uint64_t)records < limit) {
        uint64_t producer = PST_ATOMIC_LOAD(view->producer_pos);
        if (consumer >= producer) break;
        uint32_t *header = (void *)(view->data + (consumer & (view->data_size - 1)));
        uint32_t word = PST_ATOMIC_LOAD(header);
        if (word & PST_RINGBUF_BUSY) break; // what follows is not committed either
        uint32_t size = word & ~(PST_RINGBUF_BUSY | PST_RINGBUF_DISCARD);
        int err = 0;
        if (!(word & PST_RINGBUF_DISCARD)) {
            err = r->sample(r->ctx, (uint8_t *)header + PST_RINGBUF_HEADER_SIZE, size);
            if (err >= 0) records++;
        }
        consumer += (size + PST_RINGBUF_HEADER_SIZE + 7u) & ~7ull;
        PST_ATOMIC_STORE(view->consumer_pos, consumer);
        if (err < 0) return err;
    }
    return records;
}

static int consume(struct ring_buffer *rb, size_t limit)
{
    int64_t total = 0;
    for (size_t i = 0; i < rb->count && (uint64_t)total < limit; i++) {
        int64_t records = consume_ring(&rb->rings[i], &rb->memory[i].view, limit - (size_t)total);
        if (records < 0) return (int)records;
        total += records;
    }
    return total > INT32_MAX ? INT32_MAX : (int)total;
}

int ring_buffer__consume_n(struct ring_buffer *rb, size_t n)
{
    // A descriptor that somebody polls stays readable until the event is taken.
    const api_door *door = api_door_get();
    if (!door) return -errno;
    if (door->wait(rb->map_fds, rb->memory, rb->count, 0) != PST_OK) { /* nothing was signalled */ }
    return api_err(consume(rb, n));
}

int ring_buffer__consume(struct ring_buffer *rb)
{
    return ring_buffer__consume_n(rb, INT32_MAX);
}

int ring_buffer__poll(struct ring_buffer *rb, int timeout_ms)
{
    uint64_t timeout_ns = timeout_ms < 0 ? UINT64_MAX : (uint64_t)timeout_ms * 1000000u;
    const api_door *door = api_door_get();
    if (!door) return -errno;
    pst_status status = door->wait(rb->map_fds, rb->memory, rb->count, timeout_ns);
    if (status == PST_E_TIMEOUT) return 0;
    if (status != PST_OK) return api_err(-api_errno_of(status));
    return api_err(consume(rb, INT32_MAX));
}

int ring_buffer__epoll_fd(const struct ring_buffer *rb)
{
    if (rb->count != 1) return api_err(-EOPNOTSUPP);
    const api_door *door = api_door_get();
    intptr_t handle = door ? door->wait_handle(rb->map_fds[0], &rb->memory[0]) : -1;
    return handle < 0 || handle > INT32_MAX ? api_err(-EOPNOTSUPP) : (int)handle;
}
