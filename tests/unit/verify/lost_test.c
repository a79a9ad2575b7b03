// Where a finding says that knowledge was lost: the instruction, and what is said of it.
#include "call_fixture.h"

#include <string.h>

typedef struct lost_case {
    const char *name, *text;
    uint32_t pc, lost_pc;
    const char *lost; // a part of the sentence
    const char *type; // NULL: xdp
    pst_verify_mode mode;
} lost_case;

#define NOWHERE UINT32_MAX

static void check(const lost_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const lost_case *c = &cases[i];
        call_case program = {.name = c->name, .text = c->text, .type = c->type, .mode = c->mode};
        pst_verdict *verdict = call_verify(&program, NULL);
        if (!verdict) continue;
        const pst_finding *f = &verdict->finding;
        if (f->pc != c->pc || f->lost_pc != c->lost_pc || !strstr(f->lost, c->lost))
            pst_test_fail(__FILE__, __LINE__, "%s: at %u, lost at %d: \"%s\"; wanted %u, %d: \"%s\" (%s; known: %s)", c->name, f->pc, (int)f->lost_pc,
                          f->lost, c->pc, (int)c->lost_pc, c->lost, f->text, f->known);
        pst_verdict_free(verdict);
    }
}

// More members may follow the sentence.
#define AT(what, program, at, lost_at, ...) {.name = what, .text = program, .pc = at, .lost_pc = lost_at, .lost = __VA_ARGS__}
#define LOST(...)                                   \
    static const lost_case cases[] = {__VA_ARGS__}; \
    check(cases, PST_COUNT(cases))

#define PACKET "r6 = r1; r2 = *(u32 *)(r1 + 0); r3 = *(u32 *)(r1 + 4); r4 = r2; r4 += 14;" // the next one is 5
#define LOOKUP_ONLY(map) "r1 = map[fd:" map "]; *(u64 *)(r10 - 8) = 0; r2 = r10; r2 += -8; call 1;" // the call is 5

TEST(pointers_that_may_be_null)
{
    LOST(AT("a lookup", LOOKUP_ONLY("4") "r0 = *(u64 *)(r0 + 0); exit;", 6, 5, "bpf_map_lookup_elem at 5 returned it, and may return NULL"),
         AT("through the stack", LOOKUP_ONLY("4") "*(u64 *)(r10 - 16) = r0; r3 = *(u64 *)(r10 - 16); r0 = *(u64 *)(r3 + 0); exit;", 8, 5, "may return NULL"),
         AT("another is tested", LOOKUP_ONLY("4") "r6 = r0; r1 = map[fd:4]; r2 = r10; r2 += -8; call 1; if r0 == 0 goto out; r0 = *(u64 *)(r6 + 0);" OUT, 13, 5,
          "the test at 12 is of another pointer"),
         AT("the null one", LOOKUP_ONLY("4") "if r0 != 0 goto out; r0 = *(u64 *)(r0 + 0);" OUT, 7, 6, "found it null on this path"),
         AT("a socket", "r1 = *(u64 *)(r1 + 168); r0 = *(u32 *)(r1 + 4); exit;", 1, 0, "the context's field sk", .type = "sched_cls"));
}

TEST(bytes_of_packets)
{
    LOST(AT("nothing is compared", "r1 = *(u32 *)(r1 + 0); r0 = *(u8 *)(r1 + 12); exit;", 1, 0, "nothing on this path compares it with the end"),
         AT("off by one", PACKET "if r4 > r3 goto out; r0 = *(u8 *)(r2 + 14); exit;" OUT, 6, 5, "proves 14 of the bytes from r2 on, 15 are needed"),
         AT("the wrong way out", PACKET "if r4 > r3 goto in; r0 = 0; exit; in: r0 = *(u8 *)(r2 + 13); exit;", 8, 5, "found that the bytes are not there"),
         AT("at most", PACKET "if r4 < r3 goto out; r0 = *(u8 *)(r2 + 13);" OUT, 6, 5, "how long the packet is at most"),
         AT("another pointer", PACKET "if r4 > r3 goto out; r5 = *(u8 *)(r2 + 0); r2 += r5; r0 = *(u8 *)(r2 + 0);" OUT, 8, 5, "is of another pointer"),
         AT("before the packet moved", PACKET "if r4 > r3 goto out; r1 = r6; r2 = 0; call 44; r2 = *(u32 *)(r6 + 0); r0 = *(u8 *)(r2 + 0);" OUT, 10, 8,
          "so the comparison at 5 proves nothing any more"),
         AT("a pointer from before", PACKET "if r4 > r3 goto out; r7 = r2; r1 = r6; r2 = 0; call 44; r0 = *(u8 *)(r7 + 0);" OUT, 10, 9,
          "bpf_xdp_adjust_head at 9 may move the packet"),
         AT("an offset without limit", PACKET "if r4 > r3 goto out; r5 = *(u32 *)(r2 + 0); r2 += r5; r0 = *(u8 *)(r2 + 0);" OUT, 8, 6,
          "the offset was loaded from the packet at 6: a number in [0, 4294967295]"));
}

TEST(numbers)
{
    LOST(AT("an index from a value", LOOKUP("3") "r6 = *(u8 *)(r0 + 0); r0 += r6; r0 = *(u8 *)(r0 + 0);" OUT, 9, 7,
          "the index was loaded from the map's value at 7: a number in [0, 255]"),
         AT("compared with one too many", LOOKUP("3") "r6 = *(u8 *)(r0 + 0); if r6 > 16 goto out; r0 += r6; r0 = *(u8 *)(r0 + 0);" OUT, 10, 8,
          "after the comparison at 8 the index is a number in [0, 16]"),
         AT("a copy is compared", LOOKUP("3") "r6 = *(u8 *)(r0 + 0); r7 = r6; if r7 > 16 goto out; r0 += r6; r0 = *(u8 *)(r0 + 0);" OUT, 11, 9, "in [0, 16]"),
         AT("from above only", LOOKUP("3") "r6 = *(u64 *)(r0 + 0); if r6 s> 8 goto out; r0 += r6; r0 = *(u8 *)(r0 + 0);" OUT, 9, 8,
          "from above only: it may still be negative"),
         AT("the lower half is compared", LOOKUP("3") "r6 = *(u64 *)(r0 + 0); if w6 > 8 goto out; r0 += r6; r0 = *(u8 *)(r0 + 0);" OUT, 9, 8, "the lower 32 bits"),
         AT("a mask", LOOKUP("3") "r6 = r0; call 7; r0 &= 63; r6 += r0; r0 = *(u8 *)(r6 + 0);" OUT, 11, 9, "after the mask at 9 the index is a number in [0, 63]"),
         AT("a result", LOOKUP("3") "r6 = r0; call 7; r6 += r0; r0 = *(u8 *)(r6 + 0);" OUT, 9, 8, "bpf_get_prandom_u32 at 8 returned what is added"),
         AT("what is added", LOOKUP("3") "r6 = r0; r7 = *(u64 *)(r0 + 0); r6 += r7; r0 = *(u8 *)(r6 + 0);" OUT, 9, 8, "what is added was loaded from the map's value at 8"),
         AT("of two unknown ones", LOOKUP("3") "r6 = *(u8 *)(r0 + 0); r7 = *(u8 *)(r0 + 1); r6 *= r7; r0 += r6; r0 = *(u8 *)(r0 + 0);" OUT, 11, 9,
          "was computed from two unknown values at 9"),
         AT("a constant", LOOKUP("3") "r6 = 16; r0 += r6; r0 = *(u8 *)(r0 + 0);" OUT, 9, 8, "added to the pointer at 8 is 16"),
         AT("spilled", LOOKUP("3") "r6 = *(u8 *)(r0 + 0); *(u64 *)(r10 - 16) = r6; r6 = 0; r7 = *(u64 *)(r10 - 16); r0 += r7; r0 = *(u8 *)(r0 + 0);" OUT, 12, 7,
          "was loaded from the map's value at 7"),
         AT("what a function returned", LOOKUP("3") "r6 = r0; r1 = r0; call f; r6 += r0; r0 = *(u8 *)(r6 + 0);" OUT "f: r0 = *(u8 *)(r1 + 0); exit;", 11, 14,
          "was loaded from the map's value at 14"),
         AT("filled by a helper",
          "r2 = 0; r3 = r10; r3 += -8; r4 = 8; call 26; r7 = *(u8 *)(r10 - 8); r0 = r10; r0 += r7; r0 += -16; *(u8 *)(r0 + 0) = 1;" OUT, 9, 4,
          "bpf_skb_load_bytes at 4 wrote it to the stack", .type = "sched_cls"),
         AT("returned", "r0 = *(u32 *)(r1 + 0); exit;", 1, 0, "the context's field len at 0", .type = "cgroup_skb"));
}

TEST(what_was_never_written)
{
    LOST(AT("a call destroys", "r1 = 1; call 7; r0 = r1; exit;", 2, 1, "the call of bpf_get_prandom_u32 at 1 destroyed r1"),
         AT("one path", "r2 = *(u32 *)(r1 + 12); if r2 == 0 goto skip; r6 = 1; skip: r0 = r6; exit;", 3, 1, "the path through the branch at 1 writes r6"),
         AT("far below the frame", "r1 = r10; r1 += -536870911; *(u8 *)(r1 + 0) = 0; exit;", 2, NOWHERE, ""),
         AT("a function's start", "call f; exit; f: r0 = r6; exit;", 2, 0, "the function that is called at 0 starts with nothing in r6"),
         AT("padding", "r1 = map[fd:3]; *(u8 *)(r10 - 8) = 1; r2 = r10; r2 += -8; call 1; r0 = 0; exit;", 5, 2, "the store at 2 writes the bytes before it", .mode = PST_VERIFY_STRICT),
         AT("a key", "r1 = map[fd:3]; r2 = r10; r2 += -8; call 1; r0 = 0; exit;", 4, NOWHERE, "writes the byte at r10-8", .mode = PST_VERIFY_STRICT));
}

TEST(what_is_held)
{
    LOST(AT("a reservation", RESERVE "r0 = 0; exit;" OUT, 7, 4, "bpf_ringbuf_reserve at 4 acquired the record"),
         AT("after its release", RESERVE "r6 = r0;" SUBMIT "*(u8 *)(r6 + 0) = 1;" OUT, 10, 9, "bpf_ringbuf_submit at 9 released what it points to"),
         AT("a lock", LOOKUP("10") "r1 = r0; r1 += 4; call 93;" OUT, 11, 9, "bpf_spin_lock at 9 took the lock"),
         AT("an unlock alone", LOOKUP("10") "r1 = r0; r1 += 4; call 94;" OUT, 9, 6, "no call on the path through the branch at 6 takes the lock"),
         AT("an unlock too many", LOOKUP("10") "r6 = r0; r6 += 4; r1 = r6; call 93; r1 = r6; call 94; r1 = r6; call 94;" OUT, 14, 12,
            "bpf_spin_unlock at 12 has released it already"),
         AT("a section", KFUNC(3) "r0 = 0; exit;", 2, 0, "bpf_preempt_disable at 0 began the section"));
}

TEST(the_context)
{
    LOST(AT("an offset", "r2 = *(u32 *)(r1 + 12); r2 &= 4; r1 += r2; r0 = *(u32 *)(r1 + 0); exit;", 3, 2, "the offset was added to the context pointer at 2"));
}

TEST(loops_name_what_does_not_progress)
{
    LOST(AT("what a call returns", "l: call 7; if r0 != 0 goto l; exit;", 0, 0, "by what bpf_get_prandom_u32 at 0 returns"),
         AT("what no turn changes", "r6 = *(u32 *)(r1 + 12); l: call 7; if r6 != 0 goto l; exit;", 1, 2, "by r6, which no turn changes"),
         AT("what a turn may pass by", "r6 = 0; l: call 7; if r0 != 0 goto no; r6 += 1; no: if r6 != 9 goto l; exit;", 1, 3, "a turn may pass by the instruction at 3"),
         AT("no way out", "l: call 7; goto l;", 0, NOWHERE, "no branch leaves the loop"),
         AT("what is not one step", "call 7; r7 = r0; r6 = 0; l: r6 += r7; if r6 < 100 goto l; r0 = 0; exit;", 3, 3, "adds r7 at 3: that may be 0"),
         AT("memory", LOOKUP("3") "l: r1 = *(u64 *)(r0 + 0); if r1 != 0 goto l;" OUT, 7, 7, "each turn loads from memory at 7"));
}

// The path is one of the program: each block follows from the one before, from the entry to the finding.
TEST(the_path_leads_to_the_finding)
{
    static const call_case program = {
        .name = "path",
        .text = "r6 = 0; r2 = *(u32 *)(r1 + 12); if r2 == 1 goto a; r6 = 1; goto b; a: r6 = 2; b: if r6 == 2 goto c; r0 = 0; exit; c: r0 = r7; exit;"};
    static const uint32_t path[] = {0, 5, 6, 9};
    pst_verdict *verdict = call_verify(&program, NULL);
    REQUIRE(verdict);
    CHECK_EQ(verdict->finding.pc, 9);
    CHECK_EQ(verdict->finding.path_count, PST_COUNT(path));
    for (uint32_t i = 0; i < verdict->finding.path_count && i < PST_COUNT(path); i++) CHECK_EQ(verdict->finding.path[i], path[i]);
    pst_verdict_free(verdict);
}

// r7 is twice r6, which no relation here says: what the turns have in common is too little.
TEST(joined_turns_of_a_loop)
{
    LOST(AT("summed up", LOOKUP("3") "r6 = 0; r7 = *(u8 *)(r0 + 0); l: r6 += 1; r7 += 2; if r6 != 20000 goto l; r7 -= 40000; r0 += r7; r0 = *(u8 *)(r0 + 0);" OUT, 14, 9,
          "the turns of the loop were summed up at 9: "));
}
