// test_input.h: the packet and the context that `postern test-run` is given.
#ifndef PST_CLI_TEST_INPUT_H
#define PST_CLI_TEST_INPUT_H

#include "catalog/catalog.h"
#include "cli/cli.h"

#define TEST_DATA_MAX (1u << 20)

/// FILE, hex digits or @CAPTURE[:N]; *bytes is freed with free().
cli_exit test_data_read(const char *text, uint8_t **bytes, size_t *size);
/// Hex digits.
cli_exit test_ctx_read(const char *text, uint8_t **bytes, size_t *size);
/// Why a test run failed, in words.
const char *test_run_reason(int err);

// --- A program that is run on it (cmd_test_run.c) ------------------------------------------------------------------------

typedef struct test_state {
    const cli_args *args;
    const char *file, *name; // name: of the program, NULL: the only one
    struct bpf_object *object;
    struct bpf_program *program;
    const pst_prog_type *type; // NULL: not hosted; the load will say so
    pst_btf *types;
    cli_events *events; // NULL: nobody reads them
    uint64_t repeat;
    uint8_t *data, *out, *ctx, *ctx_out;
    size_t data_size, out_size, ctx_size, ctx_room;
    struct bpf_test_run_opts result;
} test_state;

/// The steps, in this order; t has args, file, name and repeat. test_close in any case.
cli_exit test_read(test_state *t); // --data, --ctx, --repeat
cli_exit test_load(test_state *t); // opens, sets, loads
cli_exit test_run_program(test_state *t);
void test_close(test_state *t);

#endif
