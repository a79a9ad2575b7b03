// verify_path.c: the branches on the way to a finding: what a reader follows in the source.
#include "cli/verify_path.h"

#include <string.h>

#define ROUND_MAX 12u // decisions in a turn of a loop that is shown once

// The branch by which the path goes from the block at `from` to the one at `to`. False: none does.
static bool branch_between(const pst_image *image, uint32_t from, uint32_t to, verify_decision *out)
{
    for (uint32_t pc = from; pc < image->count; pc++) {
        const pst_insn *insn = &image->insns[pc];
        if (pc > from && pc == to) return false; // it only goes on
        if (insn->kind == PST_KIND_BRANCH || insn->kind == PST_KIND_MAY_GOTO) {
            uint32_t target = (uint32_t)((int64_t)pc + 1 + insn->target);
            *out = (verify_decision){.pc = pc, .jumps = target == to};
            return target == to || pc + 1 == to;
        }
        if (insn->kind == PST_KIND_JUMP || insn->kind == PST_KIND_EXIT) return false;
    }
    return false;
}

static bool same(const verify_decision *a, const verify_decision *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (a[i].pc != b[i].pc || a[i].jumps != b[i].jumps) return false;
    return true;
}

// Rounds of a loop that all go the same way become one.
static uint32_t fold_rounds(verify_decision *d, uint32_t count)
{
    uint32_t kept = 0;
    for (uint32_t at = 0; at < count;) {
        uint32_t round = 1, times = 1;
        for (uint32_t n = 1; n <= ROUND_MAX && times < 3; n++) {
            round = n;
            for (times = 1; at + (times + 1) * n <= count && same(&d[at], &d[at + times * n], n);) times++;
        }
        if (times < 3) round = times = 1;
        memmove(&d[kept], &d[at], round * sizeof *d);
        if (times > 1) d[kept].round = round, d[kept].times = times;
        kept += round;
        at += round * times;
    }
    return kept;
}

uint32_t verify_decisions(const verify_answer *answer, verify_decision *out)
{
    const pst_finding *f = &verify_verdict(answer)->finding;
    uint32_t count = 0;
    for (uint32_t i = 0; answer->image && i + 1 < f->path_count; i++)
        if (branch_between(answer->image, f->path[i], f->path[i + 1], &out[count])) count++;
    return fold_rounds(out, count);
}

const pst_line *verify_line_at(const pst_image *image, uint32_t pc)
{
    const pst_line *line = image ? pst_image_line_at(image, pc) : NULL;
    if (!line || !*line->file) return NULL;
    const pst_line *at = line;
    uint32_t start = pst_image_subprog_at(image, pc)->start;
    while (at->line == 0 && at > image->lines && at[-1].pc >= start) at--;
    return at->line ? at : line;
}
