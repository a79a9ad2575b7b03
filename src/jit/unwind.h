// unwind.h: what a system's unwinder has to know of compiled functions, where it does not follow frame pointers: on Windows. Internal to this folder.
#ifndef PST_JIT_UNWIND_H
#define PST_JIT_UNWIND_H

#include "jit/runtime.h"

/// Where the functions of compiled code lie in it.
typedef struct jit_places {
    const uint8_t *code;
    uint32_t code_bytes;
    const uint32_t *functions;
    uint32_t count;
    uint32_t call_offset, unwind_offset; // of the stub and of the way out, or UINT32_MAX
} jit_places;

/// Bytes to be had behind the pages of code of so many functions, in pages of their own; 0: this host's system wants none.
uint32_t jit_unwind_room(uint32_t functions);
/// Seals prog's code. unwind_at: where that room begins in it. All but the pages' last fields are filled in.
PST_MUST_USE pst_status jit_unwind_seal(jit_program *prog, uint32_t unwind_at);

#endif
