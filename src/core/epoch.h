// epoch.h: memory that readers may still see is freed only when they are gone.
//
// A reader enters an epoch, follows pointers without locks, and leaves. Who removes an object first makes it unreachable, then retires it: it
// is freed once two further epochs have begun, and an epoch begins only when nobody is left in an earlier one. Entering writes one
// cache line that in practice belongs to the thread, so readers do not disturb each other. No thread registers or signs off.
#ifndef PST_CORE_EPOCH_H
#define PST_CORE_EPOCH_H

#include "core/spin.h"

#define EPOCH_SLOTS 128u // readers at once; more wait for a slot

/// Embedded in what is to be freed later.
typedef struct epoch_retired {
    struct epoch_retired *next;
    void (*free)(struct epoch_retired *retired);
    uint64_t epoch; // when it was retired
} epoch_retired;

typedef struct epoch_slot {
    PST_ALIGNED(64) uint64_t epoch; // 0: free. Else the epoch that the reader found when it entered
} epoch_slot;

typedef struct epoch_domain {
    epoch_slot *slots;
    uint64_t now;                 // from 1
    uint32_t used;                // slots from here on were never entered
    uint8_t apart[64];            // readers load what is above all the time
    core_spin lock;               // of what follows
    bool collecting;              // somebody runs free functions: others leave theirs in the list
    uint32_t waiting;             // length of the list
    epoch_retired *first, *last;  // oldest first
} epoch_domain;

PST_MUST_USE pst_status epoch_init(epoch_domain *domain);
/// No reader is inside. Frees all that was retired, including what that retires in turn.
void epoch_destroy(epoch_domain *domain);

/// May be nested; each enter has its exit, in the same thread.
epoch_slot *epoch_enter(epoch_domain *domain);
PST_INLINE void epoch_exit(epoch_slot *slot)
{
    PST_ATOMIC_STORE(&slot->epoch, (uint64_t)0);
}

/// The object is unreachable for readers that enter from now on. Never called from inside free functions' locks.
void epoch_retire(epoch_domain *domain, epoch_retired *retired, void (*free)(epoch_retired *retired));
/// Begins a new epoch if nobody is left in an earlier one; returns the current one.
uint64_t epoch_advance(epoch_domain *domain);
/// Frees what can be freed now.
void epoch_collect(epoch_domain *domain);
/// Waits until all who are inside now have left. The caller is not inside.
void epoch_synchronize(epoch_domain *domain);
/// What was retired in this epoch can be freed once the current one is this.
PST_INLINE uint64_t epoch_ripe_at(uint64_t retired)
{
    return retired + 2;
}

#endif
