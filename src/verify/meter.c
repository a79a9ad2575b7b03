// meter.c: see meter.h.
//
// A metered loop has PST_FACT_METERED on every instruction that control leaves for the loop's head from inside of the loop. Engines count these
// instructions over the whole run, in whatever call, callback or tail call they are executed, and stop the run at a limit. So an edge of the graph of
// kept states that stands for such an instruction can be taken a bounded number of times, whatever else happens, and terminate.c may cut it.
//
// A run that is stopped gives nothing back. So nothing may be held where a metered instruction is executed: no lock, reference, section or saved
// flag, of this frame or of one that waits. Of frames in the same walk each state tells that arrives at a loop's head. A global function is walked on its own, without its
// callers: there, no caller may hold anything. The same loop may be walked in several entries, before or after it became metered: marks stay until the
// attempt ends, and both orders are looked at.
#include "verify/meter.h"

#include "verify/call.h"

void vmeter_begin(verifier *v)
{
    v->meters_global = v->calls_holding = false;
    v->metered = 0;
    for (uint32_t i = 0; v->loop_marks && i < v->flow.loop_count; i++) v->loop_marks[i] = 0;
}

// Asks without recording the answer as a finding.
static bool holds_something(verifier *v, vstate *s)
{
    pst_finding before = v->finding;
    bool holds = vcall_nothing_held(v, s, true, "the end of a turn") != VSTEP_NEXT;
    v->finding = before;
    return holds;
}

void vmeter_note_turn(verifier *v, vstate *s, uint32_t loop)
{
    if (!v->loop_marks) return;
    uint8_t *marks = &v->loop_marks[loop];
    if (v->entry_subprog != 0) *marks |= VLOOP_GLOBAL;
    if (!(*marks & VLOOP_HELD) && holds_something(v, s)) *marks |= VLOOP_HELD;
}

void vmeter_note_call(verifier *v, vstate *s)
{
    if (v->loop_marks && !v->calls_holding) v->calls_holding = holds_something(v, s);
}

static bool refuse(verifier *v, uint32_t loop, uint32_t pc, const char *why)
{
    v->pc = v->flow.blocks[v->flow.loops[loop].head].start;
    (void)vreject(v, PST_FINDING_TERMINATION, -1, "the loop that starts here may never end, and its turns cannot be metered: %s", why);
    vhint(v, "count the turns against a constant, or use bpf_loop, bpf_for or may_goto");
    v->finding.lost_pc = pc;
    return false;
}

// The instruction at the end of a block that leads to the head: a jump that engines can count at.
static bool mark_latch(verifier *v, uint32_t loop, const vflow_block *block, bool mark)
{
    const pst_insn *insn = &v->image->insns[block->last];
    if (insn->kind != PST_KIND_JUMP && insn->kind != PST_KIND_BRANCH)
        return refuse(v, loop, block->last, "a turn of it ends with an instruction that is no jump");
    if (mark) v->fact_flags[block->last] |= PST_FACT_METERED;
    return true;
}

static bool mark_latches(verifier *v, uint32_t loop, bool mark)
{
    const vflow *flow = &v->flow;
    uint32_t head = flow->loops[loop].head;
    const vflow_sub *sub = &flow->subs[flow->blocks[head].subprog];
    for (uint32_t b = sub->first_block; b < sub->first_block + sub->block_count; b++) {
        const vflow_block *block = &flow->blocks[b];
        if ((block->next != head && block->target != head) || !vflow_in_loop(flow, b, loop) || VPLANT(61)) continue;
        if (!mark_latch(v, loop, block, mark)) return false;
    }
    return true;
}

bool vmeter_loop(verifier *v, uint32_t loop)
{
    if (!mark_latches(v, loop, false) || !mark_latches(v, loop, true)) return false;
    v->loop_marks[loop] |= VLOOP_METERED;
    v->metered++;
    return true;
}

bool vmeter_settle(verifier *v)
{
    for (uint32_t loop = 0; v->loop_marks && loop < v->flow.loop_count; loop++) {
        uint8_t marks = v->loop_marks[loop];
        if (!(marks & VLOOP_METERED)) continue;
        v->meters_global |= (marks & VLOOP_GLOBAL) != 0;
        if (marks & VLOOP_HELD && !VPLANT(62)) return refuse(v, loop, UINT32_MAX, "a lock, a reference or a section is held while it turns");
        if (v->meters_global && v->calls_holding) return refuse(v, loop, UINT32_MAX, "it is in a global function, and a caller of such holds a reference");
    }
    return true;
}
