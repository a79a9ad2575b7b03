// native.c: see native.h. Programs whose machine code and proof come from a module.
#include "core/native.h"

#include "base/bits.h"
#include "core/native_internal.h"

struct pst_core_native {
    const pst_env *env;
    uint32_t refs;
    pst_native *native;
    pst_module *module;
    const uint8_t *code;
    uint8_t *table;
    uint32_t *bound; // per program: 1 while it is loaded
};

// --- The module -----------------------------------------------------------------------------------------------

bool pst_core_native_wanted(const pst_core *core) { return core->options.engine == PST_CORE_ENGINE_ANY && core->options.budget == 0; }

static void release(pst_core_native *module)
{
    if (!module || PST_ATOMIC_SUB(&module->refs, 1u) != 1) return;
    if (module->table) PST_ATOMIC_STORE((uint64_t *)(void *)module->table, (uint64_t)0);
    pst_pal_module_close(module->module);
    if (module->native) pst_free(module->env, module->bound, module->native->prog_count * sizeof *module->bound);
    pst_native_free(module->native);
    pst_free(module->env, module, sizeof *module);
}

void pst_core_native_close(pst_core_native *module) { release(module); }

static pst_status check_policy(const pst_core *core, const pst_env *env, const char *path, const uint8_t *bytes, size_t size)
{
    static const pst_trust nobody;
    const pst_core_options *options = &core->options;
    // Who needs no signature may bring one that nobody here can judge.
    if (options->allow_unsigned && (!options->trust || options->trust->count == 0 || !pst_native_is_signed(bytes, size))) return PST_OK;
    return pst_native_check(env, path, bytes, size, options->trust ? options->trust : &nobody);
}

static pst_status check_machine(const pst_env *env, const char *path, const pst_native *native)
{
    if (native->target != (uint32_t)pst_jit_target_of_host())
        return pst_fail(env, PST_E_INVALID, "%s is a native module for %s: compile it for this machine", path, pst_jit_target_name((pst_jit_target)native->target));
    if (native->layout != pst_jit_layout())
        return pst_fail(env, PST_E_INVALID, "%s was compiled by %s for another version of the engine: compile it again", path, native->tool);
    return PST_OK;
}

// The table's first word says whether somebody in this process uses the module: the host's loader gives the same pages to everybody.
static pst_status take(pst_core_native *module, const char *path)
{
    uint64_t unused = 0;
    module->code = pst_pal_module_symbol(module->module, "postern_code");
    uint8_t *table = pst_pal_module_symbol(module->module, "postern_table");
    if (!module->code || !table) return pst_fail(module->env, PST_E_FORMAT, "%s does not export what a native module exports", path);
    if (!PST_ATOMIC_CAS((uint64_t *)(void *)table, &unused, (uint64_t)1))
        return pst_fail(module->env, PST_E_BUSY, "%s is loaded in this process already: close the object that it was loaded for, or load a copy of the file", path);
    module->table = table;
    return PST_OK;
}

pst_status pst_core_native_open(pst_core *core, const pst_env *env, const char *path, const uint8_t *bytes, size_t size, pst_core_native **out)
{
    *out = NULL;
    if (!pst_native_is(bytes, size)) return pst_fail(env, PST_E_FORMAT, "%s is no native module", path);
    PST_TRY(check_policy(core, env, path, bytes, size)); // before anything in it is looked at
    pst_core_native *module = pst_alloc_zero(env, 1, sizeof *module);
    if (!module) return PST_E_NOMEM;
    *module = (pst_core_native){.env = env, .refs = 1};
    pst_status status = pst_native_read(env, bytes, size, &module->native);
    if (status == PST_OK) status = check_machine(env, path, module->native);
    if (status == PST_OK) {
        module->bound = pst_alloc_zero(env, module->native->prog_count, sizeof *module->bound);
        if (!module->bound && module->native->prog_count) status = PST_E_NOMEM;
    }
    if (status == PST_OK) status = pst_pal_module_open(env, path, bytes, size, &module->module);
    if (status == PST_OK) status = take(module, path);
    if (status == PST_OK) *out = module;
    else release(module);
    return status;
}

// --- What a proof was made under ------------------------------------------------------------------------------

pst_slot *core_native_bytecode(const core_prog *prog, const pst_env *env)
{
    const pst_image *image = prog->image;
    pst_slot *slots = pst_alloc(env, image->count * sizeof *slots);
    if (!slots) return NULL;
    memcpy(slots, prog->slots, image->count * sizeof *slots);
    for (uint32_t pc = 0; pc + 1 < image->count; pc++) {
        const pst_insn *insn = &image->insns[pc];
        if (insn->kind != PST_KIND_IMM64 || (insn->op != PST_IMM64_MAP_FD && insn->op != PST_IMM64_MAP_VALUE)) continue;
        slots[pc].imm = (int32_t)(uint32_t)insn->imm;
        slots[pc].regs = (uint8_t)((slots[pc].regs & 0x0f) | (insn->op == PST_IMM64_MAP_FD ? CORE_SRC_MAP_IDX : CORE_SRC_MAP_IDX_VALUE) << 4);
    }
    return slots;
}

// Takes a program of the module that has this bytecode and is not loaded; -1: there is none. *known: there is one, loaded or not.
static int32_t take_prog(pst_core_native *module, const core_prog *prog, const uint8_t hash[PST_SHA256_SIZE], bool *known)
{
    const pst_native *native = module->native;
    *known = false;
    for (uint32_t i = 0; i < native->prog_count; i++) {
        const pst_native_prog *candidate = &native->progs[i];
        if (memcmp(candidate->bytecode_hash, hash, PST_SHA256_SIZE) != 0 || candidate->prog_type != prog->image->prog_type) continue;
        *known = true;
        uint32_t unused = 0;
        if (PST_ATOMIC_CAS(&module->bound[i], &unused, 1u)) return (int32_t)i;
    }
    return -1;
}

static int64_t find_prog(core_call *call, core_prog *prog)
{
    const pst_env *env = &call->core->env;
    uint8_t hash[PST_SHA256_SIZE];
    bool known;
    pst_slot *slots = core_native_bytecode(prog, env);
    if (!slots) return core_refuse(call, PST_ENOMEM, "no memory for a program of %u instructions", prog->image->count);
    pst_status status = pst_pal_sha256(slots, prog->image->count * sizeof *slots, hash);
    pst_free(env, slots, prog->image->count * sizeof *slots);
    if (status != PST_OK) return core_refuse(call, core_errno_of_status(status), "program \"%s\": %s", prog->object.name, pst_status_text(status));
    int32_t index = take_prog(call->native, prog, hash, &known);
    if (index < 0 && known) return core_refuse(call, PST_EBUSY, "program \"%s\" of this native module is loaded already", prog->object.name);
    if (index < 0)
        return core_refuse(call, PST_EINVAL, "the native module has no code for program \"%s\" as it is here (no bytecode hash fits): compile it again on "
                           "this host", prog->object.name);
    (void)PST_ATOMIC_ADD(&call->native->refs, 1u);
    prog->native = call->native;
    prog->native_index = (uint32_t)index;
    return 0;
}

static const char *differs(const pst_native *native, const pst_native_map *def, const pst_map_view *view);

static bool records_differ(const pst_native_map *def, const pst_map_view *view)
{
    if (def->record_count != view->record_count) return true;
    for (uint32_t i = 0; i < def->record_count; i++) {
        const pst_record *a = &def->records[i], *b = &view->records[i];
        if (a->kind != b->kind || a->offset != b->offset || a->size != b->size || a->node_offset != b->node_offset) return true;
    }
    return false;
}

// Maps that get their size from the host: no proof looks at it.
static bool size_is_free(uint32_t type) { return type == PST_MAP_PERF_EVENT_ARRAY || type == PST_MAP_RINGBUF || type == PST_MAP_USER_RINGBUF; }

static bool inner_differs(const pst_native *native, const pst_native_map *def, const pst_map_view *view)
{
    if ((def->inner >= 0) != (view->inner != NULL)) return true;
    // A template has none itself.
    return view->inner && (native->maps[def->inner].inner >= 0 || differs(native, &native->maps[def->inner], view->inner));
}

// What of a map is not as it was proved, or NULL.
static const char *differs(const pst_native *native, const pst_native_map *def, const pst_map_view *view)
{
    if (def->type != view->type) return "its type";
    if (def->key_size != view->key_size) return "its key size";
    if (def->value_size != view->value_size || def->value_stride != view->value_stride) return "its value size";
    if (def->max_entries != view->max_entries && !size_is_free(def->type)) return "its number of entries";
    if (def->flags != view->flags || def->map_extra != view->map_extra) return "its flags";
    if (records_differ(def, view)) return "the fields of its values that have a meaning of their own";
    if (inner_differs(native, def, view)) return "its inner maps";
    if (!def->frozen || !def->values) return NULL;
    if (!view->frozen || !view->values || (uint64_t)view->max_entries * view->value_stride != def->values_size) return "whether its values are constants";
    return memcmp(view->values, def->values, def->values_size) != 0 ? "a constant in it (they are part of the proof: compile with the same values)" : NULL;
}

static int64_t check_maps(core_call *call, const core_prog *prog, const pst_native *native, const pst_native_prog *claim)
{
    const pst_image *image = prog->image;
    if (image->map_count != claim->map_count) return core_refuse(call, PST_EINVAL, "program \"%s\" uses other maps than it was compiled with", prog->object.name);
    for (uint32_t i = 0; i < image->map_count; i++) {
        const pst_native_map *def = &native->maps[claim->maps[i]];
        const char *what = differs(native, def, image->maps[i]);
        if (what)
            return core_refuse(call, PST_EINVAL, "program \"%s\" was compiled for another map %s: %s differs", prog->object.name, def->name, what);
    }
    return 0;
}

int64_t core_native_check(core_call *call, core_prog *prog)
{
    int64_t error = find_prog(call, prog);
    if (error) return error;
    const pst_native *native = call->native->native;
    const pst_native_prog *claim = &native->progs[prog->native_index];
    const char *name = prog->object.name;
    if (claim->attach_type != prog->image->attach_type || claim->prog_flags != call->attr->prog_flags || claim->gpl_compatible != prog->image->gpl_compatible)
        return core_refuse(call, PST_EINVAL, "program \"%s\" was compiled with another attach type, other flags or another license than it is loaded with", name);
    if (call->core->options.strict && claim->verify_mode != PST_VERIFY_STRICT)
        return core_refuse(call, PST_EACCES, "program \"%s\" was not proved by the strict rules, which this core demands: compile it with --mode strict", name);
    return check_maps(call, prog, native, claim);
}

// --- Running --------------------------------------------------------------------------------------------------

pst_status core_native_bind(pst_core *core, const core_prog *prog, pst_exec **out)
{
    const pst_core_native *module = prog->native;
    const pst_native_prog *claim = &module->native->progs[prog->native_index];
    uint64_t *table = (uint64_t *)(void *)(module->table + claim->table_offset);
    return pst_jit_adopt(&core->env, prog->image, &prog->bindings, claim->blob, module->code + claim->code_offset, table, out);
}

void core_native_release(core_prog *prog)
{
    if (!prog->native) return;
    PST_ATOMIC_STORE(&prog->native->bound[prog->native_index], 0u);
    release(prog->native);
}
