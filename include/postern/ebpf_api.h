/// ebpf_api.h: calls of eBPF for Windows about pins, under their names and with its numbers, on every system.
///
/// A pin is a name in a core: of this process, or of the host that POSTERN_HOST names. "/sys/fs/bpf/x", "BPF:\x" and "/ebpf/global/x" are one name.
/// Results are numbers of ebpf_result_t; postern_last_error (postern.h) has the sentence.
#ifndef POSTERN_EBPF_API_H
#define POSTERN_EBPF_API_H

#include "postern/postern.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EBPF_MAX_PIN_PATH_LENGTH 256

typedef enum ebpf_result {
    EBPF_SUCCESS = 0,
    EBPF_INVALID_ARGUMENT = 6,
    EBPF_OBJECT_NOT_FOUND = 7,
    EBPF_NOT_PINNED = 11,
    EBPF_NO_MEMORY = 12,
    EBPF_FAILED = 17,
    EBPF_ACCESS_DENIED = 20,
    EBPF_INSUFFICIENT_BUFFER = 24,
    EBPF_NO_MORE_KEYS = 25,
} ebpf_result_t;

typedef enum ebpf_object_type {
    EBPF_OBJECT_UNKNOWN,
    EBPF_OBJECT_MAP,
    EBPF_OBJECT_LINK,
    EBPF_OBJECT_PROGRAM,
} ebpf_object_type_t;

/// The path that follows start_path (NULL or "": the first) in the order of bytes, as "/sys/fs/bpf/...". *type is in/out: EBPF_OBJECT_UNKNOWN takes any
/// kind, another only that one; it becomes the kind that was found. EBPF_NO_MORE_KEYS at the end; EBPF_INSUFFICIENT_BUFFER: it does not fit.
/// A caller without rights sees the pins of its own user.
POSTERN_API ebpf_result_t ebpf_get_next_pinned_object_path(const char *start_path, char *next_path, size_t next_path_len, ebpf_object_type_t *type);
/// The same for programs.
POSTERN_API ebpf_result_t ebpf_get_next_pinned_program_path(const char *start_path, char next_path[EBPF_MAX_PIN_PATH_LENGTH]);
/// Takes a pin away. EBPF_NOT_PINNED, EBPF_ACCESS_DENIED, EBPF_INVALID_ARGUMENT.
POSTERN_API ebpf_result_t ebpf_object_unpin(const char *path);
/// Writes path as "BPF:\...", the form of eBPF for Windows; a name without a root lies in "BPF:\".
POSTERN_API ebpf_result_t ebpf_canonicalize_pin_path(const char *input, char *output, size_t output_size);

#ifdef __cplusplus
}
#endif

#endif
