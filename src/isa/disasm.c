// disasm.c: instructions as text.
//
// The syntax is that of llvm-objdump (--no-print-imm-hex), which the kernel and bpftool share but for details. Where they
// differ we write:
//   numbers       decimal; operands of &, | and ^ in hex when not negative; 64-bit immediates in hex with "ll"
//   jumps         goto +3, as llvm does (the kernel: goto pc+3), counted from the next slot
//   32 bits       w registers for arithmetic, branches, atomics (llvm's names: xchg32_32, cmpxchg32_32) and ordered loads and
//                 stores; r registers for plain loads and stores, as objects are shown by default
//   calls         call 5; call pc+3; call kfunc 77, call kfunc 77 btf 2; with names as bpftool: call bpf_map_lookup_elem#1
//   callx         callx r3; callx imm r3 when the register stood in the imm field
//   immediates    map[fd:5], map[fd:5][0]+8, map[idx:5], map[idx:5][0]+8, var[id:5], var[id:5][btf:3], subprog[+7]
// Without names the assembler turns each text back into the same bytes; isa_decode_fuzz.c checks it.
//
// Called by the CLI, the verifier's findings and tests. Freestanding.
#include "isa/isa.h"

#include "base/bits.h"

typedef long long longest; // what format.h prints 64 bits with
typedef unsigned long long ulongest;

static const char *const alu_texts[] = {
#define X(name, code, off, text, ...) text,
    PST_ALU_LIST(X)
#undef X
};
static const char *const swap_texts[] = {
#define X(name, klass, source, text) text,
    PST_SWAP_LIST(X)
#undef X
};
static const char *const jump_texts[] = {
#define X(name, code, text, ...) text,
    PST_JUMP_LIST(X)
#undef X
};
static const char *const atomic_texts[] = {
#define X(name, imm, text, ...) text,
    PST_ATOMIC_LIST(X)
#undef X
};
static const char *const imm64_texts[] = {
#define X(name, src, second, text) text,
    PST_IMM64_LIST(X)
#undef X
};
static const char *const call_texts[] = {
#define X(name, src, text) text,
    PST_CALL_LIST(X)
#undef X
};

static char reg_letter(const pst_insn *insn)
{
    return insn->width == 64 ? 'r' : 'w';
}

static void add_imm(pst_text *out, int64_t imm, bool bits)
{
    if (bits && imm >= 0) pst_text_format(out, "0x%llx", (ulongest)imm);
    else pst_text_format(out, "%lld", (longest)imm);
}

// src or imm, at the operation's width.
static void add_operand(pst_text *out, const pst_insn *insn, bool bits)
{
    if (insn->flags & PST_INSN_IMM) add_imm(out, insn->imm, bits);
    else pst_text_format(out, "%c%u", reg_letter(insn), insn->src);
}

static void add_place(pst_text *out, unsigned reg, int off)
{
    pst_text_format(out, "r%u %c %d", reg, off < 0 ? '-' : '+', off < 0 ? -off : off);
}

static void add_address(pst_text *out, unsigned reg, int off)
{
    pst_text_add(out, "(");
    add_place(out, reg, off);
    pst_text_add(out, ")");
}

static void add_alu(pst_text *out, const pst_insn *insn)
{
    char letter = reg_letter(insn);
    pst_text_format(out, "%c%u ", letter, insn->dst);
    switch ((pst_alu_op)insn->op) {
    case PST_ALU_NEG: pst_text_format(out, "= -%c%u", letter, insn->dst); return;
    case PST_ALU_MOVSX8:
    case PST_ALU_MOVSX16:
    case PST_ALU_MOVSX32: pst_text_format(out, "= (%s)%c%u", alu_texts[insn->op], letter, insn->src); return;
    case PST_ALU_ADD:
    case PST_ALU_SUB:
    case PST_ALU_MUL:
    case PST_ALU_DIV:
    case PST_ALU_SDIV:
    case PST_ALU_OR:
    case PST_ALU_AND:
    case PST_ALU_LSH:
    case PST_ALU_RSH:
    case PST_ALU_MOD:
    case PST_ALU_SMOD:
    case PST_ALU_XOR:
    case PST_ALU_MOV:
    case PST_ALU_ARSH: break;
    }
    bool bits = insn->op == PST_ALU_AND || insn->op == PST_ALU_OR || insn->op == PST_ALU_XOR;
    pst_text_format(out, "%s ", alu_texts[insn->op]);
    add_operand(out, insn, bits);
}

static const char *map_name(const pst_disasm_names *names, size_t pc, const pst_insn *insn)
{
    return names && names->map ? names->map(names->user, pc, insn) : NULL;
}

static void add_imm64(pst_text *out, const pst_insn *insn, size_t pc, const pst_disasm_names *names)
{
    const char *name = NULL;
    uint32_t low = (uint32_t)insn->imm, high = (uint32_t)((uint64_t)insn->imm >> 32);
    pst_text_format(out, "r%u = ", insn->dst);
    switch ((pst_imm64_op)insn->op) {
    case PST_IMM64_VALUE: pst_text_format(out, "0x%llx ll", (ulongest)insn->imm); return;
    case PST_IMM64_MAP_FD:
    case PST_IMM64_MAP_IDX:
    case PST_IMM64_MAP_VALUE:
    case PST_IMM64_MAP_IDX_VALUE:
        name = map_name(names, pc, insn);
        if (name) pst_text_add(out, name);
        else pst_text_format(out, "%s%d]", imm64_texts[insn->op], (int)low);
        if (insn->op == PST_IMM64_MAP_VALUE || insn->op == PST_IMM64_MAP_IDX_VALUE) pst_text_format(out, "[0]+%u", high);
        return;
    case PST_IMM64_BTF_ID:
        pst_text_format(out, "%s%d]", imm64_texts[insn->op], (int)low);
        if (high) pst_text_format(out, "[btf:%d]", (int)high);
        return;
    case PST_IMM64_FUNC:
        pst_text_format(out, "%s%+d]", imm64_texts[insn->op], (int)insn->target);
        if (names && names->subprog) name = names->subprog(names->user, (size_t)((int64_t)pc + 1 + insn->target));
        if (name) pst_text_format(out, "#%s", name);
        return;
    }
}

static void add_atomic(pst_text *out, const pst_insn *insn)
{
    // The fetching forms are written as functions; in the order of the rows.
    static const char *const fetch_names[] = {"add", "or", "and", "xor"};
    char letter = reg_letter(insn);
    const char *suffix = insn->width == 64 ? "_64" : "32_32";
    switch ((pst_atomic_op)insn->op) {
    case PST_ATOMIC_XCHG:
        pst_text_format(out, "%c%u = %s%s(", letter, insn->src, atomic_texts[insn->op], suffix);
        add_place(out, insn->dst, insn->off);
        pst_text_format(out, ", %c%u)", letter, insn->src);
        return;
    case PST_ATOMIC_CMPXCHG:
        pst_text_format(out, "%c0 = %s%s(", letter, atomic_texts[insn->op], suffix);
        add_place(out, insn->dst, insn->off);
        pst_text_format(out, ", %c0, %c%u)", letter, letter, insn->src);
        return;
    case PST_ATOMIC_ADD:
    case PST_ATOMIC_OR:
    case PST_ATOMIC_AND:
    case PST_ATOMIC_XOR: break;
    }
    if (insn->flags & PST_INSN_FETCH) {
        pst_text_format(out, "%c%u = atomic_fetch_%s((u%u *)", letter, insn->src, fetch_names[insn->op], insn->width);
        add_address(out, insn->dst, insn->off);
        pst_text_format(out, ", %c%u)", letter, insn->src);
    } else {
        pst_text_format(out, "lock *(u%u *)", insn->width);
        add_address(out, insn->dst, insn->off);
        pst_text_format(out, " %s %c%u", atomic_texts[insn->op], letter, insn->src);
    }
}

static void add_call(pst_text *out, const pst_insn *insn, size_t pc, const pst_disasm_names *names)
{
    const char *name = NULL;
    switch ((pst_call_op)insn->op) {
    case PST_CALL_HELPER:
        if (names && names->helper) name = names->helper(names->user, (int32_t)insn->imm);
        if (name) pst_text_format(out, "call %s#%d", name, (int)insn->imm);
        else pst_text_format(out, "%s%d", call_texts[insn->op], (int)insn->imm);
        return;
    case PST_CALL_SUBPROG:
        pst_text_format(out, "%s%+d", call_texts[insn->op], (int)insn->target);
        if (names && names->subprog) name = names->subprog(names->user, (size_t)((int64_t)pc + 1 + insn->target));
        if (name) pst_text_format(out, "#%s", name);
        return;
    case PST_CALL_KFUNC:
        if (names && names->kfunc) name = names->kfunc(names->user, (int32_t)insn->imm, insn->off);
        if (name) {
            pst_text_format(out, "call %s#%d", name, (int)insn->imm);
        } else {
            pst_text_format(out, "%s%d", call_texts[insn->op], (int)insn->imm);
            if (insn->off) pst_text_format(out, " btf %d", insn->off);
        }
        return;
    case PST_CALL_REGISTER:
        pst_text_format(out, "%s%sr%u", call_texts[insn->op], insn->flags & PST_INSN_IMM_CALL ? "imm " : "", insn->dst);
        return;
    }
}

static void add_store(pst_text *out, const pst_insn *insn)
{
    pst_text_format(out, "*(u%u *)", insn->width);
    add_address(out, insn->dst, insn->off);
    pst_text_add(out, " = ");
    if (insn->flags & PST_INSN_IMM) add_imm(out, insn->imm, false);
    else pst_text_format(out, "r%u", insn->src);
}

static void add_legacy_load(pst_text *out, const pst_insn *insn)
{
    pst_text_format(out, "r0 = *(u%u *)skb[", insn->width);
    longest imm = insn->imm;
    if (insn->op == PST_LEGACY_ABS) pst_text_format(out, "%lld", imm);
    else if (imm == 0) pst_text_format(out, "r%u", insn->src);
    else pst_text_format(out, "r%u %c %lld", insn->src, imm < 0 ? '-' : '+', imm < 0 ? -imm : imm);
    pst_text_add(out, "]");
}

void pst_disasm_insn(pst_text *out, const pst_insn *insn, size_t pc, const pst_disasm_names *names)
{
    switch ((pst_kind)insn->kind) {
    case PST_KIND_ALU: add_alu(out, insn); return;
    case PST_KIND_SWAP: pst_text_format(out, "r%u = %s%u r%u", insn->dst, swap_texts[insn->op], insn->width, insn->dst); return;
    case PST_KIND_IMM64: add_imm64(out, insn, pc, names); return;
    case PST_KIND_PADDING: return; // its text is the first slot's
    case PST_KIND_LOAD:
        pst_text_format(out, "r%u = *(%c%u *)", insn->dst, insn->flags & PST_INSN_SIGNED ? 's' : 'u', insn->width);
        add_address(out, insn->src, insn->off);
        return;
    case PST_KIND_STORE: add_store(out, insn); return;
    case PST_KIND_ATOMIC: add_atomic(out, insn); return;
    case PST_KIND_LOAD_ACQUIRE:
        pst_text_format(out, "%c%u = load_acquire((u%u *)", reg_letter(insn), insn->dst, insn->width);
        add_address(out, insn->src, insn->off);
        pst_text_add(out, ")");
        return;
    case PST_KIND_STORE_RELEASE:
        pst_text_format(out, "store_release((u%u *)", insn->width);
        add_address(out, insn->dst, insn->off);
        pst_text_format(out, ", %c%u)", reg_letter(insn), insn->src);
        return;
    case PST_KIND_LEGACY_LOAD: add_legacy_load(out, insn); return;
    case PST_KIND_JUMP: pst_text_format(out, "%s %+d", insn->flags & PST_INSN_LONG ? "gotol" : "goto", (int)insn->target); return;
    case PST_KIND_BRANCH:
        pst_text_format(out, "if %c%u %s ", reg_letter(insn), insn->dst, jump_texts[insn->op]);
        add_operand(out, insn, insn->op == PST_JUMP_JSET);
        pst_text_format(out, " goto %+d", (int)insn->target);
        return;
    case PST_KIND_MAY_GOTO: pst_text_format(out, "may_goto %+d", (int)insn->target); return;
    case PST_KIND_CALL: add_call(out, insn, pc, names); return;
    case PST_KIND_EXIT: pst_text_add(out, "exit"); return;
    case PST_KIND_CAST:
        pst_text_format(out, "r%u = addr_space_cast(r%u, %u, %u)", insn->dst, insn->src, (unsigned)((uint32_t)insn->imm >> 16),
                        (unsigned)((uint32_t)insn->imm & 0xffffu));
        return;
    }
}
