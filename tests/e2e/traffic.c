// traffic.c: postern-traffic: UDP and TCP over the network, to show and to test what a packet hook does with it. Not installed.
//
//   postern-traffic serve udp:PORT|tcp:PORT...              answers each datagram and stream with the same bytes, until it is killed
//   postern-traffic udp ADDRESS PORT COUNT [TEXT]           sends COUNT datagrams, one at a time, and counts the answers
//   postern-traffic tcp ADDRESS PORT BYTES                  sends BYTES and compares what comes back
// The last line of udp and tcp is "udp PORT: N sent, M answered" or "tcp PORT: N bytes sent, M came back". Exit 0: it ran; what arrived
// is for the caller to judge. 1: the system refused something. 2: usage.
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SOCKETS_MAX = 32, BUFFER = 65536, ANSWER_MS = 200, LATE_MS = 1500, STALL_MS = 10000 };

static unsigned char g_buffer[BUFFER];

static int usage(void)
{
    fprintf(stderr, "usage: postern-traffic serve udp:PORT|tcp:PORT... | udp ADDRESS PORT COUNT [TEXT] | tcp ADDRESS PORT BYTES\n");
    return 2;
}

static int complain(const char *what)
{
    fprintf(stderr, "postern-traffic: %s: %s\n", what, strerror(errno));
    return 1;
}

static bool parse_number(const char *text, unsigned long max, unsigned long *out)
{
    char *end;
    errno = 0;
    *out = strtoul(text, &end, 10);
    return errno == 0 && end != text && *end == 0 && *out <= max;
}

// --- serve ------------------------------------------------------------------------------------------------------

static int open_server(int type, unsigned long port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int one = 1, fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && (type == SOCK_DGRAM || listen(fd, 16) == 0)) return fd;
    close(fd);
    return -1;
}

static void answer_datagram(int fd)
{
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    ssize_t n = recvfrom(fd, g_buffer, BUFFER, 0, (struct sockaddr *)&from, &size);
    if (n >= 0) (void)sendto(fd, g_buffer, (size_t)n, 0, (struct sockaddr *)&from, size);
}

// One connection at a time in a process of its own: an echo that blocks blocks nobody else.
static void answer_connection(int listener)
{
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) return;
    if (fork() == 0) {
        for (ssize_t n; (n = recv(fd, g_buffer, BUFFER, 0)) > 0;)
            for (ssize_t at = 0, w; at < n; at += w)
                if ((w = send(fd, g_buffer + at, (size_t)(n - at), MSG_NOSIGNAL)) <= 0) _exit(0);
        _exit(0);
    }
    close(fd);
}

static int serve(char **services, int count)
{
    struct pollfd polls[SOCKETS_MAX];
    bool stream[SOCKETS_MAX];
    unsigned long port;
    if (count < 1 || count > SOCKETS_MAX) return usage();
    for (int i = 0; i < count; i++) {
        stream[i] = strncmp(services[i], "tcp:", 4) == 0;
        if ((!stream[i] && strncmp(services[i], "udp:", 4) != 0) || !parse_number(services[i] + 4, 65535, &port)) return usage();
        polls[i] = (struct pollfd){.fd = open_server(stream[i] ? SOCK_STREAM : SOCK_DGRAM, port), .events = POLLIN};
        if (polls[i].fd < 0) return complain(services[i]);
    }
    signal(SIGCHLD, SIG_IGN);
    printf("serving\n");
    fflush(stdout);
    for (;;) {
        if (poll(polls, (nfds_t)count, -1) < 0) continue;
        for (int i = 0; i < count; i++) {
            if (!polls[i].revents) continue;
            if (stream[i])
                answer_connection(polls[i].fd);
            else
                answer_datagram(polls[i].fd);
        }
    }
}

// --- clients ----------------------------------------------------------------------------------------------------

static bool parse_address(const char *address, unsigned long port, struct sockaddr_in *out)
{
    *out = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    errno = EINVAL;
    return inet_pton(AF_INET, address, &out->sin_addr) == 1;
}

static int open_stream(const char *address, unsigned long port)
{
    struct sockaddr_in to;
    struct timeval limit = {STALL_MS / 1000, 0};
    if (!parse_address(address, port, &to)) return -1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit); // bounds connect
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0) return fd;
    close(fd);
    return -1;
}

static bool readable(int fd, int timeout_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, timeout_ms) == 1;
}

// Takes answers until the one to number `want` is there, or none came for timeout_ms.
static unsigned long take_answers(int fd, unsigned long want, int timeout_ms)
{
    unsigned long count = 0, number;
    while (readable(fd, timeout_ms)) {
        ssize_t n = recv(fd, g_buffer, BUFFER - 1, 0);
        if (n < 0) break;
        g_buffer[n] = 0;
        count++;
        if (sscanf((char *)g_buffer, "%lu", &number) == 1 && number == want) break;
    }
    return count;
}

static int run_udp(const char *address, unsigned long port, unsigned long count, const char *text)
{
    unsigned long answered = 0;
    struct sockaddr_in to;
    // Not connected: an answer counts wherever it comes from, also behind a program that rewrites ports.
    int fd = parse_address(address, port, &to) ? socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
    if (fd < 0) return complain(address);
    for (unsigned long i = 1; i <= count; i++) {
        char line[1024];
        int size = snprintf(line, sizeof line, "%lu %s", i, text);
        if (size < 0 || (size_t)size >= sizeof line) size = sizeof line - 1;
        (void)sendto(fd, line, (size_t)size, 0, (struct sockaddr *)&to, sizeof to);
        answered += take_answers(fd, i, ANSWER_MS);
    }
    // What is late on a busy machine is not lost.
    for (unsigned long n = 1; n && answered < count; answered += n) n = take_answers(fd, 0, LATE_MS);
    printf("udp %lu: %lu sent, %lu answered\n", port, count, answered);
    close(fd);
    return 0;
}

static unsigned char pattern(unsigned long at) { return (unsigned char)(at * 7 + (at >> 12)); }

static bool take_stream(int fd, unsigned long *received)
{
    ssize_t n = recv(fd, g_buffer, BUFFER, MSG_DONTWAIT);
    if (n <= 0) return n < 0 && errno == EAGAIN;
    for (ssize_t i = 0; i < n; i++)
        if (g_buffer[i] != pattern(*received + (unsigned long)i)) return false;
    *received += (unsigned long)n;
    return true;
}

static bool give_stream(int fd, unsigned long *sent, unsigned long bytes)
{
    static unsigned char piece[BUFFER];
    size_t size = bytes - *sent < BUFFER ? bytes - *sent : BUFFER;
    for (size_t i = 0; i < size; i++) piece[i] = pattern(*sent + i);
    ssize_t n = send(fd, piece, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0) return errno == EAGAIN;
    *sent += (unsigned long)n;
    return true;
}

static int run_tcp(const char *address, unsigned long port, unsigned long bytes)
{
    unsigned long sent = 0, received = 0;
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    int fd = open_stream(address, port);
    if (fd < 0) {
        printf("tcp %lu: no connection (%s)\n", port, strerror(errno));
        return 0;
    }
    while (received < bytes) {
        struct pollfd p = {.fd = fd, .events = (short)(POLLIN | (sent < bytes ? POLLOUT : 0))};
        if (poll(&p, 1, STALL_MS) != 1) break;
        if ((p.revents & POLLIN) && !take_stream(fd, &received)) break;
        if ((p.revents & POLLOUT) && !give_stream(fd, &sent, bytes)) break;
        if (!(p.revents & (POLLIN | POLLOUT))) break;
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    double seconds = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
    printf("tcp %lu: %lu bytes sent, %lu came back, %.2f Gb/s\n", port, sent, received, (double)(sent + received) * 8 / seconds / 1e9);
    close(fd);
    return 0;
}

int main(int argc, char **argv)
{
    unsigned long port, amount;
    if (argc < 3) return usage();
    if (strcmp(argv[1], "serve") == 0) return serve(argv + 2, argc - 2);
    if (argc < 5 || !parse_number(argv[3], 65535, &port) || !parse_number(argv[4], ~0ul, &amount)) return usage();
    if (strcmp(argv[1], "udp") == 0) return run_udp(argv[2], port, amount, argc > 5 ? argv[5] : "");
    if (strcmp(argv[1], "tcp") == 0) return run_tcp(argv[2], port, amount);
    return usage();
}
