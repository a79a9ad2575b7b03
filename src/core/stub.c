// stub.c: the core's interface before there is a core, so that its users can link. Every call says "not supported".
#include "core/core.h"
#include "core/provider.h"

pst_status pst_core_create(const pst_env *env, const pst_core_options *options, pst_core **out)
{
    *out = NULL;
    return pst_fail(env, PST_E_UNSUPPORTED, "the execution core is not there yet");
}
void pst_core_free(pst_core *core) {}
pst_status pst_client_create(pst_core *core, pst_client **out)
{
    *out = NULL;
    return PST_E_UNSUPPORTED;
}
void pst_client_free(pst_client *client) {}
int64_t pst_core_command(pst_client *client, uint32_t cmd, void *attr, uint32_t size) { return -PST_ENOSYS; }
int64_t pst_core_close(pst_client *client, int fd) { return -PST_EBADF; }
int64_t pst_core_dup(pst_client *client, int fd) { return -PST_EBADF; }
pst_status pst_core_ringbuf_view(pst_client *client, int map_fd, pst_ringbuf_view *out) { return PST_E_UNSUPPORTED; }
pst_status pst_core_wait(pst_client *client, const int *map_fds, size_t count, uint64_t timeout_ns) { return PST_E_UNSUPPORTED; }
intptr_t pst_core_wait_handle(pst_client *client, int map_fd) { return -1; }
void *pst_core_map_memory(pst_client *client, int map_fd, size_t *size) { return NULL; }
pst_status pst_core_perf_read(pst_client *client, int map_fd, uint32_t cpu, void *out, size_t *size, uint64_t *lost)
{
    return PST_E_UNSUPPORTED;
}
const char *pst_client_error(const pst_client *client) { return ""; }
pst_status pst_core_add_provider(pst_core *core, const pst_provider *provider) { return PST_E_UNSUPPORTED; }
uint64_t pst_link_run(pst_link *link, void *native_ctx, bool *trapped) { return 0; }
pst_epoch_guard pst_core_epoch_enter(pst_core *core) { return (pst_epoch_guard){0}; }
void pst_core_epoch_exit(pst_core *core, pst_epoch_guard guard) {}
uint64_t pst_link_run_in_epoch(pst_link *link, void *native_ctx, bool *trapped) { return 0; }
uint32_t pst_link_id(const pst_link *link) { return 0; }
pst_core *pst_link_core(const pst_link *link) { return NULL; }
pst_core *pst_run_core(const pst_run *run) { return run->host; }
