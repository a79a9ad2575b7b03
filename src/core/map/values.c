// values.c: memory and copies of values. See values.h.
#include "core/map/values.h"

#include "pal/pal.h"

#define AREA_PAGES_FROM 16384u

void *core_area_alloc(const pst_env *env, size_t size)
{
    return size >= AREA_PAGES_FROM ? pst_pal_pages_alloc(size) : pst_alloc_zero(env, 1, size);
}

void core_area_free(const pst_env *env, void *area, size_t size)
{
    if (size >= AREA_PAGES_FROM)
        pst_pal_pages_free(area, size);
    else
        pst_free(env, area, size);
}

void core_value_store(void *live, const void *from, uint32_t size)
{
    uint8_t *to = live;
    const uint8_t *at = from;
    for (; size >= 8; size -= 8, to += 8, at += 8) PST_ATOMIC_STORE_RELAXED((uint64_t *)(void *)to, pst_load64(at));
    for (; size > 0; size--) PST_ATOMIC_STORE_RELAXED(to++, *at++);
}

void core_value_load(void *to, const void *live, uint32_t size)
{
    uint8_t *out = to;
    const uint8_t *at = live;
    for (; size >= 8; size -= 8, out += 8, at += 8) pst_store64(out, PST_ATOMIC_LOAD_RELAXED((const uint64_t *)(const void *)at));
    for (; size > 0; size--) *out++ = PST_ATOMIC_LOAD_RELAXED(at++);
}

void core_value_clear(void *live, uint32_t size)
{
    uint8_t *to = live;
    for (; size >= 8; size -= 8, to += 8) PST_ATOMIC_STORE_RELAXED((uint64_t *)(void *)to, (uint64_t)0);
    for (; size > 0; size--) PST_ATOMIC_STORE_RELAXED(to++, (uint8_t)0);
}
