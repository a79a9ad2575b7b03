// host_windows.c: processors, time, identity, chance.
//
// CPUs are numbered through all processor groups: those of group 0 first. Calls that Windows has had only since version 10
// are looked up at run time, with a fallback, so that the library loads on every Windows.
#include "pal/windows/windows_pal.h"

#include <stdio.h>
#include <io.h>
#include <bcrypt.h>
#include <stdlib.h>
#include <string.h>

#include "pal/pal.h"

uint32_t pst_pal_cpu_count(void)
{
    static uint32_t cached; // threads that race here write the same number
    uint32_t count = PST_ATOMIC_LOAD_RELAXED(&cached);
    if (PST_LIKELY(count != 0)) return count;
    count = GetMaximumProcessorCount(ALL_PROCESSOR_GROUPS);
    if (count == 0) count = 1;
    if (count > PST_CPUS_MAX) count = PST_CPUS_MAX;
    PST_ATOMIC_STORE_RELAXED(&cached, count);
    return count;
}

uint32_t pst_pal_cpu_id(void)
{
    PROCESSOR_NUMBER at;
    uint32_t count = pst_pal_cpu_count(), cpu;
    GetCurrentProcessorNumberEx(&at);
    cpu = at.Number;
    for (WORD group = 0; group < at.Group; group++) cpu += GetMaximumProcessorCount(group);
    return cpu < count ? cpu : cpu % count;
}

uint32_t pst_pal_cpu_features(void)
{
#if PST_HOST_ARM64
    return IsProcessorFeaturePresent(PF_ARM_V81_ATOMIC_INSTRUCTIONS_AVAILABLE) ? PST_CPU_ARM64_ATOMICS : 0;
#else
    return 0;
#endif
}

pst_status pst_pal_cpu_pin(uint32_t cpu)
{
    if (cpu >= pst_pal_cpu_count()) return PST_E_INVALID;
    for (WORD group = 0; group < GetMaximumProcessorGroupCount(); group++) {
        uint32_t size = GetMaximumProcessorCount(group);
        if (cpu < size) {
            GROUP_AFFINITY affinity = {.Mask = (KAFFINITY)1 << cpu, .Group = group};
            return SetThreadGroupAffinity(GetCurrentThread(), &affinity, NULL) ? PST_OK : PST_E_INVALID;
        }
        cpu -= size;
    }
    return PST_E_INVALID;
}

typedef void(WINAPI *interrupt_time_fn)(PULONGLONG);

// A time in units of 100 ns from kernelbase.dll, or the performance counter where that is missing.
static uint64_t interrupt_time_ns(const char *name, interrupt_time_fn *cache)
{
    interrupt_time_fn read = PST_ATOMIC_LOAD(cache);
    if (PST_LIKELY(read != NULL)) {
        ULONGLONG now;
        read(&now);
        return now * 100;
    }
    HMODULE module = GetModuleHandleW(L"kernelbase.dll");
    FARPROC found = module ? GetProcAddress(module, name) : NULL;
    if (found) {
        memcpy(&read, &found, sizeof read);
        PST_ATOMIC_STORE(cache, read);
        return interrupt_time_ns(name, cache);
    }
    LARGE_INTEGER count, frequency;
    QueryPerformanceCounter(&count);
    QueryPerformanceFrequency(&frequency);
    uint64_t ticks = (uint64_t)count.QuadPart, per_s = (uint64_t)frequency.QuadPart;
    return ticks / per_s * 1000000000u + ticks % per_s * 1000000000u / per_s;
}

uint64_t pst_pal_time_ns(void)
{
    static interrupt_time_fn cache;
    return interrupt_time_ns("QueryUnbiasedInterruptTimePrecise", &cache);
}

uint64_t pst_pal_boot_time_ns(void)
{
    static interrupt_time_fn cache;
    return interrupt_time_ns("QueryInterruptTimePrecise", &cache);
}

uint64_t pst_pal_wall_time_ns(void)
{
    FILETIME now; // units of 100 ns since 1601
    GetSystemTimePreciseAsFileTime(&now);
    uint64_t since_1601 = (uint64_t)now.dwHighDateTime << 32 | now.dwLowDateTime;
    return (since_1601 - 116444736000000000u) * 100;
}

uint64_t pst_pal_pid_tgid(void)
{
    return (uint64_t)GetCurrentProcessId() << 32 | GetCurrentThreadId();
}

uint64_t pst_pal_uid_gid(void)
{
    return 0;
}

bool pst_pal_is_privileged(void)
{
    TOKEN_ELEVATION elevation = {0};
    HANDLE token;
    DWORD size;
    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token)) return false;
    bool told = GetTokenInformation(token, TokenElevation, &elevation, sizeof elevation, &size);
    CloseHandle(token);
    return told && elevation.TokenIsElevated;
}

void pst_pal_comm(char *out, size_t size)
{
    WCHAR path[1024];
    char name[256];
    DWORD length = GetModuleFileNameW(NULL, path, PST_COUNT(path) - 1);
    path[length] = 0;
    const WCHAR *slash = wcsrchr(path, L'\\');
    if (!WideCharToMultiByte(CP_UTF8, 0, slash ? slash + 1 : path, -1, name, sizeof name, NULL, NULL)) name[0] = '\0';
    name[sizeof name - 1] = '\0';
    size_t used = strlen(name);
    if (used > size - 1) used = size - 1;
    memcpy(out, name, used);
    out[used] = '\0';
}

void pst_pal_random(void *out, size_t size)
{
    uint8_t *at = out;
    while (size > 0) {
        ULONG part = size > 65536 ? 65536 : (ULONG)size;
        if (BCryptGenRandom(NULL, at, part, BCRYPT_USE_SYSTEM_PREFERRED_RNG) != 0) abort();
        at += part;
        size -= part;
    }
}

bool pst_pal_stdout_is_terminal(void)
{
    return _isatty(_fileno(stdout)) != 0;
}
