// object_open_fuzz.c: an object file from anywhere: opened, asked for everything it says, relocated against a small host.
//
// The input is the file. What opens must keep the promises of object.h: indices below their counts, rows in order, slots inside.
#include "base/bits.h"
#include "object/object.h"
#include "pal/pal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition) abort();
}

static const char *config(void *user, const char *name)
{
    static const char *const values[] = {"y", "n", "m", "250", "-1", "\"text\"", "0x10", NULL};
    (void)user;
    size_t sum = 0;
    for (const char *c = name; *c; c++) sum += (unsigned char)*c;
    return values[sum % PST_COUNT(values)];
}

static uint64_t symbol(void *user, const char *name)
{
    (void)user;
    return name[0] == '_' ? 0xffffffff81000000u : 0;
}

static void silent(void *user, pst_log_level level, const char *text)
{
    (void)user, (void)level;
    for (const char *c = text; *c; c++) require((unsigned char)*c >= 0x20);
}

// int, struct task_struct {int pid, tgid;}, a variable and a function: written out, so that the seeds' relocations find something.
static pst_btf *host_types(const pst_env *env)
{
    static const uint32_t types[] = {
        1,  1u << 24,         4,  1u << 24 | 32,                          // 1 int
        5,  4u << 24 | 2,     16, 17, 1, 32, 21, 1, 64,                   // 2 struct task_struct
        0,  2u << 24,         2,                                          // 3 struct task_struct *
        26, 14u << 24,        1,  1,                                      // 4 variable bpf_prog_active
        0,  13u << 24 | 1,    0,  17, 3,                                  // 5 void (struct task_struct *)
        42, 12u << 24 | 1,    5,                                          // 6 bpf_task_release
    };
    static const char strings[] = "\0int\0task_struct\0pid\0tgid\0bpf_prog_active\0bpf_task_release";
    uint8_t bytes[24 + sizeof types + sizeof strings] = {0x9f, 0xeb, 1, 0};
    pst_store32(bytes + 4, 24);
    pst_store32(bytes + 12, sizeof types);
    pst_store32(bytes + 16, sizeof types);
    pst_store32(bytes + 20, sizeof strings);
    memcpy(bytes + 24, types, sizeof types);
    memcpy(bytes + 24 + sizeof types, strings, sizeof strings);
    pst_btf *btf;
    require(pst_btf_parse(env, bytes, sizeof bytes, "host", &btf) == PST_OK);
    return btf;
}

static void check_program(const pst_object *o, const pst_object_program *p)
{
    require(p->own_count > 0 && p->own_count <= p->count && p->func_count > 0 && p->funcs[0].pc == 0);
    require(pst_object_find_program(o, p->name) >= 0);
    for (uint32_t i = 0; i < p->ref_count; i++) {
        const pst_object_ref *r = &p->refs[i];
        bool map = r->kind == PST_REF_MAP || r->kind == PST_REF_MAP_VALUE;
        require(r->pc < p->count && (i == 0 || p->refs[i - 1].pc < r->pc));
        require(r->index < (map ? o->map_count : o->extern_count));
        require(r->kind == PST_REF_KFUNC || r->pc + 1 < p->count);
    }
    for (uint32_t i = 1; i < p->func_count; i++) require(p->funcs[i - 1].pc < p->funcs[i].pc && p->funcs[i].pc < p->count);
    for (uint32_t i = 0; i < p->line_count; i++) require(p->lines[i].pc < p->count && (i == 0 || p->lines[i - 1].pc < p->lines[i].pc));
    for (uint32_t i = 0; i < p->func_count; i++) require(!p->funcs[i].btf_type || p->funcs[i].btf_type < pst_btf_count(o->btf));
}

static void check_map(const pst_object *o, const pst_object_map *m)
{
    uint32_t sum = 0;
    require(m->name && m->section && m->inner >= -1 && m->inner < (int32_t)o->map_count);
    for (uint32_t i = 0; m->initial && i < m->value_size; i++) sum += m->initial[i]; // readable
    require(sum < UINT32_MAX);
    for (uint32_t i = 0; i < m->slot_count; i++) require(m->slots[i].index < (m->type == 3 ? o->program_count : o->map_count));
    require(!m->btf_value_type || m->btf_value_type < pst_btf_count(o->btf));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static pst_env env;
    static pst_btf *host;
    if (!host) {
        env = *pst_pal_env();
        env.log = silent;
        host = host_types(&env);
    }
    pst_object_options options = {.size = sizeof options, .file = "fuzz.o"};
    pst_object *o;
    if (pst_object_open(&env, data, size, &options, &o) != PST_OK) {
        require(!o);
        return 0;
    }
    for (uint32_t i = 0; i < o->map_count; i++) check_map(o, &o->maps[i]);
    for (uint32_t i = 0; i < o->program_count; i++) check_program(o, &o->programs[i]);
    for (uint32_t i = 0; i < o->program_count; i++) o->programs[i].autoload = true;
    pst_object_target target = {.size = sizeof target, .btf = host, .kconfig = config, .kernel_version = 0x061200, .ksym = symbol};
    pst_status status = pst_object_relocate(o, &target);
    (void)status;
    for (uint32_t i = 0; i < o->program_count; i++) check_program(o, &o->programs[i]);
    pst_object_close(o);
    return 0;
}
