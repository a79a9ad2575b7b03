// engine.c: the one place that chooses the engine of a program.
#include "core/internal.h"
#include "interp/interp.h"

pst_status core_engine_create(pst_core *core, const pst_image *image, const pst_bindings *bindings, pst_exec **out)
{
    // Until a verifier proves programs, nothing runs without checks.
    return pst_checked_create(&core->env, image, bindings, out);
}
