// verify_text.c: an answer for people, in the manner of a good compiler: what, where, why, and what to do.
#include <string.h>

#include "cli/verify_path.h"

#define INSNS_BEFORE 4u // instructions shown before the one that is meant
#define INSNS_AFTER 1u
#define PATH_SHOWN 16u

typedef struct report {
    pst_text *out;
    const verify_subject *subject;
    const verify_answer *answer;
} report;

static void coloured(const report *r, cli_colour colour, const char *text)
{
    pst_text_format(r->out, "%s%s%s", cli_colour_on(colour), text, cli_colour_off());
}

static const pst_line *line_at(const report *r, uint32_t pc)
{
    return verify_line_at(r->answer->image, pc);
}

// "prog.c:31" or nothing, and the text of the line.
static void place(const report *r, uint32_t pc)
{
    char text[256];
    if (!verify_place(r->answer->image, pc, text, sizeof text)) return;
    pst_text_format(r->out, "%s%s%s  %s", cli_colour_on(CLI_CYAN), text, cli_colour_off(), verify_trimmed(line_at(r, pc)->text));
}

// --- Source and instructions -------------------------------------------------------------------------------------------

static void caret(const report *r, const pst_line *line, const char *shown, int width)
{
    size_t indent = (size_t)(shown - line->text), column = line->column;
    if (column <= indent || column - 1 - indent >= strlen(shown)) return;
    pst_text_format(r->out, "\n  %*s | %*s", width, "", (int)(column - 1 - indent), "");
    coloured(r, CLI_RED, "^");
}

static void source(const report *r, uint32_t pc)
{
    char text[256];
    const pst_line *line = line_at(r, pc);
    if (!line || !verify_place(r->answer->image, pc, text, sizeof text)) return;
    const char *shown = verify_trimmed(line->text);
    pst_text number;
    pst_text_init(&number, cli_env());
    pst_text_format(&number, "%u", line->line);
    int width = (int)number.size;
    pst_text_format(r->out, "\n  %*s", width, "");
    coloured(r, CLI_CYAN, "-->");
    pst_text_format(r->out, " %s", text);
    if (line->column) pst_text_format(r->out, ":%u", line->column);
    pst_text_format(r->out, "\n  %*s |\n  ", width, "");
    coloured(r, CLI_CYAN, pst_text_cstr(&number));
    pst_text_format(r->out, " | %s", shown);
    caret(r, line, shown, width);
    pst_text_format(r->out, "\n  %*s |", width, "");
    pst_text_free(&number);
}

static uint32_t slots_at(const verify_subject *s, uint32_t pc)
{
    return s->slots[pc].opcode == 0x18 && pc + 1 < s->count ? 2 : 1;
}

static void instructions(const report *r, uint32_t pc)
{
    const verify_subject *s = r->subject;
    uint32_t first[INSNS_BEFORE + 1] = {0}, kept = 0, at = 0, shown = 0;
    if (pc >= s->count) return;
    for (; at < pc; at += slots_at(s, at)) first[kept++ % (INSNS_BEFORE + 1)] = at;
    uint32_t back = kept < INSNS_BEFORE ? kept : INSNS_BEFORE;
    at = back ? first[(kept - back) % (INSNS_BEFORE + 1)] : pc;
    for (; at < s->count && shown < back + 1 + INSNS_AFTER; at += slots_at(s, at), shown++) {
        bool meant = at == pc;
        pst_text_format(r->out, "\n  %s%s %6u: ", meant ? cli_colour_on(CLI_RED) : cli_colour_on(CLI_DIM), meant ? ">" : " ", at);
        verify_disassemble(s, at, r->out);
        pst_text_add(r->out, cli_colour_off());
    }
}

// --- The finding -------------------------------------------------------------------------------------------------------

static void row(const report *r, const char *label, const char *text)
{
    if (!*text) return;
    pst_text_format(r->out, "\n  %s%-9s%s %s", cli_colour_on(CLI_BOLD), label, cli_colour_off(), text);
}

static void decision(const report *r, const verify_decision *d)
{
    pst_text insn;
    pst_text_init(&insn, cli_env());
    verify_disassemble(r->subject, d->pc, &insn);
    pst_text_format(r->out, "\n    %6u: %-28s %s%-8s%s ", d->pc, pst_text_cstr(&insn), cli_colour_on(CLI_YELLOW), d->jumps ? "jumps" : "goes on",
                    cli_colour_off());
    place(r, d->pc);
    pst_text_free(&insn);
}

static void path(const report *r)
{
    verify_decision decisions[PST_FINDING_PATH_MAX];
    uint32_t count = verify_decisions(r->answer, decisions), skipped = count > PATH_SHOWN ? count - PATH_SHOWN : 0;
    if (!count) return;
    row(r, "path:", skipped ? "the last branches that led here" : "the branches that led here");
    for (uint32_t i = skipped; i < count; i++) {
        if (decisions[i].round > 1)
            pst_text_format(r->out, "\n            %u times the next %u:", decisions[i].times, decisions[i].round);
        else if (decisions[i].round) pst_text_format(r->out, "\n            %u times:", decisions[i].times);
        decision(r, &decisions[i]);
    }
}

static void finding(const report *r)
{
    const pst_finding *f = &verify_verdict(r->answer)->finding;
    char reg[8];
    pst_text_format(r->out, "\n  %s%s%s", cli_colour_on(CLI_BOLD), f->text, cli_colour_off());
    source(r, f->pc);
    if (r->answer->image || f->kind == PST_FINDING_STRUCTURE) instructions(r, f->pc);
    if (f->reg >= 0) row(r, "register:", verify_register(f->reg, reg));
    row(r, "needed:", f->needed);
    row(r, "known:", f->known);
    row(r, "lost:", f->lost);
    if (f->lost_pc != UINT32_MAX) {
        pst_text_format(r->out, "\n    %6u  ", f->lost_pc);
        place(r, f->lost_pc);
    }
    path(r);
    row(r, "help:", f->hint);
}

// --- The report --------------------------------------------------------------------------------------------------------

void verify_statistics(const pst_verdict *v, pst_text *out)
{
    pst_text_format(out, "%llu instructions walked in %u attempt%s, %u states, ", (unsigned long long)v->steps, v->attempts,
                    v->attempts == 1 ? "" : "s", v->states);
    if (v->loops_bound) pst_text_format(out, "loops turn at most %llu times, ", (unsigned long long)v->loops_bound);
    if (v->metered) pst_text_format(out, "%u loop%s metered, ", v->metered, v->metered == 1 ? "" : "s");
    pst_text_format(out, "%u bytes of stack, %llu us, %llu KiB", v->stack_bytes, (unsigned long long)((v->time_ns + 999) / 1000),
                    (unsigned long long)((v->peak_bytes + 1023) / 1024));
}

static void explanation(const report *r)
{
    const pst_verdict *v = verify_verdict(r->answer);
    for (uint32_t i = 0; i < v->explained_count; i++) {
        const pst_verdict_state *state = &v->explained[i];
        pst_text_format(r->out, "\n  %sat %u%s  ", cli_colour_on(CLI_BOLD), state->pc, cli_colour_off());
        place(r, state->pc);
        pst_text_format(r->out, "\n    %*s%s", (int)(state->frame * 2), "", *state->text ? state->text : VERIFY_NOTHING_KNOWN);
    }
}

// What a certificate cost, or saved.
static void certificate(const report *r)
{
    const pst_verdict *v = verify_verdict(r->answer);
    unsigned long long time_us = (v->time_ns + 999) / 1000;
    if (v->kind != PST_VERDICT_ACCEPT) return;
    if (v->certificate)
        pst_text_format(r->out, ": certificate of %llu bytes for %u bytes of code, made in %llu us after a proof of %llu us",
                        (unsigned long long)v->certificate_size, r->subject->count * 8, (unsigned long long)((v->certificate_ns + 999) / 1000), time_us);
    if (r->answer->rechecked_bytes) pst_text_format(r->out, ": by its certificate of %u bytes, in %llu us", r->answer->rechecked_bytes, time_us);
}

void verify_report_text(const verify_settings *settings, const verify_subject *subject, const verify_answer *answer)
{
    static const cli_colour colours[] = {
        [PST_VERDICT_ACCEPT] = CLI_GREEN, [PST_VERDICT_REJECT] = CLI_RED, [PST_VERDICT_UNSUPPORTED] = CLI_YELLOW};
    const pst_verdict *v = verify_verdict(answer);
    pst_text out;
    report r = {&out, subject, answer};
    pst_text_init(&out, cli_env());
    coloured(&r, colours[v->kind], verify_verdict_text(v->kind));
    pst_text_format(&out, " %s%s%s (section %s)", cli_colour_on(CLI_BOLD), subject->program, cli_colour_off(), subject->section);
    certificate(&r);
    if (v->kind == PST_VERDICT_REJECT)
        pst_text_format(&out, ": %s, in mode %s", pst_finding_kind_text(v->finding.kind), verify_mode_name(subject->mode));
    if (v->kind != PST_VERDICT_ACCEPT) finding(&r);
    if (settings->args->verbose && answer->proved) {
        pst_text_add(&out, "\n  ");
        verify_statistics(v, &out);
    }
    if (cli_value(settings->args, "explain")) explanation(&r);
    if (v->kind != PST_VERDICT_ACCEPT) pst_text_add(&out, "\n");
    cli_emit(&out);
}

void verify_summary_text(const verify_settings *settings)
{
    uint32_t count = settings->accepted + settings->rejected + settings->unsupported;
    if (count < 2) return;
    pst_text out;
    pst_text_init(&out, cli_env());
    pst_text_format(&out, "%u programs: %u accepted, %u rejected, %u unsupported, in mode %s", count, settings->accepted, settings->rejected,
                    settings->unsupported, verify_mode_name(settings->opts.mode));
    cli_emit(&out);
}
