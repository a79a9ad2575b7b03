// fault_windows.c: machine faults, by a vectored exception handler.
//
// It is asked before handlers that belong to stack frames, so that code without unwind data is no hindrance.
#include "pal/windows/windows_pal.h"

#include "pal/pal.h"

static pst_fault_handler g_handler;
static LONG g_installed;

#if PST_HOST_X64
// The general registers lie in CONTEXT in the order of the machine's numbers.
PST_STATIC_ASSERT(offsetof(CONTEXT, R15) - offsetof(CONTEXT, Rax) == 15 * sizeof(DWORD64), "rax to r15 in a row");

static LONG CALLBACK on_exception(EXCEPTION_POINTERS *exception)
{
    const EXCEPTION_RECORD *record = exception->ExceptionRecord;
    CONTEXT *context = exception->ContextRecord;
    bool access = record->ExceptionCode == EXCEPTION_ACCESS_VIOLATION || record->ExceptionCode == EXCEPTION_IN_PAGE_ERROR;
    bool other = record->ExceptionCode == EXCEPTION_INT_OVERFLOW || record->ExceptionCode == EXCEPTION_INT_DIVIDE_BY_ZERO ||
                 record->ExceptionCode == EXCEPTION_ILLEGAL_INSTRUCTION;
    if (!access && !other) return EXCEPTION_CONTINUE_SEARCH;
    pst_fault fault = {.pc = context->Rip};
    DWORD64 *regs = &context->Rax;
    if (access && record->NumberParameters > 1) fault.address = record->ExceptionInformation[1];
    for (unsigned i = 0; i < 16; i++) fault.regs[i] = regs[i];
    if (!PST_ATOMIC_LOAD(&g_handler)(&fault)) return EXCEPTION_CONTINUE_SEARCH;
    for (unsigned i = 0; i < 16; i++) regs[i] = fault.regs[i];
    context->Rip = fault.pc;
    return EXCEPTION_CONTINUE_EXECUTION;
}
#endif

pst_status pst_pal_fault_handler_set(pst_fault_handler handler)
{
#if PST_HOST_X64
    PST_ATOMIC_STORE(&g_handler, handler);
    if (InterlockedExchange(&g_installed, 1)) return PST_OK;
    if (AddVectoredExceptionHandler(1, on_exception)) return PST_OK;
    InterlockedExchange(&g_installed, 0);
    return PST_E_NOMEM;
#else
    (void)handler, (void)g_handler, (void)g_installed;
    return PST_E_UNSUPPORTED;
#endif
}
