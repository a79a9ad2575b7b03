// sync_linux.c: mutexes, events, threads.
//
// An event is an eventfd, so that a caller's poll loop can wait for it beside its own descriptors.
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "pal/linux/linux.h"
#include "pal/pal.h"

#define NS_PER_S 1000000000u

struct pst_mutex {
    const pst_env *env;
    pthread_mutex_t lock;
};

pst_status pst_pal_mutex_create(const pst_env *env, pst_mutex **out)
{
    pst_mutex *mutex = pst_alloc_zero(env, 1, sizeof *mutex);
    if (!mutex) return PST_E_NOMEM;
    mutex->env = env;
    pthread_mutex_init(&mutex->lock, NULL); // with default attributes it cannot fail on Linux
    *out = mutex;
    return PST_OK;
}

void pst_pal_mutex_free(pst_mutex *mutex)
{
    if (!mutex) return;
    pthread_mutex_destroy(&mutex->lock);
    pst_free(mutex->env, mutex, sizeof *mutex);
}

void pst_pal_mutex_lock(pst_mutex *mutex)
{
    pthread_mutex_lock(&mutex->lock);
}

void pst_pal_mutex_unlock(pst_mutex *mutex)
{
    pthread_mutex_unlock(&mutex->lock);
}

struct pst_event {
    const pst_env *env;
    int fd;
};

pst_status pst_pal_event_create(const pst_env *env, pst_event **out)
{
    pst_event *event = pst_alloc_zero(env, 1, sizeof *event);
    if (!event) return PST_E_NOMEM;
    event->env = env;
    event->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event->fd < 0) {
        pst_free(env, event, sizeof *event);
        return PST_E_LIMIT; // of open files
    }
    *out = event;
    return PST_OK;
}

void pst_pal_event_free(pst_event *event)
{
    if (!event) return;
    close(event->fd);
    pst_free(event->env, event, sizeof *event);
}

void pst_pal_event_signal(pst_event *event)
{
    uint64_t one = 1;
    // EAGAIN means that the counter is full, hence the event is signalled already.
    while (write(event->fd, &one, sizeof one) < 0 && errno == EINTR) {}
}

// Takes the signal if there is one.
static bool event_take(pst_event *event)
{
    uint64_t count;
    ssize_t got;
    do got = read(event->fd, &count, sizeof count);
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof count;
}

static struct timespec to_timespec(uint64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};
}

pst_status pst_pal_event_wait(pst_event *event, uint64_t timeout_ns)
{
    uint64_t now = pst_pal_time_ns();
    uint64_t deadline = timeout_ns > UINT64_MAX - now ? UINT64_MAX : now + timeout_ns;
    for (;;) {
        if (event_take(event)) return PST_OK;
        now = pst_pal_time_ns();
        if (now >= deadline) return PST_E_TIMEOUT;
        struct pollfd waiting = {.fd = event->fd, .events = POLLIN};
        struct timespec left = to_timespec(deadline - now);
        // Another waiter may take the signal first, or a signal handler interrupt us: look again either way.
        (void)ppoll(&waiting, 1, deadline == UINT64_MAX ? NULL : &left, NULL);
    }
}

intptr_t pst_pal_event_handle(pst_event *event)
{
    return event->fd;
}

struct pst_thread {
    const pst_env *env;
    void (*body)(void *arg);
    void *arg;
    pthread_t handle;
};

static void *thread_main(void *arg)
{
    pst_thread *thread = arg;
    thread->body(thread->arg);
    return NULL;
}

pst_status pst_pal_thread_create(const pst_env *env, void (*body)(void *arg), void *arg, pst_thread **out)
{
    pst_thread *thread = pst_alloc_zero(env, 1, sizeof *thread);
    if (!thread) return PST_E_NOMEM;
    *thread = (pst_thread){.env = env, .body = body, .arg = arg};
    if (pthread_create(&thread->handle, NULL, thread_main, thread) != 0) {
        pst_free(env, thread, sizeof *thread);
        return PST_E_LIMIT;
    }
    *out = thread;
    return PST_OK;
}

void pst_pal_thread_join(pst_thread *thread)
{
    if (!thread) return;
    pthread_join(thread->handle, NULL);
    pst_free(thread->env, thread, sizeof *thread);
}

void pst_pal_yield(void)
{
    sched_yield();
}

void pst_pal_sleep_ns(uint64_t ns)
{
    struct timespec left = to_timespec(ns);
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {}
}
