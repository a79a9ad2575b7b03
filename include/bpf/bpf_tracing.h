// bpf_tracing.h: arguments of traced functions.
//
// The subset that our hosts and Linux share: registers on x86-64 and arm64, BPF_PROG for typed tracing programs, BPF_KPROBE,
// BPF_KRETPROBE, BPF_UPROBE, BPF_KSYSCALL. Not here: other machines, USDT. Define __TARGET_ARCH_x86 or __TARGET_ARCH_arm64 for the
// register macros (as bpftool's and libbpf's build rules do). Include it after "vmlinux.h" or <linux/ptrace.h>.
#ifndef POSTERN_BPF_TRACING_H
#define POSTERN_BPF_TRACING_H

#include "bpf_core_read.h"

#if defined(__TARGET_ARCH_x86)
#if defined(__KERNEL__) || defined(__VMLINUX_H__)
#define PST_REG(x) ((const struct pt_regs *)(x))
#define PST_REG_1 di
#define PST_REG_2 si
#define PST_REG_3 dx
#define PST_REG_4 cx
#define PST_REG_5 r8
#define PST_REG_RET sp
#define PST_REG_FP bp
#define PST_REG_RC ax
#define PST_REG_SP sp
#define PST_REG_IP ip
#define PST_REG_SYSCALL orig_ax
#else // <asm/ptrace.h> has the same structure under a user's names
#define PST_REG(x) (x)
#define PST_REG_1 rdi
#define PST_REG_2 rsi
#define PST_REG_3 rdx
#define PST_REG_4 rcx
#define PST_REG_5 r8
#define PST_REG_RET rsp
#define PST_REG_FP rbp
#define PST_REG_RC rax
#define PST_REG_SP rsp
#define PST_REG_IP rip
#define PST_REG_SYSCALL orig_rax
#endif
#define PST_REG_6 r9
#define PST_SYSCALL_4 r10 // the instruction syscall takes rcx for itself
#define PST_SYSCALL_WRAPPER "x64"
#elif defined(__TARGET_ARCH_arm64)
#define PST_REG(x) ((const struct user_pt_regs *)(x))
#define PST_REG_1 regs[0]
#define PST_REG_2 regs[1]
#define PST_REG_3 regs[2]
#define PST_REG_4 regs[3]
#define PST_REG_5 regs[4]
#define PST_REG_6 regs[5]
#define PST_REG_RET regs[30]
#define PST_REG_FP regs[29]
#define PST_REG_RC regs[0]
#define PST_REG_SP sp
#define PST_REG_IP pc
#define PST_REG_SYSCALL regs[8]
#define PST_SYSCALL_4 regs[3]
#define PST_SYSCALL_WRAPPER "arm64"
#endif

#if defined(PST_REG_1)
struct pt_regs;

#define PT_REGS_PARM1(x) (PST_REG(x)->PST_REG_1)
#define PT_REGS_PARM2(x) (PST_REG(x)->PST_REG_2)
#define PT_REGS_PARM3(x) (PST_REG(x)->PST_REG_3)
#define PT_REGS_PARM4(x) (PST_REG(x)->PST_REG_4)
#define PT_REGS_PARM5(x) (PST_REG(x)->PST_REG_5)
#define PT_REGS_PARM6(x) (PST_REG(x)->PST_REG_6)
#define PT_REGS_RET(x) (PST_REG(x)->PST_REG_RET)
#define PT_REGS_FP(x) (PST_REG(x)->PST_REG_FP)
#define PT_REGS_RC(x) (PST_REG(x)->PST_REG_RC)
#define PT_REGS_SP(x) (PST_REG(x)->PST_REG_SP)
#define PT_REGS_IP(x) (PST_REG(x)->PST_REG_IP)

// The same, where x is not the context but a pointer into the kernel.
#define PT_REGS_PARM1_CORE(x) BPF_CORE_READ(PST_REG(x), PST_REG_1)
#define PT_REGS_PARM2_CORE(x) BPF_CORE_READ(PST_REG(x), PST_REG_2)
#define PT_REGS_PARM3_CORE(x) BPF_CORE_READ(PST_REG(x), PST_REG_3)
#define PT_REGS_PARM4_CORE(x) BPF_CORE_READ(PST_REG(x), PST_REG_4)
#define PT_REGS_PARM5_CORE(x) BPF_CORE_READ(PST_REG(x), PST_REG_5)
#define PT_REGS_PARM6_CORE(x) BPF_CORE_READ(PST_REG(x), PST_REG_6)
#define PT_REGS_RET_CORE(x) BPF_CORE_READ(PST_REG(x), PST_REG_RET)
#define PT_REGS_FP_CORE(x) BPF_CORE_READ(PST_REG(x), PST_REG_FP)
#define PT_REGS_RC_CORE(x) BPF_CORE_READ(PST_REG(x), PST_REG_RC)
#define PT_REGS_SP_CORE(x) BPF_CORE_READ(PST_REG(x), PST_REG_SP)
#define PT_REGS_IP_CORE(x) BPF_CORE_READ(PST_REG(x), PST_REG_IP)

// Arguments of a system call, from its own registers.
#define PT_REGS_PARM1_SYSCALL(x) PT_REGS_PARM1(x)
#define PT_REGS_PARM2_SYSCALL(x) PT_REGS_PARM2(x)
#define PT_REGS_PARM3_SYSCALL(x) PT_REGS_PARM3(x)
#define PT_REGS_PARM4_SYSCALL(x) (PST_REG(x)->PST_SYSCALL_4)
#define PT_REGS_PARM5_SYSCALL(x) PT_REGS_PARM5(x)
#define PT_REGS_PARM6_SYSCALL(x) PT_REGS_PARM6(x)
#define PT_REGS_PARM1_CORE_SYSCALL(x) PT_REGS_PARM1_CORE(x)
#define PT_REGS_PARM2_CORE_SYSCALL(x) PT_REGS_PARM2_CORE(x)
#define PT_REGS_PARM3_CORE_SYSCALL(x) PT_REGS_PARM3_CORE(x)
#define PT_REGS_PARM4_CORE_SYSCALL(x) BPF_CORE_READ(PST_REG(x), PST_SYSCALL_4)
#define PT_REGS_PARM5_CORE_SYSCALL(x) PT_REGS_PARM5_CORE(x)
#define PT_REGS_PARM6_CORE_SYSCALL(x) PT_REGS_PARM6_CORE(x)
// The kernel wraps a system call in a function whose argument is a pointer to the registers.
#define PT_REGS_SYSCALL_REGS(ctx) ((struct pt_regs *)PT_REGS_PARM1(ctx))
#endif

// The arguments of a typed program, cast from the context's 64-bit words: first to an integer, then to the parameter's type.
#define PST_CTX0()
#define PST_CTX1(x) , (void *)ctx[0]
#define PST_CTX2(x, ...) PST_CTX1(__VA_ARGS__), (void *)ctx[1]
#define PST_CTX3(x, ...) PST_CTX2(__VA_ARGS__), (void *)ctx[2]
#define PST_CTX4(x, ...) PST_CTX3(__VA_ARGS__), (void *)ctx[3]
#define PST_CTX5(x, ...) PST_CTX4(__VA_ARGS__), (void *)ctx[4]
#define PST_CTX6(x, ...) PST_CTX5(__VA_ARGS__), (void *)ctx[5]
#define PST_CTX7(x, ...) PST_CTX6(__VA_ARGS__), (void *)ctx[6]
#define PST_CTX8(x, ...) PST_CTX7(__VA_ARGS__), (void *)ctx[7]
#define PST_CTX9(x, ...) PST_CTX8(__VA_ARGS__), (void *)ctx[8]
#define PST_CTX10(x, ...) PST_CTX9(__VA_ARGS__), (void *)ctx[9]
#define PST_CTX11(x, ...) PST_CTX10(__VA_ARGS__), (void *)ctx[10]
#define PST_CTX12(x, ...) PST_CTX11(__VA_ARGS__), (void *)ctx[11]

// A program called name whose body has typed parameters: the outer function has the context, the inlined inner one the body.
#define PST_TRACED(name, context, arguments, ...)                                                            \
    name(context ctx);                                                                                       \
    static __always_inline typeof(name(0)) PST_CONCAT(pst_body_, name)(context ctx, ##__VA_ARGS__);          \
    typeof(name(0)) name(context ctx)                                                                        \
    {                                                                                                        \
        _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wint-conversion\"")                \
        return PST_CONCAT(pst_body_, name)(ctx arguments);                                                   \
        _Pragma("GCC diagnostic pop")                                                                        \
    }                                                                                                        \
    static __always_inline typeof(name(0)) PST_CONCAT(pst_body_, name)(context ctx, ##__VA_ARGS__)

/// SEC("fentry/do_unlinkat") int BPF_PROG(do_unlinkat, int dfd, struct filename *name) { ... }
#define BPF_PROG(name, args...) PST_TRACED(name, unsigned long long *, PST_BY_COUNT(PST_CTX, ##args)(args), ##args)

#if defined(PST_REG_1)
#define PST_ARGS0()
#define PST_ARGS1(x) , (void *)PT_REGS_PARM1(ctx)
#define PST_ARGS2(x, ...) PST_ARGS1(__VA_ARGS__), (void *)PT_REGS_PARM2(ctx)
#define PST_ARGS3(x, ...) PST_ARGS2(__VA_ARGS__), (void *)PT_REGS_PARM3(ctx)
#define PST_ARGS4(x, ...) PST_ARGS3(__VA_ARGS__), (void *)PT_REGS_PARM4(ctx)
#define PST_ARGS5(x, ...) PST_ARGS4(__VA_ARGS__), (void *)PT_REGS_PARM5(ctx)
#define PST_ARGS6(x, ...) PST_ARGS5(__VA_ARGS__), (void *)PT_REGS_PARM6(ctx)
#define PST_RESULT0()
#define PST_RESULT1(x) , (void *)PT_REGS_RC(ctx)

/// SEC("kprobe/do_unlinkat") int BPF_KPROBE(do_unlinkat, int dfd, struct filename *name) { ... }; with RET: the result, if asked for.
#define BPF_KPROBE(name, args...) PST_TRACED(name, struct pt_regs *, PST_BY_COUNT(PST_ARGS, ##args)(args), ##args)
#define BPF_KRETPROBE(name, args...) PST_TRACED(name, struct pt_regs *, PST_BY_COUNT(PST_RESULT, ##args)(args), ##args)
#define BPF_UPROBE(name, args...) BPF_KPROBE(name, ##args)
#define BPF_URETPROBE(name, args...) BPF_KRETPROBE(name, ##args)

extern _Bool LINUX_HAS_SYSCALL_WRAPPER __kconfig;

#define PST_SYS0()
#define PST_SYS1(x) , (void *)PT_REGS_PARM1_CORE_SYSCALL(regs)
#define PST_SYS2(x, ...) PST_SYS1(__VA_ARGS__), (void *)PT_REGS_PARM2_CORE_SYSCALL(regs)
#define PST_SYS3(x, ...) PST_SYS2(__VA_ARGS__), (void *)PT_REGS_PARM3_CORE_SYSCALL(regs)
#define PST_SYS4(x, ...) PST_SYS3(__VA_ARGS__), (void *)PT_REGS_PARM4_CORE_SYSCALL(regs)
#define PST_SYS5(x, ...) PST_SYS4(__VA_ARGS__), (void *)PT_REGS_PARM5_CORE_SYSCALL(regs)
#define PST_SYS6(x, ...) PST_SYS5(__VA_ARGS__), (void *)PT_REGS_PARM6_CORE_SYSCALL(regs)

/// SEC("ksyscall/kill") int BPF_KSYSCALL(entry, pid_t pid, int sig) { ... }: a system call's arguments, wrapped by the kernel or not.
#define BPF_KSYSCALL(name, args...)                                                                          \
    name(struct pt_regs *ctx);                                                                               \
    static __always_inline typeof(name(0)) PST_CONCAT(pst_body_, name)(struct pt_regs * ctx, ##args);        \
    typeof(name(0)) name(struct pt_regs *ctx)                                                                \
    {                                                                                                        \
        struct pt_regs *regs = LINUX_HAS_SYSCALL_WRAPPER ? PT_REGS_SYSCALL_REGS(ctx) : ctx;                  \
        _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wint-conversion\"")                \
        return PST_CONCAT(pst_body_, name)(ctx PST_BY_COUNT(PST_SYS, ##args)(args));                         \
        _Pragma("GCC diagnostic pop")                                                                        \
    }                                                                                                        \
    static __always_inline typeof(name(0)) PST_CONCAT(pst_body_, name)(struct pt_regs * ctx, ##args)
#define BPF_KPROBE_SYSCALL BPF_KSYSCALL
#endif

#endif
