// btf_type_text.c: types in C's spelling: "const char *[16]", "int (*)(struct sock *, u32)".
//
// Called by whoever explains a type to people, and by the C dumper for declarations. Types from hostile files may be endless (a pointer to
// itself, functions of functions), so depth and length are limited; what is cut shows as "...".
#include <string.h>

#include "btf/btf_internal.h"

#define CHAIN_MAX 64u    // pointers, arrays, qualifiers and functions around one type
#define NEST_MAX 8u      // functions as parameters of functions
#define TEXT_MAX 4096u

typedef struct declarer {
    const pst_btf *btf;
    pst_text *out;
    size_t start;
    const btf_base_writer *writer; // or NULL
} declarer;

// From the outermost type to what it is made of.
typedef struct chain {
    uint32_t ids[CHAIN_MAX];
    uint32_t length;
    bool endless;
} chain;

void btf_add_name(pst_text *out, const char *name)
{
    size_t plain = 0;
    while (name[plain] && (uint8_t)name[plain] >= 0x20 && name[plain] != 0x7f) plain++;
    pst_text_bytes(out, name, plain);
    for (name += plain; *name; name++) {
        if ((uint8_t)*name < 0x20 || *name == 0x7f) pst_text_add(out, "?");
        else pst_text_bytes(out, name, 1);
    }
}

static bool is_qualifier(pst_btf_kind kind)
{
    return kind == PST_BTF_CONST || kind == PST_BTF_VOLATILE || kind == PST_BTF_RESTRICT;
}

// What a type wraps; false where the chain ends.
static bool wraps(const pst_btf_type *type)
{
    switch (type->kind) {
    case PST_BTF_PTR:
    case PST_BTF_ARRAY:
    case PST_BTF_VOLATILE:
    case PST_BTF_CONST:
    case PST_BTF_RESTRICT:
    case PST_BTF_FUNC_PROTO:
    case PST_BTF_FUNC:
    case PST_BTF_VAR:
    case PST_BTF_DECL_TAG:
    case PST_BTF_TYPE_TAG: return true;
    case PST_BTF_VOID:
    case PST_BTF_INT:
    case PST_BTF_STRUCT:
    case PST_BTF_UNION:
    case PST_BTF_ENUM:
    case PST_BTF_FWD:
    case PST_BTF_TYPEDEF:
    case PST_BTF_DATASEC:
    case PST_BTF_FLOAT:
    case PST_BTF_ENUM64: return false;
    }
    return false;
}

static void collect(const pst_btf *btf, uint32_t id, chain *out)
{
    *out = (chain){.ids = {id}, .length = 1};
    for (pst_btf_type type = pst_btf_get(btf, id); wraps(&type); type = pst_btf_get(btf, type.type)) {
        if (out->length == CHAIN_MAX) {
            out->endless = true;
            return;
        }
        out->ids[out->length++] = type.type;
    }
}

static pst_btf_kind kind_at(const declarer *d, const chain *c, uint32_t index)
{
    return pst_btf_get(d->btf, c->ids[index]).kind;
}

// A pointer to an array or a function needs parentheses.
static bool needs_parens(const declarer *d, const chain *c, uint32_t index)
{
    for (uint32_t i = index + 1; i < c->length; i++) {
        pst_btf_kind kind = kind_at(d, c, i);
        if (is_qualifier(kind) || kind == PST_BTF_TYPE_TAG) continue;
        return kind == PST_BTF_ARRAY || kind == PST_BTF_FUNC_PROTO;
    }
    return false;
}

static void add_qualifier(pst_text *out, pst_btf_kind kind)
{
    pst_text_add(out, kind == PST_BTF_CONST ? "const" : kind == PST_BTF_VOLATILE ? "volatile" : "restrict");
}

const char *btf_tag(const pst_btf_type *type)
{
    switch (type->kind) {
    case PST_BTF_STRUCT: return "struct ";
    case PST_BTF_UNION: return "union ";
    case PST_BTF_ENUM:
    case PST_BTF_ENUM64: return "enum ";
    case PST_BTF_FWD: return type->kind_flag ? "union " : "struct ";
    case PST_BTF_VOID:
    case PST_BTF_INT:
    case PST_BTF_PTR:
    case PST_BTF_ARRAY:
    case PST_BTF_TYPEDEF:
    case PST_BTF_VOLATILE:
    case PST_BTF_CONST:
    case PST_BTF_RESTRICT:
    case PST_BTF_FUNC:
    case PST_BTF_FUNC_PROTO:
    case PST_BTF_VAR:
    case PST_BTF_DATASEC:
    case PST_BTF_FLOAT:
    case PST_BTF_DECL_TAG:
    case PST_BTF_TYPE_TAG: return "";
    }
    return "";
}

static void add_base(const declarer *d, uint32_t id)
{
    pst_btf_type type = pst_btf_get(d->btf, id);
    if (d->writer) {
        d->writer->write(d->writer->user, id);
        return;
    }
    if (type.kind == PST_BTF_VOID) {
        pst_text_add(d->out, "void");
        return;
    }
    pst_text_add(d->out, btf_tag(&type));
    if (*type.name) btf_add_name(d->out, type.name);
    else pst_text_add(d->out, "{...}");
}

// Everything left of the name. Returns whether a space belongs between it and a name.
static bool add_left(const declarer *d, const chain *c)
{
    uint32_t i = c->length - 1;
    // Qualifiers of the base come in front of it.
    while (i > 0 && (is_qualifier(kind_at(d, c, i - 1)) || kind_at(d, c, i - 1) == PST_BTF_TYPE_TAG)) {
        pst_btf_kind kind = kind_at(d, c, --i);
        if (!is_qualifier(kind)) continue;
        add_qualifier(d->out, kind);
        pst_text_add(d->out, " ");
    }
    if (c->endless) pst_text_add(d->out, "...");
    else add_base(d, c->ids[c->length - 1]);
    bool space = true, after_star = false;
    while (i-- > 0) {
        pst_btf_kind kind = kind_at(d, c, i);
        if (kind == PST_BTF_PTR) {
            if (space) pst_text_add(d->out, " ");
            pst_text_add(d->out, needs_parens(d, c, i) ? "(*" : "*");
            space = false;
            after_star = true;
        } else if (is_qualifier(kind) && after_star) {
            if (space) pst_text_add(d->out, " ");
            add_qualifier(d->out, kind);
            space = true;
        }
    }
    return space;
}

static void declare(const declarer *d, uint32_t id, const char *name, uint32_t nest);

static void add_parameters(const declarer *d, uint32_t id, uint32_t nest)
{
    pst_btf_type proto = pst_btf_get(d->btf, id);
    pst_text_add(d->out, "(");
    for (uint32_t i = 0; i < proto.count; i++) {
        if (i > 0) pst_text_add(d->out, ", ");
        if (nest == NEST_MAX || d->out->size - d->start > TEXT_MAX || d->out->failed) {
            pst_text_add(d->out, "...");
            break;
        }
        pst_btf_member parameter = pst_btf_member_at(d->btf, id, i);
        // The last one without type and name is C's "...".
        if (parameter.type == 0 && i + 1 == proto.count) pst_text_add(d->out, "...");
        else declare(d, parameter.type, "", nest + 1);
    }
    if (proto.count == 0) pst_text_add(d->out, "void");
    pst_text_add(d->out, ")");
}

static void add_right(const declarer *d, const chain *c, uint32_t nest)
{
    for (uint32_t i = 0; i < c->length; i++) {
        pst_btf_type type = pst_btf_get(d->btf, c->ids[i]);
        if (type.kind == PST_BTF_PTR && needs_parens(d, c, i)) pst_text_add(d->out, ")");
        else if (type.kind == PST_BTF_ARRAY) pst_text_format(d->out, "[%u]", type.count);
        else if (type.kind == PST_BTF_FUNC_PROTO) add_parameters(d, type.id, nest);
    }
}

static void declare(const declarer *d, uint32_t id, const char *name, uint32_t nest)
{
    chain c;
    collect(d->btf, id, &c);
    bool space = add_left(d, &c);
    if (*name) {
        if (space) pst_text_add(d->out, " ");
        btf_add_name(d->out, name);
    }
    add_right(d, &c, nest);
}

void btf_declare(const pst_btf *btf, uint32_t id, const char *name, const btf_base_writer *writer, pst_text *out)
{
    declarer d = {.btf = btf, .out = out, .start = out->size, .writer = writer};
    declare(&d, id, name, 0);
}

void pst_btf_type_text(const pst_btf *btf, uint32_t id, pst_text *out)
{
    btf_declare(btf, id, "", NULL, out);
}
