// asm_lex.h: the assembler's tokens. Internal to this folder.
#ifndef PST_ISA_ASM_LEX_H
#define PST_ISA_ASM_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "isa/isa.h"

typedef enum pst_token_kind {
    PST_TOKEN_WORD,   // a name, a keyword, a register
    PST_TOKEN_NUMBER, // without sign
    PST_TOKEN_PUNCT,  // an operator or a bracket
    PST_TOKEN_END,    // of the statement: newline or ';'
    PST_TOKEN_EOF,
} pst_token_kind;

typedef struct pst_token {
    pst_token_kind kind;
    const char *text; // not terminated
    size_t length;
    uint64_t number;
    unsigned line;
} pst_token;

/// A text and a position in it. token is the one that the parser looks at.
typedef struct pst_lexer {
    const char *next;
    unsigned line;
    pst_token token;
    pst_asm_error *error;
    bool failed; // error is written
} pst_lexer;

void pst_lexer_init(pst_lexer *lexer, const char *text, pst_asm_error *error);
/// Moves to the next token. After a failure the token is PST_TOKEN_EOF for ever.
void pst_lexer_advance(pst_lexer *lexer);
/// Writes the error, unless one was written before, and ends the input. Always returns false.
bool pst_lexer_fail(pst_lexer *lexer, unsigned line, const char *fmt, ...) PST_PRINTF(3, 4);

bool pst_token_is(const pst_token *token, const char *text);
/// Moves on if the token has this text.
bool pst_lexer_accept(pst_lexer *lexer, const char *text);
/// As accept, but its absence is an error.
PST_MUST_USE bool pst_lexer_expect(pst_lexer *lexer, const char *text);

#endif
