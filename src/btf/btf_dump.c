// btf_dump.c: all types of a BTF as one C header, for programs that are written against a host's types.
//
// Called by `postern show btf`. Two passes: names are made unique, then each type is written after those that it needs.
// A type needs another either complete (a member, an element) or only known (behind a pointer, in a prototype): for a named struct the
// latter is a forward declaration. Types from hostile files nest without end, so depth and output are limited.
#include <string.h>

#include "base/hash.h"
#include "btf/btf_internal.h"
#include "btf/btf_layout.h"

#define DEPTH_MAX 512u    // of needs
#define INLINE_MAX 64u    // anonymous structs in each other
#define OUTPUT_FACTOR 16u // text is at most so many times the BTF, plus a little
#define OUTPUT_BASE (1u << 16)

enum { KNOWN = 1, BUSY = 2, DONE = 4, COMPLETE = 8 }; // KNOWN: declared forward; COMPLETE: of a typedef, what it names is too

// How often each name was given out.
typedef struct name_count {
    const char *name;
    uint32_t count;
} name_count;

typedef struct name_table {
    name_count *rows; // open addressing
    uint32_t capacity, used; // a power of two, or 0
} name_table;

typedef struct dumper {
    const pst_btf *btf;
    pst_text *out;
    uint8_t *states;       // by id
    uint32_t *versions;    // by id: 1 plain, 2 is "___2", ...
    name_table tags, ordinary; // C's two spaces of names
    btf_layout layout;
    btf_base_writer writer;
    size_t start, limit;   // of the output
    uint32_t indent;
    bool too_deep, no_memory;
} dumper;

static name_count *find_row(const name_table *table, const char *name)
{
    uint64_t hash = pst_hash_plain(name, strlen(name));
    for (uint32_t i = (uint32_t)(hash ^ hash >> 32);; i++) {
        name_count *row = &table->rows[i & (table->capacity - 1)];
        if (!row->name || strcmp(row->name, name) == 0) return row;
    }
}

static bool grow_table(const pst_env *env, name_table *table)
{
    uint32_t capacity = table->capacity ? table->capacity * 2 : 1024;
    name_table grown = {.rows = pst_alloc_zero(env, capacity, sizeof *grown.rows), .capacity = capacity, .used = table->used};
    if (!grown.rows) return false;
    for (uint32_t i = 0; i < table->capacity; i++)
        if (table->rows[i].name) *find_row(&grown, table->rows[i].name) = table->rows[i];
    pst_free(env, table->rows, table->capacity * sizeof *table->rows);
    *table = grown;
    return true;
}

// 1 for a name that is new, 2 for the second of it, ...
static uint32_t take_name(dumper *d, name_table *table, const char *name)
{
    if (table->used * 2 >= table->capacity && !grow_table(d->btf->env, table)) {
        d->no_memory = true;
        return 1;
    }
    name_count *row = find_row(table, name);
    if (!row->name) {
        row->name = name;
        table->used++;
    }
    return ++row->count;
}

static void add_versioned(dumper *d, const char *name, uint32_t version)
{
    btf_add_name(d->out, name);
    if (version > 1) pst_text_format(d->out, "___%u", version);
}

static bool is_composite(const pst_btf_type *type)
{
    return type->kind == PST_BTF_STRUCT || type->kind == PST_BTF_UNION;
}

static bool is_enum(const pst_btf_type *type)
{
    return type->kind == PST_BTF_ENUM || type->kind == PST_BTF_ENUM64;
}

// A forward declaration is of the type with its name where there is one.
static uint32_t forward_version(dumper *d, const pst_btf_type *type)
{
    uint32_t whole = pst_btf_find(d->btf, type->name, type->kind_flag ? PST_BTF_UNION : PST_BTF_STRUCT);
    return whole ? d->versions[whole] : take_name(d, &d->tags, type->name);
}

static void name_types(dumper *d)
{
    for (uint32_t id = 1; id < pst_btf_count(d->btf); id++) {
        pst_btf_type type = pst_btf_get(d->btf, id);
        if (!*type.name) continue;
        if (is_composite(&type) || is_enum(&type)) d->versions[id] = take_name(d, &d->tags, type.name);
        else if (type.kind == PST_BTF_TYPEDEF) d->versions[id] = take_name(d, &d->ordinary, type.name);
    }
    for (uint32_t id = 1; id < pst_btf_count(d->btf); id++) {
        pst_btf_type type = pst_btf_get(d->btf, id);
        if (type.kind == PST_BTF_FWD && *type.name) d->versions[id] = forward_version(d, &type);
    }
}

static void line(dumper *d)
{
    for (uint32_t i = 0; i < d->indent; i++) pst_text_add(d->out, "    ");
}

// Bits that no member has, in a way that moves nothing else.
static void pad(dumper *d, uint64_t from, uint64_t to)
{
    if (from >= to) return;
    uint64_t head = (8 - from % 8) % 8;
    if (head > to - from) head = to - from;
    if (head > 0) {
        line(d);
        pst_text_format(d->out, "unsigned char : %u;\n", (unsigned)head);
        from += head;
    }
    if (to - from >= 8) {
        line(d);
        pst_text_format(d->out, "unsigned char __pad_%llu[%llu];\n", (unsigned long long)from / 8, (unsigned long long)(to - from) / 8);
        from = to - to % 8;
    }
    if (from < to) {
        line(d);
        pst_text_format(d->out, "unsigned char : %u;\n", (unsigned)(to - from));
    }
}

static uint64_t round_up(uint64_t bits, uint64_t unit)
{
    return unit ? (bits + unit - 1) / unit * unit : bits;
}

// Where a compiler puts this member when the last one ended at bit end.
static uint64_t natural_place(dumper *d, const pst_btf_member *member, uint64_t size_bits, uint64_t end, bool packed)
{
    if (!member->bit_size) return round_up(end, packed ? 8 : 8 * (uint64_t)btf_layout_align(&d->layout, member->type));
    // A bit field does not cross a unit of its type.
    bool crosses = size_bits && end / size_bits != (end + member->bit_size - 1) / size_bits;
    return crosses && !packed ? round_up(end, size_bits) : end;
}

static void write_body(dumper *d, const pst_btf_type *type);

static void write_member(dumper *d, const pst_btf_member *member)
{
    pst_btf_type inner = pst_btf_get(d->btf, pst_btf_strip(d->btf, member->type));
    line(d);
    if (!*member->name && is_composite(&inner)) {
        // Anonymous, even where its type has a name (an extension of C that kernels use).
        pst_text_add(d->out, btf_tag(&inner));
        write_body(d, &inner);
    } else {
        btf_declare(d->btf, member->type, member->name, &d->writer, d->out);
    }
    if (member->bit_size) pst_text_format(d->out, " : %u", member->bit_size);
    pst_text_add(d->out, ";\n");
}

static void write_members(dumper *d, const pst_btf_type *type, bool packed)
{
    bool is_union = type->kind == PST_BTF_UNION;
    uint64_t end = 0, size = (uint64_t)type->size * 8, bytes;
    for (uint32_t i = 0; i < type->count; i++) {
        pst_btf_member member = pst_btf_member_at(d->btf, type->id, i);
        if (!pst_btf_size(d->btf, member.type, &bytes)) bytes = 0;
        if (!is_union && natural_place(d, &member, bytes * 8, end, packed) != member.bit_offset) pad(d, end, member.bit_offset);
        write_member(d, &member);
        uint64_t member_end = member.bit_offset + (member.bit_size ? member.bit_size : bytes * 8);
        if (!is_union || member_end > end) end = member_end;
    }
    uint64_t natural = round_up(end, packed ? 8 : 8 * (uint64_t)btf_layout_align(&d->layout, type->id));
    if (natural < size) pad(d, is_union ? 0 : end, size);
}

static void write_body(dumper *d, const pst_btf_type *type)
{
    if (d->indent > INLINE_MAX || d->out->size - d->start > d->limit) {
        d->too_deep = true;
        pst_text_add(d->out, "{}");
        return;
    }
    bool packed = btf_layout_packed(&d->layout, type->id);
    pst_text_add(d->out, "{\n");
    d->indent++;
    write_members(d, type, packed);
    d->indent--;
    line(d);
    pst_text_add(d->out, packed ? "} __attribute__((packed))" : "}");
}

static void write_enumerators(dumper *d, const pst_btf_type *type)
{
    const char *suffix = type->kind == PST_BTF_ENUM ? "" : type->kind_flag ? "LL" : "ULL";
    pst_text_add(d->out, "{\n");
    for (uint32_t i = 0; i < type->count; i++) {
        pst_btf_member member = pst_btf_member_at(d->btf, type->id, i);
        d->indent++;
        line(d);
        d->indent--;
        add_versioned(d, member.name, take_name(d, &d->ordinary, member.name));
        if (type->kind_flag) pst_text_format(d->out, " = %lld%s,\n", (long long)member.value, suffix);
        else pst_text_format(d->out, " = %llu%s,\n", (unsigned long long)member.value, suffix);
    }
    line(d);
    pst_text_add(d->out, "}");
    if (type->size != 4)
        pst_text_format(d->out, " __attribute__((mode(%s)))", type->size == 1 ? "QI" : type->size == 2 ? "HI" : "DI");
}

// What a declaration is made of; anonymous types are spelled out.
static void write_base(void *user, uint32_t id)
{
    dumper *d = user;
    pst_btf_type type = pst_btf_get(d->btf, id);
    if (type.kind == PST_BTF_VOID) {
        pst_text_add(d->out, "void");
        return;
    }
    pst_text_add(d->out, btf_tag(&type));
    if (*type.name) add_versioned(d, type.name, d->versions[id]);
    else if (is_composite(&type)) write_body(d, &type);
    else if (is_enum(&type)) write_enumerators(d, &type);
}

// A named struct, union or enum, or a typedef, as a statement of its own.
static void write_statement(dumper *d, const pst_btf_type *type)
{
    if (type->kind == PST_BTF_TYPEDEF) {
        pst_text name;
        pst_text_init(&name, d->btf->env);
        pst_text_add(&name, type->name);
        if (d->versions[type->id] > 1) pst_text_format(&name, "___%u", d->versions[type->id]);
        pst_text_add(d->out, "typedef ");
        btf_declare(d->btf, type->type, pst_text_cstr(&name), &d->writer, d->out);
        d->no_memory |= name.failed;
        pst_text_free(&name);
    } else {
        write_base(d, type->id);
        pst_text_add(d->out, " ");
        if (is_composite(type)) write_body(d, type);
        else if (type->count > 0) write_enumerators(d, type);
    }
    pst_text_add(d->out, ";\n\n");
}

static void need(dumper *d, uint32_t id, bool complete, uint32_t depth);

static void need_struct(dumper *d, const pst_btf_type *type, bool complete, uint32_t depth)
{
    uint8_t *state = &d->states[type->id];
    if (*state & DONE) return;
    // One without name is spelled out wherever it is used, so its members are needed even behind a pointer.
    bool named = *type->name != 0;
    if (named && !complete) {
        if (*state & KNOWN) return;
        *state |= KNOWN;
        write_base(d, type->id);
        pst_text_add(d->out, ";\n\n");
        return;
    }
    if (*state & BUSY) return;
    *state |= BUSY;
    for (uint32_t i = 0; i < type->count; i++) {
        need(d, pst_btf_member_at(d->btf, type->id, i).type, true, depth + 1);
    }
    if (named) write_statement(d, type);
    *state |= DONE;
}

static void need_typedef(dumper *d, const pst_btf_type *type, bool complete, uint32_t depth)
{
    uint8_t *state = &d->states[type->id];
    bool built_in = strcmp(type->name, "__builtin_va_list") == 0;
    if (!(*state & (DONE | BUSY))) {
        *state |= BUSY;
        need(d, type->type, false, depth + 1);
        if (!built_in) write_statement(d, type);
        *state |= DONE;
    }
    if (!complete || (*state & COMPLETE)) return;
    *state |= COMPLETE;
    need(d, type->type, true, depth + 1);
}

static void need_prototype(dumper *d, const pst_btf_type *type, uint32_t depth)
{
    uint8_t *state = &d->states[type->id];
    if (*state & (DONE | BUSY)) return;
    *state |= BUSY;
    need(d, type->type, false, depth + 1);
    for (uint32_t i = 0; i < type->count; i++) need(d, pst_btf_member_at(d->btf, type->id, i).type, false, depth + 1);
    *state |= DONE;
}

// Writes what must stand in front of a use of type id.
static void need(dumper *d, uint32_t id, bool complete, uint32_t depth)
{
    pst_btf_type type = pst_btf_get(d->btf, id);
    if (depth > DEPTH_MAX) d->too_deep = true;
    if (d->too_deep || d->no_memory || d->out->failed) return;
    switch (type.kind) {
    case PST_BTF_STRUCT:
    case PST_BTF_UNION: need_struct(d, &type, complete, depth); return;
    case PST_BTF_ENUM:
    case PST_BTF_ENUM64:
        if (*type.name && !(d->states[id] & DONE)) write_statement(d, &type);
        d->states[id] |= DONE;
        return;
    case PST_BTF_FWD:
        if (*type.name && !(d->states[id] & KNOWN)) {
            write_base(d, id);
            pst_text_add(d->out, ";\n\n");
        }
        d->states[id] |= KNOWN;
        return;
    case PST_BTF_TYPEDEF: need_typedef(d, &type, complete, depth); return;
    case PST_BTF_FUNC_PROTO: need_prototype(d, &type, depth); return;
    case PST_BTF_PTR: need(d, type.type, false, depth + 1); return;
    case PST_BTF_ARRAY: need(d, type.type, true, depth + 1); return; // even behind a pointer
    case PST_BTF_VOLATILE:
    case PST_BTF_CONST:
    case PST_BTF_RESTRICT:
    case PST_BTF_TYPE_TAG: need(d, type.type, complete, depth + 1); return;
    case PST_BTF_VOID:
    case PST_BTF_INT:
    case PST_BTF_FLOAT:
    case PST_BTF_FUNC:
    case PST_BTF_VAR:
    case PST_BTF_DATASEC:
    case PST_BTF_DECL_TAG: return;
    }
}

static void write_all(dumper *d)
{
    name_types(d);
    pst_text_add(d->out, "#if defined(__bpf__) && !defined(BPF_NO_PRESERVE_ACCESS_INDEX)\n"
                         "#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)\n#endif\n\n");
    for (uint32_t id = 1; id < pst_btf_count(d->btf); id++) {
        pst_btf_type type = pst_btf_get(d->btf, id);
        bool stands_alone = is_composite(&type) || is_enum(&type) || type.kind == PST_BTF_TYPEDEF;
        if (stands_alone && *type.name) need(d, id, true, 0);
    }
    pst_text_add(d->out, "#if defined(__bpf__) && !defined(BPF_NO_PRESERVE_ACCESS_INDEX)\n#pragma clang attribute pop\n#endif\n");
}

pst_status pst_btf_dump_c(const pst_btf *btf, pst_text *out)
{
    uint32_t count = pst_btf_count(btf);
    size_t size = btf->size + (btf->base ? btf->base->size : 0);
    dumper d = {.btf = btf, .out = out, .start = out->size, .limit = size * OUTPUT_FACTOR + OUTPUT_BASE};
    d.writer = (btf_base_writer){.write = write_base, .user = &d};
    d.states = pst_alloc_zero(btf->env, count, sizeof *d.states);
    d.versions = pst_alloc_zero(btf->env, count, sizeof *d.versions);
    d.layout = (btf_layout){.btf = btf, .known = pst_alloc_zero(btf->env, count, 1)};
    d.no_memory = !d.states || !d.versions || !d.layout.known;
    if (!d.no_memory) write_all(&d);
    pst_free(btf->env, d.states, count * sizeof *d.states);
    pst_free(btf->env, d.versions, count * sizeof *d.versions);
    pst_free(btf->env, d.layout.known, count);
    pst_free(btf->env, d.tags.rows, d.tags.capacity * sizeof *d.tags.rows);
    pst_free(btf->env, d.ordinary.rows, d.ordinary.capacity * sizeof *d.ordinary.rows);
    if (d.no_memory || out->failed) return pst_fail(btf->env, PST_E_NOMEM, "no memory to write types as C");
    if (d.too_deep || d.layout.too_deep) return pst_fail(btf->env, PST_E_LIMIT, "the types nest too deep to be written as C");
    return PST_OK;
}
