// api.h: what the files of this module share: the structs behind libbpf's names, the error convention, the way to the core.
//
// Error convention of libbpf 1.x: a call that fails sets errno and returns the negative errno or NULL, after one sentence through
// api_fail. Numbers are the host's errno values; the core speaks Linux's, api_errno translates.
#ifndef PST_API_API_H
#define PST_API_API_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/env.h"
#include "catalog/catalog.h"
#include "bpf/bpf.h"
#include "bpf/btf.h"
#include "bpf/libbpf.h"
#include "api/door.h"
#include "core/core.h"
#include "core/native.h"
#include "object/object.h"
#include "postern/attr.h"
#include "postern/postern.h"

#define API_PATH_MAX 4096
#define API_PIN_ROOT "/sys/fs/bpf"

// --- Messages (log.c) ---------------------------------------------------------------------------------------------

/// The C heap; messages go to libbpf_set_print's function, and errors are kept for postern_last_error.
const pst_env *api_env(void);
/// Formats a message (C's printf), adds the newline and hands it on.
void api_print(enum libbpf_print_level level, const char *fmt, ...) PST_PRINTF(2, 3);
/// There is no last error, so that one which follows is known to be new.
void api_forget_error(void);
/// Sets errno, keeps and prints the sentence; returns -err. err > 0.
int api_fail(int err, const char *fmt, ...) PST_PRINTF(2, 3);
/// The same where a pointer is the result.
void *api_fail_ptr(int err, const char *fmt, ...) PST_PRINTF(2, 3);
/// Without a sentence: the caller's caller knows what it asked (a key that is not there). err <= 0.
int api_err(int err);
void *api_err_ptr(int err);
/// The host's errno for one of Linux's (both positive), and for a status.
int api_errno(int linux_errno);
int api_errno_of(pst_status status);
const char *api_errno_text(int err);

// --- The core of this process (runtime.c) --------------------------------------------------------------------------

/// The core of this process and the process's client, opened on first use; NULL where the door leads to a host, or with errno when they cannot be made.
pst_core *api_core(void);
pst_client *api_client(void);
/// One command: >= 0, or a negative errno of the host (errno is set, no sentence).
int api_command(uint32_t cmd, void *attr, size_t size);
/// The core's sentence for the command that just failed, or the text of err when it gave none.
const char *api_why(int err);
/// Removes a pin: what unlink(2) is to the kernel's. 0 or a negative errno, no sentence.
int api_unpin(const char *path);
void api_copy_version(struct postern_about *out, const char *version);
/// Closes a descriptor if it is one (>= 0) and sets *fd to -1.
void api_close(int *fd);

/// Called by postern_shutdown while the core still lives.
void api_bridges_shutdown(void);
void api_xdp_forget(void);
struct pst_net *api_net(void);

// --- Option structs -----------------------------------------------------------------------------------------------

/// Copies a size-first struct of the caller into ours of known bytes, the rest zero. opts NULL: all zero. False: sz is nonsense, or
/// bytes that we do not know are not zero.
bool api_opts_copy(void *known, size_t known_size, const void *opts);
/// Whether the caller's struct has the field.
#define API_OPTS_HAS(type, opts, field) \
    ((opts) && *(const size_t *)(opts) >= offsetof(type, field) + sizeof((opts)->field))

// --- The structs ----------------------------------------------------------------------------------------------------

struct bpf_map {
    struct bpf_object *object;
    pst_object_map *def; // what the object says, as changed by set_*
    int fd;              // -1: not created
    int inner_fd;        // bpf_map__set_inner_map_fd; -1: none
    uint32_t numa_node, ifindex;
    bool autocreate, pinned;
    bool reused;         // fd came from outside or from a pin
    char *pin_path;      // NULL: none
};

struct bpf_program {
    struct bpf_object *object;
    pst_object_program *def;
    struct bpf_insn *own_insns; // bpf_program__set_insns, else NULL
    size_t own_insn_count;
    int fd; // -1: not loaded
    enum bpf_prog_type type;
    enum bpf_attach_type attach_type;
    uint32_t flags, ifindex, log_level;
    char *log_buf;
    size_t log_size;
    bool autoattach, patched;
    char *pin_path;
};

struct bpf_link {
    int fd;
    bool disconnected;
    char *pin_path;
};

struct bpf_object {
    pst_object *object;
    uint8_t *bytes;  // of the file, bytes_size + 1 of pst_alloc's
    size_t bytes_size;
    const uint8_t *source; // the ELF object: bytes, or inside of the module
    size_t source_size;
    pst_native *module;    // bytes are a native module: its description; else NULL
    bool from_file;        // object->file is the path of bytes
    pst_core_native *native; // of a loaded module; NULL: programs are proved and compiled here
    struct bpf_map *maps;
    struct bpf_program *programs;
    struct btf *btf; // NULL: none
    int btf_fd;
    bool loaded;     // load was tried
    char *pin_root, *kconfig, *btf_path;
    uint32_t kernel_version;
    char *log_buf;
    size_t log_size;
    uint32_t log_level;
};

/// A btf over the object's bytes.
struct btf *api_btf_new(const void *bytes, size_t size, const char *what);
const pst_btf *api_btf_parsed(const struct btf *btf);

// --- Between the files of objects -----------------------------------------------------------------------------------

/// object_maps.c: creates every map that is to be; object_load.c unwinds.
int api_maps_create(struct bpf_object *obj);
int api_maps_fill_slots(struct bpf_object *obj);
/// object_target.c: CO-RE and externs.
int api_object_relocate(struct bpf_object *obj);
/// native.c: the ELF object in a file's bytes, which may be a native module (*module, pst_native_free). False after a sentence.
bool api_object_source(const uint8_t *bytes, size_t size, const uint8_t **object, size_t *object_size, pst_native **module);
/// Opens obj->native where obj is a module and the core wants its code. 0 or a negative errno after a sentence.
int api_native_open(struct bpf_object *obj);
/// After one sentence.
PST_MUST_USE pst_status api_trust_read(const char *path, pst_trust *out);
/// bpf_prog_load with proof and code from a module; NULL: without.
int api_prog_load(pst_core_native *native, enum bpf_prog_type prog_type, const char *prog_name, const char *license, const struct bpf_insn *insns,
                  size_t insn_cnt, struct bpf_prog_load_opts *opts);
/// object_programs.c
int api_program_load(struct bpf_program *prog);
/// Pin path "root/name", newly allocated; NULL without memory.
char *api_pin_path(const char *root, const char *name);
char *api_strdup(const char *text);

/// A link of its own around a descriptor; closes fd on failure.
struct bpf_link *api_link_new(int fd);

#endif
