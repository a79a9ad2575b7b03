// sync_pal_test.c: mutexes, events, threads. No check depends on how long something takes.
#include "harness.h"
#include "pal/pal.h"

#define THREADS 4
#define TURNS 20000

typedef struct counter {
    pst_mutex *lock;
    uint64_t value;
} counter;

static void count_up(void *arg)
{
    counter *shared = arg;
    for (int i = 0; i < TURNS; i++) {
        pst_pal_mutex_lock(shared->lock);
        shared->value++;
        pst_pal_mutex_unlock(shared->lock);
    }
}

TEST(a_mutex_excludes)
{
    counter shared = {0};
    pst_thread *threads[THREADS];
    REQUIRE(pst_pal_mutex_create(pst_pal_env(), &shared.lock) == PST_OK);
    for (int i = 0; i < THREADS; i++) REQUIRE(pst_pal_thread_create(pst_pal_env(), count_up, &shared, &threads[i]) == PST_OK);
    for (int i = 0; i < THREADS; i++) pst_pal_thread_join(threads[i]);
    CHECK_EQ(shared.value, THREADS * TURNS);
    pst_pal_mutex_free(shared.lock);
    pst_pal_mutex_free(NULL);
    pst_pal_thread_join(NULL);
}

TEST(an_event_counts_as_one_until_taken)
{
    pst_event *event;
    REQUIRE(pst_pal_event_create(pst_pal_env(), &event) == PST_OK);
    CHECK_EQ(pst_pal_event_wait(event, 0), PST_E_TIMEOUT);
    pst_pal_event_signal(event);
    pst_pal_event_signal(event);
    CHECK_EQ(pst_pal_event_wait(event, UINT64_MAX), PST_OK);
    CHECK_EQ(pst_pal_event_wait(event, 1000), PST_E_TIMEOUT);
    CHECK(pst_pal_event_handle(event) != -1);
    pst_pal_event_free(event);
    pst_pal_event_free(NULL);
}

typedef struct ping_pong {
    pst_event *ping, *pong;
    int turns;
} ping_pong;

static void answer(void *arg)
{
    ping_pong *game = arg;
    for (int i = 0; i < 500; i++) {
        if (pst_pal_event_wait(game->ping, UINT64_MAX) != PST_OK) return;
        game->turns++;
        pst_pal_event_signal(game->pong);
    }
}

TEST(events_wake_other_threads)
{
    ping_pong game = {0};
    pst_thread *thread;
    REQUIRE(pst_pal_event_create(pst_pal_env(), &game.ping) == PST_OK);
    REQUIRE(pst_pal_event_create(pst_pal_env(), &game.pong) == PST_OK);
    REQUIRE(pst_pal_thread_create(pst_pal_env(), answer, &game, &thread) == PST_OK);
    for (int i = 0; i < 500; i++) {
        pst_pal_event_signal(game.ping);
        CHECK_EQ(pst_pal_event_wait(game.pong, UINT64_MAX), PST_OK);
        CHECK_EQ(game.turns, i + 1);
    }
    pst_pal_thread_join(thread);
    pst_pal_event_free(game.ping);
    pst_pal_event_free(game.pong);
}
