// flow_fixture.h: what the tests of src/verify/flow.h share: a program in text or slots, and its flow.
#ifndef PST_TESTS_FLOW_FIXTURE_H
#define PST_TESTS_FLOW_FIXTURE_H

#include "harness.h"

#include "pal/pal.h"
#include "verify/flow.h"

typedef struct flowed {
    pst_image *image;
    pst_verify_input input;
    pst_arena arena;
    pst_finding finding;
    vflow flow;
    pst_status status; // of the build, or of what came before it
} flowed;

// Descriptor 3 is an array of 16-byte values with 7 entries, 4 a hash with 12-byte keys, 5 a program array.
static inline pst_map_view *flow_find_map(void *user, pst_imm64_op op, int32_t map)
{
    static uint8_t values[7 * 16];
    static pst_map_view array = {.type = PST_MAP_ARRAY, .key_size = 4, .value_size = 16, .max_entries = 7, .id = 30, .values = values, .value_stride = 16};
    static pst_map_view hash = {.type = PST_MAP_HASH, .key_size = 12, .value_size = 40, .max_entries = 1000, .id = 40};
    static pst_map_view progs = {.type = PST_MAP_PROG_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 9, .id = 50};
    (void)user, (void)op;
    return map == 3 ? &array : map == 4 ? &hash : map == 5 ? &progs : NULL;
}

// Kfunc 1 is the next element of an iterator over numbers, 2 makes one, 3 destroys it.
static inline const char *flow_kfunc_name(void *user, uint32_t pc, const pst_insn *insn)
{
    (void)user, (void)pc;
    return insn->imm == 1 ? "bpf_iter_num_next" : insn->imm == 2 ? "bpf_iter_num_new" : insn->imm == 3 ? "bpf_iter_num_destroy" : NULL;
}

static inline flowed *flow_slots(const pst_slot *slots, size_t count)
{
    flowed *f = calloc(1, sizeof *f);
    if (!f) abort();
    pst_image_error error = {0};
    pst_image_input input = {.size = sizeof input, .name = "flow", .prog_type = 6, .slots = slots, .count = (uint32_t)count, .find_map = flow_find_map};
    pst_arena_init(&f->arena, pst_pal_env(), 0);
    f->status = pst_image_build(pst_pal_env(), &input, &error, &f->image);
    if (f->status != PST_OK) {
        pst_test_fail(__FILE__, __LINE__, "no image: %s", error.text);
        return f;
    }
    f->input = (pst_verify_input){.size = sizeof f->input, .image = f->image, .type = pst_prog_type_by_name("xdp"), .kfunc_name = flow_kfunc_name};
    f->status = vflow_build(&f->arena, &f->input, &f->finding, &f->flow);
    if (f->status != PST_OK) pst_test_fail(__FILE__, __LINE__, "no flow: %s", pst_status_text(f->status));
    return f;
}

static inline flowed *flow_text(const char *text)
{
    pst_slot *slots = NULL;
    size_t count = 0;
    pst_asm_error why = {0};
    if (pst_assemble(pst_pal_env(), text, &slots, &count, &why) != PST_OK) {
        pst_test_fail(__FILE__, __LINE__, "\"%s\", line %u: %s", text, why.line, why.text);
        abort();
    }
    flowed *f = flow_slots(slots, count);
    pst_free(pst_pal_env(), slots, count * sizeof *slots);
    return f;
}

static inline void flow_free(flowed *f)
{
    pst_arena_free(&f->arena);
    pst_image_free(f->image);
    free(f);
}

// Whether there is a flow to look at.
static inline bool flow_is_good(const flowed *f)
{
    if (f->status == PST_OK && f->finding.kind != PST_FINDING_NONE) pst_test_fail(__FILE__, __LINE__, "finding: %s", f->finding.text);
    return f->status == PST_OK && f->finding.kind == PST_FINDING_NONE;
}

static inline const vflow_block *flow_block_at(const flowed *f, uint32_t pc) { return &f->flow.blocks[f->flow.block_of[pc]]; }

// A small generator of numbers: the same programs everywhere.
static inline uint32_t flow_random(uint64_t *state, uint32_t below)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)((*state * 0x2545f4914f6cdd1du >> 32) % below);
}

#endif
