// asm_parse.h: one statement of the assembler. Internal to this folder.
#ifndef PST_ISA_ASM_PARSE_H
#define PST_ISA_ASM_PARSE_H

#include "isa/asm_lex.h"

/// Parses the instruction at the lexer's token, up to PST_TOKEN_END or PST_TOKEN_EOF. Where it names a label, that is in
/// *label (else label->length is 0) and insn->target is open. False: the lexer has the error.
PST_MUST_USE bool pst_asm_parse(pst_lexer *lexer, pst_insn *insn, pst_token *label);

#endif
