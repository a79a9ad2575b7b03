// verify_engine.h: one engine that runs an accepted program: verify_runs.c runs and compares, verify_run_maps.c makes its maps.
#ifndef PST_CLI_VERIFY_ENGINE_H
#define PST_CLI_VERIFY_ENGINE_H

#include "cli/verify_work.h"
#include "core/core.h"

typedef struct run_result {
    bool failed;
    uint32_t retval;
    uint64_t out_hash; // of the packet as it was left
    char why[256];     // of a failure
} run_result;

typedef struct engine_run {
    pst_client *client;
    int prog_fd;
    bool absent;       // this engine cannot run the program
    char why[256];     // no runs at all: why not
    run_result *results;
} engine_run;

/// One command; e->why says why when it fails.
int64_t engine_command(engine_run *e, uint32_t cmd, pst_bpf_attr *attr);
uint64_t engine_address(const void *pointer);
int64_t engine_load_btf(engine_run *e, const uint8_t *bytes, uint32_t size);
/// A real map like the description, with its initial values. The descriptor, or negative.
int64_t engine_create_map(engine_run *e, const verify_subject *subject, const verify_map *map);

#endif
