// bits.h: integers in memory, byte order and small bit tricks. Pure, inline, freestanding.
#ifndef PST_BASE_BITS_H
#define PST_BASE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/compiler.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Postern supports little-endian hosts only"
#endif

PST_INLINE uint16_t pst_load16(const void *p) { uint16_t v; memcpy(&v, p, sizeof v); return v; }
PST_INLINE uint32_t pst_load32(const void *p) { uint32_t v; memcpy(&v, p, sizeof v); return v; }
PST_INLINE uint64_t pst_load64(const void *p) { uint64_t v; memcpy(&v, p, sizeof v); return v; }
PST_INLINE void pst_store16(void *p, uint16_t v) { memcpy(p, &v, sizeof v); }
PST_INLINE void pst_store32(void *p, uint32_t v) { memcpy(p, &v, sizeof v); }
PST_INLINE void pst_store64(void *p, uint64_t v) { memcpy(p, &v, sizeof v); }

/// The low bits ones; bits in 0..64.
PST_INLINE uint64_t pst_mask(unsigned bits) { return bits >= 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1; }
/// The low bits of v read as a signed number; bits in 1..64.
PST_INLINE int64_t pst_sign_extend(uint64_t v, unsigned bits)
{
    uint64_t sign = (uint64_t)1 << (bits - 1);
    v &= pst_mask(bits);
    return (int64_t)((v ^ sign) - sign);
}
PST_INLINE bool pst_is_pow2(uint64_t v) { return v != 0 && (v & (v - 1)) == 0; }
/// The smallest multiple of align (a power of two) that is >= v. The caller knows that it does not overflow.
PST_INLINE uint64_t pst_align_up(uint64_t v, uint64_t align) { return (v + align - 1) & ~(align - 1); }

#endif
