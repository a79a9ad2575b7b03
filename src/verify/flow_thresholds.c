// flow_thresholds.c: the numbers at which widening stops.
//
// Called by vflow_build. Bounds that matter to a proof are nearly always a constant of the program that something is compared with, one more
// or less than that, the size of a map, or the end of a type. More than THRESHOLDS_MAX would only make widening slower: then an even selection
// of the program's constants stays, and of the maps' sizes what room is left.
#include <string.h>

#include "verify/flow_internal.h"
#include "verify/state.h"

#define THRESHOLDS_MAX 256u

// A cursor in a packet that was compared with its end goes on by what was read: VPACKET_MAX + 65536.
static const int64_t g_fixed[] = {
    INT64_MIN, INT32_MIN, -512, -1, 0, 1, 255, 256, 512, 65535, VPACKET_MAX, (int64_t)VPACKET_MAX + 1,
    (int64_t)VPACKET_MAX + 65536, INT32_MAX, (int64_t)INT32_MAX + 1, UINT32_MAX, INT64_MAX,
};

static void sift(int64_t *v, size_t at, size_t count)
{
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && v[child + 1] > v[child]) child++;
        if (v[at] >= v[child]) return;
        int64_t swap = v[at];
        v[at] = v[child];
        v[child] = swap;
    }
}

// Ascending, each once; the new count. In place and never quadratic: the numbers are the program's.
static uint32_t sort_once(int64_t *v, uint32_t count)
{
    uint32_t kept = 0;
    for (size_t i = count / 2; i-- > 0;) sift(v, i, count);
    for (size_t end = count; end-- > 1;) {
        int64_t swap = v[0];
        v[0] = v[end];
        v[end] = swap;
        sift(v, 0, end);
    }
    for (uint32_t i = 0; i < count; i++)
        if (kept == 0 || v[kept - 1] != v[i]) v[kept++] = v[i];
    return kept;
}

// Writes value and its neighbours to v, which has room.
static uint32_t add_around(int64_t *v, uint32_t count, int64_t value)
{
    if (value != INT64_MIN) v[count++] = value - 1;
    v[count++] = value;
    if (value != INT64_MAX) v[count++] = value + 1;
    return count;
}

// Appends at most room of the count sorted numbers in v to out, evenly.
static uint32_t append(int64_t *out, uint32_t used, uint32_t room, const int64_t *v, uint32_t count)
{
    uint32_t kept = count < room ? count : room;
    for (uint32_t i = 0; i < kept; i++) out[used + i] = v[(uint64_t)i * count / kept];
    return used + kept;
}

pst_status vflow_find_thresholds(vflow_builder *b, const int64_t **out, uint32_t *count)
{
    const pst_image *image = b->image;
    size_t room = 3 * ((size_t)b->constant_count > 3 * (size_t)image->map_count ? b->constant_count : 3 * (size_t)image->map_count);
    int64_t *some = pst_arena_array(&b->scratch, room, sizeof *some);
    int64_t *all = pst_arena_array(b->arena, THRESHOLDS_MAX, sizeof *all);
    if (!some || !all) return PST_E_NOMEM;
    uint32_t used = (uint32_t)PST_COUNT(g_fixed), n = 0;
    memcpy(all, g_fixed, sizeof g_fixed);
    for (uint32_t i = 0; i < b->constant_count; i++) n = add_around(some, n, b->constants[i]);
    used = append(all, used, THRESHOLDS_MAX - used, some, sort_once(some, n));
    n = 0;
    for (uint32_t i = 0; i < image->map_count; i++) {
        n = add_around(some, n, image->maps[i]->value_size);
        n = add_around(some, n, image->maps[i]->max_entries);
        n = add_around(some, n, image->maps[i]->key_size);
    }
    used = append(all, used, THRESHOLDS_MAX - used, some, sort_once(some, n));
    *out = all;
    *count = sort_once(all, used);
    return PST_OK;
}
