// serve.h: one request becomes a command of the core, and its outcome an answer. Knows no socket.
#ifndef PST_HOST_SERVE_H
#define PST_HOST_SERVE_H

#include "core/core.h"
#include "wire/wire.h"

/// Bytes of an answer, and what goes beside them.
typedef struct host_answer {
    uint8_t *bytes; // of size bytes; freed with pst_free(env, bytes, capacity)
    size_t size, capacity;
    int64_t new_handle; // of the client that asked, to be handed over as a descriptor; -1: none
    pst_map_share share; // descriptors to be handed over, then closed by the caller
} host_answer;

/// Serves a frame of any op but WIRE_HELLO, WIRE_DESCRIBE and WIRE_CLIENT_NEXT for client. frame is hostile; its header has been read, size is whole. PST_OK: an answer is
/// in *out, be it a refusal. PST_E_NOMEM. PST_E_FORMAT: no sense can be made of it, and the connection ends.
PST_MUST_USE pst_status host_serve(const pst_env *env, pst_core *core, pst_client *client, const uint8_t *frame, size_t size, host_answer *out);

/// An answer to request that is a result and a sentence (may be NULL) alone.
PST_MUST_USE pst_status host_answer_plain(const pst_env *env, const wire_request *request, int64_t result, const char *text, host_answer *out);
/// Reads and checks a header. PST_E_AGAIN: not all of it is there. PST_E_FORMAT.
PST_MUST_USE pst_status host_request_read(const uint8_t *bytes, size_t size, wire_request *out);

#endif
