// test_input.c: packets from files, hex digits and captures (pcap, the classic format, of either byte order and both time units).
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "base/bits.h"
#include "base/cursor.h"
#include "base/format.h"
#include "cli/test_input.h"
#include "pal/pal.h"

#define CAPTURE_MAX (256u << 20)

static cli_exit copy_bytes(const uint8_t *from, size_t size, uint8_t **bytes)
{
    *bytes = malloc(size + 1);
    if (!*bytes) return cli_fail(CLI_FAILED, "no memory for %zu bytes of data", size);
    memcpy(*bytes, from, size);
    return CLI_OK;
}

// --- Captures ------------------------------------------------------------------------------------------------------

static uint32_t word(uint32_t value, bool swapped)
{
    return swapped ? PST_BSWAP32(value) : value;
}

// Finds packet number (from 1); the words of a record header: seconds, fraction, bytes here, bytes on the wire.
static cli_exit find_packet(const char *path, pst_cursor c, bool swapped, uint64_t number, uint8_t **bytes, size_t *size)
{
    uint32_t stored = 0;
    const uint8_t *at = NULL;
    for (uint64_t i = 1; i <= number; i++) {
        if (!pst_cursor_left(&c))
            return cli_fail(CLI_MISSING, "%s: the capture has no packet %llu, only %llu", path, (unsigned long long)number, (unsigned long long)i - 1);
        if (!pst_cursor_skip(&c, 8) || !pst_cursor_u32(&c, &stored) || !pst_cursor_skip(&c, 4) ||
            !pst_cursor_bytes(&c, word(stored, swapped), &at))
            return cli_fail(CLI_REJECTED, "%s: packet %llu of the capture is cut off", path, (unsigned long long)i);
    }
    *size = word(stored, swapped);
    if (*size > TEST_DATA_MAX) return cli_fail(CLI_REJECTED, "%s: packet %llu is larger than %u bytes", path, (unsigned long long)number, TEST_DATA_MAX);
    return copy_bytes(at, *size, bytes);
}

static cli_exit read_capture(const char *path, const uint8_t *file, size_t file_size, uint64_t number, uint8_t **bytes, size_t *size)
{
    pst_cursor c = pst_cursor_make(file, file_size);
    uint32_t magic = 0;
    if (!pst_cursor_u32(&c, &magic)) magic = 0;
    if (magic == 0x0a0d0d0a) return cli_fail(CLI_REJECTED, "%s: this is a pcapng capture; convert it with `editcap -F pcap`", path);
    bool swapped = magic == 0xd4c3b2a1 || magic == 0x4d3cb2a1;
    if ((!swapped && magic != 0xa1b2c3d4 && magic != 0xa1b23c4d) || !pst_cursor_skip(&c, 20))
        return cli_fail(CLI_REJECTED, "%s: this is no capture in pcap format", path);
    return find_packet(path, c, swapped, number, bytes, size);
}

// "@FILE[:N]"
static cli_exit read_packet(const char *text, uint8_t **bytes, size_t *size)
{
    char path[API_PATH_MAX];
    if (pst_format(path, sizeof path, "%s", text + 1) >= sizeof path) return cli_fail(CLI_USAGE, "--data: the path is longer than %d bytes", API_PATH_MAX);
    char *colon = strrchr(path, ':'), *end = NULL;
    uint64_t number = 1;
    // "C:\x.pcap" has a colon too: a number must follow.
    if (colon && colon[1] >= '0' && colon[1] <= '9') {
        number = strtoull(colon + 1, &end, 10);
        if (*end || !number) return cli_fail(CLI_USAGE, "--data %s: the number of a packet, from 1, is expected after ':'", text);
        *colon = '\0';
    }
    uint8_t *file;
    size_t file_size;
    cli_exit code = cli_read_file(path, CAPTURE_MAX, &file, &file_size);
    if (code != CLI_OK) return code;
    code = read_capture(path, file, file_size, number, bytes, size);
    pst_free(cli_env(), file, file_size + 1);
    return code;
}

// --- Data and context ----------------------------------------------------------------------------------------------

static cli_exit read_hex(const char *text, size_t digits_size, uint8_t **bytes, size_t *size)
{
    *bytes = malloc(digits_size + 1);
    if (!*bytes) return cli_fail(CLI_FAILED, "no memory for %zu bytes of data", digits_size);
    return cli_hex_parse(text, *bytes, digits_size, size) ? CLI_OK : cli_fail(CLI_FAILED, "hex digits changed while they were read");
}

static bool file_exists(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file) fclose(file);
    return file != NULL;
}

cli_exit test_data_read(const char *text, uint8_t **bytes, size_t *size)
{
    size_t hex_size;
    if (text[0] == '@') return read_packet(text, bytes, size);
    bool is_hex = text[0] && cli_hex_parse(text, NULL, 0, &hex_size);
    // A file whose name looks like digits wins: "./00" is not needed for it.
    if (is_hex && !file_exists(text)) return read_hex(text, hex_size, bytes, size);
    uint8_t *file;
    cli_exit code = cli_read_file(text, TEST_DATA_MAX, &file, size);
    if (code != CLI_OK) return code;
    code = copy_bytes(file, *size, bytes);
    pst_free(cli_env(), file, *size + 1);
    return code;
}

cli_exit test_ctx_read(const char *text, uint8_t **bytes, size_t *size)
{
    size_t hex_size;
    if (!cli_hex_parse(text, NULL, 0, &hex_size)) return cli_fail(CLI_USAGE, "--ctx %.60s: pairs of hex digits are expected", text);
    return read_hex(text, hex_size, bytes, size);
}

const char *test_run_reason(int err)
{
    return api_why(err);
}
