// pack.h: from a command to a request, and from an answer back. Internal to this folder.
#ifndef PST_REMOTE_PACK_H
#define PST_REMOTE_PACK_H

#include "remote/remote.h"

/// How the handles of a command are known to the host.
typedef struct pack_names {
    void *user;
    /// The host's number and the shape of a descriptor; false: it is no handle.
    bool (*find)(void *user, int fd, int32_t *handle, wire_shape *shape);
} pack_names;

/// A command under way.
typedef struct pack {
    const pst_env *env;
    uint32_t cmd, attr_size;
    void *attr; // the caller's
    pst_bpf_attr sent; // as it travels: with handles for descriptors
    wire_plan plan;
    uint8_t *targets[WIRE_SEGMENTS_MAX]; // the caller's memory
    uint8_t *frame;
    size_t frame_size;
} pack;

/// Makes the request. 0, or a negative errno; *why is then a sentence. pack_free in any case.
int64_t pack_make(const pst_env *env, uint32_t cmd, void *attr, uint32_t size, const pack_names *names, uint32_t sequence, pack *out, const char **why);
/// Fills the caller's memory from an answer that is whole. False: it is not an answer to this request.
PST_MUST_USE bool pack_finish(pack *p, const uint8_t *answer, size_t size);
void pack_free(pack *p);

/// A request with one string, for the other operations.
PST_MUST_USE pst_status pack_text(const pst_env *env, wire_op op, uint32_t cmd, uint32_t sequence, const char *text, uint8_t **frame, size_t *size);

#endif
