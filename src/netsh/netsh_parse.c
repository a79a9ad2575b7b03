// netsh_parse.c: from a line to words, and from words to a call: groups, objects, tags and choices may be abbreviated as long as it is clear what is
// meant, whatever their case. A parameter is given as tag=value, or by its place: it then fills the first that is not given yet.
#include <ctype.h>
#include <string.h>

#include "netsh/netsh.h"

bool netsh_split(char *line, const char *words[NETSH_WORDS_MAX], size_t *count)
{
    char *to = line;
    *count = 0;
    while (*line) {
        while (isspace((unsigned char)*line)) line++;
        if (!*line) break;
        if (*count == NETSH_WORDS_MAX) return false;
        words[(*count)++] = to;
        bool quoted = false;
        for (; *line && (quoted || !isspace((unsigned char)*line)); line++) {
            if (*line == '"') quoted = !quoted;
            else *to++ = *line;
        }
        if (quoted) return false;
        if (*line) line++; // before the end of this word may overwrite it
        *to++ = '\0';
    }
    return true;
}

static bool is_prefix(const char *word, size_t length, const char *name)
{
    for (size_t i = 0; i < length; i++)
        if (tolower((unsigned char)word[i]) != name[i]) return false; // the end of name differs from every character
    return length > 0;
}

// Looks for what a word may stand for. A name that is written out is that name, even where others begin with it.
typedef struct search {
    const char *word;
    size_t length;
    const char *found;
    size_t count;
    bool exact;
} search;

static void search_offer(search *s, const char *name)
{
    if (s->exact || !is_prefix(s->word, s->length, name)) return;
    if (s->found && strcmp(s->found, name) == 0) return; // a group has several commands
    s->exact = strlen(name) == s->length;
    s->count = s->exact ? 1 : s->count + 1;
    s->found = name;
}

// The names that begin so, for a sentence.
static void list_names(const search *s, const char *group, pst_text *why)
{
    const char *last = "";
    for (size_t i = 0; i < netsh_command_count; i++) {
        const char *name = group ? netsh_commands[i].object : netsh_commands[i].group;
        if ((group && strcmp(netsh_commands[i].group, group) != 0) || strcmp(name, last) == 0 || !is_prefix(s->word, s->length, name)) continue;
        pst_text_format(why, "%s%s", *last ? ", " : "", name);
        last = name;
    }
}

// The group that word means, or the object of group.
static const char *find_name(const char *group, const char *word, pst_text *why)
{
    search s = {.word = word, .length = strlen(word)};
    for (size_t i = 0; i < netsh_command_count; i++)
        if (!group || strcmp(netsh_commands[i].group, group) == 0) search_offer(&s, group ? netsh_commands[i].object : netsh_commands[i].group);
    if (s.count == 1) return s.found;
    pst_text_format(why, s.count ? "%s%s%s may be several commands: " : "The following command was not found: ebpf %s%s%s.", group ? group : "", group ? " " : "", word);
    if (s.count) list_names(&s, group, why);
    return NULL;
}

static const netsh_command *find_command(const char *group, const char *object)
{
    for (size_t i = 0; i < netsh_command_count; i++)
        if (strcmp(netsh_commands[i].group, group) == 0 && strcmp(netsh_commands[i].object, object) == 0) return &netsh_commands[i];
    return NULL;
}

// --- Parameters --------------------------------------------------------------------------------------------------------

// The choice that word means, as the table spells it; NULL: none, or several.
static const char *find_choice(const netsh_parameter *parameter, const char *word)
{
    search s = {.word = word, .length = strlen(word)};
    for (size_t i = 0; parameter->choices[i]; i++) search_offer(&s, parameter->choices[i]);
    return s.count == 1 ? s.found : NULL;
}

// The parameter that the part before '=' means; parameter_count: none.
static size_t find_tag(const netsh_command *command, const char *tag, size_t length, pst_text *why)
{
    search s = {.word = tag, .length = length};
    for (size_t i = 0; i < command->parameter_count; i++) search_offer(&s, command->parameters[i].tag);
    for (size_t i = 0; s.count == 1 && i < command->parameter_count; i++)
        if (strcmp(command->parameters[i].tag, s.found) == 0) return i;
    pst_text_format(why, s.count ? "%.*s= may be several parameters." : "%.*s is not a valid tag for this command.", (int)length, tag);
    return command->parameter_count;
}

static bool take_argument(netsh_call *call, const char *word, pst_text *why)
{
    const netsh_command *command = call->command;
    const char *equals = strchr(word, '='), *value = equals ? equals + 1 : word;
    size_t index = 0;
    if (equals) index = find_tag(command, word, (size_t)(equals - word), why);
    else
        while (index < command->parameter_count && call->values[index]) index++;
    if (index == command->parameter_count) {
        if (!equals) pst_text_format(why, "%s is one argument too many.", word);
        return false;
    }
    const netsh_parameter *parameter = &command->parameters[index];
    if (call->values[index]) {
        pst_text_format(why, "%s is given twice.", parameter->tag);
        return false;
    }
    call->values[index] = parameter->choices ? find_choice(parameter, value) : value;
    if (!call->values[index]) pst_text_format(why, "'%s' is not an acceptable value for '%s'.\nThe parameter is incorrect.", value, parameter->tag);
    return call->values[index] != NULL;
}

static bool has_all(const netsh_call *call, pst_text *why)
{
    for (size_t i = 0; i < call->command->parameter_count; i++) {
        if (!call->command->parameters[i].required || call->values[i]) continue;
        pst_text_add(why, "One or more essential parameters were not entered.\nVerify the required parameters, and reenter them.");
        return false;
    }
    return true;
}

static bool is_help(const char *word)
{
    return strcmp(word, "?") == 0 || strcmp(word, "/?") == 0 || strcmp(word, "-?") == 0 || strcmp(word, "help") == 0;
}

static bool is_json(const char *word) { return strcmp(word, "-j") == 0 || strcmp(word, "--json") == 0; }

// The next word that is neither -j nor --json, which may stand anywhere; NULL at the end.
static const char *next_word(const char *const *words, size_t count, size_t *at, netsh_call *out)
{
    while (*at < count) {
        const char *word = words[(*at)++];
        if (!is_json(word)) return word;
        out->json = true;
    }
    return NULL;
}

bool netsh_parse(const char *const *words, size_t count, netsh_call *out, pst_text *why)
{
    size_t at = 0;
    const char *word = next_word(words, count, &at, out);
    if (word && is_prefix(word, strlen(word), "ebpf")) word = next_word(words, count, &at, out);
    if (!word || is_help(word)) {
        out->help = true;
        return true;
    }
    out->group = find_name(NULL, word, why);
    if (!out->group) return false;
    word = next_word(words, count, &at, out);
    if (!word || is_help(word)) {
        out->help = true;
        return true;
    }
    const char *object = find_name(out->group, word, why);
    if (!object) return false;
    out->command = find_command(out->group, object);
    while ((word = next_word(words, count, &at, out))) {
        if (is_help(word)) {
            out->help = true;
            return true;
        }
        if (!take_argument(out, word, why)) return false;
    }
    return has_all(out, why);
}

const char *netsh_value(const netsh_call *call, const char *tag)
{
    for (size_t i = 0; i < call->command->parameter_count; i++)
        if (strcmp(call->command->parameters[i].tag, tag) == 0) return call->values[i];
    return NULL;
}

void netsh_usage(const netsh_command *command, pst_text *out)
{
    pst_text_format(out, "%s %s", command->group, command->object);
    for (size_t i = 0; i < command->parameter_count; i++) {
        const netsh_parameter *p = &command->parameters[i];
        pst_text_format(out, p->required ? " [%s=]" : " [[%s=]", p->tag);
        if (p->value) pst_text_add(out, p->value);
        for (size_t c = 0; !p->value && p->choices[c]; c++) pst_text_format(out, "%s%s", c ? "|" : "", p->choices[c]);
        if (!p->required) pst_text_add(out, "]");
    }
}
