// image.c: from the slots of a program to an image, or one sentence about what is wrong with them.
//
// Called by the core on PROG_LOAD and by tests. The slots are hostile: nobody has looked at them.
// Invariant: an image that is handed out has all properties that image.h promises; each pass below establishes one of them
// and may rely on the passes before it: decode, find subprograms, check control flow, resolve maps, copy lines.
// Each pass is linear in the number of slots (maps are found again through a small hash table).
#include "program/image.h"

#include <stdarg.h>
#include <string.h>

#include "base/arena.h"
#include "base/format.h"

#define MAP_BUCKETS (2 * PST_IMAGE_MAPS_MAX) // a power of two, at most half full

typedef struct image_block {
    pst_image image; // first: what the caller holds
    pst_arena arena; // everything, this block included
} image_block;

typedef struct builder {
    const pst_env *env;
    const pst_image_input *input;
    pst_image_error *error;
    image_block *block;
    pst_insn *insns;
    pst_subprog *subprogs;
    pst_map_view **maps;
    uint16_t *map_buckets; // index into maps + 1; 0: free
} builder;

static pst_status fail_at(const builder *b, uint32_t pc, const char *fmt, ...) PST_PRINTF(3, 4);
static pst_status fail_at(const builder *b, uint32_t pc, const char *fmt, ...)
{
    va_list args;
    b->error->pc = pc;
    va_start(args, fmt);
    (void)pst_format_v(b->error->text, sizeof b->error->text, fmt, args);
    va_end(args);
    return PST_E_FORMAT;
}

// --- Decoding -------------------------------------------------------------------------------------------------

// A write to r10, which is wrong in nothing else. It is kept, for it may be where no run gets to; it has a kind that nothing runs (image.h).
static pst_decode_result decode_frame_write(const pst_slot *slots, uint32_t left, pst_insn *out)
{
    pst_slot other[2] = {slots[0], left > 1 ? slots[1] : (pst_slot){0}};
    other[0].regs = (uint8_t)((slots[0].regs & 0x0f) == PST_REG_FP ? slots[0].regs & 0xf0 : slots[0].regs & 0x0f);
    pst_decode_result result = pst_insn_decode(other, left < 2 ? left : 2, out);
    if (result == PST_DECODE_FRAME_POINTER) { // both registers: the other one is the one that is written
        other[0].regs = 0;
        result = pst_insn_decode(other, left < 2 ? left : 2, out);
    }
    return result;
}

static pst_status decode_slots(builder *b)
{
    uint32_t count = b->input->count;
    const pst_slot *slots = b->input->slots;
    b->insns = pst_arena_array(&b->block->arena, count, sizeof *b->insns);
    if (!b->insns) return PST_E_NOMEM;
    for (uint32_t pc = 0; pc < count; pc++) {
        pst_decode_result result = pst_insn_decode(slots + pc, count - pc, &b->insns[pc]);
        bool writes_frame = result == PST_DECODE_FRAME_POINTER;
        if (writes_frame) result = decode_frame_write(slots + pc, count - pc, &b->insns[pc]);
        if (result != PST_DECODE_OK)
            return fail_at(b, pc, "instruction %u (opcode 0x%02x): %s", pc, slots[pc].opcode, pst_decode_text(result));
        bool is_wide = b->insns[pc].kind == PST_KIND_IMM64;
        if (writes_frame) b->insns[pc] = (pst_insn){.kind = PST_KIND_CAST, .dst = PST_REG_FP, .src = PST_REG_FP, .width = 64};
        if (is_wide) b->insns[++pc].kind = PST_KIND_PADDING;
    }
    return PST_OK;
}

// --- Subprograms ----------------------------------------------------------------------------------------------

// Whether insn names a subprogram by a displacement.
static bool names_subprog(const pst_insn *insn)
{
    if (insn->kind == PST_KIND_CALL) return insn->op == PST_CALL_SUBPROG;
    return insn->kind == PST_KIND_IMM64 && insn->op == PST_IMM64_FUNC;
}

// A displacement counts from the next slot, also where the instruction has two.
static int64_t target_of(const builder *b, uint32_t pc) { return (int64_t)pc + 1 + b->insns[pc].target; }

static pst_status mark_starts(builder *b, uint8_t *starts, uint32_t *found)
{
    starts[0] = 1;
    *found = 1;
    for (uint32_t i = 0; i < b->input->start_count; i++) {
        uint32_t pc = b->input->starts[i];
        if (pc >= b->input->count || b->insns[pc].kind == PST_KIND_PADDING) return fail_at(b, pc, "no function can start at %u", pc);
        if (starts[pc]) continue;
        if (*found == PST_SUBPROGS_MAX) return fail_at(b, pc, "the program has more than %u subprograms", PST_SUBPROGS_MAX);
        starts[pc] = 1;
        ++*found;
    }
    for (uint32_t pc = 0; pc < b->input->count; pc++) {
        if (!names_subprog(&b->insns[pc])) continue;
        int64_t target = target_of(b, pc);
        if (target < 0 || target >= b->input->count)
            return fail_at(b, pc, "instruction %u refers to a subprogram at %lld, outside the program's %u slots", pc,
                           (long long)target, b->input->count);
        if (b->insns[target].kind == PST_KIND_PADDING)
            return fail_at(b, pc, "instruction %u refers to a subprogram at %lld, the middle of a 64-bit immediate", pc,
                           (long long)target);
        if (starts[target]) continue;
        if (*found == PST_SUBPROGS_MAX)
            return fail_at(b, pc, "the program has more than %u subprograms", PST_SUBPROGS_MAX);
        starts[target] = 1;
        ++*found;
    }
    return PST_OK;
}

static pst_status find_subprogs(builder *b)
{
    uint32_t count = b->input->count, found = 0, next = 0;
    uint8_t *starts = pst_alloc_zero(b->env, count, 1);
    if (!starts) return PST_E_NOMEM;
    pst_status status = mark_starts(b, starts, &found);
    if (status == PST_OK) {
        b->subprogs = pst_arena_array(&b->block->arena, found, sizeof *b->subprogs);
        if (!b->subprogs) status = PST_E_NOMEM;
    }
    for (uint32_t pc = 0; status == PST_OK && pc < count; pc++) {
        if (starts[pc]) b->subprogs[next++].start = pc;
        b->subprogs[next - 1].count++;
    }
    pst_free(b->env, starts, count);
    b->block->image.subprog_count = found;
    return status;
}

// --- Control flow ---------------------------------------------------------------------------------------------

static bool jumps(const pst_insn *insn)
{
    return insn->kind == PST_KIND_JUMP || insn->kind == PST_KIND_BRANCH || insn->kind == PST_KIND_MAY_GOTO;
}

static pst_status check_subprog(builder *b, const pst_subprog *sub)
{
    uint32_t end = sub->start + sub->count, last = sub->start;
    for (uint32_t pc = sub->start; pc < end; pc++) {
        if (b->insns[pc].kind == PST_KIND_PADDING) continue;
        last = pc;
        if (!jumps(&b->insns[pc])) continue;
        int64_t target = target_of(b, pc);
        if (target < sub->start || target >= end)
            return fail_at(b, pc, "instruction %u jumps to %lld, out of its subprogram (instructions %u to %u)", pc,
                           (long long)target, sub->start, end - 1);
        if (b->insns[target].kind == PST_KIND_PADDING)
            return fail_at(b, pc, "instruction %u jumps to %lld, the middle of a 64-bit immediate", pc, (long long)target);
    }
    if (b->insns[last].kind != PST_KIND_EXIT && b->insns[last].kind != PST_KIND_JUMP)
        return fail_at(b, last, "the subprogram that starts at %u runs off its end after instruction %u: "
                       "its last instruction must be an exit or a jump", sub->start, last);
    return PST_OK;
}

static pst_status check_flow(builder *b)
{
    for (uint32_t i = 0; i < b->block->image.subprog_count; i++) PST_TRY(check_subprog(b, &b->subprogs[i]));
    return PST_OK;
}

// --- Maps -----------------------------------------------------------------------------------------------------

static bool names_map(const pst_insn *insn)
{
    if (insn->kind != PST_KIND_IMM64) return false;
    switch ((pst_imm64_op)insn->op) {
    case PST_IMM64_MAP_FD:
    case PST_IMM64_MAP_VALUE:
    case PST_IMM64_MAP_IDX:
    case PST_IMM64_MAP_IDX_VALUE: return true;
    case PST_IMM64_VALUE:
    case PST_IMM64_BTF_ID:
    case PST_IMM64_FUNC: return false;
    }
    PST_UNREACHABLE();
}

// The bucket that holds map, or the free one where it belongs.
static uint16_t *map_bucket(builder *b, const pst_map_view *map)
{
    uint64_t at = ((uint64_t)(uintptr_t)map >> 4) * 0x9e3779b97f4a7c15u >> 40;
    for (;; at++) {
        uint16_t *bucket = &b->map_buckets[at & (MAP_BUCKETS - 1)];
        if (*bucket == 0 || b->maps[*bucket - 1] == map) return bucket;
    }
}

static pst_status map_index(builder *b, uint32_t pc, pst_map_view *map, uint32_t *index)
{
    uint16_t *bucket = map_bucket(b, map);
    if (*bucket == 0) {
        if (b->block->image.map_count == PST_IMAGE_MAPS_MAX)
            return fail_at(b, pc, "the program uses more than %u maps", PST_IMAGE_MAPS_MAX);
        b->maps[b->block->image.map_count++] = map;
        *bucket = (uint16_t)b->block->image.map_count;
    }
    *index = *bucket - 1u;
    return PST_OK;
}

static pst_status resolve_map(builder *b, uint32_t pc)
{
    pst_insn *insn = &b->insns[pc];
    int32_t number = (int32_t)(uint32_t)insn->imm;
    uint32_t offset = (uint32_t)((uint64_t)insn->imm >> 32), index = 0;
    bool by_index = insn->op == PST_IMM64_MAP_IDX || insn->op == PST_IMM64_MAP_IDX_VALUE;
    bool value = insn->op == PST_IMM64_MAP_VALUE || insn->op == PST_IMM64_MAP_IDX_VALUE;

    pst_map_view *map = b->input->find_map ? b->input->find_map(b->input->user, (pst_imm64_op)insn->op, number) : NULL;
    if (!map)
        return fail_at(b, pc, "instruction %u refers to %s %d, and there is no such map", pc,
                       by_index ? "map index" : "map descriptor", number);
    if (value && !map->values)
        return fail_at(b, pc, "instruction %u takes the address of a value in map %u, whose values have none", pc, map->id);
    if (value && offset >= map->value_size)
        return fail_at(b, pc, "instruction %u takes the address of byte %u of a value of map %u, which has %u bytes", pc,
                       offset, map->id, map->value_size);
    PST_TRY(map_index(b, pc, map, &index));
    insn->op = value ? PST_IMM64_MAP_VALUE : PST_IMM64_MAP_FD;
    insn->imm = (int64_t)((uint64_t)offset << 32 | index);
    return PST_OK;
}

static pst_status resolve_maps(builder *b)
{
    uint32_t references = 0;
    for (uint32_t pc = 0; pc < b->input->count; pc++) references += names_map(&b->insns[pc]);
    if (references == 0) return PST_OK;
    if (references > PST_IMAGE_MAPS_MAX) references = PST_IMAGE_MAPS_MAX;
    b->maps = pst_arena_array(&b->block->arena, references, sizeof(pst_map_view *));
    b->map_buckets = pst_alloc_zero(b->env, MAP_BUCKETS, sizeof *b->map_buckets);
    pst_status status = b->maps && b->map_buckets ? PST_OK : PST_E_NOMEM;
    for (uint32_t pc = 0; status == PST_OK && pc < b->input->count; pc++)
        if (names_map(&b->insns[pc])) status = resolve_map(b, pc);
    pst_free(b->env, b->map_buckets, MAP_BUCKETS * sizeof *b->map_buckets);
    return status;
}

// --- Lines ----------------------------------------------------------------------------------------------------

static const char *copy_string(pst_arena *arena, const char *text)
{
    return text ? pst_arena_string(arena, text, strlen(text)) : "";
}

// Line info is for messages only, so a row that makes no sense is left out rather than refused: rows ascend by pc.
static pst_status copy_lines(builder *b)
{
    const pst_image_input *input = b->input;
    if (input->line_count == 0 || !input->lines) return PST_OK;
    pst_arena *arena = &b->block->arena;
    pst_line *lines = pst_arena_array(arena, input->line_count, sizeof *lines);
    if (!lines) return PST_E_NOMEM;
    uint32_t count = 0;
    const char *file_in = NULL, *file = ""; // consecutive rows share their file's name
    for (uint32_t i = 0; i < input->line_count; i++) {
        const pst_line *row = &input->lines[i];
        if (row->pc >= input->count || (count > 0 && row->pc < lines[count - 1].pc)) continue;
        if (row->file != file_in) {
            file_in = row->file;
            file = copy_string(arena, row->file);
        }
        lines[count] = *row;
        lines[count].file = file;
        lines[count].text = copy_string(arena, row->text);
        if (!file || !lines[count].text) return PST_E_NOMEM;
        count++;
    }
    b->block->image.lines = lines;
    b->block->image.line_count = count;
    return PST_OK;
}

// --- All together ---------------------------------------------------------------------------------------------

static pst_status check_size(const builder *b)
{
    uint32_t count = b->input->count;
    if (count == 0 || !b->input->slots) return fail_at(b, 0, "the program has no instructions");
    if (count > PST_INSNS_MAX)
        return fail_at(b, 0, "the program has %u instruction slots; the limit is %u", count, PST_INSNS_MAX);
    return PST_OK;
}

static pst_status build(builder *b)
{
    PST_TRY(check_size(b));
    PST_TRY(decode_slots(b));
    PST_TRY(find_subprogs(b));
    PST_TRY(check_flow(b));
    PST_TRY(resolve_maps(b));
    return copy_lines(b);
}

static void finish(const builder *b)
{
    const pst_image_input *input = b->input;
    pst_image *image = &b->block->image;
    const char *name = input->name ? input->name : "";
    for (size_t i = 0; i + 1 < sizeof image->name && name[i]; i++) image->name[i] = name[i];
    image->prog_type = input->prog_type;
    image->attach_type = input->attach_type;
    image->sleepable = input->sleepable;
    image->gpl_compatible = input->gpl_compatible;
    image->insns = b->insns;
    image->count = input->count;
    image->subprogs = b->subprogs;
    image->maps = b->maps;
}

pst_status pst_image_build(const pst_env *env, const pst_image_input *input, pst_image_error *error, pst_image **out)
{
    pst_image_error unused;
    *out = NULL;
    if (!error) error = &unused;
    *error = (pst_image_error){0};
    if (input->size < sizeof *input) return PST_E_INVALID;

    pst_arena arena;
    pst_arena_init(&arena, env, 0);
    image_block *block = pst_arena_alloc(&arena, sizeof *block);
    if (!block) return PST_E_NOMEM;
    block->arena = arena;
    builder b = {.env = env, .input = input, .error = error, .block = block};
    pst_status status = build(&b);
    if (status != PST_OK) {
        pst_image_free(&block->image);
        return status;
    }
    finish(&b);
    *out = &block->image;
    return PST_OK;
}

void pst_image_free(pst_image *image)
{
    if (!image) return;
    pst_arena arena = ((image_block *)(void *)image)->arena; // it lives in itself
    pst_arena_free(&arena);
}

// --- Lookups --------------------------------------------------------------------------------------------------

const pst_subprog *pst_image_subprog_at(const pst_image *image, uint32_t pc)
{
    uint32_t lo = 0, hi = image->subprog_count; // the answer's index is in [lo, hi)
    if (pc >= image->count) return NULL;
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (image->subprogs[mid].start <= pc) lo = mid;
        else hi = mid;
    }
    return &image->subprogs[lo];
}

const pst_line *pst_image_line_at(const pst_image *image, uint32_t pc)
{
    const pst_subprog *sub = pst_image_subprog_at(image, pc);
    uint32_t lo = 0, hi = image->line_count; // rows before lo are at or before pc, rows from hi on are after it
    if (!sub) return NULL;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (image->lines[mid].pc <= pc) lo = mid + 1;
        else hi = mid;
    }
    return lo > 0 && image->lines[lo - 1].pc >= sub->start ? &image->lines[lo - 1] : NULL;
}
