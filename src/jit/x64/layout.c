// layout.c: see layout.h.
//
// Branches begin with two bytes; a pass over all items finds those that do not reach, and makes them long for good; that is repeated until a
// pass finds none. A branch never becomes short again, so this ends; after PASSES_MAX the rest is made long, for the sake of hostile programs.
#include "jit/x64/layout.h"

#include "base/bits.h"

#define PASSES_MAX 12u
#define CALL_NEAR 5u // call rel32
#define CALL_FAR 13u // mov T0, imm64; call T0
#define CALL_REF 6u  // call [rip + rel32]
#define LOAD_REF 7u  // mov reg, [rip + rel32]
#define ALIGN_WASTE_MAX X64_NOP_MAX // more padding than that costs more than it gains

// --- Code, items, labels --------------------------------------------------------------------------------------

pst_status x64_code_init(x64_code *code, const pst_env *env, uint32_t labels)
{
    *code = (x64_code){.env = env, .label_count = labels};
    PST_TRY(pst_grow(env, &code->labels, &code->label_capacity, (size_t)labels + 64, sizeof *code->labels));
    for (uint32_t i = 0; i < labels; i++) code->labels[i].at = X64_UNBOUND;
    return pst_grow(env, &code->bytes, &code->capacity, (size_t)labels * 5 + 4 * X64_ROOM, 1);
}

void x64_code_free(x64_code *code)
{
    pst_free(code->env, code->bytes, code->capacity);
    pst_free(code->env, code->items, code->item_capacity * sizeof *code->items);
    pst_free(code->env, code->labels, code->label_capacity * sizeof *code->labels);
}

static void fail(x64_code *code, pst_status status)
{
    if (code->status == PST_OK) code->status = status;
    code->size = 0;
    code->item_count = 0;
}

void x64_room(x64_code *code)
{
    pst_status status = PST_OK;
    if (code->size > X64_CODE_MAX) status = PST_E_LIMIT;
    if (status == PST_OK && code->capacity - code->size < X64_ROOM)
        status = pst_grow(code->env, &code->bytes, &code->capacity, (size_t)code->size + X64_ROOM, 1);
    if (status == PST_OK && code->item_capacity - code->item_count < 16)
        status = pst_grow(code->env, &code->items, &code->item_capacity, (size_t)code->item_count + 16, sizeof *code->items);
    if (status == PST_OK && code->label_capacity - code->label_count < 8)
        status = pst_grow(code->env, &code->labels, &code->label_capacity, (size_t)code->label_count + 8, sizeof *code->labels);
    if (status != PST_OK) fail(code, status);
}

static void add_item(x64_code *code, x64_item item)
{
    if (code->item_count == code->item_capacity) return; // only after a failure
    item.at = code->size;
    code->items[code->item_count++] = item;
}

x64_label x64_label_new(x64_code *code)
{
    if (code->label_count == code->label_capacity) return 0; // only after a failure
    code->labels[code->label_count].at = X64_UNBOUND;
    return code->label_count++;
}

void x64_bind(x64_code *code, x64_label label) { code->labels[label] = (x64_place){code->size, code->item_count}; }
void x64_jump(x64_code *code, x64_cc cc, x64_label label) { add_item(code, (x64_item){.kind = ITEM_JUMP, .cc = (uint8_t)cc, .size = 2, .label = label}); }
void x64_call(x64_code *code, x64_label label) { add_item(code, (x64_item){.kind = ITEM_CALL, .size = CALL_NEAR, .label = label}); }
void x64_call_out(x64_code *code, uint64_t address) { add_item(code, (x64_item){.kind = ITEM_CALL_OUT, .size = CALL_FAR, .address = address}); }

static uint32_t add_ref(x64_code *code, pst_jit_ref ref)
{
    uint32_t index = 0;
    pst_status status = code->refs ? jit_refs_add(code->refs, ref, &index) : PST_E_INVALID;
    if (status != PST_OK) fail(code, status);
    return index;
}

void x64_call_ref(x64_code *code, pst_jit_ref ref)
{
    uint32_t index = add_ref(code, ref);
    add_item(code, (x64_item){.kind = ITEM_CALL_REF, .size = CALL_REF, .ref = index});
}

void x64_load_ref(x64_code *code, x64_reg dst, pst_jit_ref ref)
{
    uint32_t index = add_ref(code, ref);
    add_item(code, (x64_item){.kind = ITEM_LOAD_REF, .size = LOAD_REF, .reg = (uint8_t)dst, .ref = index});
}

void x64_align(x64_code *code, uint32_t align) { add_item(code, (x64_item){.kind = ITEM_ALIGN, .align = align}); }

// --- Sizes ----------------------------------------------------------------------------------------------------

static uint32_t long_size(const x64_item *item) { return item->cc == CC_ALWAYS ? 5 : 6; }

static bool is_i32(int64_t value) { return value >= INT32_MIN && value <= INT32_MAX; }

uint32_t x64_layout_bound(const x64_code *code)
{
    uint32_t bytes = code->size;
    for (uint32_t i = 0; i < code->item_count; i++) {
        const x64_item *item = &code->items[i];
        bytes += item->kind == ITEM_JUMP ? long_size(item) : item->kind == ITEM_ALIGN ? ALIGN_WASTE_MAX : item->size;
    }
    return bytes;
}

static void place_items(x64_code *code, x64_layout *layout)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < code->item_count; i++) {
        x64_item *item = &code->items[i];
        layout->before[i] = sum;
        if (item->kind == ITEM_ALIGN) {
            uint32_t waste = (0u - (item->at + sum)) & (item->align - 1);
            item->size = (uint8_t)(waste <= ALIGN_WASTE_MAX ? waste : 0);
        }
        sum += item->size;
    }
    layout->before[code->item_count] = sum;
    layout->size = code->size + sum;
}

// Offset of the byte behind item i.
static uint32_t end_of(const x64_code *code, const x64_layout *layout, uint32_t i) { return code->items[i].at + layout->before[i + 1]; }

static int64_t distance(const x64_code *code, const x64_layout *layout, uint32_t i)
{
    return (int64_t)x64_layout_offset(code, layout, code->items[i].label) - end_of(code, layout, i);
}

// Makes branches long that do not reach, or all of them. Whether any was.
static bool lengthen(x64_code *code, const x64_layout *layout, bool all)
{
    bool changed = false;
    for (uint32_t i = 0; i < code->item_count; i++) {
        x64_item *item = &code->items[i];
        if (item->kind != ITEM_JUMP || item->size != 2) continue;
        int64_t by = distance(code, layout, i);
        if (!all && by >= INT8_MIN && by <= INT8_MAX) continue;
        item->size = (uint8_t)long_size(item);
        changed = true;
    }
    return changed;
}

pst_status x64_layout_make(x64_code *code, uint64_t base, x64_layout *out)
{
    *out = (x64_layout){0};
    if (code->status != PST_OK) return code->status;
    out->before = pst_alloc(code->env, ((size_t)code->item_count + 1) * sizeof *out->before);
    if (!out->before) return PST_E_NOMEM;
    uint32_t bound = x64_layout_bound(code);
    for (uint32_t i = 0; i < code->item_count; i++) {
        x64_item *item = &code->items[i];
        // Near from both ends of the program is near from everywhere in it.
        bool near = item->kind == ITEM_CALL_OUT && is_i32((int64_t)(item->address - base)) && is_i32((int64_t)(item->address - base - bound));
        if (near) item->size = CALL_NEAR;
    }
    for (unsigned pass = 0; pass < PASSES_MAX + 2; pass++) {
        place_items(code, out);
        if (!lengthen(code, out, pass == PASSES_MAX)) break;
    }
    return PST_OK;
}

void x64_layout_free(const x64_code *code, x64_layout *layout)
{
    pst_free(code->env, layout->before, ((size_t)code->item_count + 1) * sizeof *layout->before);
    layout->before = NULL;
}

// --- Bytes ----------------------------------------------------------------------------------------------------

static void write_jump(const x64_item *item, int32_t by, uint8_t *out)
{
    if (item->size == 2) {
        out[0] = (uint8_t)(item->cc == CC_ALWAYS ? 0xeb : 0x70 | item->cc);
        out[1] = (uint8_t)by;
        return;
    }
    if (item->cc == CC_ALWAYS) {
        *out++ = 0xe9;
    } else {
        *out++ = 0x0f;
        *out++ = (uint8_t)(0x80 | item->cc);
    }
    pst_store32(out, (uint32_t)by);
}

static void write_call_out(const x64_item *item, uint64_t end, uint8_t *out)
{
    if (item->size == CALL_NEAR) {
        out[0] = 0xe8;
        pst_store32(out + 1, (uint32_t)(item->address - end));
        return;
    }
    out[0] = 0x49; // REX.W, REX.B
    out[1] = 0xb8 | (T0 & 7);
    pst_store64(out + 2, item->address);
    out[10] = 0x41;
    out[11] = 0xff;
    out[12] = 0xd0 | (T0 & 7);
}

// The distance stays 0 here: who binds the code knows where the table is.
static void write_ref(const x64_item *item, uint8_t *out)
{
    bool loads = item->kind == ITEM_LOAD_REF;
    if (loads) *out++ = 0x48 | (item->reg & 8) >> 1; // REX.W, REX.R
    out[0] = loads ? 0x8b : 0xff;
    out[1] = (uint8_t)((loads ? item->reg & 7 : 2) << 3 | RBP); // without a base: [rip + rel32]
    pst_store32(out + 2, 0);
}

static void write_item(const x64_code *code, const x64_layout *layout, uint64_t base, uint32_t i, uint8_t *out)
{
    const x64_item *item = &code->items[i];
    switch ((x64_item_kind)item->kind) {
    case ITEM_JUMP: write_jump(item, (int32_t)distance(code, layout, i), out); break;
    case ITEM_CALL:
        out[0] = 0xe8;
        pst_store32(out + 1, (uint32_t)distance(code, layout, i));
        break;
    case ITEM_CALL_OUT: write_call_out(item, base + end_of(code, layout, i), out); break;
    case ITEM_CALL_REF:
    case ITEM_LOAD_REF: write_ref(item, out); break;
    case ITEM_ALIGN:
        if (item->size) memcpy(out, x64_nops[item->size - 1], item->size);
        break;
    }
}

void x64_layout_write(const x64_code *code, const x64_layout *layout, uint64_t base, uint8_t *out)
{
    uint32_t from = 0;
    for (uint32_t i = 0; i < code->item_count; i++) {
        const x64_item *item = &code->items[i];
        memcpy(out + from + layout->before[i], code->bytes + from, item->at - from);
        write_item(code, layout, base, i, out + item->at + layout->before[i]);
        from = item->at;
    }
    memcpy(out + from + layout->before[code->item_count], code->bytes + from, code->size - from);
}

uint32_t x64_layout_patches(const x64_code *code, const x64_layout *layout, pst_jit_patch *out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < code->item_count; i++) {
        const x64_item *item = &code->items[i];
        if (item->kind != ITEM_CALL_REF && item->kind != ITEM_LOAD_REF) continue;
        if (out) out[count] = (pst_jit_patch){.at = end_of(code, layout, i) - 4, .ref = item->ref};
        count++;
    }
    return count;
}
