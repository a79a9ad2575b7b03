// ebpf_pins.c: eBPF for Windows' calls about pins (include/postern/ebpf_api.h).
#include <stdio.h>

#include "api/api.h"
#include "postern/ebpf_api.h"

#define CANONICAL_ROOT "BPF:"

static ebpf_result_t result_of(int64_t linux_errno)
{
    switch (-linux_errno) {
    case 0: return EBPF_SUCCESS;
    case PST_ENOENT: return EBPF_NOT_PINNED;
    case PST_EACCES:
    case PST_EPERM: return EBPF_ACCESS_DENIED;
    case PST_ENOMEM: return EBPF_NO_MEMORY;
    case PST_EINVAL: return EBPF_INVALID_ARGUMENT;
    default: return EBPF_FAILED;
    }
}

static ebpf_object_type_t type_of(uint32_t kind)
{
    static const ebpf_object_type_t types[] = {EBPF_OBJECT_MAP, EBPF_OBJECT_PROGRAM, EBPF_OBJECT_UNKNOWN, EBPF_OBJECT_LINK};
    return kind < PST_COUNT(types) ? types[kind] : EBPF_OBJECT_UNKNOWN;
}

ebpf_result_t ebpf_get_next_pinned_object_path(const char *start_path, char *next_path, size_t next_path_len, ebpf_object_type_t *type)
{
    const api_door *door = api_door_get();
    if (!next_path || !type) return EBPF_INVALID_ARGUMENT;
    pst_pin_info *info = door ? malloc(sizeof *info) : NULL; // too large for the stacks of some callers
    if (!info) return door ? EBPF_NO_MEMORY : EBPF_FAILED;
    ebpf_object_type_t wanted = *type;
    const char *after = start_path ? start_path : "";
    char *seen = NULL;
    int64_t result;
    while ((result = door->pin_next(after, info)) == 0 && wanted != EBPF_OBJECT_UNKNOWN && type_of(info->kind) != wanted) {
        free(seen);
        after = seen = api_strdup(info->path);
        if (!seen) result = -PST_ENOMEM;
        if (result != 0) break;
    }
    ebpf_result_t code = result == -PST_ENOENT ? EBPF_NO_MORE_KEYS : result_of(result);
    if (code == EBPF_SUCCESS && strlen(info->path) >= next_path_len) code = EBPF_INSUFFICIENT_BUFFER;
    if (code == EBPF_SUCCESS) {
        memcpy(next_path, info->path, strlen(info->path) + 1);
        *type = type_of(info->kind);
    }
    free(seen);
    free(info);
    return code;
}

ebpf_result_t ebpf_get_next_pinned_program_path(const char *start_path, char next_path[EBPF_MAX_PIN_PATH_LENGTH])
{
    ebpf_object_type_t type = EBPF_OBJECT_PROGRAM;
    return ebpf_get_next_pinned_object_path(start_path, next_path, EBPF_MAX_PIN_PATH_LENGTH, &type);
}

ebpf_result_t ebpf_object_unpin(const char *path)
{
    const api_door *door = api_door_get();
    if (!path) return EBPF_INVALID_ARGUMENT;
    return door ? result_of(door->unpin(path)) : EBPF_FAILED;
}

ebpf_result_t ebpf_canonicalize_pin_path(const char *input, char *output, size_t output_size)
{
    char path[PST_PIN_PATH_MAX], rooted[PST_PIN_PATH_MAX];
    const size_t root = sizeof PST_PIN_ROOT - 1;
    if (!input || !output) return EBPF_INVALID_ARGUMENT;
    // "x" and "\x" have no root: they are taken for names in the volume.
    bool has_root = pst_core_pin_path(input, path, sizeof path);
    if (!has_root) {
        int length = snprintf(rooted, sizeof rooted, CANONICAL_ROOT "\\%s", input);
        if (length < 0 || (size_t)length >= sizeof rooted || !pst_core_pin_path(rooted, path, sizeof path)) return EBPF_INVALID_ARGUMENT;
    }
    // Pins of another tree keep their only name.
    bool below = strncmp(path, PST_PIN_ROOT "/", root + 1) == 0;
    int length = snprintf(output, output_size, "%s%s", below ? CANONICAL_ROOT : "", below ? path + root : path);
    if (length < 0 || (size_t)length >= output_size) return EBPF_INSUFFICIENT_BUFFER;
    for (char *c = output; below && *c; c++)
        if (*c == '/') *c = '\\';
    return EBPF_SUCCESS;
}
