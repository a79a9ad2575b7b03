// machine_view.c: see machine_view.h.
//
// The program is loaded by the core like any other, so what is shown is what would run here. A profile needs a second load, for the checked
// interpreter: it counts each instruction, which machine code does not; what a line costs in machine code is then a matter of its bytes.
#include "cli/machine_view.h"

#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "core/engines.h"

// --- Machine code ------------------------------------------------------------------------------------------------------

static int by_slot(const void *a, const void *b)
{
    const machine_piece *x = a, *y = b;
    if (x->slot != y->slot) return x->slot < y->slot ? -1 : 1;
    return x->start < y->start ? -1 : x->start > y->start;
}

static void add_piece(machine_view *v, uint32_t slot, uint32_t start, uint32_t end)
{
    if (start < end) v->pieces[v->piece_count++] = (machine_piece){slot, start, end};
}

static bool copy_code(machine_view *v, const pst_jit_code *code)
{
    v->bytes = malloc(code->size + 1);
    v->pieces = calloc(code->count + (size_t)2, sizeof *v->pieces);
    if (!v->bytes || !v->pieces) return false;
    memcpy(v->bytes, code->bytes, code->size);
    v->size = code->size;
    add_piece(v, MACHINE_NO_SLOT, 0, code->offsets[0]);
    for (uint32_t i = 0; i < code->count; i++) add_piece(v, code->slots ? code->slots[i] : i, code->offsets[i], code->offsets[i + 1]);
    add_piece(v, MACHINE_NO_SLOT, code->offsets[code->count], (uint32_t)code->size);
    qsort(v->pieces, v->piece_count, sizeof *v->pieces, by_slot);
    return true;
}

const machine_piece *machine_pieces_of(const machine_view *view, uint32_t slot, uint32_t *count)
{
    uint32_t low = 0, high = view->piece_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (view->pieces[middle].slot < slot) low = middle + 1;
        else high = middle;
    }
    for (*count = 0; low + *count < view->piece_count && view->pieces[low + *count].slot == slot;) ++*count;
    return &view->pieces[low];
}

static void look_at(machine_view *v, const test_state *loaded)
{
    v->object = loaded->object->object;
    int32_t index = pst_object_find_program(v->object, bpf_program__name(loaded->program));
    v->program = index < 0 ? NULL : &v->object->programs[index];
}

static cli_exit load_code(machine_view *v)
{
    const char *engine = cli_value(v->args, "engine");
    bool quick = engine && strcmp(engine, "jit-quick") == 0;
    pst_jit_code code;
    const pst_image *image;
    if (engine && !quick && strcmp(engine, "jit") != 0)
        return cli_fail(CLI_USAGE, "--engine %s: only jit and jit-quick make machine code", engine);
    cli_exit result = cli_use_engine(v->args, quick ? POSTERN_ENGINE_JIT_QUICK : POSTERN_ENGINE_JIT);
    if (result == CLI_OK) result = test_load(&v->loaded);
    if (result != CLI_OK) return result;
    look_at(v, &v->loaded);
    if (!v->program || !pst_core_code_of(api_client(), bpf_program__fd(v->loaded.program), &code, &image) || image->count != v->program->count)
        return cli_fail(CLI_FAILED, "%s: program %s has no machine code", v->loaded.file, bpf_program__name(v->loaded.program));
    return copy_code(v, &code) ? CLI_OK : cli_fail(CLI_FAILED, "no memory for the machine code");
}

// --- The profile ---------------------------------------------------------------------------------------------------------

static cli_exit run_profile(machine_view *v)
{
    test_state *t = &v->profiled;
    cli_exit result = test_read(t);
    if (result == CLI_OK) result = test_load(t);
    if (result != CLI_OK) return result;
    look_at(v, t);
    v->counts = calloc(v->program->count, sizeof *v->counts);
    if (!v->counts) return cli_fail(CLI_FAILED, "no memory for the profile");
    if (!pst_core_count(api_client(), bpf_program__fd(t->program), v->counts))
        return cli_fail(CLI_FAILED, "%s: instructions of program %s cannot be counted", t->file, bpf_program__name(t->program));
    result = test_run_program(t);
    for (uint32_t pc = 0; pc < v->program->count; pc++) v->executed += v->counts[pc];
    return result;
}

static cli_exit make_profile(machine_view *v)
{
    if (!cli_value(v->args, "profile")) {
        static const char *const needs[] = {"data", "ctx", "repeat"};
        for (size_t i = 0; i < PST_COUNT(needs); i++)
            if (cli_value(v->args, needs[i])) return cli_fail(CLI_USAGE, "--%s is for --profile, without which nothing is run", needs[i]);
        return CLI_OK;
    }
    v->profiled = (test_state){.args = v->args, .file = v->loaded.file, .name = v->loaded.name, .repeat = 1};
    test_close(&v->loaded);
    postern_shutdown();
    cli_exit result = cli_use_engine(v->args, POSTERN_ENGINE_CHECKED);
    return result == CLI_OK ? run_profile(v) : result;
}

// --- Cost by line --------------------------------------------------------------------------------------------------------

static int by_line(const void *a, const void *b)
{
    const machine_line *x = a, *y = b;
    if (x->file_off != y->file_off) return x->file_off < y->file_off ? -1 : 1;
    return x->line < y->line ? -1 : x->line > y->line;
}

// One entry a line, although a line may have many rows.
static bool collect_lines(machine_view *v)
{
    const pst_object_program *program = v->program;
    v->lines = calloc(program->line_count + (size_t)1, sizeof *v->lines);
    if (!v->lines) return false;
    for (uint32_t i = 0; i < program->line_count; i++)
        v->lines[i] = (machine_line){.file_off = program->lines[i].file_off, .line = program->lines[i].line, .text_off = program->lines[i].text_off};
    qsort(v->lines, program->line_count, sizeof *v->lines, by_line);
    for (uint32_t i = 0; i < program->line_count; i++)
        if (!v->line_count || by_line(&v->lines[v->line_count - 1], &v->lines[i]) != 0) v->lines[v->line_count++] = v->lines[i];
    return true;
}

static uint32_t machine_insns(const machine_view *v, const machine_piece *piece)
{
    pst_text text;
    uint32_t count = 0;
    if (!v->disassembler) return 0;
    pst_text_init(&text, cli_env());
    for (uint32_t at = piece->start; at < piece->end; count++) at += (uint32_t)cli_disassemble(v->disassembler, v->bytes + at, piece->end - at, at, &text);
    pst_text_free(&text);
    return count;
}

static void add_cost(const machine_view *v, uint32_t pc, machine_line *line)
{
    uint32_t count;
    const machine_piece *pieces = machine_pieces_of(v, pc, &count);
    line->insns++;
    if (v->counts) line->executed += v->counts[pc];
    for (uint32_t i = 0; i < count; i++) {
        line->bytes += pieces[i].end - pieces[i].start;
        line->machine_insns += machine_insns(v, &pieces[i]);
    }
}

static cli_exit add_up(machine_view *v)
{
    const pst_object_program *program = v->program;
    machine_line *line = NULL;
    if (!collect_lines(v)) return cli_fail(CLI_FAILED, "no memory for the lines");
    for (uint32_t pc = 0, row = 0; pc < program->count; pc += program->slots[pc].opcode == 0x18 ? 2 : 1) {
        for (; row < program->line_count && program->lines[row].pc <= pc; row++) {
            machine_line key = {.file_off = program->lines[row].file_off, .line = program->lines[row].line};
            line = bsearch(&key, v->lines, v->line_count, sizeof key, by_line);
        }
        if (line) add_cost(v, pc, line);
    }
    return CLI_OK;
}

// --- The whole -----------------------------------------------------------------------------------------------------------

cli_exit machine_view_open(machine_view *view, const cli_args *args, const char *file, const char *name)
{
    *view = (machine_view){.args = args, .loaded = {.args = args, .file = file, .name = name, .repeat = 1}};
    view->disassembler = cli_disassembler_open();
    cli_exit code = load_code(view);
    if (code == CLI_OK) code = make_profile(view);
    return code == CLI_OK ? add_up(view) : code;
}

void machine_view_close(machine_view *view)
{
    test_close(&view->loaded);
    test_close(&view->profiled);
    cli_disassembler_close(view->disassembler);
    free(view->bytes);
    free(view->pieces);
    free(view->counts);
    free(view->lines);
}
