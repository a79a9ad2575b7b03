// c_form.c: see c_form.h. The walk over a program; c_insn.c writes an instruction.
#include "jit/native/c_insn.h"
#include "jit/native/c_preamble.h"

#define C_NAME_SIZE 128u

static uint32_t target_of(const pst_insn *insn, uint32_t pc) { return (uint32_t)((int64_t)pc + 1 + insn->target); }

// Source text in a comment to the end of the line: nothing in it may go on on the next one, or look like the beginning of a comment.
static void put_comment(pst_text *out, const char *text)
{
    for (; *text; text++) {
        char c = *text == '\\' || *text == '?' || (unsigned char)*text < ' ' || (text[0] == '/' && text[1] == '*') ? ' ' : *text;
        pst_text_bytes(out, &c, 1);
    }
    pst_text_add(out, "\n");
}

void pst_c_form_begin(pst_text *out, const char *object)
{
    pst_text_add(out, "// By postern compile from the object ");
    put_comment(out, object);
    for (size_t i = 0; i < PST_COUNT(c_preamble); i++) pst_text_format(out, "%s\n", c_preamble[i]);
}

static void put_source(c_form *f, uint32_t pc, const pst_line **last)
{
    const pst_line *line = pst_image_line_at(f->unit->image, pc);
    if (!line || line == *last) return;
    *last = line;
    pst_text_format(f->out, "    // line %u: ", line->line);
    put_comment(f->out, *line->text ? line->text : line->file); // objects may leave out their source
}

static void put_head(c_form *f, uint32_t function)
{
    pst_text_format(f->out, "static uint64_t %s_f%u(struct postern_env *env, uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5)", f->name, function);
}

static bool falls_through(const pst_insn *insn) { return insn->kind != PST_KIND_JUMP && insn->kind != PST_KIND_EXIT; }

static void put_function(c_form *f, uint32_t function)
{
    const jit_func *func = &f->unit->funcs[function];
    const pst_line *last = NULL;
    bool open = true; // control gets to the next line
    f->function = function;
    put_head(f, function);
    pst_text_add(f->out, "\n{\n    _Alignas(16) uint8_t stack[512];\n    const uint64_t r10 = (uint64_t)(uintptr_t)(stack + sizeof stack);\n"
                         "    uint64_t r0 = 0, r6 = 0, r7 = 0, r8 = 0, r9 = 0;\n"
                         "    (void)env, (void)r0, (void)r1, (void)r2, (void)r3, (void)r4, (void)r5, (void)r6, (void)r7, (void)r8, (void)r9, (void)r10;\n");
    for (uint32_t pc = func->start; pc < func->end; pc++) {
        const pst_insn *insn = &f->unit->image->insns[pc];
        if (insn->kind == PST_KIND_PADDING) continue;
        if (f->unit->marks[pc] & JIT_TARGET && f->jumped[pc]) pst_text_format(f->out, "L%u:\n", pc);
        if (jit_is_dead(f->unit, pc)) {
            if (open || f->jumped[pc]) pst_text_format(f->out, "    return trap(env, %u, %u); // proved dead\n", PST_TRAP_FAULT, pc);
            open = false;
            continue;
        }
        put_source(f, pc, &last);
        c_put_insn(f, insn, pc);
        open = falls_through(insn);
    }
    pst_text_add(f->out, "}\n\n");
}

// Functions by their value, where some are called by it.
static void put_by_value(c_form *f)
{
    const pst_image *image = f->unit->image;
    pst_text_format(f->out, "static uint64_t %s_by_value(struct postern_env *env, uint64_t value, uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5)\n{\n"
                    "    uint32_t left = env->may_goto_left;\n    uint64_t r0 = 0;\n", f->name);
    pst_text_format(f->out, "    if (++env->depth >= %uu) return trap(env, %u, 0);\n    env->may_goto_left = %uu;\n    switch (value) {\n", PST_FRAMES_MAX, PST_TRAP_DEPTH,
                    PST_MAY_GOTO_MAX);
    for (uint32_t i = 0; i < image->subprog_count; i++)
        pst_text_format(f->out, "    case UINT64_C(0x%llx): r0 = %s_f%u(env, r1, r2, r3, r4, r5); break;\n",
                        (unsigned long long)(PST_FUNC_TAG | image->subprogs[i].start), f->name, i);
    pst_text_format(f->out, "    default:\n        if (value == 0 || value > INT32_MAX) return trap(env, %u, 0);\n        r0 = env->helper(env, (uint32_t)value, r1, r2, r3, r4, r5); // callx of a helper\n    }\n    env->depth--;\n    env->may_goto_left = left;\n    return r0;\n}\n\n", PST_TRAP_CALL);
}

static bool has_values(const pst_image *image)
{
    for (uint32_t pc = 0; pc < image->count; pc++) {
        const pst_insn *insn = &image->insns[pc];
        if (insn->kind == PST_KIND_IMM64 && insn->op == PST_IMM64_FUNC) return true;
        if (insn->kind == PST_KIND_CALL && insn->op == PST_CALL_REGISTER) return true;
    }
    return false;
}

static void note_jumps(c_form *f)
{
    const pst_image *image = f->unit->image;
    for (uint32_t pc = 0; pc < image->count; pc++) {
        const pst_insn *insn = &image->insns[pc];
        bool jumps = insn->kind == PST_KIND_JUMP || insn->kind == PST_KIND_BRANCH || insn->kind == PST_KIND_MAY_GOTO;
        if (jumps && !jit_is_dead(f->unit, pc)) f->jumped[target_of(insn, pc)] = 1;
    }
}

// An identifier, whatever the object calls the function.
static void make_name(char out[C_NAME_SIZE], const char *name)
{
    size_t i = 0;
    for (; name[i] && i < C_NAME_SIZE - 1; i++) {
        char c = name[i];
        bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        out[i] = fits ? c : '_';
    }
    out[i] = '\0';
}

static void put_program(c_form *f)
{
    const pst_image *image = f->unit->image;
    note_jumps(f);
    f->by_value = has_values(image);
    for (uint32_t i = 0; i < image->subprog_count; i++) {
        put_head(f, i);
        pst_text_add(f->out, " __attribute__((unused));\n");
    }
    pst_text_add(f->out, "\n");
    if (f->by_value) put_by_value(f);
    for (uint32_t i = 0; i < image->subprog_count; i++) put_function(f, i);
    pst_text_format(f->out, "uint64_t prog_%s(struct postern_env *env, uint64_t r1, uint64_t r2);\nuint64_t prog_%s(struct postern_env *env, uint64_t r1, uint64_t r2)\n{\n"
                    "    env->may_goto_left = %uu;\n", f->name, f->name, PST_MAY_GOTO_MAX);
    if (f->by_value) pst_text_format(f->out, "    env->function = %s_by_value;\n", f->name);
    pst_text_format(f->out, "    return %s_f0(env, r1, r2, 0, 0, 0);\n}\n\n", f->name);
}

pst_status pst_c_form_add(const pst_env *env, const pst_image *image, const pst_bindings *bindings, const pst_facts *facts, const char *name,
                          pst_text *out)
{
    jit_unit unit = {.env = env, .image = image, .source = image, .bindings = bindings, .facts = facts};
    pst_status status = jit_analyse(&unit);
    char identifier[C_NAME_SIZE];
    make_name(identifier, name);
    c_form form = {.unit = &unit, .name = identifier, .out = out};
    if (status == PST_OK) {
        form.jumped = pst_alloc_zero(env, image->count, 1);
        if (!form.jumped) status = PST_E_NOMEM;
    }
    if (status == PST_OK) put_program(&form);
    if (status == PST_OK && out->failed) status = PST_E_NOMEM;
    pst_free(env, form.jumped, form.jumped ? image->count : 0);
    jit_unit_free(&unit);
    return status;
}
