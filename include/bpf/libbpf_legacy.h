/// libbpf_legacy.h: what programs written during libbpf's way to 1.0 still name.
#ifndef POSTERN_LIBBPF_LEGACY_H
#define POSTERN_LIBBPF_LEGACY_H

#include <stdbool.h>

#include <bpf/libbpf_common.h>

#ifdef __cplusplus
extern "C" {
#endif

enum libbpf_strict_mode {
    LIBBPF_STRICT_NONE = 0x00,
    LIBBPF_STRICT_CLEAN_PTRS = 0x01,
    LIBBPF_STRICT_DIRECT_ERRS = 0x02,
    LIBBPF_STRICT_SEC_NAME = 0x04,
    LIBBPF_STRICT_NO_OBJECT_LIST = 0x08,
    LIBBPF_STRICT_AUTO_RLIMIT_MEMLOCK = 0x10,
    LIBBPF_STRICT_MAP_DEFINITIONS = 0x20,
    LIBBPF_STRICT_ALL = 0xffffffff,
};

/// Does nothing: this library has one mode, that of libbpf 1.x. Returns 0.
LIBBPF_API int libbpf_set_strict_mode(enum libbpf_strict_mode mode);
/// The errno behind a NULL result (from errno); 0 for a valid pointer.
LIBBPF_API long libbpf_get_error(const void *ptr);

#ifdef __cplusplus
}
#endif

#endif
