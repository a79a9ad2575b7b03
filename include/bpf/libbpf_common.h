/// libbpf_common.h: what libbpf.h, bpf.h and btf.h share: Linux's numbers, the export mark, option structs.
///
/// Every option struct begins with its own size (sz), so that old programs run with a newer library: fields that the
/// caller's struct does not have count as 0, and fields that this library does not know must be 0.
#ifndef POSTERN_LIBBPF_COMMON_H
#define POSTERN_LIBBPF_COMMON_H

#include <string.h>

// Linux's <linux/bpf.h>; where there is none, bpf/uapi of Postern is on the include path and brings the programs' part of it.
#include <linux/bpf.h>
#ifndef BPF_OBJ_NAME_LEN // only the whole of it has this
#include <bpf/libbpf_uapi.h>
#endif

#include <bpf/libbpf_version.h>

#ifndef LIBBPF_API
#ifdef _WIN32
#ifdef PST_BUILDING_SHARED
#define LIBBPF_API __declspec(dllexport)
#else
#define LIBBPF_API
#endif
#else
#define LIBBPF_API __attribute__((visibility("default")))
#endif
#endif

#define LIBBPF_DEPRECATED(msg) __attribute__((deprecated(msg)))

// LIBBPF_OPTS(type, name, .field = value, ...) declares a local option struct, all bytes zero except the size and the given fields.
#define LIBBPF_OPTS(TYPE, NAME, ...)                                                   \
    struct TYPE NAME = ({                                                              \
        memset(&NAME, 0, sizeof(struct TYPE));                                         \
        (struct TYPE){.sz = sizeof(struct TYPE), __VA_ARGS__};                         \
    })
#define DECLARE_LIBBPF_OPTS LIBBPF_OPTS
#define LIBBPF_OPTS_RESET(NAME, ...)                                                   \
    do {                                                                               \
        __typeof__(NAME) opts_reset_ = {.sz = sizeof(NAME), __VA_ARGS__};              \
        memcpy(&(NAME), &opts_reset_, sizeof(NAME));                                   \
    } while (0)

#endif
