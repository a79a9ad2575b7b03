// info_hash.c: the program-info hash: a program verified against one description never runs against another.
//
// Everything that a proof can depend on is written in one canonical form (little-endian, lengths before strings, a tag before each
// part) and hashed with SHA-256. Addresses, GUIDs of hooks and the order of attach types are left out on purpose: no proof sees them.
// Changing this form changes every hash: bump the version at its start.
#include <string.h>

#include "base/text.h"
#include "catalog/catalog.h"
#include "pal/pal.h"

#define FORM_VERSION 1u

static void put_u64(pst_text *out, uint64_t value)
{
    char bytes[8];
    for (unsigned i = 0; i < 8; i++) bytes[i] = (char)(uint8_t)(value >> (8 * i));
    pst_text_bytes(out, bytes, sizeof bytes);
}

static void put_string(pst_text *out, const char *string)
{
    size_t length = strlen(string);
    put_u64(out, length);
    pst_text_bytes(out, string, length);
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
    put_u64(out, (type->ret_any ? 1u : 0u) | (type->packet_writable ? 2u : 0u) | (type->legacy_loads ? 4u : 0u));
    put_u64(out, type->field_count);
    for (uint32_t i = 0; i < type->field_count; i++) {
        const pst_ctx_field *field = &type->fields[i];
        put_u64(out, field->abi_off | (uint64_t)field->abi_size << 16 | (uint64_t)field->native_off << 32 | (uint64_t)field->native_size << 48);
        put_u64(out, (uint64_t)field->kind | (uint64_t)field->flags << 32);
    }
}

static void put_helper(pst_text *out, const pst_helper_proto *proto)
{
    put_string(out, "helper");
    put_u64(out, (uint64_t)(int64_t)proto->id);
    put_string(out, proto->name);
    put_u64(out, proto->ret);
    for (unsigned i = 0; i < PST_ARGS_MAX; i++) put_u64(out, proto->args[i]);
    put_u64(out, proto->flags);
    put_u64(out, proto->map_types);
    put_u64(out, proto->ret_size);
}

pst_status pst_prog_info_hash(const pst_env *env, const pst_prog_type *type, const int32_t *ids, size_t id_count,
                              uint8_t out[PST_INFO_HASH_SIZE])
{
    pst_text form;
    pst_status status = PST_OK;
    pst_text_init(&form, env);
    put_u64(&form, FORM_VERSION);
    put_type(&form, type);
    for (size_t i = 0; i < id_count && status == PST_OK; i++) {
        const pst_helper_proto *proto = pst_prog_type_helper(type, ids[i]);
        if (!proto) {
            status = pst_fail(env, PST_E_NOTFOUND, "programs of type %s have no helper %d", type->name, (int)ids[i]);
        } else if (i > 0 && ids[i] <= ids[i - 1]) {
            status = pst_fail(env, PST_E_INVALID, "helper ids of a program-info hash must ascend, and %d follows %d", (int)ids[i], (int)ids[i - 1]);
        } else {
            put_helper(&form, proto);
        }
    }
    if (status == PST_OK && form.failed) status = pst_fail(env, PST_E_NOMEM, "no memory for the description of program type %s", type->name);
    if (status == PST_OK) status = pst_pal_sha256(form.data, form.size, out);
    pst_text_free(&form);
    return status;
}
