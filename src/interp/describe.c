// describe.c: a trap as one sentence, for people.
#include "interp/interp.h"

static const char *helper_name(void *user, int32_t id)
{
    (void)user;
    const pst_helper_proto *proto = pst_helper_proto_by_id(id);
    return proto ? proto->name : NULL;
}

static void add_detail(pst_text *out, const pst_trap *trap)
{
    switch (trap->code) {
    case PST_TRAP_MEMORY:
    case PST_TRAP_READ_ONLY:
    case PST_TRAP_ALIGNMENT:
        pst_text_format(out, " (%u bytes at 0x%llx)", trap->size, (unsigned long long)trap->address);
        break;
    case PST_TRAP_CONTEXT:
        pst_text_format(out, " (%u bytes at offset %lld)", trap->size, (long long)trap->address);
        break;
    case PST_TRAP_ARGUMENT:
        pst_text_format(out, " (argument %llu", (unsigned long long)trap->address);
        if (trap->size) pst_text_format(out, ", of %u bytes", trap->size);
        pst_text_add(out, ")");
        break;
    case PST_TRAP_CALL: pst_text_format(out, " (the register holds 0x%llx)", (unsigned long long)trap->address); break;
    case PST_TRAP_FAULT: pst_text_format(out, " (at 0x%llx)", (unsigned long long)trap->address); break;
    case PST_TRAP_NONE:
    case PST_TRAP_HELPER:
    case PST_TRAP_DEPTH:
    case PST_TRAP_BUDGET:
    case PST_TRAP_LOCK:
    case PST_TRAP_INSTRUCTION: break;
    }
}

void pst_trap_describe(pst_text *out, const pst_image *image, const pst_trap *trap)
{
    const pst_disasm_names names = {.helper = helper_name};
    pst_text_format(out, "program '%s' stopped at instruction %u", image->name, trap->pc);
    if (trap->pc < image->count && image->insns[trap->pc].kind != PST_KIND_PADDING) {
        pst_text_add(out, " (");
        pst_disasm_insn(out, &image->insns[trap->pc], trap->pc, &names);
        pst_text_add(out, ")");
    }
    const pst_line *line = pst_image_line_at(image, trap->pc);
    if (line) {
        pst_text_format(out, ", %s:%u", line->file[0] ? line->file : "source line", line->line);
        const char *text = line->text;
        while (*text == ' ' || *text == '\t') text++;
        if (*text) pst_text_format(out, " \"%s\"", text);
    }
    pst_text_format(out, ": %s", pst_trap_text(trap->code));
    add_detail(out, trap);
}
