// stream_linux.c: see stream.h.
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "remote/stream.h"

void stream_descriptors_close(stream_descriptors *came)
{
    while (came->count > 0) close(came->fds[--came->count]);
}

bool stream_send(int to, const uint8_t *bytes, size_t size, const int *fds, size_t count)
{
    while (size > 0) {
        union {
            struct cmsghdr header;
            uint8_t bytes[CMSG_SPACE(sizeof(int) * WIRE_DESCRIPTORS_MAX)];
        } control = {0};
        struct iovec part = {(void *)(uintptr_t)bytes, size};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
        if (count > 0) {
            message.msg_control = control.bytes;
            message.msg_controllen = CMSG_SPACE(count * sizeof *fds);
            control.header.cmsg_level = SOL_SOCKET;
            control.header.cmsg_type = SCM_RIGHTS;
            control.header.cmsg_len = CMSG_LEN(count * sizeof *fds);
            memcpy(CMSG_DATA(&control.header), fds, count * sizeof *fds);
        }
        ssize_t sent = sendmsg(to, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        count = 0;
        bytes += sent;
        size -= (size_t)sent;
    }
    return true;
}

static void take(const struct cmsghdr *c, stream_descriptors *came)
{
    size_t count = c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS ? (c->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;
    for (size_t i = 0; i < count; i++) {
        int fd;
        memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
        if (came->count < WIRE_DESCRIPTORS_MAX) came->fds[came->count++] = fd;
        else close(fd);
    }
}

bool stream_read(int from, uint8_t *to, size_t size, stream_descriptors *came)
{
    while (size > 0) {
        union {
            struct cmsghdr header;
            uint8_t bytes[CMSG_SPACE(sizeof(int) * WIRE_DESCRIPTORS_MAX)];
        } control;
        struct iovec part = {to, size};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
        ssize_t got = recvmsg(from, &message, MSG_CMSG_CLOEXEC);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) take(c, came);
        to += got;
        size -= (size_t)got;
    }
    return true;
}

bool stream_cookie(int fd, uint64_t *out)
{
    socklen_t size = sizeof *out;
    return fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_COOKIE, out, &size) == 0 && size == sizeof *out && *out != 0;
}
