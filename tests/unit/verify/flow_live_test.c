// flow_live_test.c: liveness and demand: by hand, exactly on programs whose stack accesses are plain, and against runs of random programs.
//
// The runs are the oracle: a small interpreter walks a random program that copies, moves, spills, passes and hands back pointers to its stack,
// taking branches at random. Each walk is then read backwards: what it read later and had not overwritten is live, and must be in the flow's sets
// at each block that it came through, for the frame that ran and for those that waited.
#include "flow_fixture.h"

// --- By hand --------------------------------------------------------------------------------------------------

static uint64_t slots_at(const flowed *f, uint32_t pc) { return flow_block_at(f, pc)->live_slots; }
#define R(n) (1u << (n))

TEST(flow_knows_live_registers)
{
    flowed *f = flow_text("r6 = r1; r7 = 5; if r7 > 3 goto out; r8 = 1; r6 += r8; out: r0 = r6; exit");
    REQUIRE(flow_is_good(f));
    CHECK_EQ(flow_block_at(f, 0)->live_regs, R(1) | R(10));
    CHECK_EQ(flow_block_at(f, 3)->live_regs, R(6) | R(10));
    CHECK_EQ(flow_block_at(f, 5)->live_regs, R(6) | R(10));
    flow_free(f);
}

TEST(flow_knows_arguments)
{
    flowed *f = flow_text("r0 = 0; goto +0; call 5; goto +0; r1 = map[fd:3]; r2 = r10; r2 += -4; call 1; goto +0; call 12; r0 = 0; exit");
    REQUIRE(flow_is_good(f));
    CHECK_EQ(flow_block_at(f, 2)->live_regs, R(10));                       // ktime_get_ns has none
    CHECK_EQ(flow_block_at(f, 10)->live_regs, R(1) | R(2) | R(3) | R(10)); // tail_call has three
    flow_free(f);
    f = flow_text("r0 = 0; goto +0; call sub; exit; sub: r0 = r2; exit");
    REQUIRE(flow_is_good(f));
    CHECK_EQ(flow_block_at(f, 2)->live_regs, R(2) | R(10));
    flow_free(f);
}

TEST(flow_knows_live_slots)
{
    flowed *f = flow_text("*(u64 *)(r10 - 8) = r1; *(u32 *)(r10 - 16) = 1; goto +0; *(u64 *)(r10 - 24) = 0; r0 = *(u64 *)(r10 - 8); r1 = *(u8 *)(r10 - 12);"
                          "goto +0; r2 = *(u64 *)(r10 - 24); r3 = *(u64 *)(r10 - 20); exit");
    REQUIRE(flow_is_good(f));
    CHECK_EQ(slots_at(f, 3), 0x3);
    CHECK_EQ(slots_at(f, 7), 0x6); // bytes -20 to -12: two slots
    CHECK_EQ(slots_at(f, 0), 0x2); // a partial store does not end what was there
    flow_free(f);
}

TEST(flow_knows_what_helpers_read)
{
    const char *key = "r2 = r10; r2 += -24; goto +0; r1 = map[fd:%d]; call %d; r0 = 0; exit";
    char text[160];
    snprintf(text, sizeof text, key, 3, 1);
    flowed *f = flow_text(text);
    REQUIRE(flow_is_good(f));
    CHECK_EQ(slots_at(f, 3), 0x4); // 4 bytes of key
    CHECK_EQ(flow_block_at(f, 3)->wanted_slots, 0x4);
    flow_free(f);
    snprintf(text, sizeof text, key, 4, 1);
    f = flow_text(text);
    REQUIRE(flow_is_good(f));
    CHECK_EQ(slots_at(f, 3), 0x6); // 12 bytes of key
    CHECK_EQ(flow_block_at(f, 3)->wanted_slots, 0);
    flow_free(f);
    f = flow_text("r1 = r10; r1 += -64; r2 = 10; goto +0; call 6; r1 = r10; r1 += -32; goto +0; call 6; r0 = 0; exit"); // trace_printk
    REQUIRE(flow_is_good(f));
    CHECK_EQ(slots_at(f, 4), 0xcf); // 10 bytes, then all from fp - 32 since the size is not known
    flow_free(f);
    f = flow_text("r1 = map[fd:3]; r2 = r10; r2 += -8; r3 = r10; r3 += -32; r4 = 0; goto +0; call 2; r0 = 0; exit");
    REQUIRE(flow_is_good(f));
    CHECK_EQ(slots_at(f, 8), 0x1 | 0xc); // a key and 16 bytes of value
    flow_free(f);
}

TEST(flow_knows_what_callees_read)
{
    // The callee reads from its argument on; the slots below it are dead.
    flowed *f = flow_text("r1 = r10; r1 += -16; goto +0; call sub; r0 = *(u64 *)(r10 - 24); exit; sub: r0 = *(u64 *)(r1 + 8); exit");
    REQUIRE(flow_is_good(f));
    CHECK_EQ(slots_at(f, 3), 0x7);
    CHECK_EQ(flow_block_at(f, 3)->waiting_slots, 0x7);
    CHECK_EQ(flow_block_at(f, 3)->waiting_regs, R(10));
    CHECK_EQ(slots_at(f, 6), 0); // of its own frame it reads nothing
    flow_free(f);
    f = flow_text("r1 = r10; r1 += -16; goto +0; call sub; exit; sub: r0 = *(u64 *)(r1 - 8); exit"); // container_of
    REQUIRE(flow_is_good(f));
    CHECK_EQ(slots_at(f, 3), UINT64_MAX);
    flow_free(f);
    f = flow_text("r1 = r10; r1 += -16; r6 = 1; r7 = 1; goto +0; call sub; r0 += r7; exit; sub: r0 = 1; exit"); // takes no argument
    REQUIRE(flow_is_good(f));
    CHECK_EQ(slots_at(f, 5), 0);
    CHECK_EQ(flow_block_at(f, 5)->waiting_regs, R(7) | R(10));
    flow_free(f);
}

// The first call passes fp - 64; what happens in a and b makes it matter what lies around it, or not.
static void passes(const char *bodies, uint64_t slots)
{
    char text[512];
    snprintf(text, sizeof text, "r1 = r10; r1 += -64; goto +0; call a; r0 = 0; exit; %s", bodies);
    flowed *f = flow_text(text);
    if (flow_is_good(f) && slots_at(f, 3) != slots)
        pst_test_fail(__FILE__, __LINE__, "%s: slots 0x%" PRIx64 ", not 0x%" PRIx64, bodies, slots_at(f, 3), slots);
    flow_free(f);
}

TEST(flow_knows_callees_that_read_below_what_they_got)
{
    passes("a: r0 = *(u64 *)(r1 + 0); exit", 0xff);
    passes("a: r1 += -8; r0 = *(u64 *)(r1 + 0); exit", UINT64_MAX);
    passes("a: r1 += 8; r0 = *(u64 *)(r1 + 0); exit", 0xff);
    passes("a: r2 = 5; r1 -= r2; r0 = *(u64 *)(r1 + 0); exit", UINT64_MAX);
    passes("a: call b; exit; b: r0 = *(u64 *)(r1 - 8); exit", UINT64_MAX);
    passes("a: call b; exit; b: r0 = *(u64 *)(r1 + 8); exit", 0xff);
    passes("a: r1 += -8; call b; exit; b: r0 = *(u64 *)(r1 + 0); exit", UINT64_MAX);
    // By way of the stack of a: stored and loaded again; and found there by b.
    passes("a: *(u64 *)(r10 - 8) = r1; r2 = *(u64 *)(r10 - 8); r0 = *(u64 *)(r2 - 8); exit", UINT64_MAX);
    passes("a: *(u64 *)(r10 - 8) = r1; r1 = r10; r1 += -8; call b; exit; b: r1 = *(u64 *)(r1 + 0); r0 = *(u64 *)(r1 - 8); exit", UINT64_MAX);
}

TEST(flow_knows_that_callees_follow_stored_pointers)
{
    flowed *f = flow_text("r1 = r10; r1 += -64; *(u64 *)(r10 - 8) = r1; r1 = r10; r1 += -8; goto +0; call a; r0 = 0; exit;"
                          "a: r1 = *(u64 *)(r1 + 0); r0 = *(u64 *)(r1 + 8); exit");
    REQUIRE(flow_is_good(f));
    CHECK_EQ(slots_at(f, 6), 0xff);
    flow_free(f);
    // The pointer is stored behind the load in the text, and no register tells that there is one.
    f = flow_text("r1 = r10; r1 += -64; *(u64 *)(r10 - 8) = 0; r0 = 0; head: r2 = *(u64 *)(r10 - 8); if r2 == 0 goto st; r0 = *(u64 *)(r2 + 8);"
                  "st: *(u64 *)(r10 - 8) = r1; r2 = 0; r0 = 0; if r0 == 0 goto head; exit");
    REQUIRE(flow_is_good(f));
    CHECK_EQ(slots_at(f, 6), 0xff);
    flow_free(f);
}

TEST(flow_knows_what_callbacks_read)
{
    flowed *f = flow_text("r1 = 4; r2 = subprog[cb]; r3 = r10; r3 += -16; r4 = 0; r6 = 7; call 181; r0 = r6; exit; cb: r0 = *(u64 *)(r2 + 0); exit");
    REQUIRE(flow_is_good(f));
    const vflow_block *call = flow_block_at(f, 7);
    CHECK_EQ(call->start, 7);
    CHECK_EQ(call->waiting_slots, 0x3);
    CHECK_EQ(call->waiting_wanted_slots, 0x3);
    CHECK_EQ(call->waiting_regs, R(1) | R(2) | R(3) | R(4) | R(6) | R(10));
    flow_free(f);
}

TEST(flow_follows_stored_pointers)
{
    flowed *f = flow_text("r1 = r10; r1 += -32; *(u64 *)(r10 - 8) = r1; goto +0; r2 = *(u64 *)(r10 - 8); r0 = *(u64 *)(r2 + 8); exit");
    REQUIRE(flow_is_good(f));
    CHECK_EQ(slots_at(f, 4), 0xf);
    flow_free(f);
    f = flow_text("r2 = r10; r2 += -32; if r1 == 0 goto +1; r2 += 16; goto +0; r0 = *(u64 *)(r2 + 0); exit"); // one of two
    REQUIRE(flow_is_good(f));
    CHECK_EQ(slots_at(f, 5), 0xf);
    flow_free(f);
    f = flow_text("r2 = r10; r2 += -32; r2 += r1; goto +0; r0 = *(u64 *)(r2 + 0); exit"); // anywhere
    REQUIRE(flow_is_good(f));
    CHECK_EQ(slots_at(f, 4), UINT64_MAX);
    flow_free(f);
}

TEST(flow_knows_wanted_numbers)
{
    // r6 is only stored to a map, r7 decides a branch, r8 moves an address, r9 is a size by way of the stack.
    flowed *f = flow_text("r6 = 1; r7 = 2; r8 = 3; r9 = 4; goto +0; r1 = map[fd:3][0]+0; *(u64 *)(r1 + 0) = r6; r1 += r8; *(u8 *)(r1 + 0) = 0;"
                          "*(u64 *)(r10 - 8) = r9; *(u64 *)(r10 - 16) = r6; if r7 == 2 goto +0; r1 = r10; r1 += -64; r2 = *(u64 *)(r10 - 8); call 6;"
                          "r0 = *(u64 *)(r10 - 16); exit");
    REQUIRE(flow_is_good(f));
    const vflow_block *b = flow_block_at(f, 5);
    CHECK_EQ(b->live_regs, R(3) | R(4) | R(5) | R(6) | R(7) | R(8) | R(9) | R(10)); // trace_printk prints whatever is in r3 to r5
    CHECK_EQ(b->wanted_regs & ~R(10) & ~R(6), R(7) | R(8) | R(9));
    CHECK_EQ(flow_block_at(f, 13)->wanted_slots & 1, 1);
    flow_free(f);
    f = flow_text("r6 = 1; goto +0; r1 = map[fd:3][0]+0; *(u64 *)(r1 + 0) = r6; r6 *= 3; *(u64 *)(r1 + 8) = r6; r0 = 0; exit");
    REQUIRE(flow_is_good(f));
    CHECK_EQ(flow_block_at(f, 2)->live_regs, R(6) | R(10));
    CHECK_EQ(flow_block_at(f, 2)->wanted_regs & R(6), 0);
    flow_free(f);
    f = flow_text("r6 = r1; call sub; exit; sub: *(u64 *)(r1 + 0) = r2; goto +0; r0 = 0; exit"); // may be the caller's stack
    REQUIRE(flow_is_good(f));
    CHECK(flow_block_at(f, 3)->wanted_regs & R(2));
    flow_free(f);
}

// --- Exactly, by search ---------------------------------------------------------------------------------------

// What an instruction of the plain programs below reads and writes: bits 0 to 9 registers, from 16 on slots.
static void plain_effect(const pst_insn *insn, uint64_t *reads, uint64_t *writes)
{
    uint64_t slot = insn->off < 0 ? 1ull << (16 + (-insn->off - 1) / 8) : 0;
    *reads = *writes = 0;
    switch ((pst_kind)insn->kind) {
    case PST_KIND_ALU:
        *writes = R(insn->dst);
        if (insn->op != PST_ALU_MOV) *reads |= R(insn->dst);
        if (!(insn->flags & PST_INSN_IMM)) *reads |= R(insn->src);
        break;
    case PST_KIND_BRANCH: *reads = R(insn->dst); break;
    case PST_KIND_EXIT: *reads = R(0); break;
    case PST_KIND_LOAD: *reads = slot, *writes = R(insn->dst); break;
    case PST_KIND_STORE: *reads = R(insn->src), *writes = insn->width == 64 ? slot : 0; break;
    default: break;
    }
}

// Whether some path from pc reads bit before anything writes it.
static bool is_read(const pst_image *image, uint32_t pc, uint64_t bit)
{
    uint8_t seen[128] = {0};
    uint32_t stack[256], depth = 0;
    stack[depth++] = pc;
    while (depth) {
        uint64_t reads, writes;
        pc = stack[--depth];
        if (seen[pc]) continue;
        seen[pc] = 1;
        const pst_insn *insn = &image->insns[pc];
        plain_effect(insn, &reads, &writes);
        if (reads & bit) return true;
        if (writes & bit || insn->kind == PST_KIND_EXIT) continue;
        stack[depth++] = pc + 1;
        if (insn->kind == PST_KIND_BRANCH) stack[depth++] = (uint32_t)((int32_t)pc + 1 + insn->target);
    }
    return false;
}

static pst_slot random_plain(uint64_t *seed, uint32_t at, uint32_t count)
{
    uint8_t dst = (uint8_t)flow_random(seed, 10), src = (uint8_t)flow_random(seed, 10);
    int16_t off = (int16_t)(-8 * (int)(1 + flow_random(seed, 6)));
    switch (flow_random(seed, 7)) {
    case 0: return (pst_slot){.opcode = 0xbf, .regs = (uint8_t)(dst | src << 4)};
    case 1: return (pst_slot){.opcode = 0x0f, .regs = (uint8_t)(dst | src << 4)};
    case 2: return (pst_slot){.opcode = 0x7b, .regs = (uint8_t)(10 | src << 4), .off = off};
    case 3: return (pst_slot){.opcode = 0x63, .regs = (uint8_t)(10 | src << 4), .off = off};
    case 4: return (pst_slot){.opcode = flow_random(seed, 2) ? 0x79 : 0x71, .regs = (uint8_t)(dst | 10 << 4), .off = off};
    case 5: return (pst_slot){.opcode = 0xb7, .regs = dst};
    default: return (pst_slot){.opcode = 0x15, .regs = dst, .off = (int16_t)((int32_t)flow_random(seed, count) - (int32_t)at - 1)};
    }
}

TEST(flow_liveness_is_exact_on_plain_programs)
{
    uint64_t seed = 88172645463325252u;
    for (int n = 0; n < 4000; n++) {
        pst_slot slots[64];
        uint32_t count = 4 + flow_random(&seed, 40);
        for (uint32_t i = 0; i + 1 < count; i++) slots[i] = random_plain(&seed, i, count);
        slots[count - 1] = (pst_slot){.opcode = 0x95};
        flowed *f = flow_slots(slots, count);
        REQUIRE(flow_is_good(f));
        for (uint32_t b = 0; b < f->flow.block_count; b++) {
            const vflow_block *block = &f->flow.blocks[b];
            for (unsigned bit = 0; bit < 22; bit++) {
                if (bit >= 10 && bit < 16) continue;
                bool live = (bit < 10 ? (uint64_t)block->live_regs >> bit : block->live_slots >> (bit - 16)) & 1;
                bool read = is_read(f->image, block->start, 1ull << bit);
                if (live == read) continue;
                pst_test_fail(__FILE__, __LINE__, "program %d, pc %u, %s %u: live %d, read %d", n, block->start, bit < 10 ? "r" : "slot", bit & 15, live, read);
            }
            CHECK((block->wanted_regs & ~block->live_regs) == 0 && (block->wanted_slots & ~block->live_slots) == 0);
        }
        flow_free(f);
    }
}

// --- Random programs with pointers ----------------------------------------------------------------------------

enum { FUNCTIONS = 4, BODY_MAX = 96, ACTS_MAX = 64, STEPS_MAX = 300, MAIN = 0, SUB_A = 1, SUB_B = 2, CALLBACK = 3 };

typedef struct random_program {
    pst_slot slots[FUNCTIONS * BODY_MAX];
    uint32_t start[FUNCTIONS + 1];
} random_program;

typedef struct body {
    uint64_t *seed;
    pst_slot *slots;
    uint32_t count, length, function;
    unsigned pointer; // a register that was made one
    struct { uint32_t at, callee; } calls[BODY_MAX];
    uint32_t call_count;
} body;

static void put(body *b, uint8_t opcode, unsigned dst, unsigned src, int off, int imm)
{
    b->slots[b->count++] = (pst_slot){.opcode = opcode, .regs = (uint8_t)(dst | src << 4), .off = (int16_t)off, .imm = imm};
}

static void put_pointer(body *b, unsigned reg)
{
    b->pointer = reg;
    put(b, 0xbf, reg, 10, 0, 0);
    put(b, 0x07, reg, 0, 0, -8 * (int)flow_random(b->seed, 9));
}

static void put_call(body *b)
{
    uint32_t callee = b->function == MAIN ? 1 + flow_random(b->seed, 3) : b->function == SUB_A ? 2 + flow_random(b->seed, 2) : 0;
    if (callee == 0) return;
    for (unsigned reg = 1; reg < 4; reg++) {
        uint32_t what = flow_random(b->seed, 4);
        if (what == 0) put_pointer(b, reg);
        else if (what == 1) put(b, 0xbf, reg, b->pointer, 0, 0);
        else if (what == 2) put(b, 0xbf, reg, 6 + flow_random(b->seed, 4), 0, 0);
    }
    b->calls[b->call_count].at = b->count;
    b->calls[b->call_count++].callee = callee;
    if (callee != CALLBACK) {
        put(b, 0x85, 0, 1, 0, 0);
        return;
    }
    put(b, 0x18, 2, 4, 0, 0);
    put(b, 0, 0, 0, 0, 0);
    put(b, 0xb7, 1, 0, 0, (int)flow_random(b->seed, 3));
    put(b, 0xb7, 4, 0, 0, 0);
    put(b, 0x85, 0, 0, 0, 181);
}

static void put_helper(body *b)
{
    if (flow_random(b->seed, 2)) {
        put(b, 0x18, 1, 1, 0, 3);
        put(b, 0, 0, 0, 0, 0);
        put_pointer(b, 2);
        put(b, 0x85, 0, 0, 0, 1);
    } else {
        put_pointer(b, 1);
        if (flow_random(b->seed, 3)) put(b, 0xb7, 2, 0, 0, 1 + (int)flow_random(b->seed, 20));
        put(b, 0x85, 0, 0, 0, 6);
    }
}

// Mostly one that calls leave alone: walks end at what is not initialised.
static unsigned random_reg(uint64_t *seed) { return flow_random(seed, 3) ? 6 + flow_random(seed, 4) : flow_random(seed, 10); }

static void put_random(body *b)
{
    static const uint8_t loads[] = {0x79, 0x79, 0x79, 0x61, 0x71}, stores[] = {0x7b, 0x7b, 0x7b, 0x63, 0x73};
    uint64_t *seed = b->seed;
    unsigned dst = random_reg(seed), src = random_reg(seed), pick = flow_random(seed, 10);
    unsigned base = pick < 4 ? 10 : pick < 9 ? b->pointer : random_reg(seed);
    int off = base == 10 ? -8 * (int)(1 + flow_random(seed, 8)) : 8 * ((int)flow_random(seed, 6) - 3);
    if (flow_random(seed, 8) == 0) off += (int)flow_random(seed, 8);
    switch (flow_random(seed, 15)) {
    case 0: put(b, 0xb7, dst, 0, 0, (int)flow_random(seed, 5) - 2); break;
    case 1: put(b, 0xbf, dst, flow_random(seed, 4) ? b->pointer : flow_random(seed, 11), 0, 0); break;
    case 2: put_pointer(b, dst); break;
    case 3: put(b, 0x07, dst, 0, 0, 8 * ((int)flow_random(seed, 5) - 2)); break;
    case 4: put(b, flow_random(seed, 2) ? 0x0f : 0x1f, dst, src, 0, 0); break;
    case 5:
    case 6:
    case 7: put(b, loads[flow_random(seed, 5)], dst, base, off, 0); break;
    case 8:
    case 9:
    case 10: put(b, stores[flow_random(seed, 5)], base, src, off, 0); break;
    case 11:
    case 12: put_call(b); break;
    case 13:
        if (flow_random(seed, 2)) put_helper(b);
        else put(b, 0x6f, dst, src, 0, 0);
        break;
    default: put(b, 0x15, dst, 0, 0, -1); break; // its target comes later
    }
}

static void random_body(uint64_t *seed, random_program *p, uint32_t function, body *b)
{
    bool starts[BODY_MAX] = {0};
    *b = (body){.seed = seed, .slots = p->slots + p->start[function], .function = function};
    uint32_t length = 14 + flow_random(seed, 40);
    for (unsigned r = 6; r < 10; r++) put(b, 0xb7, r, 0, 0, (int)r);
    if (function == MAIN)
        for (unsigned r = 0; r < 6; r++) put(b, 0xb7, r, 0, 0, (int)r);
    put_pointer(b, 6 + flow_random(seed, 4));
    if (function != MAIN) {
        b->pointer = 6 + flow_random(seed, 4);
        put(b, 0xbf, b->pointer, function == CALLBACK ? 2 : 1 + flow_random(seed, 3), 0, 0);
        if (flow_random(seed, 2)) put(b, 0x07, b->pointer, 0, 0, 8 * ((int)flow_random(seed, 4) - 2));
    }
    while (b->count < length) {
        starts[b->count] = true;
        put_random(b);
    }
    starts[b->count] = true;
    put(b, 0xb7, 0, 0, 0, 0);
    put(b, 0x95, 0, 0, 0, 0);
    for (uint32_t i = 0; i < b->count; i++) {
        if (b->slots[i].opcode != 0x15) continue;
        uint32_t to;
        do to = flow_random(seed, b->count); while (!starts[to]);
        b->slots[i].off = (int16_t)((int32_t)to - (int32_t)i - 1);
    }
    p->start[function + 1] = p->start[function] + b->count;
}

// All functions are called from the end of main too, so that each is reached.
static uint32_t random_pointers(uint64_t *seed, random_program *p)
{
    static body bodies[FUNCTIONS];
    p->start[0] = 0;
    for (uint32_t i = 0; i < FUNCTIONS; i++) {
        random_body(seed, p, i, &bodies[i]);
        if (i != MAIN) continue;
        body *b = &bodies[i];
        b->count -= 2;
        b->calls[b->call_count].at = b->count, b->calls[b->call_count++].callee = SUB_A;
        put(b, 0x85, 0, 1, 0, 0);
        b->calls[b->call_count].at = b->count, b->calls[b->call_count++].callee = SUB_B;
        put(b, 0x85, 0, 1, 0, 0);
        b->calls[b->call_count].at = b->count, b->calls[b->call_count++].callee = CALLBACK;
        put(b, 0x18, 2, 4, 0, 0);
        put(b, 0, 0, 0, 0, 0);
        put(b, 0xb7, 0, 0, 0, 0);
        put(b, 0x95, 0, 0, 0, 0);
        p->start[1] = p->start[0] + b->count;
    }
    for (uint32_t i = 0; i < FUNCTIONS; i++)
        for (uint32_t c = 0; c < bodies[i].call_count; c++) {
            uint32_t pc = p->start[i] + bodies[i].calls[c].at;
            p->slots[pc].imm = (int32_t)p->start[bodies[i].calls[c].callee] - (int32_t)pc - 1;
        }
    return p->start[FUNCTIONS];
}

// --- The interpreter ------------------------------------------------------------------------------------------

typedef enum cell_kind { CELL_NONE, CELL_NUMBER, CELL_POINTER } cell_kind;
typedef struct cell {
    cell_kind kind;
    uint32_t act; // of a pointer: whose stack
    int64_t n;    // the number, or the offset from that frame's fp
} cell;

typedef struct act { // one activation of a function
    cell regs[11], slots[64];
    uint32_t caller, call_pc; // call_pc: also where a callback's frame waits
    uint32_t turns;           // of a callback: how often it runs again
    bool is_callback;
} act;

typedef enum step_kind { STEP_PLAIN, STEP_CALL, STEP_RETURN } step_kind;
typedef struct walk_step {
    step_kind kind;
    uint32_t pc, act, other; // other: the callee, or the caller returned to
    uint32_t reads, writes, wants, feeds, stores;
    uint32_t mem_act;
    int64_t mem_off;
    uint32_t read_size, write_size;
    bool wants_memory, is_load, again; // again: a callback's helper goes on after this return
} walk_step;

typedef struct walk {
    const pst_image *image;
    uint64_t *seed;
    act acts[ACTS_MAX];
    uint32_t act_count, at, pc, step_count;
    walk_step steps[STEPS_MAX];
} walk;

static bool memory(walk_step *s, const cell *base, int64_t off, uint32_t read_size, uint32_t write_size)
{
    uint32_t size = read_size > write_size ? read_size : write_size;
    if (base->kind != CELL_POINTER || base->n + off < -512 || base->n + off + size > 0) return false;
    s->mem_act = base->act, s->mem_off = base->n + off, s->read_size = read_size, s->write_size = write_size;
    return true;
}

static bool run_alu(walk *w, walk_step *s, const pst_insn *insn)
{
    act *a = &w->acts[w->at];
    cell *dst = &a->regs[insn->dst], b = insn->flags & PST_INSN_IMM ? (cell){CELL_NUMBER, 0, insn->imm} : a->regs[insn->src];
    s->writes = R(insn->dst);
    s->reads = s->feeds = (insn->op == PST_ALU_MOV ? 0 : R(insn->dst)) | (insn->flags & PST_INSN_IMM ? 0 : R(insn->src));
    if (b.kind == CELL_NONE || (insn->op != PST_ALU_MOV && dst->kind == CELL_NONE)) return false;
    if (insn->op == PST_ALU_MOV) {
        *dst = b;
        return true;
    }
    bool adds = insn->op == PST_ALU_ADD, subtracts = insn->op == PST_ALU_SUB;
    if (adds && dst->kind == CELL_NUMBER && b.kind == CELL_POINTER) {
        b.n += dst->n;
        *dst = b;
    } else if ((adds || subtracts) && b.kind == CELL_NUMBER) {
        dst->n = (int64_t)((uint64_t)dst->n + (adds ? (uint64_t)b.n : 0 - (uint64_t)b.n));
        if (dst->kind == CELL_POINTER && (dst->n > 1 << 20 || dst->n < -(1 << 20))) return false;
    } else {
        *dst = (cell){CELL_NUMBER, 0, 1};
    }
    return true;
}

static bool run_load(walk *w, walk_step *s, const pst_insn *insn)
{
    act *a = &w->acts[w->at];
    s->reads = s->wants = R(insn->src);
    s->writes = R(insn->dst);
    s->is_load = true;
    if (!memory(s, &a->regs[insn->src], insn->off, insn->width / 8, 0)) return false;
    bool whole = insn->width == 64 && s->mem_off % 8 == 0;
    cell value = w->acts[s->mem_act].slots[(-s->mem_off - 1) / 8];
    a->regs[insn->dst] = whole && value.kind != CELL_NONE ? value : (cell){CELL_NUMBER, 0, 0};
    return true;
}

static bool run_store(walk *w, walk_step *s, const pst_insn *insn)
{
    act *a = &w->acts[w->at];
    s->reads = R(insn->src) | R(insn->dst);
    s->wants = R(insn->dst);
    s->stores = R(insn->src);
    cell value = a->regs[insn->src];
    if (value.kind == CELL_NONE || !memory(s, &a->regs[insn->dst], insn->off, 0, insn->width / 8)) return false;
    if (value.kind == CELL_POINTER && s->mem_act != w->at) return false; // no pointer to a stack goes into a caller's frame
    act *to = &w->acts[s->mem_act];
    for (int64_t off = s->mem_off; off < s->mem_off + insn->width / 8; off++) to->slots[(-off - 1) / 8] = (cell){CELL_NUMBER, 0, 0};
    if (insn->width == 64 && s->mem_off % 8 == 0) to->slots[(-s->mem_off - 1) / 8] = value;
    return true;
}

static bool enter(walk *w, walk_step *s, uint32_t start)
{
    if (w->act_count == ACTS_MAX) return false;
    uint32_t index = w->act_count++;
    act *callee = &w->acts[index];
    memset(callee, 0, sizeof *callee);
    callee->regs[10] = (cell){CELL_POINTER, index, 0};
    callee->caller = w->at;
    callee->call_pc = w->pc;
    s->kind = STEP_CALL;
    s->other = index;
    w->at = index;
    w->pc = start;
    return true;
}

static void clobber(act *a)
{
    memset(a->regs, 0, 6 * sizeof *a->regs);
    a->regs[0] = (cell){CELL_NUMBER, 0, 0};
}

static bool run_callback(walk *w, walk_step *s, const cell *args, uint32_t turns)
{
    cell ctx = args[3];
    if (!enter(w, s, (uint32_t)args[2].n)) return false;
    act *callee = &w->acts[w->at];
    callee->regs[1] = (cell){CELL_NUMBER, 0, 0};
    callee->regs[2] = ctx;
    callee->is_callback = true;
    callee->turns = turns;
    return true;
}

static bool run_helper(walk *w, walk_step *s, const pst_insn *insn)
{
    act *a = &w->acts[w->at];
    s->writes = 0x3f;
    if (insn->imm == 181) {
        s->reads = s->wants = R(1) | R(2) | R(3) | R(4);
        if (a->regs[3].kind == CELL_NONE || a->regs[2].kind != CELL_NUMBER) return false;
        if (a->regs[1].n > 0) return run_callback(w, s, a->regs, (uint32_t)a->regs[1].n - 1);
    } else if (insn->imm == 1) {
        s->reads = s->wants = R(1) | R(2);
        s->wants_memory = true;
        if (!memory(s, &a->regs[2], 0, 4, 0)) return false;
    } else {
        s->reads = R(1) | R(2) | R(3) | R(4) | R(5);
        s->wants = R(1) | R(2);
        if (a->regs[2].kind != CELL_NUMBER || a->regs[2].n <= 0 || a->regs[2].n > 64) return false;
        if (!memory(s, &a->regs[1], 0, (uint32_t)a->regs[2].n, 0)) return false;
    }
    clobber(a);
    w->pc++;
    return true;
}

static bool run_call(walk *w, walk_step *s, const pst_insn *insn)
{
    if (insn->op != PST_CALL_SUBPROG) return run_helper(w, s, insn);
    cell args[6];
    memcpy(args, w->acts[w->at].regs, sizeof args);
    if (!enter(w, s, (uint32_t)((int32_t)w->pc + 1 + insn->target))) return false;
    memcpy(w->acts[w->at].regs + 1, args + 1, 5 * sizeof *args);
    return true;
}

static bool run_exit(walk *w, walk_step *s)
{
    act *a = &w->acts[w->at];
    s->reads = R(0);
    if (w->at == 0 || a->regs[0].kind != CELL_NUMBER) return false;
    s->kind = STEP_RETURN;
    s->wants = R(0);
    s->other = a->caller;
    s->again = a->is_callback && a->turns > 0;
    act *caller = &w->acts[a->caller];
    w->at = a->caller;
    w->pc = a->call_pc;
    if (s->again) { // as if the call were met again with one turn less
        caller->regs[1].n = a->turns;
        return true;
    }
    clobber(caller);
    w->pc++;
    return true;
}

// One instruction; false: the walk ends here (its reads still count).
static bool run_step(walk *w)
{
    const pst_insn *insn = &w->image->insns[w->pc];
    walk_step *s = &w->steps[w->step_count++];
    *s = (walk_step){.pc = w->pc, .act = w->at};
    bool goes_on = false;
    switch ((pst_kind)insn->kind) {
    case PST_KIND_ALU: goes_on = run_alu(w, s, insn); break;
    case PST_KIND_LOAD: goes_on = run_load(w, s, insn); break;
    case PST_KIND_STORE: goes_on = run_store(w, s, insn); break;
    case PST_KIND_IMM64:
        s->writes = R(insn->dst);
        w->acts[w->at].regs[insn->dst] = (cell){CELL_NUMBER, 0, (int64_t)w->pc + 1 + insn->target};
        w->pc++;
        goes_on = true;
        break;
    case PST_KIND_BRANCH:
        s->reads = s->wants = R(insn->dst);
        if (flow_random(w->seed, 2)) w->pc = (uint32_t)((int32_t)w->pc + insn->target);
        goes_on = true;
        break;
    case PST_KIND_CALL: return run_call(w, s, insn);
    case PST_KIND_EXIT: return run_exit(w, s);
    default: break;
    }
    w->pc++;
    return goes_on;
}

static void run_walk(walk *w, const pst_image *image, uint64_t *seed)
{
    w->image = image;
    w->seed = seed;
    w->act_count = 1;
    w->at = w->pc = w->step_count = 0;
    memset(&w->acts[0], 0, sizeof w->acts[0]);
    w->acts[0].regs[10] = (cell){CELL_POINTER, 0, 0};
    w->acts[0].regs[1] = (cell){CELL_NUMBER, 0, 0};
    while (w->step_count < STEPS_MAX && run_step(w)) {}
}

// --- The walk backwards ---------------------------------------------------------------------------------------

typedef struct alive {
    uint32_t regs, wanted_regs;
    uint8_t bytes[512], wanted_bytes[512]; // by distance from fp, less one
} alive;

static uint64_t as_slots(const uint8_t *bytes)
{
    uint64_t slots = 0;
    for (unsigned i = 0; i < 512; i++) slots |= (uint64_t)(bytes[i] != 0) << i / 8;
    return slots;
}

static void step_memory(alive *acts, const walk_step *s, bool result, bool *stored)
{
    alive *m = &acts[s->mem_act];
    for (uint32_t i = 0; i < s->write_size; i++) {
        int64_t at = -(s->mem_off + i) - 1;
        *stored |= m->wanted_bytes[at] != 0;
        m->bytes[at] = m->wanted_bytes[at] = 0;
    }
    for (uint32_t i = 0; i < s->read_size; i++) {
        int64_t at = -(s->mem_off + i) - 1;
        m->bytes[at] = 1;
        if (s->wants_memory || (s->is_load && result)) m->wanted_bytes[at] = 1;
    }
}

static void step_back(alive *acts, const walk_step *s)
{
    alive *a = &acts[s->act];
    bool stored = false, result;
    if (s->kind == STEP_RETURN && !s->again) acts[s->other].regs &= ~0x3fu, acts[s->other].wanted_regs &= ~0x3fu;
    if (s->kind == STEP_CALL && s->writes == 0) {
        a->regs |= acts[s->other].regs & 0x3e;
        a->wanted_regs |= acts[s->other].wanted_regs & 0x3e;
    }
    result = (a->wanted_regs & s->writes) != 0;
    a->regs &= ~s->writes;
    a->wanted_regs &= ~s->writes;
    step_memory(acts, s, result, &stored);
    a->regs |= s->reads;
    a->wanted_regs |= s->wants | (result ? s->feeds : 0) | (stored ? s->stores : 0);
}

// NULL, or what the flow misses at the block where s stands, in the frame that runs or one that waits.
static const char *missing(const flowed *f, const walk *w, const alive *acts, const walk_step *s)
{
    const vflow_block *b = flow_block_at(f, s->pc);
    const alive *a = &acts[s->act];
    if (b->start != s->pc) return NULL;
    if (a->regs & ~b->live_regs) return "live_regs";
    if (a->wanted_regs & ~b->wanted_regs) return "wanted_regs";
    if (as_slots(a->bytes) & ~b->live_slots) return "live_slots";
    if (as_slots(a->wanted_bytes) & ~b->wanted_slots) return "wanted_slots";
    for (uint32_t at = s->act; at != 0; at = w->acts[at].caller) {
        const alive *waits = &acts[w->acts[at].caller];
        const vflow_block *call = flow_block_at(f, w->acts[at].call_pc);
        if (waits->regs & ~call->waiting_regs & ~0x3fu) return "waiting_regs";
        if (w->acts[at].is_callback && waits->regs & ~call->waiting_regs) return "waiting_regs of a callback";
        if (waits->wanted_regs & ~call->waiting_wanted_regs & ~0x3fu) return "waiting_wanted_regs";
        if (as_slots(waits->bytes) & ~call->waiting_slots) return "waiting_slots";
        if (as_slots(waits->wanted_bytes) & ~call->waiting_wanted_slots) return "waiting_wanted_slots";
    }
    return NULL;
}

static const char *check_walk(const flowed *f, const walk *w, uint32_t *pc)
{
    static alive acts[ACTS_MAX];
    memset(acts, 0, w->act_count * sizeof *acts);
    for (uint32_t i = w->step_count; i-- > 0;) {
        step_back(acts, &w->steps[i]);
        const char *what = missing(f, w, acts, &w->steps[i]);
        *pc = w->steps[i].pc;
        if (what) return what;
    }
    return NULL;
}

static void show(const flowed *f)
{
    pst_text out;
    pst_text_init(&out, pst_pal_env());
    for (uint32_t pc = 0; pc < f->image->count; pc++) {
        if (f->image->insns[pc].kind == PST_KIND_PADDING) continue;
        pst_text_clear(&out);
        pst_disasm_insn(&out, &f->image->insns[pc], pc, NULL);
        printf("%4u: %s\n", pc, pst_text_cstr(&out));
    }
    pst_text_free(&out);
}

TEST(flow_liveness_holds_on_every_walk)
{
    static random_program p;
    static walk w;
    uint64_t seed = 0x853c49e6748fea9bu, steps = 0, calls = 0, live_bits = 0;
    for (int n = 0; n < 6000; n++) {
        uint32_t count = random_pointers(&seed, &p);
        flowed *f = flow_slots(p.slots, count);
        REQUIRE(flow_is_good(f));
        for (uint32_t b = 0; b < f->flow.block_count; b++) live_bits += (uint64_t)PST_POPCOUNT64(f->flow.blocks[b].live_slots);
        for (int k = 0; k < 6; k++) {
            uint32_t pc = 0;
            run_walk(&w, f->image, &seed);
            steps += w.step_count;
            calls += w.act_count - 1;
            const char *what = check_walk(f, &w, &pc);
            if (!what) continue;
            show(f);
            pst_test_fail(__FILE__, __LINE__, "program %d: %s misses something at %u", n, what, pc);
            flow_free(f);
            return;
        }
        flow_free(f);
    }
    printf("%" PRIu64 " steps, %" PRIu64 " calls, %" PRIu64 " live slots in all\n", steps, calls, live_bits);
    CHECK(steps > 100000 && calls > 3000);
}

static bool finds_in_walk(const flowed *f, const walk *w, const char *what)
{
    uint32_t pc = 0;
    const char *found = check_walk(f, w, &pc);
    return found && strcmp(found, what) == 0;
}

TEST(flow_walks_catch_planted_bugs)
{
    static walk w;
    uint64_t seed = 1;
    uint32_t pc = 0;
    flowed *f = flow_text("r6 = 7; *(u64 *)(r10 - 8) = r6; if r6 == 1 goto +0; r0 = *(u64 *)(r10 - 8); if r0 == 7 goto +0; if r6 == 7 goto +0; exit");
    REQUIRE(flow_is_good(f));
    run_walk(&w, f->image, &seed);
    CHECK(w.step_count == 7 && check_walk(f, &w, &pc) == NULL);
    vflow_block *b = (vflow_block *)(uintptr_t)flow_block_at(f, 3), good = *b;
    b->live_slots = 0;
    CHECK(finds_in_walk(f, &w, "live_slots"));
    *b = good;
    b->live_regs &= (uint16_t)~R(6);
    CHECK(finds_in_walk(f, &w, "live_regs"));
    *b = good;
    b->wanted_slots = 0;
    CHECK(finds_in_walk(f, &w, "wanted_slots"));
    flow_free(f);
}
