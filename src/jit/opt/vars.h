// vars.h: what variables hold, block by block: how a function comes into static single assignment form. Internal to this folder.
//
// After Braun et al., "Simple and Efficient Construction of Static Single Assignment Form", without recursion. Blocks are filled in reverse postorder:
// a block that has one predecessor then comes after it. Where paths join, reading a variable makes a phi without arguments; opt_vars_close
// adds them when every block is filled.
#ifndef PST_JIT_OPT_VARS_H
#define PST_JIT_OPT_VARS_H

#include "jit/opt/ir.h"

typedef struct opt_vars {
    opt_func *func;
    uint32_t count;
    opt_value **open; // phis, those without arguments last
    size_t open_capacity;
    uint32_t open_count;
} opt_vars;

/// func->failed without memory.
void opt_vars_init(opt_vars *vars, opt_func *func, uint32_t count);
/// At the present end of block. What was never written is 0.
opt_value *opt_vars_read(opt_vars *vars, opt_block *block, uint32_t var);
PST_INLINE void opt_vars_write(opt_block *block, uint32_t var, opt_value *value) { block->defs[var] = value; }
/// hint_of: the register that a variable is, or NULL.
void opt_vars_close(opt_vars *vars, uint8_t (*hint_of)(uint32_t var));

#endif
