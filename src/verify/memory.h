// memory.h: what the files memory*.c share: one access to memory, and who checks it.
//
// memory.c interprets the instructions and finds out what a pointer points to; memory_stack.c knows frames, memory_context.c the context and
// structs described field by field, memory_object.c packets, maps and all else that has a size, memory_btf.c structs that BTF describes,
// memory_argument.c the memory that is handed to helpers.
#ifndef PST_VERIFY_MEMORY_H
#define PST_VERIFY_MEMORY_H

#include "verify/verifier.h"

typedef struct vaccess {
    unsigned reg;     // base register
    vvalue ptr;       // what is accessed: the base and the instruction's displacement
    uint64_t size;    // bytes
    bool write;
    bool is_signed;   // a load extends the sign
    bool is_atomic;   // atomics, load-acquire, store-release
    bool is_argument; // of a call
} vaccess;

#define VMEM_OFFSET_MAX ((int64_t)1 << 29) // Linux's limit for variable offsets and sizes

/// An unknown number as a load of this access yields it.
vvalue vmem_unknown(verifier *v, vstate *s, const vaccess *a);
/// Least and greatest value of the access' offset, relations included.
void vmem_range(const vstate *s, const vvalue *ptr, int64_t *lo, int64_t *hi);
/// The offset is one known number.
bool vmem_is_fixed(const vstate *s, const vvalue *ptr, int64_t *off);
/// The number 0, which is also the null pointer.
bool vmem_is_null(const vstate *s, const vvalue *value);
/// Whether the value tells an address of the host: strict mode keeps those in registers and on the stack.
bool vmem_leaks(const verifier *v, const vvalue *value);
/// Reports that the access is not within the size bytes of what.
vstep vmem_outside(verifier *v, const vstate *s, const vaccess *a, uint64_t size, const char *what);
/// The access is within [0, size) of what; with is_argument an access of 0 bytes may be at size.
vstep vmem_within(verifier *v, const vstate *s, const vaccess *a, uint64_t size, const char *what);

// A load with out == NULL only checks: its value is used as a number (atomics). A store of value NULL writes unknown bytes.
vstep vstack_load(verifier *v, vstate *s, const vaccess *a, vvalue *out);
vstep vstack_store(verifier *v, vstate *s, const vaccess *a, const vvalue *value);
/// A call reads or writes [ptr, ptr + size); exact: the size is one number. access: VMEM_*.
vstep vstack_argument(verifier *v, vstate *s, const vaccess *a, bool exact, uint32_t access);

vstep vcontext_load(verifier *v, vstate *s, const vaccess *a, vvalue *out);
vstep vcontext_store(verifier *v, vstate *s, const vaccess *a);
/// Loads from VO_SOCK and VO_STRUCT.
vstep vstruct_load(verifier *v, vstate *s, const vaccess *a, vvalue *out);
vstep vstruct_store(verifier *v, vstate *s, const vaccess *a);

vstep vpacket_check(verifier *v, vstate *s, const vaccess *a);
vstep vobject_load(verifier *v, vstate *s, const vaccess *a, vvalue *out);
vstep vobject_store(verifier *v, vstate *s, const vaccess *a, const vvalue *value);
/// Map values, plain memory, reservations: bounds, flags, records. *kptr: the record that a direct access is to, NULL: none.
vstep vobject_check(verifier *v, vstate *s, const vaccess *a, const pst_record **kptr);

/// Structs of the host and of the program: VO_BTF, VO_ALLOC.
vstep vbtf_load(verifier *v, vstate *s, const vaccess *a, vvalue *out);
vstep vbtf_store(verifier *v, vstate *s, const vaccess *a);
/// A map's own fields, read through a map pointer.
vstep vbtf_map_load(verifier *v, vstate *s, const vaccess *a, vvalue *out);
/// The pointer that a kptr field yields.
vstep vbtf_kptr_load(verifier *v, vstate *s, const pst_record *record, vvalue *out);
/// Inside an RCU read-side section, as Linux has it: sections, locks, programs that do not sleep.
bool vbtf_in_rcu(const verifier *v, const vstate *s);

#endif
