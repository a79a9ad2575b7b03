// helpers.c: the prototypes of Linux's helpers, expanded from helpers.def.
//
// Read by verifier, checked interpreter, disassembler and `show helpers`. Constant data and binary-free lookups: ids are dense.
#include "catalog/catalog.h"

#include <string.h>

#include "catalog/helpers.def"

#define F_GPL PST_HELPER_GPL
#define F_PACKET PST_HELPER_CHANGES_PACKET
#define F_TAIL PST_HELPER_TAIL_CALL
#define F_PURE PST_HELPER_PURE
#define F_ACQUIRE PST_HELPER_ACQUIRES
#define F_RELEASE PST_HELPER_RELEASES
#define F_LOCK PST_HELPER_LOCK
#define F_UNLOCK PST_HELPER_UNLOCK
#define F_SLEEP PST_HELPER_MAY_SLEEP
#define F_CALLBACK PST_HELPER_CALLBACK
#define F_ASYNC PST_HELPER_ASYNC
#define F_NULL PST_HELPER_RET_NULL
#define F_RDONLY PST_HELPER_RDONLY_RET
#define F_PKTARG PST_HELPER_PACKET_ARGS
#define M(type) ((uint64_t)1 << PST_MAP_##type)
// What programs may do with a map through the general helpers; other types of maps have helpers of their own.
#define WALKED (M(HASH) | M(ARRAY) | M(PERCPU_HASH) | M(PERCPU_ARRAY) | M(LRU_HASH) | M(LRU_PERCPU_HASH))
#define UPDATED (WALKED | M(LPM_TRIE) | M(SOCKMAP) | M(SOCKHASH))
#define LOOKED_UP (UPDATED | M(ARRAY_OF_MAPS) | M(HASH_OF_MAPS) | M(DEVMAP) | M(DEVMAP_HASH) | M(XSKMAP))
#define PST_ARG__ PST_ARG_NONE

#define COMMON(num, text, result, a1, a2, a3, a4, a5, bits, maps)                                              \
    .id = (num), .name = "bpf_" #text, .ret = PST_RET_##result,                                                \
    .args = {PST_ARG_##a1, PST_ARG_##a2, PST_ARG_##a3, PST_ARG_##a4, PST_ARG_##a5}, .flags = (bits), .map_types = (maps)
#define BTF_(name) (sizeof #name == 2 ? NULL : #name) // "_" is none

static const pst_helper_proto g_protos[] = {
#define H(...) {COMMON(__VA_ARGS__)},
#define T(num, text, result, a1, a2, a3, a4, a5, bits, maps, r, b1, b2, b3, b4, b5)                            \
    {COMMON(num, text, result, a1, a2, a3, a4, a5, bits, maps),                                                \
     .btf_ret = BTF_(r),                                                                                       \
     .btf_args = {BTF_(b1), BTF_(b2), BTF_(b3), BTF_(b4), BTF_(b5)}},
    PST_HELPER_PROTO_LIST(H, T)
#undef T
#undef H
};

size_t pst_helper_proto_count(void)
{
    return PST_COUNT(g_protos);
}

const pst_helper_proto *pst_helper_proto_at(size_t index)
{
    return index < PST_COUNT(g_protos) ? &g_protos[index] : NULL;
}

const pst_helper_proto *pst_helper_proto_by_id(int32_t id)
{
    // Rows are by id without a gap; helpers_test.c holds them to it.
    if (id < 1 || (size_t)id > PST_COUNT(g_protos)) return NULL;
    return &g_protos[id - 1];
}

const pst_helper_proto *pst_helper_proto_by_name(const char *name)
{
    if (strncmp(name, "bpf_", 4) == 0) name += 4;
    for (size_t i = 0; i < PST_COUNT(g_protos); i++)
        if (strcmp(g_protos[i].name + 4, name) == 0) return &g_protos[i];
    return NULL;
}
