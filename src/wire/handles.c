// handles.c: where handles stand in a request: in attr, in instructions, in fd_array, and in values of maps that hold objects.
#include "wire/commands.h"

#include "base/bits.h"
#include "isa/isa.h"

#define OP_LD_IMM64 0x18u
#define OP_CALL 0x85u
// Sources of such instructions, as isa.def numbers them.
#define X(name, source, ...) IMM64_##name = source,
enum { PST_IMM64_LIST(X) };
#undef X
#define X(name, source, ...) CALL_##name = source,
enum { PST_CALL_LIST(X) };
#undef X
#define FD_INDEX_MAX 65536u // more than any core takes

static unsigned source_of(const uint8_t *insn) { return insn[1] >> 4; }

uint32_t wire_insn_fd_index(const uint8_t *insn)
{
    uint16_t off = pst_load16(insn + 2);
    uint32_t imm = pst_load32(insn + 4);
    if (insn[0] == OP_LD_IMM64 && (source_of(insn) == IMM64_MAP_IDX || source_of(insn) == IMM64_MAP_IDX_VALUE)) return imm < FD_INDEX_MAX ? imm : UINT32_MAX;
    if (insn[0] == OP_CALL && source_of(insn) == CALL_KFUNC && off != 0) return off & 0x7fffu;
    return UINT32_MAX;
}

static void visit_at(uint8_t *at, wire_visit visit, void *user)
{
    int32_t handle = (int32_t)pst_load32(at);
    visit(user, &handle);
    pst_store32(at, (uint32_t)handle);
}

static void visit_insns(uint8_t *insns, uint64_t size, wire_visit visit, void *user)
{
    for (uint64_t at = 0; at + 8 <= size; at += 8) {
        const uint8_t *insn = insns + at;
        if (insn[0] != OP_LD_IMM64) continue;
        if (source_of(insn) == IMM64_MAP_FD || source_of(insn) == IMM64_MAP_VALUE) visit_at(insns + at + 4, visit, user);
        at += 8; // its second half is no instruction
    }
}

// Where in a value of the map its handle stands; UINT32_MAX: there is none.
static uint32_t handle_in_value(const wire_shape *map)
{
    switch (map->map_type) {
    case PST_MAP_PROG_ARRAY:
    case PST_MAP_ARRAY_OF_MAPS:
    case PST_MAP_HASH_OF_MAPS: return map->value_size >= 4 ? 0 : UINT32_MAX;
    case PST_MAP_DEVMAP: // a struct with a number, and a program if it is longer
    case PST_MAP_DEVMAP_HASH:
    case PST_MAP_CPUMAP: return map->value_size >= 8 ? 4 : UINT32_MAX;
    default: return UINT32_MAX;
    }
}

static void visit_values(uint8_t *values, uint64_t size, const wire_shape *map, wire_visit visit, void *user)
{
    uint32_t in = handle_in_value(map);
    if (in == UINT32_MAX) return;
    for (uint64_t at = 0; at + map->value_size <= size; at += map->value_size)
        if (in == 0 || (int32_t)pst_load32(values + at + in) > 0) visit_at(values + at + in, visit, user);
}

static bool is_meant(const pst_bpf_attr *attr, const wire_handle *handle)
{
    switch ((wire_when)handle->when) {
    case WHEN_NEVER: return false;
    case WHEN_ALWAYS: return true;
    case WHEN_SET: return pst_load32((const uint8_t *)attr + handle->at) != 0;
    case WHEN_REPLACE: return (attr->link_update.flags & PST_F_REPLACE) != 0;
    }
    return false;
}

static bool is_write(uint32_t cmd) { return cmd == PST_BPF_MAP_UPDATE_ELEM || cmd == PST_BPF_MAP_UPDATE_BATCH; }

void wire_handles(uint32_t cmd, pst_bpf_attr *attr, const wire_plan *plan, uint8_t *const *bytes, const wire_shape *map, wire_visit visit, void *user)
{
    const wire_command *command = wire_command_of(cmd);
    if (!command) return;
    for (uint32_t i = 0; i < plan->count; i++) {
        const wire_segment *segment = &plan->segments[i];
        if (segment->parent >= 0 || !(segment->dir & WIRE_IN) || !bytes[i]) continue;
        if (cmd == PST_BPF_PROG_LOAD && segment->at == offsetof(pst_bpf_attr, insns)) visit_insns(bytes[i], segment->size, visit, user);
        if (cmd == PST_BPF_PROG_LOAD && segment->at == offsetof(pst_bpf_attr, fd_array))
            for (uint64_t at = 0; at + 4 <= segment->size; at += 4) visit_at(bytes[i] + at, visit, user);
        bool is_value = segment->at == (cmd == PST_BPF_MAP_UPDATE_BATCH ? offsetof(pst_bpf_attr, batch.values) : offsetof(pst_bpf_attr, value));
        if (is_write(cmd) && map && is_value) visit_values(bytes[i], segment->size, map, visit, user);
    }
    for (size_t i = 0; i < WIRE_HANDLES_MAX; i++)
        if (is_meant(attr, &command->handles[i])) visit_at((uint8_t *)attr + command->handles[i].at, visit, user);
}
