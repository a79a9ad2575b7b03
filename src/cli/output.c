// output.c: how `postern` speaks: one sentence on failure, lines, tables, JSON, colours on terminals only.
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/format.h"
#include "cli/cli.h"
#include "pal/pal.h"

static char g_sentence[1024]; // the last error that cli_env saw

// --- Failing ------------------------------------------------------------------------------------------------------

cli_exit cli_fail(cli_exit code, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    // What was printed comes first, also where both streams go to one file.
    fflush(stdout);
    fprintf(stderr, "postern: %s\n", text);
    return code;
}

cli_exit cli_fail_last(cli_exit code, const char *fallback)
{
    const char *text = *g_sentence ? g_sentence : postern_last_error();
    return cli_fail(code, "%s", *text ? text : fallback);
}

const char *cli_last_sentence(void)
{
    return g_sentence;
}

void cli_forget_sentence(void)
{
    g_sentence[0] = '\0';
}

cli_exit cli_exit_of_errno(int err)
{
    switch (err) {
    case ENOENT:
    case ENODEV:
    case ECONNREFUSED: return CLI_MISSING; // a host
    case EACCES:
    case EPERM: return CLI_DENIED;
    case ENOMEM:
    case EMFILE:
    case EBUSY:
    case ENOSPC: return CLI_FAILED;
    }
    return CLI_REJECTED;
}

static void env_log(void *user, pst_log_level level, const char *text)
{
    if (level == PST_LOG_ERROR) pst_format(g_sentence, sizeof g_sentence, "%s", text);
}

static void *env_resize(void *user, void *ptr, size_t old_size, size_t new_size)
{
    const pst_env *heap = pst_pal_env();
    return heap->resize(heap->user, ptr, old_size, new_size);
}

const pst_env *cli_env(void)
{
    static const pst_env env = {.resize = env_resize, .log = env_log};
    return &env;
}

static int print_verbose(enum libbpf_print_level level, const char *fmt, va_list args)
{
    fputs("postern: ", stderr);
    return vfprintf(stderr, fmt, args);
}

void cli_route_messages(bool verbose)
{
    libbpf_set_print(verbose ? print_verbose : NULL);
}

// --- Lines --------------------------------------------------------------------------------------------------------

// Asked once, by whichever thread prints first.
static bool use_colour(void)
{
    static int known = -1;
    int answer = PST_ATOMIC_LOAD_RELAXED(&known);
    if (answer < 0) {
        const char *off = getenv("NO_COLOR"), *terminal = getenv("TERM");
        answer = pst_pal_stdout_is_terminal() && !(off && *off) && !(terminal && strcmp(terminal, "dumb") == 0);
        PST_ATOMIC_STORE_RELAXED(&known, answer);
    }
    return answer != 0;
}

const char *cli_colour_on(cli_colour colour)
{
    static const char *const codes[] = {"", "\033[1m", "\033[2m", "\033[31m", "\033[32m", "\033[33m", "\033[36m"};
    return use_colour() ? codes[colour] : "";
}

const char *cli_colour_off(void)
{
    return use_colour() ? "\033[0m" : "";
}

void cli_emit(pst_text *text)
{
    pst_text_add(text, "\n");
    if (!text->failed) fputs(pst_text_cstr(text), stdout);
    fflush(stdout);
    pst_text_free(text);
}

void cli_line_begin(cli_line *line, const char *type)
{
    pst_text_init(&line->text, cli_env());
    pst_json_init(&line->json, &line->text, false);
    pst_json_object_begin(&line->json);
    pst_json_key(&line->json, "type");
    pst_json_string(&line->json, type);
}

void cli_line_end(cli_line *line)
{
    pst_json_object_end(&line->json);
    cli_emit(&line->text);
}

void cli_hex_dump(pst_text *out, const void *bytes, size_t size)
{
    const uint8_t *b = bytes;
    for (size_t row = 0; row < size; row += 16) {
        pst_text_format(out, "%s    %04zx ", row ? "\n" : "", row);
        for (size_t i = row; i < row + 16; i++)
            if (i < size)
                pst_text_format(out, " %02x", b[i]);
            else
                pst_text_add(out, "   ");
        pst_text_add(out, "  ");
        for (size_t i = row; i < row + 16 && i < size; i++) pst_text_format(out, "%c", b[i] >= 32 && b[i] < 127 ? b[i] : '.');
    }
}

// --- Tables -------------------------------------------------------------------------------------------------------

void cli_table_begin(cli_table *table, const char *const *columns)
{
    *table = (cli_table){.columns = columns};
    while (columns[table->column_count]) table->column_count++;
}

static void table_add(cli_table *table, char *cell)
{
    if (cell && table->count == table->capacity) {
        size_t capacity = table->capacity ? table->capacity * 2 : 64;
        char **cells = realloc(table->cells, capacity * sizeof *cells);
        if (cells) {
            table->cells = cells;
            table->capacity = capacity;
        }
    }
    if (!cell || table->count == table->capacity) {
        table->failed = true;
        free(cell);
        return;
    }
    table->cells[table->count++] = cell;
}

void cli_table_text(cli_table *table, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    if (copy) memcpy(copy, text, size);
    table_add(table, copy);
}

void cli_table_format(cli_table *table, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    cli_table_text(table, text);
}

// A column in capitals holds numbers.
static bool is_number(const char *column)
{
    return column[0] >= 'A' && column[0] <= 'Z';
}

static void column_key(const char *column, char *out, size_t capacity)
{
    size_t i = 0;
    for (; column[i] && i < capacity - 1; i++) {
        char c = column[i];
        out[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c == ' ' ? '_' : c;
    }
    out[i] = '\0';
}

static void table_json(const cli_table *table)
{
    pst_text text;
    pst_json json;
    pst_text_init(&text, cli_env());
    pst_json_init(&json, &text, true);
    pst_json_array_begin(&json);
    for (size_t i = 0; i < table->count; i++) {
        size_t column = i % table->column_count;
        char key[64];
        if (column == 0) pst_json_object_begin(&json);
        column_key(table->columns[column], key, sizeof key);
        pst_json_key(&json, key);
        if (is_number(table->columns[column]))
            pst_json_u64(&json, strtoull(table->cells[i], NULL, 0));
        else
            pst_json_string(&json, table->cells[i]);
        if (column == table->column_count - 1) pst_json_object_end(&json);
    }
    pst_json_array_end(&json);
    cli_emit(&text);
}

static size_t column_width(const cli_table *table, size_t column)
{
    size_t width = strlen(table->columns[column]);
    for (size_t i = column; i < table->count; i += table->column_count)
        if (strlen(table->cells[i]) > width) width = strlen(table->cells[i]);
    return width;
}

static void table_cell(const cli_table *table, pst_text *text, size_t column, size_t width, const char *cell)
{
    bool last = column == table->column_count - 1;
    if (column) pst_text_add(text, "  ");
    if (is_number(table->columns[column]))
        pst_text_format(text, "%*s", (int)width, cell);
    else
        pst_text_format(text, "%-*s", last ? 0 : (int)width, cell);
}

static void table_plain(const cli_table *table)
{
    size_t widths[16];
    pst_text text;
    pst_text_init(&text, cli_env());
    pst_text_add(&text, cli_colour_on(CLI_BOLD));
    for (size_t c = 0; c < table->column_count; c++) {
        char heading[64];
        column_key(table->columns[c], heading, sizeof heading);
        for (char *p = heading; *p; p++)
            if (*p == '_') *p = ' ';
        widths[c] = column_width(table, c);
        table_cell(table, &text, c, widths[c], heading);
    }
    pst_text_add(&text, cli_colour_off());
    for (size_t i = 0; i < table->count; i++) {
        if (i % table->column_count == 0) pst_text_add(&text, "\n");
        table_cell(table, &text, i % table->column_count, widths[i % table->column_count], table->cells[i]);
    }
    cli_emit(&text);
}

void cli_table_drop(cli_table *table)
{
    for (size_t i = 0; i < table->count; i++) free(table->cells[i]);
    free(table->cells);
}

cli_exit cli_table_end(cli_table *table, bool json)
{
    bool failed = table->failed;
    if (!failed && json) table_json(table);
    if (!failed && !json) table_plain(table);
    cli_table_drop(table);
    return failed ? cli_fail(CLI_FAILED, "no memory for a table") : CLI_OK;
}
