// netsh.h: commands of `netsh ebpf`: their table, how words become a call, and what commands share.
#ifndef PST_NETSH_NETSH_H
#define PST_NETSH_NETSH_H

#include "cli/cli.h"

#define NETSH_LINE_MAX 8192u
#define NETSH_WORDS_MAX 64u
#define NETSH_PARAMETERS_MAX 8u
#define NETSH_OBJECTS_MAX 1024u // that a shell keeps open

typedef struct netsh_parameter {
    const char *tag;
    const char *value;          // as help shows it: "<string>"; NULL: one of choices
    const char *const *choices; // ends with NULL
    bool required;
    const char *help; // one sentence, no full stop
} netsh_parameter;

typedef struct netsh_call netsh_call;

typedef struct netsh_command {
    const char *group, *object; // "show", "programs"
    const char *summary;        // one sentence
    const netsh_parameter *parameters;
    size_t parameter_count;
    int (*run)(const netsh_call *call); // 0, or 1 after a message
} netsh_command;

extern const netsh_command netsh_commands[];
extern const size_t netsh_command_count;
/// What the words of a group stand for, "" when there is no such group.
const char *netsh_group_summary(const char *group);

// --- From words to a call (netsh_parse.c) -----------------------------------------------------------------------------

/// What commands of one process share.
typedef struct netsh_session {
    const cli_args *args;
    bool is_shell;
    struct bpf_object *kept[NETSH_OBJECTS_MAX]; // loaded and not pinned: they live as long as the shell
    size_t kept_count;
} netsh_session;

struct netsh_call {
    const netsh_command *command; // NULL: help on group, or on everything
    const char *group;            // as the table has it; NULL: none is named
    const char *values[NETSH_PARAMETERS_MAX]; // of the command's parameters, choices as the table spells them; NULL: not given
    bool json, help;
    netsh_session *session;
};

/// Splits a line in place at white space; "" keeps it together. False: a quotation without an end, or too many words.
PST_MUST_USE bool netsh_split(char *line, const char *words[NETSH_WORDS_MAX], size_t *count);
/// Makes a call of words. False: *why says what is wrong (appended), and out->command is the command when it is known.
PST_MUST_USE bool netsh_parse(const char *const *words, size_t count, netsh_call *out, pst_text *why);
/// The value of a parameter, NULL: not given.
const char *netsh_value(const netsh_call *call, const char *tag);

/// "[[type=]<string>]", and so on: the parameters of a command on one line.
void netsh_usage(const netsh_command *command, pst_text *out);
/// Prints what `?` asks for.
void netsh_help(const netsh_call *call);

// --- What commands share (netsh.c) -----------------------------------------------------------------------------------

/// A message on standard error, with its newline; returns 1.
int netsh_fail(const char *fmt, ...) PST_PRINTF(1, 2);
/// "error N: could not DO", and why ("": unknown) on a line of its own; returns 1.
int netsh_fail_errno(int err, const char *why, const char *fmt, ...) PST_PRINTF(3, 4);
/// A number of a parameter; false after a message.
bool netsh_number(const netsh_call *call, const char *tag, uint32_t *out);
/// The program type that a word means: a type's name or a section's. False after a message.
bool netsh_program_type(const char *word, uint32_t *type);

/// Prints the table when it is to be JSON, and frees it; 0, or 1 after a message.
int netsh_table_end(cli_table *table, bool json);

cli_exit netsh_run(const cli_args *args);
/// Prints a PowerShell module (netsh_powershell.c).
void netsh_powershell(void);

// The commands, by name.
int netsh_add_program(const netsh_call *call);
int netsh_delete_program(const netsh_call *call);
int netsh_pin_map(const netsh_call *call);
int netsh_pin_program(const netsh_call *call);
int netsh_set_program(const netsh_call *call);
int netsh_show_contents(const netsh_call *call);
int netsh_show_disassembly(const netsh_call *call);
int netsh_show_hash(const netsh_call *call);
int netsh_show_helpers(const netsh_call *call);
int netsh_show_hooks(const netsh_call *call);
int netsh_show_links(const netsh_call *call);
int netsh_show_maps(const netsh_call *call);
int netsh_show_pins(const netsh_call *call);
int netsh_show_processes(const netsh_call *call);
int netsh_show_programs(const netsh_call *call);
int netsh_show_sections(const netsh_call *call);
int netsh_show_verification(const netsh_call *call);
int netsh_unpin_map(const netsh_call *call);
int netsh_unpin_program(const netsh_call *call);

#endif
