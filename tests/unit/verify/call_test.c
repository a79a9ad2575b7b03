// call_test.c: calls of helpers and kfuncs, functions of the program, callbacks, and what is held meanwhile: small programs without BTF.
// The verdicts in privileged mode are those of Linux 6.18, which was asked for each. What is known more precisely here differs: that the index of
// bpf_loop is below its number of turns, and keys of arrays that are constant in ways that Linux does not recognise.
#include "call_fixture.h"

// --- Which calls are allowed -------------------------------------------------------------------------------------------------

TEST(call_allowed)
{
    CALL_CASES(NULL, ACCEPT("a helper of every type", "call 5; r0 = 0; exit"),
               REJECT("a helper of another type", HELPER, "r2 = 0; call 33;" RETURN0),
               REJECT("a helper that does not exist", UNSUPPORTED, "call 9999;" RETURN0),
               REJECT("a kfunc that is not described", UNSUPPORTED, KFUNC(32) RETURN0),
               REJECT("a kfunc without a name", UNSUPPORTED, "call kfunc 999 btf 0;" RETURN0),
               REJECT("a call through a register", INSTRUCTION, "r3 = 1; callx r3;" RETURN0),
               {.name = "GPL only", .text = "r1 = r10; r1 += -8; r2 = 8; r3 = 0; call 113;" RETURN0, .want = PST_FINDING_HELPER, .type = "kprobe",
                .proprietary = true},
               ACCEPT_AS("kprobe", "GPL only, by a GPL program", "r1 = r10; r1 += -8; r2 = 8; r3 = 0; call 113;" RETURN0),
               REJECT_AS("kprobe", "one that sleeps", HELPER, "r1 = r10; r1 += -8; r2 = 8; r3 = 0; call 148;" RETURN0),
               {.name = "one that sleeps, in a sleepable program", .text = "r1 = r10; r1 += -8; r2 = 8; r3 = 0; call 148;" RETURN0, .type = "syscall",
                .sleepable = true});
}

// --- Numbers, memory, maps -------------------------------------------------------------------------------------------------------

TEST(call_registers)
{
    CALL_CASES(NULL, REJECT("an argument is uninitialised", UNINITIALISED, "r1 = map[fd:3]; call 1;" RETURN0),
               REJECT("r1 after a call", UNINITIALISED, "call 5; r0 = r1; exit"), REJECT("r5 after a call", UNINITIALISED, "r5 = 1; call 5; r0 = r5; exit"),
               ACCEPT("r6 after a call", "r6 = 1; call 5; r0 = r6; exit"),
               REJECT("r0 of a void helper", UNINITIALISED, RESERVE SUBMIT "r1 = r0;" OUT),
               ACCEPT("variadic arguments need not be there", "*(u64 *)(r10 - 8) = 0; r1 = r10; r1 += -8; r2 = 8; call 6;" RETURN0),
               REJECT("a socket where a number is", TYPE, "r1 = 5; call 86;" RETURN0));
}

TEST(call_memory)
{
    CALL_CASES(
        NULL, ACCEPT_AS("kprobe", "a buffer", "r1 = r10; r1 += -16; r2 = 16; r3 = 0; call 113;" RETURN0),
        REJECT_AS("kprobe", "a buffer that is too small", BOUNDS, "r1 = r10; r1 += -8; r2 = 16; r3 = 0; call 113;" RETURN0),
        REJECT_AS("kprobe", "a size that may be negative", BOUNDS, "r2 = *(u64 *)(r1 + 0); r1 = r10; r1 += -8; if r2 s> 8 goto out; r3 = 0; call 113;" OUT),
        ACCEPT_AS("kprobe", "a size with a bound", "r2 = *(u64 *)(r1 + 0); r1 = r10; r1 += -8; if r2 > 8 goto out; r3 = 0; call 113;" OUT),
        REJECT_AS("kprobe", "a size without", BOUNDS, "r2 = *(u64 *)(r1 + 0); r2 >>= 1; r1 = r10; r1 += -8; r3 = 0; call 113;" OUT),
        REJECT_AS("kprobe", "a size that may be 0", BOUNDS, "r2 = *(u64 *)(r1 + 0); r2 &= 7; r1 = r10; r1 += -8; call 16;" OUT),
        ACCEPT_AS("kprobe", "a size that is not", "r2 = *(u64 *)(r1 + 0); r2 &= 7; r2 += 1; r1 = r10; r1 += -8; call 16;" OUT),
        REJECT_AS("kprobe", "nothing, at NULL", NULL_POINTER, "r1 = 0; r2 = 0; r3 = 0; call 113;" RETURN0),
        REJECT_AS("kprobe", "something, at NULL", NULL_POINTER, "r1 = 0; r2 = 4; r3 = 0; call 113;" RETURN0),
        REJECT_AS("kprobe", "a size that is a pointer", TYPE, "r1 = r10; r1 += -8; r2 = r10; r3 = 0; call 113;" RETURN0),
        ACCEPT("optional memory", "r1 = 0; r2 = 0; r3 = 0; r4 = 0; r5 = 0; call 28;" RETURN0),
        REJECT("optional memory that is not there", NULL_POINTER, "r1 = 0; r2 = 4; r3 = 0; r4 = 0; r5 = 0; call 28;" RETURN0),
        ACCEPT("packet memory where it is allowed", "r6 = *(u32 *)(r1 + 0); r7 = *(u32 *)(r1 + 4); r8 = r6; r8 += 8; if r8 > r7 goto out;"
                                                    "r1 = 0; r2 = 0; r3 = r6; r4 = 8; r5 = 0; call 28;" OUT),
        REJECT("packet memory where it is not", ARGUMENT, "r6 = *(u32 *)(r1 + 0); r7 = *(u32 *)(r1 + 4); r8 = r6; r8 += 8; if r8 > r7 goto out;"
                                                          "r1 = map[fd:6]; r2 = r6; r3 = 8; r4 = 0; call 130;" OUT));
}

TEST(call_maps)
{
    CALL_CASES(NULL, ACCEPT("look up", LOOKUP("3") "*(u64 *)(r0 + 8) = 1;" OUT),
               REJECT("what is looked up may be null", NULL_POINTER,
                      "r1 = map[fd:4]; *(u64 *)(r10 - 8) = 0; r2 = r10; r2 += -8; call 1; *(u64 *)(r0 + 0) = 1;" RETURN0),
               ACCEPT("a constant key of an array is there",
                      "r1 = map[fd:3]; *(u32 *)(r10 - 4) = 0; r2 = r10; r2 += -4; call 1; *(u64 *)(r0 + 0) = 1;" RETURN0),
               REJECT("a constant key outside is not", NULL_POINTER,
                      "r1 = map[fd:3]; *(u32 *)(r10 - 4) = 4; r2 = r10; r2 += -4; call 1; *(u64 *)(r0 + 0) = 1;" RETURN0),
               REJECT("beyond the value", BOUNDS, LOOKUP("3") "*(u64 *)(r0 + 16) = 1;" OUT),
               REJECT("a key that is too small", BOUNDS, "r1 = map[fd:4]; *(u32 *)(r10 - 4) = 0; r2 = r10; r2 += -4; call 1;" RETURN0),
               REJECT("no map", TYPE, "r1 = r10; r2 = r10; r2 += -8; call 1;" RETURN0),
               REJECT("a map with an offset", POINTER_ARITHMETIC, "r1 = map[fd:3]; r1 += 8; r2 = r10; r2 += -8; call 1;" RETURN0),
               REJECT("a ring buffer is not looked up", MAP, "r1 = map[fd:6]; r2 = r10; r2 += -8; call 1;" RETURN0),
               REJECT("an array is no queue", MAP, "r1 = map[fd:3]; *(u64 *)(r10 - 16) = 0; r2 = r10; r2 += -16; r3 = 0; call 87;" RETURN0),
               ACCEPT("a queue", "r1 = map[fd:9]; r2 = r10; r2 += -16; call 88;" RETURN0),
               REJECT("a queue's value is too small", BOUNDS, "r1 = map[fd:9]; r2 = r10; r2 += -8; call 88;" RETURN0),
               ACCEPT("a Bloom filter", "r1 = map[fd:18]; *(u64 *)(r10 - 8) = 1; r2 = r10; r2 += -8; call 89;" RETURN0),
               REJECT("a Bloom filter is not popped", MAP, "r1 = map[fd:18]; r2 = r10; r2 += -8; call 88;" RETURN0),
               ACCEPT("a map in a map", LOOKUP("8") "r1 = r0; *(u64 *)(r10 - 8) = 9; r2 = r10; r2 += -8; call 1; if r0 == 0 goto out; *(u64 *)(r0 + 0) = 1;" OUT),
               REJECT("a map in a map may be null", NULL_POINTER,
                      "r1 = map[fd:8]; *(u64 *)(r10 - 8) = 0; r2 = r10; r2 += -8; call 1; r1 = r0; r2 = r10; r2 += -8; call 1;" RETURN0),
               REJECT("an inner map's value may be null", NULL_POINTER,
                      LOOKUP("8") "r1 = r0; *(u64 *)(r10 - 8) = 9; r2 = r10; r2 += -8; call 1; *(u64 *)(r0 + 0) = 1;" OUT),
               ACCEPT("update", "r1 = map[fd:4]; *(u64 *)(r10 - 8) = 0; *(u64 *)(r10 - 16) = 0; *(u64 *)(r10 - 24) = 0; r2 = r10; r2 += -8;"
                                "r3 = r10; r3 += -24; r4 = 0; call 2;" RETURN0),
               REJECT("an update with a short value", BOUNDS, "r1 = map[fd:4]; *(u64 *)(r10 - 8) = 0; r2 = r10; r2 += -8;"
                                                              "r3 = r10; r3 += -8; r4 = 0; call 2;" RETURN0),
               ACCEPT_AS("sched_cls", "a per-CPU value", "r1 = map[fd:15]; *(u64 *)(r10 - 8) = 0; r2 = r10; r2 += -8; r3 = 0; call 195; if r0 == 0 goto out;"
                                                         "r0 = *(u64 *)(r0 + 0);" OUT));
}

TEST(call_strings)
{
    CALL_CASES(NULL, ACCEPT("a string to compare with", "*(u64 *)(r10 - 8) = 0; r1 = r10; r1 += -8; r2 = 8; r3 = map[fd:5][0]+0; call 182;" RETURN0),
               REJECT("a string on the stack", TYPE, "*(u64 *)(r10 - 8) = 0; r1 = r10; r1 += -8; r2 = 8; r3 = r10; r3 += -8; call 182;" RETURN0),
               ACCEPT("a format", "r1 = r10; r1 += -16; r2 = 16; r3 = map[fd:5][0]+0; *(u64 *)(r10 - 32) = 0; *(u64 *)(r10 - 24) = 0; r4 = r10; r4 += -32;"
                                  "r5 = 16; call 165;" RETURN0),
               REJECT("a format with too few arguments", ARGUMENT,
                      "r1 = r10; r1 += -16; r2 = 16; r3 = map[fd:5][0]+0; *(u64 *)(r10 - 32) = 0; r4 = r10; r4 += -32; r5 = 8; call 165;" RETURN0),
               ACCEPT("an aligned result", "*(u64 *)(r10 - 8) = 0; r1 = r10; r1 += -8; r2 = 8; r3 = 0; r4 = r10; r4 += -16; call 105;" RETURN0),
               REJECT("a result that is not aligned", ALIGNMENT,
                      "*(u64 *)(r10 - 8) = 0; r1 = r10; r1 += -8; r2 = 8; r3 = 0; r4 = r10; r4 += -20; call 105;" RETURN0));
}

TEST(call_context)
{
    CALL_CASES(NULL, ACCEPT("the context", "r2 = 0; call 44;" RETURN0), REJECT("the context with an offset", ARGUMENT, "r1 += 4; r2 = 0; call 44;" RETURN0),
               REJECT("no context", TYPE, "r1 = r10; r2 = 0; call 44;" RETURN0),
               REJECT("packet pointers die with the packet", TYPE,
                      "r6 = r1; r7 = *(u32 *)(r1 + 0); r8 = *(u32 *)(r1 + 4); r3 = r7; r3 += 8; if r3 > r8 goto out; r2 = 0; call 44;"
                      "r0 = *(u8 *)(r7 + 0);" OUT),
               ACCEPT_AS("kprobe", "a result with a range", "r6 = map[fd:3][0]+0; r1 = r10; r1 += -8; r2 = 8; r3 = 0; call 115; if r0 s< 0 goto out; r6 += r0;"
                                                            "*(u8 *)(r6 + 7) = 1;" OUT),
               REJECT_AS("kprobe", "a result with a range that is too large", BOUNDS,
                         "r6 = map[fd:3][0]+0; r1 = r10; r1 += -8; r2 = 8; r3 = 0; call 115; if r0 s< 0 goto out; r6 += r0; *(u8 *)(r6 + 8) = 1;" OUT),
               {.name = "strict: an address as a number", .text = "r1 = r10; r2 = 0; call 23;" RETURN0, .want = PST_FINDING_POINTER_LEAK,
                .mode = PST_VERIFY_STRICT},
               ACCEPT("privileged: an address as a number", "r1 = r10; r2 = 0; call 23;" RETURN0),
               {.name = "strict: an address returned", .text = "r0 = r10; exit", .want = PST_FINDING_POINTER_LEAK, .mode = PST_VERIFY_STRICT});
}

// --- References ---------------------------------------------------------------------------------------------------------------------

#define SK_LOOKUP "r2 = r10; r2 += -40; *(u64 *)(r10 - 40) = 0; *(u64 *)(r10 - 32) = 0; r3 = 12; r4 = 0; r5 = 0; call 84;"

TEST(call_references)
{
    CALL_CASES(NULL, ACCEPT("a reservation that is submitted", RESERVE "*(u64 *)(r0 + 0) = 1;" SUBMIT OUT),
               ACCEPT("a reservation that is discarded", RESERVE "r1 = r0; r2 = 0; call 133;" OUT), REJECT("one that is forgotten", REFERENCE, RESERVE OUT),
               REJECT("one that may be null", NULL_POINTER, "r1 = map[fd:6]; r2 = 8; r3 = 0; call 131; r1 = r0; r2 = 0; call 132;" RETURN0),
               REJECT("submitted twice", TYPE, RESERVE "r6 = r0;" SUBMIT "r1 = r6; r2 = 0; call 132;" OUT),
               REJECT("written after the submit", TYPE, RESERVE "r6 = r0;" SUBMIT "*(u64 *)(r6 + 0) = 1;" OUT),
               REJECT("submitted with an offset", REFERENCE, RESERVE "r1 = r0; r1 += 4; r2 = 0; call 132;" OUT),
               REJECT("a size that is not constant", ARGUMENT, "r2 = *(u32 *)(r1 + 12); r1 = map[fd:6]; r3 = 0; call 131;" RETURN0),
               REJECT("beyond the reservation", BOUNDS, RESERVE "*(u64 *)(r0 + 8) = 1;" SUBMIT OUT),
               REJECT("forgotten on one path", REFERENCE, "r6 = *(u32 *)(r1 + 12);" RESERVE "if r6 == 0 goto out;" SUBMIT OUT),
               ACCEPT_AS("sched_cls", "a socket", SK_LOOKUP "if r0 == 0 goto out; r1 = r0; call 86;" OUT),
               REJECT_AS("sched_cls", "a socket that may be null", NULL_POINTER, SK_LOOKUP "r1 = r0; call 86;" RETURN0),
               REJECT_AS("sched_cls", "a socket that is not released", REFERENCE, SK_LOOKUP RETURN0),
               ACCEPT_AS("sched_cls", "a view of a socket",
                         SK_LOOKUP "if r0 == 0 goto out; r6 = r0; r1 = r0; call 96; if r0 == 0 goto rel; r7 = *(u32 *)(r0 + 0); rel: r1 = r6; call 86;" OUT),
               REJECT_AS("sched_cls", "a view after the release", TYPE,
                         SK_LOOKUP "if r0 == 0 goto out; r6 = r0; r1 = r0; call 96; if r0 == 0 goto rel; r7 = r0; r1 = r6; call 86; r0 = *(u32 *)(r7 + 0); exit;"
                                   "rel: r1 = r6; call 86;" OUT),
               REJECT_AS("sched_cls", "a socket without a reference is released", REFERENCE,
                         "r1 = *(u64 *)(r1 + 168); if r1 == 0 goto out; r6 = r1; call 95; if r0 == 0 goto out; r1 = r0; call 86;" OUT),
               REJECT("a tail call while a reference is held", REFERENCE,
                      "r6 = r1;" RESERVE "r7 = r0; r1 = r6; r2 = map[fd:7]; r3 = 0; call 12; r1 = r7; r2 = 0; call 132;" OUT),
               ACCEPT("a tail call", "r2 = map[fd:7]; r3 = 0; call 12;" RETURN0),
               REJECT("a tail call into an array", MAP, "r2 = map[fd:3]; r3 = 0; call 12;" RETURN0),
               ACCEPT("the packet after a tail call that failed",
                      "r6 = *(u32 *)(r1 + 0); r7 = *(u32 *)(r1 + 4); r8 = r6; r8 += 8; if r8 > r7 goto out; r2 = map[fd:7]; r3 = 0; call 12;"
                      "r0 = *(u8 *)(r6 + 0);" OUT));
}

// --- Functions of the program ---------------------------------------------------------------------------------------------------------

TEST(call_functions)
{
    CALL_CASES(
        NULL, ACCEPT("arguments and result", "r1 = 5; r2 = 6; call f; r1 = map[fd:3][0]+0; r1 += r0; *(u8 *)(r1 + 4) = 1;" RETURN0 "f: r0 = r1; r0 += r2; exit"),
        REJECT("a result that is too large", BOUNDS, "r1 = 6; r2 = 6; call f; r1 = map[fd:3][0]+0; r1 += r0; *(u8 *)(r1 + 4) = 1;" RETURN0 "f: r0 = r1; r0 += r2; exit"),
        ACCEPT("from two places, differently", "r1 = 5; call f; r1 = r10; r1 += -8; call f;" RETURN0 "f: r0 = 0; exit"),
        REJECT("r1 afterwards", UNINITIALISED, "r1 = 5; call f; r0 = r1; exit; f: r0 = 0; exit"),
        ACCEPT("r6 afterwards", "r6 = 5; call f; r0 = r6; exit; f: r0 = 0; r6 = 1; exit"),
        REJECT("r6 inside", UNINITIALISED, "r6 = 5; call f; r0 = 0; exit; f: r0 = r6; exit"),
        ACCEPT("memory of the caller", "r1 = r10; r1 += -8; call f; r0 = *(u64 *)(r10 - 8); exit; f: *(u64 *)(r1 + 0) = 5; r0 = 0; exit"),
        REJECT("memory below the caller's", BOUNDS, "r1 = r10; r1 += -8; call f; exit; f: *(u64 *)(r1 + 8) = 5; r0 = 0; exit"),
        REJECT("a pointer to its own stack", TYPE, "call f; r0 = 0; exit; f: r0 = r10; r0 += -8; exit"),
        ACCEPT("no result", "call f; r0 = 0; exit; f: exit"), REJECT("no result that is used", UNINITIALISED, "call f; exit; f: exit"),
        ACCEPT("a reference is returned", "call f; if r0 == 0 goto out;" SUBMIT OUT "f: r1 = map[fd:6]; r2 = 8; r3 = 0; call 131; exit"),
        REJECT("a reference is lost in it", REFERENCE, "call f; r0 = 0; exit; f: r1 = map[fd:6]; r2 = 8; r3 = 0; call 131; r0 = 0; exit"),
        ACCEPT("a reference is released in it", RESERVE "r1 = r0; call f;" OUT "f: r2 = 0; call 132; r0 = 0; exit"),
        REJECT("a reference is used after it released it", TYPE, RESERVE "r6 = r0; r1 = r0; call f; *(u64 *)(r6 + 0) = 1;" OUT "f: r2 = 0; call 132; r0 = 0; exit"),
        ACCEPT("what it learns, the caller knows", LOOKUP("4") "r6 = r0; r1 = r0; call f; *(u64 *)(r6 + 0) = 1;" OUT "f: r0 = 0; exit"),
        REJECT("packet pointers die in it", TYPE,
               "r7 = *(u32 *)(r1 + 0); r8 = *(u32 *)(r1 + 4); r3 = r7; r3 += 8; if r3 > r8 goto out; call f; r0 = *(u8 *)(r7 + 0);" OUT
               "f: r2 = 0; call 44; r0 = 0; exit"),
        REJECT("too much stack", STACK_DEPTH, "*(u64 *)(r10 - 512) = 0; call f; r0 = 0; exit; f: *(u64 *)(r10 - 8) = 0; r0 = 0; exit"),
        ACCEPT("just enough stack", "*(u64 *)(r10 - 496) = 0; call f; r0 = 0; exit; f: *(u64 *)(r10 - 16) = 0; r0 = 0; exit"),
        ACCEPT_AS("kprobe", "tracing programs have private stacks", "*(u64 *)(r10 - 512) = 0; call f; r0 = 0; exit; f: *(u64 *)(r10 - 64) = 0; r0 = 0; exit"),
        REJECT("a tail call above too much stack", STACK_DEPTH,
               "*(u64 *)(r10 - 256) = 0; call f; r0 = 0; exit; f: r2 = map[fd:7]; r3 = 0; call 12; r0 = 0; exit"),
        ACCEPT("a tail call in a function", "call f; r0 = 0; exit; f: r2 = map[fd:7]; r3 = 0; call 12; r0 = 0; exit"),
        REJECT("packet pointers die in the program it tail calls", TYPE,
               "r7 = *(u32 *)(r1 + 0); r8 = *(u32 *)(r1 + 4); r3 = r7; r3 += 8; if r3 > r8 goto out; call f; r0 = *(u8 *)(r7 + 0);" OUT
               "f: r2 = map[fd:7]; r3 = 0; call 12; r0 = 0; exit"),
        REJECT("a reference of the caller under a tail call", REFERENCE,
               "r6 = r1;" RESERVE "r7 = r0; r1 = r6; call f; r1 = r7; r2 = 0; call 132;" OUT "f: r6 = r1;" "r1 = map[fd:6]; r2 = 8; r3 = 0; call 131; if r0 == 0 goto no;"
               "r7 = r0; r1 = r6; r2 = map[fd:7]; r3 = 0; call 12; r1 = r7; r2 = 0; call 132; no: r0 = 0; exit"),
        REJECT("what a tail call returns is not known", BOUNDS,
               "call f; r1 = map[fd:3][0]+0; if r0 > 16 goto out; r1 += r0; *(u8 *)(r1 + 0) = 1;" OUT "f: r2 = map[fd:7]; r3 = 0; call 12; r0 = 0; exit"));
}

TEST(call_returns)
{
    CALL_CASES(NULL, ACCEPT("xdp returns anything", "r0 = 77; exit"), REJECT("but something", UNINITIALISED, "exit"),
               ACCEPT_AS("cgroup_skb", "in range", "r0 = 1; exit"), REJECT_AS("cgroup_skb", "out of range", RETURN, "r0 = 4; exit"),
               REJECT_AS("cgroup_skb", "a pointer", RETURN, "r0 = r1; exit"),
               REJECT_AS("cgroup_skb", "not known to be in range", RETURN, "r0 = *(u32 *)(r1 + 0); exit"),
               ACCEPT_AS("cgroup_skb", "tested", "r0 = *(u32 *)(r1 + 0); if r0 > 1 goto out; exit;" OUT),
               REJECT_AS("cgroup_skb", "negative", RETURN, "r0 = -1; exit"));
}

// --- Callbacks ------------------------------------------------------------------------------------------------------------------------

#define LOOP(n) "r1 = " n "; r2 = subprog[f]; r3 = r10; r3 += -8; r4 = 0; call 181;"

TEST(call_callbacks)
{
    CALL_CASES(
        NULL, ACCEPT("a loop", "*(u64 *)(r10 - 8) = 0;" LOOP("100") RETURN0 "f: r0 = 0; exit"),
        ACCEPT("the context is the caller's", "*(u64 *)(r10 - 8) = 0;" LOOP("100") RETURN0 "f: r3 = *(u64 *)(r2 + 0); r3 += 1; *(u64 *)(r2 + 0) = r3; r0 = 0; exit"),
        REJECT("what it counts has no bound", BOUNDS,
               "*(u64 *)(r10 - 8) = 0;" LOOP("100") "r1 = *(u64 *)(r10 - 8); if r1 s< 0 goto out; r2 = map[fd:3][0]+0; r2 += r1; *(u8 *)(r2 + 0) = 1;" OUT
               "f: r3 = *(u64 *)(r2 + 0); r3 += 1; *(u64 *)(r2 + 0) = r3; r0 = 0; exit"),
        ACCEPT("the index is below the number of turns", LOOP("16") RETURN0 "f: r3 = map[fd:3][0]+0; r3 += r1; *(u8 *)(r3 + 0) = 1; r0 = 0; exit"),
        REJECT("and not smaller", BOUNDS, LOOP("17") RETURN0 "f: r3 = map[fd:3][0]+0; r3 += r1; *(u8 *)(r3 + 0) = 1; r0 = 0; exit"),
        REJECT("it returns 0 or 1", RETURN, LOOP("100") RETURN0 "f: r0 = 2; exit"), REJECT("it returns a number", RETURN, LOOP("100") RETURN0 "f: r0 = r10; exit"),
        ACCEPT("no turns, no callback", LOOP("0") RETURN0 "f: r0 = 2; exit"),
        REJECT("r1 afterwards", UNINITIALISED, LOOP("100") "r0 = r1; exit; f: r0 = 0; exit"),
        REJECT("the callback's own registers", UNINITIALISED, "r6 = 0;" LOOP("100") RETURN0 "f: r0 = r6; exit"),
        REJECT("a context that is no stack", TYPE, "r1 = 5; r2 = subprog[f]; r3 = 7; r4 = 0; call 181;" RETURN0 "f: r0 = 0; exit"),
        REJECT("no function", TYPE, "r1 = 5; r2 = 9; r3 = 0; r4 = 0; call 181;" RETURN0),
        REJECT("a reference leaks in it", REFERENCE, LOOP("100") RETURN0 "f: r1 = map[fd:6]; r2 = 8; r3 = 0; call 131; r0 = 0; exit"),
        REJECT("the caller's reference is released in it", TYPE,
               RESERVE "*(u64 *)(r10 - 8) = r0;" LOOP("100") OUT "f: r1 = *(u64 *)(r2 + 0); r2 = 0; call 132; r0 = 0; exit"),
        REJECT("packet pointers die in it", TYPE,
               "r6 = *(u32 *)(r1 + 0); r7 = *(u32 *)(r1 + 4); r8 = r6; r8 += 8; if r8 > r7 goto out; *(u64 *)(r10 - 8) = r1;" LOOP("2") "r0 = *(u8 *)(r6 + 0);" OUT
               "f: r1 = *(u64 *)(r2 + 0); r2 = 0; call 44; r0 = 0; exit"),
        ACCEPT("each element of a map", "r1 = map[fd:4]; r2 = subprog[f]; r3 = 0; r4 = 0; call 164;" RETURN0
                                        "f: r0 = *(u64 *)(r2 + 0); *(u64 *)(r3 + 8) = r0; r0 = 0; exit"),
        REJECT("a key is not written", READ_ONLY, "r1 = map[fd:4]; r2 = subprog[f]; r3 = 0; r4 = 0; call 164;" RETURN0 "f: *(u64 *)(r2 + 0) = 1; r0 = 0; exit"),
        REJECT("beyond a value", BOUNDS, "r1 = map[fd:4]; r2 = subprog[f]; r3 = 0; r4 = 0; call 164;" RETURN0 "f: *(u64 *)(r3 + 16) = 1; r0 = 0; exit"),
        REJECT("a map that is not walked", MAP, "r1 = map[fd:24]; r2 = subprog[f]; r3 = 0; r4 = 0; call 164;" RETURN0 "f: r0 = 0; exit"),
        ACCEPT("samples from user space", "r1 = map[fd:16]; r2 = subprog[f]; r3 = 0; r4 = 0; call 209;" RETURN0
                                          "f: r2 = 0; r3 = 8; call 203; if r0 == 0 goto no; r0 = *(u64 *)(r0 + 0); no: r0 = 0; exit"),
        REJECT("a callback makes a tail call", CALLBACK, "*(u64 *)(r10 - 8) = r1;" LOOP("2") RETURN0
                                                         "f: r1 = *(u64 *)(r2 + 0); r2 = map[fd:7]; r3 = 0; call 12; r0 = 0; exit"),
        ACCEPT("a loop in a loop", LOOP("10") RETURN0 "f: r1 = 10; r2 = subprog[g]; r3 = 0; r4 = 0; call 181; r0 = 0; exit; g: r0 = 0; exit"));
}

// --- Timers and work queues --------------------------------------------------------------------------------------------------------------

#define TIMER(map) LOOKUP(map) "r6 = r0; r6 += 8; r1 = r6; r2 = map[fd:" map "]; r3 = 0; call 169;"

TEST(call_async)
{
    CALL_CASES(NULL, ACCEPT_AS("sched_cls", "a timer", TIMER("11") "r1 = r6; r2 = subprog[f]; call 170; r1 = r6; r2 = 0; r3 = 0; call 171;" OUT
                                                       "f: *(u64 *)(r3 + 0) = 1; r0 = *(u32 *)(r2 + 0); r0 = 0; exit"),
               REJECT_AS("sched_cls", "its callback touches the timer", BOUNDS, TIMER("11") "r1 = r6; r2 = subprog[f]; call 170;" OUT "f: *(u64 *)(r3 + 24) = 1; r0 = 0; exit"),
               REJECT_AS("sched_cls", "its callback returns something", RETURN, TIMER("11") "r1 = r6; r2 = subprog[f]; call 170;" OUT "f: r0 = 7; exit"),
               REJECT_AS("sched_cls", "its callback holds something", REFERENCE,
                         TIMER("11") "r1 = r6; r2 = subprog[f]; call 170;" OUT "f: r1 = map[fd:6]; r2 = 8; r3 = 0; call 131; r0 = 0; exit"),
               ACCEPT_AS("sched_cls", "its callback starts it again",
                         TIMER("11") "r1 = r6; r2 = subprog[f]; call 170;" OUT "f: r6 = r3; r6 += 8; r1 = r6; r2 = subprog[f]; call 170; r1 = r6; r2 = 5; r3 = 0; call 171; r0 = 0; exit"),
               REJECT_AS("sched_cls", "the timer of another map", MAP, LOOKUP("11") "r1 = r0; r1 += 8; r2 = map[fd:23]; r3 = 0; call 169;" OUT),
               REJECT_AS("sched_cls", "no timer there", TYPE, LOOKUP("11") "r1 = r0; r1 += 0; r2 = map[fd:11]; r3 = 0; call 169;" OUT),
               ACCEPT_AS("sched_cls", "the timer of an inner map",
                         LOOKUP("8") "r7 = r0; r1 = r0; *(u64 *)(r10 - 8) = 1; r2 = r10; r2 += -8; call 1; if r0 == 0 goto out; r1 = r0; r1 += 8; r2 = r7; r3 = 0; call 169;" OUT),
               REJECT_AS("sched_cls", "the timer of another inner map", MAP,
                         LOOKUP("8") "r7 = r0;" LOOKUP("8") "r8 = r0; r1 = r0; *(u64 *)(r10 - 8) = 1; r2 = r10; r2 += -8; call 1; if r0 == 0 goto out; r1 = r0; r1 += 8; r2 = r7; r3 = 0; call 169;" OUT),
               REJECT_AS("kprobe", "timers are not for tracing", MAP, "r1 = map[fd:11];" RETURN0),
               ACCEPT_AS("sched_cls", "a work queue", LOOKUP("21") "r6 = r0; r6 += 8; r1 = r6; r2 = map[fd:21]; r3 = 0;" KFUNC(28)
                                      "r1 = r6; r2 = subprog[f]; r3 = 0; r4 = 0;" KFUNC(30) "r1 = r6; r2 = 0;" KFUNC(29) OUT
                                      "f: r1 = r10; r1 += -8; r2 = 8; r3 = 0; r4 = 0;" KFUNC(40) "r0 = 0; exit"),
               REJECT_AS("sched_cls", "a timer's callback does not sleep", HELPER, TIMER("11") "r1 = r6; r2 = subprog[f]; call 170;" OUT
                         "f: r1 = r10; r1 += -8; r2 = 8; r3 = 0; r4 = 0;" KFUNC(40) "r0 = 0; exit"));
}

// --- What is held --------------------------------------------------------------------------------------------------------------------------

#define LOCK LOOKUP("10") "r6 = r0; r1 = r0; r1 += 4; call 93;"
#define UNLOCK "r1 = r6; r1 += 4; call 94;"

TEST(call_locks)
{
    CALL_CASES(NULL, ACCEPT("a lock", LOCK "*(u64 *)(r6 + 8) = 1;" UNLOCK OUT), REJECT("not unlocked", LOCK, LOCK OUT),
               REJECT("not locked", LOCK, LOOKUP("10") "r6 = r0;" UNLOCK OUT), REJECT("locked twice", LOCK, LOCK "r1 = r6; r1 += 4; call 93;" UNLOCK OUT),
               REJECT("a call under a lock", LOCK, LOCK "call 5;" UNLOCK OUT), REJECT("no lock there", TYPE, LOOKUP("10") "r1 = r0; call 93;" OUT),
               REJECT("another lock", LOCK, LOOKUP("10") "r7 = r0;" LOCK "r1 = r7; r1 += 4; call 94;" UNLOCK OUT),
               ACCEPT("a function under a lock", LOCK "call f;" UNLOCK OUT "f: r0 = 0; exit"),
               ACCEPT("unlocked in a function", LOCK "r1 = r6; call f;" OUT "f: r1 += 4; call 94; r0 = 0; exit"),
               REJECT("a loop under a lock", LOCK, LOCK LOOP("3") UNLOCK OUT "f: r0 = 0; exit"),
               REJECT("the lock is not memory", BOUNDS, LOOKUP("10") "r3 = 0; r4 = 0; r5 = 0; r1 = r0; r2 = 8; call 28;" OUT),
               ACCEPT("a resilient lock", LOOKUP("20") "r6 = r0; r1 = r0;" KFUNC(24) "if r0 != 0 goto out; r1 = r6;" KFUNC(25) OUT),
               REJECT("a resilient lock is not released", LOCK, LOOKUP("20") "r6 = r0; r1 = r0;" KFUNC(24) "if r0 != 0 goto out;" OUT),
               REJECT("a resilient lock that was not taken", LOCK, LOOKUP("20") "r6 = r0; r1 = r0;" KFUNC(24) "r1 = r6;" KFUNC(25) OUT),
               REJECT("the same resilient lock twice", LOCK,
                      LOOKUP("20") "r6 = r0; r1 = r0;" KFUNC(24) "if r0 != 0 goto out; r1 = r6;" KFUNC(24) "r1 = r6;" KFUNC(25) OUT),
               ACCEPT("a resilient lock with interrupts off", LOOKUP("20") "r6 = r0; r1 = r0; r2 = r10; r2 += -16;" KFUNC(26)
                                                              "if r0 != 0 goto out; r1 = r6; r2 = r10; r2 += -16;" KFUNC(27) OUT));
}

TEST(call_sections)
{
    CALL_CASES(NULL, ACCEPT_AS("sched_cls", "RCU", KFUNC(1) KFUNC(2) RETURN0), REJECT_AS("sched_cls", "RCU stays open", LOCK, KFUNC(1) RETURN0),
               REJECT_AS("sched_cls", "RCU was not open", LOCK, KFUNC(2) RETURN0),
               ACCEPT_AS("sched_cls", "preemption", KFUNC(3) KFUNC(3) KFUNC(4) KFUNC(4) RETURN0),
               REJECT_AS("sched_cls", "preemption stays off", LOCK, KFUNC(3) KFUNC(3) KFUNC(4) RETURN0),
               REJECT_AS("sched_cls", "preemption was not off", LOCK, KFUNC(4) RETURN0),
               {.name = "sleeping under RCU", .text = KFUNC(1) "r1 = r10; r1 += -8; r2 = 8; r3 = 0; call 148;" KFUNC(2) RETURN0, .want = PST_FINDING_LOCK,
                .type = "syscall", .sleepable = true},
               {.name = "sleeping without preemption", .text = KFUNC(3) "r1 = r10; r1 += -8; r2 = 8; r3 = 0; call 148;" KFUNC(4) RETURN0,
                .want = PST_FINDING_LOCK, .type = "syscall", .sleepable = true},
               ACCEPT("interrupts", "r1 = r10; r1 += -8;" KFUNC(5) "r1 = r10; r1 += -8;" KFUNC(6) RETURN0),
               REJECT("interrupts stay off", LOCK, "r1 = r10; r1 += -8;" KFUNC(5) RETURN0),
               REJECT("nothing was saved", LOCK, "*(u64 *)(r10 - 8) = 0; r1 = r10; r1 += -8;" KFUNC(6) RETURN0),
               ACCEPT("nested", "r1 = r10; r1 += -8;" KFUNC(5) "r1 = r10; r1 += -16;" KFUNC(5) "r1 = r10; r1 += -16;" KFUNC(6) "r1 = r10; r1 += -8;" KFUNC(6) RETURN0),
               REJECT("out of order", LOCK, "r1 = r10; r1 += -8;" KFUNC(5) "r1 = r10; r1 += -16;" KFUNC(5) "r1 = r10; r1 += -8;" KFUNC(6) RETURN0),
               REJECT("saved over saved", LOCK, "r1 = r10; r1 += -8;" KFUNC(5) "r1 = r10; r1 += -8;" KFUNC(5) RETURN0),
               REJECT("saved flags are overwritten", LOCK, "r1 = r10; r1 += -8;" KFUNC(5) "*(u64 *)(r10 - 8) = 1;" RETURN0));
}

// --- Dynptrs and iterators -------------------------------------------------------------------------------------------------------------------

#define RESERVE_DYNPTR "r1 = map[fd:6]; r2 = 8; r3 = 0; r4 = r10; r4 += -16; call 198;"
#define SUBMIT_DYNPTR "r1 = r10; r1 += -16; r2 = 0; call 199;"
#define DATA "r1 = r10; r1 += -16; r2 = 0; r3 = 8; call 203;"
#define SKB_DYNPTR "r2 = 0; r3 = r10; r3 += -16;" KFUNC(20)
#define SLICE "r1 = r10; r1 += -16; r2 = 0; r3 = 0; r4 = 8;" KFUNC(22)

TEST(call_dynptrs)
{
    CALL_CASES(
        NULL, ACCEPT("a reservation", RESERVE_DYNPTR DATA "if r0 == 0 goto done; *(u64 *)(r0 + 0) = 1; done:" SUBMIT_DYNPTR RETURN0),
        REJECT("not submitted", REFERENCE, RESERVE_DYNPTR RETURN0), REJECT("submitted twice", DYNPTR, RESERVE_DYNPTR SUBMIT_DYNPTR SUBMIT_DYNPTR RETURN0),
        REJECT("not checked for null", NULL_POINTER, RESERVE_DYNPTR DATA "*(u64 *)(r0 + 0) = 1;" SUBMIT_DYNPTR RETURN0),
        REJECT("a slice after the submit", TYPE, RESERVE_DYNPTR DATA "if r0 == 0 goto done; r6 = r0;" SUBMIT_DYNPTR "*(u64 *)(r6 + 0) = 1;" RETURN0 "done:" SUBMIT_DYNPTR RETURN0),
        REJECT("beyond the slice", BOUNDS, RESERVE_DYNPTR DATA "if r0 == 0 goto done; *(u64 *)(r0 + 8) = 1; done:" SUBMIT_DYNPTR RETURN0),
        REJECT("overwritten while it holds something", DYNPTR, RESERVE_DYNPTR "*(u64 *)(r10 - 16) = 1;" RETURN0),
        REJECT("made again while it holds something", DYNPTR, RESERVE_DYNPTR RESERVE_DYNPTR SUBMIT_DYNPTR RETURN0),
        REJECT("read by the program", DYNPTR, RESERVE_DYNPTR "r0 = *(u64 *)(r10 - 16);" SUBMIT_DYNPTR RETURN0),
        REJECT("never made", DYNPTR, "*(u64 *)(r10 - 16) = 0; *(u64 *)(r10 - 8) = 0;" DATA RETURN0),
        REJECT("not aligned", DYNPTR, "r1 = map[fd:6]; r2 = 8; r3 = 0; r4 = r10; r4 += -20; call 198;" RETURN0),
        REJECT("partly outside", DYNPTR, "r1 = map[fd:6]; r2 = 8; r3 = 0; r4 = r10; r4 += -8; call 198;" RETURN0),
        ACCEPT("of a map's value", LOOKUP("3") "r1 = r0; r2 = 16; r3 = 0; r4 = r10; r4 += -24; call 197; r1 = r10; r1 += -24; r2 = 0; r3 = 8; call 203; if r0 == 0 goto out; *(u64 *)(r0 + 0) = 1;" OUT),
        REJECT("of the stack", DYNPTR, "*(u64 *)(r10 - 8) = 0; r1 = r10; r1 += -8; r2 = 8; r3 = 0; r4 = r10; r4 += -24; call 197;" RETURN0),
        REJECT("of a map's value, submitted", DYNPTR, LOOKUP("3") "r1 = r0; r2 = 16; r3 = 0; r4 = r10; r4 += -16; call 197;" SUBMIT_DYNPTR OUT),
        ACCEPT("of a map's value, overwritten", LOOKUP("3") "r1 = r0; r2 = 16; r3 = 0; r4 = r10; r4 += -16; call 197; *(u64 *)(r10 - 16) = 1;" OUT),
        REJECT("overwritten, then used", DYNPTR, LOOKUP("3") "r1 = r0; r2 = 16; r3 = 0; r4 = r10; r4 += -16; call 197; *(u64 *)(r10 - 16) = 1;" DATA OUT),
        ACCEPT("passed to a function", RESERVE_DYNPTR "r1 = r10; r1 += -16; call f;" RETURN0 "f: r2 = 0; call 199; r0 = 0; exit"),
        ACCEPT_AS("sched_cls", "of a packet", SKB_DYNPTR SLICE "if r0 == 0 goto out; r0 = *(u64 *)(r0 + 0);" OUT),
        REJECT_AS("sched_cls", "a slice is read-only", READ_ONLY, SKB_DYNPTR SLICE "if r0 == 0 goto out; *(u64 *)(r0 + 0) = 1;" OUT),
        REJECT_AS("sched_cls", "a slice after the packet moved", TYPE,
                  "r6 = r1;" SKB_DYNPTR SLICE "if r0 == 0 goto out; r7 = r0; r1 = r6; r2 = 0; call 39; r0 = *(u64 *)(r7 + 0);" OUT),
        ACCEPT_AS("sched_cls", "the dynptr itself lives on", "r6 = r1;" SKB_DYNPTR "r1 = r6; r2 = 0; call 39;" SLICE "if r0 == 0 goto out; r0 = *(u64 *)(r0 + 0);" OUT),
        REJECT_AS("sched_cls", "a slice after a write to the packet", TYPE,
                  SKB_DYNPTR SLICE "if r0 == 0 goto out; r7 = r0; *(u64 *)(r10 - 24) = 0; r1 = r10; r1 += -16; r2 = 0; r3 = r10; r3 += -24; r4 = 8; r5 = 0; call 202; r0 = *(u64 *)(r7 + 0);" OUT),
        ACCEPT("a copy", RESERVE_DYNPTR "r1 = r10; r1 += -16; r2 = r10; r2 += -32;" KFUNC(23) SUBMIT_DYNPTR RETURN0),
        REJECT("a copy after the submit", DYNPTR, RESERVE_DYNPTR "r1 = r10; r1 += -16; r2 = r10; r2 += -32;" KFUNC(23) SUBMIT_DYNPTR "r1 = r10; r1 += -32; r2 = 0; r3 = 8; call 203;" RETURN0));
}

#define NEW "r1 = r10; r1 += -8; r2 = 0; r3 = 10;" KFUNC(7)
#define NEXT "r1 = r10; r1 += -8;" KFUNC(8)
#define DESTROY "r1 = r10; r1 += -8;" KFUNC(9)

TEST(call_iterators)
{
    CALL_CASES(
        NULL, ACCEPT("a loop over numbers", NEW "again:" NEXT "if r0 == 0 goto end; r1 = *(u32 *)(r0 + 0); goto again; end:" DESTROY RETURN0),
        ACCEPT("a loop that counts without a bound", "r6 = 0;" NEW "again:" NEXT "if r0 == 0 goto end; r6 += 1; goto again; end:" DESTROY RETURN0),
        REJECT("not destroyed", REFERENCE, NEW RETURN0), REJECT("not checked for the end", TYPE, NEW NEXT "r1 = *(u32 *)(r0 + 0);" DESTROY RETURN0),
        REJECT("never made", ITERATOR, "*(u64 *)(r10 - 8) = 0;" NEXT RETURN0), REJECT("made twice", ITERATOR, NEW NEW DESTROY RETURN0),
        REJECT("used after the end", ITERATOR, NEW DESTROY NEXT RETURN0), REJECT("destroyed twice", ITERATOR, NEW DESTROY DESTROY RETURN0),
        REJECT("overwritten", ITERATOR, NEW "*(u64 *)(r10 - 8) = 0;" DESTROY RETURN0),
        REJECT("an element is written", READ_ONLY, NEW NEXT "if r0 == 0 goto end; *(u32 *)(r0 + 0) = 1; end:" DESTROY RETURN0),
        REJECT("an index from it has no bound", BOUNDS,
               NEW "again:" NEXT "if r0 == 0 goto end; r1 = *(u32 *)(r0 + 0); r2 = map[fd:3][0]+0; r2 += r1; *(u8 *)(r2 + 0) = 1; goto again; end:" DESTROY RETURN0),
        ACCEPT("an index that is tested",
               NEW "again:" NEXT "if r0 == 0 goto end; r1 = *(u32 *)(r0 + 0); if r1 > 15 goto again; r2 = map[fd:3][0]+0; r2 += r1; *(u8 *)(r2 + 0) = 1; goto again; end:" DESTROY RETURN0),
        ACCEPT("under a lock", LOCK NEW DESTROY UNLOCK OUT));
}

// --- What was not sure until Linux was asked ---------------------------------------------------------------------------------------

TEST(call_constant_keys)
{
    CALL_CASES(NULL,
               ACCEPT("const key by 8 byte store low", "r1 = map[fd:3]; *(u64 *)(r10 - 8) = 0; r2 = r10; r2 += -8; call 1; *(u64 *)(r0 + 0) = 1;" RETURN0),
               ACCEPT("const key by 8 byte store high", "r1 = map[fd:3]; *(u64 *)(r10 - 8) = 0; r2 = r10; r2 += -4; call 1; *(u64 *)(r0 + 0) = 1;" RETURN0),
               ACCEPT("const key bytes", "r1 = map[fd:3]; *(u8 *)(r10 - 4) = 0; *(u8 *)(r10 - 3) = 0; *(u16 *)(r10 - 2) = 0; r2 = r10; r2 += -4; call 1; *(u64 *)(r0 + 0) = 1;" RETURN0),
               ACCEPT("const key by reg", "r3 = 0; r1 = map[fd:3]; *(u32 *)(r10 - 4) = r3; r2 = r10; r2 += -4; call 1; *(u64 *)(r0 + 0) = 1;" RETURN0),
               REJECT("const key in hash", NULL_POINTER, "r1 = map[fd:4]; *(u64 *)(r10 - 8) = 0; r2 = r10; r2 += -8; call 1; *(u64 *)(r0 + 0) = 1;" RETURN0),
               ACCEPT("const key percpu", "r1 = map[fd:15]; *(u32 *)(r10 - 4) = 1; r2 = r10; r2 += -4; call 1; *(u64 *)(r0 + 0) = 1;" RETURN0),
               ACCEPT("const key in caller stack", "*(u32 *)(r10 - 4) = 0; r1 = r10; r1 += -4; call f; r0 = 0; exit; f: r2 = r1; r1 = map[fd:3]; call 1; *(u64 *)(r0 + 0) = 1;" RETURN0),
               ACCEPT("key from map value", LOOKUP("3") "r2 = r0; r1 = map[fd:3]; call 1;" OUT));
}

TEST(call_async_results)
{
    CALL_CASES(NULL,
               REJECT_AS("sched_cls", "a timer's callback returns 1", RETURN, TIMER("11") "r1 = r6; r2 = subprog[f]; call 170;" OUT "f: r0 = 1; exit"),
               REJECT_AS("sched_cls","timer cb returns unknown", RETURN, TIMER("11") "r1 = r6; r2 = subprog[f]; call 170;" OUT "f: call 7; exit"),
               REJECT_AS("sched_cls","wq cb returns 1", RETURN, LOOKUP("21") "r6 = r0; r6 += 8; r1 = r6; r2 = map[fd:21]; r3 = 0;" KFUNC(28) "r1 = r6; r2 = subprog[f]; r3 = 0; r4 = 0;" KFUNC(30) OUT "f: r0 = 1; exit"));
}

TEST(call_sections_around_calls)
{
    CALL_CASES(NULL,
               REJECT_AS("sched_cls", "one RCU section in another", LOCK, KFUNC(1) KFUNC(1) KFUNC(2) KFUNC(2) RETURN0),
               REJECT_AS("sched_cls","nested rcu unbalanced", LOCK, KFUNC(1) KFUNC(1) KFUNC(2) RETURN0),
               {.name="sleepable with lpm", .text="r1 = map[fd:24];" RETURN0, .type="syscall", .sleepable=true, .want=PST_FINDING_MAP},
               {.name="sleepable with prog array", .text="r1 = map[fd:7];" RETURN0, .type="syscall", .sleepable=true, .want=PST_FINDING_MAP},
               {.name="sleepable with stack trace", .text="r1 = map[fd:17];" RETURN0, .type="syscall", .sleepable=true, .want=PST_FINDING_MAP},
               {.name="sleepable task iter", .text=KFUNC(1) "r1 = r10; r1 += -24; r2 = 0; r3 = 0;" KFUNC(37) "r1 = r10; r1 += -24;" KFUNC(39) KFUNC(2) RETURN0, .type="syscall", .sleepable=true},
               {.name="sleepable task iter outside rcu", .text= "r1 = r10; r1 += -24; r2 = 0; r3 = 0;" KFUNC(37) "r1 = r10; r1 += -24;" KFUNC(39) RETURN0, .type="syscall", .sleepable=true, .want=PST_FINDING_LOCK},
               {.name="sleepable task iter over the rcu end", .text=KFUNC(1) "r1 = r10; r1 += -24; r2 = 0; r3 = 0;" KFUNC(37) KFUNC(2) "r1 = r10; r1 += -24;" KFUNC(39)  RETURN0, .type="syscall", .sleepable=true, .want=PST_FINDING_ITERATOR},
               ACCEPT("preempt and helper", KFUNC(3) "call 5;" KFUNC(4) RETURN0),
               REJECT("preempt exit in sub balanced by main", LOCK, "call f; r0 = 0; exit; f:" KFUNC(3) RETURN0),
               ACCEPT("preempt off in sub on in main", "call f;" KFUNC(4) "r0 = 0; exit; f:" KFUNC(3) RETURN0));
}

TEST(call_exceptions)
{
    CALL_CASES(NULL,
               ACCEPT_AS("sched_cls","throw", "r1 = 0;" KFUNC(31) RETURN0),
               REJECT_AS("sched_cls","throw with ref", REFERENCE, RESERVE "r1 = 0;" KFUNC(31) OUT),
               REJECT_AS("sched_cls","throw in rcu", LOCK, KFUNC(1) "r1 = 0;" KFUNC(31) OUT),
               REJECT_AS("cgroup_skb","throw range", RETURN, "r1 = 77;" KFUNC(31) RETURN0),
               ACCEPT_AS("cgroup_skb","throw in range", "r1 = 1;" KFUNC(31) RETURN0),
               ACCEPT_AS("sched_cls","throw in sub", "call f; r0 = 0; exit; f: r1 = 1;" KFUNC(31) RETURN0),
               REJECT_AS("sched_cls","throw in callback", CALLBACK, LOOP("2") RETURN0 "f: r1 = 1;" KFUNC(31) RETURN0));
}

TEST(call_combinations)
{
    CALL_CASES(NULL,
               ACCEPT_AS("sched_cls","smp id", "call 8; if r0 > 100 goto out;" OUT),
               ACCEPT("subprog in callback", LOOP("3") RETURN0 "f: call g; r0 = 0; exit; g: r0 = 0; exit"),
               REJECT_AS("sched_cls","sk_lookup in sub, leaked to caller dead", REFERENCE, "call f; r0 = 0; exit; f:" SK_LOOKUP "r0 = 0; exit"),
               ACCEPT_AS("sched_cls","sockmap lookup", LOOKUP("13") "r1 = r0; call 86;" OUT),
               REJECT_AS("sched_cls","sockmap lookup leak", REFERENCE, LOOKUP("13") OUT),
               ACCEPT_AS("sched_cls","sockmap update", "*(u32 *)(r10 - 4) = 0; *(u64 *)(r10 - 16) = 0; " SK_LOOKUP "if r0 == 0 goto out; r6 = r0; r1 = map[fd:13]; r2 = r10; r2 += -4; r3 = r0; r4 = 0; call 2; r1 = r6; call 86;" OUT),
               REJECT("spin lock in map-in-loop", LOCK, LOOP("2") RETURN0 "f:" LOOKUP("10") "r1 = r0; r1 += 4; call 93;" OUT),
               ACCEPT_AS("sched_cls","lock over callback exit iter", LOCK NEW "again:" NEXT "if r0 == 0 goto end; goto again; end:" DESTROY UNLOCK OUT),
               REJECT_AS("sched_cls","iter element after destroy", TYPE, NEW NEXT "if r0 == 0 goto end; r6 = r0;" DESTROY "r0 = *(u32 *)(r6 + 0); exit; end:" DESTROY RETURN0),
               ACCEPT_AS("sched_cls","iter passed to sub", NEW "r1 = r10; r1 += -8; call f;" DESTROY RETURN0 "f:" KFUNC(8) RETURN0),
               ACCEPT_AS("sched_cls","iter new in sub on caller's stack", "r1 = r10; r1 += -8; call f;" DESTROY RETURN0 "f: r2 = 0; r3 = 10;" KFUNC(7) RETURN0),
               REJECT_AS("sched_cls","dynptr leak in sub", REFERENCE, "call f; r0 = 0; exit; f: r1 = map[fd:6]; r2 = 8; r3 = 0; r4 = r10; r4 += -16; call 198; r0 = 0; exit"),
               ACCEPT_AS("sched_cls","dynptr over dynptr (skb)", "r6 = r1;" SKB_DYNPTR "r1 = r6;" SKB_DYNPTR RETURN0),
               REJECT_AS("sched_cls","rdwr slice then pkt", TYPE, "r6 = r1;" SKB_DYNPTR "r1 = r10; r1 += -16; r2 = 0; r3 = 0; r4 = 8;" KFUNC(36) "if r0 == 0 goto out; r7 = r0; *(u64 *)(r7 + 0) = 1; r1 = r6; r2 = 0; call 39; *(u64 *)(r7 + 0) = 1;" OUT),
               REJECT_AS("cgroup_skb","rdwr slice not allowed", READ_ONLY, "r6 = r1;" SKB_DYNPTR "r1 = r10; r1 += -16; r2 = 0; r3 = 0; r4 = 8;" KFUNC(36) OUT),
               ACCEPT_AS("sched_cls","slice with buffer", SKB_DYNPTR "r1 = r10; r1 += -16; r2 = 0; r3 = r10; r3 += -32; r4 = 8;" KFUNC(22) OUT),
               REJECT_AS("sched_cls","slice with small buffer", BOUNDS, SKB_DYNPTR "r1 = r10; r1 += -16; r2 = 0; r3 = r10; r3 += -4; r4 = 8;" KFUNC(22) OUT),
               REJECT_AS("sched_cls","slice of unknown size", ARGUMENT, SKB_DYNPTR "call 7; r4 = r0; r4 &= 7; r1 = r10; r1 += -16; r2 = 0; r3 = 0;" KFUNC(22) OUT),
               ACCEPT_AS("sched_cls","kern ctx", KFUNC(35) "r0 = 0; exit"),
               ACCEPT_AS("kprobe","perf output", "r6 = r1; *(u64 *)(r10 - 8) = 0; r2 = map[fd:12]; r3 = 0; r4 = r10; r4 += -8; r5 = 8; call 25;" RETURN0),
               REJECT_AS("kprobe","perf output into array", MAP, "r6 = r1; *(u64 *)(r10 - 8) = 0; r2 = map[fd:3]; r3 = 0; r4 = r10; r4 += -8; r5 = 8; call 25;" RETURN0),
               ACCEPT_AS("kprobe","stackid", "r2 = map[fd:17]; r3 = 0; call 27;" RETURN0),
               ACCEPT_AS("kprobe","find_vma", "call 158; r1 = r0; r2 = 0; r3 = subprog[f]; r4 = r10; r4 += -8; r5 = 0; call 180;" RETURN0 "f: r0 = 0; exit"),
               ACCEPT_AS("kprobe","task stack", "call 158; r1 = r0; r2 = r10; r2 += -64; r3 = 64; r4 = 0; call 141;" RETURN0),
               REJECT_AS("kprobe","spin lock tracing", MAP, LOOKUP("10") "r1 = r0; r1 += 4; call 93; " OUT),
               REJECT_AS("socket_filter","spin lock socket filter", MAP, LOOKUP("10") "r6 = r0; r1 = r0; r1 += 4; call 93; r1 = r6; r1 += 4; call 94;" OUT),
               REJECT("loop callback reads index uninit r3", UNINITIALISED, LOOP("3") RETURN0 "f: r0 = r3; exit"),
               ACCEPT("loop ctx null", "r1 = 5; r2 = subprog[f]; r3 = 0; r4 = 0; call 181;" RETURN0 "f: r0 = 0; exit"),
               ACCEPT("callback also called directly", "r1 = 1; r2 = 0; call f;" LOOP("5") RETURN0 "f: r0 = 0; exit"),
               REJECT("csum_diff size not mult", NULL_POINTER, "r1 = 0; r2 = 3; r3 = 0; r4 = 0; r5 = 0; call 28;" RETURN0),
               ACCEPT("maybe null as or_null memory", "r1 = map[fd:4]; *(u64 *)(r10 - 8) = 0; r2 = r10; r2 += -8; call 1; r1 = r0; r2 = 8; r3 = 0; r4 = 0; r5 = 0; call 28;" RETURN0),
               REJECT("maybe null as memory", NULL_POINTER, "r1 = map[fd:4]; *(u64 *)(r10 - 8) = 0; r2 = r10; r2 += -8; call 1; r1 = map[fd:6]; r2 = r0; r3 = 8; r4 = 0; call 130;" RETURN0),
               ACCEPT("reserve zero", "r1 = map[fd:6]; r2 = 0; r3 = 0; call 131; if r0 == 0 goto out;" SUBMIT OUT),
               ACCEPT("reserve huge", "r1 = map[fd:6]; r2 = 0x7fffffff; r3 = 0; call 131; if r0 == 0 goto out;" SUBMIT OUT),
               REJECT("alu on reservation then submit", REFERENCE, RESERVE "r0 += 8; r1 = r0; r1 += -4; r2 = 0; call 132;" OUT),
               ACCEPT("alu on reservation and back", RESERVE "r0 += 8; r0 += -8;" SUBMIT OUT),
               ACCEPT("strtol from rodata", "r1 = map[fd:5][0]+0; r2 = 8; r3 = 0; r4 = r10; r4 += -8; call 105;" RETURN0),
               REJECT("write into rodata", READ_ONLY, "r1 = map[fd:5][0]+0; r2 = 8; call 16;" RETURN0),
               ACCEPT("user ringbuf ctx", "*(u64 *)(r10 - 8) = 0; r1 = map[fd:16]; r2 = subprog[f]; r3 = r10; r3 += -8; r4 = 0; call 209;" RETURN0 "f: r6 = r2; r0 = *(u64 *)(r6 + 0); r0 = 0; exit"),
               REJECT("submit the user ringbuf dynptr", DYNPTR, "r1 = map[fd:16]; r2 = subprog[f]; r3 = 0; r4 = 0; call 209;" RETURN0 "f: r2 = 0; call 199; r0 = 0; exit"),
               REJECT("read user ringbuf dynptr directly", TYPE, "r1 = map[fd:16]; r2 = subprog[f]; r3 = 0; r4 = 0; call 209;" RETURN0 "f: r0 = *(u64 *)(r1 + 0); r0 = 0; exit"),
               REJECT("a read of nothing at the end of the stack", BOUNDS, "r1 = map[fd:6]; r2 = r10; r3 = 0; r4 = 0; call 130;" RETURN0));
}

#define RES LOOKUP("20") "r6 = r0; r1 = r0;" KFUNC(24) "if r0 != 0 goto out;"

TEST(call_locks_and_callbacks)
{
    CALL_CASES(NULL,
               REJECT_AS("kprobe", "res lock kprobe", MAP, RES "r1 = r6;" KFUNC(25) OUT),
               REJECT_AS("socket_filter", "res lock sockfilter", MAP, RES "r1 = r6;" KFUNC(25) OUT),
               REJECT("helper under res lock", LOCK, RES "call 5; r1 = r6;" KFUNC(25) OUT),
               ACCEPT("iter num under res lock", RES NEW DESTROY "r1 = r6;" KFUNC(25) OUT),
               REJECT("spin lock under res lock", LOCK, RES LOOKUP("10") "r1 = r0; r1 += 4; call 93;" OUT),
               ACCEPT_AS("sched_cls", "timer of inner map cb", LOOKUP("8") "r7 = r0; r1 = r0; *(u64 *)(r10 - 8) = 1; r2 = r10; r2 += -8; call 1; if r0 == 0 goto out; r6 = r0; r6 += 8; r1 = r6; r2 = r7; r3 = 0; call 169; r1 = r6; r2 = subprog[f]; call 170;" OUT "f: r6 = r3; r7 = r1; r1 = r6; r1 += 8; r2 = r7; r3 = 0; call 169; *(u32 *)(r10 - 4) = 1; r1 = r7; r2 = r10; r2 += -4; call 1; r0 = 0; exit"),
               REJECT_AS("sched_cls", "timer callback has three arguments", UNINITIALISED, TIMER("11") "r1 = r6; r2 = subprog[f]; call 170;" OUT "f: r0 = *(u64 *)(r4 + 0); r0 = 0; exit"),
               ACCEPT_AS("sched_cls", "timer callback calls sub", TIMER("11") "r1 = r6; r2 = subprog[f]; call 170;" OUT "f: call g; r0 = 0; exit; g: r0 = 0; exit"),
               REJECT_AS("sched_cls", "timer callback big stack", STACK_DEPTH, TIMER("11") "r1 = r6; r2 = subprog[f]; call 170;" OUT "f: *(u64 *)(r10 - 512) = 0; call g; r0 = 0; exit; g: *(u64 *)(r10 - 8) = 0; r0 = 0; exit"),
               ACCEPT_AS("sched_cls", "timer callback stack apart", TIMER("11") "*(u64 *)(r10 - 512) = 0; r1 = r6; r2 = subprog[f]; call 170;" OUT "f: *(u64 *)(r10 - 512) = 0; r0 = 0; exit"),
               REJECT_AS("sched_cls", "loop callback stack counts", STACK_DEPTH, "*(u64 *)(r10 - 512) = 0;" LOOP("2") RETURN0 "f: *(u64 *)(r10 - 8) = 0; r0 = 0; exit"),
               REJECT_AS("sched_cls", "release in loop twice", TYPE, SK_LOOKUP "if r0 == 0 goto out; *(u64 *)(r10 - 8) = r0;" LOOP("2") "r0 = 0; exit;" OUT "f: r1 = *(u64 *)(r2 + 0); call 86; r0 = 0; exit"),
               ACCEPT_AS("sched_cls", "acquire in loop stored in ctx once", "*(u64 *)(r10 - 8) = 0;" LOOP("1") "r0 = 0; exit; f: r0 = 0; exit"),
               REJECT_AS("sched_cls", "callee stack pointer stored in caller", TYPE, "r1 = r10; r1 += -8; call f; r0 = 0; exit; f: r2 = r10; r2 += -8; *(u64 *)(r1 + 0) = r2; r0 = 0; exit"),
               REJECT_AS("sched_cls", "caller stack pointer stored in caller", TYPE, "r1 = r10; r1 += -8; call f; r0 = 0; exit; f: *(u64 *)(r1 + 0) = r1; r0 = 0; exit"),
               ACCEPT_AS("sched_cls", "ctx stored in callback ctx", "*(u64 *)(r10 - 8) = r1;" LOOP("2") RETURN0 "f: r1 = *(u64 *)(r2 + 0); r0 = *(u32 *)(r1 + 0); r0 = 0; exit"),
               REJECT_AS("sched_cls", "callback overwrites pointer", TYPE, "*(u64 *)(r10 - 8) = r1;" LOOP("2") RETURN0 "f: r1 = *(u64 *)(r2 + 0); r0 = *(u32 *)(r1 + 0); *(u64 *)(r2 + 0) = 5; r0 = 0; exit"),
               REJECT_AS("sched_cls", "callback counts unbounded then index", POINTER_ARITHMETIC, "*(u64 *)(r10 - 8) = 0;" LOOP("1000000") "r1 = *(u64 *)(r10 - 8); r2 = map[fd:3][0]+0; r2 += r1; *(u8 *)(r2 + 0) = 1; r0 = 0; exit; f: r1 = *(u64 *)(r2 + 0); r1 += 1; *(u64 *)(r2 + 0) = r1; r0 = 0; exit"),
               ACCEPT_AS("sched_cls", "callback counts capped", "*(u64 *)(r10 - 8) = 0;" LOOP("1000000") "r1 = *(u64 *)(r10 - 8); if r1 > 15 goto out; r2 = map[fd:3][0]+0; r2 += r1; *(u8 *)(r2 + 0) = 1; out: r0 = 0; exit; f: r1 = *(u64 *)(r2 + 0); r1 += 1; *(u64 *)(r2 + 0) = r1; r0 = 0; exit"));
}

TEST(call_references_and_sizes)
{
    CALL_CASES(NULL,
               REJECT_AS("sched_cls", "iterator leak in loop", ITERATOR, NEW "again:" NEXT "if r0 == 0 goto end; r1 = r10; r1 += -16; r2 = 0; r3 = 5;" KFUNC(7) "goto again; end:" DESTROY RETURN0),
               ACCEPT_AS("sched_cls", "break out of iterator", NEW "again:" NEXT "if r0 == 0 goto end; r1 = *(u32 *)(r0 + 0); if r1 == 3 goto end; goto again; end:" DESTROY RETURN0),
               REJECT_AS("sched_cls", "iterator acquires each turn", REFERENCE, NEW "again:" NEXT "if r0 == 0 goto end; r1 = map[fd:6]; r2 = 8; r3 = 0; call 131; goto again; end:" DESTROY RETURN0),
               ACCEPT_AS("sched_cls", "sub with maybe null arg checks", "r1 = map[fd:4]; *(u64 *)(r10 - 8) = 0; r2 = r10; r2 += -8; call 1; r1 = r0; call f; r0 = 0; exit; f: if r1 == 0 goto no; r0 = *(u64 *)(r1 + 0); no: r0 = 0; exit"),
               REJECT_AS("sched_cls", "bad size const 0", BOUNDS, "r1 = r10; r1 += -8; r2 = 0; call 16;" RETURN0),
               REJECT_AS("kprobe", "csize neg const", BOUNDS, "r1 = r10; r1 += -8; r2 = -1; r3 = 0; call 113;" RETURN0),
               REJECT_AS("kprobe", "huge const", BOUNDS, "r1 = r10; r1 += -8; r2 = 0x20000000; r3 = 0; call 113;" RETURN0),
               ACCEPT_AS("kprobe", "var size into stack then read", "r6 = *(u64 *)(r1 + 0); r6 &= 7; r1 = r10; r1 += -8; r2 = r6; r3 = 0; call 113; r0 = *(u64 *)(r10 - 8); r0 = 0; exit"),
               ACCEPT_AS("sched_cls", "fib lookup", "r6 = r1; *(u64 *)(r10 - 64) = 0; r2 = r10; r2 += -64; r3 = 64; r4 = 0; call 69;" RETURN0),
               ACCEPT_AS("sched_cls", "listener sock", SK_LOOKUP "if r0 == 0 goto out; r6 = r0; r1 = r0; call 98; if r0 == 0 goto rel; r7 = r0; r1 = r6; call 86; r0 = *(u32 *)(r7 + 0); r0 = 0; exit; rel: r1 = r6; call 86;" OUT),
               REJECT_AS("sched_cls", "listener released", REFERENCE, SK_LOOKUP "if r0 == 0 goto out; r6 = r0; r1 = r0; call 98; if r0 == 0 goto rel; r1 = r0; call 86; rel: r1 = r6; call 86;" OUT),
               ACCEPT_AS("sched_cls", "release by fullsock view", SK_LOOKUP "if r0 == 0 goto out; r6 = r0; r1 = r0; call 95; if r0 == 0 goto rel; r1 = r0; call 86; r0 = 0; exit; rel: r1 = r6; call 86;" OUT),
               REJECT_AS("sched_cls", "view maybe null released", NULL_POINTER, SK_LOOKUP "if r0 == 0 goto out; r1 = r0; call 95; r1 = r0; call 86;" OUT),
               REJECT_AS("sched_cls", "tail call in rcu", LOCK, "r6 = r1;" KFUNC(1) "r1 = r6; r2 = map[fd:7]; r3 = 0; call 12;" KFUNC(2) RETURN0),
               ACCEPT_AS("sched_cls", "kptr null xchg", LOOKUP("19") "r1 = r0; r1 += 8; r2 = 0; call 194; if r0 == 0 goto out; r1 = r0;" KFUNC(19) OUT),
               REJECT_AS("sched_cls", "kptr xchg leak", REFERENCE, LOOKUP("19") "r1 = r0; r1 += 8; r2 = 0; call 194;" OUT),
               REJECT_AS("sched_cls", "kptr xchg non ref", REFERENCE, LOOKUP("19") "r6 = r0; call 158; r2 = r0; r1 = r6; r1 += 8; call 194;" OUT),
               ACCEPT_AS("sched_cls", "kptr read and acquire", LOOKUP("19") "r1 = *(u64 *)(r0 + 8); if r1 == 0 goto out;" KFUNC(18) "if r0 == 0 goto out; r1 = r0;" KFUNC(19) OUT),
               REJECT_AS("sched_cls", "kptr read and release", TYPE, LOOKUP("19") "r1 = *(u64 *)(r0 + 8); if r1 == 0 goto out;" KFUNC(19) OUT));
}
