// callback.c: loop and for_each_map_elem: helpers that run a subprogram again and again.
//
// Each has a bound of its own, whatever the callbacks do: that is what the proof of a program's end rests on.
#include "core/helper/helpers.h"

#define LOOPS_MAX (1u << 23) // Linux's BPF_MAX_LOOPS

// Runs the callback; false: it wants no more, or it was stopped.
static bool go_on(pst_run *run, uint64_t func, const uint64_t args[PST_ARGS_MAX])
{
    uint64_t stop = run->call_back(run, func, args);
    return stop == 0 && run->trap.code == PST_TRAP_NONE;
}

HELPER(loop)
{
    uint32_t turns = (uint32_t)r1, done = 0;
    if (r4) return helper_error(PST_EINVAL);
    if (turns > LOOPS_MAX) return helper_error(PST_E2BIG);
    while (done < turns)
        if (!go_on(run, r2, (uint64_t[PST_ARGS_MAX]){done++, r3})) break;
    return done;
}

typedef struct element_walk {
    pst_run *run;
    uint64_t map, func, ctx;
} element_walk;

static bool visit_element(void *user, const void *key, void *value)
{
    const element_walk *w = user;
    return go_on(w->run, w->func, (uint64_t[PST_ARGS_MAX]){w->map, (uintptr_t)key, (uintptr_t)value, w->ctx});
}

HELPER(for_each_map_elem)
{
    pst_map *map = core_map_of_register(r1);
    element_walk walk = {run, r1, r2, r3};
    if (r4 || !map->ops->walk) return helper_error(PST_EINVAL);
    return map->ops->walk(map, visit_element, &walk);
}

static const helper_row g_rows[] = {{164, for_each_map_elem}, {181, loop}};
const helper_table helper_callback_table = {g_rows, PST_COUNT(g_rows)};
