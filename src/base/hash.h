// hash.h: keyed hashing for tables that a program or a packet may fill (SipHash-1-3: collisions cannot be chosen
// without the key), and an unkeyed one for internal string tables. Pure.
#ifndef PST_BASE_HASH_H
#define PST_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

typedef struct pst_hash_key {
    uint64_t k0, k1;
} pst_hash_key;

uint64_t pst_hash_keyed(pst_hash_key key, const void *bytes, size_t size);
/// FNV-1a, 64 bits. Not for keys that an adversary chooses.
uint64_t pst_hash_plain(const void *bytes, size_t size);

#endif
