// types.c: the list of program types, and which helpers and kfuncs a type may call.
#include "catalog/types.h"

#include <string.h>

#define X(name) &pst_type_##name,
static const pst_prog_type *const g_types[] = {PST_TYPE_LIST(X)};
#undef X

const int32_t pst_general_helpers[] = {
    1, 2, 3, 5, 6, 7, 8, 12, 14, 15, 16, 17, 22, 35, 37, 42, 55, 80, 87, 88, 89, 93, 94, 105, 106, 109, 112, 113, 114, 115, 117, 118, 120,
    123, 125, 130, 131, 132, 133, 134, 141, 148, 149, 153, 154, 156, 157, 158, 164, 165, 169, 170, 171, 172, 175, 176, 177, 180, 181, 182,
    191, 194, 195, 197, 198, 199, 200, 201, 202, 203, 208, 209, 210, 211,
};
const uint32_t pst_general_helper_count = PST_COUNT(pst_general_helpers);

size_t pst_prog_type_count(void)
{
    return PST_COUNT(g_types);
}

const pst_prog_type *pst_prog_type_at(size_t index)
{
    return index < PST_COUNT(g_types) ? g_types[index] : NULL;
}

const pst_prog_type *pst_prog_type_by_number(uint32_t number)
{
    for (size_t i = 0; i < PST_COUNT(g_types); i++)
        if (g_types[i]->number == number) return g_types[i];
    return NULL;
}

const pst_prog_type *pst_prog_type_by_name(const char *name)
{
    for (size_t i = 0; i < PST_COUNT(g_types); i++)
        if (strcmp(g_types[i]->name, name) == 0) return g_types[i];
    return NULL;
}

bool pst_prog_type_hosted(const pst_prog_type *type)
{
    return type && type->native_size != 0;
}

void pst_ret_range(const pst_prog_type *type, uint32_t attach_type, bool *any, int64_t *lo, int64_t *hi)
{
    *any = type->ret_any;
    *lo = type->ret_lo;
    *hi = type->ret_hi;
    for (uint32_t i = 0; i < type->attach_type_count; i++) {
        const pst_attach_type *attach = &type->attach_types[i];
        if (attach->number != attach_type || !attach->has_ret) continue;
        *any = attach->ret_any;
        *lo = attach->ret_lo;
        *hi = attach->ret_hi;
        return;
    }
}

static bool contains(const int32_t *ids, uint32_t count, int32_t id)
{
    for (uint32_t i = 0; i < count; i++)
        if (ids[i] == id) return true;
    return false;
}

const pst_helper_proto *pst_prog_type_helper(const pst_prog_type *type, int32_t id)
{
    for (uint32_t i = 0; i < type->own_helper_count; i++)
        if (type->own_helpers[i].id == id) return &type->own_helpers[i];
    if (contains(pst_general_helpers, pst_general_helper_count, id) || contains(type->helpers, type->helper_count, id))
        return pst_helper_proto_by_id(id);
    return NULL;
}

const pst_helper_proto *pst_prog_type_helper_at(const pst_prog_type *type, uint32_t attach_type, int32_t id)
{
    for (uint32_t i = 0; attach_type < 64 && i < type->helper_limit_count; i++) {
        const pst_helper_limit *limit = &type->helper_limits[i];
        if (limit->id == id && !(limit->attach_mask >> attach_type & 1)) return NULL;
    }
    return pst_prog_type_helper(type, id);
}

const pst_helper_proto *pst_prog_type_kfunc(const pst_prog_type *type, const char *name)
{
    const pst_helper_proto *proto = pst_kfunc_proto_by_name(name);
    if (!proto || proto->prog_types == 0) return proto;
    return type->number < 64 && proto->prog_types >> type->number & 1 ? proto : NULL;
}
