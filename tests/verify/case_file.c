// case_file.c: reads cases. A file is lines of "key: value"; code is the indented lines below "code:".
//
// Names are turned into the numbers that the assembler knows: map[NAME], call bpf_HELPER, call kfunc bpf_KFUNC.
#include "case_file.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"

#define FIRST_FD 3 // descriptor of a case's first map

typedef struct reader {
    verify_case *c;
    char *error; // 256
    bool has_code, has_expect;
} reader;

static bool fail(reader *r, const char *fmt, ...) PST_PRINTF(2, 3);
static bool fail(reader *r, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(r->error, 256, fmt, args);
    va_end(args);
    return false;
}

static bool is_word_char(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

// The next word of *at, at most 31 characters. False: the line is over.
static bool next_word(const char **at, char word[32])
{
    const char *p = *at + strspn(*at, " \t");
    size_t length = strcspn(p, " \t");
    if (length == 0 || length > 31) return false;
    (void)snprintf(word, 32, "%.*s", (int)length, p);
    *at = p + length;
    return true;
}

static bool copy_text(reader *r, char *to, size_t size, const char *value)
{
    if (strlen(value) >= size) return fail(r, "this is longer than %zu characters: %.40s...", size - 1, value);
    memcpy(to, value, strlen(value) + 1);
    return true;
}

// --- Maps -----------------------------------------------------------------------------------------------------

static bool add_record(reader *r, case_map *map, pst_record_kind kind, uint32_t offset, uint32_t size)
{
    if (map->view.record_count == CASE_RECORDS_MAX) return fail(r, "map %s has too many fields", map->name);
    map->records[map->view.record_count++] = (pst_record){.kind = kind, .offset = offset, .size = size};
    return true;
}

static bool number_word(reader *r, const char **at, uint32_t *out)
{
    char word[32], *end = word;
    if (next_word(at, word)) *out = (uint32_t)strtoul(word, &end, 0);
    return end != word && !*end ? true : fail(r, "a number is missing");
}

static bool map_inner(reader *r, case_map *map, const char **at)
{
    char word[32] = "";
    (void)next_word(at, word);
    for (uint32_t i = 0; i < r->c->map_count; i++)
        if (strcmp(r->c->maps[i].name, word) == 0) map->view.inner = &r->c->maps[i].view;
    return map->view.inner ? true : fail(r, "there is no map \"%s\" before this one", word);
}

static bool map_word(reader *r, case_map *map, const char *word, const char **at)
{
    uint32_t n = 0;
    if (strcmp(word, "rdonly") == 0) return map->view.flags |= PST_F_RDONLY_PROG, true;
    if (strcmp(word, "wronly") == 0) return map->view.flags |= PST_F_WRONLY_PROG, true;
    if (strcmp(word, "frozen") == 0) return map->view.frozen = true;
    if (strcmp(word, "inner") == 0) return map_inner(r, map, at);
    if (!number_word(r, at, &n)) return false;
    if (strcmp(word, "key") == 0) return map->view.key_size = n, true;
    if (strcmp(word, "value") == 0) return map->view.value_size = n, true;
    if (strcmp(word, "entries") == 0) return map->view.max_entries = n, true;
    if (strcmp(word, "lock") == 0) return add_record(r, map, PST_RECORD_SPIN_LOCK, n, 4);
    if (strcmp(word, "timer") == 0) return add_record(r, map, PST_RECORD_TIMER, n, 16);
    if (strcmp(word, "workqueue") == 0) return add_record(r, map, PST_RECORD_WORKQUEUE, n, 16);
    if (strcmp(word, "kptr") == 0 && add_record(r, map, PST_RECORD_KPTR, n, 8))
        return next_word(at, map->kptr_type) ? (map->records[map->view.record_count - 1].type_name = map->kptr_type, true) : fail(r, "kptr N STRUCT");
    return fail(r, "a map has no \"%s\"", word);
}

// NAME TYPE key 4 value 8 entries 1 ...
static bool read_map(reader *r, const char *value)
{
    verify_case *c = r->c;
    char word[32];
    if (c->map_count == CASE_MAPS_MAX) return fail(r, "a case has at most %u maps", CASE_MAPS_MAX);
    case_map *map = &c->maps[c->map_count];
    if (!next_word(&value, map->name) || !next_word(&value, word)) return fail(r, "a map is NAME TYPE key N value N");
    if (!pst_map_type_by_name(word, &map->view.type)) return fail(r, "there is no map type \"%s\"", word);
    map->view.max_entries = 1;
    map->view.id = 100 + c->map_count;
    map->view.records = map->records;
    while (next_word(&value, word))
        if (!map_word(r, map, word, &value)) return false;
    if (map->view.type == PST_MAP_ARRAY && map->view.value_size <= sizeof map->values && map->view.max_entries == 1) {
        map->view.values = map->values;
        map->view.value_stride = (map->view.value_size + 7) & ~7u;
    }
    c->map_count++;
    return true;
}

// --- Code -----------------------------------------------------------------------------------------------------

const char *case_kfunc_name(int32_t number)
{
    const pst_helper_proto *proto = number > 0 ? pst_kfunc_proto_at((size_t)number - 1) : NULL;
    return proto ? proto->name : NULL;
}

static long kfunc_number(const char *name)
{
    for (size_t i = 0; i < pst_kfunc_proto_count(); i++)
        if (strcmp(pst_kfunc_proto_at(i)->name, name) == 0) return (long)i + 1;
    return -1;
}

static long map_number(const verify_case *c, const char *name)
{
    for (uint32_t i = 0; i < c->map_count; i++)
        if (strcmp(c->maps[i].name, name) == 0) return FIRST_FD + (long)i;
    return -1;
}

// What stands for the word at `at`; length 0: itself.
static bool replace(reader *r, const char *line, const char *at, size_t length, char out[64])
{
    char name[64];
    (void)snprintf(name, sizeof name, "%.*s", length > 63 ? 63 : (int)length, at);
    size_t before = (size_t)(at - line);
    out[0] = '\0';
    if (before >= 4 && memcmp(at - 4, "map[", 4) == 0 && strcmp(name, "fd") != 0) {
        long number = map_number(r->c, name);
        return number < 0 ? fail(r, "there is no map \"%s\"", name) : (snprintf(out, 64, "fd:%ld", number), true);
    }
    if (strncmp(name, "bpf_", 4) != 0) return true;
    if (before >= 6 && memcmp(at - 6, "kfunc ", 6) == 0) {
        long number = kfunc_number(name);
        return number < 0 ? fail(r, "there is no kfunc \"%s\"", name) : (snprintf(out, 64, "%ld btf 0", number), true);
    }
    const pst_helper_proto *proto = pst_helper_proto_by_name(name);
    return proto ? (snprintf(out, 64, "%d", (int)proto->id), true) : fail(r, "there is no helper \"%s\"", name);
}

static bool add_code(reader *r, const char *line)
{
    char *code = r->c->code, word[64];
    size_t used = strlen(code);
    for (const char *p = line; *p;) {
        size_t length = 0;
        while (is_word_char(p[length])) length++;
        if (*p == '#') break; // the rest is a comment
        if (!replace(r, line, p, length, word)) return false;
        const char *from = word[0] ? word : p;
        size_t size = word[0] ? strlen(word) : length ? length : 1;
        if (used + size + 2 > CASE_CODE_MAX) return fail(r, "the code is too long");
        memcpy(code + used, from, size);
        used += size;
        p += length ? length : 1;
    }
    memcpy(code + used, "\n", 2);
    return true;
}

// --- Lines ----------------------------------------------------------------------------------------------------

static bool read_expect(reader *r, const char *value)
{
    verify_case *c = r->c;
    char word[32] = "", kind[32] = "";
    r->has_expect = true;
    if (next_word(&value, word) && strcmp(word, "accept") == 0) return c->accept = true;
    if (strcmp(word, "reject") != 0 || !next_word(&value, kind)) return fail(r, "expect is \"accept\" or \"reject KIND [at LABEL]\"");
    for (int i = 1; i <= PST_FINDING_UNSUPPORTED; i++)
        if (strcmp(pst_finding_kind_text((pst_finding_kind)i), kind) == 0) c->kind = (pst_finding_kind)i;
    if (c->kind == PST_FINDING_NONE) return fail(r, "there is no kind of finding \"%s\"", kind);
    if (!next_word(&value, word)) return true;
    value += strspn(value, " ");
    return strcmp(word, "at") == 0 && *value ? copy_text(r, c->at, sizeof c->at, value) : fail(r, "\"at LABEL\" or \"at insn N\" is expected");
}

static bool read_flags(reader *r, const char *value)
{
    char word[32];
    while (next_word(&value, word)) {
        if (strcmp(word, "sleepable") == 0) r->c->sleepable = true;
        else if (strcmp(word, "proprietary") == 0) r->c->proprietary = true;
        else if (strcmp(word, "meter") == 0) r->c->meter = true;
        else if (strcmp(word, "strict_alignment") == 0) r->c->flags |= PST_VERIFY_STRICT_ALIGNMENT;
        else if (strcmp(word, "any_alignment") == 0) r->c->flags |= PST_VERIFY_ANY_ALIGNMENT;
        else return fail(r, "there is no flag \"%s\"", word);
    }
    return true;
}

// steps N stack N kib N
static bool read_limits(reader *r, const char *value)
{
    char word[32];
    while (next_word(&value, word)) {
        uint32_t *limit = strcmp(word, "steps") == 0 ? &r->c->steps_max : strcmp(word, "stack") == 0 ? &r->c->stack_max : &r->c->kib_max;
        if (limit == &r->c->kib_max && strcmp(word, "kib") != 0) return fail(r, "there is no limit \"%s\"", word);
        if (!number_word(r, &value, limit)) return false;
    }
    return true;
}

static bool read_mode(reader *r, const char *value)
{
    r->c->mode = strcmp(value, "strict") == 0 ? PST_VERIFY_STRICT : PST_VERIFY_PRIVILEGED;
    return r->c->mode == PST_VERIFY_STRICT || strcmp(value, "privileged") == 0 ? true : fail(r, "mode is \"strict\" or \"privileged\"");
}

static bool add_line(reader *r, char lines[][160], uint32_t *count, const char *value)
{
    if (*count == CASE_LINES_MAX) return fail(r, "there are too many lines of this kind");
    return copy_text(r, lines[(*count)++], 160, value);
}

static bool read_line(reader *r, const char *key, const char *value)
{
    verify_case *c = r->c;
    if (strcmp(key, "case") == 0) return copy_text(r, c->title, sizeof c->title, value);
    if (strcmp(key, "from") == 0) return copy_text(r, c->from, sizeof c->from, value);
    if (strcmp(key, "why") == 0) return copy_text(r, c->why, sizeof c->why, value);
    if (strcmp(key, "type") == 0) return pst_prog_type_by_name(value) ? copy_text(r, c->type, sizeof c->type, value) : fail(r, "there is no type \"%s\"", value);
    if (strcmp(key, "attach") == 0) return pst_attach_type_number_by_name(value, &c->attach) ? true : fail(r, "there is no attach type \"%s\"", value);
    if (strcmp(key, "mode") == 0) return read_mode(r, value);
    if (strcmp(key, "flags") == 0) return read_flags(r, value);
    if (strcmp(key, "limits") == 0) return read_limits(r, value);
    if (strcmp(key, "map") == 0) return read_map(r, value);
    if (strcmp(key, "expect") == 0) return read_expect(r, value);
    if (strcmp(key, "post") == 0) return add_line(r, c->post, &c->post_count, value);
    if (strcmp(key, "says") == 0) return add_line(r, c->says, &c->says_count, value);
    if (strcmp(key, "code") != 0) return fail(r, "there is no key \"%s\"", key);
    r->has_code = true;
    return *value ? add_code(r, value) : true;
}

// One line that is not blank. An indented one goes on with the key above it: code, or a sentence.
static bool take_line(reader *r, char *line, char key[16])
{
    char *start = line + strspn(line, " \t"), *colon = strchr(line, ':');
    if (start != line && strcmp(key, "code") == 0) return add_code(r, start);
    if (start != line && strcmp(key, "why") == 0) {
        size_t used = strlen(r->c->why);
        if (used + strlen(start) + 2 > sizeof r->c->why) return fail(r, "this is too long");
        (void)snprintf(r->c->why + used, sizeof r->c->why - used, " %s", start);
        return true;
    }
    if (start != line || !colon || colon - line > 15) return fail(r, "a line is \"key: value\"; code is indented");
    (void)snprintf(key, 16, "%.*s", (int)(colon - line), line);
    if (strcmp(key, "code") == 0) r->c->code_line = 0;
    return read_line(r, key, colon + 1 + strspn(colon + 1, " \t"));
}

// Moves *text to the next line that says something and gives it; NULL: none, or it begins another case.
static char *fetch_line(const char **text, unsigned *line, bool in_case, char out[512])
{
    for (; **text; ++*line) {
        size_t length = strcspn(*text, "\r\n"), next = length;
        bool blank = strspn(*text, " \t") >= length || **text == '#';
        if (!blank && in_case && strncmp(*text, "case:", 5) == 0) return NULL;
        if ((*text)[next] == '\r') next++;
        if ((*text)[next] == '\n') next++;
        (void)snprintf(out, 512, "%.*s", (int)(length > 511 ? 511 : length), *text);
        for (size_t n = strlen(out); n && (out[n - 1] == ' ' || out[n - 1] == '\t'); n--) out[n - 1] = '\0';
        *text += next;
        if (!blank) return out;
    }
    return NULL;
}

int case_next(const char **text, unsigned *line, verify_case *c, char error[256])
{
    reader r = {.c = c, .error = error};
    char buffer[512], key[16] = "", *found;
    memset(c, 0, sizeof *c);
    (void)snprintf(c->type, sizeof c->type, "xdp");
    error[0] = '\0';
    for (bool in_case = false; (found = fetch_line(text, line, in_case, buffer)) != NULL; ++*line) {
        if (!in_case) {
            c->line = *line;
            if (strncmp(found, "case:", 5) != 0) return fail(&r, "a case begins with \"case:\""), -1;
        }
        in_case = true;
        if (!take_line(&r, found, key)) return -1;
        if (!c->code_line && strcmp(key, "code") == 0) c->code_line = *line;
    }
    if (!c->line) return 0;
    if (!r.has_code || !r.has_expect) return fail(&r, "the case \"%s\" has no %s", c->title, r.has_code ? "expect" : "code"), -1;
    return 1;
}
