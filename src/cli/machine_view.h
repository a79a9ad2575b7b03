// machine_view.h: a program's machine code beside its bytecode and source: what `postern show code` prints.
#ifndef PST_CLI_MACHINE_VIEW_H
#define PST_CLI_MACHINE_VIEW_H

#include "cli/cli.h"
#include "cli/disassembler.h"
#include "cli/test_input.h"

#define MACHINE_NO_SLOT UINT32_MAX

/// Code that stands together and is of one instruction.
typedef struct machine_piece {
    uint32_t slot; // MACHINE_NO_SLOT: of none: entries, exits, padding
    uint32_t start, end; // bytes of code
} machine_piece;

/// What a source line costs, all its instructions together.
typedef struct machine_line {
    uint32_t file_off, line, text_off; // in the object's BTF strings
    uint32_t insns;         // of bytecode
    uint32_t machine_insns; // 0 where there is no disassembler
    uint32_t bytes;         // of machine code
    uint64_t executed;      // instructions of bytecode, in all runs
} machine_line;

typedef struct machine_view {
    const cli_args *args;
    test_state loaded; // the object whose code this is; closed when a profile was made
    test_state profiled;
    const pst_object *object;           // of loaded or profiled
    const pst_object_program *program;
    cli_disassembler *disassembler; // NULL: there is none
    uint8_t *bytes;
    size_t size;
    machine_piece *pieces; // by slot, then by start
    uint32_t piece_count;
    uint64_t *counts; // by slot: executions in all runs; NULL: no profile
    uint64_t executed; // all of them
    machine_line *lines; // by file and line
    uint32_t line_count;
} machine_view;

/// Loads the program, keeps its machine code and, with --profile, counts its instructions. A sentence was printed where it is not CLI_OK;
/// machine_view_close in any case.
cli_exit machine_view_open(machine_view *view, const cli_args *args, const char *file, const char *name);
void machine_view_close(machine_view *view);

/// The pieces of a slot: *count of them.
const machine_piece *machine_pieces_of(const machine_view *view, uint32_t slot, uint32_t *count);

#endif
