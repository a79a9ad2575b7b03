// fake.c: the host's platform, failing on request.
//
// Linked by tests only. The linker's --wrap sends each call of FALLIBLE here first. The environment checks its users as well:
// a block must be given back with the size it has, and fresh memory is never zero by luck.
#include "pal/fake/fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER 16u // keeps the alignment that pst_env promises
#define MAGIC 0x706f737465726e21u

static uint64_t g_calls, g_fail_at, g_live_blocks;
static char g_last_error[1024];

// Counts a fallible call; true when it is the one to fail.
static bool turn(void)
{
    uint64_t call = PST_ATOMIC_ADD(&g_calls, 1) + 1;
    return call == PST_ATOMIC_LOAD(&g_fail_at);
}

typedef struct block_header {
    uint64_t size, magic;
} block_header;

PST_STATIC_ASSERT(sizeof(block_header) == HEADER, "blocks start behind their header");

static block_header *header_of(void *ptr, size_t old_size)
{
    block_header *header = (block_header *)(void *)((uint8_t *)ptr - HEADER);
    if (header->magic == MAGIC && header->size == old_size) return header;
    fprintf(stderr, "fake: a block of %llu bytes is given back as %llu\n", (unsigned long long)header->size,
            (unsigned long long)old_size);
    abort();
}

static void *fake_resize(void *user, void *ptr, size_t old_size, size_t new_size)
{
    (void)user;
    block_header *old = ptr ? header_of(ptr, old_size) : NULL;
    block_header *fresh = NULL;
    if (new_size) {
        if (turn()) return NULL;
        if (new_size > SIZE_MAX - HEADER) return NULL;
        fresh = malloc(HEADER + new_size); // a new place each time: pointers into the old one must not survive
        if (!fresh) return NULL;
        *fresh = (block_header){new_size, MAGIC};
        memset(fresh + 1, 0xa5, new_size);
        if (old) memcpy(fresh + 1, old + 1, old_size < new_size ? old_size : new_size);
        PST_ATOMIC_ADD(&g_live_blocks, 1);
    }
    if (old) {
        memset(old, 0x5a, HEADER + old_size);
        free(old);
        PST_ATOMIC_SUB(&g_live_blocks, 1);
    }
    return fresh ? fresh + 1 : NULL;
}

static void fake_log(void *user, pst_log_level level, const char *text)
{
    (void)user;
    if (level == PST_LOG_ERROR) snprintf(g_last_error, sizeof g_last_error, "%s", text);
}

const pst_env *pst_fake_env(void)
{
    static const pst_env env = {.resize = fake_resize, .log = fake_log};
    return &env;
}

void pst_fake_fail_at(uint64_t n)
{
    PST_ATOMIC_STORE(&g_fail_at, n);
    PST_ATOMIC_STORE(&g_calls, 0);
}

uint64_t pst_fake_calls(void)
{
    return PST_ATOMIC_LOAD(&g_calls);
}

uint64_t pst_fake_live_blocks(void)
{
    return PST_ATOMIC_LOAD(&g_live_blocks);
}

const char *pst_fake_last_error(void)
{
    return g_last_error;
}

void pst_fake_reset(void)
{
    pst_fake_fail_at(0);
    g_last_error[0] = '\0';
}

// For each fallible call: result type, name, parameters, arguments, and what it returns when its turn to fail has come.
#define FALLIBLE(X)                                                                                                        \
    X(void *, pages_alloc, (size_t size), (size), NULL)                                                                    \
    X(pst_status, pages_protect, (void *pages, size_t size, bool read_only), (pages, size, read_only), PST_E_NOMEM)        \
    X(void *, ring_alloc, (size_t header, size_t data, pst_ring_share *share), (header, data, share), NULL)                \
    X(void *, shared_alloc, (size_t size, intptr_t *share), (size, share), (*share = -1, NULL))                            \
    X(pst_status, code_alloc, (size_t size, pst_code *out), (size, out), (*out = (pst_code){0}, PST_E_NOMEM))              \
    X(pst_status, code_seal, (pst_code *code), (code), PST_E_DENIED)                                                       \
    X(pst_status, fault_handler_set, (pst_fault_handler handler), (handler), PST_E_IO)                                     \
    X(pst_status, mutex_create, (const pst_env *env, pst_mutex **out), (env, out), PST_E_NOMEM)                            \
    X(pst_status, event_create, (const pst_env *env, pst_event **out), (env, out), PST_E_LIMIT)                            \
    X(pst_status, thread_create, (const pst_env *env, void (*body)(void *), void *arg, pst_thread **out),                  \
      (env, body, arg, out), PST_E_LIMIT)                                                                                  \
    X(pst_status, cpu_pin, (uint32_t cpu), (cpu), PST_E_DENIED)                                                            \
    X(pst_status, file_read, (const pst_env *env, const char *path, size_t limit, uint8_t **out, size_t *size),            \
      (env, path, limit, out, size), pst_fail(env, PST_E_IO, "cannot read %s: fake failure", path))                        \
    X(pst_status, file_write, (const pst_env *env, const char *path, const void *bytes, size_t size),                      \
      (env, path, bytes, size), pst_fail(env, PST_E_IO, "cannot write %s: fake failure", path))                            \
    X(pst_status, sha256, (const void *bytes, size_t size, uint8_t out[PST_SHA256_SIZE]), (bytes, size, out), PST_E_NOMEM)           \
    X(pst_status, key_create, (uint8_t out[PST_PRIVATE_KEY_SIZE]), (out), PST_E_NOMEM)                                      \
    X(pst_status, sign, (const uint8_t key[PST_PRIVATE_KEY_SIZE], const uint8_t digest[PST_SHA256_SIZE], uint8_t out[PST_SIGNATURE_SIZE]), \
      (key, digest, out), PST_E_NOMEM)                                                                                     \
    X(pst_status, module_open, (const pst_env *env, const char *path, const void *bytes, size_t size, pst_module **out),   \
      (env, path, bytes, size, out), pst_fail(env, PST_E_DENIED, "the host does not load %s: fake failure", path))

#define X(type, name, parameters, arguments, failure)      \
    type __real_pst_pal_##name parameters;                 \
    type __wrap_pst_pal_##name parameters;                 \
    type __wrap_pst_pal_##name parameters                  \
    {                                                      \
        if (turn()) return failure;                        \
        return __real_pst_pal_##name arguments;            \
    }
FALLIBLE(X)
#undef X
