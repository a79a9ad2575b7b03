// faults.h: a machine fault in compiled code becomes a trap of that run. Internal to this folder.
#ifndef PST_JIT_FAULTS_H
#define PST_JIT_FAULTS_H

#include "jit/runtime.h"

#define JIT_PROGRAMS_MAX 16384u // compiled programs of one process

/// Makes faults in prog's code known. PST_E_LIMIT: there are too many programs.
PST_MUST_USE pst_status jit_faults_add(jit_program *prog);
/// Also for a program that was never added.
void jit_faults_remove(jit_program *prog);

#endif
