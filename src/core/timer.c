// timer.c: timers in values of maps, and the thread that runs their callbacks. See timer.h.
//
// Semantics and errno are those of Linux's bpf_timer_* (kernel/bpf/helpers.c). What differs: absolute times of other clocks than the monotonic one are
// converted when the timer starts and do not follow a clock that is set later, and BPF_F_TIMER_CPU_PIN changes nothing, since one thread runs all.
#include "core/internal.h"

#include "base/bits.h"

#define CLOCK_REALTIME_ID 0u
#define CLOCK_MONOTONIC_ID 1u
#define CLOCK_BOOTTIME_ID 7u
#define TIMER_ABS 1u
#define TIMER_CPU_PIN 2u

struct core_timer {
    pst_core *core;
    pst_map *map;    // that its element is in: it lives longer
    void *value;
    core_prog *prog; // with a reference; NULL: no callback is set
    uint64_t func;
    uint64_t clock;
    uint64_t due; // pst_pal_time_ns
    bool queued;
    core_timer *child, *next, *prev; // in the heap; prev of a first child is its parent
    core_timer *next_dead;
    epoch_retired retired;
};

static PST_THREAD_LOCAL const core_timer *t_running; // this thread runs its callback

// --- The heap -----------------------------------------------------------------------------------------------------

// Both are roots, or NULL.
static core_timer *meld(core_timer *a, core_timer *b)
{
    if (!a || !b) return a ? a : b;
    if (b->due < a->due) {
        core_timer *swap = a;
        a = b;
        b = swap;
    }
    b->prev = a;
    b->next = a->child;
    if (b->next) b->next->prev = b;
    a->child = b;
    return a;
}

static core_timer *cut(core_timer *t)
{
    if (t) t->next = t->prev = NULL;
    return t;
}

// Children in pairs from the left, then the pairs from the right: that is what keeps removals logarithmic on average.
static core_timer *meld_children(core_timer *first)
{
    core_timer *pairs = NULL, *root = NULL;
    while (first) {
        core_timer *a = first, *b = a->next;
        first = b ? b->next : NULL;
        a = meld(cut(a), cut(b));
        a->next = pairs;
        pairs = a;
    }
    while (pairs) {
        core_timer *next = pairs->next;
        root = meld(root, cut(pairs));
        pairs = next;
    }
    return root;
}

static void enqueue(core_timers *timers, core_timer *t)
{
    t->queued = true;
    timers->first = meld(timers->first, t);
}

static void dequeue(core_timers *timers, core_timer *t)
{
    if (!t->queued) return;
    core_timer *below = meld_children(t->child);
    if (timers->first == t) {
        timers->first = NULL;
    } else {
        if (t->prev->child == t) t->prev->child = t->next;
        else t->prev->next = t->next;
        if (t->next) t->next->prev = t->prev;
    }
    timers->first = meld(timers->first, below);
    t->child = NULL;
    t->queued = false;
    (void)cut(t);
}

// --- The thread ---------------------------------------------------------------------------------------------------

static void timer_free(epoch_retired *retired)
{
    core_timer *t = (core_timer *)(void *)((uint8_t *)retired - offsetof(core_timer, retired));
    pst_free(&t->core->env, t, sizeof *t);
}

static void free_dead(pst_core *core)
{
    core_timers *timers = &core->timers;
    for (;;) {
        core_spin_lock(&timers->lock);
        core_timer *t = timers->dead;
        if (t) timers->dead = t->next_dead;
        core_spin_unlock(&timers->lock);
        if (!t) return;
        if (t->prog) core_object_put(&t->prog->object);
        epoch_retire(&core->epoch, &t->retired, timer_free); // its callback may run, a program may wait for that
    }
}

typedef struct due_callback {
    core_prog *prog; // an epoch keeps it, whatever becomes of the timer
    pst_map *map;
    void *value;
    uint64_t func;
} due_callback;

static void run_callback(const due_callback *due)
{
    const pst_map_view *view = &due->map->view;
    uint32_t index = 0;
    const void *key = &index;
    if (view->type == PST_MAP_ARRAY) index = (uint32_t)((size_t)((uint8_t *)due->value - view->values) / view->value_stride);
    else key = (uint8_t *)due->value - pst_align_up(view->key_size, 8); // in a hash map's element it is in front of the value
    const uint64_t args[PST_ARGS_MAX] = {(uintptr_t)view, (uintptr_t)key, (uintptr_t)due->value};
    core_run_callback(due->prog, due->func, args);
}

// The callback that is due, marked as running. False: none is; *wait is until when.
static bool take_due(core_timers *timers, due_callback *due, uint64_t *wait)
{
    uint64_t now = pst_pal_time_ns();
    core_spin_lock(&timers->lock);
    core_timer *t = timers->first;
    bool is_due = t && t->due <= now && !PST_ATOMIC_LOAD(&timers->stop);
    if (is_due) {
        dequeue(timers, t);
        *due = (due_callback){t->prog, t->map, t->value, t->func};
        PST_ATOMIC_STORE(&timers->running, t);
        t_running = t;
    }
    timers->wakes_at = is_due ? 0 : t ? t->due : UINT64_MAX;
    *wait = !t ? UINT64_MAX : t->due > now ? t->due - now : 0;
    core_spin_unlock(&timers->lock);
    return is_due;
}

static void serve(void *arg)
{
    pst_core *core = arg;
    core_timers *timers = &core->timers;
    while (!PST_ATOMIC_LOAD(&timers->stop)) {
        due_callback due;
        uint64_t wait;
        free_dead(core);
        epoch_slot *slot = epoch_enter(&core->epoch); // before the timer is looked at: from here on nothing of it is freed
        bool is_due = take_due(timers, &due, &wait);
        if (is_due) run_callback(&due);
        t_running = NULL;
        PST_ATOMIC_STORE(&timers->running, (core_timer *)NULL);
        epoch_exit(slot);
        if (is_due) continue;
        pst_status status = pst_pal_event_wait(timers->event, wait);
        (void)status; // whatever ended the wait: what is due is looked up
    }
}

pst_status core_timers_start(pst_core *core)
{
    core_timers *timers = &core->timers;
    pst_status status = PST_OK;
    pst_pal_mutex_lock(core->lock);
    if (!timers->event) status = pst_pal_event_create(&core->env, &timers->event);
    if (status == PST_OK && !timers->thread) status = pst_pal_thread_create(&core->env, serve, core, &timers->thread);
    pst_pal_mutex_unlock(core->lock);
    return status;
}

void core_timers_stop(pst_core *core)
{
    core_timers *timers = &core->timers;
    if (timers->thread) {
        PST_ATOMIC_STORE(&timers->stop, true);
        pst_pal_event_signal(timers->event);
        pst_pal_thread_join(timers->thread);
        timers->thread = NULL;
    }
    if (timers->event) pst_pal_event_free(timers->event);
    timers->event = NULL;
    free_dead(core);
}

// --- Helpers ------------------------------------------------------------------------------------------------------

// The word of a bpf_timer that names the timer. The lock is held.
static core_timer *timer_at(const void *at)
{
    return (core_timer *)(uintptr_t)PST_ATOMIC_LOAD((const uint64_t *)at);
}

static bool has_users(const pst_map *map)
{
    return PST_ATOMIC_LOAD(&map->object.users) != 0;
}

int core_timer_init(pst_map *map, void *at, uint64_t clock)
{
    pst_core *core = map->object.core;
    if (clock != CLOCK_REALTIME_ID && clock != CLOCK_MONOTONIC_ID && clock != CLOCK_BOOTTIME_ID) return -PST_EINVAL;
    core_timer *t = pst_alloc_zero(&core->env, 1, sizeof *t);
    if (!t) return -PST_ENOMEM;
    *t = (core_timer){.core = core, .map = map, .value = (uint8_t *)at - map->timer_offset, .clock = clock};
    core_spin_lock(&core->timers.lock);
    // Without users nobody would ever take the timer out again: it keeps its program, and that its map.
    int error = timer_at(at) ? -PST_EBUSY : has_users(map) ? 0 : -PST_EPERM;
    if (!error) PST_ATOMIC_STORE((uint64_t *)at, (uint64_t)(uintptr_t)t);
    core_spin_unlock(&core->timers.lock);
    if (error) pst_free(&core->env, t, sizeof *t);
    return error;
}

int core_timer_set_callback(pst_core *core, void *at, core_prog *prog, uint64_t func)
{
    core_prog *old = NULL;
    int error = 0;
    core_spin_lock(&core->timers.lock);
    core_timer *t = timer_at(at);
    if (!t) {
        error = -PST_EINVAL;
    } else if (!has_users(t->map)) {
        error = -PST_EPERM;
    } else if (t->prog != prog && !core_object_try_get(&prog->object)) {
        error = -PST_ENOENT;
    } else {
        if (t->prog != prog) old = t->prog;
        t->prog = prog;
        t->func = func;
    }
    core_spin_unlock(&core->timers.lock);
    if (old) core_object_put(&old->object);
    return error;
}

// The time of the monotonic clock at which a clock shows ns.
static uint64_t monotonic(uint64_t clock, uint64_t ns)
{
    uint64_t now = pst_pal_time_ns(), shown = clock == CLOCK_REALTIME_ID ? pst_pal_wall_time_ns() : clock == CLOCK_BOOTTIME_ID ? pst_pal_boot_time_ns() : now;
    if (ns <= shown) return now;
    return ns - shown > UINT64_MAX - now ? UINT64_MAX : now + (ns - shown);
}

int core_timer_start(pst_core *core, void *at, uint64_t ns, uint64_t flags)
{
    core_timers *timers = &core->timers;
    if (flags & ~(uint64_t)(TIMER_ABS | TIMER_CPU_PIN)) return -PST_EINVAL;
    core_spin_lock(&timers->lock);
    core_timer *t = timer_at(at);
    bool fits = t && t->prog, earlier = false;
    if (fits) {
        uint64_t now = pst_pal_time_ns();
        dequeue(timers, t);
        t->due = flags & TIMER_ABS ? monotonic(t->clock, ns) : ns > UINT64_MAX - now ? UINT64_MAX : now + ns;
        enqueue(timers, t);
        earlier = t->due < timers->wakes_at;
    }
    core_spin_unlock(&timers->lock);
    if (earlier) pst_pal_event_signal(timers->event);
    return fits ? 0 : -PST_EINVAL;
}

int core_timer_cancel(pst_core *core, void *at)
{
    core_timers *timers = &core->timers;
    core_prog *old = NULL;
    int result = -PST_EINVAL;
    core_spin_lock(&timers->lock);
    core_timer *t = timer_at(at);
    if (t && t == t_running) {
        result = -PST_EDEADLK; // it would wait for itself
    } else if (t) {
        result = t->queued;
        dequeue(timers, t);
        old = t->prog; // so the callback cannot start it again either
        t->prog = NULL;
    }
    core_spin_unlock(&timers->lock);
    if (old) core_object_put(&old->object);
    // A callback never waits here: while it runs no other one does. It is over within the time of a run.
    while (t && result >= 0 && PST_ATOMIC_LOAD(&timers->running) == t) pst_pal_yield();
    return result;
}

void core_timer_release(pst_map *map, void *value)
{
    pst_core *core = map->object.core;
    core_timers *timers = &core->timers;
    uint64_t *at = (uint64_t *)(void *)((uint8_t *)value + map->timer_offset);
    if (PST_ATOMIC_LOAD(at) == 0) return;
    core_spin_lock(&timers->lock);
    core_timer *t = timer_at(at);
    bool first = t && !timers->dead;
    PST_ATOMIC_STORE(at, (uint64_t)0);
    if (t) {
        dequeue(timers, t);
        t->next_dead = timers->dead;
        timers->dead = t;
    }
    core_spin_unlock(&timers->lock);
    if (!first) return;
    if (timers->thread) pst_pal_event_signal(timers->event);
    else free_dead(core);
}
