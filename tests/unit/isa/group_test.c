// group_test.c: conformance groups: one opcode of each row of RFC 9669's text, and that every instruction has a group.
#include "harness.h"
#include "isa_cases.h"

typedef struct group_case {
    pst_slot slot;
    pst_group group;
} group_case;

static const group_case cases[] = {
    {{0x04, 0x03, 0, 5}, PST_GROUP_base32},      // w3 += 5
    {{0x0f, 0x10, 0, 0}, PST_GROUP_base64},      // r0 += r1
    {{0x84, 0x04, 0, 0}, PST_GROUP_base32},      // w4 = -w4
    {{0x87, 0x04, 0, 0}, PST_GROUP_base64},      // r4 = -r4
    {{0xbc, 0x10, 16, 0}, PST_GROUP_base32},     // w0 = (s16)w1
    {{0xbf, 0x10, 32, 0}, PST_GROUP_base64},     // r0 = (s32)r1
    {{0x24, 0x00, 0, 3}, PST_GROUP_divmul32},    // w0 *= 3
    {{0x2f, 0x10, 0, 0}, PST_GROUP_divmul64},    // r0 *= r1
    {{0x3c, 0x10, 1, 0}, PST_GROUP_divmul32},    // w0 s/= w1
    {{0x9f, 0x10, 1, 0}, PST_GROUP_divmul64},    // r0 s%= r1
    {{0xd4, 0x01, 0, 16}, PST_GROUP_base32},     // le16
    {{0xdc, 0x01, 0, 64}, PST_GROUP_base64},     // be64
    {{0xd7, 0x01, 0, 32}, PST_GROUP_base32},     // bswap32
    {{0x05, 0x00, 1, 0}, PST_GROUP_base32},      // goto +1
    {{0x06, 0x00, 0, 1}, PST_GROUP_base32},      // gotol +1
    {{0x16, 0x01, 1, 0}, PST_GROUP_base32},      // if w1 == 0
    {{0x15, 0x01, 1, 0}, PST_GROUP_base64},      // if r1 == 0
    {{0x85, 0x00, 0, 1}, PST_GROUP_base32},      // call helper
    {{0x85, 0x10, 0, 1}, PST_GROUP_base32},      // call subprogram
    {{0x85, 0x20, 0, 1}, PST_GROUP_base32},      // call kfunc
    {{0x8d, 0x02, 0, 0}, PST_GROUP_none},        // callx r2
    {{0x95, 0x00, 0, 0}, PST_GROUP_base32},      // exit
    {{0xe5, 0x00, 1, 0}, PST_GROUP_none},        // may_goto
    {{0x61, 0x10, 0, 0}, PST_GROUP_base32},      // r0 = *(u32 *)(r1 + 0)
    {{0x79, 0x10, 0, 0}, PST_GROUP_base64},      // r0 = *(u64 *)(r1 + 0)
    {{0x91, 0x10, 0, 0}, PST_GROUP_base32},      // r0 = *(s8 *)(r1 + 0)
    {{0x72, 0x01, 0, 7}, PST_GROUP_base32},      // *(u8 *)(r1 + 0) = 7
    {{0x7b, 0x01, 0, 0}, PST_GROUP_base64},      // *(u64 *)(r1 + 0) = r0
    {{0xc3, 0x01, 0, 0x41}, PST_GROUP_atomic32}, // fetch_or, 32 bits
    {{0xdb, 0x01, 0, 0xf1}, PST_GROUP_atomic64}, // cmpxchg, 64 bits
    {{0xdb, 0x01, 0, 0x100}, PST_GROUP_none},    // load_acquire
    {{0xdb, 0x01, 0, 0x110}, PST_GROUP_none},    // store_release
    {{0x18, 0x11, 0, 5}, PST_GROUP_base64},      // r1 = map[fd:5]
    {{0x28, 0x00, 0, 12}, PST_GROUP_packet},     // r0 = *(u16 *)skb[12]
    {{0x50, 0x10, 0, 12}, PST_GROUP_packet},     // r0 = *(u8 *)skb[r1 + 12]
    {{0xbf, 0x10, 1, 1}, PST_GROUP_none},        // address-space cast
};

TEST(each_instruction_needs_the_group_that_the_rfc_names)
{
    for (size_t i = 0; i < PST_COUNT(cases); i++) {
        pst_slot slots[2] = {cases[i].slot};
        pst_insn insn;
        CHECK_EQ(pst_insn_decode(slots, 2, &insn), PST_DECODE_OK);
        if (pst_insn_group(&insn) != cases[i].group)
            pst_test_fail(__FILE__, __LINE__, "opcode 0x%02x: %s, not %s", cases[i].slot.opcode,
                          pst_group_name(pst_insn_group(&insn)), pst_group_name(cases[i].group));
    }
}

// Nothing that decodes at 32 bits needs a group for 64, nor the other way round.
static void compare_width(void *user, const pst_slot slots[2])
{
    unsigned *count = user;
    pst_insn insn;
    if (pst_insn_decode(slots, 2, &insn) != PST_DECODE_OK) return;
    pst_group group = pst_insn_group(&insn);
    bool wide = group == PST_GROUP_base64 || group == PST_GROUP_atomic64 || group == PST_GROUP_divmul64;
    bool unsized = insn.kind == PST_KIND_JUMP || insn.kind == PST_KIND_CALL || insn.kind == PST_KIND_EXIT;
    if (group != PST_GROUP_none && group != PST_GROUP_packet && !unsized && wide != (insn.width == 64))
        pst_test_fail(__FILE__, __LINE__, "opcode 0x%02x, imm %d: group %s", slots->opcode, slots->imm,
                      pst_group_name(group));
    ++*count;
}

TEST(groups_follow_the_width)
{
    unsigned count = 0;
    isa_each_slot(compare_width, &count);
    CHECK(count > 10000);
}

TEST(a_group_includes_its_sister)
{
    CHECK_EQ(pst_group_includes(PST_GROUP_base64), PST_GROUP_base32);
    CHECK_EQ(pst_group_includes(PST_GROUP_atomic64), PST_GROUP_atomic32);
    CHECK_EQ(pst_group_includes(PST_GROUP_divmul64), PST_GROUP_divmul32);
    CHECK_EQ(pst_group_includes(PST_GROUP_base32), PST_GROUP_none);
    for (unsigned i = 0; i < PST_GROUP_COUNT; i++)
        CHECK(*pst_group_name((pst_group)i) && *pst_group_text((pst_group)i));
}
