// info_hash.c: the program-info hash: a program verified against one description never runs against another.
//
// Everything that a proof can depend on is written in one canonical form (little-endian, lengths before strings, a tag before each
// part) and hashed with SHA-256. Addresses, GUIDs of hooks and the order of attach types are left out on purpose: no proof sees them.
// Changing this form changes every hash: bump the version at its start.
#include <string.h>

#include "base/text.h"
#include "catalog/catalog.h"
#include "pal/pal.h"

#define FORM_VERSION 2u

static void put_u64(pst_text *out, uint64_t value)
{
    char bytes[8];
    for (unsigned i = 0; i < 8; i++) bytes[i] = (char)(uint8_t)(value >> (8 * i));
    pst_text_bytes(out, bytes, sizeof bytes);
}

static void put_string(pst_text *out, const char *string) // NULL is not ""
{
    if (!string) {
        put_u64(out, UINT64_MAX);
        return;
    }
    size_t length = strlen(string);
    put_u64(out, length);
    pst_text_bytes(out, string, length);
}

static void put_fields(pst_text *out, const pst_ctx_field *fields, uint32_t count)
{
    put_u64(out, count);
    for (uint32_t i = 0; i < count; i++) {
        const pst_ctx_field *field = &fields[i];
        put_u64(out, field->abi_off | (uint64_t)field->abi_size << 16 | (uint64_t)field->native_off << 32 | (uint64_t)field->native_size << 48);
        put_u64(out, (uint64_t)field->kind | (uint64_t)field->flags << 32);
        put_u64(out, field->attach_mask);
        put_u64(out, field->write_mask);
        put_string(out, field->btf);
        put_string(out, field->target ? field->target->name : NULL);
    }
}

static void put_struct(pst_text *out, const pst_struct_desc *desc)
{
    put_string(out, "struct");
    put_string(out, desc->name);
    put_u64(out, desc->size);
    put_fields(out, desc->fields, desc->field_count);
}

static void put_flags(pst_text *out, const pst_prog_type *type)
{
    const bool flags[] = {type->ret_any,       type->packet_writable, type->legacy_loads, type->raw_ctx,
                          type->raw_ctx_write, type->sleepable,       type->tracing};
    uint64_t bits = 0;
    for (unsigned i = 0; i < PST_COUNT(flags); i++) bits |= (uint64_t)flags[i] << i;
    put_u64(out, bits);
}

// Ranges of results by attach type, ascending by number.
static void put_attach_ranges(pst_text *out, const pst_prog_type *type)
{
    const pst_attach_type *last = NULL;
    put_u64(out, type->attach_type_count);
    for (uint32_t done = 0; done < type->attach_type_count; done++) {
        const pst_attach_type *next = NULL;
        for (uint32_t i = 0; i < type->attach_type_count; i++) {
            const pst_attach_type *at = &type->attach_types[i];
            if ((!last || at->number > last->number) && (!next || at->number < next->number)) next = at;
        }
        if (!next) return; // a number twice: the second adds nothing
        put_u64(out, next->number);
        put_u64(out, (next->has_ret ? 1u : 0u) | (next->ret_any ? 2u : 0u));
        put_u64(out, (uint64_t)next->ret_lo);
        put_u64(out, (uint64_t)next->ret_hi);
        last = next;
    }
}

static void put_type(pst_text *out, const pst_prog_type *type)
{
    put_string(out, "type");
    put_string(out, type->name);
    put_u64(out, type->number);
    put_u64(out, type->abi_size);
    put_u64(out, type->native_size);
    put_u64(out, (uint64_t)type->ret_lo);
    put_u64(out, (uint64_t)type->ret_hi);
    put_flags(out, type);
    put_attach_ranges(out, type);
    put_fields(out, type->fields, type->field_count);
    // What context and helpers lead to.
    put_struct(out, &pst_struct_sock_common);
    put_struct(out, &pst_struct_sock);
    put_struct(out, &pst_struct_tcp_sock);
    for (uint32_t i = 0; i < type->field_count; i++)
        if (type->fields[i].target) put_struct(out, type->fields[i].target);
}

static void put_proto(pst_text *out, const char *tag, const pst_helper_proto *proto)
{
    put_string(out, tag);
    put_u64(out, (uint64_t)(int64_t)proto->id);
    put_string(out, proto->name);
    put_u64(out, proto->ret);
    for (unsigned i = 0; i < PST_ARGS_MAX; i++) put_u64(out, proto->args[i]);
    put_u64(out, proto->flags);
    put_u64(out, proto->map_types);
    put_u64(out, proto->ret_size);
    put_string(out, proto->btf_ret);
    for (unsigned i = 0; i < PST_ARGS_MAX; i++) put_string(out, proto->btf_args[i]);
    put_string(out, proto->iter);
    put_u64(out, proto->iter_size);
    put_u64(out, proto->prog_types);
}

static void put_limit(pst_text *out, const pst_prog_type *type, int32_t id)
{
    for (uint32_t i = 0; i < type->helper_limit_count; i++)
        if (type->helper_limits[i].id == id) put_u64(out, type->helper_limits[i].attach_mask);
}

static pst_status put_helpers(pst_text *out, const pst_env *env, const pst_prog_type *type, const int32_t *ids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const pst_helper_proto *proto = pst_prog_type_helper(type, ids[i]);
        if (!proto) return pst_fail(env, PST_E_NOTFOUND, "programs of type %s have no helper %d", type->name, (int)ids[i]);
        if (i > 0 && ids[i] <= ids[i - 1])
            return pst_fail(env, PST_E_INVALID, "helper ids of a program-info hash must ascend, and %d follows %d", (int)ids[i], (int)ids[i - 1]);
        put_proto(out, "helper", proto);
        put_limit(out, type, ids[i]);
    }
    return PST_OK;
}

static pst_status put_kfuncs(pst_text *out, const pst_env *env, const pst_prog_type *type, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const pst_helper_proto *proto = pst_prog_type_kfunc(type, names[i]);
        if (!proto) return pst_fail(env, PST_E_NOTFOUND, "programs of type %s have no kfunc %s", type->name, names[i]);
        if (i > 0 && strcmp(names[i], names[i - 1]) <= 0)
            return pst_fail(env, PST_E_INVALID, "kfuncs of a program-info hash must ascend, and %s follows %s", names[i], names[i - 1]);
        put_proto(out, "kfunc", proto);
    }
    return PST_OK;
}

pst_status pst_prog_info_hash_with(const pst_env *env, const pst_prog_type *type, const int32_t *ids, size_t id_count, const char *const *kfuncs,
                                   size_t kfunc_count, uint8_t out[PST_INFO_HASH_SIZE])
{
    pst_text form;
    pst_text_init(&form, env);
    put_u64(&form, FORM_VERSION);
    put_type(&form, type);
    pst_status status = put_helpers(&form, env, type, ids, id_count);
    if (status == PST_OK) status = put_kfuncs(&form, env, type, kfuncs, kfunc_count);
    if (status == PST_OK && form.failed) status = pst_fail(env, PST_E_NOMEM, "no memory for the description of program type %s", type->name);
    if (status == PST_OK) status = pst_pal_sha256(form.data, form.size, out);
    pst_text_free(&form);
    return status;
}

pst_status pst_prog_info_hash(const pst_env *env, const pst_prog_type *type, const int32_t *ids, size_t id_count,
                              uint8_t out[PST_INFO_HASH_SIZE])
{
    return pst_prog_info_hash_with(env, type, ids, id_count, NULL, 0, out);
}
