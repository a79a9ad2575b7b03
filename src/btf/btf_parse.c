// btf_parse.c: checks a BTF section once, so that whoever reads types later need not.
//
// Called by the loader for objects and by hosts for their own types. Invariant on success: each type record lies inside the section,
// each type id that it holds exists, each string offset points into the strings, which end with NUL, and no chain of typedefs,
// qualifiers and arrays is longer than PST_BTF_CHAIN_MAX (so there is no cycle of them). Structs may still contain themselves, by
// members or pointers: whoever descends into members counts depth and work.
//
// Source: the kernel's Documentation/bpf/btf.rst. What only the kernel's verifier asks (C identifiers, members inside of their
// struct, sizes of integers) is left to it: compilers other than clang break those rules in objects that are fine otherwise.
#include <string.h>

#include "base/cursor.h"
#include "btf/btf_internal.h"

typedef struct parser {
    pst_btf *btf;
    const char *what;
    uint32_t strings_end;  // first offset behind the strings
    uint32_t id;           // of the type that is being read
    uint32_t highest_ref;  // highest type id that any type holds, and who does
    uint32_t highest_ref_by;
} parser;

uint32_t btf_item_size(pst_btf_kind kind)
{
    switch (kind) {
    case PST_BTF_STRUCT:
    case PST_BTF_UNION:
    case PST_BTF_DATASEC:
    case PST_BTF_ENUM64: return 12;
    case PST_BTF_ENUM:
    case PST_BTF_FUNC_PROTO: return 8;
    case PST_BTF_VOID:
    case PST_BTF_INT:
    case PST_BTF_PTR:
    case PST_BTF_ARRAY:
    case PST_BTF_FWD:
    case PST_BTF_TYPEDEF:
    case PST_BTF_VOLATILE:
    case PST_BTF_CONST:
    case PST_BTF_RESTRICT:
    case PST_BTF_FUNC:
    case PST_BTF_VAR:
    case PST_BTF_FLOAT:
    case PST_BTF_DECL_TAG:
    case PST_BTF_TYPE_TAG: return 0;
    }
    return 0;
}

// Bytes behind the common record that do not depend on the count of items.
static uint32_t fixed_size(pst_btf_kind kind)
{
    if (kind == PST_BTF_ARRAY) return 12;
    return kind == PST_BTF_INT || kind == PST_BTF_VAR || kind == PST_BTF_DECL_TAG ? 4 : 0;
}

// Kinds whose third word is a type id.
static bool refers(pst_btf_kind kind)
{
    switch (kind) {
    case PST_BTF_PTR:
    case PST_BTF_TYPEDEF:
    case PST_BTF_VOLATILE:
    case PST_BTF_CONST:
    case PST_BTF_RESTRICT:
    case PST_BTF_FUNC:
    case PST_BTF_FUNC_PROTO:
    case PST_BTF_VAR:
    case PST_BTF_DECL_TAG:
    case PST_BTF_TYPE_TAG: return true;
    case PST_BTF_VOID:
    case PST_BTF_INT:
    case PST_BTF_ARRAY:
    case PST_BTF_STRUCT:
    case PST_BTF_UNION:
    case PST_BTF_ENUM:
    case PST_BTF_FWD:
    case PST_BTF_DATASEC:
    case PST_BTF_FLOAT:
    case PST_BTF_ENUM64: return false;
    }
    return false;
}

static pst_status malformed(const parser *p, const char *why)
{
    return pst_fail(p->btf->env, PST_E_FORMAT, "%s: BTF type %u %s", p->what, p->id, why);
}

static void note_ref(parser *p, uint32_t id)
{
    if (id <= p->highest_ref) return;
    p->highest_ref = id;
    p->highest_ref_by = p->id;
}

static pst_status check_datasec(const parser *p, const uint8_t *item)
{
    // They are handed out in bits.
    if (pst_load32(item + 4) > UINT32_MAX / 8 || pst_load32(item + 8) > UINT32_MAX / 8)
        return malformed(p, "is a data section larger than 512 MiB");
    return PST_OK;
}

static pst_status check_items(parser *p, pst_btf_kind kind, const uint8_t *items, uint32_t count)
{
    uint32_t step = btf_item_size(kind);
    uint32_t type_at = kind == PST_BTF_DATASEC ? 0 : 4;
    bool named = kind != PST_BTF_DATASEC;
    bool typed = kind != PST_BTF_ENUM && kind != PST_BTF_ENUM64;
    for (uint32_t i = 0; i < count; i++, items += step) {
        if (named && pst_load32(items) >= p->strings_end) return malformed(p, "has a member whose name lies outside of the strings");
        if (typed) note_ref(p, pst_load32(items + type_at));
        if (kind == PST_BTF_DATASEC) PST_TRY(check_datasec(p, items));
    }
    return PST_OK;
}

static pst_status check_type(parser *p, const uint8_t *type, pst_cursor *c)
{
    pst_btf_kind kind = (pst_btf_kind)BTF_KIND(btf_info(type));
    uint32_t step = btf_item_size(kind), count = step ? BTF_VLEN(btf_info(type)) : 0;
    const uint8_t *more;
    if (kind == PST_BTF_VOID || kind > PST_BTF_ENUM64) {
        return pst_fail(p->btf->env, PST_E_UNSUPPORTED, "%s: BTF type %u has kind %u, which is not known here", p->what, p->id, (unsigned)kind);
    }
    if (btf_name_off(type) >= p->strings_end) return malformed(p, "has a name outside of the strings");
    if (!pst_cursor_bytes(c, fixed_size(kind) + (uint64_t)step * count, &more)) return malformed(p, "is cut off by the end of the types");
    if (refers(kind)) note_ref(p, btf_size_or_type(type));
    if (kind == PST_BTF_ARRAY) {
        note_ref(p, pst_load32(more));
        note_ref(p, pst_load32(more + 4));
        return PST_OK;
    }
    return check_items(p, kind, more, count);
}

// Finds each type and checks all that one can be checked for alone.
static pst_status read_types(parser *p)
{
    pst_btf *btf = p->btf;
    pst_cursor c = pst_cursor_make(btf->types, btf->types_size);
    while (pst_cursor_left(&c) > 0) {
        uint32_t offset = (uint32_t)c.pos;
        const uint8_t *type;
        p->id = btf->count;
        if (!pst_cursor_bytes(&c, BTF_TYPE_SIZE, &type)) return malformed(p, "is cut off by the end of the types");
        PST_TRY(check_type(p, type, &c));
        if (btf->count == PST_BTF_TYPES_MAX) {
            return pst_fail(btf->env, PST_E_LIMIT, "%s: BTF with more than %u types", p->what, PST_BTF_TYPES_MAX);
        }
        PST_TRY(pst_grow(btf->env, &btf->offsets, &btf->offsets_capacity, (size_t)(btf->count - btf->first) + 1, sizeof *btf->offsets));
        btf->offsets[btf->count++ - btf->first] = offset;
    }
    if (p->highest_ref >= btf->count) {
        return pst_fail(btf->env, PST_E_FORMAT, "%s: BTF type %u refers to type %u, but the last one is %u", p->what, p->highest_ref_by,
                        p->highest_ref, btf->count - 1);
    }
    return PST_OK;
}

// The type that a type is made of without adding members: what a strip or a size follows. False: it ends here.
static bool chain_next(const uint8_t *type, uint32_t *id)
{
    pst_btf_kind kind = (pst_btf_kind)BTF_KIND(btf_info(type));
    if (kind == PST_BTF_ARRAY) *id = pst_load32(type + BTF_TYPE_SIZE);
    else if (refers(kind) && kind != PST_BTF_PTR && kind != PST_BTF_FUNC && kind != PST_BTF_FUNC_PROTO) *id = btf_size_or_type(type);
    else return false;
    return true;
}

static pst_status check_chains(parser *p)
{
    for (p->id = p->btf->first; p->id < p->btf->count; p->id++) {
        uint32_t at = p->id, length = 0;
        while (at != 0 && chain_next(btf_at(p->btf, at), &at)) {
            if (++length > PST_BTF_CHAIN_MAX) return malformed(p, "is a typedef, qualifier or array of itself, or of too many others");
        }
    }
    return PST_OK;
}

static pst_status read_strings(parser *p, pst_cursor section)
{
    pst_btf *btf = p->btf;
    btf->strings = (const char *)section.bytes;
    btf->strings_size = (uint32_t)section.size;
    if (PST_ADD_OVERFLOW(btf->strings_first, btf->strings_size, &p->strings_end)) {
        return pst_fail(btf->env, PST_E_LIMIT, "%s: BTF strings of more than 4 GiB", p->what);
    }
    if (btf->base && btf->strings_size == 0) return PST_OK;
    if (btf->strings_size == 0 || btf->strings[btf->strings_size - 1] != 0 || (!btf->base && btf->strings[0] != 0)) {
        return pst_fail(btf->env, PST_E_FORMAT, "%s: the BTF strings do not begin and end with NUL", p->what);
    }
    return PST_OK;
}

// Header: magic u16, version u8, flags u8, header length, then offset and length of types and of strings, from the header's end.
static pst_status read_header(parser *p, pst_cursor *types, pst_cursor *strings)
{
    pst_btf *btf = p->btf;
    pst_cursor c = pst_cursor_make(btf->bytes, btf->size), body;
    uint16_t magic = 0;
    uint8_t version = 0, flags = 0;
    uint32_t length = 0, type_off = 0, type_len = 0, str_off = 0, str_len = 0;
    bool whole = pst_cursor_u16(&c, &magic) && pst_cursor_u8(&c, &version) && pst_cursor_u8(&c, &flags) && pst_cursor_u32(&c, &length) &&
                 pst_cursor_u32(&c, &type_off) && pst_cursor_u32(&c, &type_len) && pst_cursor_u32(&c, &str_off) && pst_cursor_u32(&c, &str_len);
    if (!whole) return pst_fail(btf->env, PST_E_FORMAT, "%s: %zu bytes are too few for a BTF header", p->what, btf->size);
    if (magic == PST_BSWAP16(BTF_MAGIC)) return pst_fail(btf->env, PST_E_UNSUPPORTED, "%s: the BTF is big-endian", p->what);
    if (magic != BTF_MAGIC) return pst_fail(btf->env, PST_E_FORMAT, "%s: not BTF: it begins with 0x%04x, not 0xeb9f", p->what, magic);
    if (version != 1) return pst_fail(btf->env, PST_E_UNSUPPORTED, "%s: BTF version %u, only 1 is known", p->what, version);
    if (length < BTF_HEADER_SIZE || !pst_cursor_slice(c, length, btf->size - (length < btf->size ? length : btf->size), &body)) {
        return pst_fail(btf->env, PST_E_FORMAT, "%s: a BTF header of %u bytes does not fit", p->what, length);
    }
    if (type_off % 4 != 0) return pst_fail(btf->env, PST_E_FORMAT, "%s: the BTF types begin at %u, which is not a multiple of 4", p->what, type_off);
    if (!pst_cursor_slice(body, type_off, type_len, types) || !pst_cursor_slice(body, str_off, str_len, strings)) {
        return pst_fail(btf->env, PST_E_FORMAT, "%s: the BTF header puts types or strings behind the end", p->what);
    }
    if ((uint64_t)type_off + type_len > str_off) return pst_fail(btf->env, PST_E_FORMAT, "%s: BTF types and strings overlap", p->what);
    return PST_OK;
}

static pst_status parse(parser *p, const void *bytes, size_t size)
{
    pst_btf *btf = p->btf;
    pst_cursor types, strings;
    if (size > PST_BTF_BYTES_MAX) return pst_fail(btf->env, PST_E_LIMIT, "%s: BTF of more than %u bytes", p->what, PST_BTF_BYTES_MAX);
    btf->bytes = pst_alloc(btf->env, size);
    if (!btf->bytes) return PST_E_NOMEM;
    btf->size = size;
    if (size > 0) memcpy(btf->bytes, bytes, size);
    PST_TRY(read_header(p, &types, &strings));
    btf->types = types.bytes;
    btf->types_size = (uint32_t)types.size;
    PST_TRY(read_strings(p, strings));
    PST_TRY(read_types(p));
    PST_TRY(check_chains(p));
    btf->pointer_size = btf->base ? btf->base->pointer_size : btf_guess_pointer(btf);
    return btf_index(btf);
}

pst_status pst_btf_parse_split(const pst_env *env, const pst_btf *base, const void *bytes, size_t size, const char *what, pst_btf **out)
{
    pst_btf *btf = pst_alloc_zero(env, 1, sizeof *btf);
    *out = NULL;
    if (!btf) return pst_fail(env, PST_E_NOMEM, "%s: no memory for its BTF", what);
    btf->env = env;
    btf->base = base;
    btf->first = btf->count = base ? base->count : 1;
    btf->strings_first = base ? base->strings_first + base->strings_size : 0;
    parser p = {.btf = btf, .what = what};
    pst_status status = parse(&p, bytes, size);
    if (status == PST_E_NOMEM) pst_log(env, PST_LOG_ERROR, "%s: no memory for its BTF", what);
    if (status != PST_OK) pst_btf_free(btf);
    else *out = btf;
    return status;
}

pst_status pst_btf_parse(const pst_env *env, const void *bytes, size_t size, const char *what, pst_btf **out)
{
    return pst_btf_parse_split(env, NULL, bytes, size, what, out);
}

void pst_btf_free(pst_btf *btf)
{
    if (!btf) return;
    const pst_env *env = btf->env;
    size_t own = btf->count - btf->first;
    pst_free(env, btf->bytes, btf->size);
    pst_free(env, btf->offsets, btf->offsets_capacity * sizeof *btf->offsets);
    pst_free(env, btf->heads, btf->bucket_count * sizeof *btf->heads);
    pst_free(env, btf->nexts, own * sizeof *btf->nexts);
    pst_free(env, btf, sizeof *btf);
}
