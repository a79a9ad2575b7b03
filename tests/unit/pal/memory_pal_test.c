// memory_pal_test.c: pages, rings, code.
#include "harness.h"
#include "pal/pal.h"

TEST(the_default_environment_resizes)
{
    const pst_env *env = pst_pal_env();
    uint8_t *block = pst_alloc(env, 10);
    REQUIRE(block != NULL);
    CHECK_EQ((uintptr_t)block % 16, 0);
    memset(block, 7, 10);
    block = env->resize(env->user, block, 10, 100000);
    REQUIRE(block != NULL);
    CHECK_EQ(block[9], 7);
    pst_free(env, block, 100000);
}

TEST(pages_are_zeroed_and_writable)
{
    size_t page = pst_pal_page_size();
    CHECK(page >= 4096 && (page & (page - 1)) == 0);
    uint8_t *pages = pst_pal_pages_alloc(3 * page + 1);
    REQUIRE(pages != NULL);
    CHECK_EQ((uintptr_t)pages % page, 0);
    for (size_t i = 0; i < 3 * page + 1; i++) CHECK_EQ(pages[i], 0);
    memset(pages, 0xff, 3 * page + 1);
    CHECK_EQ(pst_pal_pages_protect(pages, page, true), PST_OK);
    CHECK_EQ(pages[page - 1], 0xff);
    CHECK_EQ(pst_pal_pages_protect(pages, page, false), PST_OK);
    pages[0] = 1;
    pst_pal_pages_free(pages, 3 * page + 1);
    pst_pal_pages_free(NULL, 1);
    CHECK(pst_pal_pages_alloc(SIZE_MAX - 1) == NULL);
}

TEST(a_ring_shows_its_data_twice)
{
    size_t unit = pst_pal_ring_granularity();
    size_t header = 2 * unit, data = 4 * unit;
    uint8_t *ring = pst_pal_ring_alloc(header, data, NULL);
    REQUIRE(ring != NULL);
    for (size_t i = 0; i < header + data; i++) CHECK_EQ(ring[i], 0);
    ring[header] = 1;
    ring[header + data - 1] = 2;
    CHECK_EQ(ring[header + data], 1);
    CHECK_EQ(ring[header + 2 * data - 1], 2);
    memset(ring + header + data - 8, 0x55, 16); // across the end
    CHECK_EQ(ring[header + 7], 0x55);
    CHECK_EQ(ring[header + 8], 0);
    CHECK_EQ(ring[header - 1], 0);
    pst_pal_ring_free(ring, header, data);
    pst_pal_ring_free(NULL, header, data);
    CHECK(pst_pal_ring_alloc(unit, 0, NULL) == NULL);
    CHECK(pst_pal_ring_alloc(unit, SIZE_MAX - unit, NULL) == NULL);
}

TEST(rings_come_and_go)
{
    size_t unit = pst_pal_ring_granularity();
    for (int i = 0; i < 200; i++) {
        uint8_t *ring = pst_pal_ring_alloc(unit, 16 * unit, NULL);
        REQUIRE(ring != NULL);
        pst_pal_ring_free(ring, unit, 16 * unit);
    }
}

TEST(code_is_written_sealed_and_runs)
{
#if defined(__x86_64__)
    static const uint8_t answer[] = {0xb8, 0x2a, 0x00, 0x00, 0x00, 0xc3}; // mov eax, 42; ret
#elif defined(__aarch64__)
    static const uint8_t answer[] = {0x5f, 0x24, 0x03, 0xd5, 0x40, 0x05, 0x80, 0x52, 0xc0, 0x03, 0x5f, 0xd6}; // bti c; mov w0, #42; ret
#else
    pst_test_skip("no machine code for this processor");
    return;
#endif
    pst_code code;
    pst_status status = pst_pal_code_alloc(sizeof answer, &code);
    if (status == PST_E_DENIED) {
        pst_test_skip("this host refuses dynamic code");
        return;
    }
    REQUIRE(status == PST_OK);
    CHECK(!code.sealed);
    memcpy(code.bytes, answer, sizeof answer);
    REQUIRE(pst_pal_code_seal(&code) == PST_OK);
    CHECK(code.sealed);
    int (*run)(void);
    memcpy(&run, &code.bytes, sizeof run); // ISO C has no cast from data to function
    CHECK_EQ(run(), 42);
    pst_pal_code_free(&code);
    CHECK(code.bytes == NULL && !code.sealed);
}

TEST(code_lies_where_nobody_can_guess)
{
    enum { COUNT = 16 };
    pst_code codes[COUNT];
    unsigned made = 0, same = 0;
    for (; made < COUNT; made++) {
        if (pst_pal_code_alloc(1, &codes[made]) != PST_OK) break;
        for (unsigned i = 0; i + 1 < made; i++) // a fixed stride would show
            if (codes[made].bytes - codes[made - 1].bytes == codes[i + 1].bytes - codes[i].bytes) same++;
    }
    if (made == 0) pst_test_skip("this host refuses dynamic code");
    else CHECK(made == COUNT && same < COUNT);
    while (made > 0) pst_pal_code_free(&codes[--made]);
}

#if defined(__x86_64__)
static uint64_t g_faulted_at, g_go_on;

static bool note_fault(pst_fault *fault)
{
    g_faulted_at = fault->address;
    fault->pc = g_go_on;
    return true;
}

TEST(guard_pages_are_on_both_sides_of_code)
{
    // xor eax, eax; mov al, [rdi]; ret; where a fault goes on: mov eax, 256; ret
    static const uint8_t load[] = {0x31, 0xc0, 0x8a, PST_HOST_MS_ABI ? 0x01 : 0x07, 0xc3, 0xb8, 0x00, 0x01, 0x00, 0x00, 0xc3};
    pst_code code;
    if (pst_pal_code_alloc(sizeof load, &code) != PST_OK) {
        pst_test_skip("this host refuses dynamic code");
        return;
    }
    memcpy(code.bytes, load, sizeof load);
    REQUIRE(pst_pal_code_seal(&code) == PST_OK);
    g_go_on = (uint64_t)(uintptr_t)code.bytes + 5;
    REQUIRE(pst_pal_fault_handler_set(note_fault) == PST_OK);
    int (*read)(const uint8_t *);
    memcpy(&read, &code.bytes, sizeof read);
    const uint8_t *last = code.bytes + pst_pal_page_size() - 1;
    CHECK_EQ(read(code.bytes), 0x31);
    CHECK(read(last) != 256);
    CHECK_EQ(read(code.bytes - 1), 256);
    CHECK_EQ(g_faulted_at, (uint64_t)(uintptr_t)(code.bytes - 1));
    CHECK_EQ(read(last + 1), 256);
    CHECK_EQ(g_faulted_at, (uint64_t)(uintptr_t)(last + 1));
    pst_pal_code_free(&code);
}
#endif
