// module.c: see module.h. Modules as a thing: created, placed, written, freed.
#include "jit/native/module_internal.h"

pst_native *pst_native_create(const pst_env *env)
{
    pst_native *native = pst_alloc_zero(env, 1, sizeof *native);
    if (!native) return NULL;
    pst_arena_init(&native->arena, env, 0);
    native->tool = PST_NATIVE_TOOL;
    native->name = "";
    native->layout = pst_jit_layout();
    return native;
}

void pst_native_free(pst_native *native)
{
    if (!native) return;
    const pst_env *env = native->arena.env;
    for (uint32_t i = 0; i < native->prog_count; i++) pst_jit_blob_free(native->progs[i].blob);
    pst_arena_free(&native->arena);
    pst_free(env, native, sizeof *native);
}

pst_status pst_native_reserve(pst_native *native, uint32_t maps, uint32_t progs)
{
    if (maps > PST_NATIVE_MAPS_MAX || progs > PST_NATIVE_PROGRAMS_MAX) return PST_E_LIMIT;
    native->maps = pst_arena_array(&native->arena, maps, sizeof *native->maps);
    native->map_ids = pst_arena_array(&native->arena, maps, sizeof *native->map_ids);
    native->progs = pst_arena_array(&native->arena, progs, sizeof *native->progs);
    if (!native->maps || !native->map_ids || !native->progs) return PST_E_NOMEM;
    native->map_room = maps;
    native->prog_room = progs;
    return PST_OK;
}

bool pst_native_is(const void *bytes, size_t size)
{
    return size >= NATIVE_TRAILER_SIZE && memcmp((const uint8_t *)bytes + size - NATIVE_TRAILER_SIZE, NATIVE_TRAILER_MAGIC, 8) == 0;
}

// Gives each program its place in the code and in the table.
static pst_status place(const pst_env *env, pst_native *native)
{
    uint64_t code = 0, table = NATIVE_TABLE_HEAD;
    for (uint32_t i = 0; i < native->prog_count; i++) {
        pst_native_prog *prog = &native->progs[i];
        if (prog->blob->target != native->target || !prog->blob->code)
            return pst_fail(env, PST_E_INVALID, "program %s was not compiled for the target of its module", prog->name);
        code = pst_align_up(code, NATIVE_CODE_ALIGN);
        prog->code_offset = (uint32_t)code;
        prog->table_offset = (uint32_t)table;
        code += prog->blob->code_bytes;
        table += 8ull * prog->blob->ref_count;
        if (code > PST_NATIVE_BYTES_MAX || table > PST_NATIVE_BYTES_MAX)
            return pst_fail(env, PST_E_LIMIT, "the programs have more code than a native module can hold");
    }
    native->code_bytes = (uint32_t)code;
    native->table_bytes = (uint32_t)table;
    return PST_OK;
}

void native_put_code(const pst_native *native, int64_t distance, pst_text *out)
{
    size_t begin = out->size;
    for (uint32_t i = 0; i < native->prog_count; i++) {
        const pst_native_prog *prog = &native->progs[i];
        while (!out->failed && out->size < begin + prog->code_offset) pst_text_bytes(out, "\xcc", 1); // int3
        pst_text_bytes(out, (const char *)prog->blob->code, prog->blob->code_bytes);
        if (out->failed) return;
        int64_t table = distance + prog->table_offset - prog->code_offset;
        pst_jit_blob_link(prog->blob, table, (uint8_t *)out->data + begin + prog->code_offset);
    }
}

static void put_trailer(pst_text *out, uint64_t described, size_t size)
{
    pst_text_bytes(out, NATIVE_TRAILER_MAGIC, 8);
    native_put64(out, described);
    native_put64(out, size);
    native_zero(out, NATIVE_TRAILER_SIZE - 24);
}

pst_status pst_native_write(const pst_env *env, pst_native *native, pst_native_kind kind, pst_text *out)
{
    pst_text description;
    uint64_t described = 0;
    bool windows = native->target == PST_JIT_TARGET_X64_WINDOWS;
    if ((kind == PST_NATIVE_ELF) == windows)
        return pst_fail(env, PST_E_INVALID, "code for %s cannot stand in %s", pst_jit_target_name((pst_jit_target)native->target),
                        windows ? "an ELF shared object" : "a PE image");
    size_t base = out->size;
    PST_TRY(place(env, native));
    pst_text_init(&description, env);
    native_describe(native, &description);
    if (kind == PST_NATIVE_ELF) native_write_elf(native, &description, out, &described);
    else native_write_pe(native, kind == PST_NATIVE_SYS, &description, out, &described);
    put_trailer(out, described, description.size);
    if (kind == PST_NATIVE_SYS) native_put_pe_checksum(out, base);
    bool failed = out->failed || description.failed;
    pst_text_free(&description);
    if (failed) return pst_fail(env, PST_E_NOMEM, "no memory for a native module");
    return out->size <= PST_NATIVE_BYTES_MAX ? PST_OK : pst_fail(env, PST_E_LIMIT, "a native module of more than %u bytes", PST_NATIVE_BYTES_MAX);
}
