// verify_types.h: the types of generated programs: see vgen_program's maps and its global function.
#ifndef PST_TESTS_VERIFY_TYPES_H
#define PST_TESTS_VERIFY_TYPES_H

#include "btf/btf.h"
#include "verify_gen.h"

/// BTF with struct item (type VGEN_ITEM_TYPE) and the global functions; made once, never freed. NULL: it could not be made.
const pst_btf *types_of_programs(void);
/// The type id of the global function of programs of this type: long f(long number, struct item *item, CONTEXT *ctx). item may be NULL.
uint32_t types_global_function(vgen_type type);

#endif
