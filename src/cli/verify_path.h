// verify_path.h: the branches on the way to a finding, in order, for reports.
#ifndef PST_CLI_VERIFY_PATH_H
#define PST_CLI_VERIFY_PATH_H

#include "cli/verify_work.h"

/// A branch that the path passes, or several of them that it passes again and again.
typedef struct verify_decision {
    uint32_t pc;
    bool jumps;     // to its target; else it goes on behind it
    uint32_t round; // first of this many decisions in a row that repeat, 0: it is no first one
    uint32_t times; // that often
} verify_decision;

/// The last decisions before the finding, oldest first. Their number; out has room for PST_FINDING_PATH_MAX.
uint32_t verify_decisions(const verify_answer *answer, verify_decision *out);

/// The source line of the instruction at pc: where the compiler names none (line 0), the one before. NULL: nothing is known.
const pst_line *verify_line_at(const pst_image *image, uint32_t pc);

#endif
