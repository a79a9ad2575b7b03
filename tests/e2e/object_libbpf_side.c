// object_libbpf_side.c: makes libbpf relocate an object and tells what became of its programs. No header of this project but its own.
//
// A handler that is registered for each section with a program steps in just before the first program is loaded: by then all are relocated. It copies
// their instructions and stops the load.
#include "object_libbpf_side.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HANDLERS_MAX 1024

static struct {
    struct bpf_object *loading;
    libbpf_result *result;
    void (*log)(const char *text);
} g;

static int log_line(enum libbpf_print_level level, const char *format, va_list args)
{
    char text[512];
    if (level != LIBBPF_WARN || !g.log) return 0;
    vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\n")] = 0;
    g.log(text);
    return 0;
}

void libbpf_side_set_log(void (*log)(const char *text))
{
    g.log = log;
    libbpf_set_print(log_line);
}

const char *libbpf_side_version(void)
{
    return libbpf_version_string();
}

void libbpf_side_free(libbpf_result *result)
{
    for (uint32_t i = 0; i < result->count; i++) {
        free(result->programs[i].name);
        free(result->programs[i].slots);
    }
    free(result->programs);
    *result = (libbpf_result){0};
}

static int capture(struct bpf_program *first, struct bpf_prog_load_opts *opts, long cookie)
{
    (void)first, (void)opts, (void)cookie;
    struct bpf_program *program = NULL;
    while ((program = bpf_object__next_program(g.loading, program))) {
        libbpf_result *r = g.result;
        r->programs = realloc(r->programs, (r->count + 1) * sizeof *r->programs);
        if (!r->programs) abort();
        libbpf_program *p = &r->programs[r->count++];
        p->count = (uint32_t)bpf_program__insn_cnt(program);
        p->name = strdup(bpf_program__name(program));
        p->slots = malloc(p->count * sizeof *p->slots);
        if (!p->slots || !p->name) abort();
        memcpy(p->slots, bpf_program__insns(program), p->count * sizeof *p->slots);
    }
    return -ECANCELED;
}

static int register_handlers(struct bpf_object *object, int *handlers)
{
    LIBBPF_OPTS(libbpf_prog_handler_opts, handler, .prog_prepare_load_fn = capture);
    struct bpf_program *program = NULL;
    int count = 0;
    while ((program = bpf_object__next_program(object, program)) && count < HANDLERS_MAX) {
        int id = libbpf_register_prog_handler(bpf_program__section_name(program), BPF_PROG_TYPE_SOCKET_FILTER, 0, &handler);
        if (id >= 0) handlers[count++] = id;
    }
    return count;
}

// The object was opened while our handlers were registered.
static bool load(struct bpf_object *object, bool with_maps)
{
    struct bpf_program *program = NULL;
    struct bpf_map *map;
    int programs = 0;
    while ((program = bpf_object__next_program(object, program))) {
        bpf_program__set_autoload(program, true);
        programs++;
    }
    bpf_object__for_each_map(map, object) {
        bpf_map__set_pin_path(map, NULL);
        if (!with_maps) bpf_map__set_autocreate(map, false);
    }
    g.loading = object;
    int status = bpf_object__load(object);
    return g.result->count > 0 || (programs == 0 && status == 0);
}

bool libbpf_side_relocate(const void *bytes, size_t size, const char *name, const char *config, bool with_maps, libbpf_result *out)
{
    int handlers[HANDLERS_MAX];
    LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = name, .kconfig = config);
    *out = (libbpf_result){0};
    g.result = out;
    // libbpf 1.1 frees its table twice when the last handler goes and another comes: one stays.
    static int keeper = -1;
    LIBBPF_OPTS(libbpf_prog_handler_opts, none);
    if (keeper < 0) keeper = libbpf_register_prog_handler("postern_keeps_the_table", BPF_PROG_TYPE_SOCKET_FILTER, 0, &none);
    struct bpf_object *object = bpf_object__open_mem(bytes, size, &opts);
    if (!object) return false;
    int count = register_handlers(object, handlers);
    bpf_object__close(object);
    object = bpf_object__open_mem(bytes, size, &opts);
    bool ok = object && load(object, with_maps);
    bpf_object__close(object);
    while (count > 0) libbpf_unregister_prog_handler(handlers[--count]);
    return ok;
}
