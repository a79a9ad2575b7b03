// kernel_proto_test.c: prototypes against the host kernel's verifier: a call with arguments as the prototype describes them is accepted,
// and by programs without a GPL-compatible license exactly when the flag says so. Kfuncs: which program types may call them.
//
// Calls that acquire, release, lock or take a callback, an object, a dynptr or a BTF pointer are left to tests of the verifier.
#include "kernel_probe.h"

#ifdef __linux__

#include <stdio.h>

#include "btf/btf.h"
#include "pal/pal.h"

#define OP_MOV_IMM 0xb7
#define OP_MOV_REG 0xbf
#define CODE_MAX 64u

typedef struct witness {
    uint64_t code[CODE_MAX];
    uint32_t count;
    bool possible; // false: an argument that this test cannot make
} witness;

static void add(witness *w, uint64_t insn)
{
    w->code[w->count++] = insn;
}

// --- Maps, one of each type, made when first asked for ---------------------------------------------------------------

static int g_maps[64]; // descriptor + 1

static int map_of_type(uint32_t type)
{
    pst_bpf_attr attr = {.map_type = type, .key_size = 4, .value_size = 8, .max_entries = 1};
    if (g_maps[type]) return g_maps[type] - 1;
    bool sizeless = type == PST_MAP_RINGBUF || type == PST_MAP_USER_RINGBUF;
    bool narrow = type == PST_MAP_PROG_ARRAY || type == PST_MAP_PERF_EVENT_ARRAY || type == PST_MAP_CGROUP_ARRAY || type == PST_MAP_SOCKMAP ||
                  type == PST_MAP_SOCKHASH || type == PST_MAP_DEVMAP;
    if (sizeless || type == PST_MAP_QUEUE || type == PST_MAP_STACK) attr.key_size = 0;
    if (sizeless) attr.value_size = 0, attr.max_entries = 4096;
    if (narrow) attr.value_size = 4;
    if (type == PST_MAP_CGROUP_STORAGE) attr.key_size = 8, attr.max_entries = 0;
    g_maps[type] = (int)probe_bpf(PST_BPF_MAP_CREATE, &attr) + 1;
    return g_maps[type] - 1;
}

// A frozen read-only map with a string in it.
static int string_map(void)
{
    static int fd = -1;
    uint32_t key = 0;
    char value[8] = "%d";
    if (fd >= 0) return fd;
    pst_bpf_attr create = {.map_type = PST_MAP_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 1, .map_flags = PST_F_RDONLY_PROG};
    fd = (int)probe_bpf(PST_BPF_MAP_CREATE, &create);
    pst_bpf_attr update = {.map_fd = (uint32_t)fd, .key = (uint64_t)(uintptr_t)&key, .value = (uint64_t)(uintptr_t)value};
    pst_bpf_attr freeze = {.map_fd = (uint32_t)fd};
    CHECK(probe_bpf(PST_BPF_MAP_UPDATE_ELEM, &update) == 0 && probe_bpf(PST_BPF_MAP_FREEZE, &freeze) == 0);
    return fd;
}

static int map_for(uint64_t types)
{
    if (types == 0) types = (uint64_t)1 << PST_MAP_ARRAY;
    for (uint32_t type = 0; type < 34; type++)
        if (types >> type & 1 && map_of_type(type) >= 0) return map_of_type(type);
    return -1;
}

static void load_wide(witness *w, unsigned reg, unsigned kind, int fd)
{
    if (fd < 0) w->possible = false;
    add(w, probe_insn(0x18, reg, kind, 0, fd));
    add(w, 0);
}

// --- Arguments ---------------------------------------------------------------------------------------------------

static void stack_address(witness *w, unsigned reg, int off)
{
    add(w, probe_insn(OP_MOV_REG, reg, 10, 0, 0));
    add(w, probe_insn(0x07, reg, 0, 0, off));
}

static void argument(witness *w, unsigned reg, pst_arg_kind kind, uint64_t map_types)
{
    switch ((int)kind) {
    case PST_ARG_NONE: return;
    case PST_ARG_ANYTHING:
    case PST_ARG_ANYTHING_OPT:
    case PST_ARG_NUMBER:
    case PST_ARG_STACK_OR_NULL:
    case PST_ARG_MAP_VALUE_OR_NULL:
    case PST_ARG_BTF_ID_OR_NULL:
    case PST_ARG_SOCK_OR_NULL: add(w, probe_insn(OP_MOV_IMM, reg, 0, 0, 0)); return;
    case PST_ARG_CTX:
    case PST_ARG_CTX_OR_NULL: add(w, probe_insn(OP_MOV_REG, reg, 6, 0, 0)); return;
    case PST_ARG_MAP: load_wide(w, reg, 1, map_for(map_types)); return;
    case PST_ARG_MAP_KEY:
    case PST_ARG_MAP_VALUE:
    case PST_ARG_MAP_VALUE_OUT:
    case PST_ARG_MEM:
    case PST_ARG_MEM_OR_NULL:
    case PST_ARG_MEM_OUT:
    case PST_ARG_MEM_OR_NULL_OUT:
    case PST_ARG_MEM_INOUT:
    case PST_ARG_MEM_20:
    case PST_ARG_MEM_40: stack_address(w, reg, -64); return;
    case PST_ARG_INT_OUT:
    case PST_ARG_LONG_OUT: stack_address(w, reg, -8); return;
    case PST_ARG_SIZE:
    case PST_ARG_SIZE_OR_ZERO:
    case PST_ARG_ALLOC_SIZE: add(w, probe_insn(OP_MOV_IMM, reg, 0, 0, 8)); return;
    case PST_ARG_STRING: load_wide(w, reg, 2, string_map()); return;
    default: w->possible = false; return;
    }
}

#define SPECIAL                                                                                                        \
    (PST_HELPER_ACQUIRES | PST_HELPER_RELEASES | PST_HELPER_TAIL_CALL | PST_HELPER_CALLBACK | PST_HELPER_LOCK |        \
     PST_HELPER_UNLOCK)

static witness make(const pst_prog_type *type, uint32_t attach_type, const pst_helper_proto *proto)
{
    witness w = {.possible = !(proto->flags & SPECIAL)};
    if (proto->flags & PST_HELPER_MAY_SLEEP && type->number != PST_PROG_SYSCALL) w.possible = false;
    add(&w, probe_insn(OP_MOV_REG, 6, 1, 0, 0));
    for (int off = -64; off < 0; off += 8) add(&w, probe_insn(0x7a, 10, 0, off, 0));
    for (unsigned i = 0; i < PST_ARGS_MAX; i++) argument(&w, i + 1, proto->args[i], proto->map_types);
    add(&w, probe_insn(0x85, 0, 0, 0, proto->id));
    add(&w, probe_insn(OP_MOV_IMM, 0, 0, 0, probe_result(type, attach_type)));
    add(&w, probe_insn(0x95, 0, 0, 0, 0));
    return w;
}

static unsigned g_calls;

// Sleepable programs may use few types of maps: a rule of its own.
static bool depends_on_kernel(int32_t id)
{
    return id == 36 || id == 58 || strstr(probe_log, "Sleepable programs can only use") != NULL;
}

static void check_calls(const pst_prog_type *type, uint32_t attach_type)
{
    for (int32_t id = 1; id <= (int32_t)pst_helper_proto_count(); id++) {
        const pst_helper_proto *proto = pst_prog_type_helper_at(type, attach_type, id);
        if (!proto) continue;
        witness w = make(type, attach_type, proto);
        if (!w.possible) continue;
        bool accepted = probe_accepts(type, attach_type, w.code, w.count);
        if (!accepted && depends_on_kernel(id)) continue;
        g_calls++;
        if (!accepted) pst_test_fail(__FILE__, __LINE__, "%s, attach type %u: %s: %s", type->name, attach_type, proto->name, probe_log);
        if (id == 173 && attach_type) continue; // get_func_ip: for GPL only except in probes of many functions; the catalog has one row
        bool free_for_all = probe_accepts_license(type, attach_type, w.code, w.count, "Proprietary");
        if (free_for_all == !(proto->flags & PST_HELPER_GPL)) continue;
        pst_test_fail(__FILE__, __LINE__, "%s: %s: the flag for GPL is wrong", type->name, proto->name);
    }
}

TEST(kernel_accepts_calls_by_prototype)
{
    if (!probe_kernel_is_ours()) return;
    probe_each(check_calls);
    CHECK(g_calls > 2000);
    // The comparison sees a planted bug: a number for a key.
    const pst_prog_type *type = pst_prog_type_by_number(PST_PROG_XDP);
    pst_helper_proto planted = *pst_helper_proto_by_id(1);
    planted.args[1] = PST_ARG_ANYTHING;
    witness w = make(type, 0, &planted);
    CHECK(w.possible && !probe_accepts(type, 0, w.code, w.count));
}

// --- Kfuncs ------------------------------------------------------------------------------------------------------

static pst_btf *g_btf;

static pst_btf *read_btf(void)
{
    FILE *file = fopen("/sys/kernel/btf/vmlinux", "rb");
    size_t room = (size_t)32 << 20, size = 0;
    uint8_t *bytes = malloc(room);
    pst_btf *btf = NULL;
    if (file && bytes) size = fread(bytes, 1, room, file);
    if (size && pst_btf_parse(pst_pal_env(), bytes, size, "vmlinux", &btf) != PST_OK) btf = NULL;
    if (file) fclose(file);
    free(bytes);
    return btf;
}

// Sessions are an attach type's; metadata needs a program bound to a device, which the kernel says before it asks for the type;
// signatures need a kernel that verifies them.
static bool is_special(const char *name)
{
    return strncmp(name, "bpf_session_", 12) == 0 || strncmp(name, "bpf_xdp_metadata_", 17) == 0 ||
           strcmp(name, "bpf_verify_pkcs7_signature") == 0;
}

static void check_kfuncs(const pst_prog_type *type, uint32_t attach_type)
{
    for (size_t i = 0; i < pst_kfunc_proto_count(); i++) {
        const pst_helper_proto *proto = pst_kfunc_proto_at(i);
        uint32_t id = pst_btf_find(g_btf, proto->name, PST_BTF_FUNC);
        if (!id || is_special(proto->name)) continue; // not built into this kernel
        uint64_t code[] = {probe_insn(0x85, 0, 2, 0, (int32_t)id), PROBE_RETURN(probe_result(type, attach_type))};
        bool theirs = probe_accepts(type, attach_type, code, 3) || !strstr(probe_log, "is not allowed");
        bool ours = pst_prog_type_kfunc(type, proto->name) != NULL;
        if (ours != theirs) pst_test_fail(__FILE__, __LINE__, "%s: %s: the catalog says %s", type->name, proto->name, ours ? "yes" : "no");
        if (!ours || !strstr(probe_log, "program must be sleepable")) continue;
        if (!(proto->flags & PST_HELPER_MAY_SLEEP)) pst_test_fail(__FILE__, __LINE__, "%s may sleep", proto->name);
    }
}

TEST(kernel_has_the_same_kfuncs)
{
    if (!probe_kernel_is_ours()) return;
    g_btf = read_btf();
    REQUIRE(g_btf);
    probe_each(check_kfuncs);
    pst_btf_free(g_btf);
}

#endif
