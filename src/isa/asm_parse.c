// asm_parse.c: from tokens to one instruction.
//
// Called by asm.c for each statement. One function per form; the operators' texts are isa.def's.
// Invariant: a function that returns false has written the lexer's error. Whether the fields fit together (r10 as a
// destination, widths of atomics) is not asked here: encoding finds out.
#include "isa/asm_parse.h"

#include <string.h>

#define UNSIGNED32_MAX 0xffffffffu

static bool fail_here(pst_lexer *lexer, const char *sentence)
{
    return pst_lexer_fail(lexer, lexer->token.line, "%s", sentence);
}

// r0 to r10, and w0 to w10 when letter says so. False: another token.
static bool token_reg(const pst_token *token, char *letter, uint8_t *reg)
{
    const char *t = token->text;
    if (token->kind != PST_TOKEN_WORD || token->length < 2 || token->length > 3 || (t[0] != 'r' && t[0] != 'w')) return false;
    if (token->length == 3 && (t[1] != '1' || t[2] != '0')) return false;
    if (t[1] < '0' || t[1] > '9') return false;
    *letter = t[0];
    *reg = (uint8_t)(token->length == 3 ? 10 : t[1] - '0');
    return true;
}

static bool parse_reg(pst_lexer *lexer, char *letter, uint8_t *reg)
{
    if (!token_reg(&lexer->token, letter, reg)) return fail_here(lexer, "a register is expected here: r0 to r10 or w0 to w10");
    pst_lexer_advance(lexer);
    return true;
}

static unsigned letter_width(char letter) { return letter == 'w' ? 32 : 64; }

static bool parse_reg_of_width(pst_lexer *lexer, unsigned width, uint8_t *reg)
{
    char letter = 0;
    if (!parse_reg(lexer, &letter, reg)) return false;
    if (letter_width(letter) != width)
        return pst_lexer_fail(lexer, lexer->token.line, "this operation is of %u bits: write %c%u", width, width == 64 ? 'r' : 'w', *reg);
    return true;
}

// A register whose low bits count, of a width that is known otherwise: r, or w if it has so many bits.
static bool parse_data_reg(pst_lexer *lexer, unsigned width, uint8_t *reg)
{
    char letter = 0;
    if (!parse_reg(lexer, &letter, reg)) return false;
    if (letter == 'w' && width == 64) return fail_here(lexer, "a w register has 32 bits, the operation 64");
    return true;
}

// A number with an optional sign, in [min, max]; *out holds its two's complement.
static bool parse_number(pst_lexer *lexer, int64_t min, uint64_t max, uint64_t *out)
{
    bool negative = pst_lexer_accept(lexer, "-");
    if (!negative) (void)pst_lexer_accept(lexer, "+");
    const pst_token *token = &lexer->token;
    if (token->kind != PST_TOKEN_NUMBER) return fail_here(lexer, "a number is expected here");
    uint64_t value = token->number;
    if (negative ? value > (uint64_t)0 - (uint64_t)min : value > max)
        return pst_lexer_fail(lexer, token->line, "the number is out of range: %lld to %llu fit here", (long long)min,
                              (unsigned long long)max);
    *out = negative ? (uint64_t)0 - value : value;
    pst_lexer_advance(lexer);
    return true;
}

// Operations of 32 bits and less take the upper half of the unsigned numbers too; at 64 bits those would be sign-extended
// into another number.
static bool parse_imm(pst_lexer *lexer, unsigned width, int64_t *imm)
{
    uint64_t value = 0;
    if (!parse_number(lexer, INT32_MIN, width == 64 ? INT32_MAX : UNSIGNED32_MAX, &value)) return false;
    *imm = (int32_t)(uint32_t)value;
    return true;
}

static bool parse_operand(pst_lexer *lexer, pst_insn *insn)
{
    char letter;
    if (token_reg(&lexer->token, &letter, &insn->src)) return parse_reg_of_width(lexer, insn->width, &insn->src);
    insn->flags |= PST_INSN_IMM;
    return parse_imm(lexer, insn->width, &insn->imm);
}

// "+ 4", "- 8" or nothing, in [-32768, 32767].
static bool parse_displacement(pst_lexer *lexer, int16_t *off)
{
    uint64_t value = 0;
    const pst_token *token = &lexer->token;
    if (pst_token_is(token, "+") || pst_token_is(token, "-")) {
        if (!parse_number(lexer, INT16_MIN, INT16_MAX, &value)) return false;
    }
    *off = (int16_t)(uint16_t)value;
    return true;
}

// r1 + 0
static bool parse_place(pst_lexer *lexer, uint8_t *reg, int16_t *off)
{
    char letter = 0;
    if (!parse_reg(lexer, &letter, reg)) return false;
    if (letter != 'r') return fail_here(lexer, "an address is in an r register");
    return parse_displacement(lexer, off);
}

// (r1 + 0)
static bool parse_address(pst_lexer *lexer, uint8_t *reg, int16_t *off)
{
    return pst_lexer_expect(lexer, "(") && parse_place(lexer, reg, off) && pst_lexer_expect(lexer, ")");
}

// u8 to u64, s8 to s32: the token's text, or false.
static bool token_type(const pst_token *token, uint8_t *width, bool *is_signed)
{
    static const uint8_t widths[] = {8, 16, 32, 64};
    static const char *const names[] = {"u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64"};
    for (size_t i = 0; i < PST_COUNT(names); i++) {
        if (!pst_token_is(token, names[i])) continue;
        *width = widths[i % 4];
        *is_signed = i >= 4;
        return true;
    }
    return false;
}

// (u32 *)
static bool parse_type(pst_lexer *lexer, uint8_t *width, bool *is_signed)
{
    if (!pst_lexer_expect(lexer, "(")) return false;
    if (!token_type(&lexer->token, width, is_signed)) return fail_here(lexer, "a type is expected here: u8, u16, u32, u64, s8, s16 or s32");
    pst_lexer_advance(lexer);
    return pst_lexer_expect(lexer, "*") && pst_lexer_expect(lexer, ")");
}

static bool parse_unsigned_type(pst_lexer *lexer, uint8_t *width)
{
    bool is_signed = false;
    if (!parse_type(lexer, width, &is_signed)) return false;
    return is_signed ? fail_here(lexer, "only loads have signed types") : true;
}

// Takes an operator, which the lexer gives as an optional word "s" and a punctuation; false: it is none of the table's.
static bool operator_is(pst_lexer *lexer, const char *text)
{
    pst_lexer ahead = *lexer;
    if (text[0] == 's') {
        if (!pst_token_is(&ahead.token, "s")) return false;
        pst_lexer_advance(&ahead);
        text++;
    }
    if (ahead.failed || ahead.token.kind != PST_TOKEN_PUNCT || !pst_token_is(&ahead.token, text)) return false;
    pst_lexer_advance(&ahead);
    *lexer = ahead;
    return true;
}

// A label, "+3" or "pc+3".
static bool parse_target(pst_lexer *lexer, pst_insn *insn, pst_token *label, bool wide)
{
    uint64_t value;
    (void)pst_lexer_accept(lexer, "pc");
    if (lexer->token.kind == PST_TOKEN_WORD) {
        *label = lexer->token;
        pst_lexer_advance(lexer);
        return true;
    }
    if (!pst_token_is(&lexer->token, "+") && !pst_token_is(&lexer->token, "-"))
        return fail_here(lexer, "a label or a displacement with its sign is expected here");
    if (!parse_number(lexer, wide ? INT32_MIN : INT16_MIN, wide ? INT32_MAX : INT16_MAX, &value)) return false;
    insn->target = (int32_t)(uint32_t)value;
    return true;
}

static bool parse_call(pst_lexer *lexer, pst_insn *insn, pst_token *label)
{
    uint64_t value;
    insn->kind = PST_KIND_CALL;
    if (lexer->token.kind == PST_TOKEN_NUMBER) {
        insn->op = PST_CALL_HELPER;
        return parse_imm(lexer, 32, &insn->imm);
    }
    if (pst_token_is(&lexer->token, "-")) {
        insn->op = PST_CALL_HELPER;
        return parse_imm(lexer, 64, &insn->imm);
    }
    if (pst_lexer_accept(lexer, "kfunc")) {
        insn->op = PST_CALL_KFUNC;
        if (!parse_imm(lexer, 64, &insn->imm)) return false;
        if (!pst_lexer_accept(lexer, "btf")) return true;
        if (!parse_number(lexer, INT16_MIN, INT16_MAX, &value)) return false;
        insn->off = (int16_t)(uint16_t)value;
        return true;
    }
    insn->op = PST_CALL_SUBPROG;
    return parse_target(lexer, insn, label, true);
}

static bool parse_callx(pst_lexer *lexer, pst_insn *insn)
{
    insn->kind = PST_KIND_CALL;
    insn->op = PST_CALL_REGISTER;
    if (pst_lexer_accept(lexer, "imm")) insn->flags |= PST_INSN_IMM_CALL;
    return parse_reg_of_width(lexer, 64, &insn->dst);
}

static bool parse_branch(pst_lexer *lexer, pst_insn *insn, pst_token *label)
{
    char letter = 0;
    bool found = false;
    insn->kind = PST_KIND_BRANCH;
    if (!parse_reg(lexer, &letter, &insn->dst)) return false;
    insn->width = (uint8_t)letter_width(letter);
#define X(name, code, text, ...)              \
    if (!found && operator_is(lexer, text)) { \
        insn->op = PST_JUMP_##name;           \
        found = true;                         \
    }
    PST_JUMP_LIST(X)
#undef X
    if (!found) return fail_here(lexer, "a comparison is expected here: ==, !=, <, <=, >, >=, &, or s<, s<=, s>, s>=");
    return parse_operand(lexer, insn) && pst_lexer_expect(lexer, "goto") && parse_target(lexer, insn, label, false);
}

// After "*" at the start of a statement: a store, or an atomic operation without result (locked: it must be one).
static bool parse_memory(pst_lexer *lexer, pst_insn *insn, bool locked)
{
    bool found = false;
    if (!parse_unsigned_type(lexer, &insn->width) || !parse_address(lexer, &insn->dst, &insn->off)) return false;
    if (!locked && pst_lexer_accept(lexer, "=")) {
        char letter;
        insn->kind = PST_KIND_STORE;
        if (token_reg(&lexer->token, &letter, &insn->src)) return parse_data_reg(lexer, insn->width, &insn->src);
        insn->flags = PST_INSN_IMM;
        return parse_imm(lexer, insn->width, &insn->imm);
    }
    insn->kind = PST_KIND_ATOMIC;
#define X(name, imm, text, ...)               \
    if (!found && operator_is(lexer, text)) { \
        insn->op = PST_ATOMIC_##name;         \
        found = true;                         \
    }
    PST_ATOMIC_LIST(X)
#undef X
    if (!found) return fail_here(lexer, "an assignment is expected here: =, or with lock +=, |=, &= or ^=");
    return parse_data_reg(lexer, insn->width, &insn->src);
}

// store_release((u64 *)(r1 + 0), r2)
static bool parse_store_release(pst_lexer *lexer, pst_insn *insn)
{
    insn->kind = PST_KIND_STORE_RELEASE;
    return pst_lexer_expect(lexer, "(") && parse_unsigned_type(lexer, &insn->width) &&
           parse_address(lexer, &insn->dst, &insn->off) && pst_lexer_expect(lexer, ",") && parse_data_reg(lexer, insn->width, &insn->src) &&
           pst_lexer_expect(lexer, ")");
}

// After "*" of a right side: (u8 *)(r1 + 0), (u8 *)skb[16], (u8 *)skb[r3 + 4]
static bool parse_load(pst_lexer *lexer, pst_insn *insn)
{
    bool is_signed = false, narrow = insn->width == 32;
    char letter;
    insn->kind = PST_KIND_LOAD;
    if (!parse_type(lexer, &insn->width, &is_signed)) return false;
    if (narrow && (is_signed || insn->width == 64)) return fail_here(lexer, "this load writes 64 bits: its destination is an r register");
    if (is_signed) insn->flags = PST_INSN_SIGNED;
    if (!pst_lexer_accept(lexer, "skb")) return parse_address(lexer, &insn->src, &insn->off);

    insn->kind = PST_KIND_LEGACY_LOAD;
    if (insn->dst != 0) return fail_here(lexer, "packet loads have the destination r0");
    insn->op = PST_LEGACY_ABS;
    if (!pst_lexer_expect(lexer, "[")) return false;
    if (token_reg(&lexer->token, &letter, &insn->src)) {
        insn->op = PST_LEGACY_IND;
        if (!parse_reg_of_width(lexer, 64, &insn->src)) return false;
        if (pst_lexer_accept(lexer, "]")) return true;
    }
    return parse_imm(lexer, 64, &insn->imm) && pst_lexer_expect(lexer, "]");
}

// The arguments of the atomic operations with a result. width 0: a type in front of the address says it.
static bool parse_fetch(pst_lexer *lexer, pst_insn *insn, pst_atomic_op op, unsigned width)
{
    uint8_t result = insn->dst, old = 0;
    insn->kind = PST_KIND_ATOMIC;
    insn->op = (uint8_t)op;
    insn->flags = PST_INSN_FETCH;
    insn->width = (uint8_t)width;
    if (!pst_lexer_expect(lexer, "(")) return false;
    if (width == 0) {
        if (!parse_unsigned_type(lexer, &insn->width) || !parse_address(lexer, &insn->dst, &insn->off)) return false;
    } else if (!parse_place(lexer, &insn->dst, &insn->off)) {
        return false;
    }
    if (!pst_lexer_expect(lexer, ",")) return false;
    if (op == PST_ATOMIC_CMPXCHG && (!parse_data_reg(lexer, insn->width, &old) || !pst_lexer_expect(lexer, ","))) return false;
    if (!parse_data_reg(lexer, insn->width, &insn->src) || !pst_lexer_expect(lexer, ")")) return false;
    if (op == PST_ATOMIC_CMPXCHG)
        return result == 0 && old == 0 ? true : fail_here(lexer, "cmpxchg compares with r0 and returns in r0");
    return result == insn->src ? true : fail_here(lexer, "the result goes to the register that is the last argument");
}

static bool parse_load_acquire(pst_lexer *lexer, pst_insn *insn)
{
    insn->kind = PST_KIND_LOAD_ACQUIRE;
    return pst_lexer_expect(lexer, "(") && parse_unsigned_type(lexer, &insn->width) &&
           parse_address(lexer, &insn->src, &insn->off) && pst_lexer_expect(lexer, ")");
}

static bool parse_swap(pst_lexer *lexer, pst_insn *insn, pst_swap_op op, unsigned width)
{
    uint8_t reg = 0;
    insn->kind = PST_KIND_SWAP;
    insn->op = (uint8_t)op;
    insn->width = (uint8_t)width;
    if (!parse_reg_of_width(lexer, 64, &reg)) return false;
    return reg == insn->dst ? true : fail_here(lexer, "byte order is changed in place: both registers are the same");
}

// addr_space_cast(r2, 0, 1)
static bool parse_cast(pst_lexer *lexer, pst_insn *insn)
{
    uint64_t to, from;
    insn->kind = PST_KIND_CAST;
    insn->width = 64;
    if (!pst_lexer_expect(lexer, "(") || !parse_reg_of_width(lexer, 64, &insn->src) || !pst_lexer_expect(lexer, ",")) return false;
    if (!parse_number(lexer, 0, UINT16_MAX, &to) || !pst_lexer_expect(lexer, ",")) return false;
    if (!parse_number(lexer, 0, UINT16_MAX, &from) || !pst_lexer_expect(lexer, ")")) return false;
    insn->imm = (int32_t)(uint32_t)(to << 16 | from);
    return true;
}

static void set_imm64(pst_insn *insn, pst_imm64_op op, uint64_t low, uint64_t high)
{
    insn->kind = PST_KIND_IMM64;
    insn->op = (uint8_t)op;
    insn->width = 64;
    insn->imm = (int64_t)((uint32_t)low | high << 32);
}

// map[fd:5], map[fd:5][0]+8, map[idx:5], map[idx:5][0]+8
static bool parse_map(pst_lexer *lexer, pst_insn *insn)
{
    uint64_t map, offset = 0;
    if (!pst_lexer_expect(lexer, "[")) return false;
    bool by_index = pst_lexer_accept(lexer, "idx");
    if (!by_index && !pst_lexer_expect(lexer, "fd")) return false;
    if (!pst_lexer_expect(lexer, ":") || !parse_number(lexer, INT32_MIN, INT32_MAX, &map) || !pst_lexer_expect(lexer, "]")) return false;
    bool value = pst_lexer_accept(lexer, "[");
    if (value) {
        if (!pst_lexer_expect(lexer, "0") || !pst_lexer_expect(lexer, "]") || !pst_lexer_expect(lexer, "+")) return false;
        if (!parse_number(lexer, 0, UNSIGNED32_MAX, &offset)) return false;
    }
    if (by_index) set_imm64(insn, value ? PST_IMM64_MAP_IDX_VALUE : PST_IMM64_MAP_IDX, map, offset);
    else set_imm64(insn, value ? PST_IMM64_MAP_VALUE : PST_IMM64_MAP_FD, map, offset);
    return true;
}

// var[id:5], var[id:5][btf:3]
static bool parse_var(pst_lexer *lexer, pst_insn *insn)
{
    uint64_t id, btf = 0;
    if (!pst_lexer_expect(lexer, "[") || !pst_lexer_expect(lexer, "id") || !pst_lexer_expect(lexer, ":")) return false;
    if (!parse_number(lexer, INT32_MIN, INT32_MAX, &id) || !pst_lexer_expect(lexer, "]")) return false;
    if (pst_lexer_accept(lexer, "[")) {
        if (!pst_lexer_expect(lexer, "btf") || !pst_lexer_expect(lexer, ":")) return false;
        if (!parse_number(lexer, INT32_MIN, INT32_MAX, &btf) || !pst_lexer_expect(lexer, "]")) return false;
    }
    set_imm64(insn, PST_IMM64_BTF_ID, id, btf);
    return true;
}

// subprog[+7], subprog[label]
static bool parse_subprog(pst_lexer *lexer, pst_insn *insn, pst_token *label)
{
    set_imm64(insn, PST_IMM64_FUNC, 0, 0);
    return pst_lexer_expect(lexer, "[") && parse_target(lexer, insn, label, true) && pst_lexer_expect(lexer, "]");
}

// What starts with a name, by that name.
static bool parse_function(pst_lexer *lexer, pst_insn *insn, pst_token *label)
{
    static const struct {
        const char *name;
        uint8_t op, width; // width 0: a type in the arguments says it
    } fetches[] = {
        {"atomic_fetch_add", PST_ATOMIC_ADD, 0}, {"atomic_fetch_or", PST_ATOMIC_OR, 0}, {"atomic_fetch_and", PST_ATOMIC_AND, 0},
        {"atomic_fetch_xor", PST_ATOMIC_XOR, 0}, {"xchg_64", PST_ATOMIC_XCHG, 64},      {"xchg32_32", PST_ATOMIC_XCHG, 32},
        {"cmpxchg_64", PST_ATOMIC_CMPXCHG, 64},  {"cmpxchg32_32", PST_ATOMIC_CMPXCHG, 32},
    };
#define X(name, klass, source, text)                                                             \
    if (pst_lexer_accept(lexer, text "16")) return parse_swap(lexer, insn, PST_SWAP_##name, 16); \
    if (pst_lexer_accept(lexer, text "32")) return parse_swap(lexer, insn, PST_SWAP_##name, 32); \
    if (pst_lexer_accept(lexer, text "64")) return parse_swap(lexer, insn, PST_SWAP_##name, 64);
    PST_SWAP_LIST(X)
#undef X
    for (size_t i = 0; i < PST_COUNT(fetches); i++)
        if (pst_lexer_accept(lexer, fetches[i].name)) return parse_fetch(lexer, insn, (pst_atomic_op)fetches[i].op, fetches[i].width);
    if (pst_lexer_accept(lexer, "load_acquire")) return parse_load_acquire(lexer, insn);
    if (pst_lexer_accept(lexer, "addr_space_cast")) return parse_cast(lexer, insn);
    if (pst_lexer_accept(lexer, "map")) return parse_map(lexer, insn);
    if (pst_lexer_accept(lexer, "var")) return parse_var(lexer, insn);
    if (pst_lexer_accept(lexer, "subprog")) return parse_subprog(lexer, insn, label);
    return fail_here(lexer, "no operation has this name");
}

// What follows "r1 =" and starts with a name.
static bool parse_named(pst_lexer *lexer, pst_insn *insn, pst_token *label)
{
    bool narrow = insn->width == 32;
    if (!parse_function(lexer, insn, label)) return false;
    bool has_narrow = insn->kind == PST_KIND_ATOMIC || insn->kind == PST_KIND_LOAD_ACQUIRE;
    if (narrow && (!has_narrow || insn->width == 64)) return fail_here(lexer, "this operation writes 64 bits: its destination is an r register");
    return true;
}

// What follows "r1 = (" or "w1 = (": s8) and so on, and a register.
static bool parse_extension(pst_lexer *lexer, pst_insn *insn)
{
    uint8_t width;
    bool is_signed;
    if (!token_type(&lexer->token, &width, &is_signed) || !is_signed || width == 64) return fail_here(lexer, "s8, s16 or s32 is expected here");
    pst_lexer_advance(lexer);
    insn->op = width == 8 ? PST_ALU_MOVSX8 : width == 16 ? PST_ALU_MOVSX16 : PST_ALU_MOVSX32;
    return pst_lexer_expect(lexer, ")") && parse_reg_of_width(lexer, insn->width, &insn->src);
}

// After "=": a number, "-r1" or a 64-bit immediate with "ll".
static bool parse_value(pst_lexer *lexer, pst_insn *insn)
{
    char letter;
    uint8_t reg = 0;
    pst_lexer ahead = *lexer;
    if (pst_lexer_accept(&ahead, "-") && token_reg(&ahead.token, &letter, &reg)) {
        *lexer = ahead;
        insn->op = PST_ALU_NEG;
        insn->flags = PST_INSN_IMM;
        if (!parse_reg_of_width(lexer, insn->width, &reg)) return false;
        return reg == insn->dst ? true : fail_here(lexer, "negation is in place: both registers are the same");
    }
    uint64_t value;
    const pst_lexer start = *lexer;
    if (!parse_number(lexer, INT64_MIN, UINT64_MAX, &value)) return false;
    if (insn->width == 64 && pst_lexer_accept(lexer, "ll")) {
        set_imm64(insn, PST_IMM64_VALUE, value, value >> 32);
        return true;
    }
    *lexer = start; // and now with the range of a move
    insn->op = PST_ALU_MOV;
    insn->flags = PST_INSN_IMM;
    return parse_imm(lexer, insn->width, &insn->imm);
}

static bool parse_assignment(pst_lexer *lexer, pst_insn *insn, pst_token *label)
{
    char letter;
    const pst_token *token = &lexer->token;
    if (token_reg(token, &letter, &insn->src)) {
        insn->op = PST_ALU_MOV;
        return parse_reg_of_width(lexer, insn->width, &insn->src);
    }
    if (pst_lexer_accept(lexer, "(")) return parse_extension(lexer, insn);
    if (pst_lexer_accept(lexer, "*")) return parse_load(lexer, insn);
    if (token->kind == PST_TOKEN_WORD) return parse_named(lexer, insn, label);
    return parse_value(lexer, insn);
}

// A statement that starts with a register.
static bool parse_alu(pst_lexer *lexer, pst_insn *insn, pst_token *label)
{
    char letter = 0;
    if (!parse_reg(lexer, &letter, &insn->dst)) return false;
    insn->kind = PST_KIND_ALU;
    insn->width = (uint8_t)letter_width(letter);
    if (pst_lexer_accept(lexer, "=")) return parse_assignment(lexer, insn, label);
#define X(name, code, off, text, ...)                                                  \
    if (PST_ALU_##name != PST_ALU_NEG && operator_is(lexer, text)) {                   \
        insn->op = PST_ALU_##name;                                                     \
        return parse_operand(lexer, insn);                                             \
    }
    PST_ALU_LIST(X)
#undef X
    return fail_here(lexer, "an assignment is expected after the register: =, +=, <<=, s>>= and so on");
}

static bool parse_statement(pst_lexer *lexer, pst_insn *insn, pst_token *label)
{
    if (pst_lexer_accept(lexer, "exit")) {
        insn->kind = PST_KIND_EXIT;
        return true;
    }
    if (pst_lexer_accept(lexer, "goto")) {
        insn->kind = PST_KIND_JUMP;
        return parse_target(lexer, insn, label, false);
    }
    if (pst_lexer_accept(lexer, "gotol")) {
        insn->kind = PST_KIND_JUMP;
        insn->flags = PST_INSN_LONG;
        return parse_target(lexer, insn, label, true);
    }
    if (pst_lexer_accept(lexer, "may_goto")) {
        insn->kind = PST_KIND_MAY_GOTO;
        return parse_target(lexer, insn, label, false);
    }
    if (pst_lexer_accept(lexer, "call")) return parse_call(lexer, insn, label);
    if (pst_lexer_accept(lexer, "callx")) return parse_callx(lexer, insn);
    if (pst_lexer_accept(lexer, "if")) return parse_branch(lexer, insn, label);
    if (pst_lexer_accept(lexer, "lock")) return pst_lexer_expect(lexer, "*") && parse_memory(lexer, insn, true);
    if (pst_lexer_accept(lexer, "*")) return parse_memory(lexer, insn, false);
    if (pst_lexer_accept(lexer, "store_release")) return parse_store_release(lexer, insn);
    return parse_alu(lexer, insn, label);
}

bool pst_asm_parse(pst_lexer *lexer, pst_insn *insn, pst_token *label)
{
    *insn = (pst_insn){0};
    *label = (pst_token){0};
    if (!parse_statement(lexer, insn, label) || lexer->failed) return false;
    pst_token_kind kind = lexer->token.kind;
    return kind == PST_TOKEN_END || kind == PST_TOKEN_EOF ? true : fail_here(lexer, "the instruction is complete before this");
}
