// netsh_file.c: commands about object files alone: sections, disassembly, verification, hash. No core is asked.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "catalog/catalog.h"
#include "cli/show.h"
#include "cli/verify_work.h"
#include "isa/isa.h"
#include "netsh/netsh.h"
#include "pal/pal.h"

// A file that is opened, and the part of it that a call names.
typedef struct file_use {
    pst_object *object;
    const char *file, *section, *program;
} file_use;

static const char *bare(const char *section) { return section[0] == '?' ? section + 1 : section; }

static bool is_wanted(const file_use *use, const pst_object_program *program)
{
    if (use->section && strcmp(program->section, use->section) != 0 && strcmp(bare(program->section), use->section) != 0) return false;
    return !use->program || strcmp(program->name, use->program) == 0;
}

static int file_open(const netsh_call *call, file_use *use)
{
    uint8_t *bytes;
    size_t size;
    *use = (file_use){.file = netsh_value(call, "filename"), .section = netsh_value(call, "section")};
    pst_object_options options = {.size = sizeof options, .file = use->file};
    cli_forget_sentence();
    pst_status status = pst_pal_file_read(cli_env(), use->file, PST_OBJECT_BYTES_MAX, &bytes, &size);
    if (status == PST_E_NOTFOUND) return netsh_fail("error: No such file or directory opening %s", use->file);
    if (status != PST_OK) return netsh_fail("error: %s", cli_last_sentence());
    status = pst_object_open(cli_env(), bytes, size, &options, &use->object);
    pst_free(cli_env(), bytes, size + 1);
    return status == PST_OK ? 0 : netsh_fail("error: %s", *cli_last_sentence() ? cli_last_sentence() : pst_status_text(status));
}

// The first program that a call names, NULL after a message.
static const pst_object_program *program_of(const netsh_call *call, file_use *use)
{
    use->program = netsh_value(call, "program");
    for (uint32_t i = 0; i < use->object->program_count; i++)
        if (is_wanted(use, &use->object->programs[i])) return &use->object->programs[i];
    (void)netsh_fail(use->program ? "error: Program not found" : "error: Section not found");
    return NULL;
}

// --- Sections ------------------------------------------------------------------------------------------------------

// What the reference counts; "assign" and "arith" are of arith64 and arith32 too.
#define COUNTER_LIST(X)                                                                                                    \
    X(arith) X(arith32) X(arith64) X(assign) X(call_1) X(call_mem) X(call_nomem) X(instructions) X(joins) X(jumps) X(load) \
    X(load_store) X(map_in_map) X(other) X(packet_access) X(reallocate) X(store)

typedef struct counters {
#define X(name) uint32_t name;
    COUNTER_LIST(X)
#undef X
} counters;

static void count_call(const pst_object_program *program, const pst_insn *insn, counters *c)
{
    const pst_prog_type *type = pst_prog_type_by_number(program->prog_type);
    const pst_helper_proto *proto = insn->op != PST_CALL_HELPER ? NULL : type ? pst_prog_type_helper(type, (int32_t)insn->imm) : NULL;
    if (!proto && insn->op == PST_CALL_HELPER) proto = pst_helper_proto_by_id((int32_t)insn->imm);
    bool has_memory = false;
    if (!proto) {
        c->other++;
        return;
    }
    for (unsigned i = 0; i < PST_ARGS_MAX; i++) has_memory = has_memory || (proto->args[i] != PST_ARG_NONE && proto->args[i] != PST_ARG_ANYTHING);
    if (strcmp(proto->name, "bpf_map_lookup_elem") == 0) c->call_1++;
    else if (has_memory) c->call_mem++;
    else c->call_nomem++;
    if (proto->flags & PST_HELPER_CHANGES_PACKET) c->reallocate = 1;
}

static void count_alu(const pst_insn *insn, counters *c)
{
    if (insn->width == 64) c->arith64++;
    else c->arith32++;
    if (insn->op == PST_ALU_MOV) c->assign++;
    else c->arith++;
}

static void count_insn(const pst_object *object, const pst_object_program *program, uint32_t pc, const pst_insn *insn, counters *c)
{
    switch ((pst_kind)insn->kind) {
    case PST_KIND_ALU: count_alu(insn, c); break;
    case PST_KIND_SWAP: c->arith++; break;
    case PST_KIND_IMM64:
        c->assign++;
        for (uint32_t i = 0; i < program->ref_count; i++)
            if (program->refs[i].pc == pc && program->refs[i].kind == PST_REF_MAP && object->maps[program->refs[i].index].inner >= 0) c->map_in_map = 1;
        break;
    case PST_KIND_LOAD:
    case PST_KIND_LOAD_ACQUIRE: c->load++; break;
    case PST_KIND_STORE:
    case PST_KIND_STORE_RELEASE: c->store++; break;
    case PST_KIND_ATOMIC: c->load_store++; break;
    case PST_KIND_LEGACY_LOAD: c->packet_access++; break;
    case PST_KIND_BRANCH: c->jumps++; break;
    case PST_KIND_CALL: count_call(program, insn, c); break;
    case PST_KIND_JUMP:
    case PST_KIND_MAY_GOTO:
    case PST_KIND_EXIT:
    case PST_KIND_CAST: c->other++; break;
    case PST_KIND_PADDING: break;
    }
}

// Instructions that more than one leads to: entered[pc] counts those that do.
static void count_ways(const pst_object_program *program, uint8_t *entered, uint32_t pc, uint32_t next, const pst_insn *insn)
{
    bool jumps = insn->kind == PST_KIND_JUMP || insn->kind == PST_KIND_BRANCH || insn->kind == PST_KIND_MAY_GOTO;
    bool ends = insn->kind == PST_KIND_EXIT || insn->kind == PST_KIND_JUMP;
    int64_t target = (int64_t)pc + 1 + insn->target;
    if (jumps && target >= 0 && target < program->count && entered[target] < 2) entered[target]++;
    if (!ends && next < program->count && entered[next] < 2) entered[next]++;
}

static void count_program(const pst_object *object, const pst_object_program *program, counters *c)
{
    uint8_t *entered = pst_alloc_zero(cli_env(), program->count + 1u, 1);
    *c = (counters){0};
    for (uint32_t pc = 0; pc < program->count;) {
        pst_insn insn;
        if (pst_insn_decode(&program->slots[pc], program->count - pc, &insn) != PST_DECODE_OK) insn = (pst_insn){.kind = PST_KIND_CAST};
        uint32_t next = pc + (insn.kind == PST_KIND_IMM64 ? 2 : 1);
        c->instructions++;
        count_insn(object, program, pc, &insn, c);
        if (entered) count_ways(program, entered, pc, next, &insn);
        pc = next;
    }
    for (uint32_t pc = 0; entered && pc < program->count; pc++) c->joins += entered[pc] > 1;
    pst_free(cli_env(), entered, entered ? program->count + 1u : 0);
}

static const char *type_name(const pst_object_program *program)
{
    const char *name = program->prog_type ? pst_prog_type_name(program->prog_type) : "unspec";
    return *name ? name : "unspec";
}

static uint32_t size_of(const pst_object_program *program) { return program->own_count * PST_SLOT_SIZE; }

static void section_verbose(const pst_object *object, const pst_object_program *program)
{
    counters c;
    count_program(object, program, &c);
    printf("\nSection      : %s\n", bare(program->section));
    printf("Program      : %s\n", program->name);
    printf("Program Type : %s\n", type_name(program));
    printf("Size         : %u bytes\n", size_of(program));
    printf("Instructions : %u\n", program->own_count);
#define X(name) printf("%-13s: %u\n", #name, c.name);
    COUNTER_LIST(X)
#undef X
}

static void sections_plain(const file_use *use, bool verbose)
{
    if (!verbose) {
        printf("\n                                                                     Size\n");
        printf("                       Section                   Program       Type  (bytes)\n");
        printf("==============================  ========================  =========  =======\n");
    }
    for (uint32_t i = 0; i < use->object->program_count; i++) {
        const pst_object_program *program = &use->object->programs[i];
        if (!is_wanted(use, program)) continue;
        if (verbose) section_verbose(use->object, program);
        else printf("%30s  %24s  %9s  %7u\n", bare(program->section), program->name, type_name(program), size_of(program));
    }
    printf("\n                     Key  Value      Max\n");
    printf("          Map Type  Size   Size  Entries  Name\n");
    printf("==================  ====  =====  =======  ========\n");
    for (uint32_t i = 0; i < use->object->map_count; i++) {
        const pst_object_map *map = &use->object->maps[i];
        printf("%18s%6u%7u%9u  %s\n", pst_map_type_name(map->type), map->key_size, map->value_size, map->max_entries, map->name);
    }
}

static int sections_json(const file_use *use)
{
    static const char *const columns[] = {"section", "program", "type", "Size", "Instructions", NULL};
    cli_table table;
    cli_table_begin(&table, columns);
    for (uint32_t i = 0; i < use->object->program_count; i++) {
        const pst_object_program *program = &use->object->programs[i];
        if (!is_wanted(use, program)) continue;
        cli_table_text(&table, bare(program->section));
        cli_table_text(&table, program->name);
        cli_table_text(&table, type_name(program));
        cli_table_format(&table, "%u", size_of(program));
        cli_table_format(&table, "%u", program->own_count);
    }
    return netsh_table_end(&table, true);
}

int netsh_show_sections(const netsh_call *call)
{
    const char *level = netsh_value(call, "level");
    file_use use;
    int code = file_open(call, &use);
    if (code == 0 && use.section && !program_of(call, &use)) code = 1;
    if (code == 0 && call->json) code = sections_json(&use);
    else if (code == 0) sections_plain(&use, use.section || (level && strcmp(level, "verbose") == 0));
    pst_object_close(use.object);
    return code;
}

// --- Disassembly -----------------------------------------------------------------------------------------------------

static void print_source(const pst_object *object, const pst_object_program *program, uint32_t pc)
{
    const pst_object_line *line = show_line_at(program, pc);
    if (!line || !object->btf) return;
    const char *file = pst_btf_string(object->btf, line->file_off), *text = pst_btf_string(object->btf, line->text_off);
    printf("; %s:%u\n; %s\n", file, line->line, text);
}

static void disassembly_plain(const pst_object *object, const pst_object_program *program)
{
    for (uint32_t pc = 0; pc < program->count;) {
        pst_text text;
        pst_text_init(&text, cli_env());
        print_source(object, program, pc);
        uint32_t slots = show_insn(object, program, pc, &text);
        printf("%8u:\t%s\n", pc, pst_text_cstr(&text));
        pst_text_free(&text);
        pc += slots;
    }
}

static int disassembly_json(const pst_object *object, const pst_object_program *program)
{
    static const char *const columns[] = {"Pc", "text", "Line", "source", NULL};
    cli_table table;
    cli_table_begin(&table, columns);
    for (uint32_t pc = 0; pc < program->count;) {
        const pst_object_line *line = object->btf ? show_line_at(program, pc) : NULL;
        pst_text text;
        pst_text_init(&text, cli_env());
        uint32_t slots = show_insn(object, program, pc, &text);
        cli_table_format(&table, "%u", pc);
        cli_table_text(&table, pst_text_cstr(&text));
        cli_table_format(&table, "%u", line ? line->line : 0);
        cli_table_text(&table, line ? show_trimmed(pst_btf_string(object->btf, line->text_off)) : "");
        pst_text_free(&text);
        pc += slots;
    }
    return netsh_table_end(&table, true);
}

int netsh_show_disassembly(const netsh_call *call)
{
    file_use use;
    int code = file_open(call, &use);
    const pst_object_program *program = code == 0 ? program_of(call, &use) : NULL;
    if (!program) code = 1;
    else if (call->json) code = disassembly_json(use.object, program);
    else disassembly_plain(use.object, program);
    pst_object_close(use.object);
    return code;
}

// --- Verification ----------------------------------------------------------------------------------------------------

typedef struct verification {
    const netsh_call *call;
    const char *program; // of the section; NULL: its first
    uint32_t type;       // 0: by the section
    bool informational, verbose;
    bool done, accepted;
} verification;

static void print_place(const verify_answer *answer, uint32_t pc)
{
    char place[256];
    if (answer->image && verify_place(answer->image, pc, place, sizeof place)) printf("; %s\n\n", place);
}

static void print_rejected(const verification *v, const verify_answer *answer)
{
    const pst_finding *f = &verify_verdict(answer)->finding;
    printf("Verification failed\n\nVerification report:\n\n");
    print_place(answer, f->pc);
    printf("%u: %s\n", f->pc, f->text);
    if (v->informational) {
        if (*f->needed) printf("   needed: %s\n", f->needed);
        if (*f->known) printf("   known: %s\n", f->known);
        if (*f->lost) printf("   lost: %s\n", f->lost);
        if (*f->hint) printf("   hint: %s\n", f->hint);
    }
    printf("\n1 errors\n\n");
}

static void print_accepted(const verification *v, const pst_verdict *verdict)
{
    printf("Verification succeeded\n");
    printf("Program terminates within %llu loop iterations\n", (unsigned long long)verdict->loops_bound);
    if (v->informational) {
        pst_text text;
        pst_text_init(&text, cli_env());
        verify_statistics(verdict, &text);
        printf("%s\n", pst_text_cstr(&text));
        pst_text_free(&text);
    }
    for (uint32_t i = 0; v->verbose && i < verdict->explained_count; i++)
        printf("\n%u: %s\n", verdict->explained[i].pc, verdict->explained[i].text);
}

// Called for each program of the section: the wanted one is reported, the others are passed by.
static void visit(void *user, const verify_subject *subject, const verify_answer *answer)
{
    verification *v = user;
    const pst_verdict *verdict = verify_verdict(answer);
    if (v->done || (v->program && strcmp(v->program, subject->program) != 0)) return;
    v->done = true;
    v->accepted = verdict->kind == PST_VERDICT_ACCEPT;
    if (v->call->json) verify_report_json(subject, answer);
    else if (v->accepted) print_accepted(v, verdict);
    else print_rejected(v, answer);
}

int netsh_show_verification(const netsh_call *call)
{
    const char *level = netsh_value(call, "level"), *type = netsh_value(call, "type");
    verification v = {.call = call, .verbose = level && strcmp(level, "verbose") == 0};
    file_use use;
    v.informational = v.verbose || (level && strcmp(level, "informational") == 0);
    if (type && !netsh_program_type(type, &v.type)) return 1;
    int code = file_open(call, &use);
    const pst_object_program *program = code == 0 ? program_of(call, &use) : NULL;
    if (program && v.type && v.type != program->prog_type)
        code = netsh_fail("error: %s is a %s program by its section, and is verified as one", program->name, type_name(program));
    if (program && code == 0) {
        verify_settings settings = {.args = call->session->args, .visit = visit, .visit_user = &v};
        settings.opts = (pst_verify_opts){.size = sizeof settings.opts, .keep_states = v.verbose};
        v.program = program->name;
        (void)verify_file(&settings, use.file, program->name);
        pst_btf_free(settings.host_btf);
    }
    pst_object_close(use.object);
    return v.accepted && code == 0 ? 0 : 1;
}

// --- Hash ------------------------------------------------------------------------------------------------------------

int netsh_show_hash(const netsh_call *call)
{
    const char *path = netsh_value(call, "filename"), *only = netsh_value(call, "hashonly");
    uint8_t *bytes, hash[PST_SHA256_SIZE];
    size_t size;
    cli_forget_sentence();
    if (pst_pal_file_read(cli_env(), path, PST_OBJECT_BYTES_MAX, &bytes, &size) != PST_OK) return netsh_fail("Error: %s", cli_last_sentence());
    bool is_object = size > 20 && memcmp(bytes, "\177ELF", 4) == 0 && bytes[18] == 247 && bytes[19] == 0; // EM_BPF
    pst_status status = is_object ? pst_pal_sha256(bytes, size, hash) : PST_OK;
    pst_free(cli_env(), bytes, size + 1);
    if (!is_object) return netsh_fail("Error: No hash section found in %s", path);
    if (status != PST_OK) return netsh_fail("Error: %s", pst_status_text(status));
    if (call->json) {
        cli_line line;
        cli_line_begin(&line, "hash");
        pst_json_key(&line.json, "sha256");
        pst_json_hex(&line.json, hash, sizeof hash);
        cli_line_end(&line);
        return 0;
    }
    bool bare_digits = only && strcmp(only, "no") != 0;
    if (!bare_digits) printf("Hash for %s:\nSize: %zu bytes\nData: ", path, sizeof hash);
    for (size_t i = 0; i < sizeof hash; i++) {
        if (bare_digits) printf("%02X", hash[i]);
        else printf("%s%02x", i == 0 ? "" : i % 16 ? " " : "\n      ", hash[i]);
    }
    printf("\n");
    return 0;
}
