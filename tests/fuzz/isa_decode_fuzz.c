// isa_decode_fuzz.c: any bytes: what decodes must encode to the same bytes, and its text must assemble to them.
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

static void check_text(const pst_insn *insn, const pst_slot *slots, size_t want)
{
    pst_text text;
    pst_slot *again;
    size_t count;
    pst_asm_error error;
    pst_text_init(&text, &env);
    pst_disasm_insn(&text, insn, 0, NULL);
    must(pst_assemble(&env, pst_text_cstr(&text), &again, &count, &error) == PST_OK);
    must(count == want && memcmp(again, slots, count * sizeof *slots) == 0);
    pst_free(&env, again, count * sizeof *again);
    pst_text_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static pst_slot slots[512];
    size_t count = size / sizeof *slots < 512 ? size / sizeof *slots : 512;
    if (count == 0) return 0;
    memcpy(slots, data, count * sizeof *slots);
    for (size_t pc = 0; pc < count;) {
        pst_insn insn;
        pst_slot again[2];
        pst_decode_result result = pst_insn_decode(slots + pc, count - pc, &insn);
        must(pst_decode_text(result) != NULL);
        if (result != PST_DECODE_OK) {
            pc++;
            continue;
        }
        size_t used = pst_insn_encode(&insn, again);
        must(used == (insn.kind == PST_KIND_IMM64 ? 2u : 1u) && memcmp(again, slots + pc, used * sizeof *again) == 0);
        check_text(&insn, slots + pc, used);
        pc += used;
    }
    return 0;
}
