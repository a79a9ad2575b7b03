// scalar.c: scalar.h at the widths of eBPF. The code is in scalar_impl.h; here are the widths, and what exists at 64 bits only.
#include "domain/scalar.h"

#define SCALAR_FULL       64
#define SCALAR_HALF       32
#define SCALAR_NAME(name) pst_scalar_##name
#define SCALAR_LINKAGE
#include "domain/scalar_impl.h"

const pst_scalar PST_SCALAR_TOP = {
    .bits = {0, UINT64_MAX},
    .umax = UINT64_MAX,
    .smin = INT64_MIN,
    .smax = INT64_MAX,
    .umax32 = UINT32_MAX,
    .smin32 = INT32_MIN,
    .smax32 = INT32_MAX,
};

static uint64_t swap_low(uint64_t v, unsigned bits)
{
    return PST_BSWAP64(v) >> (64 - bits);
}

pst_scalar pst_scalar_swap(const pst_scalar *a, unsigned bits)
{
    if (pst_scalar_is_const(a)) return pst_scalar_const(swap_low(a->umin, bits));
    pst_scalar low = pst_scalar_extend(a, bits, false), r = PST_SCALAR_TOP;
    r.bits = (pst_tnum){swap_low(low.bits.value, bits), swap_low(low.bits.mask, bits)};
    return pst_scalar_normalise(&r) ? r : PST_SCALAR_TOP;
}
