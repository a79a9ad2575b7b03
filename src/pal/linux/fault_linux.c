// fault_linux.c: machine faults, by signals.
//
// Invariant: a fault that is not ours goes to whoever handled the signal before, with the same information, so that debuggers, sanitizers and
// hosts with handlers of their own see what they would see without us.
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>

#include "pal/pal.h"

static const int g_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
static struct sigaction g_before[PST_COUNT(g_signals)];
static pst_fault_handler g_handler;
static pthread_mutex_t g_lock = PTHREAD_MUTEX_INITIALIZER;

#if PST_HOST_X64
// Where ucontext has the registers, in the order of the machine's numbers.
static const int g_places[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                 REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

static bool offer(const siginfo_t *info, ucontext_t *context)
{
    greg_t *regs = context->uc_mcontext.gregs;
    pst_fault fault = {.pc = (uint64_t)regs[REG_RIP], .address = (uint64_t)(uintptr_t)info->si_addr};
    for (unsigned i = 0; i < 16; i++) fault.regs[i] = (uint64_t)regs[g_places[i]];
    if (!PST_ATOMIC_LOAD(&g_handler)(&fault)) return false;
    for (unsigned i = 0; i < 16; i++) regs[g_places[i]] = (greg_t)fault.regs[i];
    regs[REG_RIP] = (greg_t)fault.pc;
    return true;
}
#elif PST_HOST_ARM64
static bool offer(const siginfo_t *info, ucontext_t *context)
{
    mcontext_t *machine = &context->uc_mcontext;
    pst_fault fault = {.pc = machine->pc, .address = (uint64_t)(uintptr_t)info->si_addr};
    for (unsigned i = 0; i < 31; i++) fault.regs[i] = machine->regs[i];
    fault.regs[31] = machine->sp;
    if (!PST_ATOMIC_LOAD(&g_handler)(&fault)) return false;
    for (unsigned i = 0; i < 31; i++) machine->regs[i] = fault.regs[i];
    machine->sp = fault.regs[31];
    machine->pc = fault.pc;
    return true;
}
#else
static bool offer(const siginfo_t *info, ucontext_t *context)
{
    (void)info, (void)context;
    return false;
}
#endif

static void pass_on(int signal, siginfo_t *info, void *context)
{
    for (unsigned i = 0; i < PST_COUNT(g_signals); i++) {
        if (g_signals[i] != signal) continue;
        if (g_before[i].sa_flags & SA_SIGINFO) {
            g_before[i].sa_sigaction(signal, info, context);
        } else if (g_before[i].sa_handler != SIG_DFL && g_before[i].sa_handler != SIG_IGN) {
            g_before[i].sa_handler(signal);
        } else { // as before us: the instruction faults again, and the system acts
            (void)sigaction(signal, &g_before[i], NULL);
        }
    }
}

static void on_signal(int signal, siginfo_t *info, void *context)
{
    // One that was sent, and not raised by an instruction, has no address and no instruction to blame.
    if (info->si_code > 0 && offer(info, context)) return;
    pass_on(signal, info, context);
}

pst_status pst_pal_fault_handler_set(pst_fault_handler handler)
{
    if (!PST_HOST_COMPILES) return PST_E_UNSUPPORTED;
    pst_status status = PST_OK;
    pthread_mutex_lock(&g_lock);
    bool installed = g_handler != NULL;
    PST_ATOMIC_STORE(&g_handler, handler);
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK};
    action.sa_sigaction = on_signal;
    sigemptyset(&action.sa_mask);
    for (unsigned i = 0; !installed && i < PST_COUNT(g_signals); i++)
        if (sigaction(g_signals[i], &action, &g_before[i]) != 0) status = PST_E_IO;
    pthread_mutex_unlock(&g_lock);
    return status;
}
