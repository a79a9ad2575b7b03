// pack.c: see pack.h. Reads and writes the caller's memory as the kernel would: a bad pointer is the caller's fault, not checked here.
#include "remote/pack.h"

#include "base/bits.h"
#include "base/cursor.h"

static size_t padded(uint64_t size) { return (size_t)pst_align_up(size, 8); }

typedef struct packing {
    pack *p;
    const pack_names *names;
} packing;

static bool side_shape(void *user, uint32_t handle, wire_shape *out)
{
    const packing *k = user;
    int32_t number;
    return k->names->find(k->names->user, (int)handle, &number, out);
}

static uint32_t side_string_size(void *user, uint32_t index, uint64_t ptr)
{
    (void)user, (void)index;
    const char *text = (const char *)(uintptr_t)ptr;
    uint32_t size = 0;
    while (size < WIRE_STRING_MAX && text[size]) size++;
    return size < WIRE_STRING_MAX ? size + 1 : 0;
}

static const uint8_t *side_bytes(void *user, uint32_t index, uint64_t ptr, uint64_t size)
{
    (void)user, (void)index, (void)size;
    return (const uint8_t *)(uintptr_t)ptr;
}

static void visit_handle(void *user, int32_t *handle)
{
    const packing *k = user;
    wire_shape shape;
    int32_t number;
    // What is no handle of this host cannot become one by chance.
    *handle = k->names->find(k->names->user, *handle, &number, &shape) ? number : -1;
}

// The caller's memory that each segment means.
static void find_targets(pack *p)
{
    for (uint32_t i = 0; i < p->plan.count; i++) {
        const wire_segment *segment = &p->plan.segments[i];
        const uint8_t *parent = segment->parent < 0 ? (const uint8_t *)&p->sent : p->targets[segment->parent];
        p->targets[i] = (uint8_t *)(uintptr_t)pst_load64(parent + segment->at);
    }
}

static int64_t frame_make(packing *k, uint32_t sequence)
{
    pack *p = k->p;
    uint8_t *bytes[WIRE_SEGMENTS_MAX] = {0};
    size_t sizes_at = sizeof(wire_request) + padded(p->attr_size), payload_at = sizes_at + padded(4ull * p->plan.count), size = payload_at;
    for (uint32_t i = 0; i < p->plan.count; i++)
        if (p->plan.segments[i].dir & WIRE_IN) size += padded(p->plan.segments[i].size);
    p->frame = pst_alloc_zero(p->env, size, 1);
    if (!p->frame) return -PST_ENOMEM;
    p->frame_size = size;
    size_t at = payload_at;
    for (uint32_t i = 0; i < p->plan.count; i++) {
        const wire_segment *segment = &p->plan.segments[i];
        pst_store32(p->frame + sizes_at + 4 * (size_t)i, (uint32_t)segment->size);
        if (!(segment->dir & WIRE_IN)) continue;
        bytes[i] = p->frame + at;
        memcpy(bytes[i], p->targets[i], segment->size);
        at += padded(segment->size);
    }
    wire_shape map;
    uint32_t map_fd;
    bool has_map = wire_map_of(p->cmd, &p->sent, &map_fd) && side_shape(k, map_fd, &map);
    wire_handles(p->cmd, &p->sent, &p->plan, bytes, has_map ? &map : NULL, visit_handle, k);
    const wire_request request = {.size = (uint32_t)size, .op = WIRE_COMMAND, .segments = (uint16_t)p->plan.count, .sequence = sequence, .cmd = p->cmd,
                                  .attr_size = p->attr_size};
    memcpy(p->frame, &request, sizeof request);
    memcpy(p->frame + sizeof request, &p->sent, p->attr_size);
    return 0;
}

int64_t pack_make(const pst_env *env, uint32_t cmd, void *attr, uint32_t size, const pack_names *names, uint32_t sequence, pack *out, const char **why)
{
    *out = (pack){.env = env, .cmd = cmd, .attr = attr, .attr_size = size < sizeof out->sent ? size : (uint32_t)sizeof out->sent};
    packing k = {out, names};
    const wire_side side = {.user = &k, .shape = side_shape, .string_size = side_string_size, .bytes = side_bytes};
    *why = "";
    for (uint32_t i = out->attr_size; i < size; i++)
        if (((const uint8_t *)attr)[i] != 0) return *why = "attr has fields that this version of Postern does not know", -PST_E2BIG;
    memcpy(&out->sent, attr, out->attr_size);
    switch (wire_plan_make(cmd, &out->sent, &side, &out->plan)) {
    case WIRE_OK: break;
    case WIRE_UNKNOWN: return *why = "this bpf command does not exist here", -PST_EINVAL;
    case WIRE_TOO_LARGE: return *why = "the command's buffers are larger than a request to the host may be (32 MiB)", -PST_E2BIG;
    case WIRE_BAD_STRING: return *why = "a string of the command has no end within 4,096 bytes", -PST_ENAMETOOLONG;
    }
    find_targets(out);
    return frame_make(&k, sequence);
}

void pack_free(pack *p)
{
    pst_free(p->env, p->frame, p->frame ? p->frame_size : 0);
    p->frame = NULL;
}

// Fields that travelled as handles are the caller's descriptors; all others are as the command left them.
static void attr_take(const pack *p, const uint8_t *after)
{
    uint8_t *attr = p->attr;
    for (uint32_t at = 0; at + 4 <= p->attr_size; at += 4)
        if (memcmp(attr + at, (const uint8_t *)&p->sent + at, 4) == 0) memcpy(attr + at, after + at, 4);
}

bool pack_finish(pack *p, const uint8_t *answer, size_t size)
{
    pst_cursor c = pst_cursor_make(answer, size);
    wire_answer header;
    const uint8_t *bytes;
    if (!pst_cursor_bytes(&c, sizeof header, &bytes)) return false;
    memcpy(&header, bytes, sizeof header);
    if (header.attr_size == 0) return true; // a refusal by the host itself
    if (header.attr_size != p->attr_size || !pst_cursor_bytes(&c, padded(header.attr_size), &bytes)) return false;
    attr_take(p, bytes);
    if (!pst_cursor_skip(&c, padded(header.text_size))) return false;
    for (uint32_t i = 0; i < p->plan.count; i++) {
        uint64_t used;
        if (!(p->plan.segments[i].dir & WIRE_OUT)) continue;
        if (!pst_cursor_u64(&c, &used) || used > p->plan.segments[i].size || !pst_cursor_bytes(&c, padded(used), &bytes)) return false;
        if (used > 0) memcpy(p->targets[i], bytes, used);
    }
    return true;
}

pst_status pack_text(const pst_env *env, wire_op op, uint32_t cmd, uint32_t sequence, const char *text, uint8_t **frame, size_t *size)
{
    size_t length = strlen(text) + 1;
    if (length > WIRE_STRING_MAX) return PST_E_LIMIT;
    *size = sizeof(wire_request) + 8 + padded(length);
    *frame = pst_alloc_zero(env, *size, 1);
    if (!*frame) return PST_E_NOMEM;
    const wire_request request = {.size = (uint32_t)*size, .op = (uint16_t)op, .segments = 1, .sequence = sequence, .cmd = cmd};
    memcpy(*frame, &request, sizeof request);
    pst_store32(*frame + sizeof request, (uint32_t)length);
    memcpy(*frame + sizeof request + 8, text, length);
    return PST_OK;
}
