// btf.c: looking things up in parsed BTF.
//
// Everything here relies on what btf_parse.c checked, takes constant time but for hash chains, and allocates nothing after parsing.
#include <string.h>

#include "base/hash.h"
#include "btf/btf_internal.h"

uint32_t pst_btf_count(const pst_btf *btf)
{
    return btf->count;
}

uint32_t pst_btf_first(const pst_btf *btf)
{
    return btf->first;
}

uint32_t pst_btf_pointer_size(const pst_btf *btf)
{
    return btf->pointer_size;
}

void pst_btf_set_pointer_size(pst_btf *btf, uint32_t bytes)
{
    btf->pointer_size = bytes;
}

const char *pst_btf_string(const pst_btf *btf, uint32_t off)
{
    while (off < btf->strings_first && btf->base) btf = btf->base;
    if (off < btf->strings_first || off - btf->strings_first >= btf->strings_size) return "";
    return btf->strings + (off - btf->strings_first);
}

pst_btf_type pst_btf_get(const pst_btf *btf, uint32_t id)
{
    if (id == 0) return (pst_btf_type){.name = ""};
    const uint8_t *at = btf_at(btf, id);
    const uint8_t *more = at + BTF_TYPE_SIZE;
    uint32_t info = btf_info(at), word = btf_size_or_type(at);
    pst_btf_type type = {.id = id, .kind = (pst_btf_kind)BTF_KIND(info), .kind_flag = BTF_KFLAG(info), .name = pst_btf_string(btf, btf_name_off(at))};
    switch (type.kind) {
    case PST_BTF_INT:
        type.size = word;
        type.int_bits = more[0];
        type.int_offset = more[2];
        type.int_encoding = more[3] & 0x0f;
        break;
    case PST_BTF_ARRAY:
        type.type = pst_load32(more);
        type.index_type = pst_load32(more + 4);
        type.count = pst_load32(more + 8);
        break;
    case PST_BTF_STRUCT:
    case PST_BTF_UNION:
    case PST_BTF_ENUM:
    case PST_BTF_ENUM64:
    case PST_BTF_DATASEC:
        type.size = word;
        type.count = BTF_VLEN(info);
        break;
    case PST_BTF_FLOAT: type.size = word; break;
    case PST_BTF_FUNC_PROTO:
        type.type = word;
        type.count = BTF_VLEN(info);
        break;
    case PST_BTF_FUNC:
        type.type = word;
        type.linkage = BTF_VLEN(info);
        break;
    case PST_BTF_VAR:
        type.type = word;
        type.linkage = pst_load32(more);
        break;
    case PST_BTF_DECL_TAG:
        type.type = word;
        type.component = (int32_t)pst_load32(more);
        break;
    case PST_BTF_PTR:
    case PST_BTF_TYPEDEF:
    case PST_BTF_VOLATILE:
    case PST_BTF_CONST:
    case PST_BTF_RESTRICT:
    case PST_BTF_TYPE_TAG: type.type = word; break;
    case PST_BTF_VOID:
    case PST_BTF_FWD: break;
    }
    return type;
}

pst_btf_member pst_btf_member_at(const pst_btf *btf, uint32_t id, uint32_t index)
{
    const uint8_t *at = btf_at(btf, id);
    uint32_t info = btf_info(at);
    pst_btf_kind kind = (pst_btf_kind)BTF_KIND(info);
    const uint8_t *item = at + BTF_TYPE_SIZE + (size_t)index * btf_item_size(kind);
    pst_btf_member member = {.name = ""};
    if (kind == PST_BTF_DATASEC) {
        member.type = pst_load32(item);
        member.name = pst_btf_get(btf, member.type).name;
        member.bit_offset = pst_load32(item + 4) * 8;
        member.bit_size = pst_load32(item + 8) * 8;
        return member;
    }
    member.name = pst_btf_string(btf, pst_load32(item));
    uint32_t word = pst_load32(item + 4);
    if (kind == PST_BTF_ENUM) member.value = BTF_KFLAG(info) ? (int32_t)word : (int64_t)word;
    else if (kind == PST_BTF_ENUM64) member.value = (int64_t)((uint64_t)pst_load32(item + 8) << 32 | word);
    else member.type = word;
    if (kind == PST_BTF_STRUCT || kind == PST_BTF_UNION) {
        uint32_t place = pst_load32(item + 8);
        member.bit_offset = BTF_KFLAG(info) ? place & 0xffffffu : place;
        member.bit_size = BTF_KFLAG(info) ? place >> 24 : 0;
    }
    return member;
}

static bool is_modifier(pst_btf_kind kind)
{
    return kind == PST_BTF_TYPEDEF || kind == PST_BTF_VOLATILE || kind == PST_BTF_CONST || kind == PST_BTF_RESTRICT || kind == PST_BTF_TYPE_TAG;
}

uint32_t pst_btf_strip(const pst_btf *btf, uint32_t id)
{
    while (id != 0) {
        const uint8_t *at = btf_at(btf, id);
        if (!is_modifier((pst_btf_kind)BTF_KIND(btf_info(at)))) break;
        id = btf_size_or_type(at);
    }
    return id;
}

bool pst_btf_size(const pst_btf *btf, uint32_t id, uint64_t *out)
{
    uint64_t count = 1, size = 0;
    for (;;) {
        pst_btf_type type = pst_btf_get(btf, id);
        switch (type.kind) {
        case PST_BTF_INT:
        case PST_BTF_STRUCT:
        case PST_BTF_UNION:
        case PST_BTF_ENUM:
        case PST_BTF_ENUM64:
        case PST_BTF_FLOAT:
        case PST_BTF_DATASEC: size = type.size; break;
        case PST_BTF_PTR: size = btf->pointer_size; break;
        case PST_BTF_ARRAY:
            if (PST_MUL_OVERFLOW(count, (uint64_t)type.count, &count)) return false;
            id = type.type;
            continue;
        case PST_BTF_TYPEDEF:
        case PST_BTF_VOLATILE:
        case PST_BTF_CONST:
        case PST_BTF_RESTRICT:
        case PST_BTF_TYPE_TAG:
        case PST_BTF_VAR:
        case PST_BTF_DECL_TAG: id = type.type; continue;
        case PST_BTF_VOID:
        case PST_BTF_FWD:
        case PST_BTF_FUNC:
        case PST_BTF_FUNC_PROTO: return false;
        }
        // More than 4 GiB is nonsense (libbpf says so too), and callers may count in bits.
        if (PST_MUL_OVERFLOW(count, size, out)) return false;
        return *out <= UINT32_MAX;
    }
}

size_t pst_btf_essential_length(const char *name)
{
    // The last "X___Y" with neither X nor Y an underscore; what stands before it must not be empty.
    size_t length = strlen(name);
    for (size_t i = length; i >= 5; i--) {
        const char *at = name + i - 5;
        if (at[1] == '_' && at[2] == '_' && at[3] == '_' && at[0] != '_' && at[4] != '_') return i - 4;
    }
    return length;
}

static uint32_t bucket_of(const pst_btf *btf, const char *name, size_t length)
{
    uint64_t hash = pst_hash_plain(name, length);
    return (uint32_t)(hash ^ hash >> 32) & (btf->bucket_count - 1);
}

pst_status btf_index(pst_btf *btf)
{
    uint32_t own = btf->count - btf->first;
    uint32_t buckets = 16;
    while (buckets < own) buckets *= 2;
    btf->heads = pst_alloc_zero(btf->env, buckets, sizeof *btf->heads);
    if (!btf->heads) return PST_E_NOMEM;
    btf->bucket_count = buckets;
    btf->nexts = pst_alloc_zero(btf->env, own, sizeof *btf->nexts);
    if (!btf->nexts) return PST_E_NOMEM;
    // From the last to the first, so that chains ascend.
    for (uint32_t id = btf->count; id-- > btf->first;) {
        const char *name = pst_btf_string(btf, btf_name_off(btf_at(btf, id)));
        if (!*name) continue;
        uint32_t bucket = bucket_of(btf, name, pst_btf_essential_length(name));
        btf->nexts[id - btf->first] = btf->heads[bucket];
        btf->heads[bucket] = id;
    }
    return PST_OK;
}

uint32_t pst_btf_next_flavor(const pst_btf *btf, const char *name, size_t length, uint32_t previous)
{
    uint32_t id = previous ? btf->nexts[previous - btf->first] : btf->heads[bucket_of(btf, name, length)];
    for (; id != 0; id = btf->nexts[id - btf->first]) {
        const char *found = pst_btf_string(btf, btf_name_off(btf_at(btf, id)));
        if (strncmp(found, name, length) == 0 && pst_btf_essential_length(found) == length) break;
    }
    return id;
}

uint32_t pst_btf_find(const pst_btf *btf, const char *name, pst_btf_kind kind)
{
    if (!*name) return 0;
    if (btf->base) {
        uint32_t found = pst_btf_find(btf->base, name, kind);
        if (found) return found;
    }
    size_t length = pst_btf_essential_length(name);
    uint32_t id = 0;
    while ((id = pst_btf_next_flavor(btf, name, length, id)) != 0) {
        const uint8_t *at = btf_at(btf, id);
        if (BTF_KIND(btf_info(at)) == (uint32_t)kind && strcmp(pst_btf_string(btf, btf_name_off(at)), name) == 0) break;
    }
    return id;
}

uint32_t btf_guess_pointer(const pst_btf *btf)
{
    static const char *const names[] = {"long",
                                        "long int",
                                        "int long",
                                        "unsigned long",
                                        "long unsigned",
                                        "unsigned long int",
                                        "unsigned int long",
                                        "long unsigned int",
                                        "long int unsigned",
                                        "int unsigned long",
                                        "int long unsigned"};
    for (uint32_t id = btf->first; id < btf->count; id++) {
        const uint8_t *at = btf_at(btf, id);
        if (BTF_KIND(btf_info(at)) != PST_BTF_INT) continue;
        uint32_t size = btf_size_or_type(at);
        if (size != 4 && size != 8) continue;
        for (size_t i = 0; i < PST_COUNT(names); i++)
            if (strcmp(pst_btf_string(btf, btf_name_off(at)), names[i]) == 0) return size;
    }
    return 8;
}
