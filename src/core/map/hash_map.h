// hash_map.h: the hash table behind hash, percpu_hash, their LRU forms, and hash_of_maps.
//
// Buckets are chains of elements; readers walk them inside an epoch without locks and without writing. A writer holds its bucket's
// lock. Updating a key links a new element in front of the old one, so no reader sees a half-written value or misses the key; a value
// that one store writes whole is replaced in place.
//
// Elements come from a pool of max_entries and some more. A removed element may be filled again once the epoch in which it was removed is over.
// A command waits for that, as long as it is reasonable. A program cannot: when it removes faster than epochs pass (within one run), the oldest removed element is
// stolen, as Linux does always: late readers of its value may see the new content, and a walk that ends in another bucket's chain
// starts again. Commands notice a theft while they copied a value and copy again.
//
// A full LRU map evicts: a hand goes round over the pool's elements, passes those that were looked up since it was there last, and takes the first
// that was not ("second chance"). A lookup writes only if the hand has passed since the last one.
#ifndef PST_CORE_MAP_HASH_MAP_H
#define PST_CORE_MAP_HASH_MAP_H

#include "core/map/map.h"

#define HASH_WORDS_MAX 16u // keys up to 64 bytes use the multilinear hash, longer ones SipHash
#define HASH_LOCKS_MAX 1024u

typedef struct hash_element {
    uintptr_t next; // an element, or the end mark of its bucket: index * 2 + 1
    uint32_t hash;
    uint32_t place; // in its segment; per-CPU maps find the values by it. LRU maps: HASH_* as well
    // key, rounded up to 8 bytes; then the value, or for per-CPU maps the address of CPU 0's value
} hash_element;

#define HASH_SEEN 0x80000000u   // looked up since the hand passed
#define HASH_LINKED 0x40000000u // in a bucket

typedef struct hash_segment {
    uint8_t *elements;
    uint8_t *values; // per-CPU maps: CPU by CPU
} hash_segment;

// Removed elements in the order of removal, as a ring: [head, ripe) may be used, [ripe, tail) once the marks say so.
typedef struct hash_pool {
    core_spin lock;
    hash_segment *segments;
    size_t segment_count, segment_capacity;
    uint32_t fresh;         // elements of the last segment that were never used
    uint32_t segment_size;  // elements in a segment
    uint32_t total, limit;  // elements there are; may be
    uint32_t live;          // in buckets
    uint32_t steals;        // how often a waiting element was taken
    uint32_t patience;      // thefts until epochs are looked at again: a long run changes nothing about them
    hash_element **ring;
    uint64_t ring_size;     // power of two, at least total
    uint64_t head, ripe, tail;
    uint64_t mark_epoch[2], mark_tail[2]; // newest first: the tail at the end of that epoch's removals
} hash_pool;

typedef struct hash_map {
    pst_map map; // first
    uint32_t bucket_mask;
    uint32_t key_words;     // of 32 bits; 0: SipHash
    uint32_t value_off;     // of the value in an element
    uint32_t element_bytes;
    uint64_t cpu_stride;    // per-CPU: from one CPU's values of a segment to the next one's
    uintptr_t *buckets;
    core_spin *locks;
    uint32_t lock_mask;
    uint64_t seed[HASH_WORDS_MAX + 1]; // random, so that nobody can choose colliding keys
    hash_pool pool;
    bool is_lru;
    uint8_t apart[64];
    uint32_t hand; // of LRU maps: elements that it has passed
} hash_map;

PST_INLINE hash_map *hash_of(pst_map *map)
{
    return (hash_map *)(void *)map;
}
PST_INLINE bool hash_type_is_percpu(uint32_t type)
{
    return type == PST_MAP_PERCPU_HASH || type == PST_MAP_LRU_PERCPU_HASH;
}
PST_INLINE bool hash_type_is_lru(uint32_t type)
{
    return type == PST_MAP_LRU_HASH || type == PST_MAP_LRU_PERCPU_HASH;
}
PST_INLINE uint8_t *hash_key(hash_element *element)
{
    return (uint8_t *)(element + 1);
}
PST_INLINE uint8_t *hash_value(const hash_map *hash, hash_element *element)
{
    return (uint8_t *)element + hash->value_off;
}

/// Takes an element for a new key (replaces false) or for a new value of an old key. NULL: *error is -PST_E2BIG, -PST_ENOMEM, or -PST_EAGAIN
/// when one will be free once an epoch has passed and may_steal is false.
hash_element *hash_pool_take(hash_map *hash, bool replaces, bool may_steal, int *error);
/// Gives back an element that readers may still see; removed: its key is gone.
void hash_pool_give(hash_map *hash, hash_element *element, bool removed);
/// The element number index of the only segment of an LRU map, NULL: it was never used.
hash_element *hash_pool_at(hash_map *hash, uint32_t index);
/// Ends the timers of all elements, whether they are in buckets or not.
void hash_pool_release(hash_map *hash);
PST_MUST_USE int hash_pool_create(hash_map *hash);
void hash_pool_destroy(hash_map *hash);
/// CPU 0's value of an element of a per-CPU map.
uint8_t *hash_pool_percpu(hash_map *hash, hash_element *element);

uint32_t hash_compute(const hash_map *hash, const void *key);
hash_element *hash_find(hash_map *hash, const void *key);

#endif
