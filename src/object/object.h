// object.h: an eBPF object file, read from hostile bytes: programs, maps, relocations, BTF.
//
// It takes bytes, never files, and touches no live object: maps and programs are numbered by their index here; who loads them (src/api)
// creates maps by the core's commands and puts the descriptors into the instructions.
// Every rejection logs one sentence that names the file, the section, the offset and the reason.
//
// Sources: ELF (System V gABI), RFC 9669, the kernel's documentation of BTF, and what clang and libbpf agree on.
#ifndef PST_OBJECT_OBJECT_H
#define PST_OBJECT_OBJECT_H

#include "base/arena.h"
#include "isa/isa.h"
#include "btf/btf.h"

#define PST_OBJECT_BYTES_MAX (64u << 20)
#define PST_OBJECT_SECTIONS_MAX 65535u
#define PST_OBJECT_PROGRAMS_MAX 4096u
#define PST_OBJECT_MAPS_MAX 4096u

typedef enum pst_map_origin {
    PST_MAP_FROM_BTF,      // .maps
    PST_MAP_FROM_LEGACY,   // maps: struct bpf_map_def and longer
    PST_MAP_FROM_DATA,     // .data*
    PST_MAP_FROM_RODATA,   // .rodata*: frozen once loaded, BPF_F_RDONLY_PROG
    PST_MAP_FROM_BSS,      // .bss*
    PST_MAP_FROM_KCONFIG,  // .kconfig: externs, frozen
} pst_map_origin;

#define PST_PIN_NONE 0u
#define PST_PIN_BY_NAME 1u

/// A slot of a map-in-map or program array that has an initial value.
typedef struct pst_map_slot_init {
    uint32_t slot;
    uint32_t index; // of the map (map-in-map) or program (prog_array) in this object
} pst_map_slot_init;

typedef struct pst_object_map {
    const char *name;      // full name; the kernel's is cut to 15 bytes (data maps: "<object 8>.rodata" as libbpf does)
    const char *section;
    pst_map_origin origin;
    uint32_t type, key_size, value_size, max_entries, flags;
    uint64_t map_extra;
    uint32_t numa_node;          // counts when flags has BPF_F_NUMA_NODE
    uint32_t pinning;            // PST_PIN_*
    const char *pin_path;        // NULL unless the object names one
    uint32_t btf_key_type, btf_value_type; // 0: none
    int32_t inner;               // index in maps[] of the template of a map-in-map (declared inline or by slot), or -1
    bool is_inner_template;      // only a template: not created on its own
    uint8_t *initial;            // *_DATA, *_RODATA, *_BSS, KCONFIG: value_size bytes, writable by the loader before load; else NULL
    const pst_map_slot_init *slots;
    uint32_t slot_count;
} pst_object_map;

typedef enum pst_ref_kind {
    PST_REF_MAP,        // slot is IMM64 MAP_FD: index = map
    PST_REF_MAP_VALUE,  // slot is IMM64 MAP_VALUE: index = map, the offset stands in the second slot's imm
    PST_REF_KFUNC,      // CALL KFUNC: index = extern
    PST_REF_KSYM,       // IMM64 BTF_ID (typed) or VALUE (typeless): index = extern
} pst_ref_kind;

typedef struct pst_object_ref {
    uint32_t pc;
    pst_ref_kind kind;
    uint32_t index;
} pst_object_ref;

typedef enum pst_extern_kind {
    PST_EXTERN_KCONFIG,
    PST_EXTERN_KSYM_TYPELESS,
    PST_EXTERN_KSYM_VARIABLE,
    PST_EXTERN_KSYM_FUNCTION,
} pst_extern_kind;

typedef struct pst_object_extern {
    const char *name;
    pst_extern_kind kind;
    bool weak;
    uint32_t btf_id;     // of the declaration in the object's BTF; 0: undefined and undeclared, so no host can resolve it
    bool resolved;       // pst_object_relocate found it, or it is weak and absent (address then 0)
    uint64_t address;    // or the BTF id in the target, for typed ones
    bool numbered;       // address is a number of pst_object_target.kfunc
} pst_object_extern;

/// A row of func info for one subprogram, in slots of the finished program.
typedef struct pst_object_func {
    uint32_t pc;
    uint32_t btf_type;  // FUNC in the object's BTF, 0: none
    const char *name;
} pst_object_func;

typedef struct pst_object_line {
    uint32_t pc;
    uint32_t file_off, text_off; // in the BTF string section
    uint32_t line, column;
} pst_object_line;

/// One entry program, with every subprogram that it reaches appended, relocated as far as this module can.
typedef struct pst_object_program {
    const char *name;       // the function's
    const char *section;    // as in the file, "?" included
    uint64_t section_off;   // of the function, in bytes
    bool autoload;          // false for sections that begin with "?"
    uint32_t prog_type, attach_type; // by section name; PST_PROG_UNSPEC and PST_ATTACH_NONE when it says nothing
    bool sleepable;
    const char *attach_target; // what follows the prefix: "sys_open", "eth0"; "" if nothing
    pst_slot *slots;        // after linking and, once pst_object_relocate ran, CO-RE
    uint32_t count;
    uint32_t own_count;     // slots of the function itself, without subprograms
    const pst_object_ref *refs; // by pc
    uint32_t ref_count;
    const pst_object_func *funcs; // by pc; [0] is the program
    uint32_t func_count;
    const pst_object_line *lines; // by pc
    uint32_t line_count;
} pst_object_program;

typedef struct pst_object_section {
    const char *name;
    uint32_t type;      // SHT_*
    uint64_t flags, offset, size;
} pst_object_section;

typedef struct pst_object {
    const char *file;    // as the caller named it, for messages
    const char *name;    // base name up to the first ".", libbpf's default object name
    const char *license; // "" when there is none
    uint32_t kernel_version;
    pst_object_section *sections;
    uint32_t section_count;
    pst_object_map *maps;
    uint32_t map_count;
    pst_object_program *programs;
    uint32_t program_count;
    pst_object_extern *externs;
    uint32_t extern_count;
    pst_btf *btf;        // NULL when the object has none
    const uint8_t *btf_bytes; // .BTF as in the file, fixed up as the loader needs (DATASEC sizes), NULL when none
    uint32_t btf_size;
    uint32_t core_count; // CO-RE relocations in the file
    pst_arena arena;     // owns everything above
    struct pst_object_internal *internal;
} pst_object;

typedef struct pst_object_options {
    size_t size;            // sizeof(pst_object_options)
    const char *file;       // for messages; NULL: "object"
    const char *name;       // overrides pst_object.name
} pst_object_options;

/// Reads an object: sections, maps, programs linked with their subprograms, references recorded, CO-RE not applied yet.
/// bytes are only read during the call. PST_E_FORMAT, PST_E_LIMIT, PST_E_NOMEM, PST_E_UNSUPPORTED after one sentence in env's log.
PST_MUST_USE pst_status pst_object_open(const pst_env *env, const void *bytes, size_t size, const pst_object_options *options, pst_object **out);
void pst_object_close(pst_object *object);

typedef struct pst_object_target {
    size_t size;            // sizeof(pst_object_target)
    const pst_btf *btf;     // the host's types for CO-RE and typed ksyms; NULL: none (an object that needs it is refused)
    /// Value of a CONFIG_* for .kconfig externs as text ("y", "m", "n", "123", "\"string\""), or NULL. LINUX_KERNEL_VERSION and
    /// LINUX_HAS_* are answered by this module from kernel_version.
    const char *(*kconfig)(void *user, const char *name);
    uint32_t kernel_version; // KERNEL_VERSION(a, b, c)
    /// Address of a typeless ksym, 0: unknown.
    uint64_t (*ksym)(void *user, const char *name);
    void *user;
    const pst_btf *const *modules; // split BTF on btf, for CO-RE relocations of types that btf has not
    uint32_t module_count;
    /// What a call of a kfunc holds on a host that numbers its functions itself, 0: it has none of that name. weak: the program can do without.
    /// NULL: btf says which functions there are.
    int32_t (*kfunc)(void *user, const char *name, bool weak);
} pst_object_target;

/// Applies CO-RE relocations and resolves externs in every program for which autoload is set; then patches their slots and fills
/// the .kconfig map. May be called once; target NULL: nothing is known of the host. A strong extern that no such program uses may be absent.
/// A weak extern that is absent resolves to 0, a call of it to an invalid helper call, as in libbpf; a CO-RE relocation that fails poisons its
/// instruction as libbpf does (an invalid helper call that names it) and the log says so at debug level.
PST_MUST_USE pst_status pst_object_relocate(pst_object *object, const pst_object_target *target);

/// -1 when there is none.
int32_t pst_object_find_map(const pst_object *object, const char *name);
int32_t pst_object_find_program(const pst_object *object, const char *name);

#endif
