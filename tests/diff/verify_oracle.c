// verify_oracle.c: see verify_oracle.h.
#include "verify_oracle.h"

#include <stdio.h>
#include <string.h>

#include "pal/pal.h"
#include "verify_types.h"

pst_map_view *oracle_find_map(void *user, pst_imm64_op op, int32_t number)
{
    static uint8_t values[VGEN_OWNED_SIZE * 4];
    static const pst_record owned[] = {
        {.kind = PST_RECORD_SPIN_LOCK, .offset = VGEN_OWNED_LOCK, .size = 4},
        {.kind = PST_RECORD_TIMER, .offset = VGEN_OWNED_TIMER, .size = 16},
        {.kind = PST_RECORD_KPTR, .offset = VGEN_OWNED_TASK, .size = 8, .type_name = "task_struct"},
        {.kind = PST_RECORD_KPTR, .offset = VGEN_OWNED_ITEM, .size = 8, .type_id = VGEN_ITEM_TYPE, .type_name = "item"},
    };
    static pst_map_view maps[VGEN_MAPS_END] = {
        [VGEN_ARRAY] = {.type = PST_MAP_ARRAY, .key_size = 4, .value_size = VGEN_ARRAY_SIZE, .max_entries = VGEN_ARRAY_ENTRIES, .id = 103,
                        .values = values, .value_stride = VGEN_ARRAY_SIZE},
        [VGEN_HASH] = {.type = PST_MAP_HASH, .key_size = 8, .value_size = VGEN_HASH_SIZE, .max_entries = 100, .id = 104},
        [VGEN_RING] = {.type = PST_MAP_RINGBUF, .max_entries = 4096, .id = 105},
        [VGEN_GLOBAL] = {.type = PST_MAP_ARRAY, .key_size = 4, .value_size = VGEN_GLOBAL_SIZE, .max_entries = 1, .id = 106,
                         .values = values, .value_stride = VGEN_GLOBAL_SIZE},
        [VGEN_OWNED] = {.type = PST_MAP_ARRAY, .key_size = 4, .value_size = VGEN_OWNED_SIZE, .max_entries = 4, .id = 107, .values = values,
                        .value_stride = VGEN_OWNED_SIZE, .records = owned, .record_count = PST_COUNT(owned)},
        [VGEN_OWNED_HASH] = {.type = PST_MAP_HASH, .key_size = 8, .value_size = VGEN_OWNED_SIZE, .max_entries = 100, .id = 108, .records = owned,
                             .record_count = PST_COUNT(owned)},
    };
    (void)user, (void)op;
    return number >= VGEN_ARRAY && number < VGEN_MAPS_END ? &maps[number] : NULL;
}

typedef struct trial {
    const oracle_options *options;
    const pst_image *image;
    const pst_prog_type *type;
    oracle_report *report;
    uint8_t seen[VGEN_SLOTS_MAX];
    uint64_t turns_max;
    uint32_t stack_max;
    bool is_wrong;
} trial;

// In strict mode: the same run at other addresses must look the same to everybody else.
static bool run_elsewhere(trial *t, machine *m, uint64_t seed)
{
    uint64_t output = m->output;
    machine_end end = m->end;
    *m = (machine){.v = m->v, .image = t->image, .type = t->type, .rng = seed, .hidden = seed * 3 + 2, .seen = t->seen};
    if (machine_run(m) == end && m->output == output) return true;
    snprintf(t->report->why, sizeof t->report->why, "what the run puts out depends on addresses%s%s", *m->why ? ": " : "", m->why);
    return false;
}

// Runs while the kept states are at hand.
static void run_all(void *user, verifier *v)
{
    static machine m; // large; one trial at a time
    trial *t = user;
    if (v->entry_subprog == 0) { // an attempt begins; global functions follow
        t->is_wrong = false;
        t->turns_max = t->stack_max = 0;
        memset(t->seen, 0, sizeof t->seen);
    }
    if (t->options->stable) t->options->stable(t->options->user, v);
    t->report->contexts += (uint32_t)v->engine->context_count;
    uint64_t seed = t->options->seed;
    for (uint32_t i = 0; i < t->options->runs && !t->is_wrong; i++) {
        m = (machine){.v = v, .image = t->image, .type = t->type, .rng = seed, .hidden = seed, .seen = t->seen, .at_head = t->options->at_head,
                      .user = t->options->user};
        machine_end end = machine_run(&m);
        if (end == MACHINE_DONE && v->strict && !run_elsewhere(t, &m, seed)) t->is_wrong = true;
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        if (seed == 0) seed = 1;
        if (m.turns_max > t->turns_max) t->turns_max = m.turns_max;
        if (m.stack_max > t->stack_max) t->stack_max = m.stack_max;
        t->report->runs_done += end == MACHINE_DONE;
        t->report->steps += m.steps;
        t->report->checks += m.checks;
        if (end != MACHINE_WRONG) continue;
        snprintf(t->report->why, sizeof t->report->why, "%s", m.why);
        t->is_wrong = true;
    }
}

static bool wrong(trial *t, uint32_t pc, const char *what)
{
    snprintf(t->report->why, sizeof t->report->why, "at %u: %s", pc, what);
    t->is_wrong = true;
    return false;
}

// What the verdict says beyond the states.
static bool check_facts(trial *t, const pst_verdict *verdict)
{
    const pst_facts *facts = &verdict->facts;
    for (uint32_t pc = 0; pc < t->image->count; pc++) {
        uint8_t flags = facts->flags[pc], seen = t->seen[pc];
        if ((flags & PST_FACT_DEAD) && (seen & SEEN_RUN)) return wrong(t, pc, "an instruction that is said to be dead runs");
        if ((flags & PST_FACT_DIVISOR) && (seen & SEEN_ZERO_DIVISOR)) return wrong(t, pc, "a divisor that is said not to be 0 is 0");
        if ((flags & PST_FACT_NOT_NULL) && (seen & SEEN_NULL)) return wrong(t, pc, "a result that is said not to be null is null");
        if ((flags & PST_FACT_CONTEXT) && ((seen & SEEN_NO_CONTEXT) || facts->context_off[pc])) return wrong(t, pc, "an operand that is said to be the context is not");
    }
    if (t->turns_max > verdict->loops_bound) {
        snprintf(t->report->why, sizeof t->report->why, "a loop turns %llu times, its bound is %llu", (unsigned long long)t->turns_max,
                 (unsigned long long)verdict->loops_bound);
        return false;
    }
    if (t->stack_max > verdict->stack_bytes) {
        snprintf(t->report->why, sizeof t->report->why, "%u bytes of stack are used, %u are said to be", t->stack_max, verdict->stack_bytes);
        return false;
    }
    return true;
}

static oracle_answer answer_of(trial *t, const pst_verdict *verdict)
{
    t->report->finding = verdict->finding;
    t->report->loops_bound = verdict->loops_bound;
    t->report->stack_bytes = verdict->stack_bytes;
    t->report->verifier_steps = verdict->steps;
    t->report->attempts = verdict->attempts;
    if (verdict->kind != PST_VERDICT_ACCEPT) return ORACLE_REJECTED;
    memcpy(t->report->facts, verdict->facts.flags, t->image->count);
    if (verdict->certificate && verdict->certificate_size <= sizeof t->report->certificate) {
        memcpy(t->report->certificate, verdict->certificate, verdict->certificate_size);
        t->report->certificate_size = verdict->certificate_size;
    }
    if (t->is_wrong || !check_facts(t, verdict)) return ORACLE_WRONG;
    return ORACLE_SAFE;
}

static const char *kfunc_name(void *user, uint32_t pc, const pst_insn *insn)
{
    (void)user, (void)pc;
    return insn->imm >= 0 && insn->imm < VGEN_KFUNCS ? vgen_kfunc_names[insn->imm] : NULL;
}

oracle_answer oracle_check(const oracle_options *options, const pst_slot *slots, size_t count, oracle_report *report)
{
    static trial t;
    memset(report, 0, sizeof *report);
    t = (trial){.options = options, .type = pst_prog_type_by_name(vgen_type_names[options->type]), .report = report};
    pst_image_error error = {0};
    pst_image *image = NULL;
    pst_image_input input = {.size = sizeof input, .name = "generated", .prog_type = t.type->number, .gpl_compatible = true, .slots = slots,
                             .count = (uint32_t)count, .find_map = oracle_find_map};
    if (count == 0 || count > VGEN_SLOTS_MAX || pst_image_build(pst_pal_env(), &input, &error, &image) != PST_OK) {
        snprintf(report->why, sizeof report->why, "%u: %s", error.pc, error.text);
        return ORACLE_MALFORMED;
    }
    t.image = image;
    pst_func_info global = {.pc = (uint32_t)options->global_at};
    pst_verify_input verify = {.size = sizeof verify, .image = image, .type = t.type, .kfunc_name = kfunc_name};
    if (options->holds) verify.btf = types_of_programs();
    if (options->holds && global.pc) {
        global.type_id = types_global_function(options->type);
        verify.func_info = &global;
        verify.func_info_count = 1;
    }
    pst_verify_opts opts = {.size = sizeof opts, .mode = options->mode, .states_max = options->states_max, .unroll_max = options->unroll_max, .paths_max = options->paths_max,
                            .steps_max = options->steps_max, .bytes_max = options->bytes_max, .keep_states = true, .certificate = options->certifies};
    vinspector inspector = {.stable = run_all, .user = &t};
    pst_verdict *verdict = NULL;
    oracle_answer answer = ORACLE_FAILED;
    pst_status status = options->certificate ? vinspect_recheck(pst_pal_env(), &verify, &opts, &inspector, options->certificate, options->certificate_size, &verdict)
                                             : vinspect_verify(pst_pal_env(), &verify, &opts, &inspector, &verdict);
    if (status == PST_OK) answer = answer_of(&t, verdict);
    pst_verdict_free(verdict);
    pst_image_free(image);
    return answer;
}

void oracle_print(const pst_slot *slots, size_t count)
{
    pst_text text;
    pst_text_init(&text, pst_pal_env());
    for (size_t pc = 0; pc < count;) {
        pst_insn insn;
        pst_text_format(&text, "%4u: ", (unsigned)pc);
        if (pst_insn_decode(slots + pc, count - pc, &insn) == PST_DECODE_OK) {
            pst_disasm_insn(&text, &insn, pc, NULL);
            pc += insn.kind == PST_KIND_IMM64 ? 2 : 1;
        } else {
            pst_text_format(&text, "?");
            pc++;
        }
        pst_text_format(&text, "\n");
    }
    fputs(pst_text_cstr(&text), stderr);
    pst_text_free(&text);
}

// --- By number ------------------------------------------------------------------------------------------------

oracle_options oracle_options_of(uint64_t number)
{
    oracle_options o = {.type = (vgen_type)(number % VGEN_TYPES), .mode = number % 5 == 4 ? PST_VERIFY_STRICT : PST_VERIFY_PRIVILEGED, .runs = 8,
                        .seed = number * 77 + 1, .steps_max = 100000};
    // Most programs are small: so that they are joined and widened, the limits must be.
    if (number / 3 % 3 == 1) o.states_max = 1, o.unroll_max = 1;
    if (number / 3 % 3 == 2) o.states_max = 3, o.unroll_max = 2;
    o.holds = number >= ORACLE_HOLDS;
    if (number / 7 % 2 == 1) o.paths_max = 1 + number / 14 % 2;
    return o;
}

vgen_source oracle_source_of(uint64_t number)
{
    vgen_source source = {.seed = (number + 1) * 0x9e3779b97f4a7c15u, .holds = number >= ORACLE_HOLDS};
    for (unsigned i = 0; i < 4; i++) (void)vgen_next(&source, 2);
    return source;
}

static oracle_answer check_one(const oracle_options *options, const pst_slot *slots, size_t count, const char *what, uint64_t number, bool prints,
                               oracle_tally *tally)
{
    static oracle_report report;
    oracle_answer answer = oracle_check(options, slots, count, &report);
    tally->checks += report.checks;
    tally->steps += report.steps;
    tally->runs += report.runs_done;
    tally->failed += answer == ORACLE_FAILED;
    tally->by_summary += answer == ORACLE_SAFE && report.contexts;
    if (answer == ORACLE_REJECTED) tally->findings[report.finding.kind]++;
    if (answer != ORACLE_WRONG) return answer;
    tally->wrong++;
    if (!prints) return answer;
    fprintf(stderr, "%s %llu (%s, %s mode, at most %u states, summaries from %u): %s\n", what, (unsigned long long)number, vgen_type_names[options->type],
            options->mode == PST_VERIFY_STRICT ? "strict" : "privileged", options->states_max, options->paths_max, report.why);
    oracle_print(slots, count);
    return answer;
}

static bool check_with_mutants(const oracle_options *options, vgen_source *source, const pst_slot *slots, size_t count, uint64_t number, unsigned mutants,
                               bool prints, oracle_tally *tally)
{
    static pst_slot mutant[VGEN_SLOTS_MAX];
    uint64_t wrong = tally->wrong;
    tally->programs++;
    if (check_one(options, slots, count, "program", number, prints, tally) != ORACLE_SAFE) return wrong == tally->wrong;
    tally->accepted++;
    for (unsigned i = 0; i < mutants; i++) {
        memcpy(mutant, slots, count * sizeof *slots);
        bool changed = options->holds && i % 3 == 0 ? vgen_drop(source, mutant, count) : vgen_mutate(source, mutant, count);
        if (i & 1) changed |= vgen_mutate(source, mutant, count);
        if (!changed) continue;
        tally->mutants++;
        tally->mutants_accepted += check_one(options, mutant, count, "mutant of", number, prints, tally) == ORACLE_SAFE;
    }
    return wrong == tally->wrong;
}

bool oracle_number(uint64_t number, unsigned mutants, bool prints, oracle_tally *tally)
{
    static pst_slot slots[VGEN_SLOTS_MAX];
    oracle_options options = oracle_options_of(number);
    vgen_source source = oracle_source_of(number);
    size_t count = vgen_program(&source, options.type, slots);
    options.global_at = source.global_at;
    return check_with_mutants(&options, &source, slots, count, number, mutants, prints, tally);
}

bool oracle_calls_number(uint64_t number, unsigned mutants, bool prints, oracle_tally *tally)
{
    static pst_slot slots[VGEN_SLOTS_MAX];
    oracle_options options = oracle_options_of(number);
    vgen_source source = oracle_source_of(number);
    size_t count = vgen_calls(&source, options.type, slots);
    options.paths_max = 1 + number % 2;
    return count == 0 || check_with_mutants(&options, &source, slots, count, number, mutants, prints, tally);
}
