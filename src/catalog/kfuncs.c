// kfuncs.c: the prototypes of Linux's kfuncs, which programs call by name.
#include "catalog/catalog.h"

#include <string.h>

const pst_helper_proto *pst_kfunc_proto_by_name(const char *name)
{
    for (size_t i = 0; i < pst_kfunc_proto_count(); i++)
        if (strcmp(pst_kfunc_proto_at(i)->name, name) == 0) return pst_kfunc_proto_at(i);
    return NULL;
}

size_t pst_kfunc_proto_count(void)
{
    return 0;
}

const pst_helper_proto *pst_kfunc_proto_at(size_t index)
{
    return NULL;
}
