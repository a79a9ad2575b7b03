// show_machine.c: `postern show code`: bytecode, source and machine code side by side, and what each source line costs.
#include <stdlib.h>
#include <string.h>

#include "cli/machine_view.h"
#include "cli/show.h"

#define COLUMN 52u // where machine code begins
#define LINES_SHOWN 20u
#define HOT 100u // in tenths of a percent

static unsigned tenths(uint64_t part, uint64_t whole)
{
    return whole ? (unsigned)((double)part * 1000 / (double)whole + 0.5) : 0;
}

static const char *file_name(const machine_view *v, const machine_line *line)
{
    const char *file = pst_btf_string(v->object->btf, line->file_off), *base = strrchr(file, '/');
    return base ? base + 1 : file;
}

// --- Text ------------------------------------------------------------------------------------------------------------

static void count_text(const machine_view *v, uint32_t pc, pst_text *out)
{
    if (!v->counts) return;
    bool hot = tenths(v->counts[pc], v->executed) >= HOT;
    pst_text_format(out, "%s%12llu%s ", hot ? cli_colour_on(CLI_RED) : "", (unsigned long long)v->counts[pc], hot ? cli_colour_off() : "");
}

// Each machine instruction of the pieces is a line; the first goes behind what stands in left.
static void code_text(const machine_view *v, const machine_piece *pieces, uint32_t count, const char *left, pst_text *out)
{
    bool first = *left != 0;
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t at = pieces[i].start; at < pieces[i].end;) {
            if (!first && v->counts) pst_text_format(out, "%13s", "");
            pst_text_format(out, "%-*s %s%5x:%s  ", (int)COLUMN, first ? left : "", cli_colour_on(CLI_DIM), at, cli_colour_off());
            at += (uint32_t)cli_disassemble(v->disassembler, v->bytes + at, pieces[i].end - at, at, out);
            pst_text_add(out, "\n");
            first = false;
        }
    }
    if (first) pst_text_format(out, "%s\n", left); // no code came of it
}

static uint32_t insn_text(const machine_view *v, uint32_t pc, pst_text *out)
{
    uint32_t count;
    pst_text left;
    pst_text_init(&left, cli_env());
    pst_text_format(&left, "%6u: ", pc);
    uint32_t slots = show_insn(v->object, v->program, pc, &left);
    const machine_piece *pieces = machine_pieces_of(v, pc, &count);
    count_text(v, pc, out);
    code_text(v, pieces, count, pst_text_cstr(&left), out);
    pst_text_free(&left);
    return slots;
}

static void listing_text(const machine_view *v)
{
    const pst_object_program *program = v->program;
    const char *engine = cli_value(v->args, "engine");
    uint32_t count;
    const machine_piece *rest = machine_pieces_of(v, MACHINE_NO_SLOT, &count);
    pst_text out;
    pst_text_init(&out, cli_env());
    pst_text_format(&out, "%s%s%s (section %s, %u instructions, %zu bytes of machine code by %s)\n", cli_colour_on(CLI_BOLD), program->name,
                    cli_colour_off(), program->section, program->count, v->size, engine ? engine : "jit");
    if (!v->disassembler) pst_text_add(&out, "machine code is in hex: this build has no disassembler (Debian: libcapstone-dev, then configure again)\n");
    for (uint32_t pc = 0; pc < program->count;) {
        const char *function = show_function_at(program, pc);
        if (function) pst_text_format(&out, "%s%s:%s\n", cli_colour_on(CLI_CYAN), function, cli_colour_off());
        show_source(v->object, program, pc, &out);
        pc += insn_text(v, pc, &out);
    }
    if (count) pst_text_add(&out, "of no instruction: entry, exits, padding\n");
    code_text(v, rest, count, "", &out);
    if (out.size && out.data[out.size - 1] == '\n') out.data[--out.size] = 0; // cli_emit adds one
    cli_emit(&out);
}

static int dearest_first(const void *a, const void *b)
{
    const machine_line *x = a, *y = b;
    if (x->executed != y->executed) return x->executed > y->executed ? -1 : 1;
    return x->bytes > y->bytes ? -1 : x->bytes < y->bytes;
}

static void line_text(const machine_view *v, const machine_line *line, pst_text *out)
{
    unsigned share = v->counts ? tenths(line->executed, v->executed) : tenths(line->bytes, v->size);
    bool hot = share >= HOT;
    pst_text_format(out, "\n%6u ", line->insns);
    if (v->disassembler) pst_text_format(out, "%8u ", line->machine_insns);
    pst_text_format(out, "%7u ", line->bytes);
    if (v->counts) pst_text_format(out, "%12llu ", (unsigned long long)line->executed);
    pst_text_format(out, "%s%4u.%u%%%s  %s:%u  %s", hot ? cli_colour_on(CLI_RED) : "", share / 10, share % 10, hot ? cli_colour_off() : "", file_name(v, line), line->line,
                    show_trimmed(pst_btf_string(v->object->btf, line->text_off)));
}

static void lines_text(const machine_view *v)
{
    pst_text out;
    pst_text_init(&out, cli_env());
    if (!v->line_count || !v->object->btf) {
        pst_text_add(&out, "\nno cost by line: the object has no line information (clang -g)");
        cli_emit(&out);
        return;
    }
    qsort(v->lines, v->line_count, sizeof *v->lines, dearest_first);
    pst_text_format(&out, "\n%scost by source line%s, the dearest first (share: of %s)\n%6s ", cli_colour_on(CLI_BOLD), cli_colour_off(),
                    v->counts ? "the instructions executed" : "the bytes of machine code", "insns");
    if (v->disassembler) pst_text_format(&out, "%8s ", "machine");
    pst_text_format(&out, "%7s ", "bytes");
    if (v->counts) pst_text_format(&out, "%12s ", "executed");
    pst_text_format(&out, "%6s  %s", "share", "line");
    for (uint32_t i = 0; i < v->line_count && i < LINES_SHOWN; i++) line_text(v, &v->lines[i], &out);
    if (v->line_count > LINES_SHOWN) pst_text_format(&out, "\n       (and %u lines more; -j has all of them)", v->line_count - LINES_SHOWN);
    cli_emit(&out);
}

// --- JSON ------------------------------------------------------------------------------------------------------------

static void u64_member(pst_json *json, const char *key, uint64_t value)
{
    pst_json_key(json, key);
    pst_json_u64(json, value);
}

static void pieces_json(const machine_view *v, uint32_t slot, pst_json *json)
{
    uint32_t count;
    const machine_piece *pieces = machine_pieces_of(v, slot, &count);
    pst_json_array_begin(json);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t at = pieces[i].start; at < pieces[i].end;) {
            pst_text text;
            pst_text_init(&text, cli_env());
            size_t size = cli_disassemble(v->disassembler, v->bytes + at, pieces[i].end - at, at, &text);
            pst_json_object_begin(json);
            u64_member(json, "offset", at);
            pst_json_key(json, "bytes");
            pst_json_hex(json, v->bytes + at, size);
            if (v->disassembler) pst_json_key(json, "text");
            if (v->disassembler) pst_json_string(json, pst_text_cstr(&text));
            pst_json_object_end(json);
            pst_text_free(&text);
            at += (uint32_t)size;
        }
    pst_json_array_end(json);
}

static uint32_t insn_json(const machine_view *v, uint32_t pc, pst_json *json)
{
    const pst_object_line *line = show_line_at(v->program, pc);
    pst_text text;
    pst_text_init(&text, cli_env());
    uint32_t slots = show_insn(v->object, v->program, pc, &text);
    pst_json_object_begin(json);
    u64_member(json, "pc", pc);
    pst_json_key(json, "text");
    pst_json_string(json, pst_text_cstr(&text));
    if (line) u64_member(json, "line", line->line);
    if (v->counts) u64_member(json, "executed", v->counts[pc]);
    pst_json_key(json, "machine");
    pieces_json(v, pc, json);
    pst_json_object_end(json);
    pst_text_free(&text);
    return slots;
}

static void lines_json(const machine_view *v, pst_json *json)
{
    pst_json_array_begin(json);
    for (uint32_t i = 0; i < v->line_count && v->object->btf; i++) {
        const machine_line *line = &v->lines[i];
        pst_json_object_begin(json);
        pst_json_key(json, "file");
        pst_json_string(json, pst_btf_string(v->object->btf, line->file_off));
        u64_member(json, "line", line->line);
        pst_json_key(json, "source");
        pst_json_string(json, show_trimmed(pst_btf_string(v->object->btf, line->text_off)));
        u64_member(json, "instructions", line->insns);
        if (v->disassembler) u64_member(json, "machine_instructions", line->machine_insns);
        u64_member(json, "bytes", line->bytes);
        if (v->counts) u64_member(json, "executed", line->executed);
        pst_json_object_end(json);
    }
    pst_json_array_end(json);
}

static void listing_json(const machine_view *v)
{
    const char *engine = cli_value(v->args, "engine");
    pst_text text;
    pst_json json;
    pst_text_init(&text, cli_env());
    pst_json_init(&json, &text, true);
    pst_json_object_begin(&json);
    pst_json_key(&json, "program");
    pst_json_string(&json, v->program->name);
    pst_json_key(&json, "section");
    pst_json_string(&json, v->program->section);
    pst_json_key(&json, "engine");
    pst_json_string(&json, engine ? engine : "jit");
    u64_member(&json, "bytes", v->size);
    if (v->counts) u64_member(&json, "executed", v->executed);
    pst_json_key(&json, "instructions");
    pst_json_array_begin(&json);
    for (uint32_t pc = 0; pc < v->program->count;) pc += insn_json(v, pc, &json);
    pst_json_array_end(&json);
    pst_json_key(&json, "rest");
    pieces_json(v, MACHINE_NO_SLOT, &json);
    pst_json_key(&json, "lines");
    lines_json(v, &json);
    pst_json_object_end(&json);
    cli_emit(&text);
}

cli_exit show_machine_code(const show_state *s)
{
    machine_view *view = calloc(1, sizeof *view);
    if (!view) return cli_fail(CLI_FAILED, "no memory");
    cli_exit code = machine_view_open(view, s->args, s->file, s->name);
    if (code == CLI_OK && s->args->json) listing_json(view);
    else if (code == CLI_OK) {
        listing_text(view);
        lines_text(view);
    }
    machine_view_close(view);
    free(view);
    return code;
}
