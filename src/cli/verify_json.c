// verify_json.c: an answer as JSON, in the format that issue 3 fixed; for lines of programs and for `postern verify FILE -j`.
#include "cli/verify_work.h"

static void string_if(pst_json *json, const char *key, const char *text)
{
    if (!*text) return;
    pst_json_key(json, key);
    pst_json_string(json, text);
}

static void number(pst_json *json, const char *key, uint64_t value)
{
    pst_json_key(json, key);
    pst_json_u64(json, value);
}

static void finding_json(pst_json *json, const verify_answer *answer)
{
    const pst_finding *f = &verify_verdict(answer)->finding;
    char place[256], reg[8];
    pst_json_key(json, "finding");
    pst_json_object_begin(json);
    if (!answer->bad_input) number(json, "insn", f->pc);
    if (!answer->bad_input && verify_place(answer->image, f->pc, place, sizeof place)) string_if(json, "line", place);
    pst_json_key(json, "kind");
    pst_json_string(json, answer->bad_input ? "input" : pst_finding_kind_text(f->kind));
    pst_json_key(json, "text");
    pst_json_string(json, f->text);
    if (f->reg >= 0) string_if(json, "register", verify_register(f->reg, reg));
    string_if(json, "needed", f->needed);
    string_if(json, "known", f->known);
    string_if(json, "lost", f->lost);
    if (*f->lost && f->lost_pc != UINT32_MAX) {
        number(json, "lost_insn", f->lost_pc);
        if (verify_place(answer->image, f->lost_pc, place, sizeof place)) string_if(json, "lost_line", place);
    }
    string_if(json, "hint", f->hint);
    pst_json_object_end(json);
}

static void states_json(pst_json *json, const pst_verdict *verdict)
{
    pst_json_key(json, "explained");
    pst_json_array_begin(json);
    for (uint32_t i = 0; i < verdict->explained_count; i++) {
        pst_json_object_begin(json);
        number(json, "insn", verdict->explained[i].pc);
        number(json, "frame", verdict->explained[i].frame);
        pst_json_key(json, "state");
        pst_json_string(json, verdict->explained[i].text);
        pst_json_object_end(json);
    }
    pst_json_array_end(json);
}

void verify_json(pst_json *json, const verify_subject *subject, const verify_answer *answer)
{
    static const char *const verdicts[] = {
        [PST_VERDICT_ACCEPT] = "accept", [PST_VERDICT_REJECT] = "reject", [PST_VERDICT_UNSUPPORTED] = "unsupported"};
    const pst_verdict *v = verify_verdict(answer);
    pst_json_key(json, "verdict");
    pst_json_string(json, verdicts[v->kind]);
    if (v->kind != PST_VERDICT_ACCEPT) finding_json(json, answer);
    if (answer->bad_input) return;
    number(json, "insns", subject->count);
    number(json, "states", v->states);
    number(json, "steps", v->steps);
    number(json, "attempts", v->attempts);
    number(json, "loops_bound", v->loops_bound);
    number(json, "metered", v->metered);
    number(json, "stack", v->stack_bytes);
    number(json, "time_us", (v->time_ns + 999) / 1000);
    number(json, "peak_kib", (v->peak_bytes + 1023) / 1024);
    if (v->certificate) {
        number(json, "certificate_bytes", v->certificate_size);
        number(json, "certificate_us", (v->certificate_ns + 999) / 1000);
    }
    if (answer->rechecked_bytes) number(json, "rechecked_bytes", answer->rechecked_bytes);
    if (v->explained_count) states_json(json, v);
}

void verify_report_json(const verify_subject *subject, const verify_answer *answer)
{
    pst_text text;
    pst_json json;
    pst_text_init(&text, cli_env());
    pst_json_init(&json, &text, false);
    pst_json_object_begin(&json);
    string_if(&json, "id", subject->program ? subject->program : "");
    pst_json_key(&json, "section");
    pst_json_string(&json, subject->section);
    pst_json_key(&json, "program");
    pst_json_string(&json, subject->program);
    verify_json(&json, subject, answer);
    pst_json_object_end(&json);
    cli_emit(&text);
}
