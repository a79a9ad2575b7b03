// emit_test.c: every emitter on every register and form of operand, against Zydis: what it reads is what was asked for.
//
// A decoded instruction becomes a line of text ("mov 64[rbp+rcx*4-16], rdi"), which is compared with one that the test writes itself.
#include <stdarg.h>

#include "harness.h"
#include "jit/x64/emit.h"
#include "pal/pal.h"

#ifdef PST_HAVE_ZYDIS
#include <Zydis/Zydis.h>

static const char *const names64[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"};
static const char *const names32[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "r8d", "r9d", "r10d", "r11d", "r12d", "r13d", "r14d", "r15d"};
static const char *const names16[] = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di", "r8w", "r9w", "r10w", "r11w", "r12w", "r13w", "r14w", "r15w"};
static const char *const names8[] = {"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", "r8b", "r9b", "r10b", "r11b", "r12b", "r13b", "r14b", "r15b"};

static const char *name(unsigned width, unsigned reg)
{
    return (width == 64 ? names64 : width == 32 ? names32 : width == 16 ? names16 : names8)[reg];
}

static x64_code g_code;
static char g_text[256];

static void begin(void)
{
    if (!g_code.env) CHECK_EQ(x64_code_init(&g_code, pst_pal_env(), 1), PST_OK);
    g_code.size = 0;
}

// --- Text -----------------------------------------------------------------------------------------------------

// Two unscaled registers are a sum: their order means nothing.
static void put_mem(char *out, size_t size, unsigned width, const char *base, const char *index, unsigned factor, int64_t disp)
{
    if (base && index && factor == 1 && strcmp(index, base) < 0) {
        const char *other = base;
        base = index;
        index = other;
    }
    if (!base && !index) snprintf(out, size, "%u[%lld]", width, (long long)disp);
    else if (!index) snprintf(out, size, "%u[%s%+lld]", width, base, (long long)disp);
    else snprintf(out, size, "%u[%s+%s*%u%+lld]", width, base ? base : "", index, factor, (long long)disp);
}

static const char *mem_text(unsigned width, x64_mem m)
{
    static char text[64];
    put_mem(text, sizeof text, width, m.base == NO_REG ? NULL : names64[m.base], m.index == NO_REG ? NULL : names64[m.index], 1u << m.scale, m.disp);
    return text;
}

static const char *reg_or_null(ZydisRegister reg) { return reg == ZYDIS_REGISTER_NONE ? NULL : ZydisRegisterGetString(reg); }

static void put_operand(char *out, size_t size, const ZydisDecodedOperand *o)
{
    if (o->type == ZYDIS_OPERAND_TYPE_REGISTER) snprintf(out, size, "%s", ZydisRegisterGetString(o->reg.value));
    else if (o->type == ZYDIS_OPERAND_TYPE_IMMEDIATE) snprintf(out, size, "%lld", (long long)o->imm.value.s);
    else put_mem(out, size, o->mem.type == ZYDIS_MEMOP_TYPE_AGEN ? 0 : o->size, reg_or_null(o->mem.base), reg_or_null(o->mem.index), o->mem.scale, o->mem.disp.value);
}

static bool decode(char *out, size_t size)
{
    ZydisDecoder decoder;
    ZydisDecodedInstruction insn;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    (void)ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, g_code.bytes, g_code.size, &insn, operands)) || insn.length != g_code.size) return false;
    bool lock = insn.attributes & ZYDIS_ATTRIB_HAS_LOCK;
    size_t used = (size_t)snprintf(out, size, "%s%s", lock ? "lock " : "", ZydisMnemonicGetString(insn.mnemonic));
    for (unsigned i = 0; i < insn.operand_count_visible; i++) {
        used += (size_t)snprintf(out + used, size - used, i ? ", " : " ");
        put_operand(out + used, size - used, &operands[i]);
        used = strlen(out);
    }
    return true;
}

static void PST_PRINTF(1, 2) expect(const char *fmt, ...)
{
    char want[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(want, sizeof want, fmt, args);
    va_end(args);
    if (!decode(g_text, sizeof g_text)) snprintf(g_text, sizeof g_text, "not one instruction");
    if (strcmp(g_text, want) != 0) pst_test_fail(__FILE__, __LINE__, "%u bytes are \"%s\", not \"%s\"", g_code.size, g_text, want);
    begin();
}

// --- Registers ------------------------------------------------------------------------------------------------

#define EACH_REG(r) for (x64_reg r = RAX; r <= R15; r++)
#define EACH_PAIR(a, b) EACH_REG(a) EACH_REG(b)
#define EACH_WIDTH(w) for (unsigned w = 32; w <= 64; w += 32)

static const char *const alu_names[] = {"add", "or", "adc", "sbb", "and", "sub", "xor", "cmp"};

TEST(registers)
{
    begin();
    EACH_PAIR(a, b) EACH_WIDTH(w) {
        x64_mov_rr(&g_code, w, a, b), expect("mov %s, %s", name(w, a), name(w, b));
        for (x64_alu op = ALU_ADD; op <= ALU_CMP; op++) x64_alu_rr(&g_code, op, w, a, b), expect("%s %s, %s", alu_names[op], name(w, a), name(w, b));
        x64_test_rr(&g_code, w, a, b), expect("test %s, %s", name(w, a), name(w, b));
        x64_cmov(&g_code, w, CC_B, a, b), expect("cmovb %s, %s", name(w, a), name(w, b));
        x64_cmov(&g_code, w, CC_G, a, b), expect("cmovnle %s, %s", name(w, a), name(w, b));
        x64_imul_rr(&g_code, w, a, b), expect("imul %s, %s", name(w, a), name(w, b));
        x64_imul_rri(&g_code, w, a, b, -7), expect("imul %s, %s, -7", name(w, a), name(w, b));
        x64_imul_rri(&g_code, w, a, b, 1000), expect("imul %s, %s, 1000", name(w, a), name(w, b));
        x64_rorx(&g_code, w, a, b, 5), expect("rorx %s, %s, 5", name(w, a), name(w, b));
        x64_movsx(&g_code, w, 8, a, b), expect("movsx %s, %s", name(w, a), name(8, b));
        x64_movsx(&g_code, w, 16, a, b), expect("movsx %s, %s", name(w, a), name(16, b));
    }
    EACH_PAIR(a, b) {
        x64_movsx(&g_code, 64, 32, a, b), expect("movsxd %s, %s", name(64, a), name(32, b));
        x64_movzx(&g_code, 8, a, b), expect("movzx %s, %s", name(32, a), name(8, b));
        x64_movzx(&g_code, 16, a, b), expect("movzx %s, %s", name(32, a), name(16, b));
        x64_xchg_rr(&g_code, a, b), expect("xchg %s, %s", name(64, b), name(64, a));
    }
    EACH_PAIR(a, b) EACH_REG(c) EACH_WIDTH(w) {
        x64_shiftx(&g_code, SHIFT_SHL, w, a, b, c), expect("shlx %s, %s, %s", name(w, a), name(w, b), name(w, c));
        x64_shiftx(&g_code, SHIFT_SHR, w, a, b, c), expect("shrx %s, %s, %s", name(w, a), name(w, b), name(w, c));
        x64_shiftx(&g_code, SHIFT_SAR, w, a, b, c), expect("sarx %s, %s, %s", name(w, a), name(w, b), name(w, c));
    }
}

TEST(one_register)
{
    static const struct { x64_op1 op; const char *name; } unary[] = {{UNARY_NOT, "not"}, {UNARY_NEG, "neg"}, {UNARY_MUL, "mul"}, {UNARY_IMUL, "imul"}, {UNARY_DIV, "div"}, {UNARY_IDIV, "idiv"}};
    static const struct { x64_shift op; const char *name; } shifts[] = {{SHIFT_ROL, "rol"}, {SHIFT_ROR, "ror"}, {SHIFT_SHL, "shl"}, {SHIFT_SHR, "shr"}, {SHIFT_SAR, "sar"}};
    begin();
    EACH_REG(a) EACH_WIDTH(w) {
        for (unsigned i = 0; i < PST_COUNT(unary); i++) x64_unary(&g_code, unary[i].op, w, a), expect("%s %s", unary[i].name, name(w, a));
        for (unsigned i = 0; i < PST_COUNT(shifts); i++) {
            x64_shift_rcl(&g_code, shifts[i].op, w, a), expect("%s %s, cl", shifts[i].name, name(w, a));
            for (unsigned n = 1; n < w; n++) x64_shift_ri(&g_code, shifts[i].op, w, a, n), expect("%s %s, %u", shifts[i].name, name(w, a), n);
        }
        x64_bswap(&g_code, w, a), expect("bswap %s", name(w, a));
    }
    EACH_REG(a) {
        x64_rol16(&g_code, a, 8), expect("rol %s, 8", name(16, a));
        x64_push(&g_code, a), expect("push %s", name(64, a));
        x64_pop(&g_code, a), expect("pop %s", name(64, a));
        x64_call_r(&g_code, a), expect("call %s", name(64, a));
    }
    x64_sign_rdx(&g_code, 32), expect("cdq");
    x64_sign_rdx(&g_code, 64), expect("cqo");
    x64_leave(&g_code), expect("leave");
    x64_ret(&g_code), expect("ret");
    x64_ud2(&g_code), expect("ud2");
    x64_endbr64(&g_code), expect("endbr64");
}

// --- Immediates -----------------------------------------------------------------------------------------------

static const int32_t imms[] = {0, 1, -1, 2, 127, 128, -128, 129, -129, 255, 256, 32767, 32768, 65535, 65536, INT32_MAX, INT32_MIN};

static void check_alu_imm(x64_alu op, unsigned w, x64_reg a, int32_t imm)
{
    x64_alu_ri(&g_code, op, w, a, imm);
    bool turned = imm == 128 && (op == ALU_ADD || op == ALU_SUB); // into the opposite of -128
    expect("%s %s, %d", turned ? alu_names[op ^ ALU_SUB] : alu_names[op], name(w, a), turned ? -128 : imm);
}

static void check_test_imm(unsigned w, x64_reg a, int32_t imm)
{
    x64_test_ri(&g_code, w, a, imm);
    unsigned seen = imm < 0 ? w : imm <= 0xff ? 8 : 32; // the narrowest that says the same
    expect("test %s, %d", name(seen, a), seen == 8 ? (int8_t)(uint8_t)imm : imm);
}

TEST(immediates)
{
    static const uint64_t wide[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0xffffffff80000000, 0xffffffff7fffffff, UINT64_MAX, 0x123456789abcdef0};
    begin();
    EACH_REG(a) EACH_WIDTH(w) for (unsigned i = 0; i < PST_COUNT(imms); i++) {
        for (x64_alu op = ALU_ADD; op <= ALU_CMP; op++) check_alu_imm(op, w, a, imms[i]);
        check_test_imm(w, a, imms[i]);
    }
    EACH_REG(a) for (unsigned i = 0; i < PST_COUNT(wide); i++) {
        x64_mov_ri(&g_code, a, wide[i]);
        if (wide[i] == 0) expect("xor %s, %s", name(32, a), name(32, a));
        else if (wide[i] <= UINT32_MAX) expect("mov %s, %d", name(32, a), (int32_t)(uint32_t)wide[i]);
        else expect("mov %s, %lld", name(64, a), (long long)wide[i]);
    }
}

// --- Memory ---------------------------------------------------------------------------------------------------

static void check_moves(x64_reg a, x64_mem m)
{
    for (unsigned w = 8; w <= 64; w *= 2) {
        x64_store(&g_code, w, m, a), expect("mov %s, %s", mem_text(w, m), name(w, a));
        x64_load(&g_code, w, a, m), expect("%s %s, %s", w < 32 ? "movzx" : "mov", name(w < 32 ? 32 : w, a), mem_text(w, m));
        if (w < 64) x64_load_signed(&g_code, w, a, m), expect("%s %s, %s", w < 32 ? "movsx" : "movsxd", name(64, a), mem_text(w, m));
        if (w > 8) x64_movbe_store(&g_code, w, m, a), expect("movbe %s, %s", mem_text(w, m), name(w, a));
    }
}

static void check_others(x64_reg a, x64_mem m)
{
    EACH_WIDTH(w) {
        x64_movbe_load(&g_code, w, a, m), expect("movbe %s, %s", name(w, a), mem_text(w, m));
        x64_lea(&g_code, w, a, m), expect("lea %s, %s", name(w, a), mem_text(0, m));
        x64_xchg_mr(&g_code, w, m, a), expect("xchg %s, %s", mem_text(w, m), name(w, a));
        x64_lock_xadd(&g_code, w, m, a), expect("lock xadd %s, %s", mem_text(w, m), name(w, a));
        x64_lock_cmpxchg(&g_code, w, m, a), expect("lock cmpxchg %s, %s", mem_text(w, m), name(w, a));
        for (x64_alu op = ALU_ADD; op <= ALU_XOR; op++) x64_lock_alu_mr(&g_code, op, w, m, a), expect("lock %s %s, %s", alu_names[op], mem_text(w, m), name(w, a));
    }
}

static void check_stored_imms(x64_mem m)
{
    for (unsigned i = 0; i < PST_COUNT(imms); i++) {
        int32_t v = imms[i];
        x64_store_i(&g_code, 8, m, v), expect("mov %s, %d", mem_text(8, m), (int8_t)v);
        x64_store_i(&g_code, 16, m, v), expect("mov %s, %d", mem_text(16, m), (int16_t)v);
        EACH_WIDTH(w) {
            x64_store_i(&g_code, w, m, v), expect("mov %s, %d", mem_text(w, m), v);
            for (x64_alu op = ALU_ADD; op <= ALU_CMP; op++) x64_alu_mi(&g_code, op, w, m, v), expect("%s %s, %d", alu_names[op], mem_text(w, m), v);
        }
    }
}

static void each_mem(void (*check)(x64_mem m))
{
    static const int32_t disps[] = {0, 1, -1, 127, 128, -128, -129, INT32_MAX, INT32_MIN};
    for (unsigned d = 0; d < PST_COUNT(disps); d++)
        for (unsigned base = 0; base <= 16; base++)
            for (unsigned index = 0; index <= 16; index++)
                for (uint8_t scale = 0; scale <= 3; scale++) {
                    bool none = index == 16;
                    if (index == RSP || (none && (scale || base == 16))) continue;
                    check((x64_mem){base == 16 ? NO_REG : (uint8_t)base, none ? NO_REG : (uint8_t)index, scale, disps[d]});
                }
}

static void check_all_of(x64_mem m)
{
    static const x64_reg some[] = {RAX, RSP, RDI, R13};
    for (unsigned i = 0; i < PST_COUNT(some); i++) {
        check_moves(some[i], m);
        check_others(some[i], m);
    }
}

static void check_every_reg(x64_mem m)
{
    if (m.disp != 0 && m.disp != -129) return;
    if (m.base != R12 && m.base != RBP) return;
    EACH_REG(a) check_moves(a, m);
}

static void check_imms_of(x64_mem m)
{
    if (m.disp == 0 || m.disp == 128) check_stored_imms(m);
}

TEST(memory)
{
    begin();
    each_mem(check_all_of);
    each_mem(check_every_reg);
    each_mem(check_imms_of);
}

#else

TEST(emitters_against_zydis) { pst_test_skip("Zydis is not installed"); }

#endif
