// btf_internal.h: how a parsed BTF lies in memory. For btf*.c only.
//
// The file's bytes stay as they are; what is added is the place of each type and a hash index of names. Every offset that is read
// later was checked by btf_parse.c, so accessors do not check again.
#ifndef PST_BTF_INTERNAL_H
#define PST_BTF_INTERNAL_H

#include "base/bits.h"
#include "btf/btf.h"

#define BTF_MAGIC 0xeb9fu
#define BTF_HEADER_SIZE 24u // through str_len; longer ones are of later versions
#define BTF_TYPE_SIZE 12u   // name_off, info, size or type; what the kind adds follows

// info: vlen in the low 16 bits, kind in 24..28, kind_flag in 31.
#define BTF_VLEN(info) ((info) & 0xffffu)
#define BTF_KIND(info) ((info) >> 24 & 0x1fu)
#define BTF_KFLAG(info) ((info) >> 31 != 0)

struct pst_btf {
    const pst_env *env;
    const pst_btf *base;   // NULL, or what this one continues
    uint8_t *bytes;        // the whole section, owned
    size_t size;
    const uint8_t *types;  // inside bytes
    uint32_t types_size;
    const char *strings;   // inside bytes, ends with NUL
    uint32_t strings_size;
    uint32_t strings_first; // offset of strings[0]: 0, or where the base's strings end
    uint32_t first, count;  // own ids are first to count - 1
    uint32_t *offsets;      // into types, by id - first
    size_t offsets_capacity;
    uint32_t *heads;        // bucket -> lowest own id with that hash, 0: none
    uint32_t bucket_count;  // power of two
    uint32_t *nexts;        // by id - first: next id in the bucket, ascending
    uint32_t pointer_size;
};

// The BTF that holds id, and where.
PST_INLINE const uint8_t *btf_at(const pst_btf *btf, uint32_t id)
{
    while (id < btf->first && btf->base) btf = btf->base;
    return btf->types + btf->offsets[id - btf->first];
}

PST_INLINE uint32_t btf_name_off(const uint8_t *type) { return pst_load32(type); }
PST_INLINE uint32_t btf_info(const uint8_t *type) { return pst_load32(type + 4); }
PST_INLINE uint32_t btf_size_or_type(const uint8_t *type) { return pst_load32(type + 8); }

// Bytes of one member, enumerator, parameter or variable of this kind; 0: has none.
uint32_t btf_item_size(pst_btf_kind kind);
// PST_E_NOMEM is the only failure; nothing is logged.
PST_MUST_USE pst_status btf_index(pst_btf *btf);
// 4 or 8 by the name and size of "long".
uint32_t btf_guess_pointer(const pst_btf *btf);
// Appends a name from the file so that it cannot steer a terminal.
void btf_add_name(pst_text *out, const char *name);
// "struct ", "union ", "enum " or "".
const char *btf_tag(const pst_btf_type *type);
// Writes the type that a declaration is made of ("struct sock", "u32"), without pointers and the like.
typedef struct btf_base_writer {
    void (*write)(void *user, uint32_t id);
    void *user;
} btf_base_writer;
// A declaration of name (may be "") with this type: "int (*name)(void)". writer NULL: the plain name.
void btf_declare(const pst_btf *btf, uint32_t id, const char *name, const btf_base_writer *writer, pst_text *out);

#endif
