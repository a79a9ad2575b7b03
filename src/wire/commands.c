// commands.c: what each command points at, and which of its fields are handles. See attr.h for the fields.
//
// Not in a row: what depends on bytes behind a pointer (plan.c: the arrays of an info struct, the descriptors that instructions name) and on a map's
// type (handles.c: maps whose values are descriptors).
#include "wire/commands.h"

#define AT(member) (uint16_t)offsetof(pst_bpf_attr, member)
#define NO_HANDLES {{0, WHEN_NEVER}}

#define IN(ptr, rule, a, b) {AT(ptr), SIZE_##rule, WIRE_IN, WIRE_USED_NONE, a, b}
#define OUT(ptr, rule, how, a, b) {AT(ptr), SIZE_##rule, WIRE_OUT, WIRE_USED_##how, a, b}

static const wire_command g_commands[] = {
    [PST_BPF_MAP_CREATE] = {.known = true, .makes_handle = true, .map_at = WIRE_NO_MAP,
        .handles = {{AT(inner_map_fd), WHEN_SET}, {AT(btf_fd), WHEN_SET}}},
    [PST_BPF_MAP_LOOKUP_ELEM] = {.known = true, .map_at = AT(map_fd), .handles = {{AT(map_fd), WHEN_ALWAYS}},
        // The value goes in as well: a bloom filter is asked for one.
        .fields = {IN(key, KEY, 0, 0), {AT(value), SIZE_VALUE, WIRE_IN | WIRE_OUT, WIRE_USED_WHOLE, 0, 0}}},
    [PST_BPF_MAP_UPDATE_ELEM] = {.known = true, .map_at = AT(map_fd), .handles = {{AT(map_fd), WHEN_ALWAYS}},
        .fields = {IN(key, KEY, 0, 0), IN(value, VALUE, 0, 0)}},
    [PST_BPF_MAP_DELETE_ELEM] = {.known = true, .map_at = AT(map_fd), .handles = {{AT(map_fd), WHEN_ALWAYS}}, .fields = {IN(key, KEY, 0, 0)}},
    [PST_BPF_MAP_GET_NEXT_KEY] = {.known = true, .map_at = AT(map_fd), .handles = {{AT(map_fd), WHEN_ALWAYS}},
        .fields = {IN(key, KEY, 0, 0), OUT(next_key, KEY, WHOLE, 0, 0)}},
    [PST_BPF_MAP_LOOKUP_AND_DELETE_ELEM] = {.known = true, .map_at = AT(map_fd), .handles = {{AT(map_fd), WHEN_ALWAYS}},
        .fields = {IN(key, KEY, 0, 0), OUT(value, VALUE, WHOLE, 0, 0)}},
    [PST_BPF_MAP_FREEZE] = {.known = true, .map_at = WIRE_NO_MAP, .handles = {{AT(map_fd), WHEN_ALWAYS}}},

#define BATCH_READ                                                                                                              \
    {.known = true, .map_at = AT(batch.map_fd), .handles = {{AT(batch.map_fd), WHEN_ALWAYS}},                                   \
     .fields = {IN(batch.in_batch, CURSOR, 0, 0), OUT(batch.out_batch, CURSOR, WHOLE, 0, 0),                                    \
                OUT(batch.keys, KEYS, COUNT, AT(batch.count), 0), OUT(batch.values, VALUES, COUNT, AT(batch.count), 0)}}
    [PST_BPF_MAP_LOOKUP_BATCH] = BATCH_READ,
    [PST_BPF_MAP_LOOKUP_AND_DELETE_BATCH] = BATCH_READ,
#undef BATCH_READ
    [PST_BPF_MAP_UPDATE_BATCH] = {.known = true, .map_at = AT(batch.map_fd), .handles = {{AT(batch.map_fd), WHEN_ALWAYS}},
        .fields = {IN(batch.keys, KEYS, AT(batch.count), 0), IN(batch.values, VALUES, AT(batch.count), 0)}},
    [PST_BPF_MAP_DELETE_BATCH] = {.known = true, .map_at = AT(batch.map_fd), .handles = {{AT(batch.map_fd), WHEN_ALWAYS}},
        .fields = {IN(batch.keys, KEYS, AT(batch.count), 0)}},

    [PST_BPF_PROG_LOAD] = {.known = true, .makes_handle = true, .map_at = WIRE_NO_MAP,
        .handles = {{AT(prog_btf_fd), WHEN_SET}, {AT(attach_prog_fd), WHEN_SET}},
        .fields = {IN(insns, ITEMS, AT(insn_cnt), 8), IN(license, STRING, 0, 0), IN(func_info, RECORDS, AT(func_info_cnt), AT(func_info_rec_size)),
                   IN(line_info, RECORDS, AT(line_info_cnt), AT(line_info_rec_size)),
                   IN(core_relos, RECORDS, AT(core_relo_cnt), AT(core_relo_rec_size)), OUT(log_buf, FIELD, STRING, AT(log_size), 0)}},
    [PST_BPF_OBJ_PIN] = {.known = true, .map_at = WIRE_NO_MAP, .handles = {{AT(bpf_fd), WHEN_ALWAYS}}, .fields = {IN(pathname, STRING, 0, 0)}},
    [PST_BPF_OBJ_GET] = {.known = true, .makes_handle = true, .map_at = WIRE_NO_MAP, .fields = {IN(pathname, STRING, 0, 0)}},
    [PST_BPF_PROG_ATTACH] = {.known = true, .map_at = WIRE_NO_MAP, .handles = {{AT(attach_bpf_fd), WHEN_ALWAYS}, {AT(replace_bpf_fd), WHEN_SET}}},
    [PST_BPF_PROG_DETACH] = {.known = true, .map_at = WIRE_NO_MAP, .handles = {{AT(attach_bpf_fd), WHEN_SET}}},
    [PST_BPF_PROG_TEST_RUN] = {.known = true, .map_at = WIRE_NO_MAP, .handles = {{AT(test.prog_fd), WHEN_ALWAYS}},
        .fields = {IN(test.data_in, FIELD, AT(test.data_size_in), 0), OUT(test.data_out, FIELD, FIELD, AT(test.data_size_out), 0),
                   IN(test.ctx_in, FIELD, AT(test.ctx_size_in), 0), OUT(test.ctx_out, FIELD, FIELD, AT(test.ctx_size_out), 0)}},
    [PST_BPF_PROG_GET_NEXT_ID] = {.known = true, .map_at = WIRE_NO_MAP},
    [PST_BPF_MAP_GET_NEXT_ID] = {.known = true, .map_at = WIRE_NO_MAP},
    [PST_BPF_BTF_GET_NEXT_ID] = {.known = true, .map_at = WIRE_NO_MAP},
    [PST_BPF_LINK_GET_NEXT_ID] = {.known = true, .map_at = WIRE_NO_MAP},
    [PST_BPF_PROG_GET_FD_BY_ID] = {.known = true, .makes_handle = true, .map_at = WIRE_NO_MAP},
    [PST_BPF_MAP_GET_FD_BY_ID] = {.known = true, .makes_handle = true, .map_at = WIRE_NO_MAP},
    [PST_BPF_BTF_GET_FD_BY_ID] = {.known = true, .makes_handle = true, .map_at = WIRE_NO_MAP},
    [PST_BPF_LINK_GET_FD_BY_ID] = {.known = true, .makes_handle = true, .map_at = WIRE_NO_MAP},
    [PST_BPF_OBJ_GET_INFO_BY_FD] = {.known = true, .map_at = WIRE_NO_MAP, .handles = {{AT(info.bpf_fd), WHEN_ALWAYS}},
        .fields = {{AT(info.info), SIZE_FIELD, WIRE_IN | WIRE_OUT, WIRE_USED_WHOLE, AT(info.info_len), 0}}},
    [PST_BPF_PROG_QUERY] = {.known = true, .map_at = WIRE_NO_MAP,
        .fields = {OUT(query.prog_ids, ITEMS, COUNT, AT(query.prog_cnt), 4), OUT(query.prog_attach_flags, ITEMS, COUNT, AT(query.prog_cnt), 4),
                   OUT(query.link_ids, ITEMS, COUNT, AT(query.prog_cnt), 4), OUT(query.link_attach_flags, ITEMS, COUNT, AT(query.prog_cnt), 4)}},
    [PST_BPF_BTF_LOAD] = {.known = true, .makes_handle = true, .map_at = WIRE_NO_MAP,
        .fields = {IN(btf, FIELD, AT(btf_size), 0), OUT(btf_log_buf, FIELD, STRING, AT(btf_log_size), 0)}},
    [PST_BPF_LINK_CREATE] = {.known = true, .makes_handle = true, .map_at = WIRE_NO_MAP, .handles = {{AT(link_create.prog_fd), WHEN_ALWAYS}}},
    [PST_BPF_LINK_UPDATE] = {.known = true, .map_at = WIRE_NO_MAP,
        .handles = {{AT(link_update.link_fd), WHEN_ALWAYS}, {AT(link_update.new_prog_fd), WHEN_ALWAYS}, {AT(link_update.old_prog_fd), WHEN_REPLACE}}},
    [PST_BPF_LINK_DETACH] = {.known = true, .map_at = WIRE_NO_MAP, .handles = {{AT(link_detach.link_fd), WHEN_ALWAYS}}},
    [PST_BPF_ENABLE_STATS] = {.known = true, .makes_handle = true, .map_at = WIRE_NO_MAP},
    [PST_BPF_PROG_BIND_MAP] = {.known = true, .map_at = WIRE_NO_MAP,
        .handles = {{AT(prog_bind_map.prog_fd), WHEN_ALWAYS}, {AT(prog_bind_map.map_fd), WHEN_ALWAYS}}},
};

const wire_command *wire_command_of(uint32_t cmd)
{
    return cmd < PST_COUNT(g_commands) && g_commands[cmd].known ? &g_commands[cmd] : NULL;
}
