// verify_stream.c: `postern verify --programs`: lines of JSON in, a line of JSON out for each, at once.
//
// Answers come in the order of the lines and are flushed one by one, so that a caller may hold a conversation through pipes. A bad line
// is answered too, and the next one is read. Each line has an arena of its own.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/verify_work.h"

#define LINE_MAX_BYTES (64u << 20)
#define LINE_MEMORY_MAX ((size_t)1 << 30) // of everything that one line is read into

typedef struct line_buffer {
    char *bytes;
    size_t size, capacity;
    bool too_long, no_memory;
} line_buffer;

static void append(line_buffer *line, int c)
{
    if (line->size == LINE_MAX_BYTES) line->too_long = true;
    if (line->too_long || line->no_memory) return;
    if (line->size == line->capacity) {
        size_t capacity = line->capacity ? line->capacity * 2 : 65536;
        char *bytes = realloc(line->bytes, capacity);
        if (!bytes) {
            line->no_memory = true;
            return;
        }
        line->bytes = bytes;
        line->capacity = capacity;
    }
    line->bytes[line->size++] = (char)c;
}

// False: there are no more.
static bool next_line(FILE *file, line_buffer *line)
{
    int c;
    line->size = 0;
    line->too_long = line->no_memory = false;
    bool any = false;
    while ((c = getc(file)) != EOF) {
        any = true;
        if (c == '\n') break;
        append(line, c);
    }
    return any;
}

static bool is_blank(const line_buffer *line)
{
    for (size_t i = 0; i < line->size; i++)
        if (line->bytes[i] != ' ' && line->bytes[i] != '\t' && line->bytes[i] != '\r') return false;
    return !line->too_long && !line->no_memory;
}

static void write_id(pst_json *json, const pst_json_value *id)
{
    pst_json_key(json, "id");
    if (id && id->kind == PST_JSON_NUMBER)
        pst_json_number(json, id->text);
    else
        pst_json_string(json, id ? id->text : NULL);
}

static void answer_line(verify_settings *settings, const verify_subject *subject, const verify_answer *answer)
{
    pst_text text;
    pst_json json;
    pst_text_init(&text, cli_env());
    pst_json_init(&json, &text, false);
    pst_json_object_begin(&json);
    write_id(&json, subject->id);
    verify_json(&json, subject, answer);
    bool agree = true;
    if (verify_verdict(answer)->kind == PST_VERDICT_ACCEPT && subject->run_count) agree = verify_run(subject, answer, &json);
    pst_json_object_end(&json);
    cli_emit(&text);
    verify_count(settings, answer);
    if (!agree) settings->rejected++;
}

static void serve_line(verify_settings *settings, const line_buffer *line)
{
    pst_arena arena;
    verify_subject subject = {0};
    verify_answer answer = {0};
    pst_arena_init(&arena, cli_env(), LINE_MEMORY_MAX);
    bool read = false;
    if (line->too_long || line->no_memory) {
        answer.bad_input = true;
        verify_answer_own(&answer, PST_VERDICT_REJECT, PST_FINDING_NONE, 0,
                          line->too_long ? "the line is longer than 64 MiB" : "there is not enough memory for this line");
    } else {
        read = verify_line_read(settings, &arena, line->bytes, line->size, &subject, &answer);
    }
    if (read) verify_prove(settings, &subject, &answer);
    answer_line(settings, &subject, &answer);
    verify_answer_free(&answer);
    verify_line_end(&subject);
    pst_arena_free(&arena);
}

cli_exit verify_programs(verify_settings *settings, const char *path)
{
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(path, "rb");
    if (!file) return cli_fail((cli_exit)VERIFY_UNREADABLE, "cannot open %s: %s", path, strerror(errno));
    line_buffer line = {0};
    while (next_line(file, &line))
        if (!is_blank(&line)) serve_line(settings, &line);
    bool failed = ferror(file) != 0;
    int error = errno;
    free(line.bytes);
    if (!is_stdin) fclose(file);
    if (failed) return cli_fail((cli_exit)VERIFY_UNREADABLE, "cannot read %s: %s", path, strerror(error));
    return verify_exit_code(settings);
}
