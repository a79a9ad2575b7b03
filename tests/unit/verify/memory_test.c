// Loads, stores, atomics and memory arguments: small programs, and what the verifier must say of each. The verdicts in privileged mode are
// those of Linux 6.18, which was asked wherever there was doubt.
#include "harness.h"

#include "pal/pal.h"
#include "verify/verify.h"

// --- Maps by descriptor ------------------------------------------------------------------------------------------------

enum { ARRAY = 3, HASH = 4, RDONLY = 5, WRONLY = 6, RODATA = 7, RODATA_MANY = 8, LOCKED = 9, KPTRS = 10, RING = 11 };

static pst_map_view *find_map(void *user, pst_imm64_op op, int32_t map)
{
    static uint8_t values[4 * 16] = {0x78, 0x56, 0x34, 0x92, 0, 0, 0, 0, 0xff, 0xff, 4};
    static const pst_record lock[] = {{.kind = PST_RECORD_SPIN_LOCK, .offset = 4, .size = 4}};
    static const pst_record kptrs[] = {{.kind = PST_RECORD_KPTR_UNTRUSTED, .offset = 0, .size = 8, .type_name = "sock"},
                                       {.kind = PST_RECORD_KPTR, .offset = 8, .size = 8, .type_name = "task_struct"}};
    static pst_map_view maps[] = {
        [ARRAY] = {.type = PST_MAP_ARRAY, .key_size = 4, .value_size = 16, .max_entries = 1, .values = values, .value_stride = 16},
        [HASH] = {.type = PST_MAP_HASH, .key_size = 4, .value_size = 16, .max_entries = 100},
        [RDONLY] = {.type = PST_MAP_ARRAY, .key_size = 4, .value_size = 16, .max_entries = 1, .flags = PST_F_RDONLY_PROG, .values = values,
                    .value_stride = 16},
        [WRONLY] = {.type = PST_MAP_ARRAY, .key_size = 4, .value_size = 16, .max_entries = 1, .flags = PST_F_WRONLY_PROG, .values = values,
                    .value_stride = 16},
        [RODATA] = {.type = PST_MAP_ARRAY, .key_size = 4, .value_size = 16, .max_entries = 1, .flags = PST_F_RDONLY_PROG, .frozen = true,
                    .values = values, .value_stride = 16},
        [RODATA_MANY] = {.type = PST_MAP_ARRAY, .key_size = 4, .value_size = 16, .max_entries = 4, .flags = PST_F_RDONLY_PROG, .frozen = true,
                         .values = values, .value_stride = 16},
        [LOCKED] = {.type = PST_MAP_HASH, .key_size = 4, .value_size = 16, .max_entries = 9, .records = lock, .record_count = 1},
        [KPTRS] = {.type = PST_MAP_HASH, .key_size = 4, .value_size = 24, .max_entries = 9, .records = kptrs, .record_count = 2},
        [RING] = {.type = PST_MAP_RINGBUF, .max_entries = 4096},
    };
    (void)user, (void)op;
    for (uint32_t i = ARRAY; i <= RING; i++) maps[i].id = 100 + i;
    return map >= ARRAY && map <= RING ? &maps[map] : NULL;
}

// --- Programs ----------------------------------------------------------------------------------------------------------

typedef struct memory_case {
    const char *name, *text;
    pst_finding_kind want;  // NONE: accepted
    const char *type;       // NULL: xdp
    pst_verify_mode mode;
    uint32_t flags;
} memory_case;

static const pst_btf *g_host; // types of the host, for the cases that are about them

static pst_verdict *verify_text(const memory_case *c)
{
    pst_slot *slots = NULL;
    size_t count = 0;
    pst_asm_error why = {0};
    if (pst_assemble(pst_pal_env(), c->text, &slots, &count, &why) != PST_OK) {
        pst_test_fail(__FILE__, __LINE__, "%s: line %u: %s", c->name, why.line, why.text);
        return NULL;
    }
    const pst_prog_type *type = pst_prog_type_by_name(c->type ? c->type : "xdp");
    pst_image_error error = {0};
    pst_image *image = NULL;
    pst_verdict *verdict = NULL;
    pst_image_input input = {.size = sizeof input, .name = "memory", .prog_type = type->number, .gpl_compatible = true, .slots = slots,
                             .count = (uint32_t)count, .find_map = find_map};
    pst_status status = pst_image_build(pst_pal_env(), &input, &error, &image);
    if (status == PST_OK) {
        pst_verify_input verify = {.size = sizeof verify, .image = image, .type = type, .host_btf = g_host};
        pst_verify_opts opts = {.size = sizeof opts, .mode = c->mode, .flags = c->flags};
        status = pst_verify(pst_pal_env(), &verify, &opts, &verdict);
    }
    if (status != PST_OK) pst_test_fail(__FILE__, __LINE__, "%s: %s %s", c->name, pst_status_text(status), error.text);
    pst_free(pst_pal_env(), slots, count * sizeof *slots);
    pst_image_free(image);
    return verdict;
}

static void check_case(const memory_case *c)
{
    pst_verdict *verdict = verify_text(c);
    if (!verdict) return;
    if (verdict->finding.kind != c->want || (c->want == PST_FINDING_NONE) != (verdict->kind == PST_VERDICT_ACCEPT))
        pst_test_fail(__FILE__, __LINE__, "%s: %s instead of %s: %u: %s [%s]", c->name, pst_finding_kind_text(verdict->finding.kind),
                      pst_finding_kind_text(c->want), verdict->finding.pc, verdict->finding.text, verdict->finding.known);
    pst_verdict_free(verdict);
}

static void check_cases(const memory_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) check_case(&cases[i]);
}

#define CASES(...)                                            \
    static const memory_case cases[] = {__VA_ARGS__};         \
    check_cases(cases, PST_COUNT(cases))

#define ACCEPT(what, program) {.name = what, .text = program}
#define REJECT(what, kind, program) {.name = what, .text = program, .want = PST_FINDING_##kind}
#define STRICT_ACCEPT(what, program) {.name = what, .text = program, .mode = PST_VERIFY_STRICT}
#define STRICT_REJECT(what, kind, program) {.name = what, .text = program, .want = PST_FINDING_##kind, .mode = PST_VERIFY_STRICT}

// r0: the value of an entry, or the program has ended.
#define LOOKUP(map) "r1 = map[fd:" map "]; *(u32 *)(r10 - 4) = 0; r2 = r10; r2 += -4; call 1; if r0 == 0 goto out;"
#define RETURN0 "r0 = 0; exit"
#define OUT "out: r0 = 0; exit"
// r2: the packet, of which n bytes are known to be there; r3: its end.
#define PACKET(n) "r2 = *(u32 *)(r1 + 0); r3 = *(u32 *)(r1 + 4); r4 = r2; r4 += " n "; if r4 > r3 goto out;"
// r3 = 0 or 8, nobody knows which.
#define EIGHT_OR_NOT "r3 = *(u32 *)(r1 + 12); r3 &= 8;"

// --- The stack -----------------------------------------------------------------------------------------------------------

TEST(memory_stack_bounds)
{
    CASES(ACCEPT("all of the frame", "*(u64 *)(r10 - 512) = 1; *(u64 *)(r10 - 8) = 1; r0 = *(u8 *)(r10 - 1); exit"),
          REJECT("below the frame", BOUNDS, "*(u64 *)(r10 - 520) = 1;" RETURN0),
          REJECT("at the frame pointer", BOUNDS, "*(u8 *)(r10 + 0) = 1;" RETURN0),
          REJECT("above the frame", BOUNDS, "r0 = *(u64 *)(r10 + 8); exit"),
          REJECT("a misaligned store", ALIGNMENT, "*(u64 *)(r10 - 12) = 1;" RETURN0),
          REJECT("a misaligned load", ALIGNMENT, "*(u64 *)(r10 - 8) = 1; r0 = *(u32 *)(r10 - 7); exit"),
          {.name = "misaligned whatever the flags", .text = "*(u64 *)(r10 - 12) = 1;" RETURN0, .want = PST_FINDING_ALIGNMENT,
           .flags = PST_VERIFY_ANY_ALIGNMENT},
          ACCEPT("by a copy of r10", "r2 = r10; r2 += -16; *(u64 *)(r2 + 8) = 7; r0 = *(u64 *)(r10 - 8); exit"));
}

TEST(memory_stack_reads_uninitialised)
{
    CASES(ACCEPT("privileged", "r0 = *(u64 *)(r10 - 8); exit"),
          STRICT_REJECT("strict", UNINITIALISED, "r0 = *(u64 *)(r10 - 8); exit"),
          STRICT_REJECT("strict, in part", UNINITIALISED, "*(u32 *)(r10 - 8) = 1; r0 = *(u64 *)(r10 - 8); exit"),
          STRICT_ACCEPT("strict, in two parts", "*(u32 *)(r10 - 8) = 1; *(u32 *)(r10 - 4) = 1; r0 = *(u64 *)(r10 - 8); exit"));
}

// A wrong value shows as an access outside of the 16 bytes of an array's value.
#define INDEX(program) "r6 = map[fd:3][0]+0;" program "r6 += r7; *(u8 *)(r6 + 0) = 1;" RETURN0

TEST(memory_stack_keeps_numbers)
{
    CASES(ACCEPT("a constant", INDEX("*(u64 *)(r10 - 8) = 15; r7 = *(u64 *)(r10 - 8);")),
          REJECT("a constant that is too large", BOUNDS, INDEX("*(u64 *)(r10 - 8) = 16; r7 = *(u64 *)(r10 - 8);")),
          ACCEPT("a part of a constant", INDEX("*(u64 *)(r10 - 8) = 0x7f05; r7 = *(u8 *)(r10 - 8);")),
          ACCEPT("the upper half", INDEX("*(u32 *)(r10 - 4) = 15; r7 = *(u32 *)(r10 - 4);")),
          ACCEPT("sixteen bits", INDEX("*(u16 *)(r10 - 8) = 15; r7 = *(u16 *)(r10 - 8);")),
          ACCEPT("a byte in the middle is zero", INDEX("*(u8 *)(r10 - 3) = 0; r7 = *(u8 *)(r10 - 3);")),
          REJECT("a byte in the middle", BOUNDS, INDEX("*(u8 *)(r10 - 3) = 9; r7 = *(u8 *)(r10 - 3);")),
          ACCEPT("zeros in pieces", INDEX("*(u32 *)(r10 - 8) = 0; *(u16 *)(r10 - 4) = 0; *(u8 *)(r10 - 2) = 0; *(u8 *)(r10 - 1) = 0; r7 = *(u64 *)(r10 - 8);")),
          ACCEPT("zeros around a number", INDEX("*(u64 *)(r10 - 8) = 0; *(u8 *)(r10 - 8) = 15; r7 = *(u64 *)(r10 - 8);")),
          REJECT("not the number any more", POINTER_ARITHMETIC, INDEX("*(u64 *)(r10 - 8) = 5; *(u8 *)(r10 - 7) = 1; r7 = *(u64 *)(r10 - 8);")),
          ACCEPT("a range", INDEX("r7 = *(u32 *)(r1 + 12); r7 &= 15; *(u64 *)(r10 - 8) = r7; r7 = *(u64 *)(r10 - 8);")),
          ACCEPT("a range in four bytes", INDEX("r7 = *(u32 *)(r1 + 12); r7 &= 15; *(u32 *)(r10 - 8) = r7; r7 = *(u32 *)(r10 - 8);")),
          REJECT("a range in four bytes and four unknown", POINTER_ARITHMETIC,
                 INDEX("r7 = *(u32 *)(r1 + 12); r7 &= 15; *(u32 *)(r10 - 8) = r7; r7 = *(u64 *)(r10 - 8);")),
          ACCEPT("what is learned of the register is learned of the copy",
                 INDEX("r7 = *(u32 *)(r1 + 12); *(u64 *)(r10 - 8) = r7; if r7 > 15 goto +3; r7 = *(u64 *)(r10 - 8);")));
}

TEST(memory_stack_narrow_spills)
{
    CASES(ACCEPT("a narrow store shares the number that fits",
                 INDEX("r7 = *(u32 *)(r1 + 12); *(u32 *)(r10 - 8) = r7; if r7 > 15 goto +3; r7 = *(u32 *)(r10 - 8);")),
          REJECT("and no other", BOUNDS,
                 INDEX("r7 = *(u32 *)(r1 + 12); *(u8 *)(r10 - 8) = r7; if r7 > 15 goto +3; r7 = *(u16 *)(r10 - 8);")),
          REJECT("a cut number is another one", BOUNDS,
                 INDEX("r7 = *(u32 *)(r1 + 12); r7 <<= 8; r7 |= 255; *(u8 *)(r10 - 8) = r7; r7 = *(u8 *)(r10 - 8);")),
          ACCEPT("the low byte of a number of two", INDEX("r7 = 0x10f; *(u8 *)(r10 - 8) = r7; r7 = *(u8 *)(r10 - 8);")),
          REJECT("a sign is extended", BOUNDS, INDEX("*(u32 *)(r10 - 8) = -1; r7 = *(s32 *)(r10 - 8);")),
          ACCEPT("a sign is extended to what it was", INDEX("*(u32 *)(r10 - 8) = -1; r7 = *(s32 *)(r10 - 8); r7 += 16;")),
          ACCEPT("no sign, no change", INDEX("*(u32 *)(r10 - 8) = 15; r7 = *(s32 *)(r10 - 8);")),
          ACCEPT("an immediate is extended", INDEX("*(u64 *)(r10 - 8) = -1; r7 = *(u64 *)(r10 - 8); r7 += 16;")));
}

TEST(memory_stack_pointers)
{
    CASES(ACCEPT("spill and fill", "*(u64 *)(r10 - 8) = r1; r2 = *(u64 *)(r10 - 8); r0 = *(u32 *)(r2 + 12); exit"),
          REJECT("four bytes of a pointer", TYPE, "*(u64 *)(r10 - 8) = r1; r0 = *(u32 *)(r10 - 8); exit"),
          REJECT("its upper half", TYPE, "*(u64 *)(r10 - 8) = r1; r0 = *(u32 *)(r10 - 4); exit"),
          REJECT("a narrow store of a pointer", TYPE, "*(u32 *)(r10 - 8) = r1;" RETURN0),
          ACCEPT("partly overwritten it is a number", "*(u64 *)(r10 - 8) = r1; *(u8 *)(r10 - 8) = 0; r0 = *(u64 *)(r10 - 8); exit"),
          REJECT("that is no pointer", TYPE, "*(u64 *)(r10 - 8) = r1; *(u8 *)(r10 - 8) = 0; r2 = *(u64 *)(r10 - 8); r0 = *(u32 *)(r2 + 12); exit"),
          STRICT_REJECT("strict: partly overwritten", POINTER_LEAK, "*(u64 *)(r10 - 8) = r1; *(u8 *)(r10 - 8) = 0;" RETURN0),
          STRICT_ACCEPT("strict: wholly overwritten", "*(u64 *)(r10 - 8) = r1; *(u64 *)(r10 - 8) = 0; r0 = *(u64 *)(r10 - 8); exit"),
          ACCEPT("a pointer that may be null, checked after the spill",
                 "r1 = map[fd:4]; *(u32 *)(r10 - 4) = 0; r2 = r10; r2 += -4; call 1; *(u64 *)(r10 - 16) = r0; if r0 == 0 goto out;"
                 "r1 = *(u64 *)(r10 - 16); *(u64 *)(r1 + 0) = 1;" OUT));
}

TEST(memory_stack_variable_offsets)
{
    CASES(ACCEPT("read", EIGHT_OR_NOT "r3 += r10; r0 = *(u64 *)(r3 - 16); exit"),
          REJECT("read, not aligned", ALIGNMENT, "r3 = *(u32 *)(r1 + 12); r3 &= 7; r3 += r10; r0 = *(u64 *)(r3 - 16); exit"),
          REJECT("read, outside", BOUNDS, EIGHT_OR_NOT "r3 += r10; r0 = *(u64 *)(r3 - 8); exit"),
          REJECT("write, outside", BOUNDS, EIGHT_OR_NOT "r3 += r10; *(u64 *)(r3 - 520) = 0;" RETURN0),
          STRICT_REJECT("strict", BOUNDS, "*(u64 *)(r10 - 8) = 0; *(u64 *)(r10 - 16) = 0;" EIGHT_OR_NOT "r2 = r10; r2 += r3; r0 = *(u64 *)(r2 - 16); exit"),
          REJECT("a store weakens what it may touch", POINTER_ARITHMETIC,
                 INDEX("*(u64 *)(r10 - 8) = 1; *(u64 *)(r10 - 16) = 1; r2 = 99;" EIGHT_OR_NOT "r3 += r10; *(u64 *)(r3 - 16) = r2; r7 = *(u64 *)(r10 - 8);")),
          ACCEPT("and nothing else",
                 INDEX("*(u64 *)(r10 - 24) = 1; r2 = 99;" EIGHT_OR_NOT "r3 += r10; *(u64 *)(r3 - 16) = r2; r7 = *(u64 *)(r10 - 24);")),
          ACCEPT("zero over zero", INDEX("*(u64 *)(r10 - 8) = 0; *(u64 *)(r10 - 16) = 0;" EIGHT_OR_NOT
                                         "r3 += r10; *(u64 *)(r3 - 16) = 0; r7 = *(u64 *)(r10 - 8);")),
          ACCEPT("reading zeros", INDEX("*(u64 *)(r10 - 8) = 0; *(u64 *)(r10 - 16) = 0;" EIGHT_OR_NOT "r3 += r10; r7 = *(u64 *)(r3 - 16);")),
          REJECT("a pointer that may be overwritten is none", TYPE,
                 "*(u64 *)(r10 - 8) = r1;" EIGHT_OR_NOT "r3 += r10; *(u64 *)(r3 - 16) = 0; r2 = *(u64 *)(r10 - 8); r0 = *(u32 *)(r2 + 12); exit"),
          ACCEPT("a pointer is stored", EIGHT_OR_NOT "r3 += r10; *(u64 *)(r3 - 16) = r1;" RETURN0),
          REJECT("no atomics", BOUNDS, EIGHT_OR_NOT "r2 = 1; r3 += r10; lock *(u64 *)(r3 - 16) += r2;" RETURN0));
}

TEST(memory_stack_of_the_caller)
{
    CASES(ACCEPT("written by a subprogram",
                 "r6 = map[fd:3][0]+0; r1 = r10; r1 += -8; call sub; r7 = *(u64 *)(r10 - 8); r6 += r7; *(u8 *)(r6 + 0) = 1;" RETURN0
                 "; sub: *(u64 *)(r1 + 0) = 15; r0 = 0; exit"),
          REJECT("which may not leave a pointer to its own frame", TYPE,
                 "r1 = r10; r1 += -8; call sub;" RETURN0 "; sub: *(u64 *)(r1 + 0) = r10; r0 = 0; exit"));
}

// --- The context -----------------------------------------------------------------------------------------------------------

TEST(memory_context)
{
    CASES(ACCEPT("a field", "r0 = *(u32 *)(r1 + 12); exit"),
          REJECT("a part of a field of xdp", CONTEXT, "r0 = *(u8 *)(r1 + 13); exit"),
          {.name = "a part of a field of tc", .text = "r0 = *(u8 *)(r1 + 9); exit", .type = "sched_cls"},
          ACCEPT("sign-extended", "r0 = *(s32 *)(r1 + 12); exit"),
          REJECT("a packet pointer sign-extended", CONTEXT, "r0 = *(s32 *)(r1 + 0); exit"),
          REJECT("a part of a packet pointer", CONTEXT, "r0 = *(u16 *)(r1 + 0); exit"),
          REJECT("outside", CONTEXT, "r0 = *(u32 *)(r1 + 64); exit"),
          REJECT("before", CONTEXT, "r0 = *(u32 *)(r1 - 4); exit"),
          REJECT("read-only", CONTEXT, "*(u32 *)(r1 + 12) = 1;" RETURN0),
          REJECT("a moved context", CONTEXT, "r1 += 4; r0 = *(u32 *)(r1 + 8); exit"),
          REJECT("a variable offset", CONTEXT, "r2 = *(u32 *)(r1 + 12); r2 &= 4; r1 += r2; r0 = *(u32 *)(r1 + 12); exit"),
          REJECT("an atomic instruction", TYPE, "r2 = 1; lock *(u32 *)(r1 + 12) += r2;" RETURN0),
          REJECT("the packet's end is no memory", TYPE, "r2 = *(u32 *)(r1 + 4); r0 = *(u8 *)(r2 + 0); exit"),
          {.name = "tc writes the mark", .text = "*(u32 *)(r1 + 8) = 1;" RETURN0, .type = "sched_cls"},
          {.name = "tc writes two words of cb", .text = "r2 = 1; *(u64 *)(r1 + 48) = r2;" RETURN0, .type = "sched_cls"},
          {.name = "tc writes a pointer", .text = "*(u64 *)(r1 + 48) = r1;" RETURN0, .type = "sched_cls"},
          {.name = "strict: it does not", .text = "*(u64 *)(r1 + 48) = r1;" RETURN0, .type = "sched_cls", .mode = PST_VERIFY_STRICT,
           .want = PST_FINDING_POINTER_LEAK},
          {.name = "a filter does not write the mark", .text = "*(u32 *)(r1 + 8) = 1;" RETURN0, .type = "socket_filter", .want = PST_FINDING_CONTEXT});
}

TEST(memory_one_instruction_one_kind)
{
    CASES(REJECT("context or map", TYPE,
                 "r3 = *(u32 *)(r1 + 12); r2 = map[fd:3][0]+0; if r3 != 0 goto +1; r2 = r1; r0 = *(u32 *)(r2 + 12); exit"),
          ACCEPT("stack or map", "r3 = *(u32 *)(r1 + 12); r2 = map[fd:3][0]+0; if r3 != 0 goto +2; r2 = r10; r2 += -16; r0 = *(u32 *)(r2 + 12); exit"));
}

// --- Packets ---------------------------------------------------------------------------------------------------------------

TEST(memory_packet)
{
    CASES(ACCEPT("what was compared", PACKET("14") "r0 = *(u8 *)(r2 + 13); exit;" OUT),
          REJECT("one more", BOUNDS, PACKET("14") "r0 = *(u8 *)(r2 + 14); exit;" OUT),
          REJECT("one too wide", BOUNDS, PACKET("14") "r0 = *(u16 *)(r2 + 13); exit;" OUT),
          REJECT("nothing compared", BOUNDS, "r2 = *(u32 *)(r1 + 0); r0 = *(u8 *)(r2 + 0); exit"),
          REJECT("before the packet", BOUNDS, PACKET("14") "r0 = *(u8 *)(r2 - 1); exit;" OUT),
          ACCEPT("written", PACKET("14") "*(u64 *)(r2 + 3) = 0;" OUT),
          ACCEPT("unaligned", PACKET("14") "r0 = *(u64 *)(r2 + 3); exit;" OUT),
          {.name = "unaligned under the flag", .text = PACKET("14") "r0 = *(u32 *)(r2 + 0); exit;" OUT, .want = PST_FINDING_ALIGNMENT,
           .flags = PST_VERIFY_STRICT_ALIGNMENT},
          {.name = "aligned under the flag", .text = PACKET("14") "r0 = *(u32 *)(r2 + 2); exit;" OUT, .flags = PST_VERIFY_STRICT_ALIGNMENT},
          REJECT("an atomic instruction", TYPE, PACKET("14") "r5 = 1; lock *(u64 *)(r2 + 0) += r5;" OUT),
          ACCEPT("a variable offset", PACKET("14") "r5 = *(u8 *)(r2 + 0); r5 &= 15; r2 += r5; r4 = r2; r4 += 4; if r4 > r3 goto out;"
                                                   "r0 = *(u32 *)(r2 + 0); exit;" OUT),
          REJECT("a variable offset, not compared again", BOUNDS, PACKET("14") "r5 = *(u8 *)(r2 + 0); r5 &= 15; r2 += r5; r0 = *(u8 *)(r2 + 0); exit;" OUT),
          ACCEPT("a variable offset within what was compared", PACKET("16") "r5 = *(u8 *)(r2 + 0); r5 &= 15; r2 += r5; r0 = *(u8 *)(r2 + 0); exit;" OUT),
          ACCEPT("metadata", "r2 = *(u32 *)(r1 + 8); r3 = *(u32 *)(r1 + 0); r4 = r2; r4 += 4; if r4 > r3 goto out; r0 = *(u32 *)(r2 + 0); exit;" OUT),
          REJECT("metadata, not compared", BOUNDS, "r2 = *(u32 *)(r1 + 8); r0 = *(u32 *)(r2 + 0); exit"),
          ACCEPT("a pointer is stored", PACKET("8") "*(u64 *)(r2 + 0) = r1;" OUT),
          STRICT_REJECT("strict: it is not", POINTER_LEAK, PACKET("8") "*(u64 *)(r2 + 0) = r1;" OUT));
}

TEST(memory_legacy_loads)
{
    static const char absolute[] = "r6 = r1; r0 = *(u16 *)skb[12]; exit", indexed[] = "r6 = r1; r7 = 4; r0 = *(u8 *)skb[r7 + 1]; exit";
    CASES({.name = "xdp has none", .text = absolute, .want = PST_FINDING_INSTRUCTION},
          {.name = "a filter has", .text = absolute, .type = "socket_filter"},
          {.name = "by index", .text = indexed, .type = "socket_filter"},
          {.name = "r6 must be the context", .text = "r6 = 1; r0 = *(u16 *)skb[12]; exit", .type = "socket_filter", .want = PST_FINDING_TYPE},
          {.name = "and not be moved", .text = "r6 = r1; r6 += 8; r0 = *(u16 *)skb[12]; exit", .type = "socket_filter", .want = PST_FINDING_TYPE},
          {.name = "r1 is gone", .text = "r6 = r1; r0 = *(u16 *)skb[12]; r0 = *(u32 *)(r1 + 0); exit", .type = "socket_filter",
           .want = PST_FINDING_UNINITIALISED},
          {.name = "the value has its width", .text = "r6 = r1; r0 = *(u8 *)skb[12]; r0 &= 15; r7 = map[fd:3][0]+0; r7 += r0; r0 = *(u8 *)(r7 + 0); exit",
           .type = "socket_filter"},
          {.name = "not while a reservation is held", .type = "socket_filter", .want = PST_FINDING_REFERENCE,
           .text = "r6 = r1; r1 = map[fd:11]; r2 = 8; r3 = 0; call 131; if r0 == 0 goto out; r7 = r0; r0 = *(u8 *)skb[12]; r1 = r7; r2 = 0; call 132;" OUT});
}

// --- Maps --------------------------------------------------------------------------------------------------------------------

TEST(memory_map_values)
{
    CASES(ACCEPT("the last byte", LOOKUP("4") "*(u8 *)(r0 + 15) = 1;" OUT),
          REJECT("one more", BOUNDS, LOOKUP("4") "*(u8 *)(r0 + 16) = 1;" OUT),
          REJECT("before", BOUNDS, LOOKUP("4") "r0 = *(u8 *)(r0 - 1);" OUT),
          REJECT("not compared with null", NULL_POINTER, "r1 = map[fd:4]; *(u32 *)(r10 - 4) = 0; r2 = r10; r2 += -4; call 1; *(u8 *)(r0 + 0) = 1;" RETURN0),
          REJECT("null itself", TYPE, "r1 = map[fd:4]; *(u32 *)(r10 - 4) = 0; r2 = r10; r2 += -4; call 1; if r0 != 0 goto out; *(u8 *)(r0 + 0) = 1;" OUT),
          ACCEPT("unaligned", LOOKUP("4") "*(u64 *)(r0 + 3) = 1;" OUT),
          {.name = "unaligned under the flag", .text = LOOKUP("4") "*(u64 *)(r0 + 3) = 1;" OUT, .want = PST_FINDING_ALIGNMENT,
           .flags = PST_VERIFY_STRICT_ALIGNMENT},
          ACCEPT("a masked index", LOOKUP("4") "r1 = *(u64 *)(r0 + 0); r1 &= 15; r0 += r1; r0 = *(u8 *)(r0 + 0);" OUT),
          REJECT("too wide a mask", BOUNDS, LOOKUP("4") "r1 = *(u64 *)(r0 + 0); r1 &= 31; r0 += r1; r0 = *(u8 *)(r0 + 0);" OUT),
          REJECT("an index that may be negative", BOUNDS, LOOKUP("4") "r1 = *(s8 *)(r0 + 0); if r1 s> 15 goto out; r0 += r1; r0 = *(u8 *)(r0 + 0);" OUT),
          ACCEPT("an index of either sign, compared", LOOKUP("4") "r1 = *(s8 *)(r0 + 0); if r1 s> 15 goto out; if r1 s< 0 goto out; r0 += r1; r0 = *(u8 *)(r0 + 0);" OUT),
          ACCEPT("a pointer is stored", LOOKUP("4") "*(u64 *)(r0 + 0) = r10;" OUT),
          STRICT_REJECT("strict: it is not", POINTER_LEAK, LOOKUP("4") "*(u64 *)(r0 + 0) = r10;" OUT));
}

TEST(memory_map_flags)
{
    CASES(ACCEPT("read a read-only map", "r1 = map[fd:5][0]+0; r0 = *(u64 *)(r1 + 0); exit"),
          REJECT("write it", READ_ONLY, "r1 = map[fd:5][0]+0; *(u64 *)(r1 + 0) = 1;" RETURN0),
          ACCEPT("write a write-only map", "r1 = map[fd:6][0]+0; *(u64 *)(r1 + 0) = 1;" RETURN0),
          REJECT("read it", READ_ONLY, "r1 = map[fd:6][0]+0; r0 = *(u64 *)(r1 + 0); exit"),
          REJECT("an atomic reads too", READ_ONLY, "r1 = map[fd:6][0]+0; r2 = 1; lock *(u64 *)(r1 + 0) += r2;" RETURN0),
          ACCEPT("constants of a frozen map", INDEX("r2 = map[fd:7][0]+0; r7 = *(u16 *)(r2 + 10);")),
          REJECT("other constants", BOUNDS, INDEX("r2 = map[fd:7][0]+0; r7 = *(u16 *)(r2 + 9);")),
          ACCEPT("a constant with its sign", INDEX("r2 = map[fd:7][0]+8; r7 = *(s16 *)(r2 + 0); r7 += 16;")),
          REJECT("not of a map that is not frozen", BOUNDS, INDEX("r2 = map[fd:5][0]+0; r7 = *(u16 *)(r2 + 10);")),
          ACCEPT("an entry of many is not known, but readable", LOOKUP("8") "r0 = *(u32 *)(r0 + 0);" OUT));
}

TEST(memory_map_records)
{
    CASES(ACCEPT("beside a lock", LOOKUP("9") "*(u32 *)(r0 + 0) = 1; *(u64 *)(r0 + 8) = 1;" OUT),
          REJECT("a lock is not read", BOUNDS, LOOKUP("9") "r0 = *(u32 *)(r0 + 4);" OUT),
          REJECT("nor overlapped", BOUNDS, LOOKUP("9") "*(u64 *)(r0 + 0) = 1;" OUT),
          REJECT("nor perhaps", BOUNDS, LOOKUP("9") "r1 = *(u32 *)(r0 + 0); r1 &= 4; r0 += r1; *(u32 *)(r0 + 0) = 1;" OUT),
          ACCEPT("a kptr is loaded", LOOKUP("10") "r0 = *(u64 *)(r0 + 0);" OUT),
          REJECT("not in part", BOUNDS, LOOKUP("10") "r0 = *(u32 *)(r0 + 0);" OUT),
          REJECT("may be null", NULL_POINTER, LOOKUP("10") "r0 = *(u64 *)(r0 + 0); r0 = *(u64 *)(r0 + 0);" OUT),
          ACCEPT("is read after the comparison", LOOKUP("10") "r0 = *(u64 *)(r0 + 0); if r0 == 0 goto out; r0 = *(u64 *)(r0 + 0);" OUT),
          REJECT("not written through", READ_ONLY, LOOKUP("10") "r0 = *(u64 *)(r0 + 0); if r0 == 0 goto out; *(u64 *)(r0 + 0) = 1;" OUT),
          ACCEPT("null is stored", LOOKUP("10") "*(u64 *)(r0 + 0) = 0;" OUT),
          REJECT("a number is not", TYPE, LOOKUP("10") "*(u64 *)(r0 + 0) = 1;" OUT),
          ACCEPT("its own type is", LOOKUP("10") "r1 = *(u64 *)(r0 + 0); *(u64 *)(r0 + 0) = r1;" OUT),
          REJECT("one that owns is not stored to", READ_ONLY, LOOKUP("10") "*(u64 *)(r0 + 8) = 0;" OUT),
          REJECT("no atomics", BOUNDS, LOOKUP("10") "r1 = 0; lock *(u64 *)(r0 + 0) += r1;" OUT));
}

TEST(memory_maps_themselves)
{
    CASES(ACCEPT("a field of a map", "r1 = map[fd:3]; r0 = *(u32 *)(r1 + 24); exit"),
          REJECT("is not written", TYPE, "r1 = map[fd:3]; *(u32 *)(r1 + 24) = 1;" RETURN0),
          STRICT_REJECT("nor read in strict mode", TYPE, "r1 = map[fd:3]; r0 = *(u32 *)(r1 + 24); exit"),
          REJECT("nor far away", BOUNDS, "r1 = map[fd:3]; r0 = *(u32 *)(r1 + 4096); exit"),
          REJECT("a number is no pointer", TYPE, "r1 = 4096; r0 = *(u64 *)(r1 + 0); exit"),
          REJECT("what a field holds is a number", TYPE, "r1 = map[fd:3]; r1 = *(u64 *)(r1 + 0); r0 = *(u64 *)(r1 + 0); exit"));
}

TEST(memory_reservations)
{
#define RESERVE "r1 = map[fd:11]; r2 = 16; r3 = 0; call 131; if r0 == 0 goto out;"
#define SUBMIT "r1 = r0; r2 = 0; call 132;"
    CASES(ACCEPT("inside", RESERVE "*(u64 *)(r0 + 8) = 1;" SUBMIT OUT),
          REJECT("outside", BOUNDS, RESERVE "*(u64 *)(r0 + 9) = 1;" SUBMIT OUT),
          STRICT_REJECT("strict: no pointers", POINTER_LEAK, RESERVE "*(u64 *)(r0 + 8) = r10;" SUBMIT OUT),
          REJECT("gone after submit", TYPE, RESERVE "r6 = r0;" SUBMIT "*(u64 *)(r6 + 8) = 1;" OUT));
}

// --- Atomics -----------------------------------------------------------------------------------------------------------------

TEST(memory_atomics)
{
    CASES(ACCEPT("a map's value", "r1 = map[fd:3][0]+0; r2 = 1; lock *(u64 *)(r1 + 8) += r2;" RETURN0),
          REJECT("misaligned", ALIGNMENT, "r1 = map[fd:3][0]+0; r2 = 1; lock *(u64 *)(r1 + 4) += r2;" RETURN0),
          REJECT("outside", BOUNDS, "r1 = map[fd:3][0]+0; r2 = 1; lock *(u64 *)(r1 + 16) += r2;" RETURN0),
          ACCEPT("the stack", "*(u64 *)(r10 - 8) = 1; r2 = 1; lock *(u64 *)(r10 - 8) += r2;" RETURN0),
          REJECT("makes a known number unknown", POINTER_ARITHMETIC, INDEX("*(u64 *)(r10 - 8) = 1; r2 = 100; lock *(u64 *)(r10 - 8) += r2; r7 = *(u64 *)(r10 - 8);")),
          ACCEPT("fetch of a known number", INDEX("*(u64 *)(r10 - 8) = 15; r7 = 100; r7 = atomic_fetch_add((u64 *)(r10 - 8), r7);")),
          REJECT("fetch of an unknown one", POINTER_ARITHMETIC, INDEX("r1 = map[fd:3][0]+8; r7 = 1; r7 = atomic_fetch_add((u64 *)(r1 + 0), r7);")),
          ACCEPT("privileged: a pointer as the operand", "*(u64 *)(r10 - 8) = 1; lock *(u64 *)(r10 - 8) += r1;" RETURN0),
          STRICT_REJECT("strict: none", POINTER_LEAK, "*(u64 *)(r10 - 8) = 1; lock *(u64 *)(r10 - 8) += r1;" RETURN0),
          STRICT_REJECT("strict: none on the stack either", POINTER_LEAK, "*(u64 *)(r10 - 8) = r1; r2 = 1; lock *(u64 *)(r10 - 8) += r2;" RETURN0),
          REJECT("cmpxchg needs r0", UNINITIALISED, "*(u64 *)(r10 - 8) = 1; r2 = 1; r0 = cmpxchg_64(r10 - 8, r0, r2); exit"),
          ACCEPT("cmpxchg", "*(u64 *)(r10 - 8) = 1; r2 = 1; r0 = 1; r0 = cmpxchg_64(r10 - 8, r0, r2); exit"),
          ACCEPT("load-acquire", "r1 = map[fd:3][0]+0; r0 = load_acquire((u64 *)(r1 + 0)); exit"),
          REJECT("load-acquire of the packet", TYPE, PACKET("8") "r0 = load_acquire((u64 *)(r2 + 0)); exit;" OUT),
          ACCEPT("store-release", "r1 = map[fd:3][0]+0; r2 = 1; store_release((u64 *)(r1 + 0), r2);" RETURN0),
          REJECT("store-release, misaligned", ALIGNMENT, "r1 = map[fd:3][0]+0; r2 = 1; store_release((u32 *)(r1 + 2), r2);" RETURN0),
          REJECT("store-release to the context", TYPE, "r2 = 1; store_release((u32 *)(r1 + 12), r2);" RETURN0));
}

// --- Arguments of helpers -------------------------------------------------------------------------------------------------------

// bpf_trace_printk(r1: readable memory, r2: its size), bpf_get_current_comm(r1: writable memory, r2: its size).
#define PRINT "call 6;" RETURN0

TEST(memory_arguments)
{
    CASES(ACCEPT("stack", "*(u64 *)(r10 - 8) = 0; r1 = r10; r1 += -8; r2 = 8;" PRINT),
          ACCEPT("privileged: not initialised", "r1 = r10; r1 += -8; r2 = 8;" PRINT),
          STRICT_REJECT("strict: not initialised", UNINITIALISED, "*(u32 *)(r10 - 8) = 0; r1 = r10; r1 += -8; r2 = 8;" PRINT),
          REJECT("too long", BOUNDS, "*(u64 *)(r10 - 8) = 0; r1 = r10; r1 += -8; r2 = 9;" PRINT),
          REJECT("of size 0", BOUNDS, "*(u64 *)(r10 - 8) = 0; r1 = r10; r1 += -8; r2 = 0;" PRINT),
          REJECT("a size that may be negative", BOUNDS, "r2 = *(s32 *)(r1 + 12); *(u64 *)(r10 - 8) = 0; r1 = r10; r1 += -8; if r2 s> 8 goto out;" "call 6;" OUT),
          ACCEPT("a size within bounds",
                 "r2 = *(u32 *)(r1 + 12); *(u64 *)(r10 - 8) = 0; r1 = r10; r1 += -8; if r2 > 8 goto out; if r2 == 0 goto out; call 6;" OUT),
          REJECT("an unbounded size", BOUNDS, "r2 = *(u32 *)(r1 + 12); *(u64 *)(r10 - 8) = 0; r1 = r10; r1 += -8; if r2 == 0 goto out; call 6;" OUT),
          ACCEPT("map value", "r1 = map[fd:3][0]+0; r2 = 16;" PRINT),
          REJECT("map value, too long", BOUNDS, "r1 = map[fd:3][0]+8; r2 = 16;" PRINT),
          REJECT("a number", ARGUMENT, "r1 = 7; r2 = 16;" PRINT),
          REJECT("the context", ARGUMENT, "r2 = 16;" PRINT),
          REJECT("the packet, for a helper that takes none", ARGUMENT, PACKET("8") "r1 = r2; r2 = 8; call 6;" OUT),
          STRICT_REJECT("strict: pointers on the stack", POINTER_LEAK, "*(u64 *)(r10 - 8) = r1; r1 = r10; r1 += -8; r2 = 8;" PRINT),
          ACCEPT("privileged: they are bytes", "*(u64 *)(r10 - 8) = r1; r1 = r10; r1 += -8; r2 = 8;" PRINT));
}

TEST(memory_arguments_of_maps)
{
#define KEY "*(u32 *)(r10 - 4) = 0; r2 = r10; r2 += -4; r1 = map[fd:4];"
    CASES(ACCEPT("a key in the packet", PACKET("4") "r1 = map[fd:4]; call 1;" OUT),
          REJECT("a key that ends too early", BOUNDS, PACKET("3") "r1 = map[fd:4]; call 1;" OUT),
          REJECT("a key over the frame's end", BOUNDS, "r2 = r10; r2 += -2; r1 = map[fd:4]; call 1;" RETURN0),
          STRICT_REJECT("strict: a value not initialised", UNINITIALISED, KEY "r3 = r10; r3 += -24; r4 = 0; call 2;" RETURN0),
          ACCEPT("a value", KEY "*(u64 *)(r10 - 24) = 0; *(u64 *)(r10 - 16) = 0; r3 = r10; r3 += -24; r4 = 0; call 2;" RETURN0),
          REJECT("a key that may be null", NULL_POINTER,
                 "r1 = map[fd:4]; *(u32 *)(r10 - 4) = 0; r2 = r10; r2 += -4; call 1; r2 = r0; r1 = map[fd:4]; call 1;" RETURN0));
}

TEST(memory_arguments_that_are_written)
{
    // bpf_skb_load_bytes(ctx, offset, r3: written, r4: its size)
#define LOAD_BYTES "r2 = 0; r3 = r10; r3 += -8; r4 = 8; call 26;"
    CASES({.name = "initialises the bytes", .type = "sched_cls", .mode = PST_VERIFY_STRICT, .text = LOAD_BYTES "r0 = *(u64 *)(r10 - 8); exit"},
          {.name = "which are not known any more", .type = "sched_cls", .want = PST_FINDING_POINTER_ARITHMETIC,
           .text = "*(u64 *)(r10 - 8) = 1;" LOAD_BYTES "r6 = map[fd:3][0]+0; r7 = *(u64 *)(r10 - 8); r6 += r7; r0 = *(u8 *)(r6 + 0); exit"},
          {.name = "and no pointer", .type = "sched_cls", .want = PST_FINDING_TYPE,
           .text = "*(u64 *)(r10 - 8) = r1;" LOAD_BYTES "r6 = *(u64 *)(r10 - 8); r0 = *(u32 *)(r6 + 0); exit"},
          {.name = "beside them nothing changes", .type = "sched_cls",
           .text = "*(u64 *)(r10 - 16) = r1;" LOAD_BYTES "r6 = *(u64 *)(r10 - 16); r0 = *(u32 *)(r6 + 0); exit"},
          {.name = "not to a read-only map", .type = "sched_cls", .want = PST_FINDING_READ_ONLY,
           .text = "r2 = 0; r3 = map[fd:5][0]+0; r4 = 8; call 26;" RETURN0});
}

// --- Dynptrs on the stack ------------------------------------------------------------------------------------------------------

TEST(memory_dynptrs_on_the_stack)
{
    // A dynptr of a map's value at r10 - 16; 8 bytes are read through it to r10 - 32.
#define DYNPTR "r1 = map[fd:3][0]+0; r2 = 16; r3 = 0; r4 = r10; r4 += -16; call 197;"
#define READ_DYNPTR "r1 = r10; r1 += -32; r2 = 8; r3 = r10; r3 += -16; r4 = 0; r5 = 0; call 201;"
#define SPLIT "if r6 > 5 goto +1; r7 = 0;"
    CASES(ACCEPT("used", "r6 = *(u32 *)(r1 + 12);" DYNPTR SPLIT READ_DYNPTR RETURN0),
          REJECT("not loaded from", DYNPTR, DYNPTR "r0 = *(u64 *)(r10 - 16); exit"),
          REJECT("not read by a helper", DYNPTR, DYNPTR "r1 = r10; r1 += -16; r2 = 8; call 6;" RETURN0),
          ACCEPT("overwritten", DYNPTR "*(u64 *)(r10 - 16) = 1; r0 = *(u64 *)(r10 - 16); exit"),
          REJECT("and then none", DYNPTR, DYNPTR "*(u64 *)(r10 - 16) = 1;" READ_DYNPTR RETURN0),
          REJECT("its upper half", DYNPTR, DYNPTR "*(u8 *)(r10 - 1) = 1;" READ_DYNPTR RETURN0),
          REJECT("its lower half after a join", DYNPTR, "r6 = *(u32 *)(r1 + 12);" DYNPTR SPLIT "*(u64 *)(r10 - 16) = 1;" READ_DYNPTR RETURN0),
          REJECT("its upper half after a join", DYNPTR, "r6 = *(u32 *)(r1 + 12);" DYNPTR SPLIT "*(u64 *)(r10 - 8) = 1;" READ_DYNPTR RETURN0),
          REJECT("perhaps", DYNPTR, EIGHT_OR_NOT "r6 = r3;" DYNPTR "r6 += r10; *(u64 *)(r6 - 16) = 1;" READ_DYNPTR RETURN0),
          ACCEPT("made anew in its place", DYNPTR DYNPTR READ_DYNPTR RETURN0),
          REJECT("not filled by a helper", DYNPTR, DYNPTR "r1 = r10; r1 += -16; r2 = 8; call 16;" RETURN0),
          REJECT("its slice dies with it", TYPE,
                 DYNPTR "r1 = r10; r1 += -16; r2 = 0; r3 = 8; call 203; if r0 == 0 goto out; *(u64 *)(r10 - 16) = 1; *(u8 *)(r0 + 0) = 1;" OUT),
          REJECT("one of a ring buffer is not overwritten", DYNPTR,
                 "r1 = map[fd:11]; r2 = 8; r3 = 0; r4 = r10; r4 += -16; call 198; *(u64 *)(r10 - 16) = 0; r1 = r10; r1 += -16; r2 = 0; call 199;" RETURN0));
}

// --- Structs of the host ---------------------------------------------------------------------------------------------------------

// int; long; struct sk_buff { long len; struct sk_buff *next; int array[4]; int *number; }
static pst_btf *host_types(void)
{
    static const char names[] = "\0int\0long\0sk_buff\0len\0next\0array\0number";
    enum { INT = 1, LONG = 5, SK_BUFF = 10, LEN = 18, NEXT = 22, ARRAY_NAME = 27, NUMBER = 33 };
    const uint32_t types[] = {
        INT, 1u << 24, 4, 1u << 24 | 32,                                             // 1
        LONG, 1u << 24, 8, 1u << 24 | 64,                                            // 2
        SK_BUFF, 4u << 24 | 4, 40, LEN, 2, 0, NEXT, 4, 64, ARRAY_NAME, 5, 128, NUMBER, 6, 256, // 3
        0, 2u << 24, 3,                                                              // 4: struct sk_buff *
        0, 3u << 24, 0, 1, 1, 4,                                                     // 5: int[4]
        0, 2u << 24, 1,                                                              // 6: int *
    };
    const uint32_t header[6] = {1u << 16 | 0xeb9f, 24, 0, sizeof types, sizeof types, sizeof names};
    uint8_t bytes[sizeof header + sizeof types + sizeof names];
    memcpy(bytes, header, sizeof header);
    memcpy(bytes + sizeof header, types, sizeof types);
    memcpy(bytes + sizeof header + sizeof types, names, sizeof names);
    pst_btf *btf = NULL;
    if (pst_btf_parse(pst_pal_env(), bytes, sizeof bytes, "host", &btf) != PST_OK) pst_test_fail(__FILE__, __LINE__, "no BTF");
    return btf;
}

// r2: a trusted pointer to struct sk_buff.
#define ACCEPT_NF(what, program) {.name = what, .type = "netfilter", .text = "r2 = *(u64 *)(r1 + 8);" program}
#define REJECT_NF(what, kind, program) {.name = what, .type = "netfilter", .want = PST_FINDING_##kind, .text = "r2 = *(u64 *)(r1 + 8);" program}

TEST(memory_structs_of_the_host)
{
    static const memory_case cases[] = {
        ACCEPT_NF("a number", "r0 = *(u64 *)(r2 + 0);" RETURN0),
        ACCEPT_NF("a part of it", "r0 = *(u16 *)(r2 + 2);" RETURN0),
        ACCEPT_NF("two elements", "r0 = *(u64 *)(r2 + 20);" RETURN0),
        REJECT_NF("over the end of a member", BOUNDS, "r0 = *(u64 *)(r2 + 28);" RETURN0),
        REJECT_NF("over the end of all", BOUNDS, "r0 = *(u64 *)(r2 + 40);" RETURN0),
        REJECT_NF("before it", BOUNDS, "r0 = *(u64 *)(r2 - 8);" RETURN0),
        REJECT_NF("a part of a pointer", BOUNDS, "r0 = *(u32 *)(r2 + 8);" RETURN0),
        ACCEPT_NF("a pointer, and through it", "r2 = *(u64 *)(r2 + 8); r2 = *(u64 *)(r2 + 8); r0 = *(u32 *)(r2 + 0);" RETURN0),
        REJECT_NF("a number is none", TYPE, "r2 = *(u64 *)(r2 + 0); r0 = *(u32 *)(r2 + 0);" RETURN0),
        ACCEPT_NF("a pointer to a number is read under protection", "r2 = *(u64 *)(r2 + 32); r0 = *(u8 *)(r2 + 100);" RETURN0),
        REJECT_NF("nothing is written", READ_ONLY, "*(u64 *)(r2 + 0) = 1;" RETURN0),
        REJECT_NF("nor by an atomic", READ_ONLY, "r3 = 1; lock *(u64 *)(r2 + 0) += r3;" RETURN0),
        REJECT_NF("what was read may be null", BOUNDS, "r3 = *(u64 *)(r2 + 8); if r3 != 0 goto +1; r0 = *(u64 *)(r10 + 8);" RETURN0),
        ACCEPT_NF("what is trusted is not", "if r2 != 0 goto +1; r0 = *(u64 *)(r10 + 8);" RETURN0),
        {.name = "strict: nothing is read", .type = "netfilter", .mode = PST_VERIFY_STRICT, .want = PST_FINDING_POINTER_LEAK,
         .text = "r2 = *(u64 *)(r1 + 8); r0 = *(u64 *)(r2 + 0);" RETURN0},
    };
    pst_btf *btf = host_types();
    REQUIRE(btf);
    g_host = btf;
    check_cases(cases, PST_COUNT(cases));
    g_host = NULL;
    check_case(&cases[0]); // without types every offset is a number
    pst_btf_free(btf);
}

// --- Facts -------------------------------------------------------------------------------------------------------------------

TEST(memory_notes_context_accesses)
{
    memory_case c = ACCEPT("facts", "r2 = r1; r0 = *(u32 *)(r2 + 12); *(u64 *)(r10 - 8) = 1; exit");
    pst_verdict *verdict = verify_text(&c);
    REQUIRE(verdict && verdict->kind == PST_VERDICT_ACCEPT && verdict->facts.flags);
    CHECK(verdict->facts.flags[1] & PST_FACT_CONTEXT);
    CHECK(!(verdict->facts.flags[2] & PST_FACT_CONTEXT));
    CHECK(!verdict->facts.context_off || verdict->facts.context_off[1] == 0);
    pst_verdict_free(verdict);
}

TEST(memory_findings_speak)
{
    memory_case c = REJECT("text", BOUNDS, PACKET("14") "r0 = *(u8 *)(r2 + 14); exit;" OUT);
    pst_verdict *verdict = verify_text(&c);
    REQUIRE(verdict && verdict->kind == PST_VERDICT_REJECT);
    CHECK_EQ(verdict->finding.pc, 5);
    CHECK_EQ(verdict->finding.reg, 2);
    CHECK(strstr(verdict->finding.text, "packet") && verdict->finding.needed[0] && verdict->finding.known[0] && verdict->finding.hint[0]);
    pst_verdict_free(verdict);
}
