// object_program_test.c: programs, their functions in libbpf's order, references, and what sections say.
#include "catalog/catalog.h"
#include "isa/isa.h"
#include "unit/object/object_fixture.h"

static const pst_object_program *program_of(const pst_object *o, const char *name)
{
    int32_t index = pst_object_find_program(o, name);
    if (index < 0) pst_test_fail(__FILE__, __LINE__, "no program %s", name);
    return index < 0 ? &o->programs[0] : &o->programs[index];
}

// The names of a program's functions, in order.
static void check_functions(const pst_object *o, const char *program, const char *expected)
{
    const pst_object_program *p = program_of(o, program);
    char names[256] = "";
    for (uint32_t i = 0; i < p->func_count; i++) {
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", i ? " " : "", p->funcs[i].name);
    }
    CHECK_STR(names, expected);
}

// Every call and function address of a program leads to the start of one of its functions.
static void check_calls(const pst_object_program *p)
{
    for (uint32_t pc = 0; pc < p->count; pc++) {
        pst_insn insn;
        if (pst_insn_decode(&p->slots[pc], p->count - pc, &insn) != PST_DECODE_OK) {
            pst_test_fail(__FILE__, __LINE__, "%s: slot %u does not decode", p->name, pc);
            return;
        }
        bool refers = (insn.kind == PST_KIND_CALL && insn.op == PST_CALL_SUBPROG) || (insn.kind == PST_KIND_IMM64 && insn.op == PST_IMM64_FUNC);
        bool found = !refers;
        for (uint32_t i = 0; i < p->func_count; i++) found |= p->funcs[i].pc == pc + 1 + (uint32_t)insn.target;
        if (!found) pst_test_fail(__FILE__, __LINE__, "%s: slot %u leads nowhere", p->name, pc);
        if (insn.kind == PST_KIND_IMM64) pc++;
    }
}

TEST(functions_are_appended_in_the_order_of_first_calls)
{
    pst_object *o = open_object("subprogs.o");
    REQUIRE(o);
    CHECK_EQ(o->program_count, 4);
    check_functions(o, "calls_in_order", "calls_in_order global_one middle leaf hidden_one weak_one");
    check_functions(o, "calls_in_reverse", "calls_in_reverse weak_one hidden_one leaf global_one middle");
    check_functions(o, "calls_nobody", "calls_nobody");
    check_functions(o, "calls_one_twice", "calls_one_twice middle leaf");
    for (uint32_t i = 0; i < o->program_count; i++) {
        check_calls(&o->programs[i]);
        CHECK(o->programs[i].funcs[0].pc == 0 && o->programs[i].own_count <= o->programs[i].count);
    }
    pst_object_close(o);
    CHECK_EQ(g_memory.live, 0);
}

TEST(function_and_line_rows_follow_the_functions)
{
    pst_object *o = open_object("subprogs.o");
    REQUIRE(o);
    for (uint32_t i = 0; i < o->program_count; i++) {
        const pst_object_program *p = &o->programs[i];
        for (uint32_t k = 0; k < p->func_count; k++) {
            pst_btf_type t = pst_btf_get(o->btf, p->funcs[k].btf_type);
            CHECK_EQ(t.kind, PST_BTF_FUNC);
            CHECK_STR(t.name, p->funcs[k].name);
        }
        CHECK(p->line_count >= p->func_count);
        for (uint32_t k = 0; k < p->line_count; k++) {
            CHECK(p->lines[k].pc < p->count && (k == 0 || p->lines[k - 1].pc < p->lines[k].pc));
            CHECK(strstr(pst_btf_string(o->btf, p->lines[k].file_off), "subprogs.bpf.c"));
        }
    }
    const pst_object_program *p = program_of(o, "calls_nobody");
    CHECK_STR(pst_btf_string(o->btf, p->lines[p->line_count - 1].text_off), "    return 0;");
    pst_object_close(o);
}

TEST(callbacks_are_appended_and_addressed)
{
    pst_object *o = open_object("callbacks.o");
    REQUIRE(o);
    check_functions(o, "walk", "walk inner on_element on_turn");
    check_functions(o, "turn", "turn on_turn");
    check_calls(program_of(o, "walk"));
    check_calls(program_of(o, "turn"));
    pst_object_close(o);
}

TEST(an_exception_callback_is_appended_though_nobody_calls_it)
{
    pst_object *o = open_object("catcher.o");
    REQUIRE(o);
    check_functions(o, "with", "with on_exception deeper");
    check_functions(o, "without", "without deeper");
    pst_object_close(o);
}

TEST(static_functions_outside_of_text_are_programs_unless_called)
{
    pst_object *o = open_object("static_programs.o");
    REQUIRE(o);
    CHECK_EQ(o->program_count, 3);
    check_functions(o, "entry", "entry helper");
    check_functions(o, "tail_b", "tail_b");
    check_calls(program_of(o, "entry"));
    int32_t tails = pst_object_find_map(o, "tails");
    REQUIRE(tails >= 0);
    REQUIRE(o->maps[tails].slot_count == 2);
    CHECK_STR(o->programs[o->maps[tails].slots[0].index].name, "tail_a");
    CHECK_STR(o->programs[o->maps[tails].slots[1].index].name, "tail_b");
    pst_object_close(o);
}

TEST(global_functions_are_programs_where_all_lies_in_text)
{
    pst_object *o = open_object("text_only.o");
    REQUIRE(o);
    CHECK_EQ(o->program_count, 1);
    check_functions(o, "run", "run twice");
    CHECK_EQ(o->programs[0].prog_type, PST_PROG_UNSPEC);
    CHECK_EQ(o->programs[0].attach_type, PST_ATTACH_NONE);
    pst_object_close(o);
}

TEST(sections_say_type_target_and_autoload)
{
    pst_object *o = open_object("externs.o");
    REQUIRE(o);
    const pst_object_program *ask = program_of(o, "ask"), *call = program_of(o, "call");
    CHECK_EQ(ask->prog_type, PST_PROG_KPROBE);
    CHECK_STR(ask->attach_target, "sys_nanosleep");
    CHECK_EQ(call->prog_type, PST_PROG_TRACING);
    CHECK_STR(call->attach_target, "sched_switch");
    CHECK(ask->autoload && call->autoload);
    pst_object_close(o);
    o = open_object("maps.o");
    REQUIRE(o);
    const pst_object_program *third = program_of(o, "third");
    CHECK_STR(third->section, "?socket");
    CHECK_EQ(third->prog_type, PST_PROG_SOCKET_FILTER);
    CHECK(!third->autoload);
    const pst_object_program *second = program_of(o, "second");
    CHECK_STR(second->section, "xdp");
    const pst_object_program *first = program_of(o, "first");
    CHECK_EQ(second->section_off + first->section_off, 8 * (first->section_off ? second->own_count : first->own_count)); // one follows the other
    pst_object_close(o);
}

TEST(references_name_maps_by_index)
{
    pst_object *o = open_object("maps.o");
    REQUIRE(o);
    const pst_object_program *p = program_of(o, "first");
    REQUIRE(p->ref_count == 2);
    for (uint32_t i = 0; i < p->ref_count; i++) {
        CHECK_EQ(p->refs[i].kind, PST_REF_MAP);
        CHECK_EQ(p->slots[p->refs[i].pc].opcode, 0x18);
        CHECK_EQ(p->slots[p->refs[i].pc].regs >> 4, 1);
        CHECK_EQ((uint32_t)p->slots[p->refs[i].pc].imm, p->refs[i].index);
    }
    CHECK_STR(o->maps[p->refs[0].index].name, "by_type");
    CHECK_STR(o->maps[p->refs[1].index].name, "jumps");
    pst_object_close(o);
}

TEST(license_version_and_names_come_from_the_file)
{
    pst_object *o = open_object("globals.o");
    REQUIRE(o);
    CHECK_STR(o->license, "Dual BSD/GPL");
    CHECK_EQ(o->kernel_version, 0x060102);
    CHECK_STR(o->name, "globals");
    CHECK_STR(o->file, "globals.o");
    CHECK(o->section_count > 10);
    pst_object_close(o);
    o = open_object("maps.o");
    REQUIRE(o);
    CHECK_STR(o->license, "");
    CHECK_EQ(pst_object_find_program(o, "nobody"), -1);
    CHECK_EQ(pst_object_find_map(o, "nothing"), -1);
    pst_object_close(o);
}

TEST(an_object_named_by_the_caller_keeps_that_name)
{
    object_file f = read_object("globals.o");
    pst_object_options options = {.size = sizeof options, .file = "/tmp/dir.x/some.thing.o", .name = "chosen"};
    pst_object *o;
    REQUIRE(pst_object_open(&g_env, f.bytes, f.size, &options, &o) == PST_OK);
    CHECK_STR(o->name, "chosen");
    pst_object_close(o);
    options.name = NULL;
    REQUIRE(pst_object_open(&g_env, f.bytes, f.size, &options, &o) == PST_OK);
    CHECK_STR(o->name, "some");
    pst_object_close(o);
    free(f.bytes);
}
