// c_programs.h: programs in their C form, compiled by the system's compiler into one shared object, and run.
#ifndef PST_TESTS_C_PROGRAMS_H
#define PST_TESTS_C_PROGRAMS_H

#include "jit/native/c_form.h"
#include "pal/pal.h"

typedef struct c_programs {
    pst_text text;
    unsigned count;
    uint8_t *bytes; // of the shared object
    size_t size;
    pst_module *module;
    char path[512];
} c_programs;

/// Whether there is a compiler for this machine.
bool c_programs_available(void);
void c_programs_begin(c_programs *all);
/// Adds an image as number all->count. False: no C form.
bool c_programs_add(c_programs *all, const pst_image *image, const pst_bindings *bindings, const pst_facts *facts);
/// Compiles them with all warnings as errors. name: of the files. False: the compiler or the loader refuses.
bool c_programs_build(c_programs *all, const char *name);
/// Runs a program with run->ctx and run->ctx_size; its image and bindings as they were added. Sets run->trap.
uint64_t c_programs_run(const c_programs *all, unsigned number, const pst_image *image, const pst_bindings *bindings, pst_run *run);
void c_programs_free(c_programs *all);

#endif
