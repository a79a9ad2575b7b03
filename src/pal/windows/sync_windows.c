// sync_windows.c: mutexes, events, threads.
#include "pal/windows/windows_pal.h"

#include <process.h>

#include "pal/pal.h"

#define NS_PER_MS 1000000u

struct pst_mutex {
    const pst_env *env;
    SRWLOCK lock;
};

pst_status pst_pal_mutex_create(const pst_env *env, pst_mutex **out)
{
    pst_mutex *mutex = pst_alloc_zero(env, 1, sizeof *mutex);
    if (!mutex) return PST_E_NOMEM;
    mutex->env = env;
    InitializeSRWLock(&mutex->lock);
    *out = mutex;
    return PST_OK;
}

void pst_pal_mutex_free(pst_mutex *mutex)
{
    if (mutex) pst_free(mutex->env, mutex, sizeof *mutex);
}

void pst_pal_mutex_lock(pst_mutex *mutex)
{
    AcquireSRWLockExclusive(&mutex->lock);
}

void pst_pal_mutex_unlock(pst_mutex *mutex)
{
    ReleaseSRWLockExclusive(&mutex->lock);
}

struct pst_event {
    const pst_env *env;
    HANDLE handle;
};

pst_status pst_pal_event_create(const pst_env *env, pst_event **out)
{
    pst_event *event = pst_alloc_zero(env, 1, sizeof *event);
    if (!event) return PST_E_NOMEM;
    event->env = env;
    event->handle = CreateEventW(NULL, FALSE, FALSE, NULL); // auto-reset
    if (!event->handle) {
        pst_free(env, event, sizeof *event);
        return PST_E_LIMIT; // of handles
    }
    *out = event;
    return PST_OK;
}

void pst_pal_event_free(pst_event *event)
{
    if (!event) return;
    CloseHandle(event->handle);
    pst_free(event->env, event, sizeof *event);
}

void pst_pal_event_signal(pst_event *event)
{
    SetEvent(event->handle);
}

// Milliseconds, rounded up so that a wait is never too short; the longest finite wait is 49 days.
static DWORD to_ms(uint64_t ns)
{
    uint64_t ms = ns / NS_PER_MS + (ns % NS_PER_MS != 0);
    return ms < INFINITE ? (DWORD)ms : INFINITE - 1;
}

pst_status pst_pal_event_wait(pst_event *event, uint64_t timeout_ns)
{
    DWORD wait = timeout_ns == UINT64_MAX ? INFINITE : to_ms(timeout_ns);
    switch (WaitForSingleObject(event->handle, wait)) {
    case WAIT_OBJECT_0: return PST_OK;
    case WAIT_TIMEOUT: return PST_E_TIMEOUT;
    default: return PST_E_IO;
    }
}

intptr_t pst_pal_event_handle(pst_event *event)
{
    return (intptr_t)event->handle;
}

struct pst_thread {
    const pst_env *env;
    void (*body)(void *arg);
    void *arg;
    HANDLE handle;
};

static unsigned __stdcall thread_main(void *arg)
{
    pst_thread *thread = arg;
    thread->body(thread->arg);
    return 0;
}

pst_status pst_pal_thread_create(const pst_env *env, void (*body)(void *arg), void *arg, pst_thread **out)
{
    pst_thread *thread = pst_alloc_zero(env, 1, sizeof *thread);
    if (!thread) return PST_E_NOMEM;
    *thread = (pst_thread){.env = env, .body = body, .arg = arg};
    thread->handle = (HANDLE)_beginthreadex(NULL, 0, thread_main, thread, 0, NULL);
    if (!thread->handle) {
        pst_free(env, thread, sizeof *thread);
        return PST_E_LIMIT;
    }
    *out = thread;
    return PST_OK;
}

void pst_pal_thread_join(pst_thread *thread)
{
    if (!thread) return;
    WaitForSingleObject(thread->handle, INFINITE);
    CloseHandle(thread->handle);
    pst_free(thread->env, thread, sizeof *thread);
}

void pst_pal_yield(void)
{
    SwitchToThread();
}

void pst_pal_sleep_ns(uint64_t ns)
{
    Sleep(to_ms(ns));
}
