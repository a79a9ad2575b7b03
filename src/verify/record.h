// record.h: the fields of a type that have a meaning of their own (locks, timers, kptrs, list heads, ...), found in its BTF.
#ifndef PST_VERIFY_RECORD_H
#define PST_VERIFY_RECORD_H

#include "base/arena.h"
#include "btf/btf.h"
#include "program/image.h"

#define PST_RECORDS_MAX 11u // fields of one type, as in Linux

/// Finds them in type_id (a STRUCT, or a DATASEC with its variables) of btf, by offset. *records lives in arena; NULL and 0 when there are none.
/// PST_E_LIMIT: more than PST_RECORDS_MAX. PST_E_FORMAT: a list head or root that does not say what it contains, two locks, or
/// a field that is not aligned.
PST_MUST_USE pst_status pst_verify_records(pst_arena *arena, const pst_btf *btf, uint32_t type_id, const pst_record **records, uint32_t *count);

#endif
