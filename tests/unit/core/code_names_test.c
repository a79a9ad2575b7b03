// code_names_test.c: what is compiled is named for profilers.
#include "core_fixture.h"

#include "base/bits.h"
#include "core/core.h"
#include "jit/jit.h"

#define HEADER_BYTES 24u
#define TYPES_BYTES 36u // a prototype, and two functions

typedef struct named {
    char names[4][160];
    uint64_t begin[4], size[4];
    uint32_t count;
} named;

static void on_code(void *user, const char *name, const void *bytes, size_t size)
{
    named *all = user;
    if (all->count < PST_COUNT(all->names)) {
        snprintf(all->names[all->count], sizeof all->names[0], "%s", name);
        all->begin[all->count] = PTR(bytes);
        all->size[all->count] = size;
    }
    all->count++;
}

static void put_type(uint8_t *at, uint32_t name, uint32_t info, uint32_t type)
{
    pst_store32(at, name);
    pst_store32(at + 4, info);
    pst_store32(at + 8, type);
}

// int-less types: 1: a function without parameters that returns nothing; 2: "outer" and 3: a name that no line of text may hold, of type 1.
static uint32_t make_btf(uint8_t *out)
{
    static const char strings[] = "\0outer\0in ner\n";
    memset(out, 0, HEADER_BYTES);
    pst_store16(out, 0xeb9f);
    out[2] = 1;
    pst_store32(out + 4, HEADER_BYTES);
    pst_store32(out + 12, TYPES_BYTES);
    pst_store32(out + 16, TYPES_BYTES);
    pst_store32(out + 20, sizeof strings);
    put_type(out + HEADER_BYTES, 0, 13u << 24, 0);
    put_type(out + HEADER_BYTES + 12, 1, 12u << 24, 1);
    put_type(out + HEADER_BYTES + 24, 7, 12u << 24, 1);
    memcpy(out + HEADER_BYTES + TYPES_BYTES, strings, sizeof strings);
    return HEADER_BYTES + TYPES_BYTES + sizeof strings;
}

static void open_fixture(core_fixture *f, named *all, uint32_t engine)
{
    *all = (named){0};
    *f = (core_fixture){.env = {.resize = fixture_resize, .user = f}};
    const pst_core_options options = {.size = sizeof options, .engine = engine, .code = on_code, .user = all};
    CHECK_EQ(pst_core_create(&f->env, &options, &f->core), PST_OK);
    CHECK_EQ(pst_client_create(f->core, &f->client), PST_OK);
}

static void expected_name(core_fixture *f, int64_t prog, const char *name, char *out, size_t size)
{
    pst_bpf_prog_info info = {0};
    pst_bpf_attr get = {.info = {.bpf_fd = (uint32_t)prog, .info_len = sizeof info, .info = PTR(&info)}};
    CHECK_EQ(cmd(f, PST_BPF_OBJ_GET_INFO_BY_FD, &get), 0);
    const uint8_t *t = info.tag;
    snprintf(out, size, "bpf_prog_%02x%02x%02x%02x%02x%02x%02x%02x_%s", t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7], name);
}

TEST(compiled_functions_are_named_as_btf_names_them)
{
    // outer calls inner, which takes no part of it: the quick tier leaves both.
    static const pst_slot slots[] = {{.opcode = 0x85, .regs = 0x10, .imm = 1}, {.opcode = 0x95}, {.opcode = 0xb7, .imm = 7}, {.opcode = 0x95}};
    static const pst_bpf_func_info functions[] = {{0, 2}, {2, 3}};
    core_fixture f;
    named all;
    uint8_t btf[128];
    char name[160];
    if (!pst_jit_supported()) {
        pst_test_skip("there is no compiler for this machine");
        return;
    }
    open_fixture(&f, &all, PST_CORE_ENGINE_JIT_QUICK);
    pst_bpf_attr types = {.btf = PTR(btf), .btf_size = make_btf(btf)};
    int64_t fd = cmd(&f, PST_BPF_BTF_LOAD, &types);
    CHECK(fd >= 3);
    pst_bpf_attr load = {.prog_type = PST_PROG_SAMPLE, .insn_cnt = 4, .insns = PTR(slots), .license = PTR("GPL"), .prog_btf_fd = (uint32_t)fd,
                         .func_info = PTR(functions), .func_info_cnt = 2, .func_info_rec_size = sizeof functions[0]};
    int64_t prog = cmd(&f, PST_BPF_PROG_LOAD, &load);
    CHECK(prog >= 3);
    CHECK_EQ(all.count, 2);
    expected_name(&f, prog, "outer", name, sizeof name);
    CHECK_STR(all.names[0], name);
    expected_name(&f, prog, "in_ner_", name, sizeof name);
    CHECK_STR(all.names[1], name);
    CHECK(all.size[0] > 0 && all.begin[1] == all.begin[0] + all.size[0] && all.size[1] > 0);
    // Without BTF both have the program's name.
    prog = prog_load_as(&f, PST_PROG_SAMPLE, 0, "a_name", "call inner\nexit\ninner: r0 = 7\nexit");
    CHECK_EQ(all.count, 4);
    expected_name(&f, prog, "a_name", name, sizeof name);
    CHECK_STR(all.names[2], name);
    CHECK_STR(all.names[3], name);
    fixture_close(&f);
}

TEST(what_is_interpreted_has_no_code_to_name)
{
    core_fixture f;
    named all;
    open_fixture(&f, &all, PST_CORE_ENGINE_INTERP);
    CHECK(prog_load_text(&f, PST_PROG_SAMPLE, "r0 = 7\nexit") >= 3);
    CHECK_EQ(all.count, 0);
    fixture_close(&f);
}
