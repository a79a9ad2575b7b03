// core_object_fault_test.c: the core under faults: what names, keeps and attaches objects, and what grows while it is used.
#include "core/builtin.h"
#include "faults.h"
#include "harness.h"
#include "pal/fake/fake.h"

static pst_status command(pst_client *client, uint32_t cmd, pst_bpf_attr attr, int64_t *result)
{
    *result = pst_core_command(client, cmd, &attr, sizeof attr);
    return *result < 0 ? PST_E_NOMEM : PST_OK;
}

// r0 = 1; exit
static const uint8_t g_program[] = {0xb7, 0, 0, 0, 1, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0};
static const uint8_t g_btf[] = {0x9f, 0xeb, 1, 0, 24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0};

static pst_status load(pst_client *client, uint32_t *fd)
{
    static char log[128];
    static const pst_bpf_func_info func = {0, 1};
    static const pst_bpf_line_info line = {0, 0, 0, 1 << 10};
    int64_t btf, result;
    PST_TRY(command(client, PST_BPF_BTF_LOAD, (pst_bpf_attr){.btf = (uintptr_t)g_btf, .btf_size = sizeof g_btf}, &btf));
    PST_TRY(command(client, PST_BPF_PROG_LOAD,
                    (pst_bpf_attr){.prog_type = PST_PROG_SAMPLE, .insn_cnt = 2, .insns = (uintptr_t)g_program, .license = (uintptr_t)"MIT",
                                   .log_level = 1, .log_size = sizeof log, .log_buf = (uintptr_t)log, .prog_btf_fd = (uint32_t)btf,
                                   .func_info = (uintptr_t)&func, .func_info_cnt = 1, .func_info_rec_size = sizeof func,
                                   .line_info = (uintptr_t)&line, .line_info_cnt = 1, .line_info_rec_size = sizeof line},
                    &result));
    *fd = (uint32_t)result;
    return PST_OK;
}

static pst_status use_links(pst_core *core, pst_client *client)
{
    uint32_t prog;
    int64_t link, result;
    pst_sample_ctx ctx = {0};
    PST_TRY(load(client, &prog));
    PST_TRY(command(client, PST_BPF_LINK_CREATE, (pst_bpf_attr){.link_create = {.prog_fd = prog, .attach_type = PST_ATTACH_SAMPLE}}, &link));
    PST_TRY(command(client, PST_BPF_OBJ_PIN, (pst_bpf_attr){.pathname = (uintptr_t)"/l", .bpf_fd = (uint32_t)link}, &result));
    PST_TRY(command(client, PST_BPF_OBJ_GET, (pst_bpf_attr){.pathname = (uintptr_t)"/l"}, &result));
    PST_TRY(command(client, PST_BPF_LINK_UPDATE, (pst_bpf_attr){.link_update = {.link_fd = (uint32_t)link, .new_prog_fd = prog}}, &result));
    PST_TRY(command(client, PST_BPF_PROG_ATTACH,
                    (pst_bpf_attr){.target_fd = 1, .attach_bpf_fd = prog, .attach_type = PST_ATTACH_SAMPLE}, &result));
    PST_TRY(command(client, PST_BPF_ENABLE_STATS, (pst_bpf_attr){0}, &result));
    return pst_builtin_sample_invoke(core, 0, &ctx, NULL) == 1 ? PST_OK : PST_E_INVALID;
}

// A map that grows, an array of programs, a perf array, many handles.
static pst_status use_growth(pst_core *core, pst_client *client)
{
    int64_t map, jumps, perf, result;
    uint32_t prog, zero = 0;
    PST_TRY(command(client, PST_BPF_MAP_CREATE,
                    (pst_bpf_attr){.map_type = PST_MAP_PERCPU_HASH, .key_size = 4, .value_size = 600, .max_entries = 400, .map_flags = PST_F_NO_PREALLOC},
                    &map));
    for (uint32_t key = 0; key < 200; key++) {
        static uint8_t value[600 * 64];
        PST_TRY(command(client, PST_BPF_MAP_UPDATE_ELEM,
                        (pst_bpf_attr){.map_fd = (uint32_t)map, .key = (uintptr_t)&key, .value = (uintptr_t)value}, &result));
    }
    PST_TRY(command(client, PST_BPF_MAP_CREATE, (pst_bpf_attr){.map_type = PST_MAP_PROG_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 2}, &jumps));
    PST_TRY(load(client, &prog));
    PST_TRY(command(client, PST_BPF_MAP_UPDATE_ELEM, (pst_bpf_attr){.map_fd = (uint32_t)jumps, .key = (uintptr_t)&zero, .value = (uintptr_t)&prog}, &result));
    PST_TRY(command(client, PST_BPF_PROG_BIND_MAP, (pst_bpf_attr){.prog_bind_map = {.prog_fd = prog, .map_fd = (uint32_t)jumps}}, &result));
    PST_TRY(command(client, PST_BPF_MAP_CREATE, (pst_bpf_attr){.map_type = PST_MAP_PERF_EVENT_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 4}, &perf));
    for (int i = 0; i < 40; i++)
        if (pst_core_dup(client, (int)map) < 0) return PST_E_NOMEM;
    int fd = (int)perf;
    pst_status status = pst_core_wait(client, &fd, 1, 1000);
    return status == PST_E_TIMEOUT ? PST_OK : status;
}

static pst_status with_client(pst_status (*use)(pst_core *core, pst_client *client))
{
    pst_core *core;
    pst_client *client;
    PST_TRY(pst_core_create(pst_fake_env(), NULL, &core));
    pst_status status = pst_client_create(core, &client);
    if (status == PST_OK) {
        status = use(core, client);
        pst_client_free(client);
    }
    pst_core_free(core);
    return status;
}

static pst_status links_scenario(void)
{
    return with_client(use_links);
}

static pst_status growth_scenario(void)
{
    return with_client(use_growth);
}

// A load survives without SHA-256, without memory for the tag, and without line numbers for traps; the log may be lost; the verifier does
// without two tables that only make states easier to compare; a program that cannot be compiled (code cannot be sealed, faults in it not be
// handled) is interpreted.
#define LOAD_MAY_HIDE (6 + 2 * PST_HOST_COMPILES)

TEST(links_and_pins_report_each_failure_and_leak_nothing)
{
    faults_check(links_scenario, LOAD_MAY_HIDE);
}

TEST(growing_maps_report_each_failure_and_leak_nothing)
{
    faults_check(growth_scenario, LOAD_MAY_HIDE);
}
