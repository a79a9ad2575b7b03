// lock.c: bpf_spin_lock and bpf_spin_unlock: the lock in a value of a map.
//
// The proof says that the argument is such a lock, that one is held at most, that nothing else is called meanwhile, and that it is given
// back. A run that is stopped with it (a budget, a fault of the machine) gives it back in core_run.
#include "core/helper/helpers.h"

HELPER(spin_lock)
{
    core_spin *lock = HELPER_POINTER(core_spin *, r1);
    core_spin_lock(lock);
    run->lock = lock;
    return 0;
}

HELPER(spin_unlock)
{
    run->lock = NULL;
    core_spin_unlock(HELPER_POINTER(core_spin *, r1));
    return 0;
}

static const helper_row g_rows[] = {{93, spin_lock}, {94, spin_unlock}};
const helper_table helper_lock_table = {g_rows, PST_COUNT(g_rows)};
