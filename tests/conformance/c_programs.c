// c_programs.c: see c_programs.h.
#include "c_programs.h"

#include <stdio.h>
#include <stdlib.h>

// As the C form declares it.
struct postern_env {
    void *run;
    uint64_t (*helper)(struct postern_env *env, uint32_t id, uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5);
    uint64_t (*kfunc)(struct postern_env *env, uint32_t number, uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5);
    uint64_t (*tail_call)(struct postern_env *env, uint64_t map, uint64_t index, uint64_t subprog);
    uint64_t (*legacy_load)(struct postern_env *env, uint64_t offset, uint64_t width);
    const uint64_t *maps, *values;
    uint64_t (*function)(struct postern_env *env, uint64_t value, uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5);
    uint64_t result;
    uint32_t stop, trap, trap_pc;
    uint32_t depth, may_goto_left;
};

typedef struct world {
    struct postern_env env; // first
    const pst_bindings *bindings;
    pst_run *run;
} world;

#define MAPS_MAX 16u

bool c_programs_available(void)
{
#ifdef PST_HOST_CC
    return true;
#else
    return false;
#endif
}

void c_programs_begin(c_programs *all)
{
    *all = (c_programs){.count = 0};
    pst_text_init(&all->text, pst_pal_env());
    pst_c_form_begin(&all->text, "a test");
}

bool c_programs_add(c_programs *all, const pst_image *image, const pst_bindings *bindings, const pst_facts *facts)
{
    char name[32];
    snprintf(name, sizeof name, "p%u", all->count++);
    return image->map_count <= MAPS_MAX && pst_c_form_add(pst_pal_env(), image, bindings, facts, name, &all->text) == PST_OK;
}

bool c_programs_build(c_programs *all, const char *name)
{
#ifdef PST_HOST_CC
    char source[512], command[2048];
    snprintf(source, sizeof source, "%s/%s.c", PST_BINARY_DIR, name);
    snprintf(all->path, sizeof all->path, "%s/%s.so", PST_BINARY_DIR, name);
    if (pst_pal_file_write(pst_pal_env(), source, all->text.data, all->text.size) != PST_OK) return false;
    snprintf(command, sizeof command, "timeout 120 '%s' -std=gnu17 -O1 -Wall -Werror -fno-strict-aliasing -shared -fPIC -o '%s' '%s'", PST_HOST_CC, all->path, source);
    if (system(command) != 0) return false;
    bool loaded = pst_pal_file_read(pst_pal_env(), all->path, 1u << 28, &all->bytes, &all->size) == PST_OK &&
                  pst_pal_module_open(pst_pal_env(), all->path, all->bytes, all->size, &all->module) == PST_OK;
    if (loaded) (void)remove(source);
    return loaded;
#else
    (void)all, (void)name;
    return false;
#endif
}

static uint64_t call_back(pst_run *run, uint64_t function, const uint64_t args[5])
{
    world *w = run->engine;
    uint64_t r0 = w->env.function(&w->env, function, args[0], args[1], args[2], args[3], args[4]);
    if (w->env.trap) run->trap = (pst_trap){.code = (pst_trap_code)w->env.trap, .pc = w->env.trap_pc};
    return r0;
}

static uint64_t helper(struct postern_env *env, uint32_t id, uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5)
{
    world *w = (world *)(void *)env;
    const pst_helper *found = w->bindings->find_helper(w->bindings->user, (int32_t)id);
    if (!found || !found->fn) { // by callx only
        env->stop = 1;
        env->trap = PST_TRAP_CALL;
        return 0;
    }
    uint64_t r0 = found->fn(r1, r2, r3, r4, r5, w->run);
    if (w->run->trap.code != PST_TRAP_NONE) env->stop = 1;
    return r0;
}

uint64_t c_programs_run(const c_programs *all, unsigned number, const pst_image *image, const pst_bindings *bindings, pst_run *run)
{
    char name[32];
    uint64_t maps[MAPS_MAX] = {0}, values[MAPS_MAX] = {0};
    snprintf(name, sizeof name, "prog_p%u", number);
    uint64_t (*program)(struct postern_env *, uint64_t, uint64_t) =
        (uint64_t (*)(struct postern_env *, uint64_t, uint64_t))(uintptr_t)pst_pal_module_symbol(all->module, name);
    world w = {.env = {.run = run, .helper = helper, .maps = maps, .values = values}, .bindings = bindings, .run = run};
    for (uint32_t i = 0; i < image->map_count; i++) {
        maps[i] = (uint64_t)(uintptr_t)image->maps[i];
        values[i] = (uint64_t)(uintptr_t)image->maps[i]->values;
    }
    if (!program) {
        run->trap.code = PST_TRAP_INSTRUCTION;
        return 0;
    }
    run->engine = &w;
    run->call_back = call_back;
    uint64_t r0 = program(&w.env, (uint64_t)(uintptr_t)run->ctx, run->ctx_size);
    if (w.env.trap) run->trap = (pst_trap){.code = (pst_trap_code)w.env.trap, .pc = w.env.trap_pc};
    return w.env.stop ? 0 : r0;
}

void c_programs_free(c_programs *all)
{
    pst_pal_module_close(all->module);
    if (all->bytes) pst_free(pst_pal_env(), all->bytes, all->size + 1);
    if (all->path[0]) (void)remove(all->path);
    pst_text_free(&all->text);
}
