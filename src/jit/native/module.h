// module.h: native modules: programs compiled ahead of time, in a file that the host's own loader maps.
//
// A module is an ELF shared object or a PE image with code that needs no relocation, a table of addresses that whoever binds a program fills in, and a
// description: programs, maps, what was proved and for what. It ends in a trailer with the signature. README.md of this folder has the format.
//
// Who writes one: src/api/compile.c, from loaded programs. Who loads one: src/core/native.c, which checks it against live objects. Nothing here touches either.
#ifndef PST_JIT_NATIVE_MODULE_H
#define PST_JIT_NATIVE_MODULE_H

#include "base/arena.h"
#include "base/version.h"
#include "jit/blob.h"
#include "pal/pal.h"

#define PST_NATIVE_BYTES_MAX (256u << 20) // of a module's file
#define PST_NATIVE_PROGRAMS_MAX 4096u
#define PST_NATIVE_MAPS_MAX 4096u
#define PST_NATIVE_TOOL "postern " PST_VERSION

/// A map as a proof saw it.
typedef struct pst_native_map {
    const char *name;
    uint32_t type, key_size, value_size, max_entries, flags, value_stride;
    uint64_t map_extra;
    uint32_t btf_key_type, btf_value_type; // in the object's BTF; 0: none
    bool frozen;                // its values are part of the proof
    const uint8_t *values;      // value_bytes that it held when the program was compiled: initial data; NULL: none
    uint32_t values_size;
    const pst_record *records;  // kind, offset, size and node_offset only
    uint32_t record_count;
    int32_t inner;              // template of a map of maps: its index in maps[]; -1: none
} pst_native_map;

typedef struct pst_native_prog {
    const char *name, *section;
    uint32_t prog_type, attach_type;
    uint32_t prog_flags;        // of PROG_LOAD
    bool gpl_compatible;
    const pst_slot *slots;      // blob->slot_count; map references are MAP_IDX with indexes into maps
    uint8_t bytecode_hash[PST_SHA256_SIZE]; // of slots
    uint32_t verify_mode;       // pst_verify_mode
    uint64_t loops_bound;       // 0: no loops
    uint32_t stack_bytes;
    const uint32_t *maps;       // index in the module's maps of each map of the program
    uint32_t map_count;
    const int32_t *helpers;     // ids that it calls, ascending
    uint32_t helper_count;
    pst_jit_blob *blob;         // read: without its code, which is code_offset from the module's code
    uint32_t code_offset;
    uint32_t table_offset;      // of its part of the table, in bytes
} pst_native_prog;

typedef struct pst_native {
    pst_arena arena;            // owns what is below, but for blobs
    uint32_t target;            // pst_jit_target
    uint64_t layout;            // pst_jit_layout of its compiler
    const char *tool;           // who wrote it
    const char *name;           // of the object
    pst_native_map *maps;
    uint32_t map_count;
    pst_native_prog *progs;
    uint32_t prog_count;
    const uint8_t *object;      // the ELF object that it was compiled from
    uint32_t object_size;
    uint32_t code_bytes, table_bytes;
    uint32_t map_room, prog_room; // while it is put together: entries that maps and progs have room for (pst_native_reserve)
    uint32_t *map_ids;            // and the live map that each entry describes; 0: none
} pst_native;

typedef enum pst_native_kind {
    PST_NATIVE_ELF, // shared object
    PST_NATIVE_DLL, // PE image for user mode
    PST_NATIVE_SYS, // PE image for the kernel: DriverEntry succeeds and does nothing
} pst_native_kind;

pst_native *pst_native_create(const pst_env *env); // empty; NULL without memory
/// Room for maps and programs that are added next.
PST_MUST_USE pst_status pst_native_reserve(pst_native *native, uint32_t maps, uint32_t progs);
void pst_native_free(pst_native *native);          // blobs included. NULL is fine

/// Places code and tables, and appends the file with an unsigned trailer. native's programs have blobs with code, all for its target.
/// PST_E_LIMIT, PST_E_INVALID (a kind that its target does not have) after one sentence.
PST_MUST_USE pst_status pst_native_write(const pst_env *env, pst_native *native, pst_native_kind kind, pst_text *out);

/// Whether bytes end like a module: a file that somebody means as one.
bool pst_native_is(const void *bytes, size_t size);
/// Reads a module's description. Everything is checked that does not need live objects, bytecode hashes included; the signature is not.
/// PST_E_FORMAT or PST_E_LIMIT after one sentence.
PST_MUST_USE pst_status pst_native_read(const pst_env *env, const void *bytes, size_t size, pst_native **out);

// --- Signatures -----------------------------------------------------------------------------------------------

#define PST_TRUST_KEYS_MAX 64u

typedef struct pst_trust {
    uint8_t keys[PST_TRUST_KEYS_MAX][PST_PUBLIC_KEY_SIZE];
    uint32_t count;
} pst_trust;

/// Signs a module in place. PST_E_INVALID: bytes are no module, or key is none.
PST_MUST_USE pst_status pst_native_sign(const pst_env *env, uint8_t *bytes, size_t size, const uint8_t key[PST_PRIVATE_KEY_SIZE]);
/// PST_E_DENIED after one sentence, which says file: not signed, not by a key of trust, or changed after it was signed.
PST_MUST_USE pst_status pst_native_check(const pst_env *env, const char *file, const uint8_t *bytes, size_t size, const pst_trust *trust);
bool pst_native_is_signed(const uint8_t *bytes, size_t size); // by whomever

/// Keys as lines of text: "postern-key-p256 HEX" (public), "postern-secret-key-p256 HEX"; '#' begins a comment. PST_E_FORMAT after one sentence.
PST_MUST_USE pst_status pst_trust_read(const pst_env *env, const char *file, const char *text, size_t size, pst_trust *add_to);
PST_MUST_USE pst_status pst_key_read(const pst_env *env, const char *file, const char *text, size_t size, uint8_t out[PST_PRIVATE_KEY_SIZE]);
void pst_key_write(pst_text *out, const uint8_t *key, bool secret);

#endif
