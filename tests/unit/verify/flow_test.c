// flow_test.c: blocks, reachability, calls, loops and the weak topological order, against brute force on random graphs and on large hostile ones.
#include "flow_fixture.h"

static void finds(const char *text, pst_finding_kind kind, uint32_t pc, const char *part)
{
    flowed *f = flow_text(text);
    if (f->finding.kind != kind || f->finding.pc != pc || !strstr(f->finding.text, part))
        pst_test_fail(__FILE__, __LINE__, "%s: kind %s, pc %u, \"%s\"", text, pst_status_text(f->status), f->finding.pc, f->finding.text);
    flow_free(f);
}

// --- Blocks ---------------------------------------------------------------------------------------------------

TEST(flow_cuts_blocks_after_jumps_calls_and_before_targets)
{
    flowed *f = flow_text("r0 = 0; if r1 == 0 goto out; call sub; r0 = 1; out: exit; sub: r2 = 0x1122334455667788 ll; exit");
    REQUIRE(flow_is_good(f));
    CHECK_EQ(f->flow.block_count, 5);
    const vflow_block *b = f->flow.blocks;
    CHECK(b[0].start == 0 && b[0].last == 1 && b[0].next == 1 && b[0].target == 3 && b[0].is_join);
    CHECK(b[1].start == 2 && b[1].last == 2 && b[1].next == 2 && b[1].target == VFLOW_NONE && !b[1].is_join);
    CHECK(b[2].start == 3 && b[2].last == 3 && b[2].next == 3 && b[2].is_join); // where the call returns
    CHECK(b[3].start == 4 && b[3].last == 4 && b[3].next == VFLOW_NONE && b[3].is_join);
    CHECK(b[4].start == 5 && b[4].last == 7 && b[4].subprog == 1 && b[4].is_join);
    CHECK_EQ(f->flow.block_of[6], 4);
    CHECK(f->flow.subs[1].entry == 4 && f->flow.subs[1].first_block == 4 && f->flow.subs[1].block_count == 1);
    CHECK(f->flow.subs[1].is_reached && !f->flow.subs[1].is_callback);
    flow_free(f);
}

TEST(flow_gives_calls_with_callbacks_a_block)
{
    flowed *f = flow_text("r1 = 4; r2 = subprog[cb]; r3 = 0; r4 = 0; call 181; r0 = 0; exit; cb: r0 = 0; exit");
    REQUIRE(flow_is_good(f));
    const vflow_block *call = flow_block_at(f, 5);
    CHECK(call->start == 5 && call->last == 5 && call->is_join);
    CHECK(f->flow.blocks[call->next].start == 6 && f->flow.blocks[call->next].is_join);
    CHECK(f->flow.subs[1].is_callback && f->flow.subs[1].is_reached);
    flow_free(f);
}

TEST(flow_refuses_what_is_never_reached)
{
    finds("r0 = 0; exit; r0 = 1; exit", PST_FINDING_UNREACHABLE, 2, "instruction 2 is never reached");
    finds("r0 = 0; goto +1; r0 = 1; exit", PST_FINDING_UNREACHABLE, 2, "instruction 2 is never reached");
    // As Linux 6.18: a subprogram that only unreached instructions call, or that only calls itself.
    finds("r0 = 0; exit; call pc+1; exit; r0 = 1; exit", PST_FINDING_UNREACHABLE, 2, "");
    finds("r0 = 0; exit; r0 = 1; call pc-2; exit", PST_FINDING_UNREACHABLE, 2, "");
    finds("r0 = 0; a: goto a; exit", PST_FINDING_UNREACHABLE, 2, "");
}

TEST(flow_refuses_recursion)
{
    finds("call sub; exit; sub: r0 = 0; call sub; exit", PST_FINDING_RECURSION, 3, "recursive");
    finds("call a; exit; a: call b; exit; b: call a; exit", PST_FINDING_RECURSION, 4, "recursive");
    finds("r0 = 0; if r1 == 0 goto +1; call pc-3; exit", PST_FINDING_RECURSION, 2, "recursive");
    // Through a callback it is no recursion of direct calls.
    flowed *f = flow_text("r2 = subprog[cb]; call 181; exit; cb: call sub; exit; sub: r2 = subprog[cb]; r0 = 0; exit");
    CHECK(flow_is_good(f));
    flow_free(f);
}

TEST(flow_limits_the_depth_of_calls)
{
    finds("call a; exit; a: call b; exit; b: call c; exit; c: call d; exit; d: call e; exit; e: call f; exit; f: call g; exit; g: call h; exit;"
          "h: r0 = 0; exit", PST_FINDING_CALL_DEPTH, 14, "9 frames deep; the limit is 8");
    flowed *f = flow_text("call a; exit; a: call b; exit; b: call c; exit; c: call d; exit; d: call e; exit; e: call f; exit; f: call g; exit; g: r0 = 0; exit");
    CHECK(flow_is_good(f));
    flow_free(f);
}

// --- Loops, by hand -------------------------------------------------------------------------------------------

TEST(flow_nests_loops)
{
    flowed *f = flow_text("r1 = 0; outer: r2 = 0; inner: r2 += 1; if r2 != 8 goto inner; r1 += 1; if r1 != 8 goto outer; r0 = 0; exit");
    REQUIRE(flow_is_good(f));
    REQUIRE(f->flow.loop_count == 2);
    const vflow_loop *loops = f->flow.loops;
    CHECK(loops[0].head == f->flow.block_of[1] && loops[0].parent == VFLOW_NONE && loops[0].depth == 0 && !loops[0].is_bounded);
    CHECK(loops[1].head == f->flow.block_of[2] && loops[1].parent == 0 && loops[1].depth == 1);
    CHECK(flow_block_at(f, 0)->loop == VFLOW_NONE && flow_block_at(f, 6)->loop == VFLOW_NONE);
    CHECK(flow_block_at(f, 4)->loop == 0 && flow_block_at(f, 3)->loop == 1);
    CHECK(vflow_in_loop(&f->flow, f->flow.block_of[2], 0) && !vflow_in_loop(&f->flow, f->flow.block_of[1], 1));
    flow_free(f);
}

TEST(flow_knows_loops_that_count_themselves)
{
    flowed *f = flow_text("r1 = 0; head: may_goto out; r1 += 1; goto head; out: r0 = 0; exit");
    REQUIRE(flow_is_good(f) && f->flow.loop_count == 1);
    CHECK(f->flow.loops[0].is_bounded);
    flow_free(f);
    f = flow_text("r1 = 0; head: if r1 == 7 goto head; may_goto out; r1 += 1; goto head; out: r0 = 0; exit"); // one way round does not count
    REQUIRE(flow_is_good(f) && f->flow.loop_count == 1);
    CHECK(!f->flow.loops[0].is_bounded);
    flow_free(f);
    // The inner loop turns by itself, the outer one only past a may_goto.
    f = flow_text("r1 = 0; outer: r1 += 1; inner: r1 += 2; if r1 != 9 goto inner; may_goto out; goto outer; out: r0 = 0; exit");
    REQUIRE(flow_is_good(f) && f->flow.loop_count == 2);
    CHECK(f->flow.loops[0].is_bounded && !f->flow.loops[1].is_bounded);
    flow_free(f);
}

TEST(flow_knows_iterators)
{
    const pst_helper_proto *next = pst_kfunc_proto_by_name("bpf_iter_num_next");
    if (!next) {
        pst_test_skip("the catalog has no kfuncs");
        return;
    }
    flowed *f = flow_text("r6 = r10; r6 += -8; r1 = r6; call kfunc 2; head: r1 = r6; call kfunc 1; if r0 == 0 goto out; goto head;"
                          "out: r1 = r6; call kfunc 3; r0 = 0; exit");
    REQUIRE(flow_is_good(f) && f->flow.loop_count == 1);
    CHECK(f->flow.loops[0].is_bounded);
    CHECK(flow_block_at(f, 5)->start == 5 && flow_block_at(f, 5)->last == 5);
    CHECK_EQ(flow_block_at(f, 4)->live_slots, 1);
    flow_free(f);
}

// --- Any graph, by brute force --------------------------------------------------------------------------------

static bool in_loop(const vflow *flow, uint32_t block, uint32_t loop)
{
    for (uint32_t at = flow->blocks[block].loop; at != VFLOW_NONE; at = flow->loops[at].parent)
        if (at == loop) return true;
    return false;
}

// Marks what `from` reaches along edges inside loop (VFLOW_NONE: anywhere), by one step or more; without goes around blocks that are 1 there,
// and leaves those that are JUMP_ONLY by their jump alone.
#define JUMP_ONLY 2
static void spread(const vflow *flow, uint32_t from, uint32_t loop, const uint8_t *without, uint8_t *seen)
{
    static uint32_t stack[1u << 12];
    uint32_t depth = 0;
    memset(seen, 0, flow->block_count);
    stack[depth++] = from;
    while (depth) {
        uint32_t at = stack[--depth];
        const vflow_block *b = &flow->blocks[at];
        for (int w = without && without[at] == JUMP_ONLY; w < 2; w++) {
            uint32_t to = w ? b->target : b->next;
            if (to == VFLOW_NONE || seen[to] || (without && without[to] == 1) || (loop != VFLOW_NONE && !in_loop(flow, to, loop))) continue;
            seen[to] = 1;
            stack[depth++] = to;
        }
    }
}

// NULL, or what is wrong with the order.
static const char *wrong_order(const vflow *flow)
{
    for (uint32_t u = 0; u < flow->block_count; u++) {
        const vflow_block *b = &flow->blocks[u];
        for (int w = 0; w < 2; w++) {
            uint32_t v = w ? b->target : b->next;
            if (v == VFLOW_NONE) continue;
            const vflow_block *to = &flow->blocks[v];
            if (to->order > b->order) continue;
            if (!to->is_head || !in_loop(flow, u, to->loop)) return "an edge goes back to what is not a head around it";
        }
    }
    return NULL;
}

static const char *wrong_loops(const vflow *flow)
{
    static uint8_t from_head[1u << 12], reached[1u << 12];
    for (uint32_t l = 0; l < flow->loop_count; l++) {
        uint32_t head = flow->loops[l].head, size = 0, first = UINT32_MAX, last = 0;
        if (flow->blocks[head].loop != l || !flow->blocks[head].is_head) return "a head that is none";
        spread(flow, head, l, NULL, from_head);
        for (uint32_t u = 0; u < flow->block_count; u++) {
            if (in_loop(flow, u, l) != vflow_in_loop(flow, u, l)) return "vflow_in_loop";
            if (!in_loop(flow, u, l)) continue;
            size++;
            if (flow->blocks[u].order < first) first = flow->blocks[u].order;
            if (flow->blocks[u].order > last) last = flow->blocks[u].order;
            spread(flow, u, l, NULL, reached);
            if (!from_head[u] || !reached[head]) return "a component is not strongly connected";
        }
        if (first != flow->blocks[head].order) return "a head is not the first of its component";
        if (last - first + 1 != size) return "a component is not contiguous";
        uint32_t parent = flow->loops[l].parent;
        if (parent != VFLOW_NONE && (parent >= l || flow->loops[l].depth != flow->loops[parent].depth + 1)) return "parent";
    }
    return NULL;
}

static bool is_reducible(const vflow *flow)
{
    static uint8_t without[1u << 12], seen[1u << 12];
    for (uint32_t u = 0; u < flow->block_count; u++)
        for (int w = 0; w < 2; w++) {
            uint32_t v = w ? flow->blocks[u].target : flow->blocks[u].next;
            if (v == VFLOW_NONE || flow->blocks[v].order > flow->blocks[u].order || v == 0) continue;
            memset(without, 0, sizeof without);
            without[v] = 1;
            spread(flow, 0, VFLOW_NONE, without, seen);
            if (seen[u] && u != v) return false;
        }
    return true;
}

// *loose: loops that count themselves and are not known to.
static const char *wrong_bounds(const flowed *f, uint32_t *loose)
{
    static uint8_t counting[1u << 12], seen[1u << 12];
    const vflow *flow = &f->flow;
    for (uint32_t u = 0; u < flow->block_count; u++) counting[u] = f->image->insns[flow->blocks[u].last].kind == PST_KIND_MAY_GOTO ? JUMP_ONLY : 0;
    for (uint32_t l = 0; l < flow->loop_count; l++) {
        uint32_t head = flow->loops[l].head;
        spread(flow, head, l, counting, seen);
        bool bounded = !seen[head];
        if (flow->loops[l].is_bounded && !bounded) return "a loop is called bounded and turns freely";
        if (flow->loops[l].is_bounded == bounded) continue;
        ++*loose;
        if (is_reducible(flow)) return "a bounded loop is not known to be";
    }
    return NULL;
}

// A program of branches, jumps and may_gotos only.
static uint32_t random_graph(uint64_t *seed, pst_slot *slots)
{
    uint32_t count = 3 + flow_random(seed, 24), jumps = flow_random(seed, 4), counts = flow_random(seed, 3);
    for (uint32_t i = 0; i + 1 < count; i++) {
        int16_t off = (int16_t)((int32_t)flow_random(seed, count) - (int32_t)i - 1);
        uint32_t kind = flow_random(seed, 10);
        slots[i] = (pst_slot){.opcode = 0x15, .regs = 1, .off = off};
        if (kind < jumps && i % 2) slots[i] = (pst_slot){.opcode = 0x05, .off = off};
        else if (kind >= 8 && counts) slots[i] = (pst_slot){.opcode = 0xe5, .off = off};
        else if (kind == 7) slots[i] = (pst_slot){.opcode = 0xb7, .regs = 2};
    }
    slots[count - 1] = (pst_slot){.opcode = 0x95};
    return count;
}

static bool all_reached(const pst_slot *slots, uint32_t count, uint32_t *lowest)
{
    uint8_t seen[64] = {1};
    for (uint32_t round = 0; round < count; round++)
        for (uint32_t i = 0; i < count; i++) {
            if (!seen[i] || slots[i].opcode == 0x95) continue;
            if (slots[i].opcode != 0x05) seen[i + 1] = 1;
            if (slots[i].opcode != 0xb7) seen[(int32_t)i + 1 + slots[i].off] = 1;
        }
    for (*lowest = 0; *lowest < count && seen[*lowest]; ++*lowest) {}
    return *lowest == count;
}

TEST(flow_orders_any_graph)
{
    uint64_t seed = 0x9e3779b97f4a7c15u;
    uint32_t good = 0, irreducible = 0, bounded = 0, loose = 0;
    for (int n = 0; n < 30000; n++) {
        pst_slot slots[64] = {{0}};
        uint32_t count = random_graph(&seed, slots), lowest = 0;
        flowed *f = flow_slots(slots, count);
        if (!all_reached(slots, count, &lowest)) {
            CHECK(f->finding.kind == PST_FINDING_UNREACHABLE && f->finding.pc == lowest);
            flow_free(f);
            continue;
        }
        REQUIRE(flow_is_good(f));
        const char *wrong = wrong_order(&f->flow);
        if (!wrong) wrong = wrong_loops(&f->flow);
        if (!wrong) wrong = wrong_bounds(f, &loose);
        if (wrong) pst_test_fail(__FILE__, __LINE__, "graph %d: %s", n, wrong);
        good++;
        irreducible += !is_reducible(&f->flow);
        for (uint32_t l = 0; l < f->flow.loop_count; l++) bounded += f->flow.loops[l].is_bounded;
        flow_free(f);
        if (wrong) return;
    }
    printf("%u graphs, %u of them irreducible; %u bounded loops, %u more not recognised\n", good, irreducible, bounded, loose);
    CHECK(good > 5000 && irreducible > 1000 && bounded > 1000);
}

TEST(flow_checks_catch_planted_bugs)
{
    flowed *f = flow_text("r1 = 0; outer: r2 = 0; inner: r2 += 1; if r2 != 8 goto inner; may_goto out; if r1 != 8 goto outer; out: r0 = 0; exit");
    REQUIRE(flow_is_good(f) && f->flow.loop_count == 2);
    uint32_t loose = 0;
    vflow_block *blocks = (vflow_block *)(uintptr_t)f->flow.blocks;
    vflow_loop *loops = (vflow_loop *)(uintptr_t)f->flow.loops;
    CHECK(!wrong_order(&f->flow) && !wrong_loops(&f->flow) && !wrong_bounds(f, &loose));
    uint32_t inner = loops[1].head, order = blocks[inner].order;
    blocks[inner].order = blocks[inner + 1].order;
    blocks[inner + 1].order = order;
    CHECK(wrong_order(&f->flow) != NULL);
    blocks[inner + 1].order = blocks[inner].order;
    blocks[inner].order = order;
    order = blocks[loops[0].head].order;
    blocks[loops[0].head].order = blocks[inner].order;
    blocks[inner].order = order;
    CHECK(wrong_loops(&f->flow) != NULL);
    blocks[inner].order = blocks[loops[0].head].order;
    blocks[loops[0].head].order = order;
    CHECK(!wrong_order(&f->flow) && !wrong_loops(&f->flow));
    loops[1].is_bounded = true;
    CHECK(wrong_bounds(f, &loose) != NULL);
    loops[1].is_bounded = loops[0].is_bounded = false;
    CHECK(wrong_bounds(f, &loose) != NULL);
    flow_free(f);
}

// --- Large ones -----------------------------------------------------------------------------------------------

enum { LARGE = 65536 };

static pst_slot *large(void)
{
    pst_slot *slots = calloc(LARGE, sizeof *slots);
    if (!slots) abort();
    slots[LARGE - 1] = (pst_slot){.opcode = 0x95};
    return slots;
}

static pst_slot branch(uint32_t at, uint32_t to) { return (pst_slot){.opcode = 0x15, .regs = 1, .off = (int16_t)((int32_t)to - (int32_t)at - 1)}; }

TEST(flow_takes_a_ladder_of_diamonds)
{
    pst_slot *slots = large();
    for (uint32_t i = 0; i + 1 < LARGE; i++) slots[i] = i % 2 || i + 3 > LARGE ? (pst_slot){.opcode = 0xb7, .regs = 2} : branch(i, i + 2);
    flowed *f = flow_slots(slots, LARGE);
    REQUIRE(flow_is_good(f));
    CHECK_EQ(f->flow.loop_count, 0);
    CHECK(wrong_order(&f->flow) == NULL);
    flow_free(f);
    free(slots);
}

// Heads h1 .. hn in the front, their latches behind in reverse: n loops in each other. counting: each latch is behind a may_goto that
// jumps over it.
static pst_slot *nested(uint32_t n, bool counting)
{
    pst_slot *slots = large();
    for (uint32_t i = 0; i + 1 < LARGE; i++) slots[i] = (pst_slot){.opcode = 0xb7, .regs = 2};
    for (uint32_t i = 0; i < n; i++) {
        uint32_t latch = 2 * n + 2 * (n - i);
        if (counting) slots[latch - 1] = (pst_slot){.opcode = 0xe5, .off = 1};
        slots[latch] = branch(latch, 2 * i);
    }
    return slots;
}

TEST(flow_takes_loops_nested_thousands_deep)
{
    enum { N = 8000 };
    for (int counting = 0; counting < 2; counting++) {
        pst_slot *slots = nested(N, counting);
        flowed *f = flow_slots(slots, LARGE);
        REQUIRE(flow_is_good(f));
        REQUIRE(f->flow.loop_count == N);
        for (uint32_t i = 0; i < N; i++) {
            const vflow_loop *loop = &f->flow.loops[i];
            CHECK(loop->depth == i && loop->head == f->flow.block_of[2 * i] && loop->parent == (i ? i - 1 : VFLOW_NONE));
            CHECK(loop->is_bounded == (counting != 0));
        }
        CHECK(vflow_in_loop(&f->flow, f->flow.block_of[2 * N - 1], 0) && vflow_in_loop(&f->flow, f->flow.block_of[2 * N], N - 1));
        flow_free(f);
        free(slots);
    }
}

// Each loop is entered in its middle too, and its body is a region that only a may_goto lets in.
TEST(flow_takes_hostile_graphs)
{
    enum { N = 8000 };
    pst_slot *slots = nested(N, false);
    for (uint32_t i = 1; i < 2 * N; i += 2) slots[i] = branch(i, 2 * N + (i * 7) % (2 * N)); // into other loops' latches
    flowed *f = flow_slots(slots, LARGE);
    CHECK(flow_is_good(f));
    flow_free(f);
    for (uint32_t i = 1; i < 2 * N; i += 2) slots[i] = (pst_slot){.opcode = 0xe5, .off = (int16_t)(i % 3)};
    f = flow_slots(slots, LARGE);
    CHECK(flow_is_good(f));
    flow_free(f);
    uint64_t seed = 7;
    for (uint32_t i = 0; i + 1 < LARGE; i++) {
        int32_t off = (int32_t)flow_random(&seed, 60000) - 30000, to = (int32_t)i + 1 + off;
        slots[i] = to < 0 || to >= LARGE ? (pst_slot){.opcode = 0xb7, .regs = 2} : (pst_slot){.opcode = i % 5 ? 0x15 : 0xe5, .regs = i % 5 ? 1 : 0, .off = (int16_t)off};
    }
    f = flow_slots(slots, LARGE);
    CHECK(flow_is_good(f));
    flow_free(f);
    free(slots);
}

// --- Thresholds -----------------------------------------------------------------------------------------------

static bool has_threshold(const flowed *f, int64_t value)
{
    for (uint32_t i = 0; i < f->flow.threshold_count; i++)
        if (f->flow.thresholds[i] == value) return true;
    return false;
}

static bool ascends(const flowed *f)
{
    for (uint32_t i = 1; i < f->flow.threshold_count; i++)
        if (f->flow.thresholds[i - 1] >= f->flow.thresholds[i]) return false;
    return f->flow.threshold_count <= 256;
}

TEST(flow_collects_thresholds)
{
    flowed *f = flow_text("r1 = map[fd:4]; r2 = 4242; r3 = 0; if r3 > r2 goto +1; if w3 s> -7 goto +0; if r3 != 60 goto +0; r0 = 0; exit");
    REQUIRE(flow_is_good(f));
    const int64_t wanted[] = {INT64_MIN, -1, 0, 1, 255, 65535, INT64_MAX, UINT32_MAX, 4241, 4242, 4243, -8, -7, -6, 0xfffffff9, 59, 60, 61, 999, 1000, 1001, 40, 12};
    for (size_t i = 0; i < PST_COUNT(wanted); i++)
        if (!has_threshold(f, wanted[i])) pst_test_fail(__FILE__, __LINE__, "no threshold %" PRId64, wanted[i]);
    CHECK(ascends(f));
    flow_free(f);
}

TEST(flow_keeps_thresholds_few)
{
    pst_slot *slots = large();
    for (uint32_t i = 0; i + 1 < LARGE; i++) slots[i] = (pst_slot){.opcode = 0x15, .regs = 1, .imm = (int32_t)(i * 1000)};
    flowed *f = flow_slots(slots, LARGE);
    REQUIRE(flow_is_good(f));
    CHECK(ascends(f) && f->flow.threshold_count > 240 && has_threshold(f, INT64_MIN) && has_threshold(f, 512));
    flow_free(f);
    free(slots);
}

// --- Memory ---------------------------------------------------------------------------------------------------

static uint64_t g_allocations_left;

static void *resize_some(void *user, void *ptr, size_t old_size, size_t new_size)
{
    if (new_size && !ptr && g_allocations_left-- == 0) {
        g_allocations_left = 0;
        return NULL;
    }
    return pst_pal_env()->resize(user, ptr, old_size, new_size);
}

TEST(flow_survives_every_failed_allocation)
{
    flowed *f = flow_text("r1 = 0; head: r1 += 1; call sub; if r1 != 8 goto head; r0 = 0; exit; sub: r0 = 0; may_goto +0; exit");
    REQUIRE(flow_is_good(f));
    const pst_env env = {.resize = resize_some};
    pst_status status = PST_E_NOMEM;
    for (uint64_t n = 0; status != PST_OK && n < 100; n++) {
        pst_arena arena;
        pst_finding finding;
        vflow flow;
        pst_arena_init(&arena, &env, 0);
        g_allocations_left = n;
        status = vflow_build(&arena, &f->input, &finding, &flow);
        CHECK(status == PST_OK || status == PST_E_NOMEM);
        pst_arena_free(&arena);
    }
    CHECK_EQ(status, PST_OK);
    flow_free(f);
}
