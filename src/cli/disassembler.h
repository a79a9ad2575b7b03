// disassembler.h: machine code of this host as text, by a disassembler that somebody else wrote, if this build has one.
#ifndef PST_CLI_DISASSEMBLER_H
#define PST_CLI_DISASSEMBLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

typedef struct cli_disassembler cli_disassembler;

/// NULL: this build has none, or not for this machine.
cli_disassembler *cli_disassembler_open(void);
void cli_disassembler_close(cli_disassembler *disassembler); // may be NULL
/// Appends the instruction that begins at bytes and would stand at address; returns its size in bytes. What is none, and everything where
/// disassembler is NULL, is printed as hex: a row of at most 8 bytes.
size_t cli_disassemble(cli_disassembler *disassembler, const uint8_t *bytes, size_t size, uint64_t address, pst_text *out);

#endif
