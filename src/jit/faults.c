// faults.c: see faults.h.
//
// A fault is a wrong proof or a bug of ours; signals know nothing of programs, so there is one table for the process. The handler runs on the
// faulting thread, perhaps while others add and remove programs: it reads, takes no lock, and a row that changes under its eyes is none that it
// looks for, since the program in whose code it was called does not go away.
#include "jit/faults.h"

typedef struct row {
    uint64_t begin; // 0: free
    uint64_t bytes;
    const jit_program *prog;
} row;

static row g_rows[JIT_PROGRAMS_MAX];
static uint32_t g_lock;       // of those who change rows
static uint32_t g_rows_used;  // rows from here on were never used
static uint32_t g_free_hint;  // rows in front of it are taken

static void lock(void)
{
    for (uint32_t expected = 0; !PST_ATOMIC_CAS(&g_lock, &expected, 1u); expected = 0) pst_pal_yield();
}

static void unlock(void) { PST_ATOMIC_STORE(&g_lock, 0u); }

static uint32_t slot_at(const jit_program *prog, uint64_t offset)
{
    uint32_t lo = 0, hi = prog->piece_count; // the answer is in [lo, hi)
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (prog->offsets[mid] <= offset) lo = mid;
        else hi = mid;
    }
    // Pieces without code of their own begin where the next one does: the last that begins there has it.
    return prog->slots ? prog->slots[lo] : lo;
}

static const jit_program *program_at(uint64_t pc)
{
    uint32_t count = PST_ATOMIC_LOAD(&g_rows_used);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t begin = PST_ATOMIC_LOAD(&g_rows[i].begin);
        if (begin == 0 || pc < begin || pc - begin >= PST_ATOMIC_LOAD(&g_rows[i].bytes)) continue;
        return PST_ATOMIC_LOAD(&g_rows[i].prog);
    }
    return NULL;
}

static bool on_fault(pst_fault *fault)
{
    const jit_program *prog = program_at(fault->pc);
    if (!prog || prog->unwind_offset == UINT32_MAX) return false;
    uint64_t base = (uint64_t)(uintptr_t)prog->code.bytes, offset = fault->pc - base;
    pst_run *run = (pst_run *)(uintptr_t)fault->regs[prog->run_reg];
    run->trap = (pst_trap){.code = PST_TRAP_FAULT, .pc = slot_at(prog, offset), .address = fault->address};
    fault->pc = base + prog->unwind_offset;
    return true;
}

pst_status jit_faults_add(jit_program *prog)
{
    pst_status status = pst_pal_fault_handler_set(on_fault);
    if (status != PST_OK) return status;
    lock();
    uint32_t i = g_free_hint;
    while (i < JIT_PROGRAMS_MAX && g_rows[i].begin) i++;
    if (i < JIT_PROGRAMS_MAX) {
        g_free_hint = i + 1;
        prog->fault_slot = i;
        PST_ATOMIC_STORE(&g_rows[i].prog, prog);
        PST_ATOMIC_STORE(&g_rows[i].bytes, (uint64_t)prog->code_bytes);
        PST_ATOMIC_STORE(&g_rows[i].begin, (uint64_t)(uintptr_t)prog->code.bytes);
        if (i >= g_rows_used) PST_ATOMIC_STORE(&g_rows_used, i + 1);
    } else {
        status = PST_E_LIMIT;
    }
    unlock();
    return status;
}

void jit_faults_remove(jit_program *prog)
{
    lock();
    row *mine = &g_rows[prog->fault_slot];
    if (mine->prog == prog && mine->begin) {
        PST_ATOMIC_STORE(&mine->begin, (uint64_t)0);
        mine->prog = NULL;
        if (prog->fault_slot < g_free_hint) g_free_hint = prog->fault_slot;
    }
    unlock();
}
