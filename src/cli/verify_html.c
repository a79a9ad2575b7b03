// verify_html.c: the page of --html: one file that needs no other, for a browser or a mail.
//
// Each program is a table: source at the left, instructions beside it, what is known above each block. The way to the finding is marked.
#include <string.h>

#include "cli/verify_path.h"

#define ROWS_MAX 65536u // instructions of one program that are shown

static const char g_style[] =
    ":root{--fg:#1c1e21;--bg:#fff;--dim:#6a737d;--line:#e1e4e8;--bad:#b31d28;--badbg:#ffeef0;--good:#176f2c;--odd:#b08800;"
    "--path:#fff8cf;--lostbg:#ffdf9e;--code:#f6f8fa}\n"
    "@media(prefers-color-scheme:dark){:root{--fg:#d7dae0;--bg:#15181c;--dim:#8b949e;--line:#30363d;--bad:#ff7b72;--badbg:#3d1a1d;"
    "--good:#56d364;--odd:#e3b341;--path:#2c2608;--lostbg:#5a4300;--code:#1d2228}}\n"
    "body{font:15px/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg);max-width:100rem;margin:2rem auto;padding:0 1rem}\n"
    "code,td,.state,pre{font:13px/1.45 ui-monospace,Consolas,monospace}\n"
    "h2{border-top:1px solid var(--line);padding-top:1rem}"
    ".rejected{color:var(--bad)}.accepted{color:var(--good)}.unsupported{color:var(--odd)}\n"
    ".finding{border-left:4px solid var(--bad);background:var(--badbg);padding:.6rem 1rem;margin:1rem 0}.finding dl{display:grid;"
    "grid-template-columns:7rem 1fr;margin:.5rem 0 0}.finding dt{font-weight:600}.finding dd{margin:0}\n"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}td{padding:0 .6rem;vertical-align:top;white-space:pre-wrap}\n"
    "td.src{width:45%;color:var(--dim)}td.pc{text-align:right;color:var(--dim);border-left:1px solid var(--line)}\n"
    "tr.path td{background:var(--path)}tr.at td{background:var(--badbg);color:var(--bad);font-weight:600}\n"
    "tr.lost td{background:var(--lostbg);font-weight:600}.finding ol{margin:0;padding-left:1.4rem}\n"
    "tr.head td{background:var(--code);color:var(--dim);padding-top:.3rem}.dim{color:var(--dim)}a{color:inherit}\n";

typedef struct page {
    pst_text *out;
    const verify_subject *subject;
    const verify_answer *answer;
    uint32_t number;      // of the program, for links
    uint32_t next_state;  // in explained
    const pst_line *shown; // the line that was shown last
} page;

static void escaped(pst_text *out, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '<': pst_text_add(out, "&lt;"); break;
        case '>': pst_text_add(out, "&gt;"); break;
        case '&': pst_text_add(out, "&amp;"); break;
        case '"': pst_text_add(out, "&quot;"); break;
        default: pst_text_bytes(out, text, 1); break;
        }
    }
}

static void linked(const page *p, uint32_t pc)
{
    char place[256];
    pst_text_format(p->out, "<a href=\"#p%u-%u\">instruction %u</a>", p->number, pc, pc);
    if (!verify_place(p->answer->image, pc, place, sizeof place)) return;
    pst_text_add(p->out, " <span class=\"dim\">");
    escaped(p->out, place);
    pst_text_add(p->out, "</span> <code>");
    escaped(p->out, verify_trimmed(verify_line_at(p->answer->image, pc)->text));
    pst_text_add(p->out, "</code>");
}

// --- The finding ---------------------------------------------------------------------------------------------------------

static void item(const page *p, const char *label, const char *text)
{
    if (!*text) return;
    pst_text_format(p->out, "<dt>%s</dt><dd>", label);
    escaped(p->out, text);
    pst_text_add(p->out, "</dd>\n");
}

// The branches that led to the finding, in order.
static void path(const page *p)
{
    verify_decision decisions[PST_FINDING_PATH_MAX];
    uint32_t count = verify_decisions(p->answer, decisions);
    if (!count) return;
    pst_text_add(p->out, "<dt>path</dt><dd><ol>\n");
    for (uint32_t i = 0; i < count; i++) {
        pst_text insn;
        pst_text_init(&insn, cli_env());
        verify_disassemble(p->subject, decisions[i].pc, &insn);
        pst_text_add(p->out, "<li>");
        if (decisions[i].round > 1) pst_text_format(p->out, "%u times the next %u: ", decisions[i].times, decisions[i].round);
        else if (decisions[i].round) pst_text_format(p->out, "%u times: ", decisions[i].times);
        linked(p, decisions[i].pc);
        pst_text_add(p->out, "<br><code class=\"dim\">");
        escaped(p->out, pst_text_cstr(&insn));
        pst_text_format(p->out, "</code> <b>%s</b></li>\n", decisions[i].jumps ? "jumps" : "goes on");
        pst_text_free(&insn);
    }
    pst_text_add(p->out, "</ol></dd>\n");
}

static void finding(const page *p)
{
    const pst_finding *f = &verify_verdict(p->answer)->finding;
    char reg[8];
    pst_text_format(p->out, "<div class=\"finding\"><strong>%s</strong>: ", pst_finding_kind_text(f->kind));
    escaped(p->out, f->text);
    pst_text_add(p->out, "<dl>\n<dt>where</dt><dd>");
    linked(p, f->pc);
    pst_text_add(p->out, "</dd>\n");
    if (f->reg >= 0) item(p, "register", verify_register(f->reg, reg));
    item(p, "needed", f->needed);
    item(p, "known", f->known);
    item(p, "lost", f->lost);
    if (f->lost_pc != UINT32_MAX) {
        pst_text_add(p->out, "<dt>lost at</dt><dd>");
        linked(p, f->lost_pc);
        pst_text_add(p->out, "</dd>\n");
    }
    path(p);
    item(p, "help", f->hint);
    pst_text_add(p->out, "</dl></div>\n");
}

// --- The table -----------------------------------------------------------------------------------------------------------

static bool starts_path_block(const pst_finding *f, uint32_t pc)
{
    for (uint32_t i = 0; i < f->path_count; i++)
        if (f->path[i] == pc) return true;
    return false;
}

static bool leaves_block(const pst_slot *slot)
{
    uint8_t class = slot->opcode & 7u, op = slot->opcode >> 4;
    return (class == 5 || class == 6) && op != 8; // a call comes back
}

static void states_before(page *p, uint32_t pc)
{
    const pst_verdict *v = verify_verdict(p->answer);
    for (; p->next_state < v->explained_count && v->explained[p->next_state].pc <= pc; p->next_state++) {
        const pst_verdict_state *state = &v->explained[p->next_state];
        pst_text_add(p->out, "<tr class=\"head\"><td></td><td></td><td>");
        if (state->frame) pst_text_format(p->out, "frame %u: ", state->frame);
        escaped(p->out, *state->text ? state->text : VERIFY_NOTHING_KNOWN);
        pst_text_add(p->out, "</td></tr>\n");
    }
}

// Each line once, where it begins.
static void source_cell(page *p, uint32_t pc)
{
    char place[256];
    const pst_line *line = p->answer->image ? pst_image_line_at(p->answer->image, pc) : NULL;
    pst_text_add(p->out, "<td class=\"src\">");
    bool again = line && p->shown && line->line == p->shown->line && strcmp(line->file, p->shown->file) == 0;
    if (line && line->pc == pc && line->line && !again && verify_place(p->answer->image, pc, place, sizeof place)) {
        p->shown = line;
        escaped(p->out, place);
        pst_text_add(p->out, "  ");
        escaped(p->out, verify_trimmed(line->text));
    }
    pst_text_add(p->out, "</td>");
}

static void insn_row(page *p, uint32_t pc, bool on_path)
{
    const pst_verdict *v = verify_verdict(p->answer);
    bool meant = v->kind != PST_VERDICT_ACCEPT && v->finding.pc == pc, lost = v->kind != PST_VERDICT_ACCEPT && v->finding.lost_pc == pc;
    const char *class = meant ? " class=\"at\"" : lost ? " class=\"lost\"" : on_path ? " class=\"path\"" : "";
    pst_text insn;
    pst_text_init(&insn, cli_env());
    verify_disassemble(p->subject, pc, &insn);
    pst_text_format(p->out, "<tr id=\"p%u-%u\"%s>", p->number, pc, class);
    source_cell(p, pc);
    pst_text_format(p->out, "<td class=\"pc\">%u</td><td class=\"insn\">", pc);
    escaped(p->out, pst_text_cstr(&insn));
    pst_text_add(p->out, "</td></tr>\n");
    pst_text_free(&insn);
}

static void table(page *p)
{
    const verify_subject *s = p->subject;
    const pst_finding *f = &verify_verdict(p->answer)->finding;
    bool on_path = false;
    uint32_t pc = 0;
    pst_text_add(p->out, "<div class=\"scroll\"><table>\n");
    for (uint32_t rows = 0; pc < s->count && rows < ROWS_MAX; rows++) {
        on_path |= starts_path_block(f, pc);
        states_before(p, pc);
        insn_row(p, pc, on_path);
        if (pc == f->pc || leaves_block(&s->slots[pc])) on_path = false;
        pc += s->slots[pc].opcode == 0x18 && pc + 1 < s->count ? 2 : 1;
    }
    pst_text_add(p->out, "</table></div>\n");
    if (pc < s->count) pst_text_format(p->out, "<p class=\"dim\">... and %u more</p>\n", s->count - pc);
}

// --- The page --------------------------------------------------------------------------------------------------------------

void verify_page_begin(pst_text *out, const char *file, pst_verify_mode mode)
{
    pst_text_add(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                      "<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
    escaped(out, file);
    pst_text_format(out, "</title>\n<style>\n%s</style></head><body>\n<h1>", g_style);
    escaped(out, file);
    pst_text_format(out, "</h1>\n<p>Verified by postern %s in mode %s.</p>\n", postern_version(), verify_mode_name(mode));
}

void verify_page_program(verify_settings *settings, const verify_subject *subject, const verify_answer *answer)
{
    pst_text *out = settings->page;
    const pst_verdict *v = verify_verdict(answer);
    page p = {.out = out, .subject = subject, .answer = answer, .number = settings->page_programs++};
    pst_text_format(out, "<h2><span class=\"%s\">%s</span> ", verify_verdict_text(v->kind), verify_verdict_text(v->kind));
    escaped(out, subject->program);
    pst_text_add(out, " <span class=\"dim\">");
    escaped(out, subject->section);
    pst_text_add(out, "</span></h2>\n");
    if (v->kind != PST_VERDICT_ACCEPT) finding(&p);
    if (answer->proved) {
        pst_text_add(out, "<p class=\"dim\">");
        verify_statistics(v, out);
        pst_text_add(out, "</p>\n");
    }
    table(&p);
}

void verify_page_end(pst_text *out)
{
    pst_text_add(out, "</body></html>\n");
}
