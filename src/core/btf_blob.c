// btf_blob.c: BTF_LOAD: type information that programs and maps refer to.
//
// The core keeps the bytes and hands them out again. It parses them too: the verifier reads the signatures of global functions and the fields of
// map values.
#include "core/internal.h"

#include "base/bits.h"
#include "btf/btf.h"

#define BTF_MAGIC 0xeb9fu
#define BTF_HEADER_SIZE 24u
#define BTF_SIZE_MAX (16u << 20) // Linux's BTF_MAX_SIZE

static const char *header_fault(const uint8_t *bytes, uint32_t size)
{
    if (size < BTF_HEADER_SIZE) return "it is shorter than a header";
    if (pst_load16(bytes) != BTF_MAGIC) return "the magic number is not 0xeb9f";
    if (bytes[2] != 1) return "the version is not 1";
    uint32_t header = pst_load32(bytes + 4), types = pst_load32(bytes + 8), types_size = pst_load32(bytes + 12);
    uint32_t strings = pst_load32(bytes + 16), strings_size = pst_load32(bytes + 20);
    if (header < BTF_HEADER_SIZE || header > size) return "the header's length is impossible";
    uint64_t body = size - header;
    if ((uint64_t)types + types_size > body || (uint64_t)strings + strings_size > body) return "a section lies outside of the data";
    const char *text = (const char *)bytes + header + strings;
    if (strings_size == 0 || text[0] != '\0' || text[strings_size - 1] != '\0') return "the strings do not begin and end with NUL";
    return NULL;
}

int64_t core_cmd_btf_load(core_call *call)
{
    const pst_bpf_attr *attr = call->attr;
    const uint8_t *bytes = CORE_POINTER(const uint8_t *, attr->btf);
    if (attr->btf_flags || attr->btf_token_fd) return core_refuse(call, PST_EINVAL, "btf_flags and btf_token_fd must be 0");
    if (attr->btf_size > BTF_SIZE_MAX) return core_refuse(call, PST_E2BIG, "btf_size is %u, more than %u", attr->btf_size, BTF_SIZE_MAX);
    if (!bytes) return core_refuse(call, PST_EFAULT, "btf is NULL");
    const char *fault = header_fault(bytes, attr->btf_size);
    if (fault) return core_refuse(call, PST_EINVAL, "this is no BTF: %s", fault);
    core_btf *btf = pst_alloc_zero(&call->core->env, 1, sizeof *btf);
    if (!btf) return core_refuse(call, PST_ENOMEM, "no memory for BTF");
    btf->object.core = call->core;
    btf->object.kind = OBJECT_BTF;
    btf->size = attr->btf_size;
    btf->bytes = pst_alloc(&call->core->env, btf->size);
    if (btf->bytes) memcpy(btf->bytes, bytes, btf->size);
    core_errors_clear();
    pst_status status = btf->bytes ? pst_btf_parse(&call->core->env, btf->bytes, btf->size, "the BTF given", &btf->types) : PST_OK;
    if (status == PST_E_FORMAT || status == PST_E_LIMIT) {
        core_btf_free(&btf->object);
        return core_refuse(call, PST_EINVAL, "%s", core_errors_last());
    }
    if (status != PST_OK || !btf->bytes || !core_object_register(&btf->object)) {
        core_btf_free(&btf->object);
        return core_refuse(call, PST_ENOMEM, "no memory for %u bytes of BTF", attr->btf_size);
    }
    int64_t fd = core_handle_add(call->client, &btf->object, HANDLE_READ | HANDLE_WRITE);
    return fd < 0 ? core_refuse(call, (int)-fd, "no room for another handle: close some") : fd;
}

void core_btf_free(core_object *object)
{
    core_btf *btf = core_btf_of(object);
    const pst_env *env = core_object_env(object);
    pst_btf_free(btf->types);
    pst_free(env, btf->bytes, btf->size);
    pst_free(env, btf, sizeof *btf);
}
