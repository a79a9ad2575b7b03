// spin.h: a lock for critical sections of a few dozen instructions that neither allocate nor wait.
//
// Running programs take it (map updates, ring buffer reservations), so it must exist without set-up and fit into a word. A holder may be
// preempted: who waits longer than a moment gives its processor away.
#ifndef PST_CORE_SPIN_H
#define PST_CORE_SPIN_H

#include "pal/pal.h"

typedef struct core_spin {
    uint32_t held;
} core_spin;

#define CORE_SPIN_TURNS 64

PST_INLINE void core_spin_lock(core_spin *lock)
{
    for (unsigned turns = 0; PST_ATOMIC_EXCHANGE(&lock->held, 1u) != 0;) {
        while (PST_ATOMIC_LOAD_RELAXED(&lock->held) != 0)
            if (++turns >= CORE_SPIN_TURNS) {
                pst_pal_yield();
                turns = 0;
            }
    }
}

PST_INLINE void core_spin_unlock(core_spin *lock)
{
    PST_ATOMIC_STORE(&lock->held, 0u);
}

#endif
