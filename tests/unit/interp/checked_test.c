// checked_test.c: programs with one planted mistake each: the checked interpreter must stop at it; and neighbours of the mistakes
// that are right, which it must let pass.
#include "harness.h"
#include "interp_fixture.h"

#include "pal/pal.h"

typedef struct mistake {
    const char *text;
    pst_trap_code code;
    uint32_t pc;
    uint64_t address; // checked where not 0
    uint32_t size;    // checked where not 0
} mistake;

static void check_mistake(const mistake *m)
{
    pst_run run;
    uint64_t r0 = fixture_run(FIXTURE_CHECKED, m->text, &run);
    const pst_trap *t = &run.trap;
    bool right = t->code == m->code && t->pc == m->pc && (m->address == 0 || t->address == m->address) && (m->size == 0 || t->size == m->size);
    if (!right || r0 != 0)
        pst_test_fail(__FILE__, __LINE__, "\"%s\": %s at %u, address 0x%" PRIx64 ", %u bytes, r0 %" PRIu64 "; wanted: %s at %u", m->text,
                      pst_trap_text(t->code), t->pc, t->address, t->size, r0, pst_trap_text(m->code), m->pc);
}

#define CHECK_MISTAKES(table) \
    for (size_t i_ = 0; i_ < PST_COUNT(table); i_++) check_mistake(&(table)[i_])

typedef struct right_one {
    const char *text;
    uint64_t r0;
} right_one;

static void check_right(const right_one *right)
{
    pst_run run;
    uint64_t r0 = fixture_run(FIXTURE_CHECKED, right->text, &run);
    if (run.trap.code != PST_TRAP_NONE || r0 != right->r0)
        pst_test_fail(__FILE__, __LINE__, "\"%s\": r0 is 0x%" PRIx64 ", not 0x%" PRIx64 "; %s at %u", right->text, r0, right->r0,
                      pst_trap_text(run.trap.code), run.trap.pc);
}

#define CHECK_RIGHT(table) \
    for (size_t i_ = 0; i_ < PST_COUNT(table); i_++) check_right(&(table)[i_])

#define MEMORY PST_TRAP_MEMORY
#define READ_ONLY PST_TRAP_READ_ONLY
#define CONTEXT PST_TRAP_CONTEXT
#define ARGUMENT PST_TRAP_ARGUMENT
#define LOCK PST_TRAP_LOCK

TEST(wild_addresses)
{
    static const mistake table[] = {
        {"r1 = 0; r0 = *(u8 *)(r1 + 0); exit", MEMORY, 1, 0, 1},
        {"r1 = 0; *(u64 *)(r1 + 16) = 5; exit", MEMORY, 1, 16, 8},
        {"r1 = 0xffffffffffffffff ll; r0 = *(u64 *)(r1 + 0); exit", MEMORY, 2, UINT64_MAX, 8},
        {"r1 = 0x1234567890 ll; r0 = *(s16 *)(r1 + 4); exit", MEMORY, 2, 0x1234567894, 2},
        {"r0 = *(u8 *)(r2 + 0); exit", MEMORY, 0, 0, 1}, // r2 is 0 at entry
        {"r1 = map[fd:1]; r0 = *(u32 *)(r1 + 0); exit", MEMORY, 2, 0, 4}, // a map is no memory
        {"r1 = 8; lock *(u64 *)(r1 + 0) += r2; exit", MEMORY, 1, 8, 8},
        {"r1 = 8; r0 = load_acquire((u64 *)(r1 + 0)); exit", MEMORY, 1, 8, 8},
        {"r1 = 8; store_release((u32 *)(r1 + 0), r2); exit", MEMORY, 1, 8, 4},
    };
    CHECK_MISTAKES(table);
}

TEST(stack_bounds)
{
    static const mistake table[] = {
        {"r0 = *(u8 *)(r10 + 0); exit", MEMORY, 0, 0, 1},
        {"r0 = *(u64 *)(r10 - 7); exit", MEMORY, 0, 0, 8},
        {"*(u8 *)(r10 - 513) = 0; exit", MEMORY, 0, 0, 1},
        {"*(u64 *)(r10 - 516) = 0; exit", MEMORY, 0, 0, 8},
        {"call sub; exit; sub: r0 = *(u64 *)(r10 - 520); exit", MEMORY, 2, 0, 8}, // not the caller's frame
        {"call sub; exit; sub: r0 = *(u64 *)(r10 + 0); exit", MEMORY, 2, 0, 8},
        // A pointer into the frame of a subprogram that is over.
        {"call sub; r0 = *(u64 *)(r0 + 0); exit; sub: r0 = r10; r0 += -8; exit", MEMORY, 1, 0, 8},
    };
    static const right_one right[] = {
        {"r0 = *(u64 *)(r10 - 512); exit", 0},
        {"*(u8 *)(r10 - 1) = 7; r0 = *(u64 *)(r10 - 8); exit", 0x0700000000000000},
        {"r1 = r10; r1 += -8; call sub; r0 = *(u64 *)(r10 - 8); exit; sub: *(u64 *)(r1 + 0) = 9; *(u64 *)(r10 - 8) = 1; exit", 9},
        // The second call finds its frame zeroed.
        {"call sub; call sub; exit; sub: r0 = *(u64 *)(r10 - 16); *(u64 *)(r10 - 16) = 3; exit", 0},
    };
    CHECK_MISTAKES(table);
    CHECK_RIGHT(right);
}

TEST(context_accesses)
{
    static const mistake table[] = {
        {"r0 = *(u8 *)(r1 + 39); exit", CONTEXT, 0, 39, 1},              // a gap
        {"r0 = *(u64 *)(r1 + 40); exit", CONTEXT, 0, 40, 8},             // field and gap
        {"r0 = *(u32 *)(r1 + 44); exit", CONTEXT, 0, 44, 4},
        {"r0 = *(u8 *)(r1 + 64); exit", CONTEXT, 0, 64, 1},              // behind it
        {"r0 = *(u64 *)(r1 + 60); exit", CONTEXT, 0, 60, 8},
        {"r0 = *(u8 *)(r1 - 1); exit", CONTEXT, 0, UINT64_MAX, 1},       // in front of it
        {"*(u32 *)(r1 + 40) = 1; exit", CONTEXT, 0, 40, 4},              // read-only
        {"*(u64 *)(r1 + 0) = 0; exit", CONTEXT, 0, 0, 8},                // the packet's start
        {"r0 = *(u32 *)(r1 + 0); exit", CONTEXT, 0, 0, 4},               // half a pointer
        {"r2 = 1; lock *(u64 *)(r1 + 24) += r2; exit", CONTEXT, 1, 24, 8}, // atomic
        {"r0 = load_acquire((u32 *)(r1 + 32)); exit", CONTEXT, 0, 32, 4},
        {"r2 = 0x10000 ll; r1 += r2; r0 = *(u8 *)(r1 + 0); exit", MEMORY, 3, 0, 1}, // far from it
    };
    static const right_one right[] = {
        {"r0 = *(u64 *)(r1 + 24); exit", 0x1122334455667788},
        {"r0 = *(u8 *)(r1 + 25); exit", 0x77},
        {"r0 = *(s32 *)(r1 + 40); exit", 0xffffffff80000001},
        {"r0 = *(u32 *)(r1 + 40); exit", 0x80000001},
        {"*(u16 *)(r1 + 36) = 0x1234; r0 = *(u16 *)(r1 + 36); exit", 0x1234},
        {"r2 = 0x55; *(u8 *)(r1 + 38) = r2; r0 = *(u8 *)(r1 + 38); exit", 0x55},
        {"r1 += 20; r0 = *(u32 *)(r1 + 12); exit", 0x99aabbcc},
    };
    CHECK_MISTAKES(table);
    CHECK_RIGHT(right);
}

TEST(context_writes_reach_the_native_field)
{
    pst_run run;
    (void)fixture_run(FIXTURE_CHECKED, "*(u32 *)(r1 + 32) = 7; r2 = 9; *(u64 *)(r1 + 24) = r2; exit", &run);
    CHECK_EQ(run.trap.code, PST_TRAP_NONE);
    CHECK_EQ(g_world.ctx.u32_rw, 7);
    CHECK_EQ(g_world.ctx.u64_rw, 9);
}

TEST(packet_bounds)
{
    static const mistake table[] = {
        {"r2 = *(u64 *)(r1 + 0); r0 = *(u8 *)(r2 + 64); exit", MEMORY, 1, 0, 1},
        {"r2 = *(u64 *)(r1 + 0); r0 = *(u32 *)(r2 + 61); exit", MEMORY, 1, 0, 4},
        {"r2 = *(u64 *)(r1 + 0); *(u8 *)(r2 - 1) = 0; exit", MEMORY, 1, 0, 1}, // headroom without metadata
        {"r2 = *(u64 *)(r1 + 8); r0 = *(u8 *)(r2 + 0); exit", MEMORY, 1, 0, 1},
        // The packet shrinks: what was its start is outside now.
        {"r6 = *(u64 *)(r1 + 0); r2 = 8; call 34; r0 = *(u8 *)(r6 + 7); exit", MEMORY, 3, 0, 1},
    };
    static const right_one right[] = {
        {"r2 = *(u64 *)(r1 + 0); r0 = *(u8 *)(r2 + 63); exit", 63},
        {"r2 = *(u64 *)(r1 + 0); *(u16 *)(r2 + 3) = 0x0102; r0 = *(u8 *)(r2 + 4); exit", 1},
        {"r6 = *(u64 *)(r1 + 0); r2 = 8; call 34; r0 = *(u8 *)(r6 + 8); exit", 8},
        {"r6 = *(u64 *)(r1 + 0); r2 = -4; call 34; r0 = *(u8 *)(r6 - 4); exit", 0},
    };
    CHECK_MISTAKES(table);
    CHECK_RIGHT(right);
}

TEST(a_packet_that_is_not_writable)
{
    pst_prog_type type = *pst_prog_type_by_name("sample");
    pst_bindings bindings = *fixture_bindings();
    bindings.type = &type;
    type.packet_writable = false;
    fixture_reset();
    pst_exec *made = fixture_make(FIXTURE_CHECKED, "r2 = *(u64 *)(r1 + 0); r0 = *(u8 *)(r2 + 0); *(u8 *)(r2 + 0) = 1; exit", NULL), *exec = NULL;
    REQUIRE(made);
    CHECK_EQ(pst_checked_create(pst_pal_env(), made->image, &bindings, &exec), PST_OK);
    pst_run run = {.ctx = &g_world.ctx};
    (void)pst_exec_run(exec, &run);
    CHECK(run.trap.code == READ_ONLY && run.trap.pc == 2);
    exec->free(exec);
    fixture_free(made);
}

// r0 = lookup in the map of that descriptor with the key that is in *(u32 *)(r10 - 4), 0.
#define LOOKUP(fd) "*(u32 *)(r10 - 4) = 0; r1 = map[fd:" fd "]; r2 = r10; r2 += -4; call 1; "

TEST(map_values)
{
    static const mistake table[] = {
        {LOOKUP("1") "r0 = *(u64 *)(r0 + 16); exit", MEMORY, 6, 0, 8}, // the next value's
        {LOOKUP("1") "r0 = *(u64 *)(r0 + 9); exit", MEMORY, 6, 0, 8},
        {LOOKUP("1") "*(u8 *)(r0 - 1) = 1; exit", MEMORY, 6, 0, 1},
        {LOOKUP("3") "r0 = *(u64 *)(r0 + 8); exit", MEMORY, 6, 0, 8},
        {LOOKUP("2") "*(u8 *)(r0 + 0) = 1; exit", READ_ONLY, 6, 0, 1},
        {LOOKUP("2") "r1 = 1; lock *(u32 *)(r0 + 0) += r1; exit", READ_ONLY, 7, 0, 4},
        {LOOKUP("4") "r0 = *(u8 *)(r0 + 0); exit", MEMORY, 6, 0, 1}, // write-only
        {LOOKUP("5") "r0 = *(u8 *)(r0 + 0); exit", MEMORY, 6, 0, 1}, // an inner map is no memory
        {"r1 = map[fd:1][0]+12; r0 = *(u64 *)(r1 + 0); exit", MEMORY, 2, 0, 8},
        {"r1 = map[fd:2][0]+0; *(u8 *)(r1 + 3) = 0; exit", READ_ONLY, 2, 0, 1},
        {"*(u32 *)(r10 - 4) = 77; r1 = map[fd:1]; r2 = r10; r2 += -4; call 1; r0 = *(u8 *)(r0 + 0); exit", MEMORY, 6, 0, 1}, // NULL
    };
    static const right_one right[] = {
        {LOOKUP("1") "*(u64 *)(r0 + 8) = 5; r0 = *(u64 *)(r0 + 8); exit", 5},
        {LOOKUP("2") "r0 = *(u8 *)(r0 + 31); exit", 'x'},
        {LOOKUP("4") "*(u8 *)(r0 + 15) = 1; r0 = 0; exit", 0},
        {"r1 = map[fd:1][0]+8; *(u64 *)(r1 - 8) = 3; r0 = *(u64 *)(r1 - 8); exit", 3},
        {LOOKUP("5") "r1 = r0; r2 = r10; r2 += -4; call 1; *(u64 *)(r0 + 0) = 4; r0 = *(u64 *)(r0 + 0); exit", 4},
    };
    CHECK_MISTAKES(table);
    CHECK_RIGHT(right);
}

// More values than the table holds: the oldest is forgotten, the newest are there.
TEST(many_map_values)
{
    static const right_one right[] = {
        // Touches 200 values, each while it is the newest, and keeps the first one alive by using it.
        {"r6 = 0; r8 = 0; *(u32 *)(r10 - 4) = 0; r1 = map[fd:3]; r2 = r10; r2 += -4; call 1; r9 = r0;\n"
         "loop: *(u32 *)(r10 - 4) = r6; r1 = map[fd:3]; r2 = r10; r2 += -4; call 1; *(u64 *)(r0 + 0) = r6; r1 = *(u64 *)(r0 + 0); r8 += r1;\n"
         "r1 = *(u64 *)(r9 + 0); r8 += r1; r6 += 1; if r6 < 200 goto loop; r0 = r8; exit", 199 * 200 / 2},
    };
    CHECK_RIGHT(right);
    static const mistake table[] = {
        // The first value is not used while 64 others are looked up.
        {"r6 = 1; *(u32 *)(r10 - 4) = 0; r1 = map[fd:3]; r2 = r10; r2 += -4; call 1; r9 = r0;\n"
         "loop: *(u32 *)(r10 - 4) = r6; r1 = map[fd:3]; r2 = r10; r2 += -4; call 1; r6 += 1; if r6 < 65 goto loop; r0 = *(u64 *)(r9 + 0); exit", MEMORY, 16, 0, 8},
    };
    CHECK_MISTAKES(table);
}

TEST(misaligned_atomics)
{
    static const mistake table[] = {
        {"r1 = r10; lock *(u64 *)(r1 - 12) += r2; exit", PST_TRAP_ALIGNMENT, 1, 0, 8},
        {"r1 = r10; r2 = atomic_fetch_add((u32 *)(r1 - 6), r2); exit", PST_TRAP_ALIGNMENT, 1, 0, 4},
        {"r1 = r10; r0 = load_acquire((u16 *)(r1 - 3)); exit", PST_TRAP_ALIGNMENT, 1, 0, 2},
        {"r1 = r10; store_release((u64 *)(r1 - 9), r2); exit", PST_TRAP_ALIGNMENT, 1, 0, 8},
    };
    CHECK_MISTAKES(table);
}

TEST(records_of_a_ring_buffer)
{
#define RESERVE "r1 = map[fd:6]; r2 = 24; r3 = 0; call 23; "
    static const mistake table[] = {
        {RESERVE "r0 = 0; exit", LOCK, 6, 0, 0}, // never released
        {RESERVE "*(u8 *)(r0 + 24) = 1; exit", MEMORY, 5, 0, 1},
        {RESERVE "r6 = r0; r1 = r0; r2 = 0; call 24; *(u8 *)(r6 + 0) = 1; exit", MEMORY, 9, 0, 1}, // used after the release
        {RESERVE "r6 = r0; r1 = r0; r2 = 0; call 24; r1 = r6; call 24; exit", ARGUMENT, 10, 1, 0},   // released twice
        {RESERVE "r1 = r0; r1 += 8; r2 = 0; call 24; exit", ARGUMENT, 8, 1, 0},                      // not the record's start
        {"r1 = 0; r2 = 0; call 24; exit", ARGUMENT, 2, 1, 0},
        {"r1 = r10; r1 += -8; r2 = 0; call 24; exit", ARGUMENT, 3, 1, 0}, // memory, but not reserved
        {LOOKUP("1") "r1 = r0; r2 = 0; call 24; exit", ARGUMENT, 8, 1, 0},
        {"call 41; r1 = r0; r2 = 0; call 24; exit", ARGUMENT, 3, 1, 0}, // memory of a helper, but no reference
        {"r1 = map[fd:6]; r2 = 0x40000000; r3 = 0; call 23; exit", ARGUMENT, 4, 2, 0},
        {"r1 = map[fd:1]; r2 = 8; r3 = 0; call 23; exit", ARGUMENT, 4, 1, 0}, // no ring buffer
        // One more reference than there is room for.
        {"r6 = 0; loop: " RESERVE "r6 += 1; if r6 < 100 goto loop; exit", LOCK, 5, 0, 0},
    };
    static const right_one right[] = {
        {RESERVE "*(u64 *)(r0 + 16) = 1; r1 = r0; r2 = 0; call 24; r0 = 1; exit", 1},
        {"r1 = map[fd:6]; r2 = 8; r3 = 1; call 23; if r0 != 0 goto +1; r0 = 2; exit", 2}, // reserve failed: nothing to release
        {"r6 = 0; loop: " RESERVE "r1 = r0; r2 = 0; call 24; r6 += 1; if r6 < 100 goto loop; r0 = r6; exit", 100},
    };
    CHECK_MISTAKES(table);
    CHECK_RIGHT(right);
}

TEST(sockets_and_locks)
{
    static const mistake table[] = {
        {"r1 = 1; call 31; exit", LOCK, 2, 0, 0},
        {"r1 = 1; call 31; r0 = *(u32 *)(r0 + 0); exit", MEMORY, 2, 0, 4}, // opaque
        {"r1 = 0x1234; call 32; exit", ARGUMENT, 1, 1, 0},                  // forged
        {"r1 = 0x1234; call 33; exit", ARGUMENT, 1, 1, 0},
        {"r1 = 1; call 31; r6 = r0; r1 = r6; call 32; r1 = r6; call 33; exit", ARGUMENT, 6, 1, 0}, // used after the release
        {LOOKUP("1") "r1 = r0; call 29; r0 = 0; exit", LOCK, 9, 0, 0},
        {LOOKUP("1") "r6 = r0; r1 = r0; call 29; r1 = r6; call 29; exit", LOCK, 10, 0, 0},
        {LOOKUP("1") "r1 = r0; call 30; exit", LOCK, 7, 0, 0},
        {"r1 = r10; r1 += -8; call 29; exit", ARGUMENT, 2, 1, 4}, // a lock on the stack
        {LOOKUP("1") "r1 = r0; r1 += 2; call 29; exit", ARGUMENT, 8, 1, 4},
        {LOOKUP("2") "r1 = r0; call 29; exit", ARGUMENT, 7, 1, 4},
    };
    static const right_one right[] = {
        {"r1 = 1; call 31; r6 = r0; r1 = r0; call 33; r1 = r6; call 32; r0 = 5; exit", 5},
        {"r1 = 0; call 31; r1 = r0; call 33; r0 = 5; exit", 5},
        {LOOKUP("1") "r6 = r0; r1 = r0; call 29; r1 = r6; call 30; r0 = 6; exit", 6},
    };
    CHECK_MISTAKES(table);
    CHECK_RIGHT(right);
}

// A socket that a field of the context holds: opaque, and not the program's to release.
TEST(sockets_of_the_context)
{
    static const mistake table[] = {
        {"r1 = *(u64 *)(r1 + 56); r0 = *(u32 *)(r1 + 0); exit", MEMORY, 1, 0, 4},
        {"r1 = *(u64 *)(r1 + 56); call 32; exit", ARGUMENT, 1, 1, 0},
        {"r1 = *(u64 *)(r1 + 56); r1 += 1; call 33; exit", ARGUMENT, 2, 1, 0},
        {"r1 = *(u64 *)(r1 + 56); call 33; r0 = 5; exit", PST_TRAP_NONE, 0, 0, 0},
    };
    static const uint64_t sock = 0;
    pst_prog_type type = *pst_prog_type_by_name("sample");
    pst_ctx_field fields[16];
    pst_bindings bindings = *fixture_bindings();
    REQUIRE(type.field_count <= PST_COUNT(fields));
    for (uint32_t i = 0; i < type.field_count; i++) {
        fields[i] = type.fields[i];
        if (fields[i].abi_off == 56) fields[i].kind = PST_FIELD_SOCK_OR_NULL;
    }
    type.fields = fields;
    bindings.type = &type;
    for (size_t i = 0; i < PST_COUNT(table); i++) {
        for (unsigned present = 0; present < 2; present++) {
            fixture_reset();
            g_world.ctx.opaque = present ? (uintptr_t)&sock : 0;
            pst_exec *made = fixture_make(FIXTURE_CHECKED, table[i].text, NULL), *exec = NULL;
            REQUIRE(made);
            CHECK_EQ(pst_checked_create(pst_pal_env(), made->image, &bindings, &exec), PST_OK);
            pst_run run = {.ctx = &g_world.ctx};
            uint64_t r0 = pst_exec_run(exec, &run);
            if (present && (run.trap.code != table[i].code || run.trap.pc != table[i].pc))
                pst_test_fail(__FILE__, __LINE__, "%s: trap %d at %u", table[i].text, (int)run.trap.code, run.trap.pc);
            if (table[i].code == PST_TRAP_NONE) CHECK_EQ(r0, 5); // NULL is an argument too
            exec->free(exec);
            fixture_free(made);
        }
    }
}

TEST(memory_arguments)
{
    static const mistake table[] = {
        {"r1 = r10; r1 += -8; r2 = 9; call 20; exit", ARGUMENT, 3, 1, 9},
        {"r1 = r10; r1 += -8; r2 = 0; call 20; exit", ARGUMENT, 3, 2, 0}, // a size of 0 is not allowed here
        {"r1 = r10; r1 += -8; r2 = -1; call 20; exit", ARGUMENT, 3, 2, 0},
        {"r1 = r10; r1 += -8; r2 = 0x100000004 ll; call 20; exit", ARGUMENT, 4, 2, 0},
        {"r1 = 0; r2 = 8; call 20; exit", ARGUMENT, 2, 1, 8},
        {"r1 = 0; r2 = 8; call 21; exit", ARGUMENT, 2, 1, 8}, // NULL of 8 bytes
        {"r2 = 8; call 20; exit", ARGUMENT, 1, 1, 8},         // the context is no memory
        {LOOKUP("2") "r1 = r0; r2 = 4; call 22; exit", ARGUMENT, 8, 1, 4}, // writes read-only memory
        {LOOKUP("1") "r1 = r0; r2 = 17; call 22; exit", ARGUMENT, 8, 1, 17},
        {LOOKUP("4") "r1 = r0; r2 = 4; call 20; exit", ARGUMENT, 8, 1, 4}, // reads write-only memory
        {"r2 = *(u64 *)(r1 + 0); r1 = r2; r2 = 65; call 20; exit", ARGUMENT, 3, 1, 65},
        {"r1 = r10; r1 += -8; call 40; exit", ARGUMENT, 2, 1, 20},
        {"r5 = r10; call 47; exit", ARGUMENT, 1, 5, 0}, // a prototype without the size
    };
    static const right_one right[] = {
        {"*(u64 *)(r10 - 8) = 1; r1 = r10; r1 += -8; r2 = 8; call 20; exit", 1},
        {"r1 = 0; r2 = 0; call 21; exit", 0},
        {"r2 = *(u64 *)(r1 + 0); r1 = r2; r2 = 64; call 20; exit", 63 * 64 / 2},
        {"r1 = r10; r1 += -512; r2 = 512; call 22; r0 = *(u8 *)(r10 - 300); exit", 0x5a},
        {LOOKUP("2") "r1 = r0; r2 = 1; call 20; exit", 't'},
        {"r1 = r10; r1 += -20; call 40; r0 = 1; exit", 1},
    };
    CHECK_MISTAKES(table);
    CHECK_RIGHT(right);
}

TEST(map_arguments)
{
    static const mistake table[] = {
        {"r1 = 0; r2 = r10; r2 += -4; call 1; exit", ARGUMENT, 3, 1, 0},
        {"r2 = r10; r2 += -4; call 1; exit", ARGUMENT, 2, 1, 0}, // the context as a map
        {"r1 = map[fd:1]; r1 += 8; r2 = r10; r2 += -4; call 1; exit", ARGUMENT, 5, 1, 0},
        {"r1 = map[fd:1]; r2 = r10; r2 += -3; call 1; exit", ARGUMENT, 4, 2, 4},
        {"r1 = map[fd:1]; r2 = 0; call 1; exit", ARGUMENT, 3, 2, 4},
        {"r1 = map[fd:1]; r2 = r10; r2 += -4; r3 = r10; r3 += -15; call 2; exit", ARGUMENT, 6, 3, 16},
        {"r1 = map[fd:2]; r2 = map[fd:2][0]+0; call 38; exit", ARGUMENT, 4, 2, 32}, // the value is written
        {"r1 = r10; r1 += -4; call 46; exit", ARGUMENT, 2, 1, 0},
        {"r1 = map[fd:1]; r2 = r1; r1 = 0; r3 = 0; call 12; exit", ARGUMENT, 5, 1, 0},       // tail call without context
        {"r6 = r1; r2 = map[fd:1]; r1 = r6; r3 = 0; call 12; exit", ARGUMENT, 5, 2, 0},      // and with a map of another type
    };
    static const right_one right[] = {
        {"*(u32 *)(r10 - 4) = 1; *(u64 *)(r10 - 24) = 77; *(u64 *)(r10 - 16) = 0; r1 = map[fd:1]; r2 = r10; r2 += -4; r3 = r10; r3 += -24; call 2; exit", 0},
    };
    CHECK_MISTAKES(table);
    CHECK_RIGHT(right);
    CHECK_EQ(g_world.seen, 77);
}

TEST(other_arguments)
{
    static const mistake table[] = {
        {"r1 = r10; call 28; exit", ARGUMENT, 1, 1, 0},
        {"r1 += 8; call 28; exit", ARGUMENT, 1, 1, 0},
        {"r1 = 1; call 44; exit", ARGUMENT, 1, 1, 0},
        {"r1 = map[fd:2][0]+5; call 25; exit", ARGUMENT, 2, 1, 27}, // no NUL to the end of the value
        {"r1 = map[fd:1][0]+0; call 25; exit", ARGUMENT, 2, 1, 0},  // somebody may write it
        {"*(u64 *)(r10 - 8) = 0; r1 = r10; r1 += -8; call 25; exit", ARGUMENT, 3, 1, 0},
        {"r1 = r10; r1 += -6; call 26; exit", ARGUMENT, 2, 1, 4},
        {"r1 = r10; call 26; exit", ARGUMENT, 1, 1, 4},
        {"r1 = r10; r1 += -4; call 27; exit", ARGUMENT, 2, 1, 8},
        {"r1 = 3; call 35; exit", ARGUMENT, 1, 1, 0},
        {"r1 = subprog[sub]; r1 += 1; call 35; exit; sub: r0 = 0; exit", ARGUMENT, 3, 1, 0},
        {"r1 = map[fd:1][0]+0; call 36; exit", ARGUMENT, 2, 1, 0},
        {"r1 = r10; r1 += -16; call 37; exit", ARGUMENT, 2, 1, 0}, // dynptrs are refused
        {"r1 = map[fd:1][0]+0; call 45; exit", ARGUMENT, 2, 1, 0}, // and timers
        {"r1 = 0; call 39; exit", PST_TRAP_HELPER, 1, 0, 0},
        {"call 9999; exit", PST_TRAP_HELPER, 0, 0, 0},
        {"r1 = 9999; callx r1; exit", PST_TRAP_CALL, 1, 9999, 0},
        {"r1 = subprog[sub]; r1 += 1; callx r1; exit; sub: r0 = 0; exit", PST_TRAP_CALL, 3, 0, 0},
        {"r1 = 12; callx r1; exit", PST_TRAP_CALL, 1, 12, 0}, // tail calls only directly
    };
    static const right_one right[] = {
        {"call 28; exit", 1},
        {"r1 = 0; call 44; exit", 0},
        {"r1 = map[fd:2][0]+1; call 25; exit", 3},
        {"r1 = r10; r1 += -4; call 26; r0 = *(u32 *)(r10 - 4); exit", 7},
        {"r1 = r10; r1 += -8; call 27; r0 = *(u64 *)(r10 - 8); exit", 7},
        {"r1 = subprog[sub]; call 35; r0 = 1; exit; sub: r0 = 0; exit", 1},
        {"r1 = 0; call 36; exit", 0},
        {"r1 = r10; r1 += -8; call 36; r0 = 1; exit", 1},
        {"call 41; *(u64 *)(r0 + 0) = 8; r0 = *(u64 *)(r0 + 0); exit", 8},
        {"r6 = subprog[sub]; callx r6; exit; sub: r0 = 11; exit", 11},
        {"r6 = 48; r1 = 13; callx r6; exit", 13},
    };
    CHECK_MISTAKES(table);
    CHECK_RIGHT(right);
}

TEST(fixed_memory_has_bounds)
{
    static const mistake table[] = {{"call 41; r0 = *(u64 *)(r0 + 1); exit", MEMORY, 1, 0, 8}};
    CHECK_MISTAKES(table);
}

TEST(helpers_may_ask_what_is_readable)
{
    static const right_one right[] = {
        {"r1 = r10; r1 += -8; r2 = 8; call 43; exit", 1},
        {"r1 = r10; r1 += -8; r2 = 9; call 43; exit", 0},
        {"r1 = 0; r2 = 1; call 43; exit", 0},
    };
    CHECK_RIGHT(right);
    pst_run run;
    CHECK_EQ(fixture_run(FIXTURE_FAST, right[0].text, &run), 1);
    CHECK_EQ(fixture_run(FIXTURE_FAST, "r1 = r10; r1 += -8; r2 = 9; call 43; exit", &run), 0);
    CHECK_EQ(fixture_run(FIXTURE_FAST, right[2].text, &run), 0);
    CHECK(run.can_read == NULL);
}

TEST(a_bad_argument_is_never_passed_on)
{
    pst_run run;
    (void)fixture_run(FIXTURE_CHECKED, "r1 = 0; r2 = 8; call 20; exit", &run);
    CHECK_EQ(g_world.calls, 0);
}

TEST(budget_and_depth)
{
    pst_run run = {0};
    fixture_reset();
    pst_exec *exec = fixture_make(FIXTURE_CHECKED, "r0 = 0; loop: r0 += 1; goto loop; exit", NULL);
    REQUIRE(exec);
    run.ctx = &g_world.ctx;
    run.budget = 1000;
    CHECK_EQ(pst_exec_run(exec, &run), 0);
    CHECK(run.trap.code == PST_TRAP_BUDGET && run.insn_count == 1000);
    fixture_free(exec);

    static const mistake table[] = {
        {"r1 = 0; call sub; exit; sub: r1 += 1; call sub; exit", PST_TRAP_DEPTH, 4, 0, 0},
        {"r6 = subprog[sub]; callx r6; exit; sub: callx r6; exit", PST_TRAP_DEPTH, 4, 0, 0},
    };
    CHECK_MISTAKES(table);
}

TEST(traps_are_described)
{
    pst_text text;
    pst_run run = {0};
    fixture_reset();
    run.ctx = &g_world.ctx;
    pst_exec *exec = fixture_make(FIXTURE_CHECKED, "r1 = 16; r0 = *(u32 *)(r1 + 4); exit", NULL);
    REQUIRE(exec);
    (void)pst_exec_run(exec, &run);
    pst_text_init(&text, pst_pal_env());
    pst_trap_describe(&text, exec->image, &run.trap);
    CHECK_STR(pst_text_cstr(&text), "program 'unit' stopped at instruction 1 (r0 = *(u32 *)(r1 + 4)): access outside every region that the "
                                    "program may touch (4 bytes at 0x14)");
#define X(name, sentence)                                                                      \
    pst_text_clear(&text);                                                                     \
    pst_trap_describe(&text, exec->image, &(pst_trap){.code = PST_TRAP_##name, .pc = 9999});   \
    CHECK(strstr(pst_text_cstr(&text), "stopped at instruction 9999: " sentence) != NULL);
    PST_TRAP_LIST(X)
#undef X
    pst_text_free(&text);
    fixture_free(exec);
}
