// select_bits.c: byte order and rotates.
#include "base/bits.h"
#include "jit/x64/select.h"

void x64_select_swap(x64_select *x, const pst_insn *insn)
{
    x64_state *s = &x->state;
    bool keeps_order = insn->op == PST_SWAP_LE; // of bytes: then it only cuts
    if (keeps_order && insn->width == 64) return;
    x64_claim(s, insn->dst);
    x64_reg dst = x64_settle(s, insn->dst);
    if (insn->width == 16) {
        if (!keeps_order) x64_rol16(s->code, dst, 8);
        x64_movzx(s->code, 16, dst, dst);
    } else if (keeps_order) {
        x64_mov_rr(s->code, 32, dst, dst);
    } else {
        x64_bswap(s->code, insn->width, dst);
    }
    s->flags_reg = NO_REG;
    x64_wrote(s, insn->dst, insn->width != 64);
}

// --- Rotates --------------------------------------------------------------------------------------------------

// Two halves, joined: what compilers make of a rotation.
//     n = o; n <<= k; o >>= w - k; n |= o      o is gone: four instructions, the shifts in either order, either of them the result
//     t = o; t >>= w - k; n = o; n <<= k; n |= t      o stays: five
// The half that is joined to the other must die.
typedef struct rotate {
    unsigned from, to, half; // eBPF registers: o, the result, the half that dies
    unsigned width, left;
    uint32_t slots;
} rotate;

static bool is_shift(const pst_insn *insn, unsigned reg)
{
    bool shift = insn->op == PST_ALU_LSH || insn->op == PST_ALU_RSH;
    return insn->kind == PST_KIND_ALU && shift && insn->flags & PST_INSN_IMM && insn->dst == reg;
}

static bool is_move(const pst_insn *insn)
{
    return insn->kind == PST_KIND_ALU && insn->op == PST_ALU_MOV && !(insn->flags & PST_INSN_IMM) && insn->dst != insn->src;
}

// The shifts of registers a and b, and the instruction that joins them.
static bool take_halves(const pst_insn *a, const pst_insn *b, const pst_insn *join, rotate *r)
{
    if (a->width != b->width || a->op == b->op || a->imm <= 0 || b->imm <= 0 || a->imm + b->imm != a->width) return false;
    bool joins = join->op == PST_ALU_OR || join->op == PST_ALU_XOR || join->op == PST_ALU_ADD;
    // At 64 bits, halves of a 32-bit rotate have a clean upper half: any width joins them.
    if (join->kind != PST_KIND_ALU || !joins || join->flags & PST_INSN_IMM || join->width < a->width) return false;
    r->width = a->width;
    r->left = (unsigned)(a->op == PST_ALU_LSH ? a->imm : b->imm);
    r->to = join->dst;
    r->half = join->src;
    return (r->to == a->dst && r->half == b->dst) || (r->to == b->dst && r->half == a->dst);
}

static bool match(const x64_select *x, const pst_insn *move, rotate *r)
{
    const pst_insn *i[4];
    if (!is_move(move)) return false;
    for (uint32_t n = 0; n < 4; n++) {
        i[n] = x64_follower(x, n + 1);
        if (!i[n] && n < 3) return false;
    }
    unsigned n = move->dst, o = move->src;
    r->from = o;
    r->slots = 4;
    bool in_order = is_shift(i[0], n) && is_shift(i[1], o), crossed = is_shift(i[0], o) && is_shift(i[1], n);
    if (in_order || crossed) return move->width >= i[0]->width && take_halves(i[0], i[1], i[2], r);
    r->slots = 5;
    if (!i[3] || !is_shift(i[0], n) || !is_move(i[1]) || i[1]->src != o || i[1]->dst == n || !is_shift(i[2], i[1]->dst)) return false;
    return move->width >= i[0]->width && i[1]->width >= i[0]->width && take_halves(i[0], i[2], i[3], r);
}

bool x64_select_rotate(x64_select *x, const pst_insn *insn)
{
    x64_state *s = &x->state;
    rotate r;
    if (!match(x, insn, &r)) return false;
    uint16_t live = x->unit->live[x->pc + r.slots - 1];
    if (live & JIT_REG(r.half)) return false;
    s->live = live;
    x64_claim(s, r.to);
    x64_reg from = x64_settle(s, r.from), dst = x64_of(s, r.to);
    if (x->features & X64_BMI2 && dst != from) {
        x64_rorx(s->code, r.width, dst, from, r.width - r.left);
    } else {
        if (dst != from) x64_mov_rr(s->code, r.width, dst, from);
        x64_shift_ri(s->code, SHIFT_ROL, r.width, dst, r.left);
    }
    x64_wrote(s, r.to, r.width == 32);
    s->pending &= (uint16_t)~JIT_REG(r.half);
    x->taken = r.slots;
    return true;
}
