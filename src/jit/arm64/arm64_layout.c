// arm64_layout.c: see arm64_layout.h.
//
// A branch without a condition reaches everything in a program (ARM64_CODE_MAX); one with a condition, and one on a bit, may not: it then becomes the
// opposite branch over an unconditional one. Branches begin short; a pass over all items finds those that do not reach, and makes them long for good; that
// is repeated until a pass finds none. A branch never becomes short again, so this ends; after PASSES_MAX the rest is made long, for the sake of
// hostile programs. Nothing is aligned: fetch units of these machines take whatever words come.
#include "jit/arm64/arm64_layout.h"

#include "base/bits.h"

#define PASSES_MAX 12u
#define CALL_NEAR 1u // bl
#define CALL_PAGE 3u // adrp T0; add T0; blr T0
#define CALL_FAR 5u  // movz and three movk to T0; blr T0
// adr T1, the word; b over it; the word: from behind it to an entry of the table; ldrsw T0, [T1], 4; ldr register, [T1, T0]
#define LOAD_REF 5u
#define REF_WORD 2u // which of them is the word
#define CALL_REF 6u // the same to T0; blr T0

#define B 0x14000000u
#define BL 0x94000000u
#define B_COND 0x54000000u // distance << 5
#define CBZ 0x34000000u    // CBNZ: | 1 << 24; distance << 5
#define TBZ 0x36000000u    // TBNZ: | 1 << 24; distance << 5
#define ADRP 0x90000000u   // low bits of the distance in pages << 29, others << 5

// --- Code, items, labels --------------------------------------------------------------------------------------

pst_status arm64_code_init(arm64_code *code, const pst_env *env, uint32_t labels)
{
    *code = (arm64_code){.env = env, .label_count = labels};
    PST_TRY(pst_grow(env, &code->labels, &code->label_capacity, (size_t)labels + 64, sizeof *code->labels));
    for (uint32_t i = 0; i < labels; i++) code->labels[i].at = ARM64_UNBOUND;
    return pst_grow(env, &code->words, &code->capacity, (size_t)labels * 2 + 4 * ARM64_ROOM, sizeof *code->words);
}

void arm64_code_free(arm64_code *code)
{
    pst_free(code->env, code->words, code->capacity * sizeof *code->words);
    pst_free(code->env, code->items, code->item_capacity * sizeof *code->items);
    pst_free(code->env, code->labels, code->label_capacity * sizeof *code->labels);
}

static void fail(arm64_code *code, pst_status status)
{
    if (code->status == PST_OK) code->status = status;
    code->size = 0;
    code->item_count = 0;
}

void arm64_room(arm64_code *code)
{
    pst_status status = PST_OK;
    // Long branches and calls may double that: half of what a branch reaches.
    if (code->size + (uint64_t)code->item_count * CALL_REF > ARM64_CODE_MAX) status = PST_E_LIMIT;
    if (status == PST_OK && code->capacity - code->size < ARM64_ROOM)
        status = pst_grow(code->env, &code->words, &code->capacity, (size_t)code->size + ARM64_ROOM, sizeof *code->words);
    if (status == PST_OK && code->item_capacity - code->item_count < 16)
        status = pst_grow(code->env, &code->items, &code->item_capacity, (size_t)code->item_count + 16, sizeof *code->items);
    if (status == PST_OK && code->label_capacity - code->label_count < 8)
        status = pst_grow(code->env, &code->labels, &code->label_capacity, (size_t)code->label_count + 8, sizeof *code->labels);
    if (status != PST_OK) fail(code, status);
}

static void add_item(arm64_code *code, arm64_item item)
{
    if (code->item_count == code->item_capacity) return; // only after a failure
    item.at = code->size;
    code->items[code->item_count++] = item;
}

arm64_label arm64_label_new(arm64_code *code)
{
    if (code->label_count == code->label_capacity) return 0; // only after a failure
    code->labels[code->label_count].at = ARM64_UNBOUND;
    return code->label_count++;
}

static void add_branch(arm64_code *code, arm64_item_kind kind, uint32_t word, arm64_label label)
{
    add_item(code, (arm64_item){.kind = (uint8_t)kind, .size = 1, .word = word, .label = label});
}

void arm64_bind(arm64_code *code, arm64_label label) { code->labels[label] = (arm64_place){code->size, code->item_count}; }
void arm64_jump(arm64_code *code, arm64_label label) { add_branch(code, ITEM_JUMP, B, label); }
void arm64_jump_if(arm64_code *code, arm64_cc cc, arm64_label label) { add_branch(code, ITEM_COND, B_COND | (uint32_t)cc, label); }
void arm64_call(arm64_code *code, arm64_label label) { add_branch(code, ITEM_CALL, BL, label); }

void arm64_jump_zero(arm64_code *code, bool if_zero, unsigned width, arm64_reg reg, arm64_label label)
{
    add_branch(code, ITEM_ZERO, CBZ | (width == 64 ? 1u << 31 : 0) | (if_zero ? 0 : 1u << 24) | (uint32_t)reg, label);
}

void arm64_jump_bit(arm64_code *code, bool if_set, unsigned bit, arm64_reg reg, arm64_label label)
{
    add_branch(code, ITEM_BIT, TBZ | bit >> 5 << 31 | (if_set ? 1u << 24 : 0) | (bit & 31) << 19 | (uint32_t)reg, label);
}

void arm64_call_out(arm64_code *code, uint64_t address)
{
    add_item(code, (arm64_item){.kind = ITEM_CALL_OUT, .size = CALL_FAR, .address = address});
}

static uint32_t add_ref(arm64_code *code, pst_jit_ref ref)
{
    uint32_t number = 0;
    pst_status status = code->refs ? jit_refs_add(code->refs, ref, &number) : PST_E_INVALID;
    if (status != PST_OK) fail(code, status);
    return number;
}

void arm64_call_ref(arm64_code *code, pst_jit_ref ref)
{
    uint32_t number = add_ref(code, ref);
    add_item(code, (arm64_item){.kind = ITEM_CALL_REF, .size = CALL_REF, .word = T0, .ref = number});
}

void arm64_load_ref(arm64_code *code, arm64_reg dst, pst_jit_ref ref)
{
    uint32_t number = add_ref(code, ref);
    add_item(code, (arm64_item){.kind = ITEM_LOAD_REF, .size = LOAD_REF, .word = (uint32_t)dst, .ref = number});
}

// --- Sizes ----------------------------------------------------------------------------------------------------

static bool is_condition(const arm64_item *item) { return item->kind == ITEM_COND || item->kind == ITEM_ZERO || item->kind == ITEM_BIT; }

// Whether a number fits a signed field.
static bool fits(int64_t value, unsigned bits) { return value >= -((int64_t)1 << (bits - 1)) && value < (int64_t)1 << (bits - 1); }

uint32_t arm64_layout_bound(const arm64_code *code)
{
    uint32_t words = code->size;
    for (uint32_t i = 0; i < code->item_count; i++) words += is_condition(&code->items[i]) ? 2 : code->items[i].size;
    return words;
}

static void place_items(const arm64_code *code, arm64_layout *layout)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < code->item_count; i++) {
        layout->before[i] = sum;
        sum += code->items[i].size;
    }
    layout->before[code->item_count] = sum;
    layout->size = code->size + sum;
}

// From item i's first word to its label, in words.
static int64_t distance(const arm64_code *code, const arm64_layout *layout, uint32_t i)
{
    return (int64_t)arm64_layout_index(code, layout, code->items[i].label) - (code->items[i].at + layout->before[i]);
}

// Makes branches long that do not reach, or all of them. Whether any was.
static bool lengthen(arm64_code *code, const arm64_layout *layout, bool all)
{
    bool changed = false;
    for (uint32_t i = 0; i < code->item_count; i++) {
        arm64_item *item = &code->items[i];
        if (!is_condition(item) || item->size != 1) continue;
        if (!all && fits(distance(code, layout, i), item->kind == ITEM_BIT ? 14 : 19)) continue;
        item->size = 2;
        changed = true;
    }
    return changed;
}

static bool in_reach(uint64_t address, uint64_t base, uint64_t bound, unsigned bits)
{
    // Near from both ends of the program is near from everywhere in it.
    return fits((int64_t)(address - base), bits) && fits((int64_t)(address - base - bound), bits);
}

pst_status arm64_layout_make(arm64_code *code, uint64_t base, arm64_layout *out)
{
    *out = (arm64_layout){0};
    if (code->status != PST_OK) return code->status;
    out->before = pst_alloc(code->env, ((size_t)code->item_count + 1) * sizeof *out->before);
    if (!out->before) return PST_E_NOMEM;
    uint64_t bound = 4 * (uint64_t)arm64_layout_bound(code);
    for (uint32_t i = 0; i < code->item_count; i++) {
        arm64_item *item = &code->items[i];
        if (item->kind != ITEM_CALL_OUT) continue;
        if (in_reach(item->address, base, bound, 28)) item->size = CALL_NEAR;
        else if (in_reach(item->address, base, bound + 4096, 32)) item->size = CALL_PAGE;
    }
    for (unsigned pass = 0; pass < PASSES_MAX + 2; pass++) {
        place_items(code, out);
        if (!lengthen(code, out, pass == PASSES_MAX)) break;
    }
    return PST_OK;
}

void arm64_layout_free(const arm64_code *code, arm64_layout *layout)
{
    pst_free(code->env, layout->before, ((size_t)code->item_count + 1) * sizeof *layout->before);
    layout->before = NULL;
}

// --- Words ----------------------------------------------------------------------------------------------------

static void put(uint8_t **out, uint32_t word)
{
    pst_store32(*out, word);
    *out += 4;
}

static uint32_t field(int64_t value, unsigned bits) { return (uint32_t)((uint64_t)value & pst_mask(bits)); }

static void write_condition(const arm64_item *item, int64_t by, uint8_t *out)
{
    if (item->size == 2) { // the opposite, over the next word
        put(&out, (item->word ^ (item->kind == ITEM_COND ? 1u : 1u << 24)) | 2u << 5);
        put(&out, B | field(by - 1, 26));
    } else {
        put(&out, item->word | field(by, item->kind == ITEM_BIT ? 14 : 19) << 5);
    }
}

static void write_call_out(const arm64_item *item, uint64_t at, uint8_t *out)
{
    uint64_t address = item->address;
    if (item->size == CALL_NEAR) {
        put(&out, BL | field((int64_t)(address - at) / 4, 26));
        return;
    }
    if (item->size == CALL_PAGE) {
        uint32_t pages = field((int64_t)((address & ~(uint64_t)4095) - (at & ~(uint64_t)4095)) / 4096, 21);
        put(&out, ADRP | (pages & 3) << 29 | pages >> 2 << 5 | T0);
        put(&out, 0x91000000u | (uint32_t)(address & 4095) << 10 | (uint32_t)T0 << 5 | T0); // add
    } else {
        for (uint32_t i = 0; i < 4; i++) // movz, then movk
            put(&out, (i == 0 ? 0xd2800000u : 0xf2800000u) | i << 21 | (uint32_t)(address >> 16 * i & 0xffff) << 5 | T0);
    }
    put(&out, 0xd63f0000u | (uint32_t)T0 << 5); // blr
}

static void write_ref(const arm64_item *item, uint8_t *out)
{
    put(&out, 0x10000040u | T1); // adr, 8 bytes on
    put(&out, B | 2);
    put(&out, 0);
    put(&out, 0xb8804400u | (uint32_t)T1 << 5 | T0);                      // ldrsw T0, [T1], 4
    put(&out, 0xf8606800u | (uint32_t)T0 << 16 | (uint32_t)T1 << 5 | item->word); // ldr, [T1, T0]
    if (item->kind == ITEM_CALL_REF) put(&out, 0xd63f0000u | (uint32_t)T0 << 5);  // blr
}

static void write_item(const arm64_code *code, const arm64_layout *layout, uint64_t base, uint32_t i, uint8_t *out)
{
    const arm64_item *item = &code->items[i];
    switch ((arm64_item_kind)item->kind) {
    case ITEM_JUMP:
    case ITEM_CALL: pst_store32(out, item->word | field(distance(code, layout, i), 26)); break;
    case ITEM_COND:
    case ITEM_ZERO:
    case ITEM_BIT: write_condition(item, distance(code, layout, i), out); break;
    case ITEM_CALL_OUT: write_call_out(item, base + 4 * ((uint64_t)item->at + layout->before[i]), out); break;
    case ITEM_CALL_REF:
    case ITEM_LOAD_REF: write_ref(item, out); break;
    }
}

void arm64_layout_write(const arm64_code *code, const arm64_layout *layout, uint64_t base, uint8_t *out)
{
    uint32_t from = 0;
    for (uint32_t i = 0; i < code->item_count; i++) {
        const arm64_item *item = &code->items[i];
        memcpy(out + 4 * (size_t)(from + layout->before[i]), code->words + from, 4 * (size_t)(item->at - from));
        write_item(code, layout, base, i, out + 4 * (size_t)(item->at + layout->before[i]));
        from = item->at;
    }
    memcpy(out + 4 * (size_t)(from + layout->before[code->item_count]), code->words + from, 4 * (size_t)(code->size - from));
}

uint32_t arm64_layout_patches(const arm64_code *code, const arm64_layout *layout, pst_jit_patch *out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < code->item_count; i++) {
        const arm64_item *item = &code->items[i];
        if (item->kind != ITEM_CALL_REF && item->kind != ITEM_LOAD_REF) continue;
        if (out) out[count] = (pst_jit_patch){.at = 4 * (item->at + layout->before[i] + REF_WORD), .ref = item->ref};
        count++;
    }
    return count;
}
