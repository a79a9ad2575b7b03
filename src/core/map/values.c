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
    if (size & 4) {
        PST_ATOMIC_STORE_RELAXED((uint32_t *)(void *)to, pst_load32(at));
        to += 4, at += 4;
    }
    if (size & 2) {
        PST_ATOMIC_STORE_RELAXED((uint16_t *)(void *)to, pst_load16(at));
        to += 2, at += 2;
    }
    if (size & 1) PST_ATOMIC_STORE_RELAXED(to, *at);
}

void core_value_load(void *to, const void *live, uint32_t size)
{
    uint8_t *out = to;
    const uint8_t *at = live;
    for (; size >= 8; size -= 8, out += 8, at += 8) pst_store64(out, PST_ATOMIC_LOAD_RELAXED((const uint64_t *)(const void *)at));
    if (size & 4) {
        pst_store32(out, PST_ATOMIC_LOAD_RELAXED((const uint32_t *)(const void *)at));
        out += 4, at += 4;
    }
    if (size & 2) {
        pst_store16(out, PST_ATOMIC_LOAD_RELAXED((const uint16_t *)(const void *)at));
        out += 2, at += 2;
    }
    if (size & 1) *out = PST_ATOMIC_LOAD_RELAXED(at);
}

void core_value_clear(void *live, uint32_t size)
{
    static const uint64_t zero[32];
    uint8_t *at = live;
    for (; size > sizeof zero; size -= (uint32_t)sizeof zero, at += sizeof zero) core_value_store(at, zero, sizeof zero);
    core_value_store(at, zero, size);
}
