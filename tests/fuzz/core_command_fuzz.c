// core_command_fuzz.c: any sequence of commands and calls by one client. Each input is a script: a byte chooses the call, the following bytes
// are its attributes. Pointers in attributes are addresses of our memory by contract, so those fields are set here; sizes that say how much
// lies there are kept inside it. At the end everything must be freed.
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "core/builtin.h"
#include "pal/pal.h"

#define AREA 262144u // of memory that a command may read and write
#define STEPS 200

static _Alignas(16) uint8_t g_area[AREA];
static int64_t g_blocks;

static void *count_resize(void *user, void *ptr, size_t old_size, size_t new_size)
{
    const pst_env *host = pst_pal_env();
    void *block = host->resize(host->user, ptr, old_size, new_size);
    if (!ptr && block) g_blocks++;
    if (ptr && new_size == 0) g_blocks--;
    return block;
}

// NULL now and then, else somewhere in the first quarter of the area.
static uint64_t pointer(uint64_t given)
{
    return given % 16 == 15 ? 0 : (uintptr_t)(g_area + given % (AREA / 4) / 8 * 8);
}

#define POINTER(field) attr->field = pointer(attr->field)
#define AT_MOST(field, most) attr->field %= (most) + 1u

static void fix_map_create(pst_bpf_attr *attr)
{
    AT_MOST(map_type, 40u);
    AT_MOST(key_size, 64u);
    AT_MOST(value_size, 128u);
    AT_MOST(max_entries, 16384u);
    AT_MOST(inner_map_fd, 24u);
    AT_MOST(btf_fd, 24u);
}

static void fix_elem(pst_bpf_attr *attr)
{
    AT_MOST(map_fd, 24u);
    POINTER(key);
    POINTER(value);
}

static void fix_batch(pst_bpf_attr *attr)
{
    POINTER(batch.in_batch);
    POINTER(batch.out_batch);
    POINTER(batch.keys);
    POINTER(batch.values);
    AT_MOST(batch.count, 64u);
    AT_MOST(batch.map_fd, 24u);
}

static void fix_load(pst_bpf_attr *attr)
{
    static const uint32_t types[] = {PST_PROG_XDP, PST_PROG_SOCKET_FILTER, PST_PROG_SCHED_CLS, PST_PROG_SAMPLE};
    if (attr->prog_type > 32) attr->prog_type = types[attr->prog_type % 4];
    AT_MOST(insn_cnt, 512u);
    POINTER(insns);
    POINTER(license);
    POINTER(log_buf);
    AT_MOST(log_size, 4096u);
    AT_MOST(prog_btf_fd, 24u);
    POINTER(func_info);
    AT_MOST(func_info_cnt, 64u);
    AT_MOST(func_info_rec_size, 64u);
    POINTER(line_info);
    AT_MOST(line_info_cnt, 64u);
    AT_MOST(line_info_rec_size, 64u);
    POINTER(fd_array);
}

static void fix_test_run(pst_bpf_attr *attr)
{
    AT_MOST(test.prog_fd, 24u);
    AT_MOST(test.data_size_in, 4096u);
    AT_MOST(test.data_size_out, 4096u);
    AT_MOST(test.ctx_size_in, 512u);
    AT_MOST(test.ctx_size_out, 512u);
    AT_MOST(test.repeat, 4u);
    POINTER(test.data_in);
    POINTER(test.data_out);
    POINTER(test.ctx_in);
    POINTER(test.ctx_out);
}

// The info struct itself holds pointers: one that fits all kinds is prepared at the area's end.
static void fix_info(pst_bpf_attr *attr)
{
    pst_bpf_prog_info info = {.xlated_prog_len = 64, .nr_map_ids = 4, .nr_func_info = 4, .nr_line_info = 4, .nr_prog_tags = 4};
    uint64_t somewhere = (uintptr_t)(g_area + AREA / 2);
    AT_MOST(info.bpf_fd, 24u);
    AT_MOST(info.info_len, 512u);
    if (attr->info.info % 2) info.map_ids = info.xlated_prog_insns = info.func_info = info.line_info = info.prog_tags = somewhere;
    memset(g_area + AREA - 1024, 0, 1024);
    memcpy(g_area + AREA - 1024, &info, sizeof info);
    // For BTF the first field is the pointer, the second its capacity.
    if (attr->info.info % 4 >= 2) {
        memcpy(g_area + AREA - 1024, &somewhere, sizeof somewhere);
        memset(g_area + AREA - 1016, 0, 1016);
        g_area[AREA - 1016] = 64;
    }
    attr->info.info = (uintptr_t)(g_area + AREA - 1024);
}

static void fix_btf(pst_bpf_attr *attr)
{
    POINTER(btf);
    AT_MOST(btf_size, 4096u);
}

static void fix_rest(uint32_t cmd, pst_bpf_attr *attr)
{
    switch (cmd) {
    case PST_BPF_OBJ_PIN:
    case PST_BPF_OBJ_GET:
        POINTER(pathname);
        AT_MOST(bpf_fd, 24u);
        break;
    case PST_BPF_PROG_QUERY:
        POINTER(query.prog_ids);
        AT_MOST(query.prog_cnt, 64u);
        break;
    case PST_BPF_PROG_ATTACH:
    case PST_BPF_PROG_DETACH: AT_MOST(attach_bpf_fd, 24u); break;
    case PST_BPF_LINK_CREATE: AT_MOST(link_create.prog_fd, 24u); break;
    case PST_BPF_LINK_UPDATE:
        AT_MOST(link_update.link_fd, 24u);
        AT_MOST(link_update.new_prog_fd, 24u);
        AT_MOST(link_update.old_prog_fd, 24u);
        break;
    case PST_BPF_LINK_DETACH: AT_MOST(link_detach.link_fd, 24u); break;
    case PST_BPF_PROG_BIND_MAP:
        AT_MOST(prog_bind_map.prog_fd, 24u);
        AT_MOST(prog_bind_map.map_fd, 24u);
        break;
    default: break;
    }
}

static void fix(uint32_t cmd, pst_bpf_attr *attr)
{
    switch (cmd) {
    case PST_BPF_MAP_CREATE: fix_map_create(attr); break;
    case PST_BPF_MAP_LOOKUP_ELEM:
    case PST_BPF_MAP_UPDATE_ELEM:
    case PST_BPF_MAP_DELETE_ELEM:
    case PST_BPF_MAP_GET_NEXT_KEY:
    case PST_BPF_MAP_LOOKUP_AND_DELETE_ELEM:
    case PST_BPF_MAP_FREEZE: fix_elem(attr); break;
    case PST_BPF_MAP_LOOKUP_BATCH:
    case PST_BPF_MAP_LOOKUP_AND_DELETE_BATCH:
    case PST_BPF_MAP_UPDATE_BATCH:
    case PST_BPF_MAP_DELETE_BATCH: fix_batch(attr); break;
    case PST_BPF_PROG_LOAD: fix_load(attr); break;
    case PST_BPF_PROG_TEST_RUN: fix_test_run(attr); break;
    case PST_BPF_OBJ_GET_INFO_BY_FD: fix_info(attr); break;
    case PST_BPF_BTF_LOAD: fix_btf(attr); break;
    default: fix_rest(cmd, attr); break;
    }
}

// A command: its attr from the input, then as many bytes of it as the input says go to the area, so that programs and keys vary.
static void run_command(pst_client *client, uint32_t cmd, pst_cursor *in)
{
    pst_bpf_attr attr = {0};
    uint8_t size, fill;
    const uint8_t *bytes;
    if (!pst_cursor_u8(in, &size) || !pst_cursor_u8(in, &fill)) return;
    if (size > sizeof attr) size = sizeof attr;
    if (!pst_cursor_bytes(in, size, &bytes)) return;
    memcpy(&attr, bytes, size);
    if (pst_cursor_bytes(in, fill, &bytes) && fill > 0) memcpy(g_area + 64, bytes, fill);
    fix(cmd, &attr);
    int64_t result = pst_core_command(client, cmd, &attr, sizeof attr);
    if (result < 0 && pst_client_error(client)[0] == '\0') abort(); // each failure leaves a sentence
}

static void run_call(pst_core *core, pst_client *client, uint8_t call, uint8_t arg)
{
    pst_ringbuf_view view;
    pst_sample_ctx ctx = {.data = g_area, .data_meta = g_area, .data_end = g_area + 64, .hard_start = g_area, .hard_end = g_area + 128};
    size_t size = 64;
    uint64_t lost;
    int fd = arg % 25;
    pst_status status = PST_OK;
    switch (call % 8) {
    case 0:
    case 1: (void)pst_core_close(client, fd); break;
    case 2: (void)pst_core_dup(client, fd); break;
    case 3: status = pst_core_wait(client, &fd, 1, 0); break;
    case 4: status = pst_core_perf_read(client, fd, arg % 4, g_area, &size, &lost); break;
    case 5:
        status = pst_core_ringbuf_view(client, fd, &view);
        // A consumer may write anything there.
        if (status == PST_OK) *view.consumer_pos = arg % 3 ? *view.producer_pos : arg * 0x0123456789abcdefu;
        break;
    case 6: (void)pst_core_map_memory(client, fd, &size); break;
    case 7: (void)pst_builtin_sample_invoke(core, arg % 4, &ctx, NULL); break;
    default: break;
    }
    (void)status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pst_env env = {.resize = count_resize};
    pst_core_options options = {.size = sizeof options, .budget = 2000};
    pst_core *core;
    pst_client *client;
    pst_cursor in = pst_cursor_make(data, size);
    g_blocks = 0;
    memset(g_area, 0, sizeof g_area);
    if (pst_core_create(&env, &options, &core) != PST_OK || pst_client_create(core, &client) != PST_OK) abort();
    uint8_t op, arg;
    for (int step = 0; step < STEPS && pst_cursor_u8(&in, &op); step++) {
        if (op < 64)
            run_command(client, op % 40u, &in);
        else if (pst_cursor_u8(&in, &arg))
            run_call(core, client, op, arg);
    }
    pst_client_free(client);
    pst_core_free(core);
    if (g_blocks != 0) {
        fprintf(stderr, "%lld blocks are not freed\n", (long long)g_blocks);
        abort();
    }
    return 0;
}
