// blob.c: see blob.h. Code as data: references, compiling, bytes and back.
//
// Form, little-endian: magic, version, target, features, flags, layout (8 bytes), info hash (32 bytes), counts of code bytes, slots, pieces,
// functions, refs and patches, offsets of stub and way out, whether slots of pieces (1) and code (2) follow; then the tables, each of numbers of 4
// bytes: offsets, slots, functions, refs, patches; then the code.
#include "jit/blob.h"

#include "base/bits.h"
#include "base/cursor.h"
#include "base/hash.h"
#include "jit/back_end.h"
#include "jit/guess.h"
#include "jit/opt/opt.h"
#include "jit/refs.h"

#define BLOB_MAGIC 0x424a5350u // "PSJB"
#define BLOB_VERSION 1u
#define HAS_SLOTS 1u
#define HAS_CODE 2u
#define INDEX_SIZE 8192u // of the hash table of references: a power of two, twice as many as there can be

static const char *const target_names[PST_JIT_TARGETS] = {
#define X(name, text) text,
    PST_JIT_TARGET_LIST(X)
#undef X
};

const char *pst_jit_target_name(pst_jit_target target) { return target < PST_JIT_TARGETS ? target_names[target] : ""; }

pst_jit_target pst_jit_target_by_name(const char *name)
{
    for (unsigned i = 0; i < PST_JIT_TARGETS; i++)
        if (strcmp(name, target_names[i]) == 0) return (pst_jit_target)i;
    return PST_JIT_TARGETS;
}

pst_jit_target pst_jit_target_of_host(void)
{
    if (PST_HOST_ARM64 && !PST_HOST_MS_ABI) return PST_JIT_TARGET_ARM64_LINUX;
    if (!PST_HOST_X64) return PST_JIT_TARGETS;
    return PST_HOST_MS_ABI ? PST_JIT_TARGET_X64_WINDOWS : PST_JIT_TARGET_X64_LINUX;
}

bool pst_jit_target_supported(pst_jit_target target)
{
    uint8_t digest[PST_SHA256_SIZE];
    const jit_back_end *back_end = jit_back_end_of(target);
    return back_end && back_end->compile_blob && pst_pal_sha256("", 0, digest) == PST_OK;
}

uint64_t pst_jit_layout(void)
{
#define AT(member) offsetof(pst_run, member)
    const uint64_t form[] = {
        BLOB_VERSION, sizeof(void *), sizeof(pst_run), AT(ctx), AT(ctx_size), AT(prog), AT(tail_next), AT(trap.code), AT(trap.pc),
        AT(trap.address), AT(trap.size), AT(native.unwind_sp), AT(native.may_goto_left), AT(native.depth), AT(native.frame), AT(native.result),
        PST_FUNC_TAG, PST_FRAME_BYTES, PST_FRAMES_MAX, PST_MAY_GOTO_MAX, JIT_RUNTIME_COUNT, JIT_TAIL_FAILED, JIT_TAIL_ENDED, JIT_TAIL_RETURNED,
        PST_TRAP_CONTEXT, PST_TRAP_HELPER, PST_TRAP_DEPTH, PST_TRAP_BUDGET,
    };
#undef AT
    return pst_hash_plain(form, sizeof form);
}

// --- References -----------------------------------------------------------------------------------------------

pst_status jit_refs_init(jit_refs *refs, const pst_env *env)
{
    *refs = (jit_refs){.env = env, .index = pst_alloc_zero(env, INDEX_SIZE, sizeof *refs->index)};
    return refs->index ? PST_OK : PST_E_NOMEM;
}

void jit_refs_free(jit_refs *refs)
{
    pst_free(refs->env, refs->refs, refs->capacity * sizeof *refs->refs);
    pst_free(refs->env, refs->index, refs->index ? INDEX_SIZE * sizeof *refs->index : 0);
    *refs = (jit_refs){.env = refs->env};
}

pst_status jit_refs_add(jit_refs *refs, pst_jit_ref ref, uint32_t *number)
{
    uint32_t at = (ref.number * PST_JIT_REF_KINDS + ref.kind) * 2654435761u >> 19; // 13 bits, as INDEX_SIZE
    for (; refs->index[at]; at = (at + 1) & (INDEX_SIZE - 1)) {
        const pst_jit_ref *known = &refs->refs[refs->index[at] - 1];
        *number = refs->index[at] - 1u;
        if (known->kind == ref.kind && known->number == ref.number) return PST_OK;
    }
    if (refs->count == PST_JIT_REFS_MAX) return PST_E_LIMIT;
    PST_TRY(pst_grow(refs->env, &refs->refs, &refs->capacity, (size_t)refs->count + 1, sizeof *refs->refs));
    refs->refs[refs->count] = ref;
    *number = refs->count++;
    refs->index[at] = (uint16_t)refs->count;
    return PST_OK;
}

// --- Compiling ------------------------------------------------------------------------------------------------

void pst_jit_blob_free(pst_jit_blob *blob)
{
    if (!blob) return;
    const pst_env *env = blob->env;
    pst_free(env, blob->code, blob->code_bytes);
    pst_free(env, blob->offsets, ((size_t)blob->piece_count + 1) * sizeof *blob->offsets);
    pst_free(env, blob->slots, blob->piece_count * sizeof *blob->slots);
    pst_free(env, blob->functions, blob->function_count * sizeof *blob->functions);
    pst_free(env, blob->refs, blob->ref_count * sizeof *blob->refs);
    pst_free(env, blob->patches, blob->patch_count * sizeof *blob->patches);
    pst_free(env, blob, sizeof *blob);
}

static pst_status keep_slots(const jit_unit *unit, pst_jit_blob *blob)
{
    if (!unit->origins) return PST_OK;
    blob->slots = pst_alloc(unit->env, blob->piece_count * sizeof *blob->slots);
    if (!blob->slots) return PST_E_NOMEM;
    memcpy(blob->slots, unit->origins, blob->piece_count * sizeof *blob->slots);
    return PST_OK;
}

static pst_status compile(const jit_unit *unit, const pst_jit_opts *opts, pst_jit_blob *blob)
{
    const jit_back_end *back_end = jit_back_end_of((pst_jit_target)blob->target);
    if (!back_end || !back_end->compile_blob)
        return pst_fail(unit->env, PST_E_UNSUPPORTED, "there is no ahead-of-time compiler for target %s yet",
                        blob->target < PST_JIT_TARGETS ? target_names[blob->target] : "of this machine");
    PST_TRY(jit_back_end_check(back_end, unit));
    opt_better better;
    const jit_unit *best;
    const jit_machine machine = jit_machine_for(back_end, unit);
    pst_status status = opt_better_make(&better, unit, &machine, opts, &best);
    if (status == PST_OK) status = back_end->compile_blob(best, opts, blob);
    if (status == PST_OK) status = keep_slots(best, blob);
    if (best->reads_stack) blob->flags |= PST_JIT_BLOB_READS_STACK;
    if (best->counts_depth) blob->flags |= PST_JIT_BLOB_COUNTS_DEPTH;
    opt_better_free(&better);
    return status;
}

pst_status pst_jit_compile(const pst_env *env, const pst_image *image, const pst_bindings *bindings, const pst_facts *facts,
                           const pst_jit_opts *opts, pst_jit_target target, pst_jit_blob **out)
{
    *out = NULL;
    if (opts && opts->size < sizeof *opts) return PST_E_INVALID;
    pst_jit_blob *blob = pst_alloc_zero(env, 1, sizeof *blob);
    if (!blob) return PST_E_NOMEM;
    *blob = (pst_jit_blob){.env = env, .target = target, .layout = pst_jit_layout(), .slot_count = image->count};
    jit_unit unit = {.env = env, .image = image, .source = image, .bindings = bindings, .facts = facts,
                     .harden = opts ? opts->harden : 0, .walkable = opts && opts->walkable, .meter_turns = jit_meter_turns(opts)};
    pst_status status = pst_jit_info_hash(env, image, bindings, blob->info_hash);
    if (status == PST_OK) status = jit_analyse(&unit);
    if (status == PST_OK) status = compile(&unit, opts, blob);
    if (status != PST_OK) (void)pst_fail(env, status, "cannot make machine code of %s: %s", image->name, jit_reason(status));
    jit_unit_free(&unit);
    if (status == PST_OK) *out = blob;
    else pst_jit_blob_free(blob);
    return status;
}

void pst_jit_blob_link(const pst_jit_blob *blob, int64_t distance, uint8_t *code)
{
    for (uint32_t i = 0; i < blob->patch_count; i++) {
        const pst_jit_patch *patch = &blob->patches[i];
        int64_t by = distance + 8 * (int64_t)patch->ref - (int64_t)patch->at - 4;
        pst_store32(code + patch->at, (uint32_t)(int32_t)by);
    }
}

// --- Bytes ----------------------------------------------------------------------------------------------------

static void put32(pst_text *out, uint32_t value)
{
    char bytes[4];
    pst_store32(bytes, value);
    pst_text_bytes(out, bytes, sizeof bytes);
}

// Tables are numbers of 4 bytes each, as the machine has them.
static void put_table(pst_text *out, const void *table, size_t numbers)
{
    if (numbers) pst_text_bytes(out, table, numbers * 4);
}

void pst_jit_blob_write(const pst_jit_blob *blob, bool with_code, pst_text *out)
{
    put32(out, BLOB_MAGIC);
    put32(out, BLOB_VERSION);
    put32(out, blob->target);
    put32(out, blob->features);
    put32(out, blob->flags);
    put_table(out, &blob->layout, 2);
    put_table(out, blob->info_hash, sizeof blob->info_hash / 4);
    put32(out, blob->code_bytes);
    put32(out, blob->slot_count);
    put32(out, blob->piece_count);
    put32(out, blob->function_count);
    put32(out, blob->ref_count);
    put32(out, blob->patch_count);
    put32(out, blob->call_offset);
    put32(out, blob->unwind_offset);
    put32(out, (blob->slots ? HAS_SLOTS : 0) | (with_code ? HAS_CODE : 0));
    put_table(out, blob->offsets, (size_t)blob->piece_count + 1);
    put_table(out, blob->slots, blob->slots ? blob->piece_count : 0);
    put_table(out, blob->functions, blob->function_count);
    put_table(out, blob->refs, (size_t)blob->ref_count * 2);
    put_table(out, blob->patches, (size_t)blob->patch_count * 2);
    if (with_code) pst_text_bytes(out, (const char *)blob->code, blob->code_bytes);
}

static pst_status bad(const pst_env *env, const char *what)
{
    return pst_fail(env, PST_E_FORMAT, "this is no compiled program: %s", what);
}

static bool read_head(pst_cursor *c, pst_jit_blob *blob, uint32_t *parts)
{
    const uint8_t *hash;
    bool fits = pst_cursor_u32(c, &blob->target) && pst_cursor_u32(c, &blob->features) && pst_cursor_u32(c, &blob->flags) &&
                pst_cursor_u64(c, &blob->layout) && pst_cursor_bytes(c, sizeof blob->info_hash, &hash) && pst_cursor_u32(c, &blob->code_bytes) &&
                pst_cursor_u32(c, &blob->slot_count) && pst_cursor_u32(c, &blob->piece_count) && pst_cursor_u32(c, &blob->function_count) && pst_cursor_u32(c, &blob->ref_count) &&
                pst_cursor_u32(c, &blob->patch_count) && pst_cursor_u32(c, &blob->call_offset) && pst_cursor_u32(c, &blob->unwind_offset) &&
                pst_cursor_u32(c, parts);
    if (fits) memcpy(blob->info_hash, hash, sizeof blob->info_hash);
    return fits;
}

static pst_status check_head(const pst_env *env, const pst_jit_blob *blob, uint32_t parts)
{
    if (blob->target >= PST_JIT_TARGETS) return bad(env, "its target is none that is known here");
    if (blob->flags & ~(PST_JIT_BLOB_READS_STACK | PST_JIT_BLOB_COUNTS_DEPTH | PST_JIT_BLOB_LEAF) || parts & ~(HAS_SLOTS | HAS_CODE)) return bad(env, "it has flags that are not known here");
    if (blob->code_bytes == 0 || blob->slot_count == 0 || blob->piece_count == 0 || blob->function_count == 0) return bad(env, "it has no code");
    if (blob->code_bytes > PST_JIT_CODE_MAX || blob->slot_count > PST_INSNS_MAX || blob->piece_count > PST_JIT_PIECES_MAX ||
        blob->function_count > PST_SUBPROGS_MAX || blob->ref_count > PST_JIT_REFS_MAX || blob->patch_count > blob->code_bytes / 4)
        return pst_fail(env, PST_E_LIMIT, "a compiled program has more code, slots, functions or references than the limits allow");
    if (!(parts & HAS_SLOTS) && blob->piece_count != blob->slot_count) return bad(env, "its pieces are not those of its instructions");
    bool inside = (blob->call_offset == PST_JIT_NOWHERE || blob->call_offset < blob->code_bytes) &&
                  (blob->unwind_offset == PST_JIT_NOWHERE || blob->unwind_offset < blob->code_bytes);
    return inside ? PST_OK : bad(env, "its stub or its way out lies outside of the code");
}

// *out: count elements of size bytes, copied; NULL where there are none. False: they are not there. The bytes are known to be there before
// memory is taken.
static bool read_table(const pst_env *env, pst_cursor *c, size_t count, size_t size, void *out_ptr, pst_status *status)
{
    const uint8_t *bytes;
    if (*status != PST_OK || !pst_cursor_bytes(c, count * size, &bytes)) return false;
    void *copy = count ? pst_alloc(env, count * size) : NULL;
    if (count && !copy) *status = PST_E_NOMEM;
    if (copy) memcpy(copy, bytes, count * size);
    memcpy(out_ptr, &copy, sizeof copy);
    return *status == PST_OK;
}

static pst_status read_tables(const pst_env *env, pst_cursor *c, uint32_t parts, pst_jit_blob *blob)
{
    pst_status status = PST_OK;
    bool fits = read_table(env, c, (size_t)blob->piece_count + 1, sizeof *blob->offsets, &blob->offsets, &status) &&
                read_table(env, c, parts & HAS_SLOTS ? blob->piece_count : 0, sizeof *blob->slots, &blob->slots, &status) &&
                read_table(env, c, blob->function_count, sizeof *blob->functions, &blob->functions, &status) &&
                read_table(env, c, blob->ref_count, sizeof *blob->refs, &blob->refs, &status) &&
                read_table(env, c, blob->patch_count, sizeof *blob->patches, &blob->patches, &status) &&
                read_table(env, c, parts & HAS_CODE ? blob->code_bytes : 0, 1, &blob->code, &status);
    if (status != PST_OK) return status;
    if (!fits) return bad(env, "it ends too early");
    return pst_cursor_left(c) ? bad(env, "bytes follow its end") : PST_OK;
}

static pst_status check_tables(const pst_env *env, const pst_jit_blob *blob)
{
    for (uint32_t i = 0; i <= blob->piece_count; i++)
        if (blob->offsets[i] > blob->code_bytes) return bad(env, "an instruction lies outside of the code");
    for (uint32_t i = 0; blob->slots && i < blob->piece_count; i++)
        if (blob->slots[i] >= blob->slot_count) return bad(env, "a piece of code is of an instruction that is not there");
    for (uint32_t i = 0; i < blob->function_count; i++)
        if (blob->functions[i] >= blob->code_bytes) return bad(env, "a function lies outside of the code");
    for (uint32_t i = 0; i < blob->ref_count; i++)
        if (blob->refs[i].kind >= PST_JIT_REF_KINDS) return bad(env, "it refers to something of a kind that is not known here");
    uint32_t free_from = 0;
    for (uint32_t i = 0; i < blob->patch_count; i++) {
        const pst_jit_patch *patch = &blob->patches[i];
        if (patch->at < free_from || patch->at > blob->code_bytes - 4 || patch->ref >= blob->ref_count)
            return bad(env, "a reference lies outside of the code, over another, or names nothing");
        free_from = patch->at + 4;
    }
    return PST_OK;
}

pst_status pst_jit_blob_read(const pst_env *env, const void *bytes, size_t size, pst_jit_blob **out)
{
    uint32_t magic, version, parts;
    pst_cursor c = pst_cursor_make(bytes, size);
    pst_jit_blob head = {.env = env};
    *out = NULL;
    if (!pst_cursor_u32(&c, &magic) || magic != BLOB_MAGIC) return bad(env, "it does not begin like one");
    if (!pst_cursor_u32(&c, &version) || version != BLOB_VERSION) return bad(env, "it is of another version; compile the program again");
    if (!read_head(&c, &head, &parts)) return bad(env, "it ends too early");
    PST_TRY(check_head(env, &head, parts));
    pst_jit_blob *blob = pst_alloc(env, sizeof *blob);
    if (!blob) return PST_E_NOMEM;
    *blob = head;
    pst_status status = read_tables(env, &c, parts, blob);
    if (status == PST_OK) status = check_tables(env, blob);
    if (status == PST_OK) *out = blob;
    else pst_jit_blob_free(blob);
    return status;
}
