// flow_internal.h: what the passes behind flow.h share while they build it: flow.c, flow_loops.c, flow_stack.c, flow_live.c, flow_thresholds.c.
//
// A pass reads what the passes before it have written; each says in its head what that is. Everything is ids of blocks and slots; nothing
// recurses, and no pass is worse than near linear in the size of the program times the (constant) height of its lattice.
#ifndef PST_VERIFY_FLOW_INTERNAL_H
#define PST_VERIFY_FLOW_INTERNAL_H

#include "verify/flow.h"

#define VFLOW_REG(n) ((uint16_t)(1u << (n)))
#define VFLOW_ARGS ((uint16_t)0x3e)         // r1 to r5
#define VFLOW_CLOBBERED ((uint16_t)0x3f)    // r0 to r5: what a call overwrites
#define VFLOW_SAVED ((uint16_t)0x3c0)       // r6 to r9
#define VFLOW_ALL_SLOTS UINT64_MAX

/// What an instruction does to the stack slots of its frame. Instructions that do nothing to them have no event.
typedef struct vflow_event {
    uint32_t pc;
    bool is_load;       // the slots read are wanted when the register loaded is
    bool wants_stored;  // the number stored may be read by a caller of this frame
    uint64_t reads;     // may be read
    uint64_t kills;     // are overwritten as a whole, always
    uint64_t writes;    // may be written by a store of a register
    uint64_t wants;     // numbers in them matter
} vflow_event;

/// What callers need of a subprogram that was analysed before them.
typedef struct vflow_summary {
    bool is_done;
    bool dips;          // it may access memory below a pointer that it was given
    uint16_t live_args; // of r1 to r5
} vflow_summary;

typedef struct vflow_builder {
    const pst_verify_input *input;
    const pst_image *image;
    pst_finding *finding;
    pst_arena *arena;   // of the result
    pst_arena scratch;  // freed when the flow is built
    vflow_block *blocks;
    uint32_t block_count;
    uint32_t *block_of;
    vflow_sub *subs;
    vflow_loop *loops;
    uint32_t loop_count;
    bool counts_iterators;
    const pst_helper_proto **protos; // by pc: of calls of helpers and kfuncs, else NULL
    uint32_t *pred_start, *preds;    // edges into block n: preds[pred_start[n]] up to preds[pred_start[n + 1]]
    uint32_t *by_order;              // subs[s].first_block + order -> block
    uint32_t *sub_order;             // subprograms, callees before callers (but for callbacks that call each other)
    uint32_t sub_order_count;
    uint32_t exception_callback;     // subprogram, VFLOW_NONE
    vflow_summary *summaries;        // by subprogram
    // Of the subprogram that is analysed now, by flow_stack.c for flow_live.c.
    vflow_event *events;             // by pc
    uint32_t *event_start;           // events of block n of the program: event_start[n] up to event_start[n + 1]
    uint16_t *sums;                  // by pc, by flow_pointers.c: operands of additions that matter because the other one may be a pointer
    int64_t *constants;              // that branches compare with, of the whole program
    uint32_t constant_count;
} vflow_builder;

/// Fills the finding; the passes stop when its kind is not NONE.
void vflow_fail(vflow_builder *b, pst_finding_kind kind, uint32_t pc, const char *fmt, ...) PST_PRINTF(4, 5);
PST_INLINE uint32_t vflow_target_pc(uint32_t pc, const pst_insn *insn) { return (uint32_t)((int64_t)pc + 1 + insn->target); }
/// Block that is entered after this one: which 0 for next, 1 for target; VFLOW_NONE.
PST_INLINE uint32_t vflow_successor(const vflow_block *block, unsigned which) { return which ? block->target : block->next; }
PST_INLINE bool vflow_is_sub_call(const pst_insn *insn) { return insn->kind == PST_KIND_CALL && insn->op == PST_CALL_SUBPROG; }
/// Whether a call by this prototype runs a subprogram before it returns, or has one run later.
bool vflow_takes_callback(const pst_helper_proto *proto);
/// Index of the subprogram that starts at pc.
uint32_t vflow_sub_at(const vflow_builder *b, uint32_t pc);

/// flow_loops.c: order, loop, is_head of all blocks; loops; by_order. Reads successors.
PST_MUST_USE pst_status vflow_find_loops(vflow_builder *b);
/// flow_pointers.c: sums of one subprogram. Reads order.
PST_MUST_USE pst_status vflow_find_sums(vflow_builder *b, uint32_t sub);
/// flow_stack.c: events of one subprogram, its summary's dips; appends to constants. Reads order and summaries of callees.
typedef struct vflow_stack vflow_stack;
PST_MUST_USE pst_status vflow_stack_create(vflow_builder *b, vflow_stack **out);
void vflow_stack_run(vflow_stack *stack, uint32_t sub);
/// flow_live.c: liveness and demand of all blocks. Runs flow_stack.c on each subprogram before.
PST_MUST_USE pst_status vflow_find_live(vflow_builder *b);
/// flow_thresholds.c. Reads constants.
PST_MUST_USE pst_status vflow_find_thresholds(vflow_builder *b, const int64_t **out, uint32_t *count);

#endif
