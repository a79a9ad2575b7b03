// wire.h: how a command of bpf(2) becomes a request, and its outcome an answer.
//
// A frame is a header and what it announces. A request: wire_request, the attr, the sizes of the segments, then the bytes of those that go in.
// An answer: wire_answer, the attr, one sentence of text, then of each segment that comes out the number of bytes that the command wrote, and those.
// Every part begins at a multiple of 8. All numbers are little-endian. Descriptors go beside the frame.
//
// A segment is memory that attr, or a struct that attr points at, has the address of. Both sides make the same plan from the attr: the host
// believes no size of a client.
#ifndef PST_WIRE_WIRE_H
#define PST_WIRE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "postern/attr.h"

#define WIRE_VERSION 1u
#define WIRE_FRAME_MAX (64u << 20)    // bytes of a frame; what comes out of a command included
#define WIRE_TEXT_MAX 512u            // of the sentence of an answer
#define WIRE_STRING_MAX 4096u         // of a path or a licence, its NUL included
#define WIRE_SEGMENTS_MAX 16u
#define WIRE_DESCRIPTORS_MAX 3u
#define WIRE_RECORD_MAX 65536u      // of a perf array
#define WIRE_HANDLE_FIRST (1 << 20)   // handles on the wire are numbered from here, so that 0 is none

typedef enum wire_op {
    WIRE_HELLO,      // cmd: WIRE_VERSION. The first frame of a connection
    WIRE_COMMAND,    // cmd: of bpf(2)
    WIRE_DESCRIBE,   // the descriptor that comes with it is a handle: which, and of what shape?
    WIRE_UNPIN,      // a path as the only segment
    WIRE_KFUNC,      // a name as the only segment; cmd: whether it must be provided
    WIRE_MAP_MEMORY, // cmd: handle. Its memory as a descriptor: a ring buffer (with an event) or an array that can be mapped
    WIRE_PERF_READ,  // cmd: handle of a perf event array; attr_size bytes: wire_perf. The oldest record of a CPU
    WIRE_PIN_NEXT,   // a path as the only segment, "" for the first: the pin behind it, as wire_pin and its path; -ENOENT: there is none
    WIRE_ABOUT,      // wire_about of the host
    WIRE_CLIENT_NEXT, // cmd: a process id; the result is the next greater one that is connected, -ENOENT: none. For clients with all rights
    WIRE_OPS,
} wire_op;

/// What WIRE_MAP_MEMORY, WIRE_PERF_READ, WIRE_PIN_NEXT and WIRE_ABOUT ask and answer, in place of attr.
typedef struct wire_memory {
    uint64_t bytes; // of a ring buffer's data, or of an array's values
} wire_memory;
typedef struct wire_perf {
    uint32_t cpu, size; // in: room; out: bytes of the record, which follow
    uint64_t lost;      // out: records that were dropped since the last read
} wire_perf;

typedef struct wire_about {
    char version[16];
    uint32_t engine, why; // pst_core_engine, pst_core_why
    uint32_t flags;       // WIRE_ABOUT_*
    uint32_t pid;         // of the host
    uint64_t uptime_ns;
} wire_about;
#define WIRE_ABOUT_DYNAMIC_CODE 1u
#define WIRE_ABOUT_STRICT 2u
#define WIRE_ABOUT_STATISTICS 4u
typedef struct wire_pin {
    uint32_t kind; // pst_object_kind
    uint32_t id;
    uint32_t path_size; // bytes behind, NUL included
    uint32_t reserved;  // 0
} wire_pin;

typedef struct wire_request {
    uint32_t size; // of the frame
    uint16_t op;   // wire_op
    uint16_t segments;
    uint32_t sequence;
    uint32_t cmd;
    uint32_t attr_size;
    uint32_t reserved; // 0
} wire_request;

/// What a client has to know of an object to send commands about it.
typedef struct wire_shape {
    uint32_t kind; // pst_object_kind
    uint32_t map_type, key_size;
    uint32_t value_size; // as commands see it: all CPUs of a per-CPU map
} wire_shape;

typedef struct wire_answer {
    uint32_t size;
    uint16_t op;
    uint16_t descriptors; // that come with it
    uint32_t sequence;
    int32_t result; // >= 0, or a negative errno of Linux
    uint32_t attr_size, text_size;
    wire_shape shape; // of a new handle
} wire_answer;

#define WIRE_IN 1u
#define WIRE_OUT 2u

/// How many of a segment's bytes a command has written.
typedef enum wire_used {
    WIRE_USED_NONE,   // nothing comes out
    WIRE_USED_WHOLE,  // all, if it succeeded
    WIRE_USED_STRING, // up to and with the NUL, whatever the outcome
    WIRE_USED_FIELD,  // as a field of attr says in bytes
    WIRE_USED_COUNT,  // as a field of attr says in elements
} wire_used;

typedef struct wire_segment {
    uint64_t size;
    uint32_t at;      // of the 64-bit pointer, in attr or in the parent
    int16_t parent;   // a segment before this one; -1: attr
    uint8_t dir;      // WIRE_IN, WIRE_OUT
    uint8_t used;     // wire_used
    uint32_t used_at; // the field of WIRE_USED_FIELD and _COUNT
    uint32_t element; // bytes of WIRE_USED_COUNT's elements
} wire_segment;

typedef struct wire_plan {
    wire_segment segments[WIRE_SEGMENTS_MAX];
    uint32_t count;
    bool makes_handle; // a result >= 0 is a new handle
} wire_plan;

/// What the planner asks its caller.
typedef struct wire_side {
    void *user;
    /// The shape of what attr's field names. False: it is no handle; the segments that depend on it are then left out, and the command fails.
    bool (*shape)(void *user, uint32_t handle, wire_shape *out);
    /// Bytes of the string segment number index whose address is ptr, NUL included; 0: it is not one, or longer than WIRE_STRING_MAX.
    uint32_t (*string_size)(void *user, uint32_t index, uint64_t ptr);
    /// The bytes of segment number index (WIRE_IN, size as planned) for pointers and handles inside; NULL: not at hand.
    const uint8_t *(*bytes)(void *user, uint32_t index, uint64_t ptr, uint64_t size);
} wire_side;

typedef enum wire_verdict {
    WIRE_OK,
    WIRE_UNKNOWN, // no such command
    WIRE_TOO_LARGE,
    WIRE_BAD_STRING,
} wire_verdict;

/// Makes the plan of cmd with attr (whole, zero beyond what the caller gave).
PST_MUST_USE wire_verdict wire_plan_make(uint32_t cmd, const pst_bpf_attr *attr, const wire_side *side, wire_plan *out);

/// Sets to 0 each pointer that the plan has no segment for: a core must never follow one that a client wrote. about and info: the shape and the bytes
/// of segment 0 of OBJ_GET_INFO_BY_FD; else NULL.
void wire_pointers_clear(uint32_t cmd, const wire_plan *plan, pst_bpf_attr *attr, const wire_shape *about, uint8_t *info);

/// Bytes of the segment that go back, after a command with this result. parent: attr, or the bytes of the parent segment, as the command left them.
uint64_t wire_used_bytes(const wire_segment *segment, const void *parent, int64_t result, const uint8_t *bytes);

/// Shows each handle of a request to visit, which may change it: in attr and in the bytes of the segments that go in (bytes[i] for segment i, NULL
/// when absent).
typedef void (*wire_visit)(void *user, int32_t *handle);
void wire_handles(uint32_t cmd, pst_bpf_attr *attr, const wire_plan *plan, uint8_t *const *bytes, const wire_shape *map, wire_visit visit, void *user);
/// The index in fd_array that an instruction (8 bytes) refers to; UINT32_MAX: none.
uint32_t wire_insn_fd_index(const uint8_t *insn);
/// The map whose shape decides about segments and handles of cmd: *handle, or false.
PST_MUST_USE bool wire_map_of(uint32_t cmd, const pst_bpf_attr *attr, uint32_t *handle);

#endif
