// verify_mutate.c: mutants of programs, see verify_gen.h.
#include "verify_gen.h"

static const uint8_t size_bits[] = {0x10, 0x08, 0x00, 0x18}; // by log2 of bytes

static bool is_jump(const pst_slot *s)
{
    unsigned class = s->opcode & 7u, code = s->opcode & 0xf0u;
    return (class == 5 || class == 6) && code != 0 && code < 0xe0 && code != 0x80 && code != 0x90;
}

static bool is_memory(const pst_slot *s)
{
    unsigned class = s->opcode & 7u;
    return class >= 1 && class <= 3 && s->opcode != 0x18;
}

static bool mutate_jump(vgen_source *source, pst_slot *s)
{
    static const uint8_t pairs[][2] = {{0x20, 0x30}, {0xa0, 0xb0}, {0x60, 0x70}, {0xc0, 0xd0}, {0x20, 0x60}, {0x30, 0x70}, {0xa0, 0xc0}, {0xb0, 0xd0},
                                       {0x10, 0x50}, {0x50, 0xa0}, {0x20, 0xb0}, {0x30, 0xa0}};
    if (vgen_next(source, 4) == 0) {
        s->opcode ^= 3; // 64 and 32 bits
        return true;
    }
    const uint8_t *pair = pairs[vgen_next(source, PST_COUNT(pairs))];
    unsigned code = s->opcode & 0xf0u;
    if (code != pair[0] && code != pair[1]) return false;
    s->opcode = (uint8_t)((s->opcode & 0x0f) | (code == pair[0] ? pair[1] : pair[0]));
    return true;
}

bool vgen_mutate(vgen_source *source, pst_slot *slots, size_t count)
{
    size_t at = vgen_next(source, (uint32_t)count);
    pst_slot *s = &slots[at];
    bool second = at > 0 && slots[at - 1].opcode == 0x18;
    if (second || s->opcode == 0x18) {
        if (!second || slots[at - 1].regs >> 4 != 2) return false;
        s->imm = (int32_t)((uint32_t)s->imm + (vgen_next(source, 2) ? 1u : UINT32_MAX));
        return true;
    }
    switch (vgen_next(source, 9)) {
    case 0: *s = (pst_slot){.opcode = 0x05}; return true; // dropped
    case 1: s->imm = (int32_t)((uint32_t)s->imm + (vgen_next(source, 2) ? 1u : UINT32_MAX)); return s->opcode != 0x85;
    case 2:
    case 3: return is_jump(s) && mutate_jump(source, s);
    case 4:
        if (!is_memory(s)) return false;
        s->opcode = (uint8_t)((s->opcode & ~0x18) | size_bits[vgen_next(source, 4)]);
        return true;
    case 5: s->off = (int16_t)(s->off + (vgen_next(source, 2) ? 1 : -1) * (is_memory(s) ? 1 << vgen_next(source, 4) : 1)); return true;
    case 6: s->regs = (uint8_t)(s->regs << 4 | s->regs >> 4); return true;
    case 7: s->regs = (uint8_t)((s->regs & 0xf0) | vgen_next(source, 10)); return true;
    default:
        if ((s->opcode & 7) != 7 && (s->opcode & 7) != 4) return false;
        s->opcode ^= 3; // 64 and 32 bits
        return true;
    }
}

static bool gives_back(const pst_slot *s)
{
    static const int32_t helpers[] = {86, 94, 132, 133, 199, 200};
    static const int32_t kfuncs[] = {VGEN_ITER_DESTROY, VGEN_TASK_RELEASE, VGEN_OBJ_DROP, VGEN_RCU_UNLOCK, VGEN_PREEMPT_ON, VGEN_IRQ_RESTORE};
    if (s->opcode != 0x85) return false;
    for (size_t i = 0; i < PST_COUNT(helpers) && s->regs >> 4 == 0; i++)
        if (s->imm == helpers[i]) return true;
    for (size_t i = 0; i < PST_COUNT(kfuncs) && s->regs >> 4 == 2; i++)
        if (s->imm == kfuncs[i]) return true;
    return false;
}

static bool tests_null(const pst_slot *s) { return (s->opcode == 0x15 || s->opcode == 0x55) && s->imm == 0 && s->regs == 0; }

bool vgen_drop(vgen_source *source, pst_slot *slots, size_t count)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) found += gives_back(&slots[i]) || tests_null(&slots[i]);
    if (found == 0) return false;
    size_t chosen = vgen_next(source, (uint32_t)found);
    for (size_t i = 0; i < count; i++) {
        if (!gives_back(&slots[i]) && !tests_null(&slots[i])) continue;
        if (chosen-- > 0) continue;
        slots[i] = (pst_slot){.opcode = 0x05}; // goes on
        return true;
    }
    return false;
}
