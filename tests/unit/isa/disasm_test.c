// disasm_test.c: the texts themselves, and that the assembler turns each back into the same bytes.
#include "harness.h"
#include "isa_cases.h"

typedef struct text_case {
    pst_slot slot;
    int32_t next_imm;
    const char *text;
} text_case;

static const text_case cases[] = {
    {{0x0f, 0x10, 0, 0}, 0, "r0 += r1"},
    {{0x04, 0x03, 0, 5}, 0, "w3 += 5"},
    {{0xb4, 0x00, 0, -1}, 0, "w0 = -1"},
    {{0xbf, 0x10, 8, 0}, 0, "r0 = (s8)r1"},
    {{0xbc, 0x10, 16, 0}, 0, "w0 = (s16)w1"},
    {{0xbf, 0x10, 32, 0}, 0, "r0 = (s32)r1"},
    {{0x3f, 0x21, 1, 0}, 0, "r1 s/= r2"},
    {{0x94, 0x01, 1, 3}, 0, "w1 s%= 3"},
    {{0x57, 0x01, 0, 0xff}, 0, "r1 &= 0xff"},
    {{0x57, 0x01, 0, -8}, 0, "r1 &= -8"},
    {{0x87, 0x04, 0, 0}, 0, "r4 = -r4"},
    {{0xc7, 0x04, 0, 3}, 0, "r4 s>>= 3"},
    {{0xdc, 0x01, 0, 16}, 0, "r1 = be16 r1"},
    {{0xd4, 0x01, 0, 64}, 0, "r1 = le64 r1"},
    {{0xd7, 0x01, 0, 64}, 0, "r1 = bswap64 r1"},
    {{0x18, 0x00, 0, 0x55667788}, 0x11223344, "r0 = 0x1122334455667788 ll"},
    {{0x18, 0x11, 0, 5}, 0, "r1 = map[fd:5]"},
    {{0x18, 0x21, 0, 5}, 8, "r1 = map[fd:5][0]+8"},
    {{0x18, 0x31, 0, 5}, 0, "r1 = var[id:5]"},
    {{0x18, 0x31, 0, 5}, 3, "r1 = var[id:5][btf:3]"},
    {{0x18, 0x41, 0, 7}, 0, "r1 = subprog[+7]"},
    {{0x18, 0x51, 0, 5}, 0, "r1 = map[idx:5]"},
    {{0x18, 0x61, 0, 5}, 8, "r1 = map[idx:5][0]+8"},
    {{0x61, 0x10, 4, 0}, 0, "r0 = *(u32 *)(r1 + 4)"},
    {{0x71, 0xa0, -1, 0}, 0, "r0 = *(u8 *)(r10 - 1)"},
    {{0x91, 0x10, INT16_MIN, 0}, 0, "r0 = *(s8 *)(r1 - 32768)"},
    {{0x6a, 0x0a, -8, 7}, 0, "*(u16 *)(r10 - 8) = 7"},
    {{0x7b, 0x1a, -8, 0}, 0, "*(u64 *)(r10 - 8) = r1"},
    {{0xdb, 0x21, 0, 0}, 0, "lock *(u64 *)(r1 + 0) += r2"},
    {{0xc3, 0x21, 4, 0x40}, 0, "lock *(u32 *)(r1 + 4) |= w2"},
    {{0xdb, 0x21, 0, 1}, 0, "r2 = atomic_fetch_add((u64 *)(r1 + 0), r2)"},
    {{0xc3, 0x21, 0, 0xa1}, 0, "w2 = atomic_fetch_xor((u32 *)(r1 + 0), w2)"},
    {{0xdb, 0x21, 0, 0xf1}, 0, "r0 = cmpxchg_64(r1 + 0, r0, r2)"},
    {{0xc3, 0x21, 0, 0xf1}, 0, "w0 = cmpxchg32_32(r1 + 0, w0, w2)"},
    {{0xdb, 0x21, -8, 0xe1}, 0, "r2 = xchg_64(r1 - 8, r2)"},
    {{0xdb, 0x21, 0, 0x100}, 0, "r1 = load_acquire((u64 *)(r2 + 0))"},
    {{0xd3, 0x21, 0, 0x100}, 0, "w1 = load_acquire((u8 *)(r2 + 0))"},
    {{0xdb, 0x21, 0, 0x110}, 0, "store_release((u64 *)(r1 + 0), r2)"},
    {{0x30, 0x00, 0, 16}, 0, "r0 = *(u8 *)skb[16]"},
    {{0x48, 0x30, 0, 0}, 0, "r0 = *(u16 *)skb[r3]"},
    {{0x40, 0x30, 0, -4}, 0, "r0 = *(u32 *)skb[r3 - 4]"},
    {{0x05, 0, 3, 0}, 0, "goto +3"},
    {{0x06, 0, 0, 70000}, 0, "gotol +70000"},
    {{0x65, 0x01, 3, 5}, 0, "if r1 s> 5 goto +3"},
    {{0x46, 0x01, -2, 1}, 0, "if w1 & 0x1 goto -2"},
    {{0xde, 0x21, 0, 0}, 0, "if w1 s<= w2 goto +0"},
    {{0xe5, 0, 2, 0}, 0, "may_goto +2"},
    {{0x85, 0, 0, 5}, 0, "call 5"},
    {{0x85, 0x10, 0, 3}, 0, "call pc+3"},
    {{0x85, 0x10, 0, -3}, 0, "call pc-3"},
    {{0x85, 0x20, 0, 77}, 0, "call kfunc 77"},
    {{0x85, 0x20, 2, 77}, 0, "call kfunc 77 btf 2"},
    {{0x8d, 0x03, 0, 0}, 0, "callx r3"},
    {{0x8d, 0x00, 0, 3}, 0, "callx imm r3"},
    {{0x95, 0, 0, 0}, 0, "exit"},
    {{0xbf, 0x21, 1, 1}, 0, "r1 = addr_space_cast(r2, 0, 1)"},
    {{0xbf, 0x21, 1, 1 << 16}, 0, "r1 = addr_space_cast(r2, 1, 0)"},
};

TEST(texts)
{
    isa_heap heap;
    pst_env env = isa_heap_env(&heap);
    pst_text text;
    pst_text_init(&text, &env);
    for (size_t i = 0; i < PST_COUNT(cases); i++) {
        pst_slot slots[2] = {cases[i].slot, {0}};
        slots[1].imm = cases[i].next_imm;
        pst_insn insn;
        CHECK_EQ(pst_insn_decode(slots, 2, &insn), PST_DECODE_OK);
        pst_text_clear(&text);
        pst_disasm_insn(&text, &insn, 0, NULL);
        CHECK_STR(pst_text_cstr(&text), cases[i].text);
    }
    pst_text_free(&text);
    CHECK_EQ(heap.live_bytes, 0);
}

typedef struct trip {
    pst_env env;
    pst_text text;
    uint64_t failures, runs;
} trip;

static void check_round_trip(void *user, const pst_slot slots[2])
{
    trip *t = user;
    pst_insn insn;
    pst_asm_error error;
    pst_slot *again;
    size_t count, want;
    if (pst_insn_decode(slots, 2, &insn) != PST_DECODE_OK) return;
    want = insn.kind == PST_KIND_IMM64 ? 2 : 1;
    pst_text_clear(&t->text);
    pst_disasm_insn(&t->text, &insn, 0, NULL);
    t->runs++;
    pst_status status = pst_assemble(&t->env, pst_text_cstr(&t->text), &again, &count, &error);
    if (status != PST_OK || count != want || memcmp(again, slots, count * sizeof *again) != 0) {
        if (t->failures++ < 10) pst_test_fail(__FILE__, __LINE__, "\"%s\" comes back as other bytes: %s", pst_text_cstr(&t->text), error.text);
    }
    pst_free(&t->env, again, count * sizeof *again);
}

TEST(each_text_assembles_to_the_same_bytes)
{
    isa_heap heap;
    trip t = {.env = isa_heap_env(&heap)};
    pst_text_init(&t.text, &t.env);
    isa_each_slot(check_round_trip, &t);
    CHECK_EQ(t.failures, 0);
    CHECK(t.runs > 10000);
    pst_text_free(&t.text);
    CHECK_EQ(heap.live_bytes, 0);
}

static const char *name_helper(void *user, int32_t id) { return id == 1 ? "bpf_map_lookup_elem" : NULL; }
static const char *name_kfunc(void *user, int32_t id, int16_t off) { return id == 7 && off == 0 ? "bpf_rcu_read_lock" : NULL; }
static const char *name_map(void *user, size_t pc, const pst_insn *insn) { return pc == 4 ? "map[events]" : NULL; }
static const char *name_subprog(void *user, size_t pc) { return pc == 8 ? "parse" : NULL; }

TEST(names_come_from_the_caller)
{
    static const struct {
        pst_slot slot;
        size_t pc;
        const char *text;
    } named[] = {
        {{0x85, 0, 0, 1}, 0, "call bpf_map_lookup_elem#1"},
        {{0x85, 0, 0, 2}, 0, "call 2"},
        {{0x85, 0x20, 0, 7}, 0, "call bpf_rcu_read_lock#7"},
        {{0x85, 0x20, 1, 7}, 0, "call kfunc 7 btf 1"},
        {{0x85, 0x10, 0, 3}, 4, "call pc+3#parse"},
        {{0x85, 0x10, 0, 3}, 5, "call pc+3"},
        {{0x18, 0x11, 0, 5}, 4, "r1 = map[events]"},
        {{0x18, 0x21, 0, 5}, 4, "r1 = map[events][0]+0"},
        {{0x18, 0x11, 0, 5}, 6, "r1 = map[fd:5]"},
        {{0x18, 0x41, 0, -2}, 9, "r1 = subprog[-2]#parse"},
    };
    isa_heap heap;
    pst_env env = isa_heap_env(&heap);
    pst_disasm_names names = {.helper = name_helper, .kfunc = name_kfunc, .map = name_map, .subprog = name_subprog};
    pst_text text;
    pst_text_init(&text, &env);
    for (size_t i = 0; i < PST_COUNT(named); i++) {
        pst_slot slots[2] = {named[i].slot, {0}};
        pst_insn insn;
        CHECK_EQ(pst_insn_decode(slots, 2, &insn), PST_DECODE_OK);
        pst_text_clear(&text);
        pst_disasm_insn(&text, &insn, named[i].pc, &names);
        CHECK_STR(pst_text_cstr(&text), named[i].text);
    }
    pst_text_free(&text);
}
