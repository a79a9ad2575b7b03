// hash.c: SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012: one round a block, three at the end)
// and FNV-1a.
//
// Called by hash maps on every operation, so the body is one straight loop over 8-byte blocks.
#include "base/hash.h"

#include "base/bits.h"

typedef struct sip_state {
    uint64_t v0, v1, v2, v3;
} sip_state;

PST_INLINE uint64_t rotate(uint64_t x, unsigned bits) { return x << bits | x >> (64 - bits); }

PST_INLINE void sip_round(sip_state *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 = rotate(s->v2, 32);
}

// The last 0 to 7 bytes, with the length in the top byte.
PST_INLINE uint64_t sip_tail(const uint8_t *at, size_t left, size_t size)
{
    uint64_t block = (uint64_t)size << 56;
    for (size_t i = 0; i < left; i++) block |= (uint64_t)at[i] << (8 * i);
    return block;
}

uint64_t pst_hash_keyed(pst_hash_key key, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    sip_state s = {
        .v0 = key.k0 ^ 0x736f6d6570736575u,
        .v1 = key.k1 ^ 0x646f72616e646f6du,
        .v2 = key.k0 ^ 0x6c7967656e657261u,
        .v3 = key.k1 ^ 0x7465646279746573u,
    };
    for (size_t blocks = size / 8; blocks > 0; blocks--, at += 8) {
        uint64_t block = pst_load64(at);
        s.v3 ^= block;
        sip_round(&s);
        s.v0 ^= block;
    }
    uint64_t tail = sip_tail(at, size % 8, size);
    s.v3 ^= tail;
    sip_round(&s);
    s.v0 ^= tail;
    s.v2 ^= 0xff;
    for (int i = 0; i < 3; i++) sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t pst_hash_plain(const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++) hash = (hash ^ at[i]) * 0x100000001b3u;
    return hash;
}
