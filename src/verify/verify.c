// verify.c: the way of a verification: shape, attempts from coarse to fine, verdict.
//
// An attempt with small limits is fast and proves nearly everything. One that ends with a finding whose state was never joined or widened is final; any
// other is repeated with larger limits, the last of which follow paths as far as the Linux kernel would. So the result has the power of both ways.
#include "verify/verify.h"

#include <stdarg.h>
#include <string.h>

#include "base/format.h"
#include "pal/pal.h"
#include "verify/certificate.h"
#include "verify/explain.h"
#include "verify/inspect.h"
#include "verify/meter.h"

typedef struct verdict_block {
    pst_verdict verdict; // first: what the caller holds
    pst_arena arena;
} verdict_block;

const char *pst_finding_kind_text(pst_finding_kind kind)
{
    static const char *const texts[] = {
#define X(name, text) text,
        PST_FINDING_LIST(X)
#undef X
    };
    return (unsigned)kind < PST_COUNT(texts) ? texts[kind] : "";
}

// --- Findings -------------------------------------------------------------------------------------------------

vstep vreject(verifier *v, pst_finding_kind kind, int reg, const char *fmt, ...)
{
    va_list args;
    pst_finding *f = &v->finding;
    *f = (pst_finding){.kind = kind, .pc = v->pc, .reg = reg, .lost_pc = UINT32_MAX};
    va_start(args, fmt);
    (void)pst_format_v(f->text, sizeof f->text, fmt, args);
    va_end(args);
    v->blurred = v->engine && v->engine->work && v->engine->work->blurred;
    return VSTEP_REJECT;
}

void vneeded(verifier *v, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)pst_format_v(v->finding.needed, sizeof v->finding.needed, fmt, args);
    va_end(args);
}

void vhint(verifier *v, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)pst_format_v(v->finding.hint, sizeof v->finding.hint, fmt, args);
    va_end(args);
}

uint32_t *verifier_scratch(verifier *v, uint32_t count)
{
    if (count > v->scratch_capacity) {
        uint32_t capacity = count * 2 > 1024 ? count * 2 : 1024;
        uint32_t *more = pst_alloc(v->env, capacity * sizeof *more);
        if (!more) {
            v->starved = true;
            return NULL;
        }
        pst_free(v->env, v->scratch, v->scratch_capacity * sizeof *v->scratch);
        v->scratch = more;
        v->scratch_capacity = capacity;
    }
    memset(v->scratch, 0, count * sizeof *v->scratch);
    return v->scratch;
}

pst_scalar *verifier_scalars(verifier *v, uint32_t count)
{
    if (count > v->scalars_capacity) {
        uint32_t capacity = count * 2 > 64 ? count * 2 : 64;
        pst_scalar *more = pst_alloc(v->env, capacity * sizeof *more);
        if (!more) {
            v->starved = true;
            return NULL;
        }
        pst_free(v->env, v->scalars, v->scalars_capacity * sizeof *v->scalars);
        v->scalars = more;
        v->scalars_capacity = capacity;
    }
    return v->scalars;
}

// --- Attempts -------------------------------------------------------------------------------------------------

#define METER_SHARE 30u // of the instructions to walk, in percent, beyond what the other attempts may take

typedef struct limits {
    uint32_t states_max, unroll_max;
    uint32_t paths_max;
    unsigned share; // of the instructions to walk, in percent
    bool meter;
} limits;

static void begin_attempt(verifier *v)
{
    uint32_t count = v->image->count;
    memset(v->fact_flags, 0, count);
    memset(v->fact_denied, 0, count);
    memset(v->fact_context, 0, count * sizeof *v->fact_context);
    memset(v->insn_seen, 0, count * sizeof *v->insn_seen);
    vfacts_reset(v);
    for (uint32_t i = 0; i < v->image->subprog_count; i++) {
        v->sub_flags[i] &= (uint8_t)~(VSUB_VERIFIED | VSUB_WANTED | VSUB_ASYNC);
        v->sub_stack[i] = 0;
    }
    v->finding = (pst_finding){.reg = -1, .lost_pc = UINT32_MAX};
    v->blurred = false;
    v->status = PST_OK;
}

pst_status verifier_walk(verifier *v, verifier_visit *visit, void *user)
{
    begin_attempt(v);
    v->engine->loops_bound = 0;
    vmeter_begin(v);
    for (uint32_t entry = 0; entry != VFLOW_NONE; entry = vcall_next_global(v)) {
        v->entry_subprog = entry;
        v->sub_flags[entry] |= VSUB_VERIFIED;
        pst_status status = vengine_run(v);
        if (status == PST_OK && visit) status = visit(v, user);
        vengine_reset(v);
        if (status != PST_OK || v->finding.kind != PST_FINDING_NONE) return status;
    }
    vstep step = vcall_stack_check(v);
    return step == VSTEP_NOMEM ? PST_E_NOMEM : PST_OK;
}

typedef struct keeper {
    pst_arena *arena;
    pst_verdict *verdict;
} keeper;

static pst_status keep_walk(verifier *v, void *user)
{
    const keeper *k = user;
    k->verdict->states += (uint32_t)v->engine->slot_count;
    if (v->inspector) {
        if (v->finding.kind == PST_FINDING_NONE) v->inspector->stable(v->inspector->user, v);
    } else if (v->opts.keep_states) {
        return vexplain_states(v, k->arena, k->verdict);
    }
    return PST_OK;
}

// Steps that are enough for straight code, and some comparisons.
static uint64_t once_through(const verifier *v)
{
    uint64_t steps = (uint64_t)v->image->count + v->image->count / 16;
    return steps < v->opts.steps_max ? steps : v->opts.steps_max;
}

static pst_status attempt(verifier *v, const limits *l, pst_arena *arena, pst_verdict *verdict)
{
    vengine *e = v->engine;
    keeper k = {arena, verdict};
    e->states_max = l->states_max;
    e->unroll_max = l->unroll_max;
    e->exits_max = l->states_max;
    e->paths_max = v->opts.paths_max && !l->meter ? v->opts.paths_max : l->paths_max;
    v->loop_marks = l->meter ? v->loop_marks_kept : NULL;
    e->steps_max = vengine_cost(v) + v->opts.steps_max / 100 * l->share;
    // Code is to be walked once at least; then there is nothing left for a second look at so much of it.
    if (verdict->attempts == 1 && e->steps_max < once_through(v)) e->steps_max = once_through(v);
    verdict->states = 0;
    verdict->explained_count = 0;
    return verifier_walk(v, keep_walk, &k);
}

// A large program gets a first look that is sure to end: as many states at a place as the share of steps has room for.
static void fit_size(const verifier *v, limits *l)
{
    uint64_t room = v->opts.steps_max / 100 * l->share / v->image->count;
    uint32_t states = room > 2 ? (uint32_t)(room < UINT32_MAX ? room : UINT32_MAX) : 2;
    if (v->opts.states_max) l->states_max = v->opts.states_max;
    if (v->opts.unroll_max) l->unroll_max = v->opts.unroll_max;
    if (states < l->states_max) l->states_max = states;
    if (states < l->unroll_max) l->unroll_max = states;
}

// Where a look at some states of a place is too much, one at very few of them may do: calls multiply the places. It is followed by the finest look.
static pst_status attempts(verifier *v, pst_arena *arena, pst_verdict *verdict)
{
    static const limits ladder[] = {{24, 12, 64, 25, false}, {128, 64, 256, 30, false}, {1024, 8192, 4096, 45, false}}, few = {3, 3, 8, 25, false};
    pst_finding first = {0};
    unsigned next = 1;
    limits l = ladder[0];
    for (bool is_few = false;;) {
        if (!is_few && l.states_max < v->opts.states_max) l.states_max = v->opts.states_max;
        if (!is_few && l.unroll_max < v->opts.unroll_max) l.unroll_max = v->opts.unroll_max;
        if (verdict->attempts == 0) fit_size(v, &l);
        verdict->attempts++;
        PST_TRY(attempt(v, &l, arena, verdict));
        bool complex = v->finding.kind == PST_FINDING_COMPLEXITY;
        if (v->finding.kind == PST_FINDING_NONE || (!v->blurred && !complex)) return PST_OK;
        // "Too complex" is no reason; what a coarser look missed is one.
        if (complex && first.kind) v->finding = first;
        else first = v->finding;
        if (next == PST_COUNT(ladder) || vengine_cost(v) > v->opts.steps_max / 100 * 75) return PST_OK;
        is_few = complex && verdict->attempts == 1;
        if (is_few) next = PST_COUNT(ladder) - 1;
        l = is_few ? few : ladder[next++];
    }
}

// Loops are metered only where no look at them, however fine, found a bound.
static pst_status attempt_metered(verifier *v, pst_arena *arena, pst_verdict *verdict)
{
    limits l = {24, 12, UINT32_MAX, METER_SHARE, true}; // no calls by summary: what a caller holds must be seen
    pst_finding first = v->finding;
    fit_size(v, &l);
    verdict->attempts++;
    PST_TRY(attempt(v, &l, arena, verdict));
    if (v->finding.kind == PST_FINDING_COMPLEXITY) v->finding = first;
    return PST_OK;
}

static pst_status prove_by_search(verifier *v, pst_arena *arena, pst_verdict *verdict, void *user)
{
    (void)user;
    PST_TRY(attempts(v, arena, verdict));
    return v->finding.kind == PST_FINDING_TERMINATION && v->opts.meter_loops ? attempt_metered(v, arena, verdict) : PST_OK;
}

// --- The whole ------------------------------------------------------------------------------------------------

static void fill_defaults(verifier *v, const pst_verify_opts *opts)
{
    if (opts) memcpy(&v->opts, opts, opts->size < sizeof v->opts ? opts->size : sizeof v->opts);
    pst_verify_opts *o = &v->opts;
    if (!o->steps_max) o->steps_max = 1000000;
    if (!o->bytes_max) o->bytes_max = 56u << 20; // and what is not counted as states
    if (!o->stack_max) o->stack_max = 512;
    if (!o->turns_max) o->turns_max = UINT32_MAX;
    v->strict = o->mode == PST_VERIFY_STRICT;
}

static bool alloc_tables(verifier *v)
{
    uint32_t count = v->image->count;
    v->fact_flags = pst_arena_array(&v->arena, count, sizeof *v->fact_flags);
    v->fact_denied = pst_arena_array(&v->arena, count, sizeof *v->fact_denied);
    v->fact_context = pst_arena_array(&v->arena, count, sizeof *v->fact_context);
    v->insn_seen = pst_arena_array(&v->arena, count, sizeof *v->insn_seen);
    return v->fact_flags && v->fact_denied && v->fact_context && v->insn_seen && vfacts_alloc(v);
}

// What repairs a finding of this kind in general, for those that know nothing better.
static const char *general_hint(pst_finding_kind kind)
{
    switch (kind) {
    case PST_FINDING_STRUCTURE: return "compilers do not make this: build the program anew, or mend what wrote it by hand";
    case PST_FINDING_UNREACHABLE: return "remove what is never reached, or build with optimisation";
    case PST_FINDING_RECURSION: return "turn the recursion into a loop, with what is still to be done in an array";
    case PST_FINDING_CALL_DEPTH: return "let the compiler inline some of the functions (__always_inline)";
    case PST_FINDING_HELPER: return "'postern show helpers TYPE' lists what programs of a type may call";
    case PST_FINDING_ITERATOR: return "make the iterator with its _new, ask it with its _next, and end it with its _destroy, all by the same variable";
    case PST_FINDING_CALLBACK: return "a callback is a static function with the parameters that its helper documents, and returns 0 or 1";
    case PST_FINDING_COMPLEXITY: return "make loops simpler, or split the program into global functions, which are verified on their own";
    case PST_FINDING_BTF: return "build with -g, so that the object has the types of the program";
    case PST_FINDING_INSTRUCTION: return "build for a processor version and a program type that have the instruction (-mcpu=v3)";
    case PST_FINDING_UNSUPPORTED: return "this host's descriptions do not know it: use another helper, or describe it in the catalog";
    case PST_FINDING_ALIGNMENT: return "copy the bytes to a variable of their type first (__builtin_memcpy), or access them one by one";
    case PST_FINDING_POINTER_ARITHMETIC: return "compute with numbers first, bound the result, and add that to the pointer";
    case PST_FINDING_READ_ONLY: return "copy what is to be changed to the stack or to a map's value";
    case PST_FINDING_LOCK: return "on every path, end once what was begun: the same lock, section or flags, before anything that may not run inside";
    case PST_FINDING_DYNPTR: return "a dynptr is made, read, written and given back by its helpers only";
    case PST_FINDING_POINTER_LEAK: return "let numbers leave the program, not pointers";
    case PST_FINDING_MAP: return "check the map's type, and what programs of this type may do with it";
    case PST_FINDING_CONTEXT: return "read and write whole fields of the context's struct, by the types that they have there";
    case PST_FINDING_TYPE:
    case PST_FINDING_ARGUMENT: return "see what the call's prototype wants in this register";
    case PST_FINDING_CERTIFICATE: return "make it anew, from this very program and with the same mode: 'postern verify FILE --certificate OUT'";
    case PST_FINDING_NONE:
    case PST_FINDING_STACK_DEPTH:
    case PST_FINDING_UNINITIALISED:
    case PST_FINDING_NULL_POINTER:
    case PST_FINDING_BOUNDS:
    case PST_FINDING_REFERENCE:
    case PST_FINDING_RETURN:
    case PST_FINDING_TERMINATION: return "";
    }
    PST_UNREACHABLE();
}

static void fill_verdict(verifier *v, pst_verdict *verdict)
{
    if (!v->finding.hint[0]) vhint(v, "%s", general_hint(v->finding.kind));
    verdict->finding = v->finding;
    verdict->kind = v->finding.kind == PST_FINDING_NONE ? PST_VERDICT_ACCEPT
                    : v->finding.kind == PST_FINDING_UNSUPPORTED ? PST_VERDICT_UNSUPPORTED : PST_VERDICT_REJECT;
    verdict->mode = v->opts.mode;
    verdict->steps = v->steps;
    verdict->loops_bound = v->engine->loops_bound;
    verdict->metered = v->metered;
    verdict->peak_bytes = v->bytes_peak + v->arena.used_bytes;
    verdict->stack_bytes = v->chain_stack;
}

static pst_status prove_shaped(verifier *v, verdict_block *block, verifier_prove *prove, void *user)
{
    pst_verdict *verdict = &block->verdict;
    if (!alloc_tables(v)) return PST_E_NOMEM;
    PST_TRY(vflow_build(&v->arena, v->input, &v->finding, &v->flow));
    if (v->finding.kind == PST_FINDING_NONE) PST_TRY(vcall_prepare(v));
    if (v->opts.meter_loops && !(v->loop_marks_kept = pst_arena_array(&v->arena, v->flow.loop_count + 1, 1))) return PST_E_NOMEM;
    v->loop_marks = v->loop_marks_kept;
    if (v->finding.kind == PST_FINDING_NONE) PST_TRY(prove(v, &block->arena, verdict, user));
    fill_verdict(v, verdict);
    return verdict->kind == PST_VERDICT_ACCEPT ? vfacts_keep(v, &block->arena, &verdict->facts) : PST_OK;
}

static void free_all(verifier *v)
{
    vengine_reset(v);
    vstate_free_spare(v);
    pst_free(v->env, v->scratch, v->scratch_capacity * sizeof *v->scratch);
    pst_free(v->env, v->scalars, v->scalars_capacity * sizeof *v->scalars);
    pst_arena_free(&v->arena);
}

pst_status verifier_run(const pst_env *env, const pst_verify_input *input, const pst_verify_opts *opts, const vinspector *inspector,
                        verifier_prove *prove, void *user, pst_verdict **out)
{
    *out = NULL;
    if (input->size < sizeof *input || !input->image || !input->type) return PST_E_INVALID;
    pst_arena arena;
    pst_arena_init(&arena, env, 0);
    verdict_block *block = pst_arena_alloc(&arena, sizeof *block);
    if (!block) return PST_E_NOMEM;
    block->arena = arena;
    uint64_t begin = pst_pal_time_ns();
    vengine engine = {0};
    verifier v = {.env = env, .input = input, .image = input->image, .type = input->type, .engine = &engine, .inspector = inspector,
                  .finding = {.reg = -1, .lost_pc = UINT32_MAX}};
    fill_defaults(&v, opts);
    pst_arena_init(&v.arena, env, 0);
    pst_status status = prove_shaped(&v, block, prove, user);
    block->verdict.time_ns = pst_pal_time_ns() - begin;
    if (status == PST_OK && v.opts.certificate && block->verdict.kind == PST_VERDICT_ACCEPT) status = vcertify(&v, &block->arena, &block->verdict);
    free_all(&v);
    if (status != PST_OK) pst_verdict_free(&block->verdict);
    else *out = &block->verdict;
    return status;
}

pst_status vinspect_verify(const pst_env *env, const pst_verify_input *input, const pst_verify_opts *opts, const vinspector *inspector,
                           pst_verdict **out)
{
    return verifier_run(env, input, opts, inspector, prove_by_search, NULL, out);
}

pst_status pst_verify(const pst_env *env, const pst_verify_input *input, const pst_verify_opts *opts, pst_verdict **out)
{
    return vinspect_verify(env, input, opts, NULL, out);
}

void pst_verdict_free(pst_verdict *verdict)
{
    if (!verdict) return;
    pst_arena arena = ((verdict_block *)(void *)verdict)->arena; // it lives in itself
    pst_arena_free(&arena);
}
