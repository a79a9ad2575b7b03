// jit_native_fuzz.c: any bytes as a native module, and as files of keys: read within limits, refused with a sentence, never loaded.
#include <stdlib.h>
#include <string.h>

#include "jit/native/module.h"

static int g_said;

static void *resize(void *user, void *ptr, size_t old_size, size_t new_size)
{
    if (new_size != 0) return realloc(ptr, new_size);
    free(ptr);
    return NULL;
}

static void listen(void *user, pst_log_level level, const char *text) { g_said++; }

static const pst_env env = {.resize = resize, .log = listen};

static void must(bool truth)
{
    if (!truth) abort();
}

// The input as a description with the trailer that leads to it: most inputs would end at a missing trailer.
static void read_description(const uint8_t *data, size_t size)
{
    pst_native *read;
    uint8_t *file = calloc(1, size + 128);
    uint64_t length = size;
    if (!file) return;
    if (size) memcpy(file, data, size);
    memcpy(file + size, "PSTNMOD1", 8);
    memcpy(file + size + 16, &length, sizeof length);
    g_said = 0;
    pst_status status = pst_native_read(&env, file, size + 128, &read);
    must((status == PST_OK) == (read != NULL) && (status == PST_OK || g_said > 0));
    pst_native_free(read);
    free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static pst_trust trust;
    uint8_t key[PST_PRIVATE_KEY_SIZE];
    pst_native *read;
    trust.count = 0;
    g_said = 0;
    must(pst_trust_read(&env, "trust", (const char *)data, size, &trust) == PST_OK || g_said == 1);
    g_said = 0;
    must(pst_key_read(&env, "key", (const char *)data, size, key) == PST_OK || g_said == 1);
    if (pst_native_read(&env, data, size, &read) == PST_OK) must(read->code_bytes <= PST_NATIVE_BYTES_MAX);
    pst_native_free(read);
    if (size && pst_native_is_signed(data, size)) must(pst_native_check(&env, "file", data, size, &trust) != PST_OK);
    read_description(data, size);
    return 0;
}
