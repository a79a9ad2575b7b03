// flow.h: the shape of a program before anything is interpreted: blocks, loops, calls, what is live.
//
// Built by vflow_build in linear passes over integer ids; read by the engine (engine.c) only. Immutable afterwards.
//
// A block is a run of instructions that is entered at its start and left at its end. A block ends after a jump, branch, may_goto, exit, and after a
// call of a subprogram; it starts at each target of those. A call that the engine must be able to come back to (a helper with a callback, a
// kfunc that yields the next element of an iterator) is a block of its own.
#ifndef PST_VERIFY_FLOW_H
#define PST_VERIFY_FLOW_H

#include "base/arena.h"
#include "verify/verify.h"

#define VFLOW_NONE UINT32_MAX

typedef struct vflow_block {
    uint32_t start, last;      // pcs of the first and the last instruction
    uint32_t subprog;          // index in image->subprogs
    uint32_t next;             // block that follows in the text when control falls through, VFLOW_NONE when it cannot (calls: where they return)
    uint32_t target;           // block of a jump, branch or may_goto; else VFLOW_NONE
    uint32_t order;            // place in the weak topological order of the whole subprogram: smaller first
    uint32_t loop;             // innermost loop that contains it, VFLOW_NONE
    bool is_head;              // of that loop
    bool is_join;              // more than one way leads here, or it is a loop head, a subprogram's entry, or where a call returns: states are kept here
    // Of the frame that runs here, at the block's start. A dead thing is never read before it is written.
    uint16_t live_regs;        // bit n: rn
    uint16_t wanted_regs;      // numbers in these can matter: they reach an address, a size, an argument, a branch, a value returned with a range
    uint64_t live_slots;       // bit n: any byte of [fp - 8(n + 1), fp - 8n)
    uint64_t wanted_slots;
    uint16_t tested_regs;      // of wanted: reach the operand of a branch within a few blocks. States that differ in them are joined last
    uint64_t tested_slots;
    // Of a caller whose frame waits for a call at the end of this block (subprogram or callback): what it or its callees may still read.
    uint16_t waiting_regs, waiting_wanted_regs;
    uint64_t waiting_slots, waiting_wanted_slots;
    uint64_t handed_slots; // of waiting: the callee, or what that calls, may read it
} vflow_block;

typedef struct vflow_loop {
    uint32_t head;      // block
    uint32_t parent;    // loop around it, VFLOW_NONE
    uint32_t depth;     // 0: outermost
    bool is_bounded;    // every way round goes on behind a may_goto, or past the next element of an iterator that is made outside: it ends by their meaning
} vflow_loop;

typedef struct vflow_sub {
    uint32_t entry;            // block
    uint32_t first_block, block_count; // blocks of a subprogram are contiguous, by start
    bool is_reached;           // by calls or as a callback from the entry program
    bool is_callback;          // its address is taken
} vflow_sub;

typedef struct vflow {
    const vflow_block *blocks;
    uint32_t block_count;
    const uint32_t *block_of;  // by pc
    const vflow_loop *loops;
    uint32_t loop_count;
    const vflow_sub *subs;     // by image->subprogs
    uint32_t exception_callback; // subprogram that runs after bpf_throw, as the program's BTF says; VFLOW_NONE
    const int64_t *thresholds; // for widening: constants of the program and their neighbours, sizes of its maps, ends of types; ascending, each once
    uint32_t threshold_count;
    bool counts_iterators;     // a loop makes iterators and is bounded by another one: how often each was advanced must be counted
} vflow;

/// Builds the flow of the image in arena. *finding: kind NONE when the program has a shape that can be analysed; else what is wrong: an
/// instruction that no path reaches, recursion, calls nested deeper than PST_FRAMES_MAX, a fall through into another subprogram.
PST_MUST_USE pst_status vflow_build(pst_arena *arena, const pst_verify_input *input, pst_finding *finding, vflow *out);
/// Whether loop contains block (directly or in an inner loop).
bool vflow_in_loop(const vflow *flow, uint32_t block, uint32_t loop);
/// The kfunc that the call at pc means, NULL: none or unknown.
const pst_helper_proto *vflow_kfunc(const pst_verify_input *input, uint32_t pc);
/// The helper's prototype for this program's type, NULL when it may not call it.
const pst_helper_proto *vflow_helper(const pst_verify_input *input, int32_t id);

#endif
