// arm64_stack_frame.c: see arm64_stack_frame.h. sp is a multiple of 16 whenever it is used.
#include "jit/arm64/arm64_stack_frame.h"

#include "base/bits.h"

#define BIT(reg) (1u << (reg))

arm64_frame arm64_frame_of(const jit_unit *unit, const jit_func *func, const arm64_abi *abi, bool entry, bool leaf)
{
    arm64_frame frame = {.has_record = func->has_frame || func->calls, .stack_bytes = (uint32_t)pst_align_up(func->stack_bytes, 16)};
    // A run that ends early comes from any function straight to the entry: that has to have kept what the others have written.
    uint16_t written = entry ? unit->written | unit->entry_live : func->written; // what is live at the entry is made 0 there
    if (entry && unit->needs_run && !leaf) {
        frame.has_record = true;
        frame.kept |= BIT(RUN);
    }
    for (unsigned reg = 0; reg < JIT_REGS_MAX; reg++)
        if (reg != PST_REG_FP && written & JIT_REG(reg)) frame.kept |= abi->kept & BIT(abi->of[reg]);
    return frame;
}

arm64_frame arm64_frame_of_stub(const arm64_abi *abi)
{
    arm64_frame frame = {.has_record = true, .kept = BIT(RUN)};
    for (unsigned reg = 0; reg < JIT_REGS_MAX; reg++)
        if (reg != PST_REG_FP) frame.kept |= abi->kept & BIT(abi->of[reg]);
    return frame;
}

#define KEPT_MAX 12u

// The registers that are kept, ascending. Returns how many.
static unsigned list_kept(const arm64_frame *frame, arm64_reg out[KEPT_MAX])
{
    unsigned count = 0;
    for (uint32_t left = frame->kept; left; left &= left - 1) out[count++] = (arm64_reg)PST_CTZ64((uint64_t)left);
    return count;
}

static int32_t bytes_of(unsigned count) { return (int32_t)(count + (count & 1)) * 8; }

// Two by two, from at on. push: the first store makes the room.
static void store_kept(arm64_code *code, const arm64_frame *frame, int32_t at, bool push)
{
    arm64_reg regs[KEPT_MAX];
    unsigned count = list_kept(frame, regs);
    for (unsigned i = 0; i < count; i += 2) {
        int32_t disp = push && i == 0 ? -bytes_of(count) : at + (int32_t)(8 * i);
        bool pre = push && i == 0;
        if (i + 1 < count) arm64_store_pair(code, 64, pre ? PAIR_PRE : PAIR_OFFSET, regs[i], regs[i + 1], SP, disp);
        else if (pre) arm64_store_pre(code, regs[i], SP, disp);
        else arm64_store(code, 64, arm64_at(SP, disp), regs[i]);
    }
}

// The same backwards. pop: the last load takes the room away.
static void load_kept(arm64_code *code, const arm64_frame *frame, int32_t at, bool pop)
{
    arm64_reg regs[KEPT_MAX];
    unsigned count = list_kept(frame, regs);
    for (unsigned i = count + (count & 1); i > 0;) {
        i -= 2;
        bool post = pop && i == 0;
        int32_t disp = post ? bytes_of(count) : at + (int32_t)(8 * i);
        if (i + 1 < count) arm64_load_pair(code, 64, post ? PAIR_POST : PAIR_OFFSET, regs[i], regs[i + 1], SP, disp);
        else if (post) arm64_load_post(code, regs[i], SP, disp);
        else arm64_load(code, 64, regs[i], arm64_at(SP, disp));
    }
}

void arm64_frame_enter(arm64_code *code, const arm64_frame *frame)
{
    arm64_reg regs[KEPT_MAX];
    if (!frame->has_record) {
        store_kept(code, frame, 0, true);
        return;
    }
    arm64_store_pair(code, 64, PAIR_PRE, FP, LR, SP, -(16 + bytes_of(list_kept(frame, regs))));
    arm64_sum_i(code, SUM_ADD, 64, FP, SP, 0);
    store_kept(code, frame, 16, false);
    if (frame->stack_bytes) arm64_sum_i(code, SUM_SUB, 64, SP, SP, frame->stack_bytes);
}

void arm64_frame_leave(arm64_code *code, const arm64_frame *frame, bool sp_intact)
{
    arm64_reg regs[KEPT_MAX];
    if (frame->has_record) {
        if (frame->stack_bytes || !sp_intact) arm64_sum_i(code, SUM_ADD, 64, SP, FP, 0);
        load_kept(code, frame, 16, false);
        arm64_load_pair(code, 64, PAIR_POST, FP, LR, SP, 16 + bytes_of(list_kept(frame, regs)));
    } else {
        load_kept(code, frame, 0, true);
    }
    arm64_ret(code);
}
