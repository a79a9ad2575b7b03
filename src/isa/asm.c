// asm.c: from text to slots.
//
// Called by the CLI, tests and verifier cases. asm_lex.c cuts the text, asm_parse.c reads one statement; here are labels
// and the output. Statements end at a newline or ';'. Grammar, by example (NUMBER is decimal or 0x hex, with a sign):
//   label:                                    any word; may stand before an instruction
//   r1 += r2    w1 s>>= 3    r1 = -r1         the operators of isa.def
//   r1 = (s8)r2    r1 = be16 r1    r1 = bswap64 r1
//   r1 = 0x1122334455667788 ll    r1 = map[fd:5]    r1 = map[idx:5][0]+8    r1 = var[id:5]    r1 = subprog[+7 or label]
//   r0 = *(u32 *)(r1 + 4)    r0 = *(s8 *)(r1 - 1)    *(u16 *)(r10 - 8) = 7    *(u64 *)(r10 - 8) = r1
//   lock *(u64 *)(r1 + 0) += r2    r2 = atomic_fetch_add((u64 *)(r1 + 0), r2)    r2 = xchg_64(r1 + 0, r2)
//   r0 = cmpxchg_64(r1 + 0, r0, r2)    r1 = load_acquire((u64 *)(r2 + 0))    store_release((u64 *)(r1 + 0), r2)
//   r0 = *(u8 *)skb[16]    r0 = *(u16 *)skb[r3 + 4]
//   if r1 s> 5 goto TARGET    goto TARGET    gotol TARGET    may_goto TARGET        TARGET: label, +3, -2 or pc+3
//   call 5    call pc+3    call label    call kfunc 77 btf 2    callx r3    callx imm r3    exit
//   r1 = addr_space_cast(r2, 0, 1)
// Invariant: what it returns decodes; each jump to a label lands on it. Leaves out: directives, sections, symbols.
#include "isa/isa.h"

#include <string.h>

#include "base/hash.h"
#include "isa/asm_lex.h"
#include "isa/asm_parse.h"
#include "isa/opcode.h"

#define BUCKET_COUNT (2 * PST_ASM_LABELS_MAX) // at least half stay empty; a power of two

typedef struct asm_label {
    pst_token name;
    size_t pc;
} asm_label;

// A jump to a label, patched when all labels are known.
typedef struct asm_fixup {
    pst_token name;
    size_t pc;
    bool wide; // the displacement stands in imm, not in off
} asm_fixup;

typedef struct assembler {
    const pst_env *env;
    pst_lexer lexer;
    pst_slot *slots;
    asm_label *labels;
    asm_fixup *fixups;
    uint32_t *buckets; // index into labels plus 1, by hash of the name; made for the first label
    size_t slot_count, slot_capacity, label_count, label_capacity, fixup_count, fixup_capacity;
} assembler;

// The bucket of this name: its label's, or the empty one where it would go.
static uint32_t *label_bucket(const assembler *a, const pst_token *name)
{
    size_t i = (size_t)pst_hash_plain(name->text, name->length) & (BUCKET_COUNT - 1);
    for (; a->buckets[i] != 0; i = (i + 1) & (BUCKET_COUNT - 1)) {
        const pst_token *other = &a->labels[a->buckets[i] - 1].name;
        if (other->length == name->length && memcmp(other->text, name->text, name->length) == 0) break;
    }
    return &a->buckets[i];
}

static int shown(const pst_token *name) { return name->length > 40 ? 40 : (int)name->length; }

static pst_status add_label(assembler *a, const pst_token *name)
{
    if (a->label_count == PST_ASM_LABELS_MAX) {
        (void)pst_lexer_fail(&a->lexer, name->line, "there are more than %u labels", PST_ASM_LABELS_MAX);
        return PST_E_LIMIT;
    }
    if (!a->buckets) a->buckets = pst_alloc_zero(a->env, BUCKET_COUNT, sizeof *a->buckets);
    if (!a->buckets) return PST_E_NOMEM;
    PST_TRY(pst_grow(a->env, &a->labels, &a->label_capacity, a->label_count + 1, sizeof *a->labels));
    uint32_t *bucket = label_bucket(a, name);
    if (*bucket != 0) {
        (void)pst_lexer_fail(&a->lexer, name->line, "the label \"%.*s\" is defined twice, first in line %u", shown(name), name->text,
                             a->labels[*bucket - 1].name.line);
        return PST_E_FORMAT;
    }
    a->labels[a->label_count++] = (asm_label){*name, a->slot_count};
    *bucket = (uint32_t)a->label_count;
    return PST_OK;
}

static pst_status add_fixup(assembler *a, const pst_insn *insn, const pst_token *name)
{
    PST_TRY(pst_grow(a->env, &a->fixups, &a->fixup_capacity, a->fixup_count + 1, sizeof *a->fixups));
    bool wide = insn->kind == PST_KIND_CALL || insn->kind == PST_KIND_IMM64 || (insn->flags & PST_INSN_LONG);
    a->fixups[a->fixup_count++] = (asm_fixup){*name, a->slot_count, wide};
    return PST_OK;
}

static pst_status add_instruction(assembler *a)
{
    pst_insn insn;
    pst_token label;
    pst_slot slots[2];
    size_t count;
    unsigned line = a->lexer.token.line;
    if (!pst_asm_parse(&a->lexer, &insn, &label)) return PST_E_FORMAT;
    pst_decode_result result = pst_insn_encode_why(&insn, slots, &count);
    if (result != PST_DECODE_OK) {
        (void)pst_lexer_fail(&a->lexer, line, "there is no such instruction: %s", pst_decode_text(result));
        return PST_E_FORMAT;
    }
    if (a->slot_count + count > PST_ASM_SLOTS_MAX) {
        (void)pst_lexer_fail(&a->lexer, line, "the program is longer than %u slots", PST_ASM_SLOTS_MAX);
        return PST_E_LIMIT;
    }
    if (label.length != 0) PST_TRY(add_fixup(a, &insn, &label));
    PST_TRY(pst_grow(a->env, &a->slots, &a->slot_capacity, a->slot_count + count, sizeof *a->slots));
    memcpy(a->slots + a->slot_count, slots, count * sizeof *slots);
    a->slot_count += count;
    return PST_OK;
}

static pst_status add_statements(assembler *a)
{
    pst_lexer *lexer = &a->lexer;
    while (lexer->token.kind != PST_TOKEN_EOF) {
        pst_token word = lexer->token;
        if (word.kind == PST_TOKEN_END) {
            pst_lexer_advance(lexer);
            continue;
        }
        pst_lexer ahead = *lexer;
        pst_lexer_advance(&ahead);
        if (word.kind == PST_TOKEN_WORD && !ahead.failed && pst_token_is(&ahead.token, ":")) {
            pst_lexer_advance(&ahead);
            *lexer = ahead;
            PST_TRY(add_label(a, &word));
        } else {
            PST_TRY(add_instruction(a));
        }
    }
    return lexer->failed ? PST_E_FORMAT : PST_OK;
}

static pst_status resolve(assembler *a, const asm_fixup *fixup)
{
    uint32_t *bucket = a->buckets ? label_bucket(a, &fixup->name) : NULL;
    if (!bucket || *bucket == 0) {
        (void)pst_lexer_fail(&a->lexer, fixup->name.line, "there is no label \"%.*s\"", shown(&fixup->name), fixup->name.text);
        return PST_E_FORMAT;
    }
    // Both are at most PST_ASM_SLOTS_MAX.
    int32_t distance = (int32_t)a->labels[*bucket - 1].pc - (int32_t)(fixup->pc + 1);
    if (fixup->wide) {
        a->slots[fixup->pc].imm = distance;
    } else if (distance >= INT16_MIN && distance <= INT16_MAX) {
        a->slots[fixup->pc].off = (int16_t)distance;
    } else {
        (void)pst_lexer_fail(&a->lexer, fixup->name.line, "the label \"%.*s\" is %d slots away: only gotol reaches it",
                             shown(&fixup->name), fixup->name.text, (int)distance);
        return PST_E_FORMAT;
    }
    return PST_OK;
}

static pst_status finish(assembler *a, pst_slot **slots, size_t *count)
{
    for (size_t i = 0; i < a->fixup_count; i++) PST_TRY(resolve(a, &a->fixups[i]));
    size_t size = a->slot_count * sizeof *a->slots;
    if (size != 0) {
        // To the exact size, which is what the caller frees.
        *slots = pst_alloc(a->env, size);
        if (!*slots) return PST_E_NOMEM;
        memcpy(*slots, a->slots, size);
    }
    *count = a->slot_count;
    return PST_OK;
}

pst_status pst_assemble(const pst_env *env, const char *text, pst_slot **slots, size_t *count, pst_asm_error *error)
{
    assembler a = {.env = env};
    *slots = NULL;
    *count = 0;
    *error = (pst_asm_error){0};
    pst_lexer_init(&a.lexer, text, error);
    pst_status status = add_statements(&a);
    if (status == PST_OK) status = finish(&a, slots, count);

    pst_free(env, a.slots, a.slot_capacity * sizeof *a.slots);
    pst_free(env, a.labels, a.label_capacity * sizeof *a.labels);
    pst_free(env, a.fixups, a.fixup_capacity * sizeof *a.fixups);
    if (a.buckets) pst_free(env, a.buckets, BUCKET_COUNT * sizeof *a.buckets);
    return status;
}
