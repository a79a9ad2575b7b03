// serve.c: see serve.h.
//
// Whatever a client says is checked on a private copy: the frame is complete before it is looked at, sizes are those that the plan computes from the
// core's own shapes, and every pointer that the core sees points into a block that this file has allocated for the call.
#include "host/serve.h"

#include "base/bits.h"
#include "base/cursor.h"
#include "base/format.h"
#include "base/version.h"
#include "pal/pal.h"

// A request while it is served.
typedef struct serving {
    const pst_env *env;
    pst_core *core;
    pst_client *client;
    wire_request request;
    pst_bpf_attr attr;
    const uint8_t *sizes; // a 32-bit number a segment
    pst_cursor payload;   // of segments that go in
    wire_plan plan;
    uint8_t *block; // segments, each at a multiple of 8
    size_t block_size;
    uint8_t *bytes[WIRE_SEGMENTS_MAX]; // in block
    uint64_t given[WIRE_SEGMENTS_MAX]; // the pointers that the client wrote
} serving;

static size_t padded(uint64_t size) { return (size_t)pst_align_up(size, 8); }

pst_status host_request_read(const uint8_t *bytes, size_t size, wire_request *out)
{
    pst_cursor c = pst_cursor_make(bytes, size);
    *out = (wire_request){0};
    if (size < sizeof *out) return PST_E_AGAIN;
    if (!pst_cursor_u32(&c, &out->size) || !pst_cursor_u16(&c, &out->op) || !pst_cursor_u16(&c, &out->segments) ||
        !pst_cursor_u32(&c, &out->sequence) || !pst_cursor_u32(&c, &out->cmd) || !pst_cursor_u32(&c, &out->attr_size) ||
        !pst_cursor_u32(&c, &out->reserved))
        return PST_E_AGAIN;
    bool fine = out->size >= sizeof *out && out->size <= WIRE_FRAME_MAX && out->op < WIRE_OPS && out->segments <= WIRE_SEGMENTS_MAX && out->reserved == 0;
    return fine ? PST_OK : PST_E_FORMAT;
}

// --- Parts of the frame ----------------------------------------------------------------------------------------

static uint32_t size_given(const serving *s, uint32_t index) { return index < s->request.segments ? pst_load32(s->sizes + 4 * (size_t)index) : 0; }

// Where segment number index begins in the payload. Segments before it are planned.
static bool bytes_given(const serving *s, uint32_t index, uint64_t size, const uint8_t **out)
{
    uint64_t at = 0;
    for (uint32_t i = 0; i < index; i++)
        if (s->plan.segments[i].dir & WIRE_IN) at += padded(s->plan.segments[i].size);
    pst_cursor slice;
    return pst_cursor_slice(s->payload, at, size, &slice) && pst_cursor_bytes(&slice, size, out);
}

static bool side_shape(void *user, uint32_t handle, wire_shape *out)
{
    serving *s = user;
    pst_handle_shape shape;
    if (!pst_client_shape(s->client, (int)handle, &shape)) return false;
    *out = (wire_shape){shape.kind, shape.map_type, shape.key_size, shape.value_size};
    return true;
}

static uint32_t side_string_size(void *user, uint32_t index, uint64_t ptr)
{
    (void)ptr;
    serving *s = user;
    const uint8_t *bytes;
    uint32_t size = size_given(s, index);
    if (size == 0 || size > WIRE_STRING_MAX || !bytes_given(s, index, size, &bytes)) return 0;
    return memchr(bytes, 0, size) == bytes + size - 1 ? size : 0;
}

static const uint8_t *side_bytes(void *user, uint32_t index, uint64_t ptr, uint64_t size)
{
    (void)ptr;
    const uint8_t *bytes;
    return bytes_given(user, index, size, &bytes) ? bytes : NULL;
}

// Splits the frame: attr, sizes, payload.
static bool frame_split(serving *s, const uint8_t *frame)
{
    pst_cursor c = pst_cursor_make(frame, s->request.size);
    const uint8_t *attr;
    if (s->request.attr_size > 4096 || !pst_cursor_skip(&c, sizeof s->request)) return false;
    if (!pst_cursor_bytes(&c, padded(s->request.attr_size), &attr)) return false;
    if (!pst_cursor_bytes(&c, padded(4ull * s->request.segments), &s->sizes)) return false;
    if (!pst_cursor_slice(c, c.pos, pst_cursor_left(&c), &s->payload)) return false;
    size_t known = s->request.attr_size < sizeof s->attr ? s->request.attr_size : sizeof s->attr;
    memset(&s->attr, 0, sizeof s->attr);
    memcpy(&s->attr, attr, known);
    return s->request.attr_size <= sizeof s->attr; // a newer client's fields are its own affair to leave out
}

// --- Segments --------------------------------------------------------------------------------------------------

static uint8_t *pointer_at(serving *s, const wire_segment *segment)
{
    return (segment->parent < 0 ? (uint8_t *)&s->attr : s->bytes[segment->parent]) + segment->at;
}

// Copies what goes in, and lets attr and its structs point at it.
static pst_status segments_take(serving *s)
{
    size_t total = 0;
    for (uint32_t i = 0; i < s->plan.count; i++) {
        const wire_segment *segment = &s->plan.segments[i];
        if (segment->size != size_given(s, i)) return PST_E_INVALID;
        total += padded(segment->size);
    }
    if (s->plan.count != s->request.segments) return PST_E_INVALID;
    s->block_size = total;
    s->block = pst_alloc_zero(s->env, total + 8, 1);
    if (!s->block) return PST_E_NOMEM;
    size_t at = 0;
    for (uint32_t i = 0; i < s->plan.count; i++) {
        const wire_segment *segment = &s->plan.segments[i];
        const uint8_t *from;
        s->bytes[i] = s->block + at;
        at += padded(segment->size);
        if (!(segment->dir & WIRE_IN)) continue;
        if (!bytes_given(s, i, segment->size, &from)) return PST_E_INVALID;
        memcpy(s->bytes[i], from, segment->size);
    }
    return PST_OK;
}

// From here on every pointer of attr and its structs is ours, or none.
static void pointers_set(serving *s)
{
    wire_shape about;
    bool is_info = s->request.cmd == PST_BPF_OBJ_GET_INFO_BY_FD && s->plan.count > 0 && side_shape(s, s->attr.info.bpf_fd, &about);
    wire_pointers_clear(s->request.cmd, &s->plan, &s->attr, is_info ? &about : NULL, is_info ? s->bytes[0] : NULL);
    for (uint32_t i = 0; i < s->plan.count; i++) {
        const wire_segment *segment = &s->plan.segments[i];
        s->given[i] = pst_load64(pointer_at(s, segment));
        pst_store64(pointer_at(s, segment), (uint64_t)(uintptr_t)s->bytes[i]);
    }
}

// The client's own pointers again: ours are nobody's business.
static void pointers_restore(serving *s)
{
    for (uint32_t i = s->plan.count; i-- > 0;) pst_store64(pointer_at(s, &s->plan.segments[i]), s->given[i]);
}

// --- Answers ---------------------------------------------------------------------------------------------------

static void answer_header(const wire_request *request, int64_t result, size_t size, uint32_t attr_size, uint32_t text_size, wire_answer *out)
{
    *out = (wire_answer){.size = (uint32_t)size, .op = request->op, .sequence = request->sequence, .result = (int32_t)result, .attr_size = attr_size,
                         .text_size = text_size};
}

pst_status host_answer_plain(const pst_env *env, const wire_request *request, int64_t result, const char *text, host_answer *out)
{
    uint32_t text_size = text ? (uint32_t)strlen(text) : 0;
    if (text_size > WIRE_TEXT_MAX) text_size = WIRE_TEXT_MAX;
    size_t size = sizeof(wire_answer) + padded(text_size);
    *out = (host_answer){.bytes = pst_alloc_zero(env, size, 1), .size = size, .capacity = size, .new_handle = -1};
    if (!out->bytes) return PST_E_NOMEM;
    wire_answer header;
    answer_header(request, result, size, 0, text_size, &header);
    memcpy(out->bytes, &header, sizeof header);
    if (text_size > 0) memcpy(out->bytes + sizeof header, text, text_size);
    return PST_OK;
}

static const void *parent_of(const serving *s, const wire_segment *segment)
{
    return segment->parent < 0 ? (const void *)&s->attr : s->bytes[segment->parent];
}

static pst_status answer_make(serving *s, int64_t result, const char *text, host_answer *out)
{
    uint32_t text_size = result < 0 ? (uint32_t)strlen(text) : 0;
    if (text_size > WIRE_TEXT_MAX) text_size = WIRE_TEXT_MAX;
    uint64_t used[WIRE_SEGMENTS_MAX] = {0};
    size_t size = sizeof(wire_answer) + padded(s->request.attr_size) + padded(text_size);
    for (uint32_t i = 0; i < s->plan.count; i++) {
        if (!(s->plan.segments[i].dir & WIRE_OUT)) continue;
        used[i] = wire_used_bytes(&s->plan.segments[i], parent_of(s, &s->plan.segments[i]), result, s->bytes[i]);
        size += 8 + padded(used[i]);
    }
    pointers_restore(s);
    *out = (host_answer){.bytes = pst_alloc_zero(s->env, size, 1), .size = size, .capacity = size, .new_handle = -1};
    if (!out->bytes) return PST_E_NOMEM;
    wire_answer header;
    answer_header(&s->request, result, size, s->request.attr_size, text_size, &header);
    if (s->plan.makes_handle && result >= 0) {
        out->new_handle = result;
        if (!side_shape(s, (uint32_t)result, &header.shape)) out->new_handle = -1;
    }
    uint8_t *at = out->bytes;
    memcpy(at, &header, sizeof header);
    at += sizeof header;
    memcpy(at, &s->attr, s->request.attr_size);
    at += padded(s->request.attr_size);
    memcpy(at, text, text_size);
    at += padded(text_size);
    for (uint32_t i = 0; i < s->plan.count; i++) {
        if (!(s->plan.segments[i].dir & WIRE_OUT)) continue;
        pst_store64(at, used[i]);
        memcpy(at + 8, s->bytes[i], used[i]);
        at += 8 + padded(used[i]);
    }
    return PST_OK;
}

// --- The operations --------------------------------------------------------------------------------------------

static pst_status serve_command(serving *s, host_answer *out)
{
    const wire_side side = {.user = s, .shape = side_shape, .string_size = side_string_size, .bytes = side_bytes};
    wire_verdict verdict = wire_plan_make(s->request.cmd, &s->attr, &side, &s->plan);
    if (verdict == WIRE_UNKNOWN) return host_answer_plain(s->env, &s->request, -PST_EINVAL, "the host does not know this bpf command", out);
    if (verdict == WIRE_TOO_LARGE)
        return host_answer_plain(s->env, &s->request, -PST_E2BIG, "the command's buffers are larger than a request to the host may be (32 MiB)", out);
    if (verdict == WIRE_BAD_STRING) return host_answer_plain(s->env, &s->request, -PST_EINVAL, "a string of the command has no end", out);
    pst_status status = segments_take(s);
    if (status == PST_E_INVALID)
        return host_answer_plain(s->env, &s->request, -PST_EINVAL, "the parts of the request are not those that the command has", out);
    if (status != PST_OK) return status;
    pointers_set(s);
    int64_t result = pst_core_command(s->client, s->request.cmd, &s->attr, s->request.attr_size);
    return answer_make(s, result, result < 0 ? pst_client_error(s->client) : "", out);
}

// The only segment as a string, NULL when it is none.
static const char *only_string(serving *s)
{
    const uint8_t *bytes;
    uint32_t size = s->request.segments == 1 ? side_string_size(s, 0, 0) : 0;
    return size > 0 && bytes_given(s, 0, size, &bytes) ? (const char *)bytes : NULL;
}

static pst_status serve_text(serving *s, host_answer *out)
{
    const char *text = only_string(s);
    if (!text) return host_answer_plain(s->env, &s->request, -PST_EINVAL, "the request has no string", out);
    int64_t result;
    if (s->request.op == WIRE_UNPIN) result = pst_core_unpin(s->client, text);
    else result = pst_core_kfunc_number(s->core, text, s->request.cmd != 0);
    return host_answer_plain(s->env, &s->request, result, NULL, out);
}

// An answer whose place of attr holds body, and bytes behind it.
static pst_status answer_body(serving *s, int64_t result, const void *body, uint32_t body_size, size_t more, host_answer *out)
{
    size_t size = sizeof(wire_answer) + padded(body_size) + padded(more);
    wire_answer header;
    *out = (host_answer){.bytes = pst_alloc_zero(s->env, size, 1), .size = size, .capacity = size, .new_handle = -1};
    if (!out->bytes) return PST_E_NOMEM;
    answer_header(&s->request, result, size, body_size, 0, &header);
    memcpy(out->bytes, &header, sizeof header);
    memcpy(out->bytes + sizeof header, body, body_size);
    return PST_OK;
}

static pst_status serve_memory(serving *s, host_answer *out)
{
    pst_map_share share;
    pst_status shared = pst_core_map_share(s->client, (int)s->request.cmd, &share);
    if (shared == PST_E_LIMIT) return host_answer_plain(s->env, &s->request, -PST_EMFILE, "the host has too many descriptors open", out);
    if (shared != PST_OK) return host_answer_plain(s->env, &s->request, -PST_EBADF, "this is no handle of a map", out);
    if (share.count == 0) return host_answer_plain(s->env, &s->request, -PST_EINVAL, "this map has no memory that could be shared", out);
    const wire_memory memory = {.bytes = share.bytes};
    pst_status status = answer_body(s, 0, &memory, sizeof memory, 0, out);
    for (uint32_t i = 0; status != PST_OK && i < share.count; i++) pst_pal_share_close(share.handles[i]);
    if (status == PST_OK) out->share = share;
    return status;
}

static pst_status serve_perf(serving *s, host_answer *out)
{
    wire_perf perf;
    memcpy(&perf, &s->attr, sizeof perf);
    size_t size = perf.size < WIRE_RECORD_MAX ? perf.size : WIRE_RECORD_MAX;
    if (s->request.attr_size != sizeof perf) return PST_E_FORMAT;
    PST_TRY(answer_body(s, 0, &perf, sizeof perf, size, out));
    uint8_t *record = out->bytes + sizeof(wire_answer) + padded(sizeof perf);
    pst_status status = pst_core_perf_read(s->client, (int)s->request.cmd, perf.cpu, record, &size, &perf.lost);
    perf.size = (uint32_t)size;
    wire_answer header;
    memcpy(&header, out->bytes, sizeof header);
    header.result = status == PST_OK ? 0 : status == PST_E_AGAIN ? -PST_EAGAIN : status == PST_E_NOSPACE ? -PST_ENOSPC : -PST_EINVAL;
    memcpy(out->bytes, &header, sizeof header);
    memcpy(out->bytes + sizeof header, &perf, sizeof perf);
    return PST_OK;
}

static pst_status serve_pin(serving *s, host_answer *out)
{
    const char *after = only_string(s);
    pst_pin_info info;
    if (!after) return host_answer_plain(s->env, &s->request, -PST_EINVAL, "the request has no string", out);
    if (!pst_core_pin_next(s->client, after, &info)) return host_answer_plain(s->env, &s->request, -PST_ENOENT, NULL, out);
    const wire_pin pin = {.kind = info.kind, .id = info.id, .path_size = (uint32_t)strlen(info.path) + 1};
    PST_TRY(answer_body(s, 0, &pin, sizeof pin, pin.path_size, out));
    memcpy(out->bytes + sizeof(wire_answer) + padded(sizeof pin), info.path, pin.path_size);
    return PST_OK;
}

static pst_status serve_about(serving *s, host_answer *out)
{
    pst_core_about about;
    pst_core_about_get(s->core, &about);
    wire_about answer = {.engine = about.engine, .why = about.why, .uptime_ns = about.uptime_ns, .pid = (uint32_t)(pst_pal_pid_tgid() >> 32)};
    (void)pst_format(answer.version, sizeof answer.version, "%s", PST_VERSION);
    answer.flags = (about.dynamic_code ? WIRE_ABOUT_DYNAMIC_CODE : 0) | (about.strict ? WIRE_ABOUT_STRICT : 0) |
                   (about.statistics ? WIRE_ABOUT_STATISTICS : 0);
    return answer_body(s, 0, &answer, sizeof answer, 0, out);
}

pst_status host_serve(const pst_env *env, pst_core *core, pst_client *client, const uint8_t *frame, size_t size, host_answer *out)
{
    serving s = {.env = env, .core = core, .client = client};
    *out = (host_answer){.new_handle = -1};
    if (host_request_read(frame, size, &s.request) != PST_OK || s.request.size != size || !frame_split(&s, frame)) return PST_E_FORMAT;
    pst_status status = PST_E_FORMAT;
    switch ((wire_op)s.request.op) {
    case WIRE_COMMAND: status = serve_command(&s, out); break;
    case WIRE_MAP_MEMORY: status = serve_memory(&s, out); break;
    case WIRE_PERF_READ: status = serve_perf(&s, out); break;
    case WIRE_UNPIN:
    case WIRE_KFUNC: status = serve_text(&s, out); break;
    case WIRE_PIN_NEXT: status = serve_pin(&s, out); break;
    case WIRE_ABOUT: status = serve_about(&s, out); break;
    case WIRE_HELLO: // these three are about connections and descriptors
    case WIRE_DESCRIBE:
    case WIRE_CLIENT_NEXT:
    case WIRE_OPS: break;
    }
    pst_free(env, s.block, s.block ? s.block_size + 8 : 0);
    return status;
}
