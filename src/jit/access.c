// access.c: what back ends want to know of accesses whose place is known when a program is compiled: fields of the context, values of arrays.
#include "jit/unit.h"

#define HELPER_MAP_LOOKUP 1 // map_lookup_elem

bool jit_is_context(const jit_unit *unit, uint32_t pc, int32_t *base_off)
{
    if (!unit->bindings->type || !(jit_facts_at(unit, pc) & PST_FACT_CONTEXT)) return false;
    *base_off = unit->facts->context_off ? unit->facts->context_off[pc] : 0;
    return true;
}

// Mirrors pst_ctx_read and pst_ctx_write (catalog/context.c), with everything but the value known.
bool jit_context_access(const jit_unit *unit, const pst_insn *insn, int32_t base_off, jit_access *out)
{
    const pst_prog_type *type = unit->bindings->type;
    bool write = insn->kind == PST_KIND_STORE;
    int64_t abi_off = (int64_t)insn->off + base_off;
    uint32_t size = insn->width / 8u;
    if (abi_off < 0 || abi_off + size > type->abi_size) return false;
    const pst_ctx_field *field = pst_ctx_field_at(type, (uint32_t)abi_off, size, write);
    if (!field) return false;
    uint32_t skip = (uint32_t)abi_off - field->abi_off, native = field->native_size;
    out->whole = write ? size == field->abi_size : field->kind != PST_FIELD_SCALAR;
    if (out->whole) out->size = native;
    else if (size > field->abi_size) out->size = size;
    else out->size = skip >= native ? 0 : size < native - skip ? size : native - skip;
    out->off = (int32_t)(field->native_off + (out->whole ? 0 : skip) - (int64_t)base_off);
    return true;
}

// The map that the lookup at pc is always given, or NULL.
static const pst_map_view *known_map(const jit_unit *unit, uint32_t pc, const pst_fact_call **fact)
{
    const pst_insn *insn = &unit->image->insns[pc];
    if (insn->op != PST_CALL_HELPER || insn->imm != HELPER_MAP_LOOKUP || !unit->facts || !unit->facts->calls) return NULL;
    *fact = &unit->facts->calls[pc];
    return (*fact)->map == 0 ? NULL : unit->image->maps[(*fact)->map - 1];
}

const pst_map_view *jit_known_array(const jit_unit *unit, uint32_t pc, const pst_fact_call **fact)
{
    const pst_map_view *map = known_map(unit, pc, fact);
    bool fits = map && map->type == PST_MAP_ARRAY && map->values && map->value_stride <= INT32_MAX && map->max_entries <= INT32_MAX;
    return fits ? map : NULL;
}

uintptr_t jit_direct_lookup(const jit_unit *unit, uint32_t pc)
{
    const pst_fact_call *fact;
    const pst_map_view *map = known_map(unit, pc, &fact);
    return map ? map->lookup : 0;
}
