// engines.c: the same program in one engine after the other.
//
// Called by whoever compares engines (`postern verify --programs` with "runs"). engine.c chooses for everybody else.
#include "core/engines.h"

#include "core/internal.h"
#include "interp/interp.h"
#include "jit/jit.h"

const char *pst_engine_name(pst_engine engine)
{
    switch (engine) {
    case PST_ENGINE_CHECKED: return "checked";
    case PST_ENGINE_FAST: return "fast";
    case PST_ENGINE_JIT: return "jit";
    case PST_ENGINE_COUNT: break;
    }
    return "";
}

static pst_status create(core_prog *prog, pst_engine engine, const pst_facts *facts, pst_exec **out)
{
    const pst_env *env = &prog->object.core->env;
    if (engine == PST_ENGINE_FAST) return pst_interp_create(env, prog->image, &prog->bindings, facts, out);
    if (engine == PST_ENGINE_JIT) return pst_jit_create(&prog->object.core->quiet_env, prog->image, &prog->bindings, facts, NULL, out);
    return pst_checked_create(env, prog->image, &prog->bindings, out);
}

void pst_client_load_unproved(pst_client *client)
{
    client->unproved = true;
}

pst_status pst_core_use_engine(pst_client *client, int prog_fd, pst_engine engine, const pst_facts *facts)
{
    core_object *object = core_handle_get(client, prog_fd, NULL);
    pst_exec *exec;
    if (!object) return PST_E_INVALID;
    if (object->kind != OBJECT_PROG) {
        core_object_put(object);
        return PST_E_INVALID;
    }
    core_prog *prog = core_prog_of(object);
    pst_status status = create(prog, engine, facts, &exec);
    if (status == PST_OK) {
        exec->owner = prog;
        prog->exec->free(prog->exec);
        prog->exec = exec;
    }
    core_object_put(object);
    return status;
}

bool pst_core_code_of(pst_client *client, int prog_fd, pst_jit_code *code, const pst_image **image)
{
    core_object *object = core_handle_get(client, prog_fd, NULL);
    if (!object) return false;
    bool has_code = object->kind == OBJECT_PROG && pst_jit_code_of(core_prog_of(object)->exec, code);
    if (has_code) *image = core_prog_of(object)->image;
    core_object_put(object); // the handle keeps it
    return has_code;
}

bool pst_core_count(pst_client *client, int prog_fd, uint64_t *counts)
{
    core_object *object = core_handle_get(client, prog_fd, NULL);
    if (!object) return false;
    bool counted = object->kind == OBJECT_PROG && pst_checked_count(core_prog_of(object)->exec, counts);
    core_object_put(object);
    return counted;
}
