// c_insn.h: one instruction as a line of C. Internal to the C form.
#ifndef PST_JIT_NATIVE_C_INSN_H
#define PST_JIT_NATIVE_C_INSN_H

#include "jit/native/c_form.h"
#include "jit/unit.h"

typedef struct c_form {
    const jit_unit *unit;
    const char *name;
    pst_text *out;
    uint8_t *jumped;   // per slot: a jump lands on it
    uint32_t function; // that is written now
    bool by_value;     // functions of the program are called by their value
} c_form;

void c_put_insn(c_form *f, const pst_insn *insn, uint32_t pc);

#endif
