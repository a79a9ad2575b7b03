// host_linux.c: processors, time, identity, chance.
//
// Called by helpers on the invoke path, hence the caches: a thread's ids, the CPU count.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <linux/capability.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#if defined(__has_include)
#if __has_include(<sys/rseq.h>) // glibc since 2.35
#include <sys/rseq.h>
#define HAS_RSEQ 1
#endif
#endif

#include "pal/pal.h"

// The highest number in a CPU list such as "0-3,8-11", plus 1; 0 when there is none.
static uint32_t cpu_list_end(const char *list)
{
    uint32_t end = 0, number = 0;
    for (const char *at = list;; at++) {
        if (*at >= '0' && *at <= '9') {
            if (number < PST_CPUS_MAX) number = number * 10 + (uint32_t)(*at - '0');
            if (number + 1 > end) end = number + 1;
        } else {
            number = 0;
        }
        if (!*at) return end;
    }
}

// Possible CPUs, not the online ones: per-CPU values keep their places when a CPU comes or goes.
static uint32_t cpu_count_read(void)
{
    char list[256] = "";
    uint32_t count = 0;
    int fd = open("/sys/devices/system/cpu/possible", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t got = read(fd, list, sizeof list - 1);
        close(fd);
        list[got > 0 ? got : 0] = '\0';
        count = cpu_list_end(list);
    }
    if (count == 0) {
        long configured = sysconf(_SC_NPROCESSORS_CONF);
        count = configured > 0 ? (uint32_t)configured : 1;
    }
    return count < PST_CPUS_MAX ? count : PST_CPUS_MAX;
}

uint32_t pst_pal_cpu_count(void)
{
    static uint32_t cached; // threads that race here write the same number
    uint32_t count = PST_ATOMIC_LOAD_RELAXED(&cached);
    if (PST_LIKELY(count != 0)) return count;
    count = cpu_count_read();
    PST_ATOMIC_STORE_RELAXED(&cached, count);
    return count;
}

// The kernel keeps the number of the CPU in each thread's memory: reading it there saves a call of the C library on the path of per-CPU maps.
static int cpu_now(void)
{
#ifdef HAS_RSEQ
    if (PST_LIKELY(__rseq_size != 0)) {
        const volatile struct rseq *mine = (const void *)((const char *)PST_THREAD_POINTER() + __rseq_offset);
        int cpu = (int)mine->cpu_id;
        if (PST_LIKELY(cpu >= 0)) return cpu;
    }
#endif
    return sched_getcpu();
}

uint32_t pst_pal_cpu_id(void)
{
    int cpu = cpu_now();
    uint32_t count = pst_pal_cpu_count();
    if (PST_UNLIKELY(cpu < 0)) return 0;
    return (uint32_t)cpu < count ? (uint32_t)cpu : (uint32_t)cpu % count;
}

// Bits of the auxiliary vector (Linux: arch/arm64/include/uapi/asm/hwcap.h); the C library's headers may be older, or for another machine.
#define ARM64_HWCAP_ATOMICS (1ul << 8)
#define ARM64_HWCAP2_BTI (1ul << 17)

uint32_t pst_pal_cpu_features(void)
{
    uint32_t features = 0;
    if (!PST_HOST_ARM64) return 0;
    if (getauxval(AT_HWCAP) & ARM64_HWCAP_ATOMICS) features |= PST_CPU_ARM64_ATOMICS;
    if (getauxval(AT_HWCAP2) & ARM64_HWCAP2_BTI) features |= PST_CPU_ARM64_BTI;
    return features;
}

pst_status pst_pal_cpu_pin(uint32_t cpu)
{
    cpu_set_t set;
    if (cpu >= pst_pal_cpu_count()) return PST_E_INVALID;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0) return errno == EPERM ? PST_E_DENIED : PST_E_INVALID;
    return PST_OK;
}

static uint64_t clock_read(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now); // fails only for an unknown clock
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t pst_pal_time_ns(void)
{
    return clock_read(CLOCK_MONOTONIC);
}

uint64_t pst_pal_boot_time_ns(void)
{
    return clock_read(CLOCK_BOOTTIME);
}

uint64_t pst_pal_wall_time_ns(void)
{
    return clock_read(CLOCK_REALTIME);
}

static PST_THREAD_LOCAL uint64_t t_pid_tgid; // 0: not known yet

static void forget_ids(void)
{
    t_pid_tgid = 0;
}

static void forget_ids_after_fork(void)
{
    pthread_atfork(NULL, NULL, forget_ids);
}

uint64_t pst_pal_pid_tgid(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (PST_LIKELY(t_pid_tgid != 0)) return t_pid_tgid;
    pthread_once(&once, forget_ids_after_fork);
    t_pid_tgid = (uint64_t)(uint32_t)getpid() << 32 | (uint32_t)gettid();
    return t_pid_tgid;
}

uint64_t pst_pal_uid_gid(void)
{
    return (uint64_t)getgid() << 32 | getuid();
}

#define CAP_BPF_BIT 39 // Linux 5.8; headers may be older

bool pst_pal_is_privileged(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {{0}};
    if (syscall(SYS_capget, &header, sets) != 0) return false;
    return (sets[0].effective >> CAP_SYS_ADMIN & 1) || (sets[1].effective >> (CAP_BPF_BIT - 32) & 1);
}

void pst_pal_comm(char *out, size_t size)
{
    char name[16] = ""; // TASK_COMM_LEN
    prctl(PR_GET_NAME, name);
    size_t length = strnlen(name, sizeof name - 1);
    if (length > size - 1) length = size - 1;
    memcpy(out, name, length);
    out[length] = '\0';
}

void pst_pal_random(void *out, size_t size)
{
    uint8_t *at = out;
    while (size > 0) {
        ssize_t got = getrandom(at, size, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) abort();
        at += got;
        size -= (size_t)got;
    }
}

bool pst_pal_stdout_is_terminal(void)
{
    return isatty(STDOUT_FILENO) == 1;
}
