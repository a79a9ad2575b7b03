// core_fault_test.c: the core under faults: maps of each kind, programs, test runs, all by commands.
#include "core/core.h"
#include "faults.h"
#include "harness.h"
#include "pal/fake/fake.h"

static pst_status command(pst_client *client, uint32_t cmd, pst_bpf_attr *attr, int64_t *result)
{
    *result = pst_core_command(client, cmd, attr, sizeof *attr);
    return *result < 0 ? PST_E_NOMEM : PST_OK;
}

static pst_status make_map(pst_client *client, pst_map_type type, uint32_t key_size, uint32_t value_size, uint32_t entries, int *fd)
{
    int64_t result;
    pst_bpf_attr attr = {.map_type = type, .key_size = key_size, .value_size = value_size, .max_entries = entries};
    PST_TRY(command(client, PST_BPF_MAP_CREATE, &attr, &result));
    *fd = (int)result;
    return PST_OK;
}

static pst_status set(pst_client *client, int fd, const void *key, const void *value)
{
    int64_t result;
    pst_bpf_attr attr = {.map_fd = (uint32_t)fd, .key = (uintptr_t)key, .value = (uintptr_t)value};
    return command(client, PST_BPF_MAP_UPDATE_ELEM, &attr, &result);
}

// Fills a map, reads it back, deletes what can be deleted.
static pst_status use_map(pst_client *client, pst_map_type type, bool deletes)
{
    static uint64_t value[PST_CPUS_MAX];
    int64_t result;
    int fd;
    PST_TRY(make_map(client, type, 4, 8, 64, &fd));
    for (uint32_t key = 0; key < 40; key++) PST_TRY(set(client, fd, &key, value));
    for (uint32_t key = 0; key < 40; key++) {
        pst_bpf_attr attr = {.map_fd = (uint32_t)fd, .key = (uintptr_t)&key, .value = (uintptr_t)value};
        PST_TRY(command(client, PST_BPF_MAP_LOOKUP_ELEM, &attr, &result));
        pst_bpf_attr gone = {.map_fd = (uint32_t)fd, .key = (uintptr_t)&key};
        if (deletes) PST_TRY(command(client, PST_BPF_MAP_DELETE_ELEM, &gone, &result));
    }
    return pst_core_close(client, fd) < 0 ? PST_E_INVALID : PST_OK;
}

static pst_status use_maps(pst_client *client)
{
    int ring, inner, outer;
    uint32_t zero = 0;
    PST_TRY(use_map(client, PST_MAP_ARRAY, false));
    PST_TRY(use_map(client, PST_MAP_PERCPU_ARRAY, false));
    PST_TRY(use_map(client, PST_MAP_HASH, true));
    PST_TRY(use_map(client, PST_MAP_PERCPU_HASH, true));
    PST_TRY(make_map(client, PST_MAP_RINGBUF, 0, 0, (uint32_t)pst_pal_ring_granularity(), &ring));
    PST_TRY(make_map(client, PST_MAP_ARRAY, 4, 8, 1, &inner));
    pst_bpf_attr attr = {.map_type = PST_MAP_HASH_OF_MAPS, .key_size = 4, .value_size = 4, .max_entries = 4, .inner_map_fd = (uint32_t)inner};
    int64_t result;
    PST_TRY(command(client, PST_BPF_MAP_CREATE, &attr, &result));
    outer = (int)result;
    return set(client, outer, &zero, &inner); // handles left open: freeing the client must close them
}

// r0 = 2; exit
static const uint8_t g_program[] = {0xb7, 0, 0, 0, 2, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0};

static pst_status use_program(pst_client *client)
{
    static uint8_t packet[64], out[256];
    int64_t result;
    pst_bpf_attr load = {.prog_type = PST_PROG_XDP, .insn_cnt = 2, .insns = (uintptr_t)g_program, .license = (uintptr_t) "GPL"};
    PST_TRY(command(client, PST_BPF_PROG_LOAD, &load, &result));
    pst_bpf_attr run = {.test = {.prog_fd = (uint32_t)result, .data_in = (uintptr_t)packet, .data_size_in = sizeof packet,
                                 .data_out = (uintptr_t)out, .data_size_out = sizeof out, .repeat = 3}};
    PST_TRY(command(client, PST_BPF_PROG_TEST_RUN, &run, &result));
    return run.test.retval == 2 ? PST_OK : PST_E_INVALID;
}

static pst_status with_client(pst_status (*use)(pst_client *client))
{
    pst_core_options options = {.size = sizeof options};
    pst_core *core;
    pst_client *client;
    PST_TRY(pst_core_create(pst_fake_env(), &options, &core));
    pst_status status = pst_client_create(core, &client);
    if (status == PST_OK) {
        status = use(client);
        pst_client_free(client);
    }
    pst_core_free(core);
    return status;
}

static pst_status maps_scenario(void)
{
    return with_client(use_maps);
}

static pst_status program_scenario(void)
{
    return with_client(use_program);
}

TEST(maps_report_each_failure_and_leak_nothing)
{
    faults_check(maps_scenario, 0);
}

TEST(programs_report_each_failure_and_leak_nothing)
{
    // The tag is a plain hash where SHA-256, or memory for it, cannot be had; the verifier does without two tables that only make states easier
    // to compare; a program that cannot be compiled (code cannot be sealed, faults in it not be handled) is interpreted.
    faults_check(program_scenario, 4 + 2 * PST_HOST_COMPILES);
}
