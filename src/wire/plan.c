// plan.c: from a command's row and its attr to the segments that travel. Pure; the same on both sides.
//
// Sizes are products of 32-bit numbers, so they fit 64 bits; more than WIRE_FRAME_MAX in all is refused before anyone takes memory.
#include "wire/commands.h"

#include "base/bits.h"

#define AT(member) offsetof(pst_bpf_attr, member)
#define INSNS_MAX 1000000u // as on Linux
#define FD_ARRAY_MAX 65536u // more than any core takes

typedef struct planner {
    uint32_t cmd;
    const pst_bpf_attr *attr;
    const wire_side *side;
    wire_plan *plan;
    wire_shape map;
    bool has_map;
    uint64_t total;
    wire_verdict verdict;
} planner;

static uint32_t attr_u32(const pst_bpf_attr *attr, uint32_t at) { return pst_load32((const uint8_t *)attr + at); }

static void add(planner *p, wire_segment segment)
{
    if (p->verdict != WIRE_OK) return;
    p->total += segment.size;
    if (p->plan->count == WIRE_SEGMENTS_MAX || segment.size > WIRE_FRAME_MAX || p->total > WIRE_FRAME_MAX / 2)
        p->verdict = WIRE_TOO_LARGE;
    else
        p->plan->segments[p->plan->count++] = segment;
}

// Elements of a hash are found again by a bucket's number, those of others by a key.
static uint32_t cursor_size(const wire_shape *map)
{
    switch (map->map_type) {
    case PST_MAP_HASH:
    case PST_MAP_PERCPU_HASH:
    case PST_MAP_LRU_HASH:
    case PST_MAP_LRU_PERCPU_HASH:
    case PST_MAP_HASH_OF_MAPS: return 4;
    default: return map->key_size;
    }
}

// False: the segment is left out, since nobody knows its size; the command will fail by itself.
static bool size_of(planner *p, const wire_field *field, uint64_t ptr, wire_segment *out)
{
    uint64_t a = field->a ? attr_u32(p->attr, field->a) : 0;
    switch ((wire_size)field->size) {
    case SIZE_NONE: return false;
    case SIZE_FIELD: out->size = a; return true;
    case SIZE_ITEMS: out->size = a * field->b; break;
    case SIZE_RECORDS: out->size = a * attr_u32(p->attr, field->b); return true;
    case SIZE_KEY: out->size = p->map.key_size; return p->has_map;
    case SIZE_VALUE: out->size = p->map.value_size; return p->has_map;
    case SIZE_CURSOR: out->size = cursor_size(&p->map); return p->has_map;
    case SIZE_KEYS:
        out->element = p->map.key_size;
        out->size = a * out->element;
        return p->has_map;
    case SIZE_VALUES:
        out->element = p->map.value_size;
        out->size = a * out->element;
        return p->has_map;
    case SIZE_STRING:
        out->size = p->side->string_size(p->side->user, p->plan->count, ptr);
        if (out->size == 0 || out->size > WIRE_STRING_MAX) p->verdict = WIRE_BAD_STRING;
        return true;
    }
    out->element = field->b;
    return true;
}

static void add_field(planner *p, const wire_field *field)
{
    uint64_t ptr = pst_load64((const uint8_t *)p->attr + field->at);
    wire_segment segment = {.at = field->at, .parent = -1, .dir = field->dir, .used = field->used, .used_at = field->a, .element = 1};
    if (ptr == 0 || !size_of(p, field, ptr, &segment)) return;
    // More instructions than a program can have are refused for their number; nobody reads them.
    if (p->cmd == PST_BPF_PROG_LOAD && field->at == AT(insns) && p->attr->insn_cnt > INSNS_MAX) return;
    add(p, segment);
}

// --- What lies behind pointers ---------------------------------------------------------------------------------

typedef struct info_array {
    uint16_t at, count_at, element;
} info_array;

#define ARRAY(info, ptr, count, element) {(uint16_t)offsetof(info, ptr), (uint16_t)offsetof(info, count), element}
static const info_array g_prog_arrays[] = {
    ARRAY(pst_bpf_prog_info, jited_prog_insns, jited_prog_len, 1),
    ARRAY(pst_bpf_prog_info, xlated_prog_insns, xlated_prog_len, 1),
    ARRAY(pst_bpf_prog_info, map_ids, nr_map_ids, 4),
    ARRAY(pst_bpf_prog_info, jited_ksyms, nr_jited_ksyms, 8),
    ARRAY(pst_bpf_prog_info, jited_func_lens, nr_jited_func_lens, 4),
    ARRAY(pst_bpf_prog_info, func_info, nr_func_info, sizeof(pst_bpf_func_info)),
    ARRAY(pst_bpf_prog_info, line_info, nr_line_info, sizeof(pst_bpf_line_info)),
    ARRAY(pst_bpf_prog_info, jited_line_info, nr_jited_line_info, 8),
    ARRAY(pst_bpf_prog_info, prog_tags, nr_prog_tags, 8),
};
static const info_array g_btf_arrays[] = {
    ARRAY(pst_bpf_btf_info, btf, btf_size, 1),
    ARRAY(pst_bpf_btf_info, name, name_len, 1),
};
#undef ARRAY

// The arrays that an info struct of this kind points at; their number.
static size_t arrays_of(uint32_t kind, const info_array **out)
{
    *out = kind == PST_OBJECT_PROG ? g_prog_arrays : g_btf_arrays;
    return kind == PST_OBJECT_PROG ? PST_COUNT(g_prog_arrays) : kind == PST_OBJECT_BTF ? PST_COUNT(g_btf_arrays) : 0;
}

static const uint8_t *bytes_of(planner *p, uint32_t index)
{
    const wire_segment *segment = &p->plan->segments[index];
    uint64_t ptr = pst_load64((const uint8_t *)p->attr + segment->at);
    return p->side->bytes(p->side->user, index, ptr, segment->size);
}

static void add_info_arrays(planner *p)
{
    wire_shape shape;
    if (p->plan->count != 1 || !p->side->shape(p->side->user, p->attr->info.bpf_fd, &shape)) return;
    const info_array *arrays;
    size_t count = arrays_of(shape.kind, &arrays);
    const uint8_t *info = bytes_of(p, 0);
    uint64_t info_size = p->plan->segments[0].size;
    for (size_t i = 0; info && i < count; i++) {
        if (arrays[i].at + 8u > info_size || arrays[i].count_at + 4u > info_size) continue;
        uint64_t elements = pst_load32(info + arrays[i].count_at);
        if (pst_load64(info + arrays[i].at) == 0) continue;
        add(p, (wire_segment){.size = elements * arrays[i].element, .at = arrays[i].at, .parent = 0, .dir = WIRE_OUT, .used = WIRE_USED_COUNT,
                              .used_at = arrays[i].count_at, .element = arrays[i].element});
    }
}

// fd_array has as many elements as fd_array_cnt says; without it, as many as instructions refer to.
static void add_fd_array(planner *p)
{
    uint32_t count = p->attr->fd_array_cnt, at = (uint32_t)AT(insns);
    const uint8_t *insns = p->plan->count > 0 && p->plan->segments[0].at == at ? bytes_of(p, 0) : NULL;
    if (p->attr->fd_array == 0 || count > FD_ARRAY_MAX) return;
    for (uint64_t i = 0; insns && p->attr->fd_array_cnt == 0 && i < p->attr->insn_cnt; i++) {
        uint32_t index = wire_insn_fd_index(insns + i * 8);
        if (index != UINT32_MAX && index >= count) count = index + 1;
    }
    if (count > 0) add(p, (wire_segment){.size = (uint64_t)count * 4, .at = (uint32_t)AT(fd_array), .parent = -1, .dir = WIRE_IN});
}

wire_verdict wire_plan_make(uint32_t cmd, const pst_bpf_attr *attr, const wire_side *side, wire_plan *out)
{
    const wire_command *command = wire_command_of(cmd);
    *out = (wire_plan){0};
    if (!command) return WIRE_UNKNOWN;
    out->makes_handle = command->makes_handle;
    planner p = {.cmd = cmd, .attr = attr, .side = side, .plan = out};
    if (command->map_at != WIRE_NO_MAP) p.has_map = side->shape(side->user, attr_u32(attr, command->map_at), &p.map) && p.map.kind == PST_OBJECT_MAP;
    for (size_t i = 0; i < WIRE_FIELDS_MAX && command->fields[i].size != SIZE_NONE; i++) add_field(&p, &command->fields[i]);
    if (p.verdict == WIRE_OK && cmd == PST_BPF_OBJ_GET_INFO_BY_FD) add_info_arrays(&p);
    if (p.verdict == WIRE_OK && cmd == PST_BPF_PROG_LOAD) add_fd_array(&p);
    return p.verdict;
}

static bool is_planned(const wire_plan *plan, int parent, uint32_t at)
{
    for (uint32_t i = 0; i < plan->count; i++)
        if (plan->segments[i].parent == parent && plan->segments[i].at == at) return true;
    return false;
}

void wire_pointers_clear(uint32_t cmd, const wire_plan *plan, pst_bpf_attr *attr, const wire_shape *about, uint8_t *info)
{
    const wire_command *command = wire_command_of(cmd);
    const info_array *arrays;
    size_t count = about && info ? arrays_of(about->kind, &arrays) : 0;
    for (size_t i = 0; command && i < WIRE_FIELDS_MAX && command->fields[i].size != SIZE_NONE; i++)
        if (!is_planned(plan, -1, command->fields[i].at)) pst_store64((uint8_t *)attr + command->fields[i].at, 0);
    if (cmd == PST_BPF_PROG_LOAD && !is_planned(plan, -1, AT(fd_array))) attr->fd_array = 0;
    for (size_t i = 0; i < count; i++)
        if (arrays[i].at + 8u <= plan->segments[0].size && !is_planned(plan, 0, arrays[i].at)) pst_store64(info + arrays[i].at, 0);
}

bool wire_map_of(uint32_t cmd, const pst_bpf_attr *attr, uint32_t *handle)
{
    const wire_command *command = wire_command_of(cmd);
    if (!command || command->map_at == WIRE_NO_MAP) return false;
    *handle = attr_u32(attr, command->map_at);
    return true;
}

// Whether a command with this result may have written results: some tell how much there is, or what was done before they failed.
static bool has_results(int64_t result) { return result >= 0 || result == -PST_ENOENT || result == -PST_ENOSPC; }

uint64_t wire_used_bytes(const wire_segment *segment, const void *parent, int64_t result, const uint8_t *bytes)
{
    uint64_t count;
    switch ((wire_used)segment->used) {
    case WIRE_USED_NONE: return 0;
    case WIRE_USED_WHOLE: return result >= 0 ? segment->size : 0;
    case WIRE_USED_STRING:
        count = 0;
        while (count < segment->size && bytes[count] != 0) count++;
        return count < segment->size ? count + 1 : count;
    case WIRE_USED_FIELD:
    case WIRE_USED_COUNT:
        if (!has_results(result)) return 0;
        count = (uint64_t)pst_load32((const uint8_t *)parent + segment->used_at) * segment->element;
        return count < segment->size ? count : segment->size;
    }
    return 0;
}
