// memory_test.c: environment, growth, arena.
#include <stdint.h>

#include "base/arena.h"
#include "base/env.h"
#include "harness.h"

// An environment that counts and can be told to have no memory.
typedef struct counting {
    long live_bytes;
    int fail;
    char message[2048];
    pst_log_level level;
} counting;

static void *counting_resize(void *user, void *ptr, size_t old_size, size_t new_size)
{
    counting *state = user;
    if (new_size && state->fail) return NULL;
    state->live_bytes += (long)new_size - (long)old_size;
    if (new_size) return realloc(ptr, new_size);
    free(ptr);
    return NULL;
}

static void counting_log(void *user, pst_log_level level, const char *text)
{
    counting *state = user;
    state->level = level;
    snprintf(state->message, sizeof state->message, "%s", text);
}

#define COUNTING_ENV(state, env)  \
    counting state = {0};         \
    pst_env env = {counting_resize, counting_log, &state}

TEST(allocation_balances)
{
    COUNTING_ENV(state, env);
    uint8_t *zeroed = pst_alloc_zero(&env, 10, 10);
    void *empty = pst_alloc(&env, 0);
    REQUIRE(zeroed && empty);
    for (int i = 0; i < 100; i++) CHECK_EQ(zeroed[i], 0);
    pst_free(&env, zeroed, 100);
    pst_free(&env, empty, 0);
    pst_free(&env, NULL, 17);
    CHECK_EQ(state.live_bytes, 0);
}

TEST(a_product_that_overflows_is_no_memory)
{
    COUNTING_ENV(state, env);
    CHECK(pst_alloc_zero(&env, SIZE_MAX / 2, 3) == NULL);
    uint64_t *array = NULL;
    size_t capacity = 0;
    CHECK_EQ(pst_grow(&env, &array, &capacity, SIZE_MAX / 4, sizeof *array), PST_E_NOMEM);
    CHECK(array == NULL && capacity == 0);
}

TEST(growth_keeps_content_and_is_amortised)
{
    COUNTING_ENV(state, env);
    uint64_t *array = NULL;
    size_t capacity = 0, moves = 0;
    for (size_t i = 0; i < 10000; i++) {
        size_t before = capacity;
        REQUIRE(pst_grow(&env, &array, &capacity, i + 1, sizeof *array) == PST_OK);
        moves += capacity != before;
        array[i] = i * 3;
    }
    CHECK(moves < 30);
    for (size_t i = 0; i < 10000; i++) CHECK_EQ(array[i], i * 3);
    state.fail = 1;
    size_t before = capacity;
    CHECK_EQ(pst_grow(&env, &array, &capacity, capacity + 1, sizeof *array), PST_E_NOMEM);
    CHECK_EQ(capacity, before);
    CHECK_EQ(array[9999], 29997);
    pst_free(&env, array, capacity * sizeof *array);
    CHECK_EQ(state.live_bytes, 0);
}

TEST(messages_are_formatted_and_cut)
{
    COUNTING_ENV(state, env);
    CHECK_EQ(pst_fail(&env, PST_E_FORMAT, "%s: offset %u", "x.o", 12u), PST_E_FORMAT);
    CHECK_STR(state.message, "x.o: offset 12");
    CHECK_EQ(state.level, PST_LOG_ERROR);
    pst_log(&env, PST_LOG_DEBUG, "%*s", 3000, "x");
    CHECK_EQ(strlen(state.message), 1023);
    env.log = NULL;
    pst_log(&env, PST_LOG_ERROR, "nobody hears this");
}

TEST(every_status_has_its_text)
{
#define X(name, text) CHECK_STR(pst_status_text(PST_##name), text);
    PST_STATUS_LIST(X)
#undef X
    CHECK_STR(pst_status_text((pst_status)9999), "unknown status");
}

TEST(arena_blocks_are_aligned_zeroed_and_apart)
{
    COUNTING_ENV(state, env);
    pst_arena arena;
    uint8_t *previous_end = NULL;
    pst_arena_init(&arena, &env, 0);
    for (size_t size = 0; size < 3000; size += 7) {
        uint8_t *block = pst_arena_alloc(&arena, size);
        REQUIRE(block != NULL);
        CHECK_EQ((uintptr_t)block % 16, 0);
        for (size_t i = 0; i < size; i++) CHECK_EQ(block[i], 0);
        memset(block, 0xaa, size);
        CHECK(block != previous_end || size == 0 || block[0] == 0xaa);
        previous_end = block + size;
    }
    CHECK(pst_arena_alloc(&arena, 1 << 20) != NULL);
    pst_arena_free(&arena);
    CHECK_EQ(state.live_bytes, 0);
    CHECK_EQ(arena.used_bytes, 0);
    CHECK(pst_arena_alloc(&arena, 1) != NULL); // may be used again
    pst_arena_free(&arena);
    CHECK_EQ(state.live_bytes, 0);
}

TEST(arena_stops_at_its_limit)
{
    COUNTING_ENV(state, env);
    pst_arena arena;
    pst_arena_init(&arena, &env, 1000);
    CHECK(pst_arena_alloc(&arena, 992) != NULL);
    CHECK(pst_arena_alloc(&arena, 1) == NULL);
    CHECK(pst_arena_alloc(&arena, SIZE_MAX) == NULL);
    CHECK(pst_arena_alloc(&arena, SIZE_MAX - 40) == NULL);
    CHECK(pst_arena_array(&arena, SIZE_MAX / 2, 4) == NULL);
    CHECK(pst_arena_string(&arena, "x", SIZE_MAX) == NULL);
    pst_arena_free(&arena);
    pst_arena_init(&arena, &env, 0);
    CHECK(pst_arena_alloc(&arena, SIZE_MAX - 40) == NULL);
    state.fail = 1;
    CHECK(pst_arena_alloc(&arena, 1) == NULL);
    CHECK(pst_arena_format(&arena, "%d", 1) == NULL);
    pst_arena_free(&arena);
    CHECK_EQ(state.live_bytes, 0);
}

TEST(arena_strings)
{
    COUNTING_ENV(state, env);
    pst_arena arena;
    pst_arena_init(&arena, &env, 0);
    CHECK_STR(pst_arena_string(&arena, "abcdef", 3), "abc");
    CHECK_STR(pst_arena_string(&arena, NULL, 0), "");
    CHECK_STR(pst_arena_format(&arena, "%s/%d", "a", 5), "a/5");
    pst_arena_free(&arena);
}
