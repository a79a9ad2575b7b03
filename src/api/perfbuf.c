// perfbuf.c: perf_buffer__*: takes the records of a perf event array, CPU by CPU.
#include "api/api.h"
#include "pal/pal.h"

#define RECORD_MAX 65536u // the ABI's limit of a perf sample

struct perf_buffer {
    int map_fd;
    perf_buffer_sample_fn sample;
    perf_buffer_lost_fn lost;
    void *ctx;
    uint32_t cpus;
    uint8_t record[RECORD_MAX];
};

struct perf_buffer *perf_buffer__new(int map_fd, size_t page_cnt, perf_buffer_sample_fn sample_cb, perf_buffer_lost_fn lost_cb,
                                     void *ctx, const struct perf_buffer_opts *opts)
{
    struct perf_buffer_opts o;
    pst_bpf_map_info info = {0};
    uint32_t size = sizeof info;
    if (!api_opts_copy(&o, sizeof o, opts)) return api_err_ptr(-EINVAL);
    if (!page_cnt || (page_cnt & (page_cnt - 1))) return api_fail_ptr(EINVAL, "perf_buffer: page_cnt must be a power of two");
    int err = bpf_obj_get_info_by_fd(map_fd, &info, &size);
    if (err || info.type != PST_MAP_PERF_EVENT_ARRAY)
        return api_fail_ptr(err ? -err : EINVAL, "perf_buffer: descriptor %d is not that of a perf event array", map_fd);
    struct perf_buffer *pb = malloc(sizeof *pb);
    if (!pb) return api_err_ptr(-ENOMEM);
    uint32_t cpus = pst_pal_cpu_count();
    pb->map_fd = map_fd;
    pb->sample = sample_cb;
    pb->lost = lost_cb;
    pb->ctx = ctx;
    pb->cpus = info.max_entries < cpus ? info.max_entries : cpus;
    return pb;
}

void perf_buffer__free(struct perf_buffer *pb)
{
    free(pb);
}

static int consume_cpu(struct perf_buffer *pb, uint32_t cpu)
{
    int records = 0;
    for (;;) {
        size_t size = sizeof pb->record;
        uint64_t lost = 0;
        const api_door *door = api_door_get();
        if (!door) return -errno;
        pst_status status = door->perf_read(pb->map_fd, cpu, pb->record, &size, &lost);
        if (lost && pb->lost) pb->lost(pb->ctx, (int)cpu, lost);
        if (status == PST_E_AGAIN) return records;
        if (status != PST_OK) return api_err(-api_errno_of(status));
        if (pb->sample) pb->sample(pb->ctx, (int)cpu, pb->record, (uint32_t)size);
        if (records < INT32_MAX) records++;
    }
}

int perf_buffer__consume(struct perf_buffer *pb)
{
    int64_t total = 0;
    for (uint32_t cpu = 0; cpu < pb->cpus; cpu++) {
        int records = consume_cpu(pb, cpu);
        if (records < 0) return records;
        total += records;
    }
    return total > INT32_MAX ? INT32_MAX : (int)total;
}

int perf_buffer__consume_buffer(struct perf_buffer *pb, size_t buf_idx)
{
    if (buf_idx >= pb->cpus) return api_err(-EINVAL);
    int records = consume_cpu(pb, (uint32_t)buf_idx);
    return records < 0 ? records : 0;
}

int perf_buffer__poll(struct perf_buffer *pb, int timeout_ms)
{
    uint64_t timeout_ns = timeout_ms < 0 ? UINT64_MAX : (uint64_t)timeout_ms * 1000000u;
    const api_door *door = api_door_get();
    if (!door) return -errno;
    pst_status status = door->wait(&pb->map_fd, NULL, 1, timeout_ns);
    if (status == PST_E_TIMEOUT) return 0;
    if (status != PST_OK) return api_err(-api_errno_of(status));
    return perf_buffer__consume(pb);
}

size_t perf_buffer__buffer_cnt(const struct perf_buffer *pb)
{
    return pb->cpus;
}

int perf_buffer__epoll_fd(const struct perf_buffer *pb)
{
    const api_door *door = api_door_get();
    intptr_t handle = door ? door->wait_handle(pb->map_fd, NULL) : -1;
    return handle < 0 || handle > INT32_MAX ? api_err(-EOPNOTSUPP) : (int)handle;
}
