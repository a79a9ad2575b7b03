// c_insn.c: see c_insn.h. A line is the statement, and behind it the instruction.
#include "jit/native/c_insn.h"

#include "base/format.h"
#include "jit/runtime.h"

#define OPERAND_SIZE 40u

static void number(char *out, uint64_t value)
{
    if (value <= 9999) (void)pst_format(out, OPERAND_SIZE, "%llu", (unsigned long long)value);
    else (void)pst_format(out, OPERAND_SIZE, "UINT64_C(0x%llx)", (unsigned long long)value);
}

static void operand(char *out, const pst_insn *insn)
{
    if (insn->flags & PST_INSN_IMM) number(out, (uint64_t)insn->imm);
    else (void)pst_format(out, OPERAND_SIZE, "r%u", insn->src);
}

static uint32_t target_of(const pst_insn *insn, uint32_t pc) { return (uint32_t)((int64_t)pc + 1 + insn->target); }

static uint32_t function_at(const c_form *f, uint32_t pc)
{
    return (uint32_t)(pst_image_subprog_at(f->unit->image, pc) - f->unit->image->subprogs);
}

// --- Arithmetic -----------------------------------------------------------------------------------------------

static void put_divide(c_form *f, const pst_insn *insn, const char *name, const char *x)
{
    const char *narrow = insn->width == 32 ? "(uint32_t)" : "";
    pst_text_format(f->out, "r%u = %s%u(%sr%u, %s%s);", insn->dst, name, insn->width, narrow, insn->dst, narrow, x);
}

static void put_simple(c_form *f, const pst_insn *insn, const char *op, const char *x)
{
    bool itself = !(insn->flags & PST_INSN_IMM) && insn->src == insn->dst; // which compilers take for a slip of the pen
    if (insn->width == 64 && !itself) pst_text_format(f->out, "r%u %s= %s;", insn->dst, op, x);
    else if (insn->width == 64) pst_text_format(f->out, "r%u = (r%u %s %s);", insn->dst, insn->dst, op, x);
    else pst_text_format(f->out, "r%u = (uint32_t)(r%u %s %s);", insn->dst, insn->dst, op, x);
}

static void put_shift(c_form *f, const pst_insn *insn, const char *op, bool is_signed, const char *x)
{
    const char *sign = is_signed ? "" : "u";
    pst_text_format(f->out, "r%u = (uint%u_t)((%sint%u_t)r%u %s (%s & %u));", insn->dst, insn->width, sign, insn->width, insn->dst, op, x, insn->width - 1);
}

static void put_move(c_form *f, const pst_insn *insn, unsigned from, const char *x)
{
    if (from) pst_text_format(f->out, insn->width == 64 ? "r%u = sx%u(%s);" : "r%u = (uint32_t)sx%u(%s);", insn->dst, from, x);
    else if (insn->width == 32) pst_text_format(f->out, "r%u = (uint32_t)%s;", insn->dst, x);
    else if (insn->flags & PST_INSN_IMM || insn->src != insn->dst) pst_text_format(f->out, "r%u = %s;", insn->dst, x);
}

static void put_alu(c_form *f, const pst_insn *insn)
{
    char x[OPERAND_SIZE];
    operand(x, insn);
    switch ((pst_alu_op)insn->op) {
    case PST_ALU_ADD: put_simple(f, insn, "+", x); return;
    case PST_ALU_SUB: put_simple(f, insn, "-", x); return;
    case PST_ALU_MUL: put_simple(f, insn, "*", x); return;
    case PST_ALU_OR: put_simple(f, insn, "|", x); return;
    case PST_ALU_AND: put_simple(f, insn, "&", x); return;
    case PST_ALU_XOR: put_simple(f, insn, "^", x); return;
    case PST_ALU_DIV: put_divide(f, insn, "div", x); return;
    case PST_ALU_SDIV: put_divide(f, insn, "sdiv", x); return;
    case PST_ALU_MOD: put_divide(f, insn, "mod", x); return;
    case PST_ALU_SMOD: put_divide(f, insn, "smod", x); return;
    case PST_ALU_LSH: put_shift(f, insn, "<<", false, x); return;
    case PST_ALU_RSH: put_shift(f, insn, ">>", false, x); return;
    case PST_ALU_ARSH: put_shift(f, insn, ">>", true, x); return;
    case PST_ALU_NEG: pst_text_format(f->out, "r%u = (uint%u_t)(0 - r%u);", insn->dst, insn->width, insn->dst); return;
    case PST_ALU_MOV: put_move(f, insn, 0, x); return;
    case PST_ALU_MOVSX8: put_move(f, insn, 8, x); return;
    case PST_ALU_MOVSX16: put_move(f, insn, 16, x); return;
    case PST_ALU_MOVSX32: put_move(f, insn, 32, x); return;
    }
}

static void put_swap(c_form *f, const pst_insn *insn)
{
    if (insn->op == PST_SWAP_LE) pst_text_format(f->out, "r%u = (uint%u_t)r%u;", insn->dst, insn->width, insn->dst);
    else pst_text_format(f->out, "r%u = __builtin_bswap%u((uint%u_t)r%u);", insn->dst, insn->width, insn->width, insn->dst);
}

static void put_imm64(c_form *f, const pst_insn *insn, uint32_t pc)
{
    uint32_t low = (uint32_t)insn->imm, high = (uint32_t)((uint64_t)insn->imm >> 32);
    char value[OPERAND_SIZE];
    switch ((pst_imm64_op)insn->op) {
    case PST_IMM64_MAP_FD: pst_text_format(f->out, "r%u = env->maps[%u];", insn->dst, low); return;
    case PST_IMM64_MAP_VALUE: pst_text_format(f->out, "r%u = env->values[%u] + %u;", insn->dst, low, high); return;
    case PST_IMM64_FUNC: number(value, jit_function_value(f->unit, insn, pc)); break;
    case PST_IMM64_VALUE:
    case PST_IMM64_BTF_ID:
    case PST_IMM64_MAP_IDX:
    case PST_IMM64_MAP_IDX_VALUE: number(value, (uint64_t)insn->imm); break;
    }
    pst_text_format(f->out, "r%u = %s;", insn->dst, value);
}

// --- Memory ---------------------------------------------------------------------------------------------------

// Where a field of the context lies in the provider's struct: as select_memory.c of the back ends has it.
typedef struct place {
    int32_t off;
    uint32_t size; // 0: nothing is there
    bool whole;
} place;

static bool translate(const c_form *f, const pst_insn *insn, int32_t base_off, place *out)
{
    const pst_prog_type *type = f->unit->bindings->type;
    bool write = insn->kind == PST_KIND_STORE;
    int64_t at = (int64_t)insn->off + base_off;
    uint32_t size = insn->width / 8u;
    const pst_ctx_field *field = at < 0 || at + size > type->abi_size ? NULL : pst_ctx_field_at(type, (uint32_t)at, size, write);
    if (!field) return false;
    uint32_t skip = (uint32_t)at - field->abi_off, native = field->native_size;
    out->whole = write ? size == field->abi_size : field->kind != PST_FIELD_SCALAR;
    if (out->whole) out->size = native;
    else if (size > field->abi_size) out->size = size;
    else out->size = skip >= native ? 0 : size < native - skip ? size : native - skip;
    out->off = (int32_t)(field->native_off + (out->whole ? 0 : skip) - (int64_t)base_off);
    return true;
}

static void put_load(c_form *f, const pst_insn *insn, uint32_t pc)
{
    int32_t base_off;
    place at = {.off = insn->off, .size = insn->width / 8u};
    if (insn->kind == PST_KIND_LOAD && jit_is_context(f->unit, pc, &base_off) && !translate(f, insn, base_off, &at)) {
        pst_text_format(f->out, "return trap(env, %u, %u);", PST_TRAP_CONTEXT, pc);
    } else if (at.size == 0) {
        pst_text_format(f->out, "r%u = 0;", insn->dst);
    } else if (insn->kind == PST_KIND_LOAD_ACQUIRE) {
        pst_text_format(f->out, "r%u = __atomic_load_n((uint%u_t *)(uintptr_t)(r%u + (uint64_t)%d), __ATOMIC_ACQUIRE);", insn->dst, insn->width, insn->src, insn->off);
    } else if (insn->flags & PST_INSN_SIGNED && !at.whole && at.size == insn->width / 8u) {
        pst_text_format(f->out, "r%u = sx%u(ld%u(r%u + (uint64_t)%d));", insn->dst, at.size * 8, at.size * 8, insn->src, at.off);
    } else {
        pst_text_format(f->out, "r%u = ld%u(r%u + (uint64_t)%d);", insn->dst, at.size * 8, insn->src, at.off);
    }
}

static void put_store(c_form *f, const pst_insn *insn, uint32_t pc)
{
    int32_t base_off;
    char x[OPERAND_SIZE];
    place at = {.off = insn->off, .size = insn->width / 8u};
    operand(x, insn);
    if (insn->kind == PST_KIND_STORE_RELEASE) {
        pst_text_format(f->out, "__atomic_store_n((uint%u_t *)(uintptr_t)(r%u + (uint64_t)%d), (uint%u_t)r%u, __ATOMIC_RELEASE);", insn->width, insn->dst, insn->off, insn->width,
                        insn->src);
        return;
    }
    if (jit_is_context(f->unit, pc, &base_off) && !translate(f, insn, base_off, &at)) pst_text_format(f->out, "return trap(env, %u, %u);", PST_TRAP_CONTEXT, pc);
    else if (at.size) pst_text_format(f->out, "st%u(r%u + (uint64_t)%d, (uint%u_t)%s);", at.size * 8, insn->dst, at.off, insn->width, x);
}

static void put_atomic(c_form *f, const pst_insn *insn)
{
    static const char *const names[] = {[PST_ATOMIC_ADD] = "add", [PST_ATOMIC_OR] = "or", [PST_ATOMIC_AND] = "and", [PST_ATOMIC_XOR] = "xor", [PST_ATOMIC_XCHG] = "xchg"};
    if (insn->op == PST_ATOMIC_CMPXCHG) {
        pst_text_format(f->out, "r0 = cas%u(r%u + (uint64_t)%d, r0, r%u);", insn->width, insn->dst, insn->off, insn->src);
        return;
    }
    if (insn->flags & PST_INSN_FETCH) pst_text_format(f->out, "r%u = ", insn->src);
    else pst_text_add(f->out, "(void)");
    pst_text_format(f->out, "fetch_%s%u(r%u + (uint64_t)%d, r%u);", names[insn->op], insn->width, insn->dst, insn->off, insn->src);
}

// --- Flow -----------------------------------------------------------------------------------------------------

static void put_branch(c_form *f, const pst_insn *insn, uint32_t pc)
{
    static const struct {
        const char *op;
        bool is_signed;
    } tests[] = {
        [PST_JUMP_JEQ] = {"==", false}, [PST_JUMP_JGT] = {">", false}, [PST_JUMP_JGE] = {">=", false}, [PST_JUMP_JSET] = {"&", false},
        [PST_JUMP_JNE] = {"!=", false}, [PST_JUMP_JSGT] = {">", true}, [PST_JUMP_JSGE] = {">=", true}, [PST_JUMP_JLT] = {"<", false},
        [PST_JUMP_JLE] = {"<=", false}, [PST_JUMP_JSLT] = {"<", true}, [PST_JUMP_JSLE] = {"<=", true},
    };
    char x[OPERAND_SIZE];
    operand(x, insn);
    const char *sign = tests[insn->op].is_signed ? "" : "u";
    pst_text_format(f->out, "if ((%sint%u_t)r%u %s (%sint%u_t)%s) goto L%u;", sign, insn->width, insn->dst, tests[insn->op].op, sign, insn->width, x, target_of(insn, pc));
}

static void put_tail_call(c_form *f)
{
    pst_text_format(f->out, "switch (env->tail_call(env, r2, r3, %u)) { case %u: env->stop = 1; return 0; case %u: return env->result; }\n    r0 = 0;", f->function != 0, JIT_TAIL_ENDED,
                    JIT_TAIL_RETURNED);
}

static void put_helper(c_form *f, const pst_insn *insn, uint32_t pc)
{
    const pst_helper *helper = jit_callee(f->unit->bindings, insn);
    bool kfunc = insn->op == PST_CALL_KFUNC;
    if (!helper) pst_text_format(f->out, "return trap(env, %u, %u);", PST_TRAP_HELPER, pc);
    else if (helper->proto->flags & PST_HELPER_TAIL_CALL) put_tail_call(f);
    else
        pst_text_format(f->out, "r0 = env->%s(env, %u /* %s */, r1, r2, r3, r4, r5);\n    if (env->stop) return 0;", kfunc ? "kfunc" : "helper", (uint32_t)insn->imm,
                        helper->proto->name ? helper->proto->name : "");
}

static void put_call(c_form *f, const pst_insn *insn, uint32_t pc)
{
    switch ((pst_call_op)insn->op) {
    case PST_CALL_HELPER:
    case PST_CALL_KFUNC: put_helper(f, insn, pc); return;
    case PST_CALL_SUBPROG:
        pst_text_format(f->out, "if (++env->depth >= %uu) return trap(env, %u, %u);\n    r0 = %s_f%u(env, r1, r2, r3, r4, r5);\n    if (env->stop) return 0;\n    env->depth--;", PST_FRAMES_MAX,
                        PST_TRAP_DEPTH, pc, f->name, function_at(f, target_of(insn, pc)));
        return;
    case PST_CALL_REGISTER:
        pst_text_format(f->out, "r0 = %s_by_value(env, r%u, r1, r2, r3, r4, r5);\n    if (env->stop) return 0;", f->name, insn->dst);
        return;
    }
}

static void put_legacy(c_form *f, const pst_insn *insn)
{
    char x[OPERAND_SIZE] = "0";
    if (insn->op == PST_LEGACY_IND) (void)pst_format(x, sizeof x, "r%u", insn->src);
    pst_text_format(f->out, "r0 = env->legacy_load(env, %s + (uint64_t)%lld, %u);\n    if (r0 == UINT64_MAX) { env->stop = 1; return 0; }", x, (long long)insn->imm, insn->width);
}

static void put_statement(c_form *f, const pst_insn *insn, uint32_t pc)
{
    switch ((pst_kind)insn->kind) {
    case PST_KIND_ALU: put_alu(f, insn); return;
    case PST_KIND_SWAP: put_swap(f, insn); return;
    case PST_KIND_IMM64: put_imm64(f, insn, pc); return;
    case PST_KIND_LOAD:
    case PST_KIND_LOAD_ACQUIRE: put_load(f, insn, pc); return;
    case PST_KIND_STORE:
    case PST_KIND_STORE_RELEASE: put_store(f, insn, pc); return;
    case PST_KIND_ATOMIC: put_atomic(f, insn); return;
    case PST_KIND_LEGACY_LOAD: put_legacy(f, insn); return;
    case PST_KIND_JUMP: pst_text_format(f->out, "goto L%u;", target_of(insn, pc)); return;
    case PST_KIND_BRANCH: put_branch(f, insn, pc); return;
    case PST_KIND_MAY_GOTO:
        pst_text_format(f->out, "if (env->may_goto_left == 0) goto L%u;\n    env->may_goto_left--;", target_of(insn, pc));
        return;
    case PST_KIND_CALL: put_call(f, insn, pc); return;
    case PST_KIND_EXIT: pst_text_add(f->out, "return r0;"); return;
    case PST_KIND_PADDING:
    case PST_KIND_CAST: return; // no line; refused before
    }
}

void c_put_insn(c_form *f, const pst_insn *insn, uint32_t pc)
{
    pst_text_add(f->out, "    ");
    size_t begin = f->out->size;
    put_statement(f, insn, pc);
    if (f->out->size == begin) pst_text_add(f->out, ";");
    pst_text_format(f->out, " // %u: ", pc);
    pst_disasm_insn(f->out, insn, pc, NULL);
    pst_text_add(f->out, "\n");
}
