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

// n = o; n <<= left; o >>= width - left (or the other way round); a = n | o, where a is n or o and the other one dies.
typedef struct rotate {
    const pst_insn *move, *first, *second, *join;
} rotate;

static bool is_shift(const pst_insn *insn, unsigned reg, unsigned width)
{
    bool shift = insn->op == PST_ALU_LSH || insn->op == PST_ALU_RSH;
    return insn->kind == PST_KIND_ALU && shift && insn->flags & PST_INSN_IMM && insn->dst == reg && insn->width == width;
}

static bool matches(const rotate *r)
{
    if (!r->first || !r->second || !r->join) return false;
    unsigned width = r->first->width, n = r->move->dst, o = r->move->src;
    if (r->move->flags & PST_INSN_IMM || n == o || r->move->width < width) return false;
    // The shifts may come in either order.
    bool direct = is_shift(r->first, n, width) && is_shift(r->second, o, width);
    bool crossed = is_shift(r->first, o, width) && is_shift(r->second, n, width);
    if ((!direct && !crossed) || r->first->op == r->second->op) return false;
    if (r->first->imm <= 0 || r->second->imm <= 0 || r->first->imm + r->second->imm != width) return false;
    const pst_insn *j = r->join;
    bool joins = j->op == PST_ALU_OR || j->op == PST_ALU_XOR || j->op == PST_ALU_ADD;
    if (j->kind != PST_KIND_ALU || !joins || j->flags & PST_INSN_IMM || j->width < width) return false;
    // At 64 bits, halves of a 32-bit rotate have a clean upper half: any width joins them.
    return (j->dst == n && j->src == o) || (j->dst == o && j->src == n);
}

bool x64_select_rotate(x64_select *x, const pst_insn *insn)
{
    x64_state *s = &x->state;
    const rotate r = {insn, x64_follower(x, 1), x64_follower(x, 2), x64_follower(x, 3)};
    if (!matches(&r)) return false;
    uint16_t live = x->unit->live[x->pc + 3];
    if (live & JIT_REG(r.join->src)) return false; // the half must die
    unsigned width = r.first->width, left = (unsigned)(r.first->op == PST_ALU_LSH ? r.first->imm : r.second->imm);
    s->live = live;
    x64_claim(s, r.join->dst);
    x64_reg from = x64_settle(s, insn->src), dst = x64_of(s, r.join->dst);
    if (x->features & X64_BMI2 && dst != from) {
        x64_rorx(s->code, width, dst, from, width - left);
    } else {
        if (dst != from) x64_mov_rr(s->code, width, dst, from);
        x64_shift_ri(s->code, SHIFT_ROL, width, dst, left);
    }
    x64_wrote(s, r.join->dst, width == 32);
    s->pending &= (uint16_t)~JIT_REG(r.join->src);
    x->taken = 4;
    return true;
}
