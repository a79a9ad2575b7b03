// show_btf.c: `postern show btf`: the types of an object, one a line; NAME chooses by name.
#include <string.h>

#include "cli/show.h"

static const char *kind_name(pst_btf_kind kind)
{
    switch (kind) {
#define X(name, number) \
    case PST_BTF_##name: return #name;
        PST_BTF_KIND_LIST(X)
#undef X
    }
    return "?";
}

static bool has_members(pst_btf_kind kind)
{
    return kind == PST_BTF_STRUCT || kind == PST_BTF_UNION || kind == PST_BTF_ENUM || kind == PST_BTF_ENUM64 || kind == PST_BTF_DATASEC ||
           kind == PST_BTF_FUNC_PROTO;
}

static bool is_enum(pst_btf_kind kind)
{
    return kind == PST_BTF_ENUM || kind == PST_BTF_ENUM64;
}

static void member_text(const pst_btf *btf, const pst_btf_type *type, uint32_t index, pst_text *out)
{
    pst_btf_member m = pst_btf_member_at(btf, type->id, index);
    if (is_enum(type->kind)) {
        pst_text_format(out, "\n        %s = %lld", m.name, (long long)m.value);
        return;
    }
    const char *name = type->kind == PST_BTF_DATASEC ? pst_btf_get(btf, m.type).name : m.name;
    pst_text_format(out, "\n        %s: ", *name ? name : "(anonymous)");
    pst_btf_type_text(btf, m.type, out);
    if (type->kind == PST_BTF_FUNC_PROTO) return;
    pst_text_format(out, " at %u", m.bit_offset / 8);
    if (m.bit_size && type->kind != PST_BTF_DATASEC) pst_text_format(out, ", bits %u to %u", m.bit_offset, m.bit_offset + m.bit_size - 1);
}

static void type_line(const pst_btf *btf, const pst_btf_type *type)
{
    pst_text out;
    uint64_t size;
    pst_text_init(&out, cli_env());
    pst_text_format(&out, "[%u] %s%s%s %s", type->id, cli_colour_on(CLI_CYAN), kind_name(type->kind), cli_colour_off(), type->name);
    if (type->kind != PST_BTF_FUNC && type->kind != PST_BTF_FUNC_PROTO && pst_btf_size(btf, type->id, &size))
        pst_text_format(&out, " size %llu", (unsigned long long)size);
    if (type->kind == PST_BTF_ARRAY) pst_text_format(&out, " of %u", type->count);
    if (type->type) {
        pst_text_add(&out, " -> ");
        pst_btf_type_text(btf, type->type, &out);
    }
    for (uint32_t i = 0; has_members(type->kind) && i < type->count; i++) member_text(btf, type, i, &out);
    cli_emit(&out);
}

static void member_json(const pst_btf *btf, const pst_btf_type *type, uint32_t index, pst_json *json)
{
    pst_btf_member m = pst_btf_member_at(btf, type->id, index);
    pst_json_object_begin(json);
    pst_json_key(json, "name");
    pst_json_string(json, type->kind == PST_BTF_DATASEC ? pst_btf_get(btf, m.type).name : m.name);
    if (is_enum(type->kind)) {
        pst_json_key(json, "value");
        pst_json_i64(json, m.value);
    } else {
        pst_json_key(json, "type_id");
        pst_json_u64(json, m.type);
    }
    if (!is_enum(type->kind) && type->kind != PST_BTF_FUNC_PROTO) {
        pst_json_key(json, "bit_offset");
        pst_json_u64(json, m.bit_offset);
        pst_json_key(json, "bit_size");
        pst_json_u64(json, m.bit_size);
    }
    pst_json_object_end(json);
}

static void type_json(const pst_btf *btf, const pst_btf_type *type, pst_json *json)
{
    uint64_t size;
    pst_json_object_begin(json);
    pst_json_key(json, "id");
    pst_json_u64(json, type->id);
    pst_json_key(json, "kind");
    pst_json_string(json, kind_name(type->kind));
    pst_json_key(json, "name");
    pst_json_string(json, type->name);
    if (type->kind != PST_BTF_FUNC && type->kind != PST_BTF_FUNC_PROTO && pst_btf_size(btf, type->id, &size)) {
        pst_json_key(json, "size");
        pst_json_u64(json, size);
    }
    pst_json_key(json, "type_id");
    pst_json_u64(json, type->type);
    if (has_members(type->kind)) {
        pst_json_key(json, "members");
        pst_json_array_begin(json);
        for (uint32_t i = 0; i < type->count; i++) member_json(btf, type, i, json);
        pst_json_array_end(json);
    } else if (type->kind == PST_BTF_ARRAY) {
        pst_json_key(json, "count");
        pst_json_u64(json, type->count);
    }
    pst_json_object_end(json);
}

cli_exit show_btf(const show_state *s)
{
    const pst_btf *btf = s->object->btf;
    if (!btf) return cli_fail(CLI_REJECTED, "%s: there is no type information in it; compile with -g", s->file);
    uint32_t shown = 0;
    pst_text text;
    pst_json json;
    pst_text_init(&text, cli_env());
    pst_json_init(&json, &text, true);
    if (s->args->json) pst_json_array_begin(&json);
    for (uint32_t id = 1; id < pst_btf_count(btf); id++) {
        pst_btf_type type = pst_btf_get(btf, id);
        if (s->name && strcmp(type.name, s->name) != 0) continue;
        if (s->args->json)
            type_json(btf, &type, &json);
        else
            type_line(btf, &type);
        shown++;
    }
    if (!shown && s->name) {
        pst_text_free(&text);
        return cli_fail(CLI_MISSING, "%s: no type is called %s; `postern show btf %s` lists them", s->file, s->name, s->file);
    }
    if (s->args->json) {
        pst_json_array_end(&json);
        cli_emit(&text);
    } else {
        pst_text_free(&text);
    }
    return CLI_OK;
}
