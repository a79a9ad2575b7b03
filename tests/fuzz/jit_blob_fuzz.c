// jit_blob_fuzz.c: any bytes as a compiled program: what is read is written again to the same bytes, and can be placed. It is never run: what
// machine code does, no reader can tell.
#include <stdlib.h>
#include <string.h>

#include "jit/blob.h"

static void *resize(void *user, void *ptr, size_t old_size, size_t new_size)
{
    if (new_size != 0) return realloc(ptr, new_size);
    free(ptr);
    return NULL;
}

static const pst_env env = {.resize = resize};

static void must(bool truth)
{
    if (!truth) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pst_jit_blob *blob;
    pst_text again;
    pst_status status = pst_jit_blob_read(&env, data, size, &blob);
    must((status == PST_OK) == (blob != NULL));
    if (status != PST_OK) return 0;
    pst_text_init(&again, &env);
    pst_jit_blob_write(blob, blob->code != NULL, &again);
    must(again.failed || (again.size == size && memcmp(again.data, data, size) == 0));
    uint8_t *code = malloc(blob->code_bytes);
    if (code) pst_jit_blob_link(blob, blob->code_bytes, code);
    free(code);
    pst_text_free(&again);
    pst_jit_blob_free(blob);
    return 0;
}
