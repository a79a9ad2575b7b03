// core_fixture.c: see core_fixture.h.
#include "core_fixture.h"
#ifdef FIXTURE_OVER_WIRE
#include "wire_in_memory.h"
#endif

void *fixture_resize(void *user, void *ptr, size_t old_size, size_t new_size)
{
    core_fixture *f = user;
    const pst_env *host = pst_pal_env();
    void *block = host->resize(host->user, ptr, old_size, new_size);
    if (!ptr && block) (void)PST_ATOMIC_ADD(&f->blocks, (int64_t)1);
    if (ptr && new_size == 0) (void)PST_ATOMIC_SUB(&f->blocks, (int64_t)1);
    return block;
}

static void on_trace(void *user, const char *text)
{
    core_fixture *f = user;
    size_t length = strlen(f->trace);
    snprintf(f->trace + length, sizeof f->trace - length, "%s\n", text);
}

static void on_trap(void *user, const char *program, const char *text)
{
    core_fixture *f = user;
    snprintf(f->trap, sizeof f->trap, "%s: %s", program, text);
}

void fixture_open(core_fixture *f)
{
    fixture_open_with(f, 0);
}

static void open_fixture(core_fixture *f, uint32_t engine, uint64_t budget, bool strict)
{
    *f = (core_fixture){.env = {.resize = fixture_resize, .user = f}};
    pst_core_options options = {.size = sizeof options, .trace = on_trace, .trap = on_trap, .user = f, .budget = budget, .strict = strict, .engine = engine};
    CHECK(pst_core_create(&f->env, &options, &f->core) == PST_OK);
    CHECK(pst_client_create(f->core, &f->client) == PST_OK);
}

void fixture_open_with(core_fixture *f, uint64_t budget)
{
    open_fixture(f, PST_CORE_ENGINE_ANY, budget, false);
}

void fixture_open_strict(core_fixture *f)
{
    open_fixture(f, PST_CORE_ENGINE_ANY, 0, true);
}

void fixture_open_engine(core_fixture *f, uint32_t engine, uint64_t budget)
{
    open_fixture(f, engine, budget, false);
}

void fixture_close(core_fixture *f)
{
    pst_client_free(f->client);
    pst_core_free(f->core);
    CHECK_EQ(f->blocks, 0);
}

#ifdef FIXTURE_OVER_WIRE
// Every command of these tests as a request and an answer, as between two processes.
int64_t fixture_command(core_fixture *f, uint32_t number, void *attr, uint32_t size)
{
    return wire_command_in_memory(f->core, f->client, number, attr, size);
}
#else
int64_t fixture_command(core_fixture *f, uint32_t number, void *attr, uint32_t size)
{
    return pst_core_command(f->client, number, attr, size);
}
#endif

int64_t cmd(core_fixture *f, uint32_t number, pst_bpf_attr *attr)
{
    int64_t result = fixture_command(f, number, attr, sizeof *attr);
    // Each failure leaves a sentence, and only a failure does.
    CHECK((result < 0) == (pst_client_error(f->client)[0] != '\0'));
    return result;
}

int64_t map_create(core_fixture *f, uint32_t type, uint32_t key_size, uint32_t value_size, uint32_t max_entries, uint32_t flags)
{
    pst_bpf_attr attr = {.map_type = type, .key_size = key_size, .value_size = value_size, .max_entries = max_entries, .map_flags = flags};
    return cmd(f, PST_BPF_MAP_CREATE, &attr);
}

static int64_t elem(core_fixture *f, uint32_t number, int64_t fd, const void *key, const void *value, uint64_t flags)
{
    pst_bpf_attr attr = {.map_fd = (uint32_t)fd, .key = PTR(key), .value = PTR(value), .flags = flags};
    return cmd(f, number, &attr);
}

int64_t map_update(core_fixture *f, int64_t fd, const void *key, const void *value, uint64_t flags)
{
    return elem(f, PST_BPF_MAP_UPDATE_ELEM, fd, key, value, flags);
}
int64_t map_lookup(core_fixture *f, int64_t fd, const void *key, void *value)
{
    return elem(f, PST_BPF_MAP_LOOKUP_ELEM, fd, key, value, 0);
}
int64_t map_delete(core_fixture *f, int64_t fd, const void *key)
{
    return elem(f, PST_BPF_MAP_DELETE_ELEM, fd, key, NULL, 0);
}
int64_t map_next(core_fixture *f, int64_t fd, const void *key, void *next)
{
    return elem(f, PST_BPF_MAP_GET_NEXT_KEY, fd, key, next, 0);
}
int64_t map_take(core_fixture *f, int64_t fd, const void *key, void *value)
{
    return elem(f, PST_BPF_MAP_LOOKUP_AND_DELETE_ELEM, fd, key, value, 0);
}
int64_t map_freeze(core_fixture *f, int64_t fd)
{
    pst_bpf_attr attr = {.map_fd = (uint32_t)fd};
    return cmd(f, PST_BPF_MAP_FREEZE, &attr);
}

int64_t prog_load_as(core_fixture *f, uint32_t type, uint32_t attach_type, const char *name, const char *text)
{
    pst_slot *slots;
    size_t count;
    pst_asm_error error;
    if (pst_assemble(pst_pal_env(), text, &slots, &count, &error) != PST_OK) {
        pst_test_fail(__FILE__, __LINE__, "line %u: %s", error.line, error.text);
        return -1;
    }
    pst_bpf_attr attr = {
        .prog_type = type, .insn_cnt = (uint32_t)count, .insns = PTR(slots), .license = PTR("GPL"), .expected_attach_type = attach_type,
        .log_level = 1, .log_size = sizeof f->log, .log_buf = PTR(f->log)};
    snprintf(attr.prog_name, sizeof attr.prog_name, "%s", name);
    int64_t fd = cmd(f, PST_BPF_PROG_LOAD, &attr);
    pst_free(pst_pal_env(), slots, count * sizeof *slots);
    return fd;
}

int64_t prog_load_text(core_fixture *f, uint32_t type, const char *text)
{
    int64_t fd = prog_load_as(f, type, 0, "test", text);
    if (fd < 0) pst_test_fail(__FILE__, __LINE__, "load: %s", pst_client_error(f->client));
    return fd;
}

int64_t prog_run(core_fixture *f, int64_t fd, const void *data, uint32_t size, uint32_t *retval)
{
    pst_bpf_attr attr = {.test = {.prog_fd = (uint32_t)fd, .data_in = PTR(data), .data_size_in = size}};
    int64_t result = cmd(f, PST_BPF_PROG_TEST_RUN, &attr);
    *retval = attr.test.retval;
    return result;
}

int64_t prog_run_sample(core_fixture *f, int64_t fd, uint32_t *retval)
{
    uint8_t data[64];
    for (unsigned i = 0; i < sizeof data; i++) data[i] = (uint8_t)i;
    return prog_run(f, fd, data, sizeof data, retval);
}

int64_t link_create(core_fixture *f, int64_t prog, uint32_t attach_type, uint32_t target)
{
    pst_bpf_attr attr = {.link_create = {.prog_fd = (uint32_t)prog, .target_ifindex = target, .attach_type = attach_type}};
    return cmd(f, PST_BPF_LINK_CREATE, &attr);
}
