// bind.c: see blob.h. From code as data to a program that runs: every reference becomes the address of something live.
#include <string.h>

#include "base/bits.h"
#include "jit/back_end.h"
#include "jit/refs.h"

#define TABLE_ALIGN 64u
#define CALLEES_MAX 1024u // different helpers and kfuncs that one program may call

// --- What the program was proved for --------------------------------------------------------------------------

typedef struct callees {
    int32_t ids[CALLEES_MAX];
    const char *names[CALLEES_MAX];
    uint32_t id_count, name_count;
} callees;

// Both lists are kept ascending and without doubles.
static bool add_id(callees *all, int32_t id)
{
    uint32_t at = all->id_count;
    while (at > 0 && all->ids[at - 1] >= id) at--;
    if (at < all->id_count && all->ids[at] == id) return true;
    if (all->id_count == CALLEES_MAX) return false;
    memmove(&all->ids[at + 1], &all->ids[at], (all->id_count - at) * sizeof all->ids[0]);
    all->ids[at] = id;
    all->id_count++;
    return true;
}

static bool add_name(callees *all, const char *name)
{
    uint32_t at = all->name_count;
    while (at > 0 && strcmp(all->names[at - 1], name) >= 0) at--;
    if (at < all->name_count && strcmp(all->names[at], name) == 0) return true;
    if (all->name_count == CALLEES_MAX) return false;
    memmove(&all->names[at + 1], &all->names[at], (all->name_count - at) * sizeof all->names[0]);
    all->names[at] = name;
    all->name_count++;
    return true;
}

// Calls of what the type does not have are proved dead: no proof depends on them.
static bool gather(const pst_image *image, const pst_bindings *bindings, callees *all)
{
    for (uint32_t pc = 0; pc < image->count; pc++) {
        const pst_insn *insn = &image->insns[pc];
        if (insn->kind != PST_KIND_CALL) continue;
        bool fits = true;
        if (insn->op == PST_CALL_HELPER && pst_prog_type_helper(bindings->type, (int32_t)insn->imm)) fits = add_id(all, (int32_t)insn->imm);
        const pst_helper *kfunc = insn->op == PST_CALL_KFUNC ? jit_callee(bindings, insn) : NULL;
        if (kfunc && pst_prog_type_kfunc(bindings->type, kfunc->proto->name)) fits = add_name(all, kfunc->proto->name);
        if (!fits) return false;
    }
    return true;
}

pst_status pst_jit_info_hash(const pst_env *env, const pst_image *image, const pst_bindings *bindings, uint8_t out[PST_INFO_HASH_SIZE])
{
    memset(out, 0, PST_INFO_HASH_SIZE);
    if (!bindings->type) return PST_OK;
    callees *all = pst_alloc_zero(env, 1, sizeof *all);
    if (!all) return PST_E_NOMEM;
    pst_status status = PST_E_LIMIT;
    if (gather(image, bindings, all))
        status = pst_prog_info_hash_with(env, bindings->type, all->ids, all->id_count, all->names, all->name_count, out);
    pst_free(env, all, sizeof *all);
    return status;
}

// --- Binding --------------------------------------------------------------------------------------------------

static const void *const runtime[JIT_RUNTIME_COUNT] = {
#define X(name, function) (const void *)(uintptr_t)function,
    JIT_RUNTIME_LIST(X)
#undef X
};

static uint64_t address_of_helper(const pst_helper *helper) { return helper ? (uint64_t)(uintptr_t)helper->fn : 0; }

uint64_t jit_ref_address(const pst_image *image, const pst_bindings *bindings, pst_jit_ref ref)
{
    const pst_insn kfunc = {.kind = PST_KIND_CALL, .op = PST_CALL_KFUNC, .imm = (int32_t)ref.number};
    switch ((pst_jit_ref_kind)ref.kind) {
    case PST_JIT_REF_HELPER: return address_of_helper(jit_helper(bindings, ref.number));
    case PST_JIT_REF_KFUNC: return address_of_helper(jit_callee(bindings, &kfunc));
    case PST_JIT_REF_RUNTIME: return ref.number < JIT_RUNTIME_COUNT ? (uint64_t)(uintptr_t)runtime[ref.number] : 0;
    case PST_JIT_REF_MAP: return ref.number < image->map_count ? (uint64_t)(uintptr_t)image->maps[ref.number] : 0;
    case PST_JIT_REF_MAP_VALUES: return ref.number < image->map_count ? (uint64_t)(uintptr_t)image->maps[ref.number]->values : 0;
    case PST_JIT_REF_KINDS: break;
    }
    return 0;
}

static pst_status check(const pst_env *env, const pst_image *image, const pst_bindings *bindings, const pst_jit_blob *blob)
{
    uint8_t live[PST_INFO_HASH_SIZE];
    if (blob->target != (uint32_t)pst_jit_target_of_host())
        return pst_fail(env, PST_E_INVALID, "program %s was compiled for %s, which this machine is not", image->name,
                        pst_jit_target_name((pst_jit_target)blob->target));
    if (blob->layout != pst_jit_layout())
        return pst_fail(env, PST_E_INVALID, "program %s was compiled for another version of the engine: compile it again", image->name);
    const jit_back_end *back_end = jit_back_end_of((pst_jit_target)blob->target);
    if (!back_end || blob->features & ~back_end->host_features())
        return pst_fail(env, PST_E_INVALID, "program %s was compiled for instructions that this machine does not have", image->name);
    if (blob->slot_count != image->count || blob->function_count != image->subprog_count)
        return pst_fail(env, PST_E_INVALID, "the machine code of program %s is that of other instructions", image->name);
    PST_TRY(pst_jit_info_hash(env, image, bindings, live));
    if (memcmp(live, blob->info_hash, sizeof live) != 0)
        return pst_fail(env, PST_E_INVALID, "program %s was compiled for another description of program type %s than this host has (their "
                        "program-info hashes differ): compile it again here", image->name, bindings->type ? bindings->type->name : "raw");
    return PST_OK;
}

static const char *const kind_names[PST_JIT_REF_KINDS] = {"helper", "kfunc", "engine function", "map", "map with values,"};

static pst_status fill_table(const pst_env *env, const pst_image *image, const pst_bindings *bindings, const pst_jit_blob *blob, uint64_t *table)
{
    for (uint32_t i = 0; i < blob->ref_count; i++) {
        uint64_t address = jit_ref_address(image, bindings, blob->refs[i]);
        if (!address)
            return pst_fail(env, PST_E_INVALID, "the machine code of program %s refers to a %s number %u, which is not there", image->name,
                            kind_names[blob->refs[i].kind], blob->refs[i].number);
        memcpy(&table[i], &address, sizeof address);
    }
    return PST_OK;
}

static pst_status copy_table(const pst_env *env, const uint32_t *from, size_t count, uint32_t **out)
{
    *out = pst_alloc(env, count * sizeof **out);
    if (!*out) return PST_E_NOMEM;
    memcpy(*out, from, count * sizeof **out);
    return PST_OK;
}

static pst_status copy_places(const pst_jit_blob *blob, jit_program *prog)
{
    prog->piece_count = blob->piece_count;
    prog->code_bytes = blob->code_bytes;
    prog->call_offset = blob->call_offset;
    prog->unwind_offset = blob->unwind_offset;
    const jit_back_end *back_end = jit_back_end_of((pst_jit_target)blob->target);
    prog->run_reg = blob->flags & PST_JIT_BLOB_LEAF ? back_end->leaf_run_reg : back_end->run_reg;
    prog->reads_stack = blob->flags & PST_JIT_BLOB_READS_STACK;
    prog->counts_depth = blob->flags & PST_JIT_BLOB_COUNTS_DEPTH;
    PST_TRY(copy_table(prog->env, blob->offsets, (size_t)blob->piece_count + 1, &prog->offsets));
    if (blob->slots) PST_TRY(copy_table(prog->env, blob->slots, blob->piece_count, &prog->slots));
    return copy_table(prog->env, blob->functions, blob->function_count, &prog->functions);
}

// Pages with the code, and behind it its table.
static pst_status place_code(const pst_env *env, const pst_image *image, const pst_bindings *bindings, const pst_jit_blob *blob, jit_program *prog)
{
    uint32_t table_at = (uint32_t)pst_align_up(blob->code_bytes, TABLE_ALIGN);
    uint32_t unwind_at = (uint32_t)pst_align_up(table_at + blob->ref_count * sizeof(uint64_t), pst_pal_page_size());
    pst_status status = pst_pal_code_alloc(unwind_at + jit_unwind_room(blob->function_count), &prog->code);
    if (status != PST_OK) return pst_fail(env, status, "cannot place the machine code of %s: %s", image->name, jit_reason(status));
    memcpy(prog->code.bytes, blob->code, blob->code_bytes);
    pst_jit_blob_link(blob, table_at, prog->code.bytes);
    PST_TRY(fill_table(env, image, bindings, blob, (uint64_t *)(void *)(prog->code.bytes + table_at)));
    status = jit_unwind_seal(prog, unwind_at);
    return status == PST_OK ? PST_OK : pst_fail(env, status, "cannot place the machine code of %s: %s", image->name, jit_reason(status));
}

static pst_status finish(jit_program *prog, pst_status status, pst_exec **out)
{
    if (status == PST_OK) status = jit_program_ready(prog);
    if (status == PST_OK) *out = &prog->exec;
    else jit_program_free(&prog->exec);
    return status;
}

static jit_program *begin(const pst_env *env, const pst_image *image, const pst_bindings *bindings)
{
    jit_program *prog = pst_alloc_zero(env, 1, sizeof *prog);
    if (prog)
        *prog = (jit_program){.env = env, .bindings = *bindings, .exec = {.enter = jit_enter_by_stub, .enter_callback = jit_enter_callback, .free = jit_program_free, .image = image}};
    return prog;
}

pst_status pst_jit_bind(const pst_env *env, const pst_image *image, const pst_bindings *bindings, const pst_jit_blob *blob, pst_exec **out)
{
    *out = NULL;
    if (!blob->code) return PST_E_INVALID;
    PST_TRY(check(env, image, bindings, blob));
    jit_program *prog = begin(env, image, bindings);
    if (!prog) return PST_E_NOMEM;
    pst_status status = copy_places(blob, prog);
    if (status == PST_OK) status = place_code(env, image, bindings, blob, prog);
    return finish(prog, status, out);
}

pst_status pst_jit_adopt(const pst_env *env, const pst_image *image, const pst_bindings *bindings, const pst_jit_blob *blob,
                         const uint8_t *code, uint64_t *table, pst_exec **out)
{
    *out = NULL;
    PST_TRY(check(env, image, bindings, blob));
    jit_program *prog = begin(env, image, bindings);
    if (!prog) return PST_E_NOMEM;
    prog->code = (pst_code){.bytes = (uint8_t *)(uintptr_t)code, .size = blob->code_bytes, .sealed = true};
    prog->code_is_lent = true;
    pst_status status = copy_places(blob, prog);
    if (status == PST_OK) status = fill_table(env, image, bindings, blob, table);
    return finish(prog, status, out);
}
