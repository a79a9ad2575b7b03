// engines.h: names the engines of this build and puts a loaded program into a chosen one: for comparing and testing engines, not for hosts.
#ifndef PST_CORE_ENGINES_H
#define PST_CORE_ENGINES_H

#include "core/core.h"
#include "jit/jit.h"
#include "program/facts.h"

typedef enum pst_engine {
    PST_ENGINE_CHECKED,
    PST_ENGINE_FAST,
    PST_ENGINE_JIT,
    PST_ENGINE_COUNT,
} pst_engine;

const char *pst_engine_name(pst_engine engine);

/// From now on programs of this client are loaded without a proof and run in the checked interpreter, which traps what they may not do.
void pst_client_load_unproved(pst_client *client);

/// From now on the program behind prog_fd runs in this engine. It was not run yet, is not attached and in no prog_array. facts are those of a
/// proof of exactly these instructions; without a proof, only PST_ENGINE_CHECKED may be asked for. PST_E_INVALID: no such program;
/// PST_E_UNSUPPORTED: the engine cannot run it.
PST_MUST_USE pst_status pst_core_use_engine(pst_client *client, int prog_fd, pst_engine engine, const pst_facts *facts);

/// The machine code of the program behind prog_fd and the image that its offsets count slots of; both live as long as the handle is open.
/// False: no such program, or it is interpreted.
PST_MUST_USE bool pst_core_code_of(pst_client *client, int prog_fd, pst_jit_code *code, const pst_image **image);

/// From now on each run of the program behind prog_fd adds to counts[slot] how often it executes that instruction; NULL: no more. One thread at a
/// time runs it meanwhile. False: no such program, or it is not in the checked interpreter.
PST_MUST_USE bool pst_core_count(pst_client *client, int prog_fd, uint64_t *counts);

#endif
