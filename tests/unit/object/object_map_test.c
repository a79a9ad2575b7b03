// object_map_test.c: maps in each form, their numbers, order and names.
#include "catalog/catalog.h"
#include "unit/object/object_fixture.h"

static const pst_object_map *map_of(const pst_object *o, const char *name)
{
    int32_t index = pst_object_find_map(o, name);
    if (index < 0) pst_test_fail(__FILE__, __LINE__, "no map %s", name);
    return index < 0 ? &o->maps[0] : &o->maps[index];
}

static void check_shape(const pst_object_map *m, uint32_t type, uint32_t key, uint32_t value, uint32_t entries, uint32_t flags)
{
    if (m->type != type || m->key_size != key || m->value_size != value || m->max_entries != entries || m->flags != flags)
        pst_test_fail(__FILE__, __LINE__, "map %s: type %u, key %u, value %u, entries %u, flags 0x%x", m->name, m->type, m->key_size, m->value_size,
                      m->max_entries, m->flags);
}

TEST(members_of_a_definition_are_read)
{
    pst_object *o = open_object("maps.o");
    REQUIRE(o);
    const pst_object_map *m = map_of(o, "by_type");
    check_shape(m, PST_MAP_HASH, 8, 16, 100, 1);
    CHECK_EQ(m->pinning, PST_PIN_BY_NAME);
    CHECK_STR(pst_btf_get(o->btf, m->btf_key_type).name, "key");
    CHECK_STR(pst_btf_get(o->btf, m->btf_value_type).name, "value");
    CHECK_EQ(m->origin, PST_MAP_FROM_BTF);
    m = map_of(o, "by_size");
    check_shape(m, PST_MAP_LRU_HASH, 4, 16, 7, PST_F_NUMA_NODE);
    CHECK_EQ(m->numa_node, 3);
    CHECK(m->btf_key_type == 0 && m->pinning == PST_PIN_NONE && m->inner == -1 && !m->initial);
    m = map_of(o, "bloom");
    check_shape(m, PST_MAP_BLOOM_FILTER, 0, 8, 9, 0);
    CHECK_EQ(m->map_extra, 3);
    check_shape(map_of(o, "ring"), PST_MAP_RINGBUF, 0, 0, 8192, 0); // 5000, in whole pages
    pst_object_close(o);
}

TEST(map_in_maps_have_templates_and_initial_values)
{
    pst_object *o = open_object("maps.o");
    REQUIRE(o);
    const pst_object_map *outer = map_of(o, "outer");
    check_shape(outer, PST_MAP_ARRAY_OF_MAPS, 4, 4, 8, 0);
    REQUIRE(outer->inner >= 0);
    const pst_object_map *inner = &o->maps[outer->inner];
    CHECK_STR(inner->name, "outer.inner");
    CHECK(inner->is_inner_template && !outer->is_inner_template);
    check_shape(inner, PST_MAP_ARRAY, 4, 8, 4, 0);
    REQUIRE(outer->slot_count == 2);
    CHECK_EQ(outer->slots[0].slot, 1);
    CHECK_STR(o->maps[outer->slots[0].index].name, "inner_a");
    CHECK_EQ(outer->slots[1].slot, 5);
    CHECK_STR(o->maps[outer->slots[1].index].name, "inner_b");
    const pst_object_map *other = map_of(o, "outer_inline");
    REQUIRE(other->inner >= 0);
    check_shape(&o->maps[other->inner], PST_MAP_HASH, 8, 4, 2, 0);
    CHECK_EQ(other->slot_count, 0);
    pst_object_close(o);
}

// Another relocation section for .maps: its values come behind the first one's, and no map writes into another's.
TEST(initial_values_come_from_every_relocation_section)
{
    object_file f = read_object("maps.o");
    uint8_t *second = section_header(f, ".rel.BTF"), name[4];
    memcpy(name, second, sizeof name);
    memcpy(second, section_header(f, ".rel.maps"), 64);
    memcpy(second, name, sizeof name);
    pst_object *o = NULL;
    CHECK_EQ(open_file(f, "maps.o", &o), PST_OK);
    free(f.bytes);
    REQUIRE(o);
    const pst_object_map *outer = map_of(o, "outer"), *jumps = map_of(o, "jumps");
    REQUIRE(outer->slot_count == 4 && jumps->slot_count == 4);
    for (uint32_t i = 0; i < 4; i++) {
        CHECK_EQ(outer->slots[i].slot, i % 2 ? 5 : 1);
        CHECK_STR(o->maps[outer->slots[i].index].name, i % 2 ? "inner_b" : "inner_a");
        CHECK_EQ(jumps->slots[i].slot, i % 2 ? 3 : 0);
        CHECK(jumps->slots[i].index < o->program_count);
    }
    pst_object_close(o);
}

TEST(program_arrays_have_initial_values)
{
    pst_object *o = open_object("maps.o");
    REQUIRE(o);
    const pst_object_map *jumps = map_of(o, "jumps");
    check_shape(jumps, PST_MAP_PROG_ARRAY, 4, 4, 4, 0);
    REQUIRE(jumps->slot_count == 2);
    CHECK_EQ(jumps->slots[0].slot, 0);
    CHECK_STR(o->programs[jumps->slots[0].index].name, "second");
    CHECK_EQ(jumps->slots[1].slot, 3);
    CHECK_STR(o->programs[jumps->slots[1].index].name, "first");
    pst_object_close(o);
}

TEST(templates_come_behind_all_other_maps)
{
    pst_object *o = open_object("maps.o");
    REQUIRE(o);
    bool seen = false;
    for (uint32_t i = 0; i < o->map_count; i++) {
        CHECK(!seen || o->maps[i].is_inner_template);
        seen |= o->maps[i].is_inner_template;
    }
    CHECK(seen);
    pst_object_close(o);
}

TEST(global_data_becomes_maps_with_libbpf_s_names_and_flags)
{
    pst_object *o = open_object("globals.o");
    REQUIRE(o);
    const pst_object_map *rodata = map_of(o, ".rodata"), *data = map_of(o, ".data"), *bss = map_of(o, ".bss");
    CHECK_STR(rodata->name, "globals.rodata");
    CHECK_EQ(rodata->origin, PST_MAP_FROM_RODATA);
    CHECK_EQ(rodata->flags, PST_F_RDONLY_PROG | PST_F_MMAPABLE);
    CHECK_EQ(data->flags, PST_F_MMAPABLE);
    CHECK_EQ(bss->origin, PST_MAP_FROM_BSS);
    CHECK_STR(bss->name, "globals.bss");
    CHECK_EQ(bss->value_size, 40);
    CHECK_STR(map_of(o, ".data.custom")->name, ".data.custom");
    CHECK_EQ(map_of(o, ".rodata.mine")->flags, PST_F_RDONLY_PROG | PST_F_MMAPABLE);
    CHECK_EQ(map_of(o, ".data.static_only")->flags, 0); // nothing in it is visible from outside
    const pst_object_map *strings = map_of(o, ".rodata.str1.1");
    CHECK_EQ(strings->flags, PST_F_RDONLY_PROG);
    CHECK_STR((const char *)strings->initial, "%d is custom\n");
    check_shape(rodata, PST_MAP_ARRAY, 4, rodata->value_size, 1, rodata->flags);
    pst_object_close(o);
}

TEST(sizes_and_offsets_of_variables_are_filled_into_btf)
{
    pst_object *o = open_object("globals.o");
    REQUIRE(o);
    const pst_object_map *data = map_of(o, ".data");
    REQUIRE(data->btf_value_type);
    pst_btf_type t = pst_btf_get(o->btf, data->btf_value_type);
    CHECK_EQ(t.size, data->value_size);
    uint32_t last = 0, found = 0;
    for (uint32_t i = 0; i < t.count; i++) {
        pst_btf_member m = pst_btf_member_at(o->btf, t.id, i);
        pst_btf_type variable = pst_btf_get(o->btf, m.type);
        CHECK(m.bit_offset >= last);
        last = m.bit_offset;
        if (strcmp(variable.name, "hidden_counter") == 0) CHECK_EQ(variable.linkage, 0);
        if (strcmp(variable.name, "counter") != 0) continue;
        found++;
        CHECK_EQ(variable.linkage, 1);
        CHECK_EQ(pst_load32(data->initial + m.bit_offset / 8), 5);
    }
    CHECK_EQ(found, 1);
    pst_btf *again; // what goes to the core parses as it is
    REQUIRE(pst_btf_parse(&g_env, o->btf_bytes, o->btf_size, "btf", &again) == PST_OK);
    CHECK_EQ(pst_btf_count(again), pst_btf_count(o->btf));
    pst_btf_free(again);
    pst_object_close(o);
}

TEST(hidden_functions_become_static_in_btf)
{
    pst_object *o = open_object("subprogs.o");
    REQUIRE(o);
    CHECK_EQ(pst_btf_get(o->btf, pst_btf_find(o->btf, "hidden_one", PST_BTF_FUNC)).linkage, 0);
    CHECK_EQ(pst_btf_get(o->btf, pst_btf_find(o->btf, "global_one", PST_BTF_FUNC)).linkage, 1);
    pst_object_close(o);
}

TEST(data_references_carry_the_offset_in_the_second_slot)
{
    pst_object *o = open_object("globals.o");
    REQUIRE(o);
    const pst_object_program *p = &o->programs[0];
    bool custom = false;
    for (uint32_t i = 0; i < p->ref_count; i++) {
        const pst_object_map *m = &o->maps[p->refs[i].index];
        const pst_slot *slot = &p->slots[p->refs[i].pc];
        CHECK_EQ(p->refs[i].kind, PST_REF_MAP_VALUE);
        CHECK_EQ(slot->regs >> 4, 2);
        CHECK_EQ((uint32_t)slot->imm, p->refs[i].index);
        CHECK((uint32_t)slot[1].imm < m->value_size);
        custom |= strcmp(m->name, ".data.custom") == 0;
    }
    CHECK(custom);
    pst_object_close(o);
}

TEST(legacy_definitions_of_twenty_bytes)
{
    pst_object *o = open_object("legacy.o");
    REQUIRE(o);
    CHECK_EQ(o->map_count, 2);
    check_shape(map_of(o, "counters"), PST_MAP_ARRAY, 4, 8, 256, 0);
    check_shape(map_of(o, "seen"), PST_MAP_HASH, 12, 4, 16, 1);
    CHECK_EQ(map_of(o, "seen")->origin, PST_MAP_FROM_LEGACY);
    CHECK_EQ(o->programs[0].ref_count, 2);
    pst_object_close(o);
}

TEST(definitions_of_eBPF_for_Windows)
{
    pst_object *o = open_object("windows.o");
    REQUIRE(o);
    CHECK_EQ(map_of(o, "plain")->pinning, PST_PIN_BY_NAME);
    CHECK_EQ(map_of(o, "outer_by_id")->inner, pst_object_find_map(o, "plain"));
    CHECK_EQ(map_of(o, "outer_by_position")->inner, 0);
    CHECK_EQ(o->programs[pst_object_find_program(o, "on_bind")].prog_type, PST_PROG_BIND);
    CHECK_EQ(o->programs[pst_object_find_program(o, "on_connect")].prog_type, PST_PROG_CGROUP_SOCK_ADDR);
    pst_object_close(o);
}

// The longer shapes differ in what follows 20 bytes; the records of windows.o (32 bytes each) are rewritten and the section is cut.
static pst_object *legacy_shape(uint32_t record_size, const uint32_t *words)
{
    object_file f = read_object("windows.o");
    uint8_t *bytes = section_bytes(f, "maps");
    static const char *const names[] = {"plain", "outer_by_id", "outer_by_position"};
    pst_object *o = NULL;
    // 36 bytes do not fit three times into 96: the last map goes to another place then.
    uint32_t count = record_size * 3 <= 96 ? 3 : 2;
    for (uint32_t i = 0; i < 3; i++) pst_store64(symbol_record(f, names[i]) + SYM_VALUE, (uint64_t)record_size * (i < count ? i : 1));
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t k = 0; k < record_size / 4; k++) pst_store32(bytes + i * record_size + (size_t)k * 4, words[i * 9 + k]);
    pst_store64(section_header(f, "maps") + SH_SIZE, (uint64_t)record_size * count);
    if (open_file(f, "shape.o", &o) != PST_OK) pst_test_fail(__FILE__, __LINE__, "%s", g_memory.error);
    free(f.bytes);
    return o;
}

TEST(definitions_of_iproute2)
{
    const uint32_t words[27] = {1, 4, 4, 10, 1, 5, 2, 0, 0, /* */ 12, 4, 4, 3, 0, 6, 0, 5, 0};
    pst_object *o = legacy_shape(36, words);
    REQUIRE(o);
    CHECK_EQ(o->maps[0].pinning, PST_PIN_BY_NAME);
    CHECK_EQ(o->maps[0].flags, 1);
    CHECK_EQ(o->maps[1].inner, 0); // by id
    pst_object_close(o);
    const uint32_t early[27] = {1, 4, 4, 10, 0, 5, 2, 0, 0, /* */ 2, 4, 4, 3, 0, 6, 0, 0, 0, /* */ 2, 4, 4, 3, 0, 6, 1};
    o = legacy_shape(28, early);
    REQUIRE(o);
    CHECK(o->maps[0].pinning == PST_PIN_BY_NAME && o->maps[1].pinning == PST_PIN_NONE && o->maps[2].pinning == PST_PIN_BY_NAME);
    pst_object_close(o);
}

TEST(definitions_of_kernel_samples)
{
    const uint32_t words[27] = {13, 4, 4, 10, 0, 2, 0, 0, 0, /* */ 1, 4, 4, 3, PST_F_NUMA_NODE, 0, 1, 0, 0, /* */ 2, 4, 4, 3, 0, 0, 0};
    pst_object *o = legacy_shape(28, words);
    REQUIRE(o);
    CHECK_EQ(o->maps[0].inner, 2);
    CHECK(o->maps[1].numa_node == 1 && o->maps[1].pinning == PST_PIN_NONE);
    pst_object_close(o);
    const uint32_t early[27] = {13, 4, 4, 10, 0, 1, 0, 0, 0, /* */ 1, 4, 4, 3, 1, 0, 0, 0, 0, /* */ 2, 4, 4, 3, 0, 0};
    o = legacy_shape(24, early);
    REQUIRE(o);
    CHECK(o->maps[0].inner == 1 && o->maps[1].flags == 1 && o->maps[2].inner == -1);
    pst_object_close(o);
}

TEST(kconfig_externs_share_a_map)
{
    pst_object *o = open_object("externs.o");
    REQUIRE(o);
    const pst_object_map *m = map_of(o, ".kconfig");
    CHECK_EQ(m->origin, PST_MAP_FROM_KCONFIG);
    CHECK_EQ(m->flags, PST_F_RDONLY_PROG | PST_F_MMAPABLE);
    CHECK_STR(m->name, "externs.kconfig");
    // 8 bytes, three of 4, one of 2, three bytes of 1 and ten characters, in this order.
    CHECK_EQ(m->value_size, 8 + 3 * 4 + 2 + 3 + 10);
    CHECK_EQ(pst_btf_get(o->btf, m->btf_value_type).size, m->value_size);
    pst_object_close(o);
}
