// predecode.c: one decoded instruction to one fast_code of the fast interpreter.
//
// Called by fast.c when a program is made executable. Whatever can be decided before a run is decided here: the handler for the operand's
// width and source, the function of a helper, the native place of a context field.
#include "interp/code.h"
#include "interp/shared.h"

static fast_op form_of(unsigned first, const pst_insn *insn, unsigned flag, unsigned bit)
{
    unsigned op = first + insn->op * FAST_FORMS;
    if (insn->flags & flag) op += bit;
    if (insn->width == 32) op += FAST_FORM_32;
    return (fast_op)op;
}

// The op of a family of four, one per width of 8, 16, 32 and 64 bits.
static fast_op by_width(fast_op first, unsigned width)
{
    return (fast_op)(first + (width == 8 ? 0u : width == 16 ? 1u : width == 32 ? 2u : 3u));
}

static fast_op by_swap(const pst_insn *insn)
{
    unsigned step = insn->width == 16 ? 0u : insn->width == 32 ? 1u : 2u;
    return (fast_op)((insn->op == PST_SWAP_LE ? FAST_SWAP_LE16 : FAST_SWAP_BE16) + step);
}

static fast_op by_load(const pst_insn *insn, unsigned width)
{
    return by_width(insn->flags & PST_INSN_SIGNED ? FAST_LOAD_S8 : FAST_LOAD_8, width);
}

static fast_op by_store(const pst_insn *insn, unsigned width)
{
    return by_width(insn->flags & PST_INSN_IMM ? FAST_STORE_IMM_8 : FAST_STORE_8, width);
}

// --- Context accesses -----------------------------------------------------------------------------------------

// An access that covers the native field's bytes one to one becomes a plain one at the native place: the base register holds
// the address of the native context (plus base_off). Everything else goes through the catalog.
static bool context_is_plain(const pst_ctx_field *field, const pst_insn *insn, uint32_t abi_off, unsigned *width, int64_t *native)
{
    uint32_t size = insn->width / 8u;
    if (insn->kind == PST_KIND_LOAD && field->kind != PST_FIELD_SCALAR && field->native_size == 8) {
        *width = 64; // a pointer comes whole, whatever the ABI's width
        *native = field->native_off;
        return true;
    }
    uint32_t skip = abi_off - field->abi_off;
    *width = insn->width;
    *native = (int64_t)field->native_off + skip;
    if (field->kind != PST_FIELD_SCALAR) return false;
    if (insn->kind == PST_KIND_LOAD) return skip + size <= field->native_size;
    return size == field->abi_size && size == field->native_size;
}

static fast_op context_access(const pst_prog_type *type, const pst_insn *insn, int32_t base_off, fast_code *code)
{
    int64_t abi_off = (int64_t)insn->off + base_off, native = 0;
    uint32_t size = insn->width / 8u;
    unsigned width = 0;
    if (abi_off < 0 || abi_off + size > type->abi_size || abi_off > INT16_MAX) return FAST_TRAP_CONTEXT;
    const pst_ctx_field *field = pst_ctx_field_at(type, (uint32_t)abi_off, size, insn->kind == PST_KIND_STORE);
    if (field && context_is_plain(field, insn, (uint32_t)abi_off, &width, &native)) {
        int64_t off = native - base_off;
        if (off >= INT16_MIN && off <= INT16_MAX) {
            code->off = (int16_t)off;
            return insn->kind == PST_KIND_LOAD ? by_load(insn, width) : by_store(insn, width);
        }
    }
    if (insn->kind == PST_KIND_LOAD) {
        code->imm = (int32_t)abi_off;
        code->off = (int16_t)(insn->flags & PST_INSN_SIGNED ? -insn->width : insn->width);
        return FAST_CTX_LOAD;
    }
    if (insn->flags & PST_INSN_IMM) {
        code->dst = insn->width;
        code->off = (int16_t)abi_off;
        return FAST_CTX_STORE_IMM;
    }
    code->imm = (int32_t)abi_off;
    code->off = insn->width;
    return FAST_CTX_STORE;
}

// Whether the access at pc is one of the context; its base register is then *base_off after the context's start.
static bool is_context(const fast_program *prog, const pst_facts *facts, uint32_t pc, int32_t *base_off)
{
    if (!prog->bindings.type || !facts || !facts->flags || !(facts->flags[pc] & PST_FACT_CONTEXT)) return false;
    *base_off = facts->context_off ? facts->context_off[pc] : 0;
    return true;
}

// --- Constants and calls --------------------------------------------------------------------------------------

static uint64_t imm64_value(const pst_image *image, uint32_t pc)
{
    const pst_insn *insn = &image->insns[pc];
    uint32_t low = (uint32_t)insn->imm, high = (uint32_t)((uint64_t)insn->imm >> 32);
    switch ((pst_imm64_op)insn->op) {
    case PST_IMM64_MAP_FD: return (uint64_t)(uintptr_t)image->maps[low];
    case PST_IMM64_MAP_VALUE: return (uint64_t)(uintptr_t)(image->maps[low]->values + high);
    case PST_IMM64_FUNC: return PST_FUNC_TAG | (uint64_t)((int64_t)pc + 1 + insn->target);
    case PST_IMM64_VALUE:
    case PST_IMM64_BTF_ID:      // refused before
    case PST_IMM64_MAP_IDX:     // not in an image
    case PST_IMM64_MAP_IDX_VALUE: return (uint64_t)insn->imm;
    }
    PST_UNREACHABLE();
}

static fast_op call(const fast_program *prog, const pst_insn *insn, fast_code *code)
{
    switch ((pst_call_op)insn->op) {
    case PST_CALL_SUBPROG: code->imm = insn->target; return FAST_CALL_SUBPROG;
    case PST_CALL_REGISTER: return FAST_CALL_REGISTER;
    case PST_CALL_KFUNC: // one that is not there was refused before, or is dead
    case PST_CALL_HELPER: break;
    }
    const pst_helper *helper = interp_callee(&prog->bindings, insn);
    if (!helper) return FAST_TRAP_HELPER;
    if (helper->proto->flags & PST_HELPER_TAIL_CALL) return FAST_TAIL_CALL;
    code->wide = (uint64_t)(uintptr_t)helper->fn;
    return helper->proto->flags & PST_HELPER_CALLBACK ? FAST_CALL_BACK_HELPER : FAST_CALL_HELPER;
}

// A wrong guess moves no access at a constant offset in its object, nor one of the stack by r10.
static bool is_steady(const pst_facts *facts, uint32_t pc, unsigned base)
{
    return base == PST_REG_FP || (facts && facts->flags && facts->flags[pc] & (PST_FACT_STEADY | PST_FACT_CONTEXT));
}

static bool leaves(const pst_insn *insn)
{
    return insn->kind == PST_KIND_LEGACY_LOAD || (insn->kind == PST_KIND_CALL && insn->op != PST_CALL_SUBPROG);
}

bool fast_waits(const pst_image *image, const pst_facts *facts, uint32_t pc)
{
    const pst_insn *insn = &image->insns[pc];
    if (pc > 0 && leaves(insn - 1)) return true; // C code has branches of its own: what it returned waits as well
    if (insn->kind == PST_KIND_LOAD || insn->kind == PST_KIND_LOAD_ACQUIRE) return !is_steady(facts, pc, insn->src);
    if (insn->kind == PST_KIND_STORE || insn->kind == PST_KIND_STORE_RELEASE || insn->kind == PST_KIND_ATOMIC) return !is_steady(facts, pc, insn->dst);
    return leaves(insn);
}

fast_op fast_predecode(const fast_program *prog, const pst_facts *facts, uint32_t pc, fast_code *code)
{
    const pst_insn *insn = &prog->exec.image->insns[pc];
    int32_t base_off = 0;
    code->dst = insn->dst;
    code->src = insn->src;
    code->off = insn->off;
    code->imm = (int32_t)(uint32_t)(uint64_t)insn->imm;
    if (interp_is_metered(facts, pc)) return FAST_METERED_JUMP;
    switch ((pst_kind)insn->kind) {
    case PST_KIND_ALU: return form_of(FAST_ALU64_REG_ADD, insn, PST_INSN_IMM, FAST_FORM_IMM);
    case PST_KIND_SWAP: return by_swap(insn);
    case PST_KIND_IMM64: code[1].wide = imm64_value(prog->exec.image, pc); return FAST_IMM64;
    case PST_KIND_LOAD:
        if (is_context(prog, facts, pc, &base_off)) return context_access(prog->bindings.type, insn, base_off, code);
        return by_load(insn, insn->width);
    case PST_KIND_STORE:
        if (is_context(prog, facts, pc, &base_off)) return context_access(prog->bindings.type, insn, base_off, code);
        return by_store(insn, insn->width);
    case PST_KIND_ATOMIC: return form_of(FAST_ATOMIC64_ADD, insn, PST_INSN_FETCH, FAST_FORM_FETCH);
    case PST_KIND_LOAD_ACQUIRE: return by_width(FAST_ACQUIRE_8, insn->width);
    case PST_KIND_STORE_RELEASE: return by_width(FAST_RELEASE_8, insn->width);
    case PST_KIND_LEGACY_LOAD:
        code->off = insn->width;
        return insn->op == PST_LEGACY_ABS ? FAST_LEGACY_ABS : FAST_LEGACY_IND;
    case PST_KIND_JUMP: code->imm = insn->target; return FAST_JUMP;
    case PST_KIND_BRANCH:
        code->off = (int16_t)insn->target;
        return form_of(FAST_JUMP64_REG_JEQ, insn, PST_INSN_IMM, FAST_FORM_IMM);
    case PST_KIND_MAY_GOTO: code->off = (int16_t)insn->target; return FAST_MAY_GOTO;
    case PST_KIND_CALL: return call(prog, insn, code);
    case PST_KIND_EXIT: return FAST_EXIT;
    case PST_KIND_PADDING:
    case PST_KIND_CAST: break; // never executed; refused before, or dead
    }
    return FAST_TRAP_HELPER;
}
