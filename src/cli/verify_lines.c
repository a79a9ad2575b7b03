// verify_lines.c: one line of `postern verify --programs`, from JSON to a subject.
//
// The line is hostile: each member's type and range is checked, and each refusal names the member. Only id, type and insns are required.
// Members that are not known are passed over, so that lines may carry notes. Maps are in verify_line_maps.c.
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/format.h"
#include "cli/verify_line.h"

bool line_bad(line_reader *r, const char *fmt, ...)
{
    char text[200];
    va_list args;
    va_start(args, fmt);
    (void)pst_format_v(text, sizeof text, fmt, args);
    va_end(args);
    verify_answer_own(r->answer, PST_VERDICT_REJECT, PST_FINDING_NONE, 0, "%s", text);
    r->answer->bad_input = true;
    return false;
}

bool line_no_memory(line_reader *r)
{
    return line_bad(r, "there is not enough memory for this line");
}

// --- Single values -----------------------------------------------------------------------------------------------------

bool line_u64(line_reader *r, const pst_json_value *from, const char *name, uint64_t max, uint64_t *out)
{
    const pst_json_value *value = pst_json_member(from, name);
    if (!value || value->kind == PST_JSON_NULL) return true;
    if (pst_json_to_u64(value, max, out)) return true;
    return line_bad(r, "%s: a whole number from 0 to %llu is expected", name, (unsigned long long)max);
}

bool line_u32(line_reader *r, const pst_json_value *from, const char *name, uint32_t *out)
{
    uint64_t number = *out;
    if (!line_u64(r, from, name, UINT32_MAX, &number)) return false;
    *out = (uint32_t)number;
    return true;
}

bool line_list(line_reader *r, const pst_json_value *from, const char *name, const pst_json_value **out)
{
    *out = NULL;
    const pst_json_value *value = pst_json_member(from, name);
    if (!value || value->kind == PST_JSON_NULL) return true;
    if (value->kind != PST_JSON_ARRAY) return line_bad(r, "%s: an array is expected", name);
    *out = value;
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool line_hex(line_reader *r, const pst_json_value *value, const char *name, uint8_t **bytes, uint32_t *size)
{
    if (!value || value->kind != PST_JSON_STRING || value->length % 2)
        return line_bad(r, "%s: a string with an even number of hex digits is expected", name);
    uint8_t *out = pst_arena_alloc(r->arena, value->length / 2);
    if (!out) return line_no_memory(r);
    for (size_t i = 0; i < value->length; i += 2) {
        int high = hex_digit(value->text[i]), low = hex_digit(value->text[i + 1]);
        if (high < 0 || low < 0) return line_bad(r, "%s: character %zu is no hex digit", name, i + (high < 0 ? 1 : 2));
        out[i / 2] = (uint8_t)(high << 4 | low);
    }
    *bytes = out;
    *size = (uint32_t)(value->length / 2); // a line is far below 4 GiB
    return true;
}

static bool string_member(line_reader *r, const char *name, const char **out)
{
    const pst_json_value *value = pst_json_member(r->line, name);
    if (!value || value->kind == PST_JSON_NULL) return true;
    if (value->kind != PST_JSON_STRING) return line_bad(r, "%s: a string is expected", name);
    *out = value->text;
    return true;
}

// Linux's constant becomes the short name: "BPF_PROG_TYPE_XDP" is "xdp".
void line_short_name(const char *name, const char *prefix, char out[LINE_NAME_MAX])
{
    size_t length = strlen(prefix), i = 0;
    if (strncmp(name, prefix, length) == 0) name += length;
    else prefix = "";
    for (; name[i] && i + 1 < LINE_NAME_MAX; i++) out[i] = *prefix && name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] | 0x20) : name[i];
    out[i] = '\0';
}

static bool read_type(line_reader *r)
{
    const pst_json_value *value = pst_json_member(r->line, "type");
    verify_subject *s = r->subject;
    uint64_t number;
    char name[LINE_NAME_MAX];
    if (!value) return line_bad(r, "type is missing: the program type, by name (\"xdp\") or number");
    if (pst_json_to_u64(value, UINT32_MAX, &number)) {
        s->prog_type = (uint32_t)number;
        return true;
    }
    if (value->kind != PST_JSON_STRING) return line_bad(r, "type: a name or a number is expected");
    line_short_name(value->text, "BPF_PROG_TYPE_", name);
    s->type_name = value->text;
    if (pst_prog_type_number_by_name(name, &s->prog_type) || strcmp(name, "unspec") == 0) return true;
    verify_answer_own(r->answer, PST_VERDICT_UNSUPPORTED, PST_FINDING_UNSUPPORTED, 0, "program type %.128s is not described", value->text);
    return false;
}

static bool read_attach(line_reader *r)
{
    const pst_json_value *value = pst_json_member(r->line, "attach");
    verify_subject *s = r->subject;
    uint64_t number;
    char name[LINE_NAME_MAX];
    if (!value || value->kind == PST_JSON_NULL) return true;
    if (pst_json_to_u64(value, UINT32_MAX, &number)) {
        s->attach_type = (uint32_t)number;
        return true;
    }
    if (value->kind != PST_JSON_STRING) return line_bad(r, "attach: a name or a number is expected");
    line_short_name(value->text, "BPF_", name);
    if (pst_attach_type_number_by_name(name, &s->attach_type)) return true;
    return line_bad(r, "attach: there is no attach type %.128s", value->text);
}

static bool read_flags(line_reader *r)
{
    static const struct {
        const char *name;
        uint32_t flag;
    } flags[] = {{"any_alignment", PST_VERIFY_ANY_ALIGNMENT},
                 {"strict_alignment", PST_VERIFY_STRICT_ALIGNMENT},
                 {"sleepable", 0},
                 // Flags of a load that no proof depends on.
                 {"xdp_has_frags", 0}, {"test_rnd_hi32", 0}, {"test_state_freq", 0}, {"test_reg_invariants", 0}};
    const pst_json_value *list;
    if (!line_list(r, r->line, "flags", &list)) return false;
    for (const pst_json_value *flag = list ? list->first : NULL; flag; flag = flag->next) {
        size_t i = 0;
        if (flag->kind != PST_JSON_STRING) return line_bad(r, "flags: strings are expected");
        while (i < PST_COUNT(flags) && strcmp(flags[i].name, flag->text) != 0) i++;
        if (i == PST_COUNT(flags))
            return line_bad(r, "flags: there is no flag %.64s; there are any_alignment, strict_alignment, sleepable", flag->text);
        r->subject->flags |= flags[i].flag;
        r->subject->sleepable |= strcmp(flag->text, "sleepable") == 0;
    }
    return true;
}

static bool read_mode(line_reader *r)
{
    const char *mode = NULL;
    if (!string_member(r, "mode", &mode)) return false;
    if (mode && !verify_mode_by_name(mode, &r->subject->mode))
        return line_bad(r, "mode: %.64s is neither privileged nor strict", mode);
    return true;
}

static bool read_insns(line_reader *r)
{
    const pst_json_value *value = pst_json_member(r->line, "insns");
    verify_subject *s = r->subject;
    uint8_t *bytes;
    uint32_t size;
    if (!value) return line_bad(r, "insns is missing: the program's instructions in hex");
    if (!line_hex(r, value, "insns", &bytes, &size)) return false;
    if (size % PST_SLOT_SIZE) return line_bad(r, "insns: %u bytes are no whole number of instructions of 8 bytes", size);
    s->slots = (pst_slot *)(void *)bytes; // the arena aligns to 16; a slot is its bytes on every machine that we build for
    s->count = size / PST_SLOT_SIZE;
    return true;
}

// --- Lists of pairs ------------------------------------------------------------------------------------------------

// An element of a list: [slot, second]. *second is NULL when it is no pair.
static bool read_pair(line_reader *r, const char *name, const pst_json_value *pair, uint32_t *slot, const pst_json_value **second)
{
    uint64_t number;
    bool is_pair = pair->kind == PST_JSON_ARRAY && pair->count == 2 && pst_json_to_u64(pair->first, UINT32_MAX, &number);
    if (!is_pair) return line_bad(r, "%s: pairs are expected that begin with the number of an instruction", name);
    if (number >= r->subject->count)
        return line_bad(r, "%s: there is no instruction %llu; the program has %u", name, (unsigned long long)number, r->subject->count);
    *slot = (uint32_t)number;
    *second = pair->first->next;
    return true;
}

static bool by_index(uint8_t src) { return src == 5 || src == 6; }

// Maps are named by index from now on. What names no map of the line must not name one by chance.
static void forget_numbers(verify_subject *s)
{
    for (uint32_t pc = 0; pc < s->count; pc += s->slots[pc].opcode == LINE_OPCODE_IMM64 ? 2 : 1) {
        uint8_t src = s->slots[pc].regs >> 4;
        if (s->slots[pc].opcode == LINE_OPCODE_IMM64 && (src == 1 || src == 2)) s->slots[pc].imm = -1;
    }
}

static bool check_references(line_reader *r)
{
    const verify_subject *s = r->subject;
    for (uint32_t pc = 0; pc < s->count; pc += s->slots[pc].opcode == LINE_OPCODE_IMM64 ? 2 : 1) {
        uint8_t src = s->slots[pc].regs >> 4;
        if (s->slots[pc].opcode != LINE_OPCODE_IMM64 || (src != 1 && src != 2) || s->slots[pc].imm >= 0) continue;
        verify_answer_own(r->answer, PST_VERDICT_REJECT, PST_FINDING_STRUCTURE, pc,
                          "instruction %u names a map, and map_refs does not say which", pc);
        return false;
    }
    return true;
}

static bool read_map_refs(line_reader *r)
{
    const pst_json_value *list, *second;
    verify_subject *s = r->subject;
    uint32_t slot;
    uint64_t index;
    if (!line_list(r, r->line, "map_refs", &list)) return false;
    forget_numbers(s);
    for (const pst_json_value *pair = list ? list->first : NULL; pair; pair = pair->next) {
        if (!read_pair(r, "map_refs", pair, &slot, &second)) return false;
        if (!pst_json_to_u64(second, UINT32_MAX, &index) || index >= s->map_count)
            return line_bad(r, "map_refs: instruction %u names a map that is not in maps, which has %u", slot, s->map_count);
        uint8_t src = s->slots[slot].regs >> 4;
        bool refers = s->slots[slot].opcode == LINE_OPCODE_IMM64 && (src <= 2 || by_index(src));
        if (!refers) return line_bad(r, "map_refs: instruction %u is no 64-bit immediate that names a map", slot);
        if (src == 0) s->slots[slot].regs |= 1 << 4; // as it is in an object before relocation
        s->slots[slot].imm = (int32_t)index;
    }
    return check_references(r);
}

// Kernel symbols: [slot, name]. What the host's types do not have is absent: 0, as for a weak symbol.
static bool read_ksyms(line_reader *r)
{
    const pst_json_value *list, *second;
    verify_subject *s = r->subject;
    uint32_t slot;
    if (!line_list(r, r->line, "ksyms", &list)) return false;
    const pst_btf *host = list && list->count ? verify_host_types(r->settings) : NULL;
    for (const pst_json_value *pair = list ? list->first : NULL; pair; pair = pair->next) {
        if (!read_pair(r, "ksyms", pair, &slot, &second)) return false;
        if (second->kind != PST_JSON_STRING) return line_bad(r, "ksyms: instruction %u: a name is expected", slot);
        if (s->slots[slot].opcode != LINE_OPCODE_IMM64 || slot + 1 == s->count)
            return line_bad(r, "ksyms: instruction %u is no 64-bit immediate", slot);
        uint32_t id = host ? pst_btf_find(host, second->text, PST_BTF_VAR) : 0;
        if (host && !id) id = pst_btf_find(host, second->text, PST_BTF_FUNC);
        s->slots[slot].regs = (uint8_t)((s->slots[slot].regs & 15u) | (id ? 3u << 4 : 0u));
        s->slots[slot].imm = (int32_t)id;
        s->slots[slot + 1].imm = 0;
    }
    return true;
}

static int kfunc_order(const void *a, const void *b)
{
    uint32_t x = ((const verify_kfunc *)a)->pc, y = ((const verify_kfunc *)b)->pc;
    return x < y ? -1 : x > y;
}

static bool read_kfuncs(line_reader *r)
{
    const pst_json_value *list, *second;
    verify_subject *s = r->subject;
    if (!line_list(r, r->line, "kfuncs", &list)) return false;
    if (!list || !list->count) return true;
    verify_kfunc *kfuncs = pst_arena_array(r->arena, list->count, sizeof *kfuncs);
    if (!kfuncs) return line_no_memory(r);
    for (const pst_json_value *pair = list->first; pair; pair = pair->next) {
        verify_kfunc *k = &kfuncs[s->kfunc_count];
        if (!read_pair(r, "kfuncs", pair, &k->pc, &second)) return false;
        if (second->kind != PST_JSON_STRING) return line_bad(r, "kfuncs: instruction %u: a name is expected", k->pc);
        if (s->slots[k->pc].opcode != LINE_OPCODE_CALL || s->slots[k->pc].regs >> 4 != 2)
            return line_bad(r, "kfuncs: instruction %u is no call of a kfunc", k->pc);
        k->name = second->text;
        s->kfunc_count++;
    }
    qsort(kfuncs, s->kfunc_count, sizeof *kfuncs, kfunc_order);
    s->kfuncs = kfuncs;
    return true;
}

// --- Types -----------------------------------------------------------------------------------------------------------

static bool read_btf(line_reader *r)
{
    const pst_json_value *value = pst_json_member(r->line, "btf");
    uint8_t *bytes;
    uint32_t size;
    if (!value || value->kind == PST_JSON_NULL) return true;
    if (!line_hex(r, value, "btf", &bytes, &size)) return false;
    cli_forget_sentence();
    pst_status status = pst_btf_parse(cli_env(), bytes, size, "btf", &r->subject->btf);
    r->subject->btf_bytes = bytes;
    r->subject->btf_size = size;
    if (status == PST_OK) return true;
    const char *why = cli_last_sentence();
    r->subject->btf = NULL;
    verify_answer_own(r->answer, PST_VERDICT_REJECT, PST_FINDING_BTF, 0, "%s", *why ? why : pst_status_text(status));
    return false;
}

static int func_order(const void *a, const void *b)
{
    uint32_t x = ((const pst_func_info *)a)->pc, y = ((const pst_func_info *)b)->pc;
    return x < y ? -1 : x > y;
}

static bool read_func_info(line_reader *r)
{
    const pst_json_value *list, *second;
    verify_subject *s = r->subject;
    uint64_t id;
    if (!line_list(r, r->line, "func_info", &list)) return false;
    if (!list || !list->count) return true;
    if (!s->btf) return line_bad(r, "func_info needs btf, whose types it names");
    pst_func_info *funcs = pst_arena_array(r->arena, list->count, sizeof *funcs);
    if (!funcs) return line_no_memory(r);
    for (const pst_json_value *pair = list->first; pair; pair = pair->next) {
        pst_func_info *f = &funcs[s->func_count++];
        if (!read_pair(r, "func_info", pair, &f->pc, &second)) return false;
        if (!pst_json_to_u64(second, pst_btf_count(s->btf) - 1, &id) || pst_btf_get(s->btf, (uint32_t)id).kind != PST_BTF_FUNC) {
            verify_answer_own(r->answer, PST_VERDICT_REJECT, PST_FINDING_BTF, f->pc,
                              "func_info: instruction %u names a type that is no function", f->pc);
            return false;
        }
        f->type_id = (uint32_t)id;
    }
    qsort(funcs, s->func_count, sizeof *funcs, func_order);
    s->funcs = funcs;
    return true;
}

static bool read_runs(line_reader *r)
{
    const pst_json_value *list;
    verify_subject *s = r->subject;
    if (!line_list(r, r->line, "runs", &list)) return false;
    if (!list || !list->count) return true;
    if (list->count > LINE_RUNS_MAX) return line_bad(r, "runs: there are %u; the limit is %u", list->count, LINE_RUNS_MAX);
    verify_data *runs = pst_arena_array(r->arena, list->count, sizeof *runs);
    if (!runs) return line_no_memory(r);
    for (const pst_json_value *run = list->first; run; run = run->next) {
        const pst_json_value *data = pst_json_member(run, "data");
        uint8_t *bytes = NULL;
        if (run->kind != PST_JSON_OBJECT) return line_bad(r, "runs: objects with the member data are expected");
        if (data && !line_hex(r, data, "runs: data", &bytes, &runs[s->run_count].size)) return false;
        runs[s->run_count++].bytes = bytes;
    }
    s->runs = runs;
    return true;
}

// --- The line --------------------------------------------------------------------------------------------------------

static bool parse(line_reader *r, const char *text, size_t size)
{
    pst_json_error error;
    pst_status status = pst_json_read(r->arena, text, size, &error, &r->line);
    if (status == PST_E_NOMEM) return line_no_memory(r);
    if (status != PST_OK) return line_bad(r, "the line is not valid JSON: %s at byte %zu", error.text, error.offset + 1);
    if (r->line->kind != PST_JSON_OBJECT) return line_bad(r, "the line is no JSON object");
    const pst_json_value *id = pst_json_member(r->line, "id");
    if (!id) return line_bad(r, "id is missing");
    if (id->kind != PST_JSON_STRING && id->kind != PST_JSON_NUMBER) return line_bad(r, "id: a string or a number is expected");
    r->subject->id = id;
    return true;
}

bool verify_line_read(verify_settings *settings, pst_arena *arena, const char *text, size_t size, verify_subject *subject,
                      verify_answer *answer)
{
    line_reader r = {.settings = settings, .arena = arena, .subject = subject, .answer = answer};
    *answer = (verify_answer){0};
    *subject = (verify_subject){.license = "GPL", .mode = settings->opts.mode};
    bool read = parse(&r, text, size) && read_insns(&r) && read_type(&r) && read_attach(&r) && string_member(&r, "license", &subject->license) &&
                read_flags(&r) && read_mode(&r) && line_read_maps(&r) && read_map_refs(&r) && read_ksyms(&r) && read_kfuncs(&r) && read_btf(&r) &&
                read_func_info(&r) && read_runs(&r) && line_fill_maps(&r);
    subject->gpl_compatible = verify_license_is_gpl(subject->license);
    return read;
}

void verify_line_end(verify_subject *subject)
{
    pst_btf_free(subject->btf);
    subject->btf = NULL;
}
