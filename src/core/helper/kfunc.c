// kfunc.c: the kfuncs that this core has, and how programs name them.
//
// On Linux a call of a kfunc holds the id of a type of the kernel's BTF. A core has no such BTF: here it holds a number that the core gives out
// for a name (pst_core_kfunc_number), which is good for this build only. Loaders ask for it; the verifier gets the name back.
#include "core/helper/helpers.h"

#define NUMBER_FIRST 0x50000000 // far from helper ids and from BTF ids: a mix-up is no call of something else

typedef struct kfunc_row {
    const char *name;
    pst_helper_fn fn;
} kfunc_row;

// --- Iterators over numbers -----------------------------------------------------------------------------------

#define TURNS_MAX (1 << 23) // Linux's BPF_MAX_LOOPS

typedef struct num_iterator {
    int32_t current, end;
} num_iterator;

HELPER(iter_num_new)
{
    num_iterator *it = HELPER_POINTER(num_iterator *, r1);
    int32_t start = (int32_t)r2, end = (int32_t)r3;
    *it = (num_iterator){0};
    if (start > end) return helper_error(PST_EINVAL);
    if ((int64_t)end - start > TURNS_MAX) return helper_error(PST_E2BIG);
    *it = (num_iterator){(int32_t)((uint32_t)start - 1u), end}; // wraps where start is the least number, and back
    return 0;
}

HELPER(iter_num_next)
{
    num_iterator *it = HELPER_POINTER(num_iterator *, r1);
    int32_t next = (int32_t)((uint32_t)it->current + 1u);
    if (next >= it->end) {
        *it = (num_iterator){0};
        return 0;
    }
    it->current = next;
    return (uintptr_t)&it->current;
}

HELPER(iter_num_destroy)
{
    *HELPER_POINTER(num_iterator *, r1) = (num_iterator){0};
    return 0;
}

// A run is inside of an epoch from its beginning to its end, which is all that a read-side section promises.
HELPER(rcu_section)
{
    return 0;
}

// --- The table ------------------------------------------------------------------------------------------------

static const kfunc_row g_rows[] = {
    {"bpf_iter_num_new", iter_num_new}, {"bpf_iter_num_next", iter_num_next}, {"bpf_iter_num_destroy", iter_num_destroy},
    {"bpf_rcu_read_lock", rcu_section}, {"bpf_rcu_read_unlock", rcu_section},
};

void core_kfuncs_init(pst_core *core)
{
    for (uint32_t i = 0; i < pst_kfunc_proto_count() && i < CORE_KFUNCS_MAX; i++) {
        core->kfuncs[i].proto = pst_kfunc_proto_at(i);
        for (size_t row = 0; row < PST_COUNT(g_rows); row++)
            if (strcmp(g_rows[row].name, core->kfuncs[i].proto->name) == 0) core->kfuncs[i].fn = g_rows[row].fn;
    }
}

const pst_helper *core_kfunc_find(const pst_core *core, int32_t number)
{
    uint32_t index = (uint32_t)number - (uint32_t)NUMBER_FIRST;
    return index < CORE_KFUNCS_MAX && core->kfuncs[index].proto ? &core->kfuncs[index] : NULL;
}

int32_t pst_core_kfunc_number(const pst_core *core, const char *name, bool provided)
{
    for (int32_t i = 0; i < (int32_t)CORE_KFUNCS_MAX && core->kfuncs[i].proto; i++)
        if (strcmp(core->kfuncs[i].proto->name, name) == 0) return !provided || core->kfuncs[i].fn ? NUMBER_FIRST + i : 0;
    return 0;
}
