// image_test.c: pst_image_build on programs that are wrong in one way each, and what it makes of right ones.
#include "harness.h"

#include "pal/pal.h"
#include "program/image.h"

typedef struct built {
    pst_image *image;
    pst_image_error error;
    pst_status status;
} built;

// Two maps: descriptor and index 3 is an array of 16-byte values at g_values, 4 a hash.
static uint8_t g_values[64];
static pst_map_view g_array = {.type = 2, .key_size = 4, .value_size = 16, .max_entries = 4, .id = 30, .values = g_values, .value_stride = 16};
static pst_map_view g_hash = {.type = 1, .key_size = 4, .value_size = 8, .max_entries = 4, .id = 40};

static pst_map_view *find_map(void *user, pst_imm64_op op, int32_t number)
{
    (void)user, (void)op;
    return number == 3 ? &g_array : number == 4 ? &g_hash : NULL;
}

static built build_with(const pst_slot *slots, size_t count, const pst_line *lines, uint32_t line_count)
{
    built b = {0};
    pst_image_input input = {.size = sizeof input, .name = "test", .prog_type = 6, .slots = slots, .count = (uint32_t)count,
                             .find_map = find_map, .lines = lines, .line_count = line_count};
    b.status = pst_image_build(pst_pal_env(), &input, &b.error, &b.image);
    return b;
}

static built build_slots(const pst_slot *slots, size_t count) { return build_with(slots, count, NULL, 0); }

static built build_text(const char *text)
{
    pst_slot *slots = NULL;
    size_t count = 0;
    pst_asm_error why = {0};
    built b = {.status = PST_E_INVALID};
    if (pst_assemble(pst_pal_env(), text, &slots, &count, &why) != PST_OK) {
        pst_test_fail(__FILE__, __LINE__, "\"%s\", line %u: %s", text, why.line, why.text);
        return b;
    }
    b = build_slots(slots, count);
    pst_free(pst_pal_env(), slots, count * sizeof *slots);
    return b;
}

static void check_rejected(built b, const char *what, uint32_t pc, const char *part)
{
    if (b.status != PST_E_FORMAT || b.image || b.error.pc != pc || !strstr(b.error.text, part))
        pst_test_fail(__FILE__, __LINE__, "%s: status %s, pc %u (not %u), \"%s\" without \"%s\"", what, pst_status_text(b.status),
                      b.error.pc, pc, b.error.text, part);
    pst_image_free(b.image);
}

static void rejects(const char *text, uint32_t pc, const char *part) { check_rejected(build_text(text), text, pc, part); }

TEST(rejects_an_empty_program)
{
    check_rejected(build_slots(NULL, 0), "no slots", 0, "no instructions");
    pst_slot exit_slot = {.opcode = 0x95};
    check_rejected(build_slots(&exit_slot, 0), "count 0", 0, "no instructions");
}

TEST(rejects_too_many_slots)
{
    pst_slot exit_slot = {.opcode = 0x95};
    check_rejected(build_slots(&exit_slot, PST_INSNS_MAX + 1), "too many", 0, "the limit is 1000000");
}

TEST(rejects_what_does_not_decode)
{
    pst_slot slots[] = {{.opcode = 0xb7}, {.opcode = 0xff}, {.opcode = 0x95}};
    check_rejected(build_slots(slots, 3), "opcode", 1, "no instruction has this opcode");
    slots[1] = (pst_slot){.opcode = 0x95, .imm = 1};
    check_rejected(build_slots(slots, 3), "reserved", 1, "reserved");
    pst_slot half = {.opcode = 0x18};
    check_rejected(build_slots(&half, 1), "half an immediate", 0, "second half");
}

TEST(rejects_jumps_out_of_the_program)
{
    rejects("goto +1; exit", 0, "jumps to 2");
    rejects("r0 = 0; goto -3; exit", 1, "jumps to -1");
    rejects("if r1 == 0 goto +5; exit", 0, "jumps to 6");
    rejects("gotol +70000; exit", 0, "jumps to 70001");
    rejects("may_goto +9; exit", 0, "jumps to 10");
}

TEST(rejects_jumps_into_an_immediate)
{
    rejects("goto +1; r1 = 0x1122334455667788 ll; exit", 0, "middle of a 64-bit immediate");
}

TEST(rejects_jumps_between_subprograms)
{
    rejects("call sub; exit; sub: r0 = 0; goto -3", 3, "out of its subprogram (instructions 2 to 3)");
    rejects("call sub; goto +1; sub: r0 = 0; exit", 1, "out of its subprogram");
}

TEST(rejects_running_off_the_end)
{
    rejects("r0 = 0", 0, "runs off its end after instruction 0");
    rejects("r0 = 0x1122334455667788 ll", 0, "runs off its end");
    rejects("if r1 == 0 goto -1", 0, "runs off its end");
    rejects("r0 = 0; call 5", 1, "runs off its end");
    rejects("call sub; r1 = 0; sub: exit", 1, "the subprogram that starts at 0 runs off its end after instruction 1");
}

TEST(rejects_calls_of_nothing)
{
    rejects("call pc+5; exit", 0, "outside the program's 2 slots");
    rejects("call pc-2; exit", 0, "refers to a subprogram at -1");
    rejects("call pc+1; r1 = 0x1122334455667788 ll; exit", 0, "middle of a 64-bit immediate");
    rejects("r1 = subprog[+5]; exit", 0, "outside the program");
}

TEST(rejects_unknown_maps)
{
    rejects("r1 = map[fd:9]; exit", 0, "map descriptor 9");
    rejects("r0 = 0; r1 = map[idx:9]; exit", 1, "map index 9");
    rejects("r1 = map[fd:4][0]+0; exit", 0, "map 40, whose values have none");
    rejects("r1 = map[fd:3][0]+16; exit", 0, "byte 16 of a value of map 30, which has 16 bytes");
}

TEST(rejects_more_subprograms_than_the_limit)
{
    // Call k of the first n slots goes to the k-th exit: n subprograms besides the entry.
    enum { N = PST_SUBPROGS_MAX };
    static pst_slot slots[2 * N + 1];
    for (int i = 0; i < N; i++) {
        slots[i] = (pst_slot){.opcode = 0x85, .regs = 0x10, .imm = N};
        slots[N + 1 + i] = (pst_slot){.opcode = 0x95};
    }
    slots[N] = (pst_slot){.opcode = 0x95};
    check_rejected(build_slots(slots, 2 * N + 1), "subprograms", N - 1, "more than 1024 subprograms");
    slots[N - 1] = (pst_slot){.opcode = 0xb7};
    slots[2 * N] = (pst_slot){.opcode = 0x95};
    built b = build_slots(slots, 2 * N);
    CHECK_EQ(b.status, PST_OK);
    if (b.image) CHECK_EQ(b.image->subprog_count, N);
    pst_image_free(b.image);
}

static pst_map_view g_many[PST_IMAGE_MAPS_MAX + 1];

static pst_map_view *find_one_of_many(void *user, pst_imm64_op op, int32_t number)
{
    (void)user, (void)op;
    return &g_many[number];
}

TEST(rejects_more_maps_than_the_limit)
{
    enum { N = PST_IMAGE_MAPS_MAX };
    static pst_slot slots[2 * (N + 1) + 1];
    for (int i = 0; i <= N; i++) slots[2 * i] = (pst_slot){.opcode = 0x18, .regs = 0x11, .imm = i};
    slots[2 * (N + 1)] = (pst_slot){.opcode = 0x95};
    pst_image_input input = {.size = sizeof input, .slots = slots, .count = 2 * (N + 1) + 1, .find_map = find_one_of_many};
    built b = {0};
    b.status = pst_image_build(pst_pal_env(), &input, &b.error, &b.image);
    check_rejected(b, "maps", 2 * N, "more than 1024 maps");
    slots[2 * N].imm = 0; // one that is there already
    b.status = pst_image_build(pst_pal_env(), &input, &b.error, &b.image);
    CHECK_EQ(b.status, PST_OK);
    REQUIRE(b.image);
    CHECK_EQ(b.image->map_count, N);
    for (uint32_t i = 0; i < N; i++) CHECK(b.image->maps[b.image->insns[2 * i].imm] == &g_many[i]);
    pst_image_free(b.image);
}

TEST(resolves_maps_once_and_normalises_them)
{
    built b = build_text("r1 = map[fd:3]; r2 = map[idx:4]; r3 = map[fd:3][0]+8; r4 = map[idx:3][0]+15; exit");
    REQUIRE(b.status == PST_OK);
    const pst_insn *insns = b.image->insns;
    CHECK_EQ(b.image->map_count, 2);
    CHECK(b.image->maps[0] == &g_array && b.image->maps[1] == &g_hash);
    CHECK(insns[0].op == PST_IMM64_MAP_FD && insns[0].imm == 0);
    CHECK(insns[2].op == PST_IMM64_MAP_FD && insns[2].imm == 1);
    CHECK(insns[4].op == PST_IMM64_MAP_VALUE && insns[4].imm == (int64_t)8 << 32);
    CHECK(insns[6].op == PST_IMM64_MAP_VALUE && insns[6].imm == (int64_t)15 << 32);
    CHECK(insns[7].kind == PST_KIND_PADDING);
    pst_image_free(b.image);
}

TEST(finds_subprograms)
{
    built b = build_text("call one; r1 = subprog[two]; exit; one: call two; exit; two: r0 = 0; goto -2");
    REQUIRE(b.status == PST_OK);
    CHECK_EQ(b.image->subprog_count, 3);
    CHECK(b.image->subprogs[0].start == 0 && b.image->subprogs[0].count == 4);
    CHECK(b.image->subprogs[1].start == 4 && b.image->subprogs[1].count == 2);
    CHECK(b.image->subprogs[2].start == 6 && b.image->subprogs[2].count == 2);
    for (uint32_t pc = 0; pc < 8; pc++) CHECK_EQ(pst_image_subprog_at(b.image, pc)->start, pc < 4 ? 0u : pc < 6 ? 4u : 6u);
    CHECK(pst_image_subprog_at(b.image, 8) == NULL);
    pst_image_free(b.image);
}

TEST(keeps_names_short)
{
    pst_slot exit_slot = {.opcode = 0x95};
    pst_image_input input = {.size = sizeof input, .name = "a_name_of_more_than_fifteen", .slots = &exit_slot, .count = 1};
    pst_image *image = NULL;
    CHECK_EQ(pst_image_build(pst_pal_env(), &input, NULL, &image), PST_OK);
    REQUIRE(image);
    CHECK_STR(image->name, "a_name_of_more_");
    pst_image_free(image);
    pst_image_free(NULL);
    input.size = 4;
    CHECK_EQ(pst_image_build(pst_pal_env(), &input, NULL, &image), PST_E_INVALID);
}

TEST(looks_lines_up_by_subprogram)
{
    const pst_slot slots[] = {{.opcode = 0x85, .regs = 0x10, .imm = 2}, {.opcode = 0xb7}, {.opcode = 0x95}, {.opcode = 0xb7}, {.opcode = 0x95}};
    char file[] = "a.c";
    const pst_line lines[] = {
        {.pc = 0, .line = 10, .file = file, .text = "main"}, {.pc = 2, .line = 12, .file = file, .text = NULL},
        {.pc = 1, .line = 99, .file = file, .text = "goes back"}, {.pc = 4, .line = 20, .file = NULL, .text = "sub"},
        {.pc = 5, .line = 98, .file = file, .text = "beyond"},
    };
    built b = build_with(slots, 5, lines, 5);
    REQUIRE(b.status == PST_OK);
    CHECK_EQ(b.image->line_count, 3);
    file[0] = 'x'; // the image has copies
    CHECK_EQ(pst_image_line_at(b.image, 0)->line, 10);
    CHECK_STR(pst_image_line_at(b.image, 1)->file, "a.c");
    CHECK_EQ(pst_image_line_at(b.image, 2)->line, 12);
    CHECK_STR(pst_image_line_at(b.image, 2)->text, "");
    CHECK(pst_image_line_at(b.image, 3) == NULL); // the rows before it are another subprogram's
    CHECK_EQ(pst_image_line_at(b.image, 4)->line, 20);
    CHECK_STR(pst_image_line_at(b.image, 4)->file, "");
    CHECK(pst_image_line_at(b.image, 5) == NULL);
    pst_image_free(b.image);
}

// A million slots, each a jump to the end and every second one a map reference: linear time or this does not end.
TEST(is_linear_for_the_largest_program)
{
    pst_slot *slots = calloc(PST_INSNS_MAX, sizeof *slots);
    REQUIRE(slots);
    uint32_t pc = 0;
    for (; pc + 3 < PST_INSNS_MAX; pc += 3) {
        slots[pc] = (pst_slot){.opcode = 0x18, .regs = 0x11, .imm = 3 + (int32_t)(pc % 2)};
        slots[pc + 2] = (pst_slot){.opcode = 0x06, .imm = (int32_t)(PST_INSNS_MAX - 1 - (pc + 3))};
    }
    for (; pc < PST_INSNS_MAX; pc++) slots[pc] = (pst_slot){.opcode = 0x95};
    built b = build_slots(slots, PST_INSNS_MAX);
    if (b.status != PST_OK) pst_test_fail(__FILE__, __LINE__, "%s", b.error.text);
    pst_image_free(b.image);
    free(slots);
}

static uint64_t g_allocations_left;

static void *resize_some(void *user, void *ptr, size_t old_size, size_t new_size)
{
    if (new_size && !ptr && g_allocations_left-- == 0) {
        g_allocations_left = 0;
        return NULL;
    }
    return pst_pal_env()->resize(user, ptr, old_size, new_size);
}

TEST(survives_every_failed_allocation)
{
    const pst_slot slots[] = {{.opcode = 0x18, .regs = 0x11, .imm = 3}, {0}, {.opcode = 0x85, .regs = 0x10, .imm = 1}, {.opcode = 0x95}, {.opcode = 0x95}};
    const pst_line line = {.pc = 0, .line = 1, .file = "a.c", .text = "x"};
    const pst_env env = {.resize = resize_some};
    pst_image_input input = {.size = sizeof input, .slots = slots, .count = 5, .find_map = find_map, .lines = &line, .line_count = 1};
    pst_status status = PST_E_NOMEM;
    for (uint64_t n = 0; status != PST_OK && n < 100; n++) {
        pst_image *image = NULL;
        g_allocations_left = n;
        status = pst_image_build(&env, &input, NULL, &image);
        CHECK(status == PST_OK ? image != NULL : status == PST_E_NOMEM && !image);
        pst_image_free(image);
    }
    CHECK_EQ(status, PST_OK);
}

// r10 = 5, r10 = *(u64 *)(r1 + 0), r10 = 5 ll, r10 = lock fetch: kept as what nothing runs.
TEST(keeps_writes_to_the_frame_pointer)
{
    const pst_slot slots[] = {{.opcode = 0xb7, .regs = 0x0a, .imm = 5}, {.opcode = 0x79, .regs = 0x1a}, {.opcode = 0x18, .regs = 0x0a, .imm = 5}, {0},
                              {.opcode = 0xdb, .regs = 0xaa, .off = -8, .imm = 1}, {.opcode = 0x95}};
    built b = build_slots(slots, PST_COUNT(slots));
    CHECK_EQ(b.status, PST_OK);
    if (!b.image) return;
    for (uint32_t pc = 0; pc < 5; pc++) {
        CHECK_EQ(b.image->insns[pc].kind, pc == 3 ? PST_KIND_PADDING : PST_KIND_CAST);
        if (pc != 3) CHECK_EQ(b.image->insns[pc].dst, PST_REG_FP);
    }
    pst_image_free(b.image);
    const pst_slot wrong[] = {{.opcode = 0xb7, .regs = 0x1a, .imm = 5}, {.opcode = 0x95}}; // a reserved field as well
    check_rejected(build_slots(wrong, PST_COUNT(wrong)), "a reserved field", 0, "reserved");
}

// A function that nothing refers to is a subprogram when it is named.
TEST(takes_starts_of_functions)
{
    const pst_slot slots[] = {{.opcode = 0xb7}, {.opcode = 0x95}, {.opcode = 0xb7}, {.opcode = 0x95}};
    const uint32_t starts[] = {0, 2}, outside[] = {4};
    pst_image_input input = {.size = sizeof input, .slots = slots, .count = 4, .starts = starts, .start_count = 2};
    pst_image_error error;
    pst_image *image = NULL;
    CHECK_EQ(pst_image_build(pst_pal_env(), &input, &error, &image), PST_OK);
    CHECK_EQ(image ? image->subprog_count : 0, 2);
    pst_image_free(image);
    input.starts = outside;
    input.start_count = 1;
    CHECK_EQ(pst_image_build(pst_pal_env(), &input, &error, &image), PST_E_FORMAT);
}

TEST(every_trap_has_a_text)
{
#define X(name, text) CHECK_STR(pst_trap_text(PST_TRAP_##name), text);
    PST_TRAP_LIST(X)
#undef X
    CHECK_STR(pst_trap_text((pst_trap_code)999), "unknown trap");
}
