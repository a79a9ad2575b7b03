// epoch.c: epoch-based reclamation. See epoch.h.
//
// Why it is safe. A reader publishes the epoch it found by a compare-and-swap on its slot; advancing inspects every slot by a
// read-modify-write. The two are ordered by the slot's modification order: either the inspection sees the reader, and the epoch stays; or the
// reader comes later, synchronises with the inspection, and sees every removal that came before it. No fence is needed,
// which ThreadSanitizer would not understand. A reader that found an old epoch and was then delayed only holds the epoch back longer.
// How many slots were ever used is kept in the same way: raised before the first entry, read by a read-modify-write.
#include "core/epoch.h"

#define RETIRED_BATCH 32u // retired objects before somebody tries to free

pst_status epoch_init(epoch_domain *domain)
{
    domain->slots = pst_pal_pages_alloc(EPOCH_SLOTS * sizeof *domain->slots);
    if (!domain->slots) return PST_E_NOMEM;
    domain->now = 1;
    return PST_OK;
}

void epoch_destroy(epoch_domain *domain)
{
    if (!domain->slots) return;
    // Each round frees what two advances have made ripe; freeing may retire more.
    while (domain->first) {
        (void)epoch_advance(domain);
        epoch_collect(domain);
    }
    pst_pal_pages_free(domain->slots, EPOCH_SLOTS * sizeof *domain->slots);
    domain->slots = NULL;
}

// Where a thread looks for a free slot first: the one it had last. Threads start apart.
static PST_THREAD_LOCAL uint32_t t_slot; // 0: not chosen yet
static uint32_t g_threads;

static void raise_used(epoch_domain *domain, uint32_t count)
{
    uint32_t used = PST_ATOMIC_LOAD(&domain->used);
    while (used < count && !PST_ATOMIC_CAS(&domain->used, &used, count)) {}
}

static PST_NOINLINE epoch_slot *enter_slowly(epoch_domain *domain)
{
    if (t_slot == 0) t_slot = PST_ATOMIC_ADD(&g_threads, 1u) % EPOCH_SLOTS + 1;
    for (unsigned turns = 0;; turns++) {
        uint64_t idle = 0;
        epoch_slot *slot = &domain->slots[t_slot - 1];
        raise_used(domain, t_slot);
        if (PST_ATOMIC_CAS(&slot->epoch, &idle, PST_ATOMIC_LOAD(&domain->now))) return slot;
        t_slot = t_slot % EPOCH_SLOTS + 1;
        if (turns >= EPOCH_SLOTS) pst_pal_yield();
    }
}

epoch_slot *epoch_enter(epoch_domain *domain)
{
    uint32_t mine = t_slot;
    if (PST_LIKELY(mine != 0 && mine <= PST_ATOMIC_LOAD(&domain->used))) {
        uint64_t idle = 0;
        epoch_slot *slot = &domain->slots[mine - 1];
        if (PST_LIKELY(PST_ATOMIC_CAS(&slot->epoch, &idle, PST_ATOMIC_LOAD(&domain->now)))) return slot;
    }
    return enter_slowly(domain);
}

// True when nobody is seen in an epoch before now. sure: by read-modify-writes, see above; else a glance that disturbs nobody.
static bool all_in(epoch_domain *domain, uint64_t now, bool sure)
{
    uint32_t used = sure ? PST_ATOMIC_ADD(&domain->used, 0u) : PST_ATOMIC_LOAD(&domain->used);
    for (uint32_t i = 0; i < used; i++) {
        uint64_t *slot = &domain->slots[i].epoch;
        uint64_t in = sure ? PST_ATOMIC_ADD(slot, (uint64_t)0) : PST_ATOMIC_LOAD(slot);
        if (in != 0 && in != now) return false;
    }
    return true;
}

uint64_t epoch_advance(epoch_domain *domain)
{
    uint64_t now = PST_ATOMIC_LOAD(&domain->now);
    if (!all_in(domain, now, false) || !all_in(domain, now, true)) return now;
    // Who loses the race finds that another thread has begun the epoch.
    if (PST_ATOMIC_CAS(&domain->now, &now, now + 1)) return now + 1;
    return now;
}

void epoch_synchronize(epoch_domain *domain)
{
    uint64_t until = epoch_ripe_at(PST_ATOMIC_LOAD(&domain->now));
    while (epoch_advance(domain) < until) pst_pal_yield();
}

void epoch_retire(epoch_domain *domain, epoch_retired *retired, void (*free)(epoch_retired *retired))
{
    retired->next = NULL;
    retired->free = free;
    core_spin_lock(&domain->lock);
    retired->epoch = PST_ATOMIC_LOAD(&domain->now);
    if (domain->last)
        domain->last->next = retired;
    else
        domain->first = retired;
    domain->last = retired;
    bool full = ++domain->waiting >= RETIRED_BATCH;
    core_spin_unlock(&domain->lock);
    if (full) {
        (void)epoch_advance(domain);
        epoch_collect(domain);
    }
}

// Cuts the ripe head off the list; NULL when there is none or another thread is at it.
static epoch_retired *take_ripe(epoch_domain *domain)
{
    epoch_retired *ripe = NULL, **end = &ripe;
    uint64_t now = PST_ATOMIC_LOAD(&domain->now);
    core_spin_lock(&domain->lock);
    if (!domain->collecting) {
        while (domain->first && epoch_ripe_at(domain->first->epoch) <= now) {
            *end = domain->first;
            end = &domain->first->next;
            domain->first = domain->first->next;
            domain->waiting--;
        }
        *end = NULL;
        if (!domain->first) domain->last = NULL;
        domain->collecting = ripe != NULL;
    }
    core_spin_unlock(&domain->lock);
    return ripe;
}

void epoch_collect(epoch_domain *domain)
{
    epoch_retired *ripe = take_ripe(domain);
    if (!ripe) return;
    while (ripe) {
        epoch_retired *next = ripe->next; // free takes the object with its link
        ripe->free(ripe);
        ripe = next;
    }
    core_spin_lock(&domain->lock);
    domain->collecting = false;
    core_spin_unlock(&domain->lock);
}
