// pal_env.c: the default environment of user mode: the C heap and standard error.
//
// Shared by linux/ and windows/, since it asks for the C library only.
#include <stdio.h>
#include <stdlib.h>

#include "pal/pal.h"

// Both systems are 64-bit, where malloc aligns to 16 bytes as pst_env promises.
PST_STATIC_ASSERT(sizeof(void *) == 8, "Postern supports 64-bit hosts only");

static void *heap_resize(void *user, void *ptr, size_t old_size, size_t new_size)
{
    (void)user;
    (void)old_size;
    if (new_size == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, new_size);
}

static void stderr_log(void *user, pst_log_level level, const char *text)
{
    (void)user;
    if (level > PST_LOG_WARN) return;
    fprintf(stderr, "postern: %s\n", text); // one call, so that lines of threads do not mix
}

const pst_env *pst_pal_env(void)
{
    static const pst_env env = {.resize = heap_resize, .log = stderr_log};
    return &env;
}
