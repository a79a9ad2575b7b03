// asm_lex.c: cuts assembler text into tokens.
//
// Called by asm_parse.c and asm.c. Comments run from "#" or "//" to the end of the line, or between "/*" and "*/".
// Invariant: next never passes the terminating NUL; a failed lexer gives PST_TOKEN_EOF for ever, so that parsers need not
// ask after each token whether it was one.
#include "isa/asm_lex.h"

#include <stdarg.h>
#include <string.h>

#include "base/format.h"

#define SHOWN_MAX 24 // characters of a token that an error quotes

bool pst_lexer_fail(pst_lexer *lexer, unsigned line, const char *fmt, ...)
{
    if (!lexer->failed) {
        va_list args;
        va_start(args, fmt);
        (void)pst_format_v(lexer->error->text, sizeof lexer->error->text, fmt, args);
        va_end(args);
        lexer->error->line = line;
        lexer->failed = true;
    }
    lexer->token.kind = PST_TOKEN_EOF;
    lexer->token.length = 0;
    return false;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '.' || c == '$';
}

// Stands at the next character that belongs to a token, or at a newline or the end.
static bool skip_space(pst_lexer *lexer)
{
    for (;;) {
        const char *p = lexer->next;
        if (*p == ' ' || *p == '\t' || *p == '\r') {
            lexer->next++;
        } else if (*p == '#' || (p[0] == '/' && p[1] == '/')) {
            while (*lexer->next && *lexer->next != '\n') lexer->next++;
        } else if (p[0] == '/' && p[1] == '*') {
            unsigned first = lexer->line;
            for (p += 2; *p && !(p[0] == '*' && p[1] == '/'); p++) lexer->line += *p == '\n';
            if (!*p) return pst_lexer_fail(lexer, first, "the comment that starts here has no end");
            lexer->next = p + 2;
        } else {
            return true;
        }
    }
}

static unsigned digit_value(char c)
{
    if (is_digit(c)) return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f') return (unsigned)(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') return (unsigned)(c - 'A' + 10);
    return 99;
}

static void lex_number(pst_lexer *lexer)
{
    const char *p = lexer->next;
    pst_token *token = &lexer->token;
    unsigned base = p[0] == '0' && (p[1] == 'x' || p[1] == 'X') ? 16 : 10;
    if (base == 16) p += 2;
    const char *digits = p;
    uint64_t value = 0;
    for (; digit_value(*p) < base; p++) {
        if (PST_MUL_OVERFLOW(value, (uint64_t)base, &value) || PST_ADD_OVERFLOW(value, (uint64_t)digit_value(*p), &value)) {
            (void)pst_lexer_fail(lexer, lexer->line, "the number does not fit 64 bits");
            return;
        }
    }
    bool suffix = p[0] == 'l' && p[1] == 'l' && !is_word(p[2]); // 5ll: "ll" is the next token
    if (p == digits || (is_word(*p) && !suffix)) {
        (void)pst_lexer_fail(lexer, lexer->line, "this is no number: decimal digits or 0x and hexadecimal digits are");
        return;
    }
    token->kind = PST_TOKEN_NUMBER;
    token->number = value;
    token->length = (size_t)(p - lexer->next);
}

static void lex_punct(pst_lexer *lexer)
{
    static const char *const puncts[] = {"<<=", ">>=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "==", "!=", ">=", "<="};
    static const char singles[] = "+-*/%&|^<>=!()[]:,";
    const char *p = lexer->next;
    lexer->token.kind = PST_TOKEN_PUNCT;
    for (size_t i = 0; i < PST_COUNT(puncts); i++) {
        size_t length = strlen(puncts[i]);
        if (strncmp(p, puncts[i], length) == 0) {
            lexer->token.length = length;
            return;
        }
    }
    lexer->token.length = 1;
    if (!strchr(singles, *p))
        (void)pst_lexer_fail(lexer, lexer->line, "the character 0x%02x belongs to no instruction", (unsigned)(unsigned char)*p);
}

void pst_lexer_advance(pst_lexer *lexer)
{
    pst_token *token = &lexer->token;
    if (lexer->failed || !skip_space(lexer)) return;
    *token = (pst_token){.text = lexer->next, .line = lexer->line};
    char c = *lexer->next;
    if (c == '\0') {
        token->kind = PST_TOKEN_EOF;
    } else if (c == '\n' || c == ';') {
        token->kind = PST_TOKEN_END;
        token->length = 1;
        lexer->line += c == '\n';
    } else if (is_digit(c)) {
        lex_number(lexer);
    } else if (is_word(c)) {
        token->kind = PST_TOKEN_WORD;
        while (is_word(token->text[token->length])) token->length++;
    } else {
        lex_punct(lexer);
    }
    lexer->next += token->length;
}

void pst_lexer_init(pst_lexer *lexer, const char *text, pst_asm_error *error)
{
    *lexer = (pst_lexer){.next = text, .line = 1, .error = error};
    pst_lexer_advance(lexer);
}

bool pst_token_is(const pst_token *token, const char *text)
{
    size_t length = strlen(text);
    return token->length == length && memcmp(token->text, text, length) == 0;
}

bool pst_lexer_accept(pst_lexer *lexer, const char *text)
{
    if (!pst_token_is(&lexer->token, text)) return false;
    pst_lexer_advance(lexer);
    return true;
}

bool pst_lexer_expect(pst_lexer *lexer, const char *text)
{
    const pst_token *token = &lexer->token;
    if (pst_lexer_accept(lexer, text)) return true;
    if (token->kind == PST_TOKEN_EOF || token->kind == PST_TOKEN_END)
        return pst_lexer_fail(lexer, token->line, "\"%s\" is missing at the end", text);
    int shown = token->length > SHOWN_MAX ? SHOWN_MAX : (int)token->length;
    return pst_lexer_fail(lexer, token->line, "\"%s\" is expected before \"%.*s\"", text, shown, token->text);
}
