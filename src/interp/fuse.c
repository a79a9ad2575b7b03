// fuse.c: which instructions in a row have one handler.
#include "interp/code.h"

fast_op fast_fuse(const pst_image *image, const fast_op *ops, const fast_code *code, uint32_t pc)
{
    (void)image;
    (void)code;
    return ops[pc];
}
