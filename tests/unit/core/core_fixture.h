// core_fixture.h: a core and a client for tests, commands as functions, and a count of what is not freed.
#ifndef PST_TESTS_CORE_FIXTURE_H
#define PST_TESTS_CORE_FIXTURE_H

#include "core/core.h"
#include "harness.h"
#include "isa/isa.h"
#include "pal/pal.h"

typedef struct core_fixture {
    pst_env env;
    int64_t blocks; // allocated and not freed
    pst_core *core;
    pst_client *client;
    char trace[4096]; // lines of trace_printk
    char trap[512];   // the last trap
    char log[4096];   // of the last program loaded from text
} core_fixture;

void *fixture_resize(void *user, void *ptr, size_t old_size, size_t new_size);
void fixture_open(core_fixture *f);
void fixture_open_with(core_fixture *f, uint64_t budget); // of pst_core_options
void fixture_open_engine(core_fixture *f, uint32_t engine, uint64_t budget); // PST_CORE_ENGINE_*
void fixture_open_strict(core_fixture *f);
void fixture_close(core_fixture *f); // checks that nothing leaks

// Commands. Results are those of pst_core_command.
int64_t cmd(core_fixture *f, uint32_t number, pst_bpf_attr *attr);
int64_t fixture_command(core_fixture *f, uint32_t number, void *attr, uint32_t size); // without the check for a sentence
int64_t map_create(core_fixture *f, uint32_t type, uint32_t key_size, uint32_t value_size, uint32_t max_entries, uint32_t flags);
int64_t map_update(core_fixture *f, int64_t fd, const void *key, const void *value, uint64_t flags);
int64_t map_lookup(core_fixture *f, int64_t fd, const void *key, void *value);
int64_t map_delete(core_fixture *f, int64_t fd, const void *key);
int64_t map_next(core_fixture *f, int64_t fd, const void *key, void *next);
int64_t map_take(core_fixture *f, int64_t fd, const void *key, void *value);
int64_t map_freeze(core_fixture *f, int64_t fd);
/// fds are put into the program where the text says map[fd:N]: it is assembled as it is, N being the handle.
int64_t prog_load_text(core_fixture *f, uint32_t type, const char *text);
int64_t prog_load_as(core_fixture *f, uint32_t type, uint32_t attach_type, const char *name, const char *text);
/// Runs on data; returns the command's result, *retval is the program's.
int64_t prog_run(core_fixture *f, int64_t fd, const void *data, uint32_t size, uint32_t *retval);
int64_t prog_run_sample(core_fixture *f, int64_t fd, uint32_t *retval); // 64 bytes of packet: 0, 1, 2...
int64_t link_create(core_fixture *f, int64_t prog, uint32_t attach_type, uint32_t target);
#define PTR(p) ((uint64_t)(uintptr_t)(p))

#endif
