// facts.c: what was proved about single instructions, joined over all states that were walked, for engines.
//
// A fact is handed out only if it held in every state in which the instruction was interpreted; the states of the last attempt cover every run. Ranges
// of values cost time at each instruction, so they are collected only when somebody asks (opts.value_facts).
#include <string.h>

#include "verify/verifier.h"

typedef enum vseen { VSEEN_NEVER, VSEEN_SAME, VSEEN_MANY } vseen;

typedef struct vfact_call {
    vseen map_seen, key_seen;
    uint32_t map;
    int64_t key;
} vfact_call;

typedef struct vfact_value {
    bool seen;
    pst_scalar known;
} vfact_value;

bool vfacts_alloc(verifier *v)
{
    uint32_t count = v->image->count;
    v->fact_calls = pst_arena_array(&v->arena, count, sizeof *v->fact_calls);
    if (v->opts.value_facts) v->fact_values = pst_arena_array(&v->arena, count, sizeof *v->fact_values);
    return v->fact_calls && (v->fact_values || !v->opts.value_facts);
}

void vfacts_reset(verifier *v)
{
    uint32_t count = v->image->count;
    memset(v->fact_calls, 0, count * sizeof *v->fact_calls);
    if (v->fact_values) memset(v->fact_values, 0, count * sizeof *v->fact_values);
}

void vfacts_call(verifier *v, uint32_t map, int64_t key)
{
    vfact_call *fact = &v->fact_calls[v->pc];
    bool same_map = map != VFLOW_NONE && (fact->map_seen == VSEEN_NEVER || (fact->map_seen == VSEEN_SAME && fact->map == map));
    bool same_key = key >= 0 && (fact->key_seen == VSEEN_NEVER || (fact->key_seen == VSEEN_SAME && fact->key == key));
    fact->map_seen = same_map ? VSEEN_SAME : VSEEN_MANY;
    fact->key_seen = same_key ? VSEEN_SAME : VSEEN_MANY;
    fact->map = map;
    fact->key = key;
}

// The register that the instruction sets to a number; PST_REG_FP: none.
static unsigned result_of(const pst_insn *insn)
{
    switch ((pst_kind)insn->kind) {
    case PST_KIND_ALU:
    case PST_KIND_SWAP:
    case PST_KIND_IMM64:
    case PST_KIND_LOAD:
    case PST_KIND_LOAD_ACQUIRE: return insn->dst;
    case PST_KIND_ATOMIC:
        if (!(insn->flags & PST_INSN_FETCH)) return PST_REG_FP;
        return insn->op == PST_ATOMIC_CMPXCHG ? 0 : insn->src;
    case PST_KIND_CALL: return insn->op == PST_CALL_HELPER || insn->op == PST_CALL_KFUNC ? 0 : PST_REG_FP;
    case PST_KIND_LEGACY_LOAD: return 0;
    case PST_KIND_PADDING:
    case PST_KIND_STORE:
    case PST_KIND_STORE_RELEASE:
    case PST_KIND_JUMP:
    case PST_KIND_BRANCH:
    case PST_KIND_MAY_GOTO:
    case PST_KIND_EXIT:
    case PST_KIND_CAST: return PST_REG_FP;
    }
    PST_UNREACHABLE();
}

void vfacts_value(verifier *v, const vstate *s, const pst_insn *insn)
{
    unsigned reg = result_of(insn);
    if (reg == PST_REG_FP) return;
    // Two instructions that were taken as one set the register of the second: so does the first, to something else.
    vvalue value = vreg(s, reg);
    bool plain = value.kind == V_NUMBER && v->go == VFLOW_NONE;
    pst_scalar known = plain ? vvalue_scalar(s, &value) : PST_SCALAR_TOP;
    vfact_value *fact = &v->fact_values[v->pc];
    fact->known = fact->seen ? pst_scalar_join(&fact->known, &known) : known;
    fact->seen = true;
}

// The 64-bit operation on operands without upper halves has the 32-bit result if that has no upper half either: addition, subtraction,
// multiplication and the bitwise ones agree modulo 2^32; unsigned division and the shifts are the same computation. Signed ones are not.
void vfacts_operands(verifier *v, pst_scalar_op op, const pst_scalar *a, const pst_scalar *b)
{
    bool agrees = op != PST_SCALAR_SDIV && op != PST_SCALAR_SMOD && op != PST_SCALAR_ARSH;
    bool shifts = op == PST_SCALAR_LSH || op == PST_SCALAR_RSH;
    bool holds = agrees && a->umax <= UINT32_MAX && b->umax <= (shifts ? 31 : UINT32_MAX);
    if (holds) {
        pst_scalar whole = pst_scalar_alu(op, 64, a, b);
        holds = whole.umax <= UINT32_MAX;
    }
    vfact(v, PST_FACT_UPPER_ZERO, holds);
}

static pst_fact_call kept_call(const vfact_call *fact)
{
    pst_fact_call out = {0};
    if (fact->map_seen != VSEEN_SAME || fact->map >= UINT16_MAX) return out;
    out.map = (uint16_t)(fact->map + 1);
    out.has_key = fact->key_seen == VSEEN_SAME && fact->key <= UINT32_MAX;
    out.key = out.has_key ? (uint32_t)fact->key : 0;
    return out;
}

pst_status vfacts_keep(const verifier *v, pst_arena *arena, pst_facts *out)
{
    uint32_t count = v->image->count;
    uint8_t *flags = pst_arena_array(arena, count, sizeof *flags);
    int16_t *context = pst_arena_array(arena, count, sizeof *context);
    pst_fact_call *calls = pst_arena_array(arena, count, sizeof *calls);
    pst_fact_value *values = v->fact_values ? pst_arena_array(arena, count, sizeof *values) : NULL;
    if (!flags || !context || !calls || (v->fact_values && !values)) return PST_E_NOMEM;
    for (uint32_t pc = 0; pc < count; pc++) {
        // What was never interpreted is dead; every other fact must have held each time.
        flags[pc] = (v->fact_flags[pc] | PST_FACT_DEAD) & (uint8_t)~v->fact_denied[pc];
        calls[pc] = kept_call(&v->fact_calls[pc]);
        if (!values) continue;
        const pst_scalar *known = v->fact_values[pc].seen ? &v->fact_values[pc].known : &PST_SCALAR_TOP;
        values[pc] = (pst_fact_value){known->umin, known->umax, known->bits.value, known->bits.mask};
    }
    memcpy(context, v->fact_context, count * sizeof *context);
    *out = (pst_facts){.flags = flags, .context_off = context, .calls = calls, .values = values};
    return PST_OK;
}
