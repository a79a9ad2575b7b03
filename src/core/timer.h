// timer.h: bpf_timer: callbacks of programs that run at a time of their own.
//
// A timer is named by the first word of a bpf_timer in a map's value and belongs to that element. What is due runs on one thread of the core, one
// callback after the other, each inside an epoch: so a callback is never run by two threads, and what it looks at is not freed under it. The thread
// exists from the first map whose values have timers on, and sleeps until something is due.
#ifndef PST_CORE_TIMER_H
#define PST_CORE_TIMER_H

#include "core/map/map.h"

typedef struct core_timer core_timer;
struct core_prog;

typedef struct core_timers {
    core_spin lock;       // of what follows, of all timers, and of the words that name them. Nothing else is locked while it is held
    core_timer *first;    // what is due first: the root of a pairing heap
    core_timer *dead;     // taken from their values; freed by the thread, because who takes them may hold a lock of the map
    core_timer *running;  // its callback runs now, or is about to
    uint64_t wakes_at;    // pst_pal_time_ns; 0: the thread is busy and looks again by itself
    bool stop;
    pst_event *event;
    pst_thread *thread;   // NULL: there is none
} core_timers;

/// There is a thread from now on. The core's lock is not held.
PST_MUST_USE pst_status core_timers_start(pst_core *core);
/// Ends the thread; no program runs any more. What is released later is freed at once.
void core_timers_stop(pst_core *core);

// The helpers. Results are 0 or -errno; cancel: 1 when the timer was waiting. at is the bpf_timer in a value of map.
int core_timer_init(pst_map *map, void *at, uint64_t clock);
int core_timer_set_callback(pst_core *core, void *at, struct core_prog *prog, uint64_t func);
int core_timer_start(pst_core *core, void *at, uint64_t ns, uint64_t flags);
int core_timer_cancel(pst_core *core, void *at);

/// The element's life or its last user ends: cancels and frees the timer in value, if there is one. May be called with locks of the map held.
void core_timer_release(pst_map *map, void *value);

#endif
