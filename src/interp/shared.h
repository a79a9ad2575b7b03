// shared.h: what the two interpreters have in common. Internal to this folder.
#ifndef PST_INTERP_SHARED_H
#define PST_INTERP_SHARED_H

#include "base/bits.h"
#include "interp/interp.h"

/// Refuses what neither interpreter can run: PST_E_UNSUPPORTED after one sentence in the log. Instructions that are proved dead may be anything;
/// facts may be NULL.
PST_MUST_USE pst_status interp_check_runnable(const pst_env *env, const pst_image *image, const pst_bindings *bindings, const pst_facts *facts);

/// Whether no run gets to the instruction at pc. facts may be NULL: nothing is known.
PST_INLINE bool interp_is_dead(const pst_facts *facts, uint32_t pc)
{
    return facts && facts->flags && facts->flags[pc] & PST_FACT_DEAD;
}

PST_INLINE bool interp_is_metered(const pst_facts *facts, uint32_t pc)
{
    return facts && facts->flags && facts->flags[pc] & PST_FACT_METERED;
}
PST_INLINE uint64_t interp_meter_turns(const pst_interp_opts *opts)
{
    return opts && opts->meter_turns ? opts->meter_turns : PST_METER_TURNS;
}

/// The helper that can be called under id, or NULL.
const pst_helper *interp_helper(const pst_bindings *bindings, int64_t id);
/// The helper or kfunc that a call instruction means, or NULL.
const pst_helper *interp_callee(const pst_bindings *bindings, const pst_insn *insn);

/// The packet of a run: by the descriptor, or the whole memory in raw mode.
pst_packet_range interp_packet(const pst_bindings *bindings, const pst_run *run);

/// A legacy load: width bits at offset of the packet, from network order. False: outside, the program ends with 0.
PST_MUST_USE bool interp_legacy_load(const pst_bindings *bindings, const pst_run *run, unsigned width, uint64_t offset, uint64_t *out);

/// The program that a tail call goes to, counted in *run; NULL: the call fails and the program goes on.
const pst_exec *interp_tail_target(const pst_bindings *bindings, pst_run *run, uint64_t map, uint64_t index, bool nested);

/// A tail call from a subprogram: the target takes the place of the subprogram, its r0 is what the subprogram returns.
uint64_t interp_tail_nested(const pst_exec *target, pst_run *run);

/// The subprogram whose address value is (see PST_FUNC_TAG), or NULL.
const pst_subprog *interp_func(const pst_image *image, uint64_t value);

/// Frames that a run of image can need: 1 for a program without calls and callbacks, PST_FRAMES_MAX otherwise.
unsigned interp_frames(const pst_image *image);

// Atomic operations. p is aligned; the old value is returned.
PST_INLINE uint64_t interp_atomic64(pst_atomic_op op, void *at, uint64_t v, uint64_t expected)
{
    uint64_t *p = at, found = expected;
    switch (op) {
    case PST_ATOMIC_ADD: return PST_ATOMIC_ADD(p, v);
    case PST_ATOMIC_OR: return PST_ATOMIC_OR(p, v);
    case PST_ATOMIC_AND: return PST_ATOMIC_AND(p, v);
    case PST_ATOMIC_XOR: return PST_ATOMIC_XOR(p, v);
    case PST_ATOMIC_XCHG: return PST_ATOMIC_EXCHANGE(p, v);
    case PST_ATOMIC_CMPXCHG: (void)PST_ATOMIC_CAS(p, &found, v); return found;
    }
    PST_UNREACHABLE();
}

PST_INLINE uint32_t interp_atomic32(pst_atomic_op op, void *at, uint32_t v, uint32_t expected)
{
    uint32_t *p = at, found = expected;
    switch (op) {
    case PST_ATOMIC_ADD: return PST_ATOMIC_ADD(p, v);
    case PST_ATOMIC_OR: return PST_ATOMIC_OR(p, v);
    case PST_ATOMIC_AND: return PST_ATOMIC_AND(p, v);
    case PST_ATOMIC_XOR: return PST_ATOMIC_XOR(p, v);
    case PST_ATOMIC_XCHG: return PST_ATOMIC_EXCHANGE(p, v);
    case PST_ATOMIC_CMPXCHG: (void)PST_ATOMIC_CAS(p, &found, v); return found;
    }
    PST_UNREACHABLE();
}

#endif
