// types.c: the list of hosted program types, and which helpers a type may call.
#include "catalog/types.h"

#include <string.h>

static const pst_prog_type *const g_types[] = {
    &pst_type_xdp,
    &pst_type_socket_filter,
    &pst_type_sched_cls,
    &pst_type_sample,
};

const int32_t pst_general_helpers[] = {
    1,   2,   3,   5,   6,   7,   8,   12,  14,  15,  16,  42,  87,  88,  89,  93,  94,  105, 106, 112, 113, 114, 115, 118, 125, 130,
    131, 132, 133, 134, 160, 164, 165, 169, 170, 171, 172, 177, 181, 182, 194, 195, 197, 198, 199, 200, 201, 202, 203, 208, 209,
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
