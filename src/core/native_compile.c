// native_compile.c: see native.h. Loaded maps and programs as parts of a module to be.
#include "core/native_internal.h"
#include "jit/native/c_form.h"

#define HELPERS_MAX 1024u

// --- Maps -----------------------------------------------------------------------------------------------------

static const pst_record *copy_records(pst_native *out, const pst_map_view *view)
{
    pst_record *records = pst_arena_array(&out->arena, view->record_count, sizeof *records);
    for (uint32_t i = 0; records && i < view->record_count; i++) {
        const pst_record *r = &view->records[i];
        records[i] = (pst_record){.kind = r->kind, .offset = r->offset, .size = r->size, .node_offset = r->node_offset};
    }
    return records;
}

static const uint8_t *copy_values(pst_native *out, const pst_map_view *view, uint32_t *size)
{
    uint64_t bytes = (uint64_t)view->max_entries * view->value_stride;
    if (!view->values || bytes > PST_NATIVE_BYTES_MAX) return NULL;
    uint8_t *values = pst_arena_alloc(&out->arena, (size_t)bytes);
    if (values) memcpy(values, view->values, (size_t)bytes);
    *size = (uint32_t)bytes;
    return values;
}

// *index: its number. Room was made before.
static pst_status add_view(pst_native *out, const pst_map_view *view, const char *name, bool with_values, uint32_t *index)
{
    if (out->map_count == out->map_room) return PST_E_LIMIT;
    pst_native_map map = {
        .name = pst_arena_string(&out->arena, name, strlen(name)),
        .type = view->type,
        .key_size = view->key_size,
        .value_size = view->value_size,
        .max_entries = view->max_entries,
        .flags = view->flags,
        .value_stride = view->value_stride,
        .map_extra = view->map_extra,
        .frozen = view->frozen,
        .records = copy_records(out, view),
        .record_count = view->record_count,
        .inner = -1,
    };
    if (!map.name || !map.records) return PST_E_NOMEM;
    if (with_values || view->frozen) map.values = copy_values(out, view, &map.values_size);
    if ((with_values || view->frozen) && view->values && !map.values) return PST_E_NOMEM;
    *index = out->map_count;
    out->map_ids[out->map_count] = view->id;
    out->maps[out->map_count++] = map;
    return PST_OK;
}

static pst_status add_map(pst_native *out, const pst_map *map, const char *name, bool with_values)
{
    uint32_t index, inner;
    PST_TRY(add_view(out, &map->view, name, with_values, &index));
    out->maps[index].btf_key_type = map->btf_key_type;
    out->maps[index].btf_value_type = map->btf_value_type;
    if (!map->view.inner) return PST_OK;
    PST_TRY(add_view(out, map->view.inner, "", false, &inner));
    out->map_ids[inner] = 0; // a template is no map: no program names it
    out->maps[index].inner = (int32_t)inner;
    return PST_OK;
}

pst_status pst_core_native_add_map(pst_client *client, const pst_env *env, int map_fd, const char *name, bool with_values, pst_native *out)
{
    core_object *object = core_handle_get(client, map_fd, NULL);
    if (!object) return pst_fail(env, PST_E_INVALID, "map %s: %d is not an open handle", name, map_fd);
    pst_status status = object->kind == OBJECT_MAP ? add_map(out, core_map_of_object(object), name, with_values) : PST_E_INVALID;
    core_object_put(object);
    return status == PST_OK ? PST_OK : pst_fail(env, status, "map %s cannot be described in a native module: %s", name, pst_status_text(status));
}

// --- Programs -------------------------------------------------------------------------------------------------

static bool list_maps(const core_prog *prog, pst_native *out, pst_native_prog *entry)
{
    uint32_t *maps = pst_arena_array(&out->arena, prog->image->map_count, sizeof *maps);
    for (uint32_t i = 0; maps && i < prog->image->map_count; i++) {
        uint32_t at = 0;
        while (at < out->map_count && out->map_ids[at] != prog->image->maps[i]->id) at++;
        if (at == out->map_count) return false;
        maps[i] = at;
    }
    entry->maps = maps;
    entry->map_count = prog->image->map_count;
    return maps != NULL;
}

static bool list_helpers(const core_prog *prog, pst_native *out, pst_native_prog *entry)
{
    int32_t *ids = pst_arena_array(&out->arena, HELPERS_MAX, sizeof *ids);
    uint32_t count = 0;
    for (uint32_t pc = 0; ids && pc < prog->image->count; pc++) {
        const pst_insn *insn = &prog->image->insns[pc];
        if (insn->kind != PST_KIND_CALL || insn->op != PST_CALL_HELPER) continue;
        uint32_t at = count;
        while (at > 0 && ids[at - 1] >= (int32_t)insn->imm) at--;
        if (at < count && ids[at] == (int32_t)insn->imm) continue;
        if (count == HELPERS_MAX) return false;
        memmove(&ids[at + 1], &ids[at], (count - at) * sizeof *ids);
        ids[at] = (int32_t)insn->imm;
        count++;
    }
    entry->helpers = ids;
    entry->helper_count = count;
    return ids != NULL;
}

static pst_status copy_bytecode(const core_prog *prog, pst_native *out, pst_native_prog *entry)
{
    size_t size = prog->image->count * sizeof *entry->slots;
    pst_slot *slots = core_native_bytecode(prog, out->arena.env), *copy = pst_arena_alloc(&out->arena, size);
    pst_status status = slots && copy ? pst_pal_sha256(slots, size, entry->bytecode_hash) : PST_E_NOMEM;
    if (status == PST_OK) memcpy(copy, slots, size);
    entry->slots = copy;
    pst_free(out->arena.env, slots, size);
    return status;
}

static pst_status add_prog(const core_prog *prog, const pst_env *env, const char *name, const char *section, pst_native *out)
{
    const pst_image *image = prog->image;
    if (!prog->verdict) return pst_fail(env, PST_E_INVALID, "program %s was loaded without a proof", name);
    if (out->prog_count == out->prog_room) return PST_E_LIMIT;
    pst_native_prog entry = {
        .name = pst_arena_string(&out->arena, name, strlen(name)),
        .section = pst_arena_string(&out->arena, section, strlen(section)),
        .prog_type = image->prog_type,
        .attach_type = image->attach_type,
        .prog_flags = prog->load_flags,
        .gpl_compatible = image->gpl_compatible,
        .verify_mode = prog->verdict->mode,
        .loops_bound = prog->verdict->loops_bound,
        .stack_bytes = prog->verdict->stack_bytes,
    };
    if (!entry.name || !entry.section || !list_maps(prog, out, &entry) || !list_helpers(prog, out, &entry)) return PST_E_NOMEM;
    PST_TRY(copy_bytecode(prog, out, &entry));
    const pst_jit_opts opts = {.size = sizeof opts, .harden = prog->verdict->mode == PST_VERIFY_STRICT ? PST_JIT_MASK : 0};
    PST_TRY(pst_jit_compile(env, image, &prog->bindings, &prog->verdict->facts, &opts, (pst_jit_target)out->target, &entry.blob));
    out->progs[out->prog_count++] = entry;
    return PST_OK;
}

pst_status pst_core_native_add_prog(pst_client *client, const pst_env *env, int prog_fd, const char *name, const char *section, pst_native *out)
{
    core_object *object = core_handle_get(client, prog_fd, NULL);
    if (!object) return pst_fail(env, PST_E_INVALID, "%d is not an open handle", prog_fd);
    pst_status status = object->kind == OBJECT_PROG ? add_prog(core_prog_of(object), env, name, section, out) : PST_E_INVALID;
    core_object_put(object);
    return status;
}

static pst_status add_c(const core_prog *prog, const pst_env *env, const char *name, pst_text *out)
{
    if (!prog->verdict) return pst_fail(env, PST_E_INVALID, "program %s was loaded without a proof", name);
    pst_status status = pst_c_form_add(env, prog->image, &prog->bindings, &prog->verdict->facts, name, out);
    return status == PST_OK ? PST_OK : pst_fail(env, status, "program %s cannot be written as C: %s", name, pst_status_text(status));
}

pst_status pst_core_native_add_c(pst_client *client, const pst_env *env, int prog_fd, const char *name, pst_text *out)
{
    core_object *object = core_handle_get(client, prog_fd, NULL);
    if (!object) return pst_fail(env, PST_E_INVALID, "%d is not an open handle", prog_fd);
    pst_status status = object->kind == OBJECT_PROG ? add_c(core_prog_of(object), env, name, out) : PST_E_INVALID;
    core_object_put(object);
    return status;
}
