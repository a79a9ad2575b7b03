// env.c: allocation and messages through what the caller lent.
//
// Called by every module. Keeps no state: each call goes to the hooks of pst_env.
#include "base/env.h"

#include <stdarg.h>
#include <string.h>

#include "base/format.h"

#define LOG_TEXT_MAX 1024

void *pst_alloc(const pst_env *env, size_t size)
{
    // Size 0 would mean "free" to the hook; a caller who asks for nothing still gets a block of its own.
    return env->resize(env->user, NULL, 0, size ? size : 1);
}

void *pst_alloc_zero(const pst_env *env, size_t count, size_t size)
{
    size_t total;
    if (PST_MUL_OVERFLOW(count, size, &total)) return NULL;
    void *block = pst_alloc(env, total);
    if (block) memset(block, 0, total);
    return block;
}

void pst_free(const pst_env *env, void *ptr, size_t size)
{
    if (ptr) env->resize(env->user, ptr, size ? size : 1, 0);
}

pst_status pst_grow(const pst_env *env, void *array_ptr, size_t *capacity, size_t need, size_t elem_size)
{
    void *array, *grown;
    size_t old_size, new_size, count = *capacity;
    if (need <= count) return PST_OK;
    // By half again: amortised O(1), and freed blocks can be reused by the next growth.
    if (PST_ADD_OVERFLOW(count, count / 2, &count) || count < need) count = need;
    if (count < 8) count = 8;
    if (PST_MUL_OVERFLOW(count, elem_size, &new_size)) return PST_E_NOMEM;
    old_size = *capacity * elem_size;
    memcpy(&array, array_ptr, sizeof array); // array_ptr is a T **, which may not alias a void **
    grown = env->resize(env->user, array, old_size, new_size);
    if (!grown) return PST_E_NOMEM;
    memcpy(array_ptr, &grown, sizeof grown);
    *capacity = count;
    return PST_OK;
}

static void log_v(const pst_env *env, pst_log_level level, const char *fmt, va_list args)
{
    char text[LOG_TEXT_MAX];
    if (!env || !env->log) return;
    (void)pst_format_v(text, sizeof text, fmt, args);
    // Names come from hostile files: a message must neither break its line nor drive a terminal.
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = '?';
    env->log(env->user, level, text);
}

void pst_log(const pst_env *env, pst_log_level level, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_v(env, level, fmt, args);
    va_end(args);
}

pst_status pst_fail(const pst_env *env, pst_status status, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_v(env, PST_LOG_ERROR, fmt, args);
    va_end(args);
    return status;
}
