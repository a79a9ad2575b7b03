// raw_program.c: see raw_program.h.
#include "raw_program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interp/code.h"
#include "jit/blob.h"
#include "pal/pal.h"

const char *raw_engine_name(raw_engine engine)
{
    static const char *const names[RAW_ENGINES] = {"interp", "switch", "checked", "optimised", "jit", "jit-quick", "jit-plain", "jit-blob", "jit-blind", "jit-quick-blind"};
    return names[engine];
}

static uint64_t first_argument(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5, pst_run *run)
{
    (void)r2, (void)r3, (void)r4, (void)r5, (void)run;
    return r1;
}

static const pst_helper *find_helper(void *user, int32_t id)
{
    static const pst_helper_proto proto = {.id = 5, .name = "first_argument", .ret = PST_RET_INTEGER, .args = {PST_ARG_ANYTHING}};
    static const pst_helper helper = {.proto = &proto, .fn = first_argument};
    (void)user;
    return id == 5 ? &helper : NULL;
}

raw_engine raw_engine_count(void)
{
    return pst_jit_supported() ? RAW_ENGINES : RAW_JIT; // blobs of raw mode need no SHA-256
}

const pst_bindings raw_bindings = {.find_helper = find_helper};

// --- The optimiser --------------------------------------------------------------------------------------------

pst_status raw_optimise(raw_optimised *o, const pst_image *image, const pst_bindings *bindings, const pst_facts *facts)
{
    static const jit_machine machine = JIT_MACHINE_PLAIN;
    memset(o, 0, sizeof *o);
    o->used = true;
    pst_arena_init(&o->arena, pst_pal_env(), 0);
    o->unit = (jit_unit){.env = pst_pal_env(), .image = image, .source = image, .bindings = bindings, .facts = facts};
    pst_status status = jit_analyse(&o->unit);
    return status == PST_OK ? opt_run(&o->unit, &machine, &o->arena, &o->result) : status;
}

void raw_optimised_free(raw_optimised *o)
{
    if (!o->used) return;
    jit_unit_free(&o->unit);
    pst_arena_free(&o->arena);
}

// What the optimiser declines runs as it is.
static pst_status make_optimised(raw_program *program)
{
    pst_status status = raw_optimise(&program->optimised, program->image, &raw_bindings, NULL);
    bool declined = status == PST_E_LIMIT || status == PST_E_UNSUPPORTED;
    if (status != PST_OK && !declined) return status;
    const pst_image *image = declined ? program->image : &program->optimised.result.image;
    return pst_checked_create(pst_pal_env(), image, &raw_bindings, &program->exec);
}

// --- Engines --------------------------------------------------------------------------------------------------

static pst_status make_jit(raw_program *program, raw_engine engine)
{
    bool hard = engine == RAW_JIT_BLIND || engine == RAW_JIT_BLIND_QUICK, quick = engine == RAW_JIT_QUICK || engine == RAW_JIT_BLIND_QUICK;
    const pst_jit_opts opts = {.size = sizeof opts,
                               .plain_machine = engine == RAW_JIT_PLAIN,
                               .by_blob = engine == RAW_JIT_BLOB,
                               .tier = quick ? PST_JIT_QUICK : PST_JIT_OPTIMISED,
                               .harden = hard ? PST_JIT_BLIND | PST_JIT_PLACE | PST_JIT_MASK : 0};
    return pst_jit_create(pst_pal_env(), program->image, &raw_bindings, NULL, &opts, &program->exec);
}

static pst_status make_exec(raw_program *program, raw_engine engine)
{
    static const pst_interp_opts waiting = {.size = sizeof waiting, .waits = true}; // without facts: at every access
    switch (engine) {
    case RAW_FAST: return pst_interp_create(pst_pal_env(), program->image, &raw_bindings, NULL, &program->exec);
    case RAW_SWITCH: return fast_create_with(pst_pal_env(), program->image, &raw_bindings, NULL, &waiting, fast_loop_switch, &program->exec);
    case RAW_OPTIMISED: return make_optimised(program);
    case RAW_JIT:
    case RAW_JIT_QUICK:
    case RAW_JIT_PLAIN:
    case RAW_JIT_BLOB:
    case RAW_JIT_BLIND:
    case RAW_JIT_BLIND_QUICK: return make_jit(program, engine);
    case RAW_CHECKED:
    case RAW_ENGINES: break;
    }
    return pst_checked_create(pst_pal_env(), program->image, &raw_bindings, &program->exec);
}

// opts: compiled with these; NULL: in engine.
static bool make(raw_program *program, raw_engine engine, const pst_jit_opts *opts, const pst_slot *slots, size_t count, char *error, size_t error_size)
{
    pst_image_input input = {.size = sizeof input, .name = "raw", .slots = slots, .count = (uint32_t)count};
    pst_image_error why = {0};
    *program = (raw_program){0};
    pst_status status = count > PST_INSNS_MAX ? PST_E_LIMIT : pst_image_build(pst_pal_env(), &input, &why, &program->image);
    if (status == PST_OK) status = opts ? pst_jit_create(pst_pal_env(), program->image, &raw_bindings, NULL, opts, &program->exec) : make_exec(program, engine);
    if (status != PST_OK) snprintf(error, error_size, "%s", why.text[0] ? why.text : pst_status_text(status));
    return status == PST_OK;
}

bool raw_program_make(raw_program *program, raw_engine engine, const pst_slot *slots, size_t count, char *error, size_t error_size)
{
    return make(program, engine, NULL, slots, count, error, error_size);
}

bool raw_program_compile(raw_program *program, const pst_jit_opts *opts, const pst_slot *slots, size_t count, char *error, size_t error_size)
{
    return make(program, RAW_JIT, opts, slots, count, error, error_size);
}

uint32_t raw_slot_of(const raw_program *program, uint32_t pc)
{
    const uint32_t *origins = program->optimised.result.origins;
    return origins ? origins[pc] : pc;
}

void raw_program_free(raw_program *program)
{
    if (program->exec) program->exec->free(program->exec);
    raw_optimised_free(&program->optimised);
    pst_image_free(program->image);
    *program = (raw_program){0};
}

bool raw_program_assemble(raw_program *program, raw_engine engine, const char *text, char *error, size_t error_size)
{
    pst_slot *slots = NULL;
    size_t count = 0;
    pst_asm_error why = {0};
    *program = (raw_program){0};
    if (pst_assemble(pst_pal_env(), text, &slots, &count, &why) != PST_OK) {
        snprintf(error, error_size, "line %u: %s", why.line, why.text);
        return false;
    }
    bool made = raw_program_make(program, engine, slots, count, error, error_size);
    pst_free(pst_pal_env(), slots, count * sizeof *slots);
    return made;
}

static int digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

long raw_hex(const char *text, uint8_t *out, size_t max)
{
    size_t digits = 0;
    for (; *text; text++) {
        if (strchr(" \t\r\n", *text)) continue;
        int value = digit(*text);
        if (value < 0 || digits / 2 >= max) return -1;
        if (digits % 2 == 0) out[digits / 2] = (uint8_t)(value << 4);
        else out[digits / 2] = (uint8_t)(out[digits / 2] | value);
        digits++;
    }
    return digits % 2 ? -1 : (long)(digits / 2);
}

char *raw_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    size_t size = 0, capacity = 1 << 16;
    char *text = malloc(capacity + 1);
    while (text) {
        size += fread(text + size, 1, capacity - size, file);
        if (size < capacity) break;
        capacity *= 2;
        char *more = realloc(text, capacity + 1);
        if (!more) free(text);
        text = more;
    }
    fclose(file);
    if (text) text[size] = 0;
    return text;
}
