// btf_api.c: btf.h's calls over the parser of src/object.
//
// btf__type_by_id must return the raw record, so the bytes are kept and indexed once; the parser has checked them before.
#include "api/api.h"
#include "pal/pal.h"

#define VMLINUX_BTF "/sys/kernel/btf/vmlinux"

struct btf {
    pst_btf *parsed;
    uint8_t *bytes;
    uint32_t size;
    const struct btf_type **types; // by id; [0] is void
    uint32_t count;
    const char *strings;
    uint32_t strings_size;
};

static const struct btf_type g_void;

// Bytes that follow a type's header.
static size_t type_tail(const struct btf_type *t)
{
    size_t n = btf_vlen(t);
    switch ((pst_btf_kind)btf_kind(t)) {
    case PST_BTF_INT:
    case PST_BTF_VAR:
    case PST_BTF_DECL_TAG: return 4;
    case PST_BTF_ARRAY: return 12;
    case PST_BTF_STRUCT:
    case PST_BTF_UNION:
    case PST_BTF_DATASEC:
    case PST_BTF_ENUM64: return n * 12;
    case PST_BTF_ENUM:
    case PST_BTF_FUNC_PROTO: return n * 8;
    case PST_BTF_VOID:
    case PST_BTF_PTR:
    case PST_BTF_FWD:
    case PST_BTF_TYPEDEF:
    case PST_BTF_VOLATILE:
    case PST_BTF_CONST:
    case PST_BTF_RESTRICT:
    case PST_BTF_FUNC:
    case PST_BTF_FLOAT:
    case PST_BTF_TYPE_TAG: return 0;
    }
    return 0;
}

// The header was checked by pst_btf_parse: both sections are inside the bytes.
static bool index_types(struct btf *btf)
{
    uint32_t header[6]; // magic and version, header length, type offset and length, string offset and length
    memcpy(header, btf->bytes, sizeof header);
    const uint8_t *types = btf->bytes + header[1] + header[2], *end = types + header[3];
    btf->strings = (const char *)btf->bytes + header[1] + header[4];
    btf->strings_size = header[5];
    btf->count = pst_btf_count(btf->parsed);
    btf->types = calloc(btf->count, sizeof *btf->types);
    if (!btf->types) return false;
    btf->types[0] = &g_void;
    for (uint32_t id = 1; id < btf->count && (size_t)(end - types) >= sizeof(struct btf_type); id++) {
        const void *at = types;
        btf->types[id] = at;
        types += sizeof(struct btf_type) + type_tail(btf->types[id]);
    }
    return true;
}

struct btf *api_btf_new(const void *bytes, size_t size, const char *what)
{
    if (size > UINT32_MAX) return api_fail_ptr(E2BIG, "%s: type information is larger than 4 GiB", what);
    struct btf *btf = calloc(1, sizeof *btf);
    if (!btf) return api_fail_ptr(ENOMEM, "%s: no memory for type information", what);
    pst_status status = pst_btf_parse(api_env(), bytes, size, what, &btf->parsed);
    if (status != PST_OK) {
        free(btf);
        return api_err_ptr(-api_errno_of(status));
    }
    btf->size = (uint32_t)size;
    btf->bytes = malloc(size);
    if (btf->bytes) memcpy(btf->bytes, bytes, size);
    if (!btf->bytes || !index_types(btf)) {
        btf__free(btf);
        return api_fail_ptr(ENOMEM, "%s: no memory for type information", what);
    }
    return btf;
}

const pst_btf *api_btf_parsed(const struct btf *btf)
{
    return btf ? btf->parsed : NULL;
}

struct btf *btf__new(const void *data, __u32 size)
{
    return api_btf_new(data, size, "BTF");
}

void btf__free(struct btf *btf)
{
    if (!btf) return;
    pst_btf_free(btf->parsed);
    free(btf->types);
    free(btf->bytes);
    free(btf);
}

// Reads a file that is raw BTF or, if elf, an object with a .BTF section.
static struct btf *parse_file(const char *path, bool raw, bool elf)
{
    uint8_t *bytes;
    size_t size;
    pst_status status = pst_pal_file_read(api_env(), path, PST_OBJECT_BYTES_MAX, &bytes, &size);
    if (status != PST_OK) return api_err_ptr(-api_errno_of(status));
    struct btf *btf = NULL;
    bool is_elf = size >= 4 && memcmp(bytes, "\177ELF", 4) == 0;
    if (!is_elf && raw) {
        btf = api_btf_new(bytes, size, path);
    } else if (is_elf && elf) {
        pst_object *object;
        pst_object_options options = {.size = sizeof options, .file = path};
        status = pst_object_open(api_env(), bytes, size, &options, &object);
        if (status != PST_OK)
            api_err(-api_errno_of(status));
        else if (!object->btf_bytes)
            api_fail(ENODATA, "%s: there is no .BTF section; compile with -g", path);
        else
            btf = api_btf_new(object->btf_bytes, object->btf_size, path);
        if (status == PST_OK) pst_object_close(object);
    } else {
        api_fail(EPROTO, "%s: this is %s, not %s", path, is_elf ? "an ELF file" : "no ELF file", is_elf ? "raw BTF" : "an object");
    }
    int saved = errno;
    pst_free(api_env(), bytes, size + 1);
    errno = saved;
    return btf;
}

struct btf *btf__parse(const char *path, struct btf_ext **btf_ext)
{
    if (btf_ext) return api_fail_ptr(EOPNOTSUPP, "%s: btf__parse does not hand out .BTF.ext", path);
    return parse_file(path, true, true);
}

struct btf *btf__parse_elf(const char *path, struct btf_ext **btf_ext)
{
    if (btf_ext) return api_fail_ptr(EOPNOTSUPP, "%s: btf__parse_elf does not hand out .BTF.ext", path);
    return parse_file(path, false, true);
}

struct btf *btf__parse_raw(const char *path)
{
    return parse_file(path, true, false);
}

struct btf *btf__load_vmlinux_btf(void)
{
    return btf__parse_raw(VMLINUX_BTF);
}

struct btf *libbpf_find_kernel_btf(void)
{
    return btf__load_vmlinux_btf();
}

__s32 btf__find_by_name(const struct btf *btf, const char *type_name)
{
    if (!type_name || !*type_name) return 0;
    for (uint32_t id = 1; id < btf->count; id++)
        if (strcmp(pst_btf_get(btf->parsed, id).name, type_name) == 0) return (__s32)id;
    return api_err(-ENOENT);
}

__s32 btf__find_by_name_kind(const struct btf *btf, const char *type_name, __u32 kind)
{
    if (kind == PST_BTF_VOID || !type_name || strcmp(type_name, "void") == 0) return 0;
    uint32_t id = pst_btf_find(btf->parsed, type_name, (pst_btf_kind)kind);
    return id ? (__s32)id : api_err(-ENOENT);
}

__u32 btf__type_cnt(const struct btf *btf)
{
    return btf->count;
}

const struct btf_type *btf__type_by_id(const struct btf *btf, __u32 id)
{
    if (id >= btf->count) return api_err_ptr(-EINVAL);
    return btf->types[id];
}

size_t btf__pointer_size(const struct btf *btf)
{
    return 8;
}

__s64 btf__resolve_size(const struct btf *btf, __u32 type_id)
{
    uint64_t size;
    if (type_id >= btf->count || !pst_btf_size(btf->parsed, type_id, &size)) return api_err(-EINVAL);
    return (__s64)size;
}

int btf__resolve_type(const struct btf *btf, __u32 type_id)
{
    if (type_id >= btf->count) return api_err(-EINVAL);
    return (int)pst_btf_strip(btf->parsed, type_id);
}

int btf__fd(const struct btf *btf)
{
    return -1;
}

const void *btf__raw_data(const struct btf *btf, __u32 *size)
{
    *size = btf->size;
    return btf->bytes;
}

const char *btf__str_by_offset(const struct btf *btf, __u32 offset)
{
    return offset < btf->strings_size ? btf->strings + offset : api_err_ptr(-EINVAL);
}

const char *btf__name_by_offset(const struct btf *btf, __u32 offset)
{
    return btf__str_by_offset(btf, offset);
}
