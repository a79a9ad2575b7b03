// hash_table.h: the parts of the hash table that its map types combine. Values are the types' own affair.
#ifndef PST_CORE_MAP_HASH_TABLE_H
#define PST_CORE_MAP_HASH_TABLE_H

#include "core/map/hash_map.h"

typedef void (*hash_copy_fn)(hash_map *hash, hash_element *element, void *value);

int hash_check(const pst_bpf_attr *attr, const char **why);
int hash_create(pst_map *map);
void hash_destroy(pst_map *map);
void hash_release_users(pst_map *map);

/// Locks the bucket of a hash value. Unlock with core_spin_unlock.
core_spin *hash_lock(hash_map *hash, uint32_t hashed);
/// An element with its key; the caller fills the value, then links it. The bucket is locked. NULL: as hash_pool_take.
hash_element *hash_fill(hash_map *hash, const void *key, uint32_t hashed, bool replaces, bool may_steal, int *error);
/// For commands, which hold no lock and are in no epoch: false once a change that found no element (-PST_EAGAIN) has waited long enough for
/// epochs to pass; then it may steal one.
PST_MUST_USE bool hash_wait(unsigned *turns);
/// Makes room in a full LRU map; no bucket is locked. False: every element is in use all the time.
PST_MUST_USE bool hash_evict(hash_map *hash);
void hash_link(hash_map *hash, hash_element *element);
void hash_unlink(hash_map *hash, hash_element *element);
/// -PST_EEXIST or -PST_ENOENT where flags demand the opposite of what there is.
int hash_flags_check(const hash_element *old, uint64_t flags);

int hash_remove(pst_map *map, const void *key);
typedef void *(*hash_value_fn)(hash_map *hash, hash_element *element);
/// For map_ops.walk.
uint64_t hash_walk(pst_map *map, map_visit visit, void *user, hash_value_fn value_of);
int hash_next_key(pst_map *map, const void *key, void *next_key);
/// Whole buckets from the cursor on, with values by copy; Linux's cursor of 4 bytes and its errors.
int hash_read_batch(pst_map *map, map_batch *batch, hash_copy_fn copy);

#endif
