// system.c: time, chance, CPU, and who runs: helpers that ask the platform.
#include "core/helper/helpers.h"

#define JIFFIES_PER_S 250u // Debian's CONFIG_HZ
#define NS_PER_S 1000000000u

HELPER(ktime_get_ns)
{
    return pst_pal_time_ns();
}

HELPER(ktime_get_boot_ns)
{
    return pst_pal_boot_time_ns();
}

HELPER(ktime_get_tai_ns)
{
    return pst_pal_wall_time_ns(); // hosts rarely know the offset of TAI: as on a Linux whose offset was never set
}

HELPER(jiffies64)
{
    return pst_pal_time_ns() / (NS_PER_S / JIFFIES_PER_S);
}

// A generator for each thread, seeded by the system: fast, and nobody outside can guess its state.
HELPER(get_prandom_u32)
{
    static PST_THREAD_LOCAL uint64_t state; // 0: not seeded
    while (PST_UNLIKELY(state == 0)) pst_pal_random(&state, sizeof state);
    state ^= state >> 12; // xorshift64*
    state ^= state << 25;
    state ^= state >> 27;
    return (state * 0x2545f4914f6cdd1du) >> 32;
}

HELPER(get_smp_processor_id)
{
    return pst_pal_cpu_id();
}

HELPER(get_numa_node_id)
{
    return 0; // the one node that MAP_CREATE knows too
}

HELPER(get_current_pid_tgid)
{
    return pst_pal_pid_tgid();
}

HELPER(get_current_uid_gid)
{
    return pst_pal_uid_gid();
}

HELPER(get_current_comm)
{
    memset(HELPER_POINTER(void *, r1), 0, (size_t)r2); // Linux pads with zeros
    pst_pal_comm(HELPER_POINTER(char *, r1), (size_t)r2);
    return 0;
}

static const helper_row g_rows[] = {
    {5, ktime_get_ns},          {7, get_prandom_u32},       {8, get_smp_processor_id}, {14, get_current_pid_tgid},
    {15, get_current_uid_gid},  {16, get_current_comm},     {42, get_numa_node_id},    {118, jiffies64},
    {125, ktime_get_boot_ns},   {160, ktime_get_ns /* coarse */}, {208, ktime_get_tai_ns},
};
const helper_table helper_system_table = {g_rows, PST_COUNT(g_rows)};
