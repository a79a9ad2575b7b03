// base_fault_test.c: base and pal under faults, and the checker itself.
#include "base/arena.h"
#include "base/json.h"
#include "base/json_read.h"
#include "faults.h"
#include "harness.h"
#include "pal/fake/fake.h"

static pst_status write_json(void)
{
    pst_text text;
    pst_json json;
    pst_text_init(&text, pst_fake_env());
    pst_json_init(&json, &text, true);
    pst_json_array_begin(&json);
    for (uint64_t i = 0; i < 300; i++) pst_json_u64(&json, i);
    pst_json_array_end(&json);
    bool failed = text.failed;
    pst_text_free(&text);
    return failed ? PST_E_NOMEM : PST_OK;
}

TEST(json_reports_each_failed_allocation)
{
    faults_check(write_json, 0);
}

static pst_status read_json(void)
{
    static const char text[] = "{\"a\": [1, \"two\", {\"b\": null}], \"c\": \"\\u0041\"}";
    pst_arena arena;
    pst_json_error error;
    const pst_json_value *value;
    pst_arena_init(&arena, pst_fake_env(), 0);
    pst_status status = PST_OK;
    for (int i = 0; i < 200 && status == PST_OK; i++) status = pst_json_read(&arena, text, sizeof text - 1, &error, &value);
    pst_arena_free(&arena);
    return status;
}

TEST(reading_json_reports_each_failed_allocation)
{
    faults_check(read_json, 0);
}

static pst_status fill_arena(void)
{
    pst_arena arena;
    bool ok = true;
    pst_arena_init(&arena, pst_fake_env(), 0);
    for (size_t i = 0; i < 200 && ok; i++) ok = pst_arena_alloc(&arena, i * 10) && pst_arena_format(&arena, "%zu", i);
    pst_arena_free(&arena);
    return ok ? PST_OK : PST_E_NOMEM;
}

TEST(an_arena_reports_each_failed_allocation)
{
    faults_check(fill_arena, 0);
}

static void set_flag(void *arg)
{
    *(int *)arg = 1;
}

static pst_status use_platform(void)
{
    pst_mutex *mutex = NULL;
    pst_event *event = NULL;
    pst_thread *thread = NULL;
    uint8_t *bytes = NULL;
    size_t size = 0;
    int flag = 0;
    void *pages = pst_pal_pages_alloc(100), *ring = NULL;
    pst_status status = pages ? pst_pal_pages_protect(pages, pst_pal_page_size(), true) : PST_E_NOMEM;
    if (status == PST_OK) status = pst_pal_mutex_create(pst_fake_env(), &mutex);
    if (status == PST_OK) status = pst_pal_event_create(pst_fake_env(), &event);
    if (status == PST_OK) status = pst_pal_thread_create(pst_fake_env(), set_flag, &flag, &thread);
    pst_pal_thread_join(thread);
    size_t unit = pst_pal_ring_granularity();
    if (status == PST_OK && !(ring = pst_pal_ring_alloc(unit, unit, NULL))) status = PST_E_NOMEM;
    if (status == PST_OK) status = pst_pal_file_read(pst_fake_env(), PST_SOURCE_DIR "/LICENSE", 1 << 20, &bytes, &size);
    if (bytes) pst_free(pst_fake_env(), bytes, size + 1);
    pst_pal_ring_free(ring, unit, unit);
    pst_pal_event_free(event);
    pst_pal_mutex_free(mutex);
    pst_pal_pages_free(pages, 100);
    return status;
}

TEST(the_platform_reports_each_failure)
{
    faults_check(use_platform, 0);
}

static pst_status forgets_to_check(void)
{
    void *first = pst_alloc(pst_fake_env(), 10), *second = pst_alloc(pst_fake_env(), 10);
    pst_free(pst_fake_env(), first, 10);
    pst_free(pst_fake_env(), second, 10);
    return first ? PST_OK : PST_E_NOMEM; // planted: the second failure is not seen
}

static void *g_leaked[2];

static pst_status leaks_on_failure(void)
{
    void *first = pst_alloc(pst_fake_env(), 10), *second = first ? pst_alloc(pst_fake_env(), 10) : NULL;
    if (!second) {
        g_leaked[0] = first; // planted: the first block is forgotten
        return PST_E_NOMEM;
    }
    pst_free(pst_fake_env(), first, 10);
    pst_free(pst_fake_env(), second, 10);
    return PST_OK;
}

TEST(planted_bugs_are_caught)
{
    fault_report report = faults_inject(forgets_to_check);
    CHECK(report.works);
    CHECK_EQ(report.calls, 2);
    CHECK_EQ(report.unreported, 1);
    CHECK_EQ(report.leaks, 0);
    report = faults_inject(leaks_on_failure);
    CHECK_EQ(report.unreported, 0);
    CHECK_EQ(report.leaks, 1);
    pst_free(pst_fake_env(), g_leaked[0], 10);
    CHECK_EQ(pst_fake_live_blocks(), 0);
}
