// index_sort.h: a stable sort of indices, for the tables that the loader searches. Internal to this folder.
//
// Bottom-up merge: n log n on every input and no recursion, since hostile objects choose the input.
#ifndef PST_OBJECT_INDEX_SORT_H
#define PST_OBJECT_INDEX_SORT_H

#include <string.h>

#include "base/arena.h"

/// Whether item a comes before item b.
typedef bool index_less_fn(const void *user, uint32_t a, uint32_t b);

/// Sorts indices; scratch has room for count.
static inline void index_sort(uint32_t *indices, uint32_t *scratch, uint32_t count, index_less_fn *less, const void *user)
{
    for (uint64_t width = 1; width < count; width *= 2) {
        for (uint64_t start = 0; start < count; start += 2 * width) {
            uint64_t middle = start + width < count ? start + width : count, end = middle + width < count ? middle + width : count;
            uint64_t left = start, right = middle;
            for (uint64_t out = start; out < end; out++) {
                bool take_right = left == middle || (right < end && less(user, indices[right], indices[left]));
                scratch[out] = take_right ? indices[right++] : indices[left++];
            }
        }
        memcpy(indices, scratch, count * sizeof *indices);
    }
}

/// The numbers 0 to count - 1 in order, from the arena; NULL without memory.
PST_MUST_USE static inline uint32_t *index_sorted(pst_arena *arena, uint32_t count, index_less_fn *less, const void *user)
{
    uint32_t *indices = pst_arena_array(arena, count, sizeof *indices);
    uint32_t *scratch = pst_arena_array(arena, count, sizeof *scratch);
    if (!indices || !scratch) return NULL;
    for (uint32_t i = 0; i < count; i++) indices[i] = i;
    index_sort(indices, scratch, count, less, user);
    return indices;
}

#endif
