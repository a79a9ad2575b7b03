// fixture.h: what the tests of the library share: the committed object, and messages kept instead of printed.
#ifndef PST_TESTS_API_FIXTURE_H
#define PST_TESTS_API_FIXTURE_H

#include <errno.h>

#include "bpf/bpf.h"
#include "bpf/btf.h"
#include "bpf/libbpf.h"
#include "harness.h"
#include "postern/postern.h"

#define API_OBJECT PST_SOURCE_DIR "/tests/unit/api/data/api.bpf.o"

/// Silences the library; postern_last_error still has the sentence.
static inline void quiet(void)
{
    libbpf_set_print(NULL);
}

static inline bool last_error_has(const char *part)
{
    return strstr(postern_last_error(), part) != NULL;
}

/// Opens the object with only the named programs to be loaded (NULL ends the list).
static inline struct bpf_object *open_with(const char *const *names)
{
    struct bpf_program *prog;
    struct bpf_object *obj = bpf_object__open(API_OBJECT);
    if (!obj) return NULL;
    bpf_object__for_each_program(prog, obj) {
        bool wanted = false;
        for (size_t i = 0; names[i]; i++) wanted = wanted || strcmp(names[i], bpf_program__name(prog)) == 0;
        bpf_program__set_autoload(prog, wanted);
    }
    return obj;
}

#define OPEN_WITH(...) open_with((const char *const[]){__VA_ARGS__, NULL})

/// Runs a program on 64 zero bytes; its return value, or -1.
static inline int64_t run_on_zeros(struct bpf_object *obj, const char *name)
{
    char packet[64] = {0};
    LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof packet);
    int err = bpf_prog_test_run_opts(bpf_program__fd(bpf_object__find_program_by_name(obj, name)), &opts);
    return err ? -1 : (int64_t)opts.retval;
}

#endif
