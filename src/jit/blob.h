// blob.h: compiled code as data: position-independent bytes, a table of what they refer to, and where things begin in them.
//
// Compiling (pst_jit_compile) needs descriptions only, and may be done for another system than this one; binding (pst_jit_bind, pst_jit_adopt) resolves
// a blob against live maps, helpers and contexts. In between it can be stored, signed and sent. Code reaches the outside through one table of
// addresses and never holds an address itself, so it can be mapped from a file where the host allows no dynamic code.
//
// A blob that comes from outside is read with limits, and everything in it that can be checked is checked; what its instructions do cannot be. Who
// binds one trusts whoever compiled it: the signature of a native module (native/README.md) is what that trust rests on.
#ifndef PST_JIT_BLOB_H
#define PST_JIT_BLOB_H

#include "base/text.h"
#include "jit/jit.h"

#define PST_JIT_CODE_MAX (64u << 20) // bytes of one program's code
#define PST_JIT_PIECES_MAX (16u * PST_INSNS_MAX)
#define PST_JIT_REFS_MAX 4096u       // entries of one table of addresses
#define PST_JIT_NOWHERE UINT32_MAX   // an offset of something that the code does not have

/// Machine and calling convention.
#define PST_JIT_TARGET_LIST(X)                \
    X(X64_LINUX, "x86_64-linux")              \
    X(X64_WINDOWS, "x86_64-windows")          \
    X(ARM64_LINUX, "arm64-linux")

typedef enum pst_jit_target {
#define X(name, text) PST_JIT_TARGET_##name,
    PST_JIT_TARGET_LIST(X)
#undef X
    PST_JIT_TARGETS,
} pst_jit_target;

/// "x86_64-linux"; "" for a number that is no target. And back: PST_JIT_TARGETS for a name that is none.
const char *pst_jit_target_name(pst_jit_target target);
pst_jit_target pst_jit_target_by_name(const char *name);
/// The one of this process; PST_JIT_TARGETS: none of them.
pst_jit_target pst_jit_target_of_host(void);
/// Whether pst_jit_compile can serve target in this build: there is a back end, and SHA-256.
bool pst_jit_target_supported(pst_jit_target target);

typedef enum pst_jit_ref_kind {
    PST_JIT_REF_HELPER,     // number: its id
    PST_JIT_REF_KFUNC,      // its number
    PST_JIT_REF_RUNTIME,    // a function of the engine (runtime.h: JIT_RUNTIME_LIST)
    PST_JIT_REF_MAP,        // index in image->maps: the map's address
    PST_JIT_REF_MAP_VALUES, // the address of its first value
    PST_JIT_REF_KINDS,
} pst_jit_ref_kind;

typedef struct pst_jit_ref {
    uint32_t kind, number;
} pst_jit_ref;

/// At code[at] stand 4 bytes: the distance from at + 4 to an entry of the table.
typedef struct pst_jit_patch {
    uint32_t at, ref;
} pst_jit_patch;

#define PST_JIT_BLOB_READS_STACK 0x1u  // calls helpers that ask whether the program may read an address
#define PST_JIT_BLOB_COUNTS_DEPTH 0x2u // counts frames in the run
#define PST_JIT_BLOB_LEAF 0x4u         // calls nothing, and has the run in another register (back_end.h)

typedef struct pst_jit_blob {
    const pst_env *env;
    uint32_t target;   // pst_jit_target
    uint32_t features; // of the machine beyond the base instruction set, as its back end numbers them
    uint32_t flags;    // PST_JIT_BLOB_*
    uint64_t layout;   // pst_jit_layout of the engine that the code was made for
    uint8_t info_hash[PST_INFO_HASH_SIZE]; // of its program type with the helpers that it calls; zero in raw mode
    uint8_t *code;     // code_bytes; NULL: it lies elsewhere (pst_jit_adopt)
    uint32_t code_bytes;
    uint32_t slot_count; // of the image
    uint32_t *offsets; // piece_count + 1: see pst_jit_code
    uint32_t *slots;   // piece_count; NULL: piece i is of slot i
    uint32_t piece_count;
    uint32_t *functions; // per subprogram, where it is called
    uint32_t function_count;
    uint32_t call_offset, unwind_offset; // of the stub and of the way out; PST_JIT_NOWHERE: there is none
    pst_jit_ref *refs;
    uint32_t ref_count;
    pst_jit_patch *patches; // ascending
    uint32_t patch_count;
} pst_jit_blob;

/// Stands for the layout of everything of the engine that compiled code touches (pst_run above all): code made for another does not fit.
uint64_t pst_jit_layout(void);

/// Compiles for target. image, bindings and facts as for pst_jit_create; functions of helpers are not looked at, only that there are some.
/// PST_E_UNSUPPORTED also for a target without a back end that can do this, and in builds without SHA-256. *out: pst_jit_blob_free.
PST_MUST_USE pst_status pst_jit_compile(const pst_env *env, const pst_image *image, const pst_bindings *bindings, const pst_facts *facts,
                                        const pst_jit_opts *opts, pst_jit_target target, pst_jit_blob **out);
void pst_jit_blob_free(pst_jit_blob *blob);

/// Appends the blob's bytes. Without code: everything but the code itself.
void pst_jit_blob_write(const pst_jit_blob *blob, bool with_code, pst_text *out);
/// Reads what pst_jit_blob_write wrote. PST_E_FORMAT or PST_E_LIMIT after one sentence for what is none.
PST_MUST_USE pst_status pst_jit_blob_read(const pst_env *env, const void *bytes, size_t size, pst_jit_blob **out);

/// Sets every distance in code, a copy of the blob's, for a table that begins distance bytes after the code's first byte.
void pst_jit_blob_link(const pst_jit_blob *blob, int64_t distance, uint8_t *code);

/// The program-info hash of an image: its type with the helpers and kfuncs that it calls. Zero in raw mode.
PST_MUST_USE pst_status pst_jit_info_hash(const pst_env *env, const pst_image *image, const pst_bindings *bindings, uint8_t out[PST_INFO_HASH_SIZE]);

/// Makes image executable by the blob's code, which is copied to pages of its own. The blob is not needed afterwards. Lifetimes as in pst_jit_create.
/// PST_E_INVALID after one sentence: the blob is for another machine, engine, image or description of the program type.
PST_MUST_USE pst_status pst_jit_bind(const pst_env *env, const pst_image *image, const pst_bindings *bindings, const pst_jit_blob *blob,
                                     pst_exec **out);
/// The same with the code where it lies already, executable, with distances set; table has ref_count entries, which this fills in. Both outlive *out.
PST_MUST_USE pst_status pst_jit_adopt(const pst_env *env, const pst_image *image, const pst_bindings *bindings, const pst_jit_blob *blob,
                                      const uint8_t *code, uint64_t *table, pst_exec **out);

#endif
