// promote.c: stack whose address nobody else has becomes values.
//
// A slot is promoted where every access of its bytes is a load or a store of just these bytes at a known offset from r10. Spilled registers
// are like that, and arguments that a callee got by reference, once it is inlined. If an address of the frame goes where it cannot be
// followed (a sum with a variable, memory, a subprogram), nothing is promoted: it could reach any byte.
#include "base/bits.h"
#include "jit/opt/vars.h"

#include <string.h>

#define FRAME PST_FRAME_BYTES
#define NONE UINT16_MAX

// For each byte of the frame, from its lowest address on.
typedef struct frame_map {
    uint16_t start[FRAME]; // of the access that the byte is part of; NONE: of no one
    uint8_t size[FRAME];
    bool mixed[FRAME];     // of several, or of one that must stay
    uint16_t var[FRAME];   // at a slot's first byte: its variable
    uint32_t vars;
    bool escapes;
} frame_map;

// The offset from the frame's lowest address, or -1.
static int64_t place_of(const opt_value *base, int64_t off, uint32_t size)
{
    int64_t at = base->insn.imm + off + FRAME;
    return at >= 0 && at + size <= FRAME ? at : -1;
}

static void note_access(frame_map *map, const opt_value *base, int64_t off, uint32_t size, bool stays)
{
    int64_t at = place_of(base, off, size);
    if (at < 0) {
        map->escapes = true; // nothing that is proved does it
        return;
    }
    for (int64_t i = at; i < at + size; i++) {
        bool other = map->start[i] != NONE && (map->start[i] != at || map->size[i] != size);
        map->mixed[i] |= stays || (other && !OPT_PLANT(7));
        map->start[i] = (uint16_t)at;
        map->size[i] = (uint8_t)size;
    }
}

// Bytes that a helper reads or writes behind an argument; 0: not known.
static uint32_t bytes_behind(const opt_func *func, const opt_value *call, uint32_t arg)
{
    if (call->insn.op != PST_CALL_HELPER) return 0;
    const pst_helper *helper = jit_callee(func->unit->bindings, &call->insn);
    if (!helper || helper->proto->flags & (PST_HELPER_CALLBACK | PST_HELPER_TAIL_CALL)) return 0;
    const pst_arg_kind *kinds = helper->proto->args;
    switch (kinds[arg]) {
    case PST_ARG_MAP_KEY:
    case PST_ARG_MAP_VALUE:
    case PST_ARG_MAP_VALUE_OUT:
        for (uint32_t i = arg; i-- > 0;) {
            const opt_value *map = kinds[i] == PST_ARG_MAP ? call->args[i] : NULL;
            if (!map || map->insn.kind != OPT_ADDRESS || map->insn.op != PST_IMM64_MAP_FD) continue;
            const pst_map_view *view = func->unit->image->maps[(uint32_t)map->insn.imm];
            return kinds[arg] == PST_ARG_MAP_KEY ? view->key_size : view->value_size;
        }
        return 0;
    case PST_ARG_MEM:
    case PST_ARG_MEM_OUT:
    case PST_ARG_MEM_INOUT:
        if (arg + 1 < call->arg_count && opt_is_const(call->args[arg + 1]) && (uint64_t)call->args[arg + 1]->insn.imm <= FRAME)
            return (uint32_t)call->args[arg + 1]->insn.imm;
        return 0;
    case PST_ARG_INT_OUT: return 4;
    case PST_ARG_LONG_OUT: return 8;
    default: return 0;
    }
}

static void note_use(const opt_func *func, frame_map *map, const opt_value *v, uint32_t arg)
{
    const opt_value *base = v->args[arg];
    bool plain = v->insn.kind == PST_KIND_LOAD || (v->insn.kind == PST_KIND_STORE && arg == 0);
    bool other = arg == 0 && (v->insn.kind == PST_KIND_ATOMIC || v->insn.kind == PST_KIND_LOAD_ACQUIRE || v->insn.kind == PST_KIND_STORE_RELEASE);
    if (plain || other) {
        note_access(map, base, v->insn.off, v->insn.width / 8u, other);
        return;
    }
    uint32_t bytes = v->insn.kind == PST_KIND_CALL && v->mask == ((1u << (v->arg_count + 1)) - 2) ? bytes_behind(func, v, arg) : 0;
    if (bytes == 0) {
        map->escapes = true;
        return;
    }
    for (uint32_t i = 0; i < bytes; i++) note_access(map, base, i, 1, true);
}

static bool slot_at(const frame_map *map, int64_t at, uint32_t size)
{
    for (int64_t i = at; i < at + size; i++)
        if (map->mixed[i]) return false;
    return true;
}

static bool study(const opt_func *func, frame_map *map)
{
    memset(map, 0, sizeof *map);
    for (unsigned i = 0; i < FRAME; i++) map->start[i] = NONE;
    OPT_EACH_BLOCK(b, func) OPT_EACH_VALUE(v, b)
        for (uint32_t i = 0; i < v->arg_count; i++)
            if (v->args[i]->insn.kind == OPT_FRAME) note_use(func, map, v, i);
    for (uint32_t i = 0; i < FRAME; i++) {
        map->var[i] = NONE;
        if (map->start[i] == i && slot_at(map, i, map->size[i])) map->var[i] = (uint16_t)map->vars++;
    }
    return !map->escapes && map->vars > 0;
}

// The number that a load of the slot gives: what was stored, cut to the width.
static opt_value *loaded(opt_func *func, opt_value *load, opt_value *stored)
{
    static const pst_alu_op extend[] = {PST_ALU_MOVSX8, PST_ALU_MOVSX16, PST_ALU_MOVSX32};
    unsigned width = load->insn.width;
    opt_value *v = opt_value_new(func, width == 64 ? OPT_COPY : PST_KIND_ALU, 1);
    v->args[0] = stored;
    v->origin = load->origin;
    v->hint = load->hint;
    v->as_origin = load->as_origin;
    if (width == 64) {
        // nothing to be cut
    } else if (load->insn.flags & PST_INSN_SIGNED) {
        v->insn.op = (uint8_t)extend[width == 8 ? 0 : width == 16 ? 1 : 2];
    } else if (width == 32) {
        v->insn.op = PST_ALU_MOV;
        v->insn.width = 32;
    } else {
        v->insn.op = PST_ALU_AND;
        v->insn.flags = PST_INSN_IMM;
        v->insn.imm = (int64_t)pst_mask(width);
    }
    opt_insert_before(load, v);
    opt_value *simpler = opt_fold_value(func, v);
    if (simpler != v) opt_replace(v, simpler);
    return simpler;
}

static void rewrite(opt_func *func, opt_vars *vars, const frame_map *map, opt_value *v)
{
    bool load = v->insn.kind == PST_KIND_LOAD, store = v->insn.kind == PST_KIND_STORE;
    if ((!load && !store) || v->args[0]->insn.kind != OPT_FRAME) return;
    int64_t at = place_of(v->args[0], v->insn.off, v->insn.width / 8u);
    uint16_t var = at < 0 ? NONE : map->var[at];
    if (var == NONE) return;
    opt_block *b = v->block;
    if (load) {
        opt_value *value = loaded(func, v, opt_vars_read(vars, b, var));
        opt_replace(v, value);
        return;
    }
    opt_value *value = opt_has_imm(v) ? opt_const(func, (uint64_t)v->insn.imm, v->origin) : opt_value_new(func, OPT_COPY, 1);
    if (!opt_has_imm(v)) {
        value->args[0] = opt_resolve(v->args[1]);
        value->origin = v->origin;
    }
    opt_insert_before(v, value);
    opt_value *simpler = opt_fold_value(func, value);
    if (simpler != value) opt_replace(value, simpler);
    value = simpler;
    opt_vars_write(b, var, value);
    opt_remove(v);
}

void opt_promote(opt_func *func)
{
    frame_map *map = pst_arena_alloc(func->arena, sizeof *map);
    opt_vars vars;
    if (!map) func->failed = true;
    if (func->failed || !study(func, map)) return;
    opt_vars_init(&vars, func, map->vars);
    for (uint32_t i = 0; i < func->order_count && !func->failed; i++)
        OPT_EACH_VALUE(v, func->order[i]) rewrite(func, &vars, map, v);
    opt_vars_close(&vars, NULL);
    if (func->failed) return;
    opt_resolve_all(func);
    opt_simplify_phis(func);
}
