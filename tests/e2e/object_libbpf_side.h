// object_libbpf_side.h: libbpf's half of object_vs_libbpf.c, apart because our own include/bpf has headers of the same names.
#ifndef PST_TESTS_OBJECT_LIBBPF_SIDE_H
#define PST_TESTS_OBJECT_LIBBPF_SIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct libbpf_program {
    char *name;
    uint64_t *slots; // struct bpf_insn
    uint32_t count;
} libbpf_program;

typedef struct libbpf_result {
    libbpf_program *programs;
    uint32_t count;
} libbpf_result;

/// Relocates an object with libbpf against the running kernel, without loading a program; config is the text of a kernel configuration.
/// False: libbpf refuses the object. *out is freed with libbpf_side_free in either case.
bool libbpf_side_relocate(const void *bytes, size_t size, const char *name, const char *config, bool with_maps, libbpf_result *out);
void libbpf_side_free(libbpf_result *result);
/// Hands each warning of libbpf to log, one line.
void libbpf_side_set_log(void (*log)(const char *text));
const char *libbpf_side_version(void);

#endif
