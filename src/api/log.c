// log.c: where sentences go, and the error convention of libbpf.
#include <stdarg.h>
#include <stdio.h>

#include "api/api.h"
#include "base/format.h"
#include "pal/pal.h"

static int print_to_stderr(enum libbpf_print_level level, const char *fmt, va_list ap)
{
    if (level == LIBBPF_DEBUG) return 0;
    fputs("postern: ", stderr);
    return vfprintf(stderr, fmt, ap);
}

static libbpf_print_fn_t g_print = print_to_stderr;
static PST_THREAD_LOCAL char g_last_error[1024];

libbpf_print_fn_t libbpf_set_print(libbpf_print_fn_t fn)
{
    return PST_ATOMIC_EXCHANGE(&g_print, fn);
}

void api_print(enum libbpf_print_level level, const char *fmt, ...)
{
    libbpf_print_fn_t print = PST_ATOMIC_LOAD(&g_print);
    if (!print) return;
    int saved = errno; // printing must not change what the caller is about to report
    va_list args;
    va_start(args, fmt);
    print(level, fmt, args);
    va_end(args);
    errno = saved;
}

void api_forget_error(void)
{
    g_last_error[0] = '\0';
}

const char *postern_last_error(void)
{
    return g_last_error;
}

static void env_log(void *user, pst_log_level level, const char *text)
{
    static const enum libbpf_print_level levels[] = {LIBBPF_WARN, LIBBPF_WARN, LIBBPF_INFO, LIBBPF_DEBUG};
    if (level == PST_LOG_ERROR) pst_format(g_last_error, sizeof g_last_error, "%s", text);
    api_print(levels[level], "%s\n", text);
}

static void *env_resize(void *user, void *ptr, size_t old_size, size_t new_size)
{
    const pst_env *heap = pst_pal_env();
    return heap->resize(heap->user, ptr, old_size, new_size);
}

const pst_env *api_env(void)
{
    static const pst_env env = {.resize = env_resize, .log = env_log};
    return &env;
}

static void fail_v(int err, const char *fmt, va_list args)
{
    vsnprintf(g_last_error, sizeof g_last_error, fmt, args);
    api_print(LIBBPF_WARN, "%s\n", g_last_error);
    errno = err;
}

int api_fail(int err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fail_v(err, fmt, args);
    va_end(args);
    return -err;
}

void *api_fail_ptr(int err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fail_v(err, fmt, args);
    va_end(args);
    return NULL;
}

int api_err(int err)
{
    if (err < 0) errno = -err;
    return err;
}

void *api_err_ptr(int err)
{
    errno = -err;
    return NULL;
}

int api_errno(int linux_errno)
{
#ifdef _WIN32
    // The numbers below 35 are the same everywhere; these are not.
    switch (linux_errno) {
    case PST_ENAMETOOLONG: return ENAMETOOLONG;
    case PST_ENOSYS: return ENOSYS;
    case PST_ELOOP: return ELOOP;
    case PST_EOVERFLOW: return EOVERFLOW;
    case PST_EOPNOTSUPP: return EOPNOTSUPP;
    case PST_ETIMEDOUT: return ETIMEDOUT;
    }
#endif
    return linux_errno;
}

int api_errno_of(pst_status status)
{
    switch (status) {
    case PST_OK: return 0;
    case PST_E_NOMEM: return ENOMEM;
    case PST_E_FORMAT: return EINVAL;
    case PST_E_LIMIT: return E2BIG;
    case PST_E_DENIED: return EACCES;
    case PST_E_NOTFOUND: return ENOENT;
    case PST_E_EXISTS: return EEXIST;
    case PST_E_INVALID: return EINVAL;
    case PST_E_UNSUPPORTED: return EOPNOTSUPP;
    case PST_E_IO: return EIO;
    case PST_E_BUSY: return EBUSY;
    case PST_E_TIMEOUT: return ETIMEDOUT;
    case PST_E_AGAIN: return EAGAIN;
    case PST_E_NOSPACE: return ENOSPC;
    case PST_E_UNSAFE: return EACCES;
    }
    return EIO;
}

// Texts by Linux's numbers where <errno.h> may not have one.
static const char *libbpf_errno_text(int err)
{
    switch (err) {
    case LIBBPF_ERRNO__LIBELF: return "the ELF file cannot be read";
    case LIBBPF_ERRNO__FORMAT: return "the BPF object's format is invalid";
    case LIBBPF_ERRNO__KVERSION: return "the object's version section is wrong or lost";
    case LIBBPF_ERRNO__ENDIAN: return "the object's byte order is not this host's";
    case LIBBPF_ERRNO__INTERNAL: return "internal error";
    case LIBBPF_ERRNO__RELOC: return "relocation failed";
    case LIBBPF_ERRNO__LOAD: return "the program was not loaded for an unknown reason";
    case LIBBPF_ERRNO__VERIFY: return "the program was rejected by the verifier";
    case LIBBPF_ERRNO__PROG2BIG: return "the program is too big";
    case LIBBPF_ERRNO__KVER: return "the version does not fit";
    case LIBBPF_ERRNO__PROGTYPE: return "this type of program is not supported";
    case LIBBPF_ERRNO__WRNGPID: return "a netlink message has the wrong pid";
    case LIBBPF_ERRNO__INVSEQ: return "a netlink message is out of sequence";
    case LIBBPF_ERRNO__NLPARSE: return "a netlink message is malformed";
    case PST_ENOTSUPP: return "Operation not supported";
    }
    return NULL;
}

const char *api_errno_text(int err)
{
    const char *text = libbpf_errno_text(err);
    return text ? text : strerror(err);
}

int libbpf_strerror(int err, char *buf, size_t size)
{
    if (!buf || !size) return api_err(-EINVAL);
    if (err < 0) err = -err;
    if (err >= __LIBBPF_ERRNO__START && !libbpf_errno_text(err)) {
        snprintf(buf, size, "Unknown libbpf error %d", err);
        return api_err(-ENOENT);
    }
    size_t length = pst_format(buf, size, "%s", api_errno_text(err));
    return length < size ? 0 : api_err(-ERANGE);
}

long libbpf_get_error(const void *ptr)
{
    return ptr ? 0 : -errno;
}

int libbpf_set_strict_mode(enum libbpf_strict_mode mode)
{
    return 0;
}

int libbpf_set_memlock_rlim(size_t memlock_bytes)
{
    return 0;
}

#define STRING_OF(x) #x
#define VERSION_STRING(major, minor) "v" STRING_OF(major) "." STRING_OF(minor)

uint32_t libbpf_major_version(void)
{
    return LIBBPF_MAJOR_VERSION;
}

uint32_t libbpf_minor_version(void)
{
    return LIBBPF_MINOR_VERSION;
}

const char *libbpf_version_string(void)
{
    return VERSION_STRING(LIBBPF_MAJOR_VERSION, LIBBPF_MINOR_VERSION);
}

bool api_opts_copy(void *known, size_t known_size, const void *opts)
{
    memset(known, 0, known_size);
    if (!opts) return true;
    size_t size;
    memcpy(&size, opts, sizeof size);
    if (size < sizeof size) return false;
    for (size_t i = known_size; i < size; i++)
        if (((const char *)opts)[i]) return false;
    memcpy(known, opts, size < known_size ? size : known_size);
    return true;
}

char *api_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    if (copy) memcpy(copy, text, size);
    return copy;
}
