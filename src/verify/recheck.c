// recheck.c: proves a program anew from a certificate, in one pass: what is kept at joins is read, not searched for.
//
// The walk is the engine's, from the entry states along straight lines, with every check on the way (walk in engine.c and all that it calls). What is
// different is here: a state that arrives at a join is inside of one that the certificate names, which vmerge_covers has to confirm, or makes one
// that covers it, which vmerge_covers has to confirm too. So when nothing is left to walk, every run is described by the states that were walked,
// whatever the certificate said. That loops end is terminate.c's to prove, from the counts in those states. README.md of this folder tells why that is
// enough, and what is not trusted.
#include <string.h>

#include "verify/certificate.h"
#include "verify/inspect.h"

#define SKIPPED_PER_COMPARISON 16u // states of a place that are passed over in the time of a comparison

static vstep refuse(verifier *v)
{
    return vreject(v, PST_FINDING_CERTIFICATE, -1, "the certificate does not prove this program: what arrives behind this instruction is not inside of the state that it names");
}

// s is inside of the state that is `covering` places behind the newest one.
static vstep follow(verifier *v, const vstate *s, const varrival *a, uint64_t covering)
{
    const vengine *e = v->engine;
    uint32_t at = e->locations[a->location].slots;
    for (uint64_t i = 0; i < covering && at != VFLOW_NONE; i++) {
        at = e->slots[at].next;
        v->compared += i % SKIPPED_PER_COMPARISON == 0;
    }
    if (e->script->coder.failed || at == VFLOW_NONE) return vcertificate_malformed(v);
    if (!VPLANT(91) && !vmerge_covers(v, e->slots[at].state, s)) return refuse(v);
    return VPLANT(93) ? VSTEP_END : vengine_add_edge(v, a, at);
}

static vstep make_state(verifier *v, vstate *s, const vstate *want, bool *same)
{
    vscript *k = v->engine->script;
    vstep step = vcertificate_state(v, k, s, want, same);
    if (step != VSTEP_NEXT || *same || VPLANT(92) || vmerge_covers(v, k->room, s)) return step;
    return refuse(v);
}

// Writing: what cannot be said as a difference is kept as it arrives.
static vstep write_state(verifier *v, vstate *s, const vstate *want, bool *same)
{
    vscript *k = v->engine->script;
    *same = !want || vmerge_covers(v, s, want);
    if (*same) return make_state(v, s, NULL, same);
    vcoder coder = k->coder;
    vmodel *model = &k->saved;
    uint64_t recent[VRECENT];
    *model = k->model;
    memcpy(recent, k->recent, sizeof recent);
    vstep step = make_state(v, s, want, same);
    if (step != VSTEP_REJECT || k->coder.status != PST_OK) return step;
    v->finding.kind = PST_FINDING_NONE;
    coder.out = k->coder.out, coder.capacity = k->coder.capacity;
    k->coder = coder;
    k->model = *model;
    memcpy(k->recent, recent, sizeof recent);
    *same = true;
    return make_state(v, s, NULL, same);
}

vstep vscript_arrive(verifier *v, vstate *s, const varrival *a)
{
    vengine *e = v->engine;
    vscript *k = e->script;
    bool is_first = e->locations[a->location].slots == VFLOW_NONE, same = false;
    uint32_t covering = VFLOW_NONE, at;
    const vstate *want = k->coder.writes ? vcertify_choose(v, k, s, a->location, &covering) : NULL;
    v->compared++;
    if (!is_first && !vcode_bit(&k->coder, &k->model.is_new[v->flow.blocks[s->block].is_head], covering == VFLOW_NONE))
        return follow(v, s, a, vcode_number(&k->coder, &k->model.covering, covering));
    vstep step = k->coder.writes ? write_state(v, s, want, &same) : make_state(v, s, NULL, &same);
    if (step != VSTEP_NEXT) return step;
    step = vengine_keep(v, same ? s : k->room, a, &at);
    return step == VSTEP_END ? vengine_add_edge(v, a, at) : step;
}

void vscript_limits(verifier *v, vscript *k, bool metered, uint32_t paths_max)
{
    vengine *e = v->engine;
    metered = vcode_bit(&k->coder, &k->model.metered, metered);
    v->loop_marks = metered ? v->loop_marks_kept : NULL; // NULL too where opts do not allow it: then such a loop is a finding
    e->paths_max = metered ? UINT32_MAX : VCERTIFICATE_PATHS; // what a caller holds must be seen
    if (!metered && vcode_bit(&k->coder, &k->model.paths[0], paths_max != VCERTIFICATE_PATHS))
        e->paths_max = vcode_bit(&k->coder, &k->model.paths[1], paths_max == VCERTIFICATE_PATHS_ONE) ? VCERTIFICATE_PATHS_ONE : VCERTIFICATE_PATHS_MANY;
    e->exits_max = VCERTIFICATE_EXITS;
}

// --- The whole --------------------------------------------------------------------------------------------------------

// Whether nothing is left of what was read. No proof depends on it, so tests that plant mistakes may leave it out.
static bool is_whole(vscript *k)
{
    return vcoder_finish(&k->coder) || VPLANT(90) || VPLANT(91) || VPLANT(92) || VPLANT(93);
}

typedef struct bytes {
    const void *bytes;
    size_t size;
} bytes;

static vstep open_certificate(verifier *v, vscript *k, const bytes *in)
{
    pst_cursor cursor = pst_cursor_make(in->bytes, in->size);
    uint8_t version, rules;
    v->pc = 0;
    if (in->size > VCERTIFICATE_MAX) return vreject(v, PST_FINDING_CERTIFICATE, -1, "the certificate is larger than %u bytes", (unsigned)VCERTIFICATE_MAX);
    if (!pst_cursor_u8(&cursor, &version) || !pst_cursor_u8(&cursor, &rules))
        return vreject(v, PST_FINDING_CERTIFICATE, -1, "the certificate is shorter than its head");
    if (version != VCERTIFICATE_VERSION)
        return vreject(v, PST_FINDING_CERTIFICATE, -1, "the certificate is of version %u, and only %u is known here", version, VCERTIFICATE_VERSION);
    if (rules != vcertificate_rules(v))
        return vreject(v, PST_FINDING_CERTIFICATE, -1, "the certificate was made for another mode, or other rules of alignment, than it is checked for");
    vcoder_read(&k->coder, cursor);
    return VSTEP_NEXT;
}

static pst_status count_states(verifier *v, void *user)
{
    pst_verdict *verdict = user;
    verdict->states += (uint32_t)v->engine->slot_count;
    if (v->inspector && v->finding.kind == PST_FINDING_NONE) v->inspector->stable(v->inspector->user, v);
    return PST_OK;
}

static pst_status prove_by(verifier *v, pst_arena *arena, pst_verdict *verdict, void *user)
{
    (void)arena;
    vengine *e = v->engine;
    vscript *k = pst_arena_alloc(&v->arena, sizeof *k);
    if (!k) return PST_E_NOMEM;
    vscript_init(k);
    verdict->attempts = 1;
    v->opts.keep_states = v->inspector != NULL;
    v->opts.certificate = false;
    if (open_certificate(v, k, user) != VSTEP_NEXT) return PST_OK;
    e->script = k;
    e->is_trial = true;
    vscript_limits(v, k, false, 0);
    e->steps_max = v->opts.steps_max;
    pst_status status = verifier_walk(v, count_states, verdict);
    if (status == PST_OK && v->finding.kind == PST_FINDING_NONE && !is_whole(k))
        (void)vreject(v, PST_FINDING_CERTIFICATE, -1, "the certificate is longer or shorter than its proof");
    vscript_free(v, k);
    e->script = NULL;
    // Without memory states know less than the certificate says: that is no answer.
    return v->starved && v->finding.kind != PST_FINDING_NONE ? PST_E_NOMEM : status;
}

pst_status vinspect_recheck(const pst_env *env, const pst_verify_input *input, const pst_verify_opts *opts, const vinspector *inspector,
                            const void *certificate, size_t size, pst_verdict **out)
{
    bytes in = {certificate, size};
    return verifier_run(env, input, opts, inspector, prove_by, &in, out);
}

pst_status pst_recheck(const pst_env *env, const pst_verify_input *input, const pst_verify_opts *opts, const void *certificate, size_t size,
                       pst_verdict **out)
{
    return vinspect_recheck(env, input, opts, NULL, certificate, size, out);
}
