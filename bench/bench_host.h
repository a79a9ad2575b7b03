// bench_host.h: whoever takes the commands of bpf(2): a core of ours with one engine, or the running kernel. Both get the same commands with
// the same instructions, so that their times can be compared.
#ifndef BENCH_HOST_H
#define BENCH_HOST_H

#include "core/core.h"
#include "object/object.h"

#define BENCH_MEMORY_SIZE 8192u // of the one map value that programs without maps of their own work on

typedef struct bench_host {
    int64_t (*command)(void *user, uint32_t cmd, pst_bpf_attr *attr, uint32_t size); // >= 0, or a negative errno
    void (*close)(void *user, int fd);
    void *user;
} bench_host;

/// A core of ours. hardened: constants blinded, random places. strict: strict proofs, with their masks. False: there is no memory, or the engine is
/// not in this build.
bool bench_core_open(bench_host *host, pst_core_engine engine, bool hardened, bool strict);
void bench_core_close(bench_host *host);
/// Why the core refused the last command.
const char *bench_core_error(const bench_host *host);
/// The running kernel. False: there is none that takes these commands, or not from us.
bool bench_kernel_open(bench_host *host);

/// What is run: programs and maps that a host is given. The first program is run, the others are what it calls.
typedef struct bench_subject {
    const pst_object_map *maps;
    uint32_t map_count;
    const pst_object_program *programs;
    uint32_t program_count;
} bench_subject;

#define BENCH_MAPS_MAX 8
#define BENCH_PROGRAMS_MAX 4

typedef struct bench_loaded {
    const bench_host *host;
    int maps[BENCH_MAPS_MAX], programs[BENCH_PROGRAMS_MAX];
    uint32_t map_count, program_count;
} bench_loaded;

/// Makes the maps with their initial contents, loads the programs. False: the host refused; why then has a sentence. bench_unload in any case.
bool bench_load(const bench_host *host, const bench_subject *subject, bench_loaded *out, char *why, size_t why_size);
void bench_unload(bench_loaded *loaded);
/// Writes the value under key 0 of the first map.
bool bench_fill(const bench_loaded *loaded, const void *value);
/// The first program is run repeat times on a frame of 64 zero bytes; nanoseconds of one run, negative when it failed.
double bench_run(const bench_loaded *loaded, uint32_t repeat, uint32_t *retval);
/// Bytes of machine code of all its programs; 0: not known, or interpreted.
size_t bench_code_size(const bench_loaded *loaded);

#endif
