// What compilers are told of single instructions: a fact is kept only if it held on every way to the instruction.
#include "call_fixture.h"

typedef struct fact_case {
    const char *name, *text;
    uint32_t pc;
    uint8_t flags, without; // which must be there, and which must not
    bool map, has_key;      // for calls
    uint32_t key;
} fact_case;

static void check(const fact_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const fact_case *c = &cases[i];
        call_case program = {.name = c->name, .text = c->text, .value_facts = true};
        pst_verdict *verdict = call_verify(&program, NULL);
        if (!verdict) continue;
        if (verdict->kind != PST_VERDICT_ACCEPT) {
            pst_test_fail(__FILE__, __LINE__, "%s: %u: %s", c->name, verdict->finding.pc, verdict->finding.text);
        } else {
            uint8_t flags = verdict->facts.flags[c->pc];
            const pst_fact_call *call = &verdict->facts.calls[c->pc];
            if ((flags & c->flags) != c->flags || (flags & c->without) || (call->map != 0) != c->map || call->has_key != c->has_key || call->key != c->key)
                pst_test_fail(__FILE__, __LINE__, "%s: flags 0x%x, map %u, key %s%u", c->name, flags, call->map, call->has_key ? "" : "not ", call->key);
        }
        pst_verdict_free(verdict);
    }
}

#define FACTS(...)                                  \
    static const fact_case cases[] = {__VA_ARGS__}; \
    check(cases, PST_COUNT(cases))

#define LENGTH "r7 = *(u32 *)(r1 + 4); r8 = *(u32 *)(r1 + 0); r7 -= r8;" // some number that nobody knows; 3 slots
#define FIND "r2 = r10; r2 += -4; call 1;"
#define ONE_OF(first, second) LENGTH first "if r7 > 9 goto both;" second "both:"

// The compiler looks into the map and the entry that it is told of, without a call.
TEST(calls)
{
    FACTS({.name = "one way", .text = LENGTH "*(u32 *)(r10 - 4) = 2; r1 = map[fd:3];" FIND RETURN0, .pc = 8, .map = true, .has_key = true, .key = 2},
          {.name = "two ways to the same", .text = ONE_OF("*(u32 *)(r10 - 4) = 2;", "*(u32 *)(r10 - 4) = 2;") "r1 = map[fd:3];" FIND RETURN0,
           .pc = 10, .map = true, .has_key = true, .key = 2},
          {.name = "two keys", .text = ONE_OF("*(u32 *)(r10 - 4) = 2;", "*(u32 *)(r10 - 4) = 1;") "r1 = map[fd:3];" FIND RETURN0, .pc = 10, .map = true},
          {.name = "a key that nobody knows", .text = LENGTH "*(u32 *)(r10 - 4) = r7; r1 = map[fd:3];" FIND RETURN0, .pc = 8, .map = true},
          {.name = "two maps", .text = "*(u32 *)(r10 - 4) = 2;" ONE_OF("r6 = map[fd:3];", "r6 = map[fd:15];") "r1 = r6;" FIND RETURN0, .pc = 12},
          {.name = "three ways, the last as the first",
           .text = ONE_OF("*(u32 *)(r10 - 4) = 2;", "*(u32 *)(r10 - 4) = 1; if r7 > 5 goto both; *(u32 *)(r10 - 4) = 2;") "r1 = map[fd:3];" FIND RETURN0,
           .pc = 12, .map = true});
}

TEST(memory)
{
#define ENTRY "*(u32 *)(r10 - 4) = 0; r1 = map[fd:3];" FIND "if r0 == 0 goto out;" // 7 slots behind the 3 of LENGTH
    FACTS({.name = "a constant offset", .text = LENGTH ENTRY "r1 = *(u64 *)(r0 + 8);" OUT, .pc = 10, .flags = PST_FACT_STEADY | PST_FACT_ALIGNED},
          {.name = "a constant offset between two multiples", .text = LENGTH ENTRY "r1 = *(u64 *)(r0 + 4);" OUT, .pc = 10, .flags = PST_FACT_STEADY,
           .without = PST_FACT_ALIGNED},
          {.name = "a variable multiple", .text = LENGTH ENTRY "r7 &= 8; r0 += r7; r1 = *(u64 *)(r0 + 0);" OUT, .pc = 12, .flags = PST_FACT_ALIGNED,
           .without = PST_FACT_STEADY},
          {.name = "any offset", .text = LENGTH ENTRY "r7 &= 7; r0 += r7; r1 = *(u64 *)(r0 + 0);" OUT, .pc = 12,
           .without = PST_FACT_ALIGNED | PST_FACT_STEADY},
          {.name = "a multiple on one of two ways", .text = LENGTH ENTRY "if r7 > 9 goto both; r0 += 2; both: r1 = *(u64 *)(r0 + 0);" OUT, .pc = 12,
           .flags = 0, .without = PST_FACT_ALIGNED});
}

TEST(upper_halves)
{
    FACTS({.name = "small numbers", .text = LENGTH "r7 &= 255; w7 += 5; r0 = r7; exit;", .pc = 4, .flags = PST_FACT_UPPER_ZERO},
          {.name = "a carry", .text = "r7 = *(u32 *)(r1 + 12); w7 += 1; r0 = r7; exit;", .pc = 1, .without = PST_FACT_UPPER_ZERO},
          {.name = "a negative operand", .text = LENGTH "r7 &= 255; w7 -= 1; r0 = r7; exit;", .pc = 4, .without = PST_FACT_UPPER_ZERO},
          {.name = "a wide operand on one of two ways", .text = LENGTH "r6 = r7; r6 &= 255; if r7 > 9 goto both; r6 = -1; both: w6 += 5; r0 = r6; exit;", .pc = 7,
           .without = PST_FACT_UPPER_ZERO},
          {.name = "a wide constant on one of two ways, an unknown small number on the other",
           .text = "r6 = *(u32 *)(r1 + 12); r6 &= 255; r5 = *(u32 *)(r1 + 16); r5 &= 255;" LENGTH
                   "if r7 > 9 goto both; r5 = -1; both: w6 += w5; r0 = r6; exit;",
           .pc = 9,
           .without = PST_FACT_UPPER_ZERO});
}

// Where states meet, only what a check depends on is joined: here the offset in an entry.
TEST(values)
{
    call_case program = {.name = "values", .text = ONE_OF("r6 = 1;", "r6 = 6;") "r6 += 1;" ENTRY "r0 += r6; r1 = *(u8 *)(r0 + 0);" OUT, .value_facts = true};
    pst_verdict *verdict = call_verify(&program, NULL);
    REQUIRE(verdict && verdict->kind == PST_VERDICT_ACCEPT && verdict->facts.values);
CHECK_EQ(verdict->facts.values[6].umin, 2);
    CHECK_EQ(verdict->facts.values[6].umax, 7);
    pst_verdict_free(verdict);
}
