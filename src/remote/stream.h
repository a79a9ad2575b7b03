// stream.h: whole frames over a Unix socket, and descriptors beside them: for both ends of the way to a host. Linux only.
#ifndef PST_REMOTE_STREAM_H
#define PST_REMOTE_STREAM_H

#include "wire/wire.h"

/// Descriptors that came with bytes; the reader's to close.
typedef struct stream_descriptors {
    int fds[WIRE_DESCRIPTORS_MAX];
    uint32_t count;
} stream_descriptors;

void stream_descriptors_close(stream_descriptors *came);
/// Sends all bytes, with count descriptors (at most WIRE_DESCRIPTORS_MAX) beside the first of them. False: the connection is at its end.
PST_MUST_USE bool stream_send(int to, const uint8_t *bytes, size_t size, const int *fds, size_t count);
/// Reads exactly size bytes. Descriptors that come with them are added to *came while there is room, else closed. False: the connection is at its end;
/// *came still counts.
PST_MUST_USE bool stream_read(int from, uint8_t *to, size_t size, stream_descriptors *came);

/// The number by which the kernel knows the socket fd, and no other ever. False: fd is no socket.
PST_MUST_USE bool stream_cookie(int fd, uint64_t *out);

#endif
