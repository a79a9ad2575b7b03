// sum.c: internet checksums: csum_diff, and the arithmetic that other helpers use. RFC 1071, RFC 1624.
//
// Sums are kept in 32 bits in ones' complement over 16-bit words in memory order, as the kernel's __wsum.
#include "base/bits.h"
#include "core/helper/helpers.h"

uint32_t helper_csum_add(uint32_t a, uint32_t b)
{
    uint32_t sum = a + b;
    return sum + (sum < b); // the carry comes back in
}

uint32_t helper_csum(const void *bytes, uint32_t size, uint32_t seed)
{
    const uint8_t *at = bytes;
    uint64_t sum = seed;
    for (; size >= 4; size -= 4, at += 4) sum += pst_load32(at);
    if (size >= 2) {
        sum += pst_load16(at);
        at += 2;
        size -= 2;
    }
    if (size > 0) sum += *at;
    sum = (sum & UINT32_MAX) + (sum >> 32);
    sum = (sum & UINT32_MAX) + (sum >> 32);
    return (uint32_t)sum;
}

uint16_t helper_csum_fold(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

// Linux since 6.13 returns the sum folded to 16 bits on every machine.
HELPER(csum_diff)
{
    uint32_t from_size = (uint32_t)r2, to_size = (uint32_t)r4, sum = (uint32_t)r5;
    if ((from_size | to_size) % 4) return helper_error(PST_EINVAL);
    if (to_size > 0) sum = helper_csum(HELPER_POINTER(const void *, r3), to_size, sum);
    if (from_size > 0) sum = helper_csum_add(sum, ~helper_csum(HELPER_POINTER(const void *, r1), from_size, 0));
    return helper_csum_fold(sum);
}

static const helper_row g_rows[] = {{28, csum_diff}};
const helper_table helper_sum_table = {g_rows, PST_COUNT(g_rows)};
