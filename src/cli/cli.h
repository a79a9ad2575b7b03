// cli.h: what the commands of the program `postern` share: parsed arguments, output, and the way to fail.
//
// A command returns its exit code. When it fails it has written exactly one sentence on standard error, through cli_fail.
#ifndef PST_CLI_CLI_H
#define PST_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/json.h"
#include "base/text.h"
#include "bpf/bpf.h"
#include "bpf/btf.h"
#include "bpf/libbpf.h"
#include "object/object.h"
#include "postern/attr.h"
#include "postern/postern.h"

// Exit codes: stable, scripts depend on them. The texts are part of --help.
#define CLI_EXIT_LIST(X)                                                                               \
    X(OK, 0, "the command did what it was asked")                                                      \
    X(FAILED, 1, "the operation failed")                                                               \
    X(USAGE, 2, "the command line is wrong")                                                           \
    X(MISSING, 3, "something it names is not there: a file, an interface, a program, a section, a map") \
    X(REJECTED, 4, "the input was refused: no eBPF object, malformed, not supported, not safe")        \
    X(DENIED, 5, "rights are missing")

typedef enum cli_exit {
#define X(name, number, text) CLI_##name = number,
    CLI_EXIT_LIST(X)
#undef X
} cli_exit;

// --- A row of the command table (src/main) ---------------------------------------------------------------------------------

typedef struct cli_option {
    const char *name;  // without "--"
    char letter;       // 0: none
    const char *value; // "FILE", as help shows it; NULL: the option takes none; "[=N]": it may be left out, and is else behind "="
    const char *help;  // one sentence, no full stop
} cli_option;

typedef struct cli_args cli_args;

typedef struct cli_command {
    const char *name;
    const char *arguments; // "FILE [PROGRAM]"
    const char *summary;   // one line
    const char *text;      // paragraphs
    const char *examples;  // lines
    const cli_option *options;
    size_t option_count;
    int arguments_min, arguments_max;
    bool takes_rest; // what follows "--", or the first argument on, is another program's command line: cli_args.rest
    cli_exit (*run)(const cli_args *args);
} cli_command;

// --- Arguments (options.c) -------------------------------------------------------------------------------------------

#define CLI_ARGUMENTS_MAX 4
#define CLI_OPTIONS_MAX 256

typedef struct cli_args {
    const cli_command *command;
    const char *argument[CLI_ARGUMENTS_MAX];
    int count;
    char *const *rest; // ends with NULL; NULL: there is none
    struct {
        const cli_option *option;
        const char *value;
    } given[CLI_OPTIONS_MAX];
    size_t given_count;
    bool json, verbose, help, version;
} cli_args;

/// The last value given for an option, NULL: not given. An option without value gives "".
const char *cli_value(const cli_args *args, const char *name);
/// The next value of an option that may be repeated: *at starts with 0.
const char *cli_next_value(const cli_args *args, const char *name, size_t *at);
/// Seconds with decimals as nanoseconds; CLI_USAGE after the sentence. Not given: *out is left.
cli_exit cli_seconds(const cli_args *args, const char *name, uint64_t *out);
cli_exit cli_number(const cli_args *args, const char *name, uint64_t max, uint64_t *out);

cli_exit cli_map(const cli_args *args);
cli_exit cli_metrics(const cli_args *args);
cli_exit cli_run(const cli_args *args);
cli_exit cli_shim(const cli_args *args);
cli_exit cli_show(const cli_args *args);
cli_exit cli_test_run(const cli_args *args);
cli_exit cli_top(const cli_args *args);
cli_exit cli_unpin(const cli_args *args);
cli_exit cli_verify(const cli_args *args);
cli_exit cli_compile(const cli_args *args);
cli_exit cli_keygen(const cli_args *args);

// --- Output (output.c) -------------------------------------------------------------------------------------------------

/// "postern: SENTENCE" on standard error; returns code.
cli_exit cli_fail(cli_exit code, const char *fmt, ...) PST_PRINTF(2, 3);
/// The same with the sentence that the library left; fallback when it left none.
cli_exit cli_fail_last(cli_exit code, const char *fallback);
/// The sentence that cli_env kept since it was last forgotten, "" if none.
const char *cli_last_sentence(void);
void cli_forget_sentence(void);
/// What an errno of the library means for whoever opened a file or an interface.
cli_exit cli_exit_of_errno(int err);
/// An environment that keeps error sentences for cli_fail_last instead of printing them.
const pst_env *cli_env(void);
/// Routes the library's messages: kept, or shown with -v.
void cli_route_messages(bool verbose);

typedef enum cli_colour { CLI_PLAIN, CLI_BOLD, CLI_DIM, CLI_RED, CLI_GREEN, CLI_YELLOW, CLI_CYAN } cli_colour;
/// The escape sequence, or "" when standard output is no terminal or NO_COLOR is set.
const char *cli_colour_on(cli_colour colour);
const char *cli_colour_off(void);
/// Writes a finished text and a newline in one go, so that lines of several threads do not mix, and flushes. Frees the text.
void cli_emit(pst_text *text);

/// A JSON line: begin, write members, end (which prints it).
typedef struct cli_line {
    pst_text text;
    pst_json json;
} cli_line;
void cli_line_begin(cli_line *line, const char *type); // opens the object and writes "type"
void cli_line_end(cli_line *line);

/// A table: rows of cells, printed with aligned columns, or in JSON as an array of objects by column name.
typedef struct cli_table {
    const char *const *columns; // ends with NULL; a name in capitals is right-aligned and numeric in JSON
    size_t column_count;
    char **cells;
    size_t count, capacity;
    bool failed;
} cli_table;
void cli_table_begin(cli_table *table, const char *const *columns);
void cli_table_text(cli_table *table, const char *text);
void cli_table_format(cli_table *table, const char *fmt, ...) PST_PRINTF(2, 3);
/// Prints and frees.
cli_exit cli_table_end(cli_table *table, bool json);
/// Frees without printing.
void cli_table_drop(cli_table *table);

/// Hex and text of bytes, 16 a line, indented.
void cli_hex_dump(pst_text *out, const void *bytes, size_t size);

// --- Objects (pick.c) ------------------------------------------------------------------------------------------------

/// Opens an object file; CLI_OK or an exit code after the sentence.
cli_exit cli_open(const char *path, const char *btf, struct bpf_object **out);
/// The program that a name or section means; name NULL: the only one (of type, 0: any). CLI_MISSING or CLI_USAGE after a sentence.
cli_exit cli_pick(struct bpf_object *obj, const char *file, const char *name, uint32_t type, struct bpf_program **out);
/// Loads prog and what its program arrays name, nothing else. CLI_REJECTED after the sentence.
cli_exit cli_load(struct bpf_object *obj, struct bpf_program *prog);
/// Parsed types of the object, NULL: none. The caller frees.
pst_btf *cli_types(const struct bpf_object *obj);
/// After bpf_object__load failed with err: its sentence, and the exit code.
cli_exit cli_fail_load(int err);
cli_exit cli_read_file(const char *path, size_t limit, uint8_t **bytes, size_t *size);

// --- Values (value.c) ------------------------------------------------------------------------------------------------

/// Turns text into size bytes of BTF type (0: plain bytes): numbers, true/false, enumerators, "text", 10.0.0.1, 02:00:00:00:00:01,
/// a,b,c for arrays, hex:001122 for anything. False: it does not fit; *why says so.
bool cli_value_parse(const pst_btf *btf, uint32_t type, const char *text, void *out, size_t size, const char **why);
bool cli_hex_parse(const char *text, uint8_t *out, size_t capacity, size_t *size);
/// size bytes of a BTF type (0: plain bytes), as text and as JSON (contents.c).
void cli_value_text(const pst_btf *btf, uint32_t type, const uint8_t *data, size_t size, pst_text *out);
void cli_value_json(const pst_btf *btf, uint32_t type, const uint8_t *data, size_t size, pst_json *out);
/// --set NAME=VALUE before load, --map MAP=KEY=VALUE after.
cli_exit cli_set_variables(const cli_args *args, struct bpf_object *obj, const pst_btf *btf);
cli_exit cli_set_elements(const cli_args *args, struct bpf_object *obj, const pst_btf *btf);

// --- Events and contents (events.c, contents.c) ---------------------------------------------------------------------

typedef struct cli_events cli_events;

/// Starts to consume the ring buffers and perf arrays of a loaded object. which: map names separated by ',', "none", NULL: all.
cli_exit cli_events_open(struct bpf_object *obj, const pst_btf *btf, const char *which, const char *type, bool json, cli_events **out);
/// Waits at most timeout_ms for events and prints them.
void cli_events_poll(cli_events *events, int timeout_ms);
uint64_t cli_events_count(const cli_events *events);
uint64_t cli_events_lost(const cli_events *events);
void cli_events_close(cli_events *events);

/// Contents of small maps and global variables: text lines, or a JSON member "maps".
void cli_contents_text(struct bpf_object *obj, const pst_btf *btf);
void cli_contents_json(struct bpf_object *obj, const pst_btf *btf, pst_json *json);

/// Lines of bpf_printk and traps, from any thread, --engine and --budget. Call before the first library call that needs the core.
cli_exit cli_watch_core(const cli_args *args);
/// The same for a command that chooses the engine itself (POSTERN_ENGINE_*) and prints no lines of bpf_printk.
cli_exit cli_use_engine(const cli_args *args, unsigned engine);
uint64_t cli_trap_count(void);
/// The last trap's sentence, "" if none.
const char *cli_trap_text(void);

#endif
