// hash_table.c: hashing, finding, inserting, removing. See hash.h.
//
// Locks: a writer takes the lock of its bucket, then the pool's. Readers take none.
#include "base/bits.h"
#include "base/hash.h"
#include "core/internal.h"
#include "core/map/hash_table.h"
#include "core/map/fields.h"

// Multilinear hashing: each 32-bit word of the key times its own random 64-bit factor, summed; the upper half is the hash. For random factors two
// different keys collide with probability 2^-32, whatever the keys are, so hostile keys gain nothing.
// (Lemire and Kaser, "Strongly universal string hashing is fast".)
PST_INLINE uint32_t multilinear(const hash_map *hash, const uint8_t *key, uint32_t size)
{
    uint64_t sum = hash->seed[0];
    uint32_t word = 1;
    for (; size >= 4; size -= 4, key += 4) sum += hash->seed[word++] * pst_load32(key);
    if (size > 0) {
        uint32_t tail = 0;
        memcpy(&tail, key, size);
        sum += hash->seed[word] * tail;
    }
    return (uint32_t)(sum >> 32);
}

uint32_t hash_compute(const hash_map *hash, const void *key)
{
    uint32_t size = hash->map.view.key_size;
    if (size == 4) return multilinear(hash, key, 4);
    if (size == 8) return multilinear(hash, key, 8);
    if (hash->key_words) return multilinear(hash, key, size);
    pst_hash_key sip = {hash->seed[0], hash->seed[1]};
    return (uint32_t)pst_hash_keyed(sip, key, size);
}

// live is an element's key, which is aligned to 8; should the element be stolen meanwhile, its words change under us, one at a time.
PST_INLINE bool key_equal(const uint8_t *live, const uint8_t *key, uint32_t size)
{
    for (; size >= 8; size -= 8, live += 8, key += 8)
        if (PST_ATOMIC_LOAD_RELAXED((const uint64_t *)(const void *)live) != pst_load64(key)) return false;
    if (size & 4) {
        if (PST_ATOMIC_LOAD_RELAXED((const uint32_t *)(const void *)live) != pst_load32(key)) return false;
        live += 4, key += 4;
    }
    if (size & 2) {
        if (PST_ATOMIC_LOAD_RELAXED((const uint16_t *)(const void *)live) != pst_load16(key)) return false;
        live += 2, key += 2;
    }
    return !(size & 1) || PST_ATOMIC_LOAD_RELAXED(live) == *key;
}

PST_INLINE uintptr_t end_mark(uint32_t bucket)
{
    return (uintptr_t)bucket * 2 + 1;
}
PST_INLINE bool is_end(uintptr_t next)
{
    return (next & 1) != 0;
}

// size is hash->map.view.key_size; as a constant it makes the common sizes straight code.
PST_INLINE hash_element *find(hash_map *hash, const void *key, uint32_t hashed, uint32_t size)
{
    uint32_t bucket = hashed & hash->bucket_mask;
    for (;;) {
        uintptr_t next = PST_ATOMIC_LOAD(&hash->buckets[bucket]);
        while (!is_end(next)) {
            hash_element *element = (hash_element *)next;
            if (PST_ATOMIC_LOAD_RELAXED(&element->hash) == hashed && key_equal(hash_key(element), key, size)) return element;
            next = PST_ATOMIC_LOAD(&element->next);
        }
        if (PST_LIKELY(next == end_mark(bucket))) return NULL; // else an element moved under us: again
    }
}

hash_element *hash_find(hash_map *hash, const void *key)
{
    uint32_t size = hash->map.view.key_size;
    if (size == 4) return find(hash, key, multilinear(hash, key, 4), 4);
    if (size == 8) return find(hash, key, multilinear(hash, key, 8), 8);
    return find(hash, key, hash_compute(hash, key), size);
}

// --- Creation -------------------------------------------------------------------------------------------------

#define HASH_FLAGS (PST_F_NO_PREALLOC | PST_F_NO_COMMON_LRU | PST_F_NUMA_NODE | MAP_ACCESS_FLAGS | PST_F_ZERO_SEED)
#define WAIT_TURNS 100000u // yields of a command while readers stay in an epoch: a tenth of a second and more
#define ELEMENT_MAX (4u << 20) // key and value: Linux's KMALLOC_MAX_SIZE

int hash_check(const pst_bpf_attr *attr, const char **why)
{
    bool percpu = hash_type_is_percpu(attr->map_type), lru = hash_type_is_lru(attr->map_type);
    *why = "map_flags has a flag that hash maps do not take, or both of BPF_F_RDONLY_PROG and BPF_F_WRONLY_PROG";
    if ((attr->map_flags & ~(uint32_t)HASH_FLAGS) || !map_access_ok(attr->map_flags)) return -PST_EINVAL;
    *why = "BPF_F_NO_COMMON_LRU is for LRU maps";
    if (!lru && (attr->map_flags & PST_F_NO_COMMON_LRU)) return -PST_EINVAL;
    *why = "LRU maps have their memory from the start: no BPF_F_NO_PREALLOC";
    if (lru && (attr->map_flags & PST_F_NO_PREALLOC)) return -PST_ENOTSUPP;
    *why = "a per-CPU hash map, or an LRU map with lists per CPU, has no NUMA node";
    if ((percpu || (attr->map_flags & PST_F_NO_COMMON_LRU)) && (attr->map_flags & PST_F_NUMA_NODE)) return -PST_EINVAL;
    *why = "a hash map has keys and values of at least 1 byte and at least 1 entry";
    if (attr->max_entries == 0 || attr->key_size == 0 || attr->value_size == 0) return -PST_EINVAL;
    *why = "key_size plus value_size is too large (4 MiB)";
    if ((uint64_t)attr->key_size + attr->value_size >= ELEMENT_MAX - 64) return -PST_E2BIG;
    *why = "a per-CPU value is larger than 32 KiB";
    if (percpu && pst_align_up(attr->value_size, 8) > MAP_PERCPU_VALUE_MAX) return -PST_E2BIG;
    *why = "max_entries is above 2^31";
    return attr->max_entries > 1u << 31 ? -PST_E2BIG : 0;
}

static uint32_t round_up_pow2(uint32_t v)
{
    return v <= 1 ? 1 : (uint32_t)((uint64_t)1 << (64 - PST_CLZ64((uint64_t)v - 1)));
}

static void seed_fill(hash_map *hash)
{
    pst_pal_random(hash->seed, sizeof hash->seed);
    if (hash->map.view.flags & PST_F_ZERO_SEED)
        for (unsigned i = 0; i < PST_COUNT(hash->seed); i++) hash->seed[i] = 0x9e3779b97f4a7c15u * (i + 1) | 1; // same order each time
}

int hash_create(pst_map *map)
{
    hash_map *hash = hash_of(map);
    const pst_env *env = core_map_env(map);
    bool percpu = hash_type_is_percpu(map->view.type);
    uint32_t buckets = round_up_pow2(map->view.max_entries);
    map->value_bytes = (uint32_t)pst_align_up(map->view.value_size, 8);
    map->cpus = percpu ? pst_pal_cpu_count() : 1;
    hash->bucket_mask = buckets - 1;
    hash->is_lru = hash_type_is_lru(map->view.type);
    hash->key_words = map->view.key_size <= HASH_WORDS_MAX * 4 ? (map->view.key_size + 3) / 4 : 0;
    hash->value_off = (uint32_t)(sizeof(hash_element) + pst_align_up(map->view.key_size, 8));
    uint32_t inline_value = percpu || map->view.type == PST_MAP_HASH_OF_MAPS ? (uint32_t)sizeof(void *) : map->value_bytes;
    hash->element_bytes = (uint32_t)pst_align_up((uint64_t)hash->value_off + inline_value, 16);
    hash->lock_mask = (buckets < HASH_LOCKS_MAX ? buckets : HASH_LOCKS_MAX) - 1;
    seed_fill(hash);
    hash->buckets = core_area_alloc(env, (size_t)buckets * sizeof *hash->buckets);
    hash->locks = pst_alloc_zero(env, (size_t)hash->lock_mask + 1, sizeof *hash->locks);
    int error = hash->buckets && hash->locks ? hash_pool_create(hash) : -PST_ENOMEM;
    if (error) {
        if (hash->buckets) core_area_free(env, hash->buckets, (size_t)buckets * sizeof *hash->buckets);
        pst_free(env, hash->locks, ((size_t)hash->lock_mask + 1) * sizeof *hash->locks);
        return error;
    }
    for (uint32_t i = 0; i < buckets; i++) hash->buckets[i] = end_mark(i);
    return 0;
}

void hash_destroy(pst_map *map)
{
    hash_map *hash = hash_of(map);
    const pst_env *env = core_map_env(map);
    hash_pool_release(hash);
    hash_pool_destroy(hash);
    core_area_free(env, hash->buckets, ((size_t)hash->bucket_mask + 1) * sizeof *hash->buckets);
    pst_free(env, hash->locks, ((size_t)hash->lock_mask + 1) * sizeof *hash->locks);
}

void hash_release_users(pst_map *map)
{
    hash_pool_release(hash_of(map));
}

// --- Changes --------------------------------------------------------------------------------------------------

core_spin *hash_lock(hash_map *hash, uint32_t hashed)
{
    core_spin *lock = &hash->locks[hashed & hash->lock_mask]; // a bucket always has the same lock: lock_mask is part of bucket_mask
    core_spin_lock(lock);
    return lock;
}

void hash_link(hash_map *hash, hash_element *element)
{
    if (hash->is_lru) PST_ATOMIC_STORE_RELAXED(&element->place, (PST_ATOMIC_LOAD_RELAXED(&element->place) & ~HASH_SEEN) | HASH_LINKED);
    uintptr_t *head = &hash->buckets[element->hash & hash->bucket_mask];
    PST_ATOMIC_STORE(&element->next, PST_ATOMIC_LOAD_RELAXED(head));
    PST_ATOMIC_STORE(head, (uintptr_t)element);
}

void hash_unlink(hash_map *hash, hash_element *element)
{
    if (hash->is_lru) (void)PST_ATOMIC_AND(&element->place, ~HASH_LINKED);
    uintptr_t *at = &hash->buckets[element->hash & hash->bucket_mask];
    while (PST_ATOMIC_LOAD_RELAXED(at) != (uintptr_t)element) at = &((hash_element *)PST_ATOMIC_LOAD_RELAXED(at))->next;
    PST_ATOMIC_STORE(at, PST_ATOMIC_LOAD_RELAXED(&element->next)); // the element keeps its next: readers on it go on
}

bool hash_wait(unsigned *turns)
{
    if (++*turns >= WAIT_TURNS) return false;
    pst_pal_yield();
    return true;
}

// The hand has found an element that nobody looked up: out it goes, unless it has changed meanwhile.
static bool evict(hash_map *hash, hash_element *element)
{
    core_spin *lock = hash_lock(hash, PST_ATOMIC_LOAD_RELAXED(&element->hash));
    // With its bucket locked nothing happens to it, if this is its bucket.
    bool is_its = lock == &hash->locks[PST_ATOMIC_LOAD_RELAXED(&element->hash) & hash->lock_mask];
    bool may_go = is_its && (PST_ATOMIC_LOAD_RELAXED(&element->place) & (HASH_LINKED | HASH_SEEN)) == HASH_LINKED;
    if (may_go) {
        hash_unlink(hash, element);
        hash_pool_give(hash, element, true);
    }
    core_spin_unlock(lock);
    return may_go;
}

bool hash_evict(hash_map *hash)
{
    uint32_t size = hash->pool.segment_size;
    // Twice round: the first time may only take marks away. Others may set marks behind our back, so there is a limit.
    for (uint64_t tries = 0; tries < 3 * (uint64_t)size; tries++) {
        hash_element *element = hash_pool_at(hash, PST_ATOMIC_ADD(&hash->hand, 1u) % size);
        uint32_t place = element ? PST_ATOMIC_LOAD_RELAXED(&element->place) : 0;
        if (!(place & HASH_LINKED)) continue;
        if (place & HASH_SEEN) (void)PST_ATOMIC_AND(&element->place, ~HASH_SEEN);
        else if (evict(hash, element)) return true;
    }
    return false;
}

hash_element *hash_fill(hash_map *hash, const void *key, uint32_t hashed, bool replaces, bool may_steal, int *error)
{
    hash_element *element = hash_pool_take(hash, replaces, may_steal, error);
    if (!element) return NULL;
    core_fields_release(&hash->map, hash_value(hash, element)); // a late user of what was removed may have made one
    PST_ATOMIC_STORE_RELAXED(&element->hash, hashed);
    core_value_store(hash_key(element), key, hash->map.view.key_size);
    return element;
}

int hash_flags_check(const hash_element *old, uint64_t flags)
{
    if (old && (flags & ~(uint64_t)PST_BPF_F_LOCK) == PST_BPF_NOEXIST) return -PST_EEXIST;
    if (!old && (flags & ~(uint64_t)PST_BPF_F_LOCK) == PST_BPF_EXIST) return -PST_ENOENT;
    return 0;
}

int hash_remove(pst_map *map, const void *key)
{
    hash_map *hash = hash_of(map);
    uint32_t hashed = hash_compute(hash, key);
    core_spin *lock = hash_lock(hash, hashed);
    hash_element *old = find(hash, key, hashed, map->view.key_size);
    if (old) {
        hash_unlink(hash, old);
        hash_pool_give(hash, old, true);
    }
    core_spin_unlock(lock);
    return old ? 0 : -PST_ENOENT;
}

// --- Walks ----------------------------------------------------------------------------------------------------

int hash_next_key(pst_map *map, const void *key, void *next_key)
{
    hash_map *hash = hash_of(map);
    hash_element *element = key ? hash_find(hash, key) : NULL;
    uint32_t bucket = 0;
    if (element) {
        uintptr_t next = PST_ATOMIC_LOAD(&element->next);
        if (!is_end(next)) {
            memcpy(next_key, hash_key((hash_element *)next), map->view.key_size);
            return 0;
        }
        bucket = (element->hash & hash->bucket_mask) + 1; // 0 after the last of 2^32: there are at most 2^31
    }
    for (; bucket <= hash->bucket_mask; bucket++) {
        uintptr_t next = PST_ATOMIC_LOAD(&hash->buckets[bucket]);
        if (is_end(next)) continue;
        memcpy(next_key, hash_key((hash_element *)next), map->view.key_size);
        return 0;
    }
    return -PST_ENOENT;
}

// The visitor may add and remove. An element that it removed still leads on; one that was stolen then leads into another chain, so the
// number of visits is bounded by that of elements.
uint64_t hash_walk(pst_map *map, map_visit visit, void *user, hash_value_fn value_of)
{
    hash_map *hash = hash_of(map);
    uint64_t count = 0, most = PST_ATOMIC_LOAD_RELAXED(&hash->pool.total);
    for (uint32_t bucket = 0; bucket <= hash->bucket_mask; bucket++) {
        uintptr_t at = PST_ATOMIC_LOAD(&hash->buckets[bucket]);
        while (!is_end(at) && count < most) {
            hash_element *element = (hash_element *)at;
            at = PST_ATOMIC_LOAD(&element->next);
            count++;
            if (!visit(user, hash_key(element), value_of(hash, element))) return count;
        }
    }
    return count;
}

// One bucket of a batch; -PST_ENOSPC when it does not fit. The bucket's lock is held.
static int bucket_copy(hash_map *hash, uint32_t bucket, map_batch *batch, hash_copy_fn copy)
{
    uint32_t count = 0, key_size = hash->map.view.key_size, value_size = core_map_user_value_size(&hash->map);
    for (uintptr_t at = hash->buckets[bucket]; !is_end(at); at = ((hash_element *)at)->next) count++;
    if (count > batch->capacity - batch->done) return -PST_ENOSPC;
    while (!is_end(hash->buckets[bucket]) && count > 0) {
        uintptr_t at = hash->buckets[bucket];
        for (; !is_end(at); at = PST_ATOMIC_LOAD_RELAXED(&((hash_element *)at)->next)) {
            hash_element *element = (hash_element *)at;
            memcpy(batch->keys + (size_t)batch->done * key_size, hash_key(element), key_size);
            copy(hash, element, batch->values + (size_t)batch->done * value_size);
            batch->done++;
            if (batch->remove) break; // the chain changes: start over
        }
        if (!batch->remove) break;
        hash_element *element = (hash_element *)at;
        hash_unlink(hash, element);
        hash_pool_give(hash, element, true);
    }
    return 0;
}

int hash_read_batch(pst_map *map, map_batch *batch, hash_copy_fn copy)
{
    hash_map *hash = hash_of(map);
    uint32_t bucket = batch->cursor ? pst_load32(batch->cursor) : 0;
    int error = 0;
    if (bucket > hash->bucket_mask) return -PST_ENOENT;
    for (; bucket <= hash->bucket_mask && !error; bucket++) {
        if (is_end(PST_ATOMIC_LOAD(&hash->buckets[bucket]))) continue;
        core_spin *lock = hash_lock(hash, bucket);
        error = bucket_copy(hash, bucket, batch, copy);
        core_spin_unlock(lock);
        if (error) break;
    }
    pst_store32(batch->next_cursor, bucket);
    if (bucket > hash->bucket_mask) return -PST_ENOENT; // the end
    return batch->done > 0 ? 0 : error;
}
