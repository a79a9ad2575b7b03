// reach_test.c: displacements and distances of branches around the limits of what machine instructions hold, in every engine.
//
// The limits are those of both machines: 127 bytes and 4 KiB; on arm64 256 bytes and 4,095 elements for displacements, 32 KiB and 1 MiB for branches.
#include "harness.h"
#include "raw_program.h"

#include "base/bits.h"

#define MEM_SIZE 0x11000u
#define MIDDLE 0x8800 // what r1 is moved to: every displacement lies in memory

static PST_ALIGNED(16) uint8_t g_mem[MEM_SIZE];

static pst_slot slot(unsigned opcode, unsigned dst, unsigned src, int16_t off, int32_t imm)
{
    return (pst_slot){(uint8_t)opcode, (uint8_t)(dst | src << 4), off, imm};
}

static uint64_t run_slots(raw_engine engine, const pst_slot *slots, size_t count)
{
    char error[256];
    raw_program program;
    pst_run run = {.budget = 10000000};
    uint64_t r0 = 0;
    if (raw_program_make(&program, engine, slots, count, error, sizeof error)) r0 = pst_exec_run_raw(program.exec, (pst_raw_memory){g_mem, sizeof g_mem}, &run);
    else pst_test_fail(__FILE__, __LINE__, "%s", error);
    if (run.trap.code != PST_TRAP_NONE) pst_test_fail(__FILE__, __LINE__, "%s at %u (%s)", pst_trap_text(run.trap.code), run.trap.pc, raw_engine_name(engine));
    raw_program_free(&program);
    return r0;
}

// --- Displacements --------------------------------------------------------------------------------------------

static const int16_t offs[] = {0, 1, -1, 7, 8, 127, 128, -128, -129, 248, 255, 256, 257, -255, -256, -257, -264, 504, 512, 4088, 4095, 4096, 4097, -4096, -4097,
                               8190, 8191, 8192, 16380, 16383, 16384, 32752, 32759, 32760, -32760, -32768};

static const struct { unsigned bytes, load, signed_load, store, store_imm; } sizes[] = {
    {1, 0x71, 0x91, 0x73, 0x72}, {2, 0x69, 0x89, 0x6b, 0x6a}, {4, 0x61, 0x81, 0x63, 0x62}, {8, 0x79, 0, 0x7b, 0x7a}};

static uint64_t number_at(const uint8_t *at, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++) value |= (uint64_t)at[i] << 8 * i;
    return value;
}

// r6 = r1 + MIDDLE, as one number or, where the base is an address of its own, through a multiplication that nothing folds.
static size_t make_base(pst_slot *slots, bool opaque)
{
    size_t n = 0;
    slots[n++] = slot(0xbf, 6, 1, 0, 0);
    slots[n++] = slot(0x07, 6, 0, 0, MIDDLE);
    if (!opaque) return n;
    slots[n++] = slot(0x71, 7, 1, 0, 0); // r7 = 1, which only memory knows
    slots[n++] = slot(0x2f, 6, 7, 0, 0);
    return n;
}

static void check_loads(raw_engine e, int16_t off, size_t size, bool opaque)
{
    pst_slot slots[8];
    unsigned bytes = sizes[size].bytes;
    for (unsigned with_sign = 0; with_sign <= (sizes[size].signed_load != 0); with_sign++) {
        size_t n = make_base(slots, opaque);
        slots[n++] = slot(with_sign ? sizes[size].signed_load : sizes[size].load, 0, 6, off, 0);
        slots[n++] = slot(0x95, 0, 0, 0, 0);
        uint64_t want = number_at(g_mem + MIDDLE + off, bytes), got = run_slots(e, slots, n);
        if (with_sign) want = (uint64_t)pst_sign_extend(want, bytes * 8);
        if (got != want) pst_test_fail(__FILE__, __LINE__, "%u bytes at %d are 0x%" PRIx64 ", not 0x%" PRIx64 " (%s)", bytes, off, got, want, raw_engine_name(e));
    }
}

static void check_stores(raw_engine e, int16_t off, size_t size, bool opaque)
{
    pst_slot slots[16];
    static uint8_t want[MEM_SIZE];
    unsigned bytes = sizes[size].bytes;
    for (unsigned imm = 0; imm < 2; imm++) {
        size_t n = make_base(slots, opaque);
        uint64_t value = imm ? (uint64_t)(int64_t)-0x12345678 : 0x8877665544332211u;
        slots[n++] = slot(0x18, 2, 0, 0, 0x44332211);
        slots[n++] = slot(0, 0, 0, 0, (int32_t)0x88776655);
        if (imm) slots[n++] = slot(sizes[size].store_imm, 6, 0, off, -0x12345678);
        else slots[n++] = slot(sizes[size].store, 6, 2, off, 0);
        slots[n++] = slot(0xb7, 0, 0, 0, 0);
        slots[n++] = slot(0x95, 0, 0, 0, 0);
        memcpy(want, g_mem, sizeof want);
        for (unsigned i = 0; i < bytes; i++) want[MIDDLE + off + (int)i] = (uint8_t)(value >> 8 * i);
        (void)run_slots(e, slots, n);
        if (memcmp(want, g_mem, sizeof want) != 0) pst_test_fail(__FILE__, __LINE__, "%u bytes at %d are stored elsewhere (%s)", bytes, off, raw_engine_name(e));
    }
}

// r0 = fetch_add(r6 + off, 5) + what is there then.
static void check_atomics(raw_engine e, int16_t off, bool opaque)
{
    pst_slot slots[12];
    if (off % 8 != 0) return;
    size_t n = make_base(slots, opaque);
    slots[n++] = slot(0xb7, 0, 0, 0, 5);
    slots[n++] = slot(0xdb, 6, 0, off, 1);
    slots[n++] = slot(0x79, 2, 6, off, 0);
    slots[n++] = slot(0x0f, 0, 2, 0, 0);
    slots[n++] = slot(0x95, 0, 0, 0, 0);
    uint64_t before = number_at(g_mem + MIDDLE + off, 8);
    CHECK_EQ(run_slots(e, slots, n), 2 * before + 5);
    CHECK_EQ(number_at(g_mem + MIDDLE + off, 8), before + 5);
}

TEST(displacements)
{
    for (unsigned i = 0; i < MEM_SIZE; i++) g_mem[i] = (uint8_t)(i * 37 + 201);
    g_mem[0] = 1;
    RAW_EACH(e) for (unsigned opaque = 0; opaque < 2; opaque++) for (size_t o = 0; o < PST_COUNT(offs); o++) {
        for (size_t size = 0; size < PST_COUNT(sizes); size++) {
            check_loads(e, offs[o], size, opaque);
            check_stores(e, offs[o], size, opaque);
        }
        check_atomics(e, offs[o], opaque);
    }
}

// Every place on the stack that an aligned access can have, in a frame that is all used.
TEST(places_on_the_stack)
{
    static pst_slot slots[1024];
    RAW_EACH(e) for (size_t size = 0; size < PST_COUNT(sizes); size++) {
        size_t n = 0;
        int bytes = (int)sizes[size].bytes;
        slots[n++] = slot(0xbf, 6, 1, 0, 0);
        slots[n++] = slot(0x79, 7, 1, 8, 0);
        for (int off = -512; off < 0; off += bytes < 4 ? 4 : bytes) {
            slots[n++] = slot(sizes[size].store, 10, 7, (int16_t)off, 0);
            slots[n++] = slot(0x07, 7, 0, 0, 0x010203);
        }
        slots[n++] = slot(0xb7, 0, 0, 0, 0);
        for (int off = -512; off < 0; off += bytes < 4 ? 4 : bytes) {
            slots[n++] = slot(sizes[size].load, 2, 10, (int16_t)off, 0);
            slots[n++] = slot(0x27, 0, 0, 0, 31);
            slots[n++] = slot(0x0f, 0, 2, 0, 0);
        }
        slots[n++] = slot(0x95, 0, 0, 0, 0);
        uint64_t want = 0, value = number_at(g_mem + 8, 8);
        for (int off = -512; off < 0; off += bytes < 4 ? 4 : bytes, value += 0x010203) want = want * 31 + (value & pst_mask((unsigned)bytes * 8));
        CHECK_EQ(run_slots(e, slots, n), want);
    }
}

// --- Branches -------------------------------------------------------------------------------------------------

// What stands between a branch and its target: r3 *= r2 is one machine instruction, a store of a large number far away as many as can be.
static pst_slot filler(bool wide) { return wide ? slot(0x7a, 6, 0, 0x1238, 0x5ab1c2d3) : slot(0x2f, 3, 2, 0, 0); }

#define FILL_MAX 32000u

// Forwards and back over fill instructions: r2 = *r1; back: if (r2 op k) goto over; fill; over: r0 += 100; r2 += 1; if (r2 op2 k2) goto back
static uint64_t far_branch(raw_engine e, pst_slot over, pst_slot back, unsigned fill, bool wide)
{
    static pst_slot slots[FILL_MAX + 16];
    size_t n = 0;
    slots[n++] = slot(0xbf, 6, 1, 0, 0);
    slots[n++] = slot(0x79, 2, 1, 0, 0);
    slots[n++] = slot(0xb7, 0, 0, 0, 0);
    slots[n++] = slot(0xb7, 3, 0, 0, 1);
    size_t head = n;
    over.off = (int16_t)fill;
    slots[n++] = over;
    for (unsigned i = 0; i < fill; i++) slots[n++] = filler(wide);
    slots[n++] = slot(0x07, 0, 0, 0, 100);
    slots[n++] = slot(0x07, 2, 0, 0, 1);
    back.off = (int16_t)((int)head - (int)n - 1);
    slots[n++] = back;
    slots[n++] = slot(0x0f, 0, 2, 0, 0);
    slots[n++] = slot(0x7b, 1, 3, 16, 0); // r3 is wanted
    slots[n++] = slot(0x95, 0, 0, 0, 0);
    return run_slots(e, slots, n);
}

static void check_far(raw_engine e, unsigned fill, bool wide)
{
    // By number, by bit, by sign; twice round from 1: r2 is 1, 2, and 3 in the end.
    const pst_slot on_bit = slot(0x45, 2, 0, 0, 2), on_one = slot(0x15, 2, 0, 0, 1), until_three = slot(0xa5, 2, 0, 0, 3), on_not_bit = slot(0x45, 2, 0, 0, 2), on_sign = slot(0xc5, 2, 0, 0, 0);
    memset(g_mem, 0, 64);
    g_mem[0] = 1;
    CHECK_EQ(far_branch(e, on_bit, until_three, fill, wide), 203);
    CHECK_EQ(far_branch(e, on_one, until_three, fill, wide), 203);
    CHECK_EQ(far_branch(e, on_sign, until_three, fill, wide), 203);
    CHECK_EQ(far_branch(e, on_one, on_not_bit, fill, wide), 304); // 2 and 3 have the bit, 4 has not
    memset(g_mem, 0xff, 8); // -1, 0
    CHECK_EQ(far_branch(e, on_sign, slot(0x15, 2, 0, 0, 0), fill, wide), 201);
}

TEST(branches_over_much_code)
{
    static const unsigned fills[] = {20, 40, 8188, 8189, 8190, 8191};
    for (raw_engine e = RAW_JIT; e < raw_engine_count(); e++)
        for (size_t i = 0; i < PST_COUNT(fills); i++) check_far(e, fills[i], false);
    // With constants blinded a program of this size has more than a mebibyte of code.
    if (raw_engine_count() > RAW_JIT_BLIND_QUICK) check_far(RAW_JIT_BLIND_QUICK, FILL_MAX, true);
}
