// object_relocate_test.c: an opened object meets a host: configuration, kernel symbols, CO-RE.
#include "object/core_relo.h"
#include "unit/object/object_fixture.h"

typedef struct host {
    const char *name, *value; // one CONFIG_* that differs from the table below
} host;

static const char *config(void *user, const char *name)
{
    static const char *const rows[][2] = {{"CONFIG_BPF", "y"},     {"CONFIG_PREEMPT", "n"},  {"CONFIG_MODULES", "m"},
                                          {"CONFIG_HZ", "250"},    {"CONFIG_NR_CPUS", "0x40"}, {"CONFIG_DEFAULT_HOSTNAME", "\"(none)\""}};
    const host *h = user;
    if (h->name && strcmp(h->name, name) == 0) return h->value;
    for (size_t i = 0; i < PST_COUNT(rows); i++)
        if (strcmp(rows[i][0], name) == 0) return rows[i][1];
    return NULL;
}

static uint64_t symbol(void *user, const char *name)
{
    (void)user;
    return strcmp(name, "_stext") == 0 ? 0xffffffff81000000u : 0;
}

// The types that externs.o asks for: one variable, two functions over struct task_struct.
static void add_function(btf_builder *b, const char *name, uint32_t result, uint32_t argument)
{
    uint32_t prototype = builder_type(b, "", PST_BTF_FUNC_PROTO, false, 1, result);
    builder_pair(b, "argument", argument);
    builder_type(b, name, PST_BTF_FUNC, false, 1, prototype);
}

static pst_btf *host_types(bool release_takes_int)
{
    btf_builder *b = builder_new();
    uint32_t integer = builder_int(b, "int", 4, 1);
    builder_type(b, "bpf_prog_active", PST_BTF_VAR, false, 0, integer);
    builder_word(b, 1);
    uint32_t task = builder_struct(b, "task_struct", 4, 1);
    builder_member(b, "pid", integer, 0);
    uint32_t pointer = builder_ref(b, PST_BTF_PTR, "", task);
    add_function(b, "bpf_task_from_pid", pointer, integer);
    add_function(b, "bpf_task_release", 0, release_takes_int ? integer : pointer);
    return builder_parse(b);
}

static pst_status relocate(pst_object *o, const pst_btf *types, host h)
{
    pst_object_target target = {.size = sizeof target, .btf = types, .kconfig = config, .kernel_version = 0x061200, .ksym = symbol, .user = &h};
    g_memory.error[0] = 0;
    return pst_object_relocate(o, &target);
}

static uint64_t config_number(const pst_object *o, const char *name, uint32_t size)
{
    const pst_object_map *m = &o->maps[pst_object_find_map(o, ".kconfig")];
    for (uint32_t i = 0; i < pst_btf_get(o->btf, m->btf_value_type).count; i++) {
        pst_btf_member entry = pst_btf_member_at(o->btf, m->btf_value_type, i);
        uint64_t value = 0;
        if (strcmp(pst_btf_get(o->btf, entry.type).name, name) != 0) continue;
        memcpy(&value, m->initial + entry.bit_offset / 8, size);
        return value;
    }
    pst_test_fail(__FILE__, __LINE__, "no %s in .kconfig", name);
    return 0;
}

static const pst_object_extern *extern_of(const pst_object *o, const char *name)
{
    for (uint32_t i = 0; i < o->extern_count; i++)
        if (strcmp(o->externs[i].name, name) == 0) return &o->externs[i];
    pst_test_fail(__FILE__, __LINE__, "no extern %s", name);
    return &o->externs[0];
}

TEST(configuration_fills_the_map)
{
    pst_object *o = open_object("externs.o");
    pst_btf *types = host_types(false);
    REQUIRE(o && types);
    if (relocate(o, types, (host){0}) != PST_OK) pst_test_fail(__FILE__, __LINE__, "%s", g_memory.error);
    CHECK_EQ(config_number(o, "LINUX_KERNEL_VERSION", 4), 0x061200);
    CHECK_EQ(config_number(o, "LINUX_HAS_BPF_COOKIE", 1), 1);
    CHECK_EQ(config_number(o, "CONFIG_BPF", 1), 'y');
    CHECK_EQ(config_number(o, "CONFIG_PREEMPT", 1), 0);
    CHECK_EQ(config_number(o, "CONFIG_MODULES", 4), 2);
    CHECK_EQ(config_number(o, "CONFIG_HZ", 4), 250);
    CHECK_EQ(config_number(o, "CONFIG_NR_CPUS", 2), 64);
    CHECK_EQ(config_number(o, "CONFIG_ABSENT", 8), 0);
    CHECK_EQ(config_number(o, "CONFIG_DEFAULT_HOSTNAME", 8), pst_load64("(none)\0"));
    pst_object_close(o);
    pst_btf_free(types);
}

static void check_config_refused(const char *name, const char *value, const char *says)
{
    pst_object *o = open_object("externs.o");
    pst_btf *types = host_types(false);
    REQUIRE(o && types);
    CHECK_EQ(relocate(o, types, (host){name, value}), PST_E_FORMAT);
    if (!strstr(g_memory.error, says) || !strstr(g_memory.error, name) || !strstr(g_memory.error, "externs.o"))
        pst_test_fail(__FILE__, __LINE__, "\"%s\" should say \"%s\"", g_memory.error, says);
    pst_object_close(o);
    pst_btf_free(types);
}

TEST(values_that_a_type_cannot_hold_are_refused)
{
    check_config_refused("CONFIG_PREEMPT", "m", "tristate");
    check_config_refused("CONFIG_PREEMPT", "1", "integer");
    check_config_refused("CONFIG_HZ", "y", "needs a bool");
    check_config_refused("CONFIG_HZ", "\"text\"", "char array");
    check_config_refused("CONFIG_HZ", "4294967296", "cannot hold");
    check_config_refused("CONFIG_HZ", "12z", "neither");
    check_config_refused("CONFIG_HZ", "99999999999999999999", "neither");
    check_config_refused("CONFIG_HZ", "", "neither");
    check_config_refused("CONFIG_NR_CPUS", "65536", "cannot hold");
    check_config_refused("CONFIG_NR_CPUS", "-1", "cannot hold");
    check_config_refused("CONFIG_DEFAULT_HOSTNAME", "\"open", "closing quote");
    check_config_refused("CONFIG_DEFAULT_HOSTNAME", "5", "cannot hold");
    check_config_refused("CONFIG_MODULES", "1", "cannot hold");
}

TEST(long_strings_are_cut)
{
    pst_object *o = open_object("externs.o");
    pst_btf *types = host_types(false);
    REQUIRE(o && types);
    CHECK_EQ(relocate(o, types, (host){"CONFIG_DEFAULT_HOSTNAME", "\"0123456789abc\""}), PST_OK);
    const pst_object_map *m = &o->maps[pst_object_find_map(o, ".kconfig")];
    CHECK(memcmp(m->initial + m->value_size - 10, "012345678", 10) == 0);
    pst_object_close(o);
    pst_btf_free(types);
}

TEST(kernel_symbols_are_patched_in)
{
    pst_object *o = open_object("externs.o");
    pst_btf *types = host_types(false);
    REQUIRE(o && types);
    REQUIRE(relocate(o, types, (host){0}) == PST_OK);
    CHECK_EQ(extern_of(o, "_stext")->address, 0xffffffff81000000u);
    CHECK(extern_of(o, "absent_symbol")->resolved && extern_of(o, "absent_symbol")->address == 0);
    CHECK_EQ(extern_of(o, "bpf_prog_active")->address, pst_btf_find(types, "bpf_prog_active", PST_BTF_VAR));
    for (uint32_t i = 0; i < o->program_count; i++) {
        for (uint32_t k = 0; k < o->programs[i].ref_count; k++) {
            const pst_object_ref *ref = &o->programs[i].refs[k];
            const pst_slot *slot = &o->programs[i].slots[ref->pc];
            const pst_object_extern *e = ref->kind == PST_REF_KSYM || ref->kind == PST_REF_KFUNC ? &o->externs[ref->index] : NULL;
            if (!e) continue;
            if (ref->kind == PST_REF_KFUNC && e->address) CHECK(slot->regs == 2 << 4 && (uint32_t)slot->imm == e->address && slot->off == 0);
            if (ref->kind == PST_REF_KFUNC && !e->address) CHECK(slot->regs == 0 && slot->imm == (int32_t)(2002000000 + ref->index));
            bool typed = ref->kind == PST_REF_KSYM && e->kind != PST_EXTERN_KSYM_TYPELESS && e->address;
            if (ref->kind == PST_REF_KSYM) CHECK_EQ(slot->regs >> 4, typed ? 3 : 0);
            if (ref->kind == PST_REF_KSYM) CHECK_EQ((uint32_t)slot[0].imm | (uint64_t)(uint32_t)slot[1].imm << 32, e->address);
        }
    }
    pst_object_close(o);
    pst_btf_free(types);
}

TEST(extern_functions_look_like_variables_with_named_parameters_to_the_core)
{
    pst_object *o = open_object("externs.o");
    REQUIRE(o);
    pst_btf_type section = pst_btf_get(o->btf, pst_btf_find(o->btf, ".ksyms", PST_BTF_DATASEC));
    CHECK_EQ(section.size, section.count * 4);
    for (uint32_t i = 0; i < section.count; i++) {
        pst_btf_member entry = pst_btf_member_at(o->btf, section.id, i);
        pst_btf_type t = pst_btf_get(o->btf, entry.type);
        CHECK(t.kind == PST_BTF_VAR && t.linkage == 1 && entry.bit_offset == i * 32);
    }
    pst_btf_type function = pst_btf_get(o->btf, pst_btf_find(o->btf, "bpf_absent_function", PST_BTF_FUNC));
    CHECK_EQ(function.linkage, 1);
    CHECK_STR(pst_btf_member_at(o->btf, function.type, 0).name, "dummy_ksym");
    pst_object_close(o);
}

// A host that numbers its functions itself: it is asked before its types are.
static int32_t number_of(void *user, const char *name, bool weak)
{
    (void)user;
    if (strcmp(name, "bpf_task_from_pid") == 0) return weak ? 0x50000007 : 0;
    return strcmp(name, "bpf_task_release") == 0 && !weak ? 0x50000009 : 0;
}

TEST(a_host_may_number_its_functions)
{
    pst_object *o = open_object("externs.o");
    REQUIRE(o);
    host h = {0};
    pst_object_target target = {.size = sizeof target, .kconfig = config, .kernel_version = 0x061200, .ksym = symbol, .kfunc = number_of, .user = &h};
    if (pst_object_relocate(o, &target) != PST_OK) pst_test_fail(__FILE__, __LINE__, "%s", g_memory.error);
    CHECK_EQ(extern_of(o, "bpf_task_from_pid")->address, 0x50000007);
    CHECK_EQ(extern_of(o, "bpf_task_release")->address, 0x50000009);
    CHECK(extern_of(o, "bpf_absent_function")->resolved && extern_of(o, "bpf_absent_function")->address == 0);
    uint32_t calls = 0, tests = 0;
    for (uint32_t i = 0; i < o->program_count; i++)
        for (uint32_t k = 0; k < o->programs[i].ref_count; k++) {
            const pst_object_ref *ref = &o->programs[i].refs[k];
            const pst_slot *slot = &o->programs[i].slots[ref->pc];
            bool is_symbol = ref->kind == PST_REF_KSYM || ref->kind == PST_REF_KFUNC;
            if (!is_symbol || !o->externs[ref->index].numbered) continue;
            bool is_call = ref->kind == PST_REF_KFUNC;
            *(is_call ? &calls : &tests) += 1; // the test whether it is there gets a plain number
            CHECK_EQ(slot->regs >> 4, is_call ? 2 : 0);
            CHECK_EQ((uint32_t)slot->imm, o->externs[ref->index].address);
        }
    CHECK(calls >= 2 && tests >= 1);
    pst_object_close(o);
}

TEST(a_strong_symbol_must_exist_and_fit)
{
    pst_object *o = open_object("externs.o");
    REQUIRE(o);
    CHECK_EQ(relocate(o, NULL, (host){0}), PST_E_NOTFOUND);
    CHECK(strstr(g_memory.error, "bpf_task_release") && strstr(g_memory.error, "__weak"));
    pst_object_close(o);
    o = open_object("externs.o");
    pst_btf *types = host_types(true);
    REQUIRE(o && types);
    CHECK_EQ(relocate(o, types, (host){0}), PST_E_FORMAT);
    CHECK(strstr(g_memory.error, "bpf_task_release") && strstr(g_memory.error, "another type"));
    pst_object_close(o);
    pst_btf_free(types);
}

TEST(what_only_programs_left_out_need_may_be_absent)
{
    pst_object *o = open_object("externs.o");
    REQUIRE(o);
    o->programs[pst_object_find_program(o, "call")].autoload = false;
    CHECK_EQ(relocate(o, NULL, (host){0}), PST_OK);
    pst_object_close(o);
    o = open_object("no_btf_undefined.o");
    REQUIRE(o);
    CHECK_EQ(pst_object_relocate(o, NULL), PST_E_NOTFOUND);
    CHECK(strstr(g_memory.error, "lost") && strstr(g_memory.error, "nowhere"));
    pst_object_close(o);
    o = open_object("no_btf_undefined.o");
    REQUIRE(o);
    o->programs[pst_object_find_program(o, "lost")].autoload = false;
    CHECK_EQ(pst_object_relocate(o, NULL), PST_OK);
    pst_object_close(o);
}

TEST(an_object_is_relocated_once)
{
    pst_object *o = open_object("globals.o");
    REQUIRE(o);
    CHECK_EQ(pst_object_relocate(o, NULL), PST_OK);
    CHECK_EQ(pst_object_relocate(o, NULL), PST_E_INVALID);
    CHECK(strstr(g_memory.error, "once"));
    pst_object_close(o);
}

TEST(the_kernel_version_must_be_known_to_those_who_ask)
{
    pst_object *o = open_object("externs.o");
    REQUIRE(o);
    CHECK_EQ(pst_object_relocate(o, NULL), PST_E_FORMAT);
    CHECK(strstr(g_memory.error, "LINUX_KERNEL_VERSION"));
    pst_object_close(o);
}

TEST(core_relocations_reach_functions_where_they_were_appended)
{
    pst_object *o = open_object("core.o");
    REQUIRE(o);
    CHECK(o->core_count >= 4);
    btf_builder *b = builder_new();
    uint32_t integer = builder_int(b, "int", 4, 1);
    builder_struct(b, "task_struct", 64, 2);
    builder_member(b, "tgid", integer, 40 * 8);
    builder_member(b, "pid", integer, 48 * 8);
    pst_btf *types = builder_parse(b);
    REQUIRE(types);
    if (relocate(o, types, (host){0}) != PST_OK) pst_test_fail(__FILE__, __LINE__, "%s", g_memory.error);
    for (uint32_t i = 0; i < o->program_count; i++) {
        const pst_object_program *p = &o->programs[i];
        uint32_t pid = 0, tgid = 0, poison = 0;
        for (uint32_t pc = 0; pc < p->count; pc++) {
            pid += p->slots[pc].opcode == 0x61 && p->slots[pc].off == 48;
            tgid += p->slots[pc].opcode == 0x61 && p->slots[pc].off == 40;
            poison += p->slots[pc].opcode == 0x85 && p->slots[pc].imm == PST_CORE_POISON;
        }
        CHECK_EQ(pid, 1);
        CHECK_EQ(tgid, 1);
        CHECK_EQ(poison, 1);
    }
    pst_object_close(o);
    pst_btf_free(types);
    o = open_object("core.o");
    REQUIRE(o);
    CHECK_EQ(relocate(o, NULL, (host){0}), PST_E_UNSUPPORTED);
    pst_object_close(o);
}

TEST(each_allocation_that_fails_while_relocating_is_reported)
{
    static const char *const names[] = {"core.o", "externs.o"};
    btf_builder *b = builder_new();
    uint32_t integer = builder_int(b, "int", 4, 1);
    builder_struct(b, "task_struct", 64, 2);
    builder_member(b, "tgid", integer, 40 * 8);
    builder_member(b, "pid", integer, 48 * 8);
    pst_btf *types[] = {builder_parse(b), host_types(false)};
    REQUIRE(types[0] && types[1]);
    for (size_t i = 0; i < PST_COUNT(names); i++) {
        bool done = false;
        for (long after = 0; !done && after < 1000; after++) {
            pst_object *o = open_object(names[i]);
            REQUIRE(o);
            g_memory.fail_after = after;
            pst_status status = relocate(o, types[i], (host){0});
            done = g_memory.fail_after != -1;
            g_memory.fail_after = -1;
            if (status != (done ? PST_OK : PST_E_NOMEM))
                pst_test_fail(__FILE__, __LINE__, "%s, allocation %ld: %s, \"%s\"", names[i], after, pst_status_text(status), g_memory.error);
            CHECK(status == PST_OK || g_memory.error[0]);
            pst_object_close(o);
        }
        CHECK(done);
    }
    pst_btf_free(types[0]);
    pst_btf_free(types[1]);
    CHECK_EQ(g_memory.live, 0);
}
