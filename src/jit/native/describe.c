// describe.c: a module's description: written, and read back from hostile bytes. README.md has the form.
#include "jit/native/module_internal.h"

#define DESCRIPTION_MAGIC 0x4e545350u // "PSTN"
#define DESCRIPTION_VERSION 1u
#define NAME_MAX 4096u
#define HELPERS_MAX 4096u
#define RECORDS_MAX 4096u
#define NOTHING UINT32_MAX

// --- Writing --------------------------------------------------------------------------------------------------

static void put_bytes(pst_text *out, const void *bytes, size_t size)
{
    if (size) pst_text_bytes(out, bytes, size);
}

static void put_map(pst_text *out, const pst_native_map *map)
{
    native_put_string(out, map->name);
    native_put32(out, map->type);
    native_put32(out, map->key_size);
    native_put32(out, map->value_size);
    native_put32(out, map->max_entries);
    native_put32(out, map->flags);
    native_put32(out, map->value_stride);
    native_put64(out, map->map_extra);
    native_put32(out, map->btf_key_type);
    native_put32(out, map->btf_value_type);
    native_put32(out, map->frozen);
    native_put32(out, (uint32_t)map->inner);
    native_put32(out, map->values ? map->values_size : NOTHING);
    put_bytes(out, map->values, map->values ? map->values_size : 0);
    native_put32(out, map->record_count);
    for (uint32_t i = 0; i < map->record_count; i++) {
        native_put32(out, map->records[i].kind);
        native_put32(out, map->records[i].offset);
        native_put32(out, map->records[i].size);
        native_put32(out, map->records[i].node_offset);
    }
}

static void put_prog(pst_text *out, const pst_native_prog *prog)
{
    native_put_string(out, prog->name);
    native_put_string(out, prog->section);
    native_put32(out, prog->prog_type);
    native_put32(out, prog->attach_type);
    native_put32(out, prog->prog_flags);
    native_put32(out, prog->gpl_compatible);
    native_put32(out, prog->verify_mode);
    native_put64(out, prog->loops_bound);
    native_put32(out, prog->stack_bytes);
    native_put32(out, prog->map_count);
    put_bytes(out, prog->maps, prog->map_count * sizeof *prog->maps);
    native_put32(out, prog->helper_count);
    put_bytes(out, prog->helpers, prog->helper_count * sizeof *prog->helpers);
    native_put32(out, prog->code_offset);
    native_put32(out, prog->table_offset);
    put_bytes(out, prog->bytecode_hash, sizeof prog->bytecode_hash);
    native_put32(out, prog->blob->slot_count);
    put_bytes(out, prog->slots, prog->blob->slot_count * sizeof *prog->slots);
    size_t size_at = out->size;
    native_put32(out, 0);
    pst_jit_blob_write(prog->blob, false, out);
    native_patch32(out, size_at, (uint32_t)(out->size - size_at - 4));
}

void native_describe(const pst_native *native, pst_text *out)
{
    native_put32(out, DESCRIPTION_MAGIC);
    native_put32(out, DESCRIPTION_VERSION);
    native_put32(out, native->target);
    native_put64(out, native->layout);
    native_put_string(out, native->tool);
    native_put_string(out, native->name);
    native_put32(out, native->code_bytes);
    native_put32(out, native->table_bytes);
    native_put32(out, native->map_count);
    native_put32(out, native->prog_count);
    native_put32(out, native->object_size);
    for (uint32_t i = 0; i < native->map_count; i++) put_map(out, &native->maps[i]);
    for (uint32_t i = 0; i < native->prog_count; i++) put_prog(out, &native->progs[i]);
    put_bytes(out, native->object, native->object_size);
}

// --- Reading --------------------------------------------------------------------------------------------------

// A module while it is read. The first failure stays; what is read after it is zero.
typedef struct reader {
    pst_cursor at;
    pst_native *native;
    pst_status status;
    const char *why;
} reader;

static void fail(reader *r, pst_status status, const char *why)
{
    if (r->status != PST_OK) return;
    r->status = status;
    r->why = why;
}

static uint32_t get32(reader *r)
{
    uint32_t value = 0;
    if (!pst_cursor_u32(&r->at, &value)) fail(r, PST_E_FORMAT, "it ends too early");
    return r->status == PST_OK ? value : 0;
}

static uint64_t get64(reader *r)
{
    uint64_t value = 0;
    if (!pst_cursor_u64(&r->at, &value)) fail(r, PST_E_FORMAT, "it ends too early");
    return r->status == PST_OK ? value : 0;
}

// A number that counts something: at most max.
static uint32_t get_count(reader *r, uint32_t max)
{
    uint32_t count = get32(r);
    if (count > max) fail(r, PST_E_LIMIT, "a number in it is larger than the limits allow");
    return r->status == PST_OK ? count : 0;
}

static bool get_flag(reader *r)
{
    uint32_t value = get32(r);
    if (value > 1) fail(r, PST_E_FORMAT, "a flag in it is neither 0 nor 1");
    return value == 1;
}

// A copy in the arena, so that numbers in it are aligned. The bytes are there before memory is taken.
static void *get_bytes(reader *r, size_t size)
{
    const uint8_t *bytes;
    if (r->status == PST_OK && !pst_cursor_bytes(&r->at, size, &bytes)) fail(r, PST_E_FORMAT, "it ends too early");
    if (r->status != PST_OK) return NULL;
    void *copy = pst_arena_alloc(&r->native->arena, size);
    if (!copy) fail(r, PST_E_NOMEM, "no memory");
    else if (size) memcpy(copy, bytes, size);
    return copy;
}

static const char *get_string(reader *r)
{
    uint32_t length = get_count(r, NAME_MAX);
    const char *text = get_bytes(r, (size_t)length + 1);
    if (text && strnlen(text, (size_t)length + 1) != length) fail(r, PST_E_FORMAT, "a name in it does not end where it should");
    return text && r->status == PST_OK ? text : "";
}

static void get_records(reader *r, pst_native_map *map)
{
    map->record_count = get_count(r, RECORDS_MAX);
    pst_record *records = pst_arena_array(&r->native->arena, map->record_count, sizeof *records);
    if (!records) fail(r, PST_E_NOMEM, "no memory");
    for (uint32_t i = 0; i < map->record_count && r->status == PST_OK; i++) {
        records[i].kind = (pst_record_kind)get_count(r, PST_RECORD_UPTR);
        records[i].offset = get32(r);
        records[i].size = get32(r);
        records[i].node_offset = get32(r);
    }
    map->records = records;
}

static void get_map(reader *r, pst_native_map *map)
{
    map->name = get_string(r);
    map->type = get32(r);
    map->key_size = get32(r);
    map->value_size = get32(r);
    map->max_entries = get32(r);
    map->flags = get32(r);
    map->value_stride = get32(r);
    map->map_extra = get64(r);
    map->btf_key_type = get32(r);
    map->btf_value_type = get32(r);
    map->frozen = get_flag(r);
    map->inner = (int32_t)get32(r);
    if (map->inner < -1 || map->inner >= (int32_t)r->native->map_count) fail(r, PST_E_FORMAT, "the template of a map of maps is none of its maps");
    uint32_t size = get32(r);
    if (size != NOTHING) {
        map->values = get_bytes(r, size);
        map->values_size = size;
    }
    get_records(r, map);
}

// Everything that it names must be there: map references in the code (MAP_IDX) are of its own maps.
static void check_prog(reader *r, const pst_native_prog *prog)
{
    const pst_jit_blob *blob = prog->blob;
    uint8_t digest[PST_SHA256_SIZE];
    for (uint32_t i = 0; i < prog->map_count; i++)
        if (prog->maps[i] >= r->native->map_count) fail(r, PST_E_FORMAT, "a program uses a map that is not there");
    for (uint32_t i = 1; i < prog->helper_count; i++)
        if (prog->helpers[i] <= prog->helpers[i - 1]) fail(r, PST_E_FORMAT, "the helpers of a program are not in order");
    if (blob->target != r->native->target || blob->layout != r->native->layout) fail(r, PST_E_FORMAT, "a program is for another target than the module");
    if (prog->code_offset > r->native->code_bytes || blob->code_bytes > r->native->code_bytes - prog->code_offset)
        fail(r, PST_E_FORMAT, "the code of a program lies outside of the module's");
    bool in_table = prog->table_offset % 8 == 0 && prog->table_offset >= NATIVE_TABLE_HEAD && prog->table_offset <= r->native->table_bytes &&
                    blob->ref_count <= (r->native->table_bytes - prog->table_offset) / 8;
    if (!in_table) fail(r, PST_E_FORMAT, "the addresses of a program lie outside of the module's table");
    if (r->status != PST_OK) return;
    pst_status status = pst_pal_sha256(prog->slots, blob->slot_count * sizeof *prog->slots, digest);
    if (status != PST_OK) fail(r, status, pst_status_text(status));
    else if (memcmp(digest, prog->bytecode_hash, sizeof digest) != 0) fail(r, PST_E_FORMAT, "a bytecode hash in it is not that of the bytecode in it");
}

static void get_prog(reader *r, pst_native_prog *prog)
{
    prog->name = get_string(r);
    prog->section = get_string(r);
    prog->prog_type = get32(r);
    prog->attach_type = get32(r);
    prog->prog_flags = get32(r);
    prog->gpl_compatible = get_flag(r);
    prog->verify_mode = get32(r);
    prog->loops_bound = get64(r);
    prog->stack_bytes = get32(r);
    prog->map_count = get_count(r, PST_IMAGE_MAPS_MAX);
    prog->maps = get_bytes(r, prog->map_count * sizeof *prog->maps);
    prog->helper_count = get_count(r, HELPERS_MAX);
    prog->helpers = get_bytes(r, prog->helper_count * sizeof *prog->helpers);
    prog->code_offset = get32(r);
    prog->table_offset = get32(r);
    const uint8_t *hash = get_bytes(r, sizeof prog->bytecode_hash);
    if (hash) memcpy(prog->bytecode_hash, hash, sizeof prog->bytecode_hash);
    uint32_t slots = get_count(r, PST_INSNS_MAX);
    prog->slots = get_bytes(r, slots * sizeof *prog->slots);
    uint32_t size = get32(r);
    const uint8_t *blob;
    if (r->status == PST_OK && !pst_cursor_bytes(&r->at, size, &blob)) fail(r, PST_E_FORMAT, "it ends too early");
    if (r->status != PST_OK) return;
    const pst_env quiet = {.resize = r->native->arena.env->resize, .user = r->native->arena.env->user};
    pst_status status = pst_jit_blob_read(&quiet, blob, size, &prog->blob);
    if (status != PST_OK) fail(r, status, "the description of a program's code is malformed");
    else if (prog->blob->code || prog->blob->slot_count != slots) fail(r, PST_E_FORMAT, "the description of a program's code is malformed");
    else check_prog(r, prog);
    if (prog->blob) prog->blob->env = r->native->arena.env;
}

static void get_head(reader *r)
{
    pst_native *native = r->native;
    if (get32(r) != DESCRIPTION_MAGIC) fail(r, PST_E_FORMAT, "its description does not begin like one");
    if (get32(r) != DESCRIPTION_VERSION) fail(r, PST_E_FORMAT, "it is of another version; compile it again");
    native->target = get_count(r, PST_JIT_TARGETS - 1);
    native->layout = get64(r);
    native->tool = get_string(r);
    native->name = get_string(r);
    native->code_bytes = get_count(r, PST_NATIVE_BYTES_MAX);
    native->table_bytes = get_count(r, PST_NATIVE_BYTES_MAX);
    native->map_count = get_count(r, PST_NATIVE_MAPS_MAX);
    native->prog_count = get_count(r, PST_NATIVE_PROGRAMS_MAX);
    native->object_size = get_count(r, PST_NATIVE_BYTES_MAX);
    native->maps = pst_arena_array(&native->arena, native->map_count, sizeof *native->maps);
    native->progs = pst_arena_array(&native->arena, native->prog_count, sizeof *native->progs);
    if (!native->maps || !native->progs) fail(r, PST_E_NOMEM, "no memory");
    if (r->status != PST_OK) native->map_count = native->prog_count = 0;
}

pst_status pst_native_read(const pst_env *env, const void *bytes, size_t size, pst_native **out)
{
    const uint8_t *trailer = (const uint8_t *)bytes + (size < NATIVE_TRAILER_SIZE ? 0 : size - NATIVE_TRAILER_SIZE);
    pst_cursor whole = pst_cursor_make(bytes, size);
    *out = NULL;
    if (!pst_native_is(bytes, size)) return pst_fail(env, PST_E_FORMAT, "this is no native module: its trailer is missing");
    if (size > PST_NATIVE_BYTES_MAX) return pst_fail(env, PST_E_LIMIT, "a native module of more than %u bytes", PST_NATIVE_BYTES_MAX);
    reader r = {.native = pst_native_create(env)};
    if (!r.native) return PST_E_NOMEM;
    if (!pst_cursor_slice(whole, pst_load64(trailer + 8), pst_load64(trailer + 16), &r.at)) fail(&r, PST_E_FORMAT, "its description lies outside of the file");
    get_head(&r);
    for (uint32_t i = 0; i < r.native->map_count && r.status == PST_OK; i++) get_map(&r, &r.native->maps[i]);
    for (uint32_t i = 0; i < r.native->prog_count && r.status == PST_OK; i++) get_prog(&r, &r.native->progs[i]);
    r.native->object = get_bytes(&r, r.native->object_size);
    if (r.status == PST_OK && pst_cursor_left(&r.at)) fail(&r, PST_E_FORMAT, "bytes follow the end of its description");
    if (r.status == PST_OK) {
        *out = r.native;
        return PST_OK;
    }
    pst_native_free(r.native);
    return pst_fail(env, r.status, "this native module is malformed: %s", r.why);
}
