// types.h: what the files that describe program types share. Private to the catalog.
#ifndef PST_CATALOG_TYPES_H
#define PST_CATALOG_TYPES_H

#include <stddef.h>

#include "catalog/catalog.h"

// One field: its ABI place, and the member of the native struct that holds it.
#define PST_FIELD_ROW(native, text, off, size, member, field_kind, access)              \
    {.name = (text),                                                                    \
     .abi_off = (off),                                                                  \
     .abi_size = (size),                                                                \
     .native_off = (uint16_t)offsetof(native, member),                                  \
     .native_size = (uint16_t)sizeof(((native *)0)->member),                            \
     .kind = PST_FIELD_##field_kind,                                                    \
     .flags = (access)}

extern const pst_prog_type pst_type_xdp;
extern const pst_prog_type pst_type_socket_filter;
extern const pst_prog_type pst_type_sched_cls;
extern const pst_prog_type pst_type_sample;

#endif
