// test_input.h: the packet and the context that `postern test-run` is given.
#ifndef PST_CLI_TEST_INPUT_H
#define PST_CLI_TEST_INPUT_H

#include "cli/cli.h"

#define TEST_DATA_MAX (1u << 20)

/// FILE, hex digits or @CAPTURE[:N]; *bytes is freed with free().
cli_exit test_data_read(const char *text, uint8_t **bytes, size_t *size);
/// Hex digits.
cli_exit test_ctx_read(const char *text, uint8_t **bytes, size_t *size);
/// Why a test run failed, in words.
const char *test_run_reason(int err);

#endif
