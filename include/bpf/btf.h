/// btf.h: reading BTF type information with libbpf's calls.
///
/// Only reading: composing and deduplicating BTF is the toolchain's work. A struct btf does not change once made, so threads may share it.
#ifndef POSTERN_BPF_BTF_H
#define POSTERN_BPF_BTF_H

#include <stdarg.h>
#include <stdbool.h>

#include <bpf/libbpf_common.h>
#ifndef POSTERN_LIBBPF_UAPI_H
#include <linux/btf.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define BTF_ELF_SEC ".BTF"
#define BTF_EXT_ELF_SEC ".BTF.ext"
#define MAPS_ELF_SEC ".maps"

struct btf;
struct btf_ext;
struct btf_type;

/// Parses raw BTF (copied). NULL and errno on malformed data.
LIBBPF_API struct btf *btf__new(const void *data, __u32 size);
LIBBPF_API void btf__free(struct btf *btf);
/// From an ELF object's .BTF section or a file of raw BTF. btf_ext must be NULL.
LIBBPF_API struct btf *btf__parse(const char *path, struct btf_ext **btf_ext);
LIBBPF_API struct btf *btf__parse_elf(const char *path, struct btf_ext **btf_ext);
LIBBPF_API struct btf *btf__parse_raw(const char *path);
/// The host kernel's types, where the host shows them (/sys/kernel/btf/vmlinux).
LIBBPF_API struct btf *btf__load_vmlinux_btf(void);
LIBBPF_API struct btf *libbpf_find_kernel_btf(void);
/// A type's id, or -ENOENT. Id 0 is void.
LIBBPF_API __s32 btf__find_by_name(const struct btf *btf, const char *type_name);
LIBBPF_API __s32 btf__find_by_name_kind(const struct btf *btf, const char *type_name, __u32 kind);
/// Number of types, void included.
LIBBPF_API __u32 btf__type_cnt(const struct btf *btf);
LIBBPF_API const struct btf_type *btf__type_by_id(const struct btf *btf, __u32 id);
LIBBPF_API size_t btf__pointer_size(const struct btf *btf);
LIBBPF_API __s64 btf__resolve_size(const struct btf *btf, __u32 type_id);
/// Strips typedefs and qualifiers.
LIBBPF_API int btf__resolve_type(const struct btf *btf, __u32 type_id);
LIBBPF_API int btf__fd(const struct btf *btf);
LIBBPF_API const void *btf__raw_data(const struct btf *btf, __u32 *size);
LIBBPF_API const char *btf__name_by_offset(const struct btf *btf, __u32 offset);
LIBBPF_API const char *btf__str_by_offset(const struct btf *btf, __u32 offset);

static inline __u16 btf_kind(const struct btf_type *t) { return (__u16)((t->info >> 24) & 0x1f); }
static inline __u16 btf_vlen(const struct btf_type *t) { return (__u16)(t->info & 0xffff); }
static inline bool btf_kflag(const struct btf_type *t) { return t->info >> 31; }
static inline bool btf_is_void(const struct btf_type *t) { return btf_kind(t) == 0; }
static inline bool btf_is_int(const struct btf_type *t) { return btf_kind(t) == 1; }
static inline bool btf_is_ptr(const struct btf_type *t) { return btf_kind(t) == 2; }
static inline bool btf_is_array(const struct btf_type *t) { return btf_kind(t) == 3; }
static inline bool btf_is_struct(const struct btf_type *t) { return btf_kind(t) == 4; }
static inline bool btf_is_union(const struct btf_type *t) { return btf_kind(t) == 5; }
static inline bool btf_is_composite(const struct btf_type *t) { return btf_is_struct(t) || btf_is_union(t); }
static inline bool btf_is_enum(const struct btf_type *t) { return btf_kind(t) == 6; }
static inline bool btf_is_fwd(const struct btf_type *t) { return btf_kind(t) == 7; }
static inline bool btf_is_typedef(const struct btf_type *t) { return btf_kind(t) == 8; }
static inline bool btf_is_func(const struct btf_type *t) { return btf_kind(t) == 12; }
static inline bool btf_is_func_proto(const struct btf_type *t) { return btf_kind(t) == 13; }
static inline bool btf_is_var(const struct btf_type *t) { return btf_kind(t) == 14; }
static inline bool btf_is_datasec(const struct btf_type *t) { return btf_kind(t) == 15; }
static inline bool btf_is_enum64(const struct btf_type *t) { return btf_kind(t) == 19; }
static inline struct btf_array *btf_array(const struct btf_type *t) { return (struct btf_array *)(t + 1); }
static inline struct btf_enum *btf_enum(const struct btf_type *t) { return (struct btf_enum *)(t + 1); }
static inline struct btf_member *btf_members(const struct btf_type *t) { return (struct btf_member *)(t + 1); }
static inline struct btf_param *btf_params(const struct btf_type *t) { return (struct btf_param *)(t + 1); }
static inline struct btf_var *btf_var(const struct btf_type *t) { return (struct btf_var *)(t + 1); }
static inline struct btf_var_secinfo *btf_var_secinfos(const struct btf_type *t) { return (struct btf_var_secinfo *)(t + 1); }
/// Offset of a member in bits.
static inline __u32 btf_member_bit_offset(const struct btf_type *t, __u32 member_idx)
{
    __u32 offset = btf_members(t)[member_idx].offset;
    return btf_kflag(t) ? offset & 0xffffff : offset;
}
static inline __u32 btf_member_bitfield_size(const struct btf_type *t, __u32 member_idx)
{
    return btf_kflag(t) ? btf_members(t)[member_idx].offset >> 24 : 0;
}

#ifdef __cplusplus
}
#endif

#endif
