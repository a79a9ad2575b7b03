// host_pal_test.c: processors, time, identity, chance.
#include "harness.h"
#include "pal/pal.h"

TEST(cpus)
{
    uint32_t count = pst_pal_cpu_count();
    CHECK(count >= 1 && count <= PST_CPUS_MAX);
    CHECK(pst_pal_cpu_id() < count);
    CHECK_EQ(pst_pal_cpu_pin(count), PST_E_INVALID);
    CHECK_EQ(pst_pal_cpu_pin(UINT32_MAX), PST_E_INVALID);
}

static void pin_to_own(void *arg)
{
    *(uint32_t *)arg = pst_pal_cpu_id();
    if (pst_pal_cpu_pin(*(uint32_t *)arg) == PST_OK) *(uint32_t *)arg = pst_pal_cpu_id();
}

TEST(a_thread_can_be_pinned)
{
    uint32_t cpu = UINT32_MAX;
    pst_thread *thread;
    REQUIRE(pst_pal_thread_create(pst_pal_env(), pin_to_own, &cpu, &thread) == PST_OK);
    pst_pal_thread_join(thread);
    CHECK(cpu < pst_pal_cpu_count());
}

TEST(clocks_go_forward)
{
    uint64_t last = pst_pal_time_ns(), last_boot = pst_pal_boot_time_ns();
    for (int i = 0; i < 1000; i++) {
        uint64_t now = pst_pal_time_ns(), boot = pst_pal_boot_time_ns();
        CHECK(now >= last && boot >= last_boot);
        last = now;
        last_boot = boot;
    }
    uint64_t before = pst_pal_time_ns();
    pst_pal_sleep_ns(2000000);
    CHECK(pst_pal_time_ns() - before >= 1000000);
    CHECK(pst_pal_wall_time_ns() > 1700000000u * (uint64_t)1000000000u); // this was written later than that
}

static void read_ids(void *arg)
{
    *(uint64_t *)arg = pst_pal_pid_tgid();
}

TEST(threads_share_the_process_id_only)
{
    uint64_t mine = pst_pal_pid_tgid(), other = 0;
    pst_thread *thread;
    REQUIRE(pst_pal_thread_create(pst_pal_env(), read_ids, &other, &thread) == PST_OK);
    pst_pal_thread_join(thread);
    CHECK(mine != 0 && mine == pst_pal_pid_tgid());
    CHECK_EQ(mine >> 32, other >> 32);
    CHECK((uint32_t)mine != (uint32_t)other);
    CHECK_EQ(pst_pal_uid_gid(), pst_pal_uid_gid());
}

TEST(the_command_name_is_cut)
{
    char whole[64], cut[4] = "zzz";
    pst_pal_comm(whole, sizeof whole);
    CHECK(strlen(whole) > 0);
    pst_pal_comm(cut, sizeof cut);
    CHECK(strlen(cut) <= 3 && strncmp(cut, whole, strlen(cut)) == 0);
    pst_pal_comm(cut, 1);
    CHECK_STR(cut, "");
}

TEST(random_bytes_differ_and_fill)
{
    uint8_t a[100000] = {0}, b[32];
    unsigned zeros = 0;
    pst_pal_random(a, sizeof a);
    pst_pal_random(b, sizeof b);
    for (size_t i = 0; i < sizeof a; i++) zeros += a[i] == 0;
    CHECK(zeros < 1000); // 391 expected
    CHECK(memcmp(a, b, sizeof b) != 0);
    pst_pal_random(a, 0);
}

TEST(pause_and_yield_return)
{
    pst_pal_yield();
    pst_pal_sleep_ns(0);
}
