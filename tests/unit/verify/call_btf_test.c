// call_btf_test.c: calls of programs with BTF: global functions, objects of the program's own types, lists, trees, kptrs.
#include "call_fixture.h"

#include "verify/record.h"

// --- The types ---------------------------------------------------------------------------------------------------------------

static struct {
    char strings[4096];
    uint32_t words[1024];
    uint32_t string_size, count, id;
    uint8_t bytes[8192];
    size_t size;
} g_types;

static uint32_t string(const char *text)
{
    uint32_t at = g_types.string_size;
    size_t size = strlen(text) + 1;
    memcpy(g_types.strings + at, text, size);
    g_types.string_size += (uint32_t)size;
    return at;
}

static void word(uint32_t value) { g_types.words[g_types.count++] = value; }

// size_or_type is the third word of every type.
static uint32_t type(pst_btf_kind kind, const char *name, uint32_t count, uint32_t size_or_type)
{
    word(name ? string(name) : 0);
    word((uint32_t)kind << 24 | count);
    word(size_or_type);
    return ++g_types.id;
}

static void member(const char *name, uint32_t id, uint32_t offset)
{
    word(string(name));
    word(id);
    word(offset * 8);
}

static uint32_t structure(const char *name, uint32_t of, uint32_t count, uint32_t each)
{
    uint32_t id = type(PST_BTF_STRUCT, name, count, count * each);
    char field[2] = "a";
    for (uint32_t i = 0; i < count; i++, field[0]++) member(field, of, i * each);
    return id;
}

static uint32_t function(const char *name, uint32_t linkage, uint32_t result, uint32_t argument)
{
    uint32_t proto = type(PST_BTF_FUNC_PROTO, NULL, argument ? 1 : 0, result);
    if (argument) {
        word(string("a"));
        word(argument);
    }
    return type(PST_BTF_FUNC, name, linkage, proto);
}

static void tag(const char *text, uint32_t of, uint32_t component)
{
    type(PST_BTF_DECL_TAG, text, 0, of);
    word(component);
}

// The ids up to 3 are known to call_fixture.c, those of objects to the programs below.
enum { T_INT = 1, T_U64, T_ITEM, T_LIST_NODE, T_RB_NODE, T_REFCOUNT, T_LOCK, T_LIST_HEAD, T_RB_ROOT, T_GRAPH, T_PLAIN };

static void make_data_types(void)
{
    type(PST_BTF_INT, "int", 0, 4);
    word(1u << 24 | 32);
    type(PST_BTF_INT, "u64", 0, 8);
    word(64);
    type(PST_BTF_STRUCT, "item", 4, 72);
    member("key", T_U64, 0);
    member("list", T_LIST_NODE, 8);
    member("tree", T_RB_NODE, 32);
    member("refs", T_REFCOUNT, 64);
    structure("bpf_list_node", T_U64, 3, 8);
    structure("bpf_rb_node", T_U64, 4, 8);
    structure("bpf_refcount", T_INT, 1, 4);
    structure("bpf_spin_lock", T_INT, 1, 4);
    structure("bpf_list_head", T_U64, 2, 8);
    structure("bpf_rb_root", T_U64, 2, 8);
    type(PST_BTF_STRUCT, "graph", 3, 40);
    member("lock", T_LOCK, 0);
    member("head", T_LIST_HEAD, 8);
    member("root", T_RB_ROOT, 24);
    structure("plain", T_U64, 2, 8);
    tag("contains:item:list", T_GRAPH, 1);
    tag("contains:item:tree", T_GRAPH, 2);
}

static const call_types *types(void)
{
    static call_types made;
    if (made.bytes) return &made;
    g_types.string_size = 1;
    make_data_types();
    uint32_t ctx = type(PST_BTF_PTR, NULL, 0, structure("xdp_md", T_INT, 6, 4));
    uint32_t plain = type(PST_BTF_PTR, NULL, 0, T_PLAIN);
    uint32_t dynptr = type(PST_BTF_PTR, NULL, 0, structure("bpf_dynptr", T_U64, 2, 8));
    uint32_t unknown = type(PST_BTF_PTR, NULL, 0, type(PST_BTF_FWD, "unknown", 0, 0));
    function("main", 1, T_INT, 0);
    function("local", 0, T_INT, 0);
    function("number", 1, T_INT, T_INT);
    function("context", 1, T_INT, ctx);
    function("memory", 1, T_INT, plain);
    tag("arg:nonnull", function("nonnull", 1, T_INT, plain), 0);
    function("dynptr", 1, T_INT, dynptr);
    function("nothing", 1, 0, T_INT);
    function("unsized", 1, T_INT, unknown);
    tag("arg:nonsense", function("nonsense", 1, T_INT, plain), 0);
    tag("arg:ctx", function("tagged", 1, T_INT, ctx), 0);
    tag("arg:ctx", function("mistagged", 1, T_INT, plain), 0);
    function("global", 1, T_INT, 0);
    tag("exception_callback:handler", function("thrower", 1, T_INT, 0), UINT32_MAX);
    uint32_t twice = function("twice", 1, T_INT, 0);
    tag("exception_callback:handler", twice, UINT32_MAX);
    tag("exception_callback:global", twice, UINT32_MAX);
    function("handler", 1, T_INT, T_U64);
    function("registers", 1, T_INT, type(PST_BTF_PTR, NULL, 0, type(PST_BTF_STRUCT, "bpf_user_pt_regs_t", 0, 0)));
    tag("arg:trusted", function("flavored", 1, T_INT, type(PST_BTF_PTR, NULL, 0, structure("task_struct___mine", T_INT, 1, 4))), 0);
    uint32_t header[6] = {0x0001eb9f, 24, 0, g_types.count * 4, g_types.count * 4, g_types.string_size};
    memcpy(g_types.bytes, header, sizeof header);
    memcpy(g_types.bytes + 24, g_types.words, g_types.count * 4);
    memcpy(g_types.bytes + 24 + g_types.count * 4, g_types.strings, g_types.string_size);
    made = (call_types){.bytes = g_types.bytes, .size = 24 + g_types.count * 4 + g_types.string_size};
    return &made;
}

TEST(call_records)
{
    pst_btf *btf = NULL;
    pst_arena arena;
    pst_arena_init(&arena, pst_pal_env(), 0);
    REQUIRE(pst_btf_parse(pst_pal_env(), types()->bytes, types()->size, "types", &btf) == PST_OK);
    const pst_record *records = NULL;
    uint32_t count = 0;
    CHECK(pst_verify_records(&arena, btf, T_GRAPH, &records, &count) == PST_OK);
    REQUIRE(count == 3);
    CHECK(records[0].kind == PST_RECORD_SPIN_LOCK && records[0].offset == 0);
    CHECK(records[1].kind == PST_RECORD_LIST_HEAD && records[1].offset == 8 && records[1].type_id == T_ITEM && records[1].node_offset == 8);
    CHECK(records[2].kind == PST_RECORD_RB_ROOT && records[2].offset == 24 && records[2].node_offset == 32);
    CHECK(pst_verify_records(&arena, btf, T_ITEM, &records, &count) == PST_OK);
    CHECK(count == 3 && records[2].kind == PST_RECORD_REFCOUNT && records[2].offset == 64);
    CHECK(pst_verify_records(&arena, btf, T_PLAIN, &records, &count) == PST_OK && count == 0);
    CHECK(pst_verify_records(&arena, btf, 9999, &records, &count) == PST_OK && count == 0);
    pst_btf_free(btf);
    pst_arena_free(&arena);
}

// --- Global functions ------------------------------------------------------------------------------------------------------------

#define WITH(functions, what, program) {.name = what, .text = program, .funcs = functions}
#define WITHOUT(functions, what, kind, program) {.name = what, .text = program, .funcs = functions, .want = PST_FINDING_##kind}

TEST(call_globals)
{
    CALL_CASES(
        types(), WITH("main number ", "a number", "r1 = 5; call f;" RETURN0 "f: r0 = r1; exit"),
        WITHOUT("main number ", "a pointer as a number", ARGUMENT, "r1 = r10; call f;" RETURN0 "f: r0 = 0; exit"),
        WITHOUT("main number ", "no argument", UNINITIALISED, "call 5; call f;" RETURN0 "f: r0 = 0; exit"),
        WITHOUT("main number ", "what it returns is not known", POINTER_ARITHMETIC,
                "r1 = 5; call f; r1 = map[fd:3][0]+0; r1 += r0; *(u8 *)(r1 + 0) = 1;" RETURN0 "f: r0 = 0; exit"),
        WITHOUT("main number ", "it is verified for any number", POINTER_ARITHMETIC, "r1 = 5; call f;" RETURN0 "f: r2 = map[fd:3][0]+0; r2 += r1; *(u8 *)(r2 + 0) = 1; r0 = 0; exit"),
        WITH("main local ", "a static one is verified for its calls", "r1 = 5; call f;" RETURN0 "f: r2 = map[fd:3][0]+0; r2 += r1; *(u8 *)(r2 + 0) = 1; r0 = 0; exit"),
        WITHOUT("main number ", "it returns a pointer", RETURN, "r1 = 5; call f;" RETURN0 "f: r0 = r10; exit"),
        WITHOUT("main number ", "it returns nothing", UNINITIALISED, "r1 = 5; call f;" RETURN0 "f: exit"),
        WITHOUT("main number ", "it sees one argument", UNINITIALISED, "r1 = 5; r2 = 5; call f;" RETURN0 "f: r0 = r2; exit"),
        WITHOUT("main number ", "it leaks", REFERENCE, "r1 = 5; call f;" RETURN0 "f: r1 = map[fd:6]; r2 = 8; r3 = 0; call 131; r0 = 0; exit"),
        WITH("main context ", "the context", "call f;" RETURN0 "f: r0 = *(u32 *)(r1 + 12); exit"),
        WITHOUT("main context ", "not the context", ARGUMENT, "r1 = r10; call f;" RETURN0 "f: r0 = 0; exit"),
        WITH("main tagged ", "the context by its tag", "call f;" RETURN0 "f: r0 = *(u32 *)(r1 + 12); exit"),
        WITHOUT("main mistagged ", "another struct tagged as the context", BTF, "call f;" RETURN0 "f: r0 = 0; exit"),
        WITH("main memory ", "memory", "r1 = r10; r1 += -16; call f;" RETURN0 "f: r0 = 0; if r1 == 0 goto no; *(u64 *)(r1 + 8) = 1; no: exit"),
        WITH("main memory ", "memory that is not there", "r1 = 0; call f;" RETURN0 "f: r0 = 0; if r1 == 0 goto no; *(u64 *)(r1 + 8) = 1; no: exit"),
        WITHOUT("main memory ", "memory that is too small", BOUNDS, "r1 = r10; r1 += -8; call f;" RETURN0 "f: r0 = 0; exit"),
        WITHOUT("main memory ", "memory that it does not check", NULL_POINTER, "r1 = r10; r1 += -16; call f;" RETURN0 "f: *(u64 *)(r1 + 8) = 1; r0 = 0; exit"),
        WITHOUT("main memory ", "beyond the memory", BOUNDS, "r1 = r10; r1 += -16; call f;" RETURN0 "f: r0 = 0; if r1 == 0 goto no; *(u64 *)(r1 + 16) = 1; no: exit"),
        WITH("main memory ", "memory that may not be there", "r1 = map[fd:4]; *(u64 *)(r10 - 8) = 0; r2 = r10; r2 += -8; call 1; r1 = r0; call f;" RETURN0 "f: r0 = 0; exit"),
        WITH("main nonnull ", "memory that is there", "r1 = r10; r1 += -16; call f;" RETURN0 "f: *(u64 *)(r1 + 8) = 1; r0 = 0; exit"),
        WITHOUT("main nonnull ", "memory that has to be there", ARGUMENT,
                "r1 = map[fd:4]; *(u64 *)(r10 - 8) = 0; r2 = r10; r2 += -8; call 1; r1 = r0; call f;" RETURN0 "f: *(u64 *)(r1 + 8) = 1; r0 = 0; exit"),
        WITHOUT("main nonnull ", "NULL where memory has to be (Linux lets it pass)", ARGUMENT, "r1 = 0; call f;" RETURN0 "f: *(u64 *)(r1 + 8) = 1; r0 = 0; exit"),
        WITHOUT("main memory ", "the caller's stack is not what it was", POINTER_ARITHMETIC,
                "*(u64 *)(r10 - 8) = 1; r1 = r10; r1 += -16; call f; r1 = *(u64 *)(r10 - 8); r2 = map[fd:3][0]+0; r2 += r1; *(u8 *)(r2 + 0) = 1;" RETURN0 "f: r0 = 0; exit"),
        WITH("main memory ", "aligned memory for atomics", "r1 = r10; r1 += -16; call f;" RETURN0 "f: r2 = 1; if r1 == 0 goto no; lock *(u64 *)(r1 + 8) += r2; no: r0 = 0; exit"),
        WITHOUT("main memory ", "memory for atomics that starts anywhere", ARGUMENT,
                "r1 = r10; r1 += -20; call f;" RETURN0 "f: r2 = 1; if r1 == 0 goto no; lock *(u64 *)(r1 + 8) += r2; no: r0 = 0; exit"),
        WITH("main memory ", "memory that starts anywhere", "r1 = r10; r1 += -20; call f;" RETURN0 "f: if r1 == 0 goto no; *(u64 *)(r1 + 8) = 1; no: r0 = 0; exit"),
        WITHOUT("main unsized ", "memory of unknown size", BTF, "r1 = r10; r1 += -16; call f;" RETURN0 "f: r0 = 0; exit"),
        WITHOUT("main nonsense ", "a tag that is not known", BTF, "r1 = r10; r1 += -16; call f;" RETURN0 "f: r0 = 0; exit"),
        WITHOUT("main nothing ", "it returns no number by its type", BTF, "r1 = 1; call f;" RETURN0 "f: r0 = 0; exit"),
        WITHOUT("main global ", "under a lock", LOCK,
                LOOKUP("10") "r6 = r0; r1 = r0; r1 += 4; call 93; call f; r1 = r6; r1 += 4; call 94;" OUT "f: r0 = 0; exit"),
        WITHOUT("main global ", "packet pointers die in it", TYPE,
                "r7 = *(u32 *)(r1 + 0); r8 = *(u32 *)(r1 + 4); r3 = r7; r3 += 8; if r3 > r8 goto out; call f; r0 = *(u8 *)(r7 + 0);" OUT
                "f: r1 = 0; r0 = 0; if r0 == 0 goto no; r2 = 0; call 44; no: r0 = 0; exit"),
        WITH("main global ", "packet pointers live on", "r7 = *(u32 *)(r1 + 0); r8 = *(u32 *)(r1 + 4); r3 = r7; r3 += 8; if r3 > r8 goto out; call f; r0 = *(u8 *)(r7 + 0);" OUT
                                                        "f: r0 = 0; exit"),
        WITHOUT("main global ", "a global callback", CALLBACK, "r1 = 5; r2 = subprog[f]; r3 = 0; r4 = 0; call 181;" RETURN0 "f: r0 = 0; exit"),
        WITH("main dynptr ", "a dynptr", "r1 = map[fd:6]; r2 = 8; r3 = 0; r4 = r10; r4 += -16; call 198; r1 = r10; r1 += -16; call f;"
                                         "r1 = r10; r1 += -16; r2 = 0; call 199;" RETURN0 "f: r2 = 0; r3 = 8; call 203; r0 = 0; exit"),
        WITHOUT("main dynptr ", "no dynptr", DYNPTR, "*(u64 *)(r10 - 16) = 0; *(u64 *)(r10 - 8) = 0; r1 = r10; r1 += -16; call f;" RETURN0 "f: r0 = 0; exit"));
}

TEST(call_exceptions)
{
    CALL_CASES(types(), WITHOUT("thrower handler ", "the program calls its exception callback", CALLBACK, "r1 = 5; call f;" RETURN0 "f: r0 = 0; exit"),
               WITHOUT("twice handler ", "two exception callbacks", BTF, "r1 = 5; call f;" RETURN0 "f: r0 = 0; exit"),
               WITHOUT("thrower local ", "an exception callback that is not there", BTF, "r1 = 5; call f;" RETURN0 "f: r0 = 0; exit"));
}

// What Linux looks for by name.
TEST(call_names)
{
    CALL_CASES(types(), {.name = "registers are the context of kprobes", .text = "call f;" RETURN0 "f: r0 = *(u64 *)(r1 + 0); exit", .funcs = "main registers ", .type = "kprobe"},
               WITHOUT("main registers ", "but of no other programs", BTF, "call f;" RETURN0 "f: r0 = 0; exit"),
               {.name = "a struct by another name of its own", .text = "call 158; r1 = r0; call f;" RETURN0 "f: r0 = 0; exit", .funcs = "main flavored ", .type = "kprobe"});
}

// --- Objects ---------------------------------------------------------------------------------------------------------------------

#define NEW_ITEM "r1 = 3; r2 = 0;" KFUNC(10) "if r0 == 0 goto out;"
#define DROP "r2 = 0;" KFUNC(11)
// r6: the map's value, r7: a new item, the lock is held.
#define LOCKED_ITEM LOOKUP("22") "r6 = r0;" NEW_ITEM "r7 = r0; r1 = r6; call 93;"
#define UNLOCK "r1 = r6; call 94;"
#define PUSH "r1 = r6; r1 += 8; r2 = r7; r2 += 8; r3 = 0; r4 = 0;" KFUNC(12)
#define ADD "r1 = r6; r1 += 24; r2 = r7; r2 += 32; r3 = subprog[f]; r4 = 0; r5 = 0;" KFUNC(14)
#define LESS "f: r3 = *(u64 *)(r1 - 32); r4 = *(u64 *)(r2 - 32); r0 = 0; if r3 >= r4 goto no; r0 = 1; no: exit"

TEST(call_objects)
{
    CALL_CASES(
        types(), WITH("main ", "an object", NEW_ITEM "*(u64 *)(r0 + 0) = 1; r1 = r0;" DROP OUT), WITHOUT("main ", "that leaks", REFERENCE, NEW_ITEM OUT),
        WITHOUT("main ", "that may be null", NULL_POINTER, "r1 = 3; r2 = 0;" KFUNC(10) "r1 = r0;" DROP RETURN0),
        WITHOUT("main ", "that is used afterwards", TYPE, NEW_ITEM "r6 = r0; r1 = r0;" DROP "*(u64 *)(r6 + 0) = 1;" OUT),
        WITHOUT("main ", "beyond it", BOUNDS, NEW_ITEM "*(u64 *)(r0 + 72) = 1; r1 = r0;" DROP OUT),
        WITHOUT("main ", "of no struct", BTF, "r1 = 1; r2 = 0;" KFUNC(10) RETURN0),
        WITHOUT("main ", "of a type that is not constant", ARGUMENT, "r1 = *(u32 *)(r1 + 12); r2 = 0;" KFUNC(10) RETURN0),
        WITHOUT("main ", "dropped with an offset", TYPE, NEW_ITEM "r1 = r0; r1 += 8;" DROP OUT),
        WITH("main ", "another reference", NEW_ITEM "r6 = r0; r1 = r0; r2 = 0;" KFUNC(17) "if r0 == 0 goto one; r1 = r0;" DROP "one: r1 = r6;" DROP OUT),
        WITH("main ", "another reference, which is there for sure", NEW_ITEM "r6 = r0; r1 = r0; r2 = 0;" KFUNC(17) "r7 = *(u64 *)(r0 + 0); r1 = r0;" DROP "r1 = r6;" DROP OUT),
        WITHOUT("main ", "another reference to what counts none", TYPE, "r1 = 11; r2 = 0;" KFUNC(10) "if r0 == 0 goto out; r1 = r0; r2 = 0;" KFUNC(17) OUT),
        WITH("main ", "into a list", LOCKED_ITEM PUSH UNLOCK OUT), WITHOUT("main ", "into a list twice", REFERENCE, LOCKED_ITEM PUSH PUSH UNLOCK OUT),
        WITHOUT("main ", "into a list without the lock", LOCK, LOOKUP("22") "r6 = r0;" NEW_ITEM "r7 = r0;" PUSH OUT),
        WITHOUT("main ", "into a list by the wrong node", TYPE, LOCKED_ITEM "r1 = r6; r1 += 8; r2 = r7; r2 += 32; r3 = 0; r4 = 0;" KFUNC(12) UNLOCK OUT),
        WITHOUT("main ", "no list there", TYPE, LOCKED_ITEM "r1 = r6; r1 += 24; r2 = r7; r2 += 8; r3 = 0; r4 = 0;" KFUNC(12) UNLOCK OUT),
        WITH("main ", "read while the lock is held", LOCKED_ITEM PUSH "r0 = *(u64 *)(r7 + 0);" UNLOCK OUT),
        WITHOUT("main ", "read after the unlock", TYPE, LOCKED_ITEM PUSH UNLOCK "r0 = *(u64 *)(r7 + 0);" OUT),
        WITHOUT("main ", "dropped after the insertion", TYPE, LOCKED_ITEM PUSH UNLOCK "r1 = r7;" DROP OUT),
        WITH("main ", "out of a list", LOOKUP("22") "r6 = r0; r1 = r0; call 93; r1 = r6; r1 += 8;" KFUNC(13) "r7 = r0;" UNLOCK
                      "if r7 == 0 goto out; r7 += -8; r1 = r7;" DROP OUT),
        WITHOUT("main ", "out of a list, and lost", REFERENCE, LOOKUP("22") "r6 = r0; r1 = r0; call 93; r1 = r6; r1 += 8;" KFUNC(13) UNLOCK OUT),
        WITH("main local ", "into a tree", LOCKED_ITEM ADD UNLOCK OUT LESS),
        WITHOUT("main local ", "into a tree twice", REFERENCE, LOCKED_ITEM ADD ADD UNLOCK OUT LESS),
        WITHOUT("main local ", "the comparison calls a helper", LOCK, LOCKED_ITEM ADD UNLOCK OUT "f: r6 = r1; r1 = map[fd:22]; *(u32 *)(r10 - 4) = 0; r2 = r10; r2 += -4; call 1; r0 = 0; exit"),
        WITH("main ", "the first of a tree", LOOKUP("22") "r6 = r0; r1 = r0; call 93; r1 = r6; r1 += 24;" KFUNC(15)
                      "r7 = 0; if r0 == 0 goto un; r7 = *(u64 *)(r0 - 32); un:" UNLOCK OUT),
        WITHOUT("main ", "the first of a tree after the unlock", TYPE,
                LOOKUP("22") "r6 = r0; r1 = r0; call 93; r1 = r6; r1 += 24;" KFUNC(15) "r7 = r0;" UNLOCK "if r7 == 0 goto out; r0 = *(u64 *)(r7 - 32);" OUT),
        WITH("main ", "out of a tree", LOOKUP("22") "r6 = r0; r1 = r0; call 93; r1 = r6; r1 += 24;" KFUNC(15) "if r0 == 0 goto un; r1 = r6; r1 += 24; r2 = r0;"
                      KFUNC(16) "r7 = r0;" UNLOCK "if r7 == 0 goto out; r7 += -32; r1 = r7;" DROP OUT "un:" UNLOCK RETURN0));
}

// --- Tasks and kptrs ----------------------------------------------------------------------------------------------------------------

TEST(call_tasks)
{
    CALL_CASES(
        NULL, ACCEPT_AS("sched_cls", "a task", "r1 = 1;" KFUNC(33) "if r0 == 0 goto out; r1 = r0;" KFUNC(19) OUT),
        REJECT_AS("sched_cls", "a task that is not released", REFERENCE, "r1 = 1;" KFUNC(33) OUT),
        REJECT_AS("sched_cls", "a task that may be null", NULL_POINTER, "r1 = 1;" KFUNC(33) "r1 = r0;" KFUNC(19) RETURN0),
        REJECT_AS("sched_cls", "released twice", TYPE, "r1 = 1;" KFUNC(33) "if r0 == 0 goto out; r6 = r0; r1 = r0;" KFUNC(19) "r1 = r6;" KFUNC(19) OUT),
        ACCEPT_AS("sched_cls", "another reference", "r1 = 1;" KFUNC(33) "if r0 == 0 goto out; r6 = r0; r1 = r0;" KFUNC(18)
                               "if r0 == 0 goto one; r1 = r0;" KFUNC(19) "one: r1 = r6;" KFUNC(19) OUT),
        ACCEPT_AS("sched_cls", "into a map and out of it",
                  LOOKUP("19") "r6 = r0; r1 = 1;" KFUNC(33) "if r0 == 0 goto out; r1 = r6; r1 += 8; r2 = r0; call 194; if r0 == 0 goto out; r1 = r0;" KFUNC(19) OUT),
        REJECT_AS("sched_cls", "what was there before is lost", REFERENCE,
                  LOOKUP("19") "r6 = r0; r1 = 1;" KFUNC(33) "if r0 == 0 goto out; r1 = r6; r1 += 8; r2 = r0; call 194;" OUT),
        REJECT_AS("sched_cls", "released after it went into the map", TYPE,
                  LOOKUP("19") "r6 = r0; r1 = 1;" KFUNC(33) "if r0 == 0 goto out; r7 = r0; r1 = r6; r1 += 8; r2 = r0; call 194; r1 = r7;" KFUNC(19) OUT),
        ACCEPT_AS("sched_cls", "out of the map", LOOKUP("19") "r1 = r0; r1 += 8; r2 = 0; call 194; if r0 == 0 goto out; r1 = r0;" KFUNC(19) OUT),
        REJECT_AS("sched_cls", "no kptr there", TYPE, LOOKUP("19") "r1 = r0; r2 = 0; call 194;" OUT));
}
