// isa_asm_fuzz.c: any text: what assembles must decode, and its disassembly must assemble to the same slots.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "isa/isa.h"

static void *resize(void *user, void *ptr, size_t old_size, size_t new_size)
{
    if (new_size != 0) return realloc(ptr, new_size);
    free(ptr);
    return NULL;
}

static const pst_env env = {.resize = resize};

static void must(int truth)
{
    if (!truth) abort();
}

static void check_program(const pst_slot *slots, size_t count)
{
    pst_text text;
    pst_slot *again;
    size_t again_count;
    pst_asm_error error;
    pst_text_init(&text, &env);
    for (size_t pc = 0; pc < count;) {
        pst_insn insn;
        must(pst_insn_decode(slots + pc, count - pc, &insn) == PST_DECODE_OK);
        pst_disasm_insn(&text, &insn, pc, NULL);
        pst_text_add(&text, "\n");
        pc += insn.kind == PST_KIND_IMM64 ? 2 : 1;
    }
    must(pst_assemble(&env, pst_text_cstr(&text), &again, &again_count, &error) == PST_OK);
    must(again_count == count && (count == 0 || memcmp(again, slots, count * sizeof *slots) == 0));
    pst_free(&env, again, again_count * sizeof *again);
    pst_text_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pst_slot *slots;
    size_t count;
    pst_asm_error error;
    char *text = malloc(size + 1);
    if (!text) return 0;
    if (size) memcpy(text, data, size);
    text[size] = '\0';
    pst_status status = pst_assemble(&env, text, &slots, &count, &error);
    if (status == PST_OK) check_program(slots, count);
    else must(slots == NULL && count == 0 && error.line > 0 && error.text[0] != '\0');
    pst_free(&env, slots, count * sizeof *slots);
    free(text);
    return 0;
}
