// cmd_test_run.c: `postern test-run`: one program, one packet or context, and what came of it.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/catalog.h"
#include "cli/cli.h"
#include "cli/test_input.h"
#include "pal/pal.h"

#define ROOM 4096u // a program may make a packet longer (adjust_head, adjust_tail)

static bool has_packet(const pst_prog_type *type)
{
    for (uint32_t i = 0; type && i < type->field_count; i++)
        if (type->fields[i].kind == PST_FIELD_PACKET_START) return true;
    return false;
}

void test_close(test_state *t)
{
    cli_events_close(t->events);
    bpf_object__close(t->object);
    pst_btf_free(t->types);
    free(t->data);
    free(t->out);
    free(t->ctx);
    free(t->ctx_out);
    *t = (test_state){0};
}

cli_exit test_read(test_state *t)
{
    const char *data = cli_value(t->args, "data"), *ctx = cli_value(t->args, "ctx");
    cli_exit code = cli_number(t->args, "repeat", INT32_MAX, &t->repeat);
    if (code == CLI_OK && data) code = test_data_read(data, &t->data, &t->data_size);
    if (code == CLI_OK && ctx) code = test_ctx_read(ctx, &t->ctx, &t->ctx_size);
    return code;
}

cli_exit test_load(test_state *t)
{
    cli_exit code = cli_open(t->file, cli_value(t->args, "btf"), &t->object);
    if (code == CLI_OK) code = cli_pick(t->object, t->file, t->name, 0, &t->program);
    if (code != CLI_OK) return code;
    t->type = pst_prog_type_by_number((uint32_t)bpf_program__type(t->program));
    t->types = cli_types(t->object);
    code = cli_set_variables(t->args, t->object, t->types);
    if (code == CLI_OK) code = cli_load(t->object, t->program);
    if (code == CLI_OK) code = cli_set_elements(t->args, t->object, t->types);
    return code;
}

static cli_exit prepare_buffers(test_state *t)
{
    if (!t->data && has_packet(t->type)) {
        t->data_size = 64; // the shortest Ethernet frame, near enough
        t->data = calloc(1, t->data_size);
    }
    t->out_size = t->data_size + ROOM;
    t->out = calloc(1, t->out_size);
    t->ctx_room = t->ctx ? t->ctx_size + ROOM : 0;
    t->ctx_out = t->ctx ? calloc(1, t->ctx_room) : NULL;
    bool complete = t->out && (!t->ctx || t->ctx_out) && (t->data || !t->data_size);
    return complete ? CLI_OK : cli_fail(CLI_FAILED, "no memory for the packet");
}

cli_exit test_run_program(test_state *t)
{
    cli_exit code = prepare_buffers(t);
    if (code != CLI_OK) return code;
    t->result = (struct bpf_test_run_opts){.sz = sizeof t->result,
                                           .data_in = t->data,
                                           .data_size_in = (uint32_t)t->data_size,
                                           .data_out = t->data ? t->out : NULL,
                                           .data_size_out = t->data ? (uint32_t)t->out_size : 0,
                                           .ctx_in = t->ctx,
                                           .ctx_size_in = (uint32_t)t->ctx_size,
                                           .ctx_out = t->ctx_out,
                                           .ctx_size_out = (uint32_t)t->ctx_room,
                                           .repeat = (int)t->repeat};
    int err = bpf_prog_test_run_opts(bpf_program__fd(t->program), &t->result);
    if (t->events) cli_events_poll(t->events, 0);
    if (cli_trap_count()) return cli_fail(CLI_FAILED, "%s", cli_trap_text());
    if (err < 0)
        return cli_fail(CLI_FAILED, "%s: program %s cannot be run: %s", t->file, bpf_program__name(t->program), test_run_reason(err));
    return CLI_OK;
}

// --- Results -------------------------------------------------------------------------------------------------------

static const char *meaning(const test_state *t)
{
    for (uint32_t i = 0; t->type && i < t->type->ret_meaning_count; i++)
        if ((int32_t)t->type->ret_meanings[i].value == (int32_t)t->result.retval) return t->type->ret_meanings[i].name;
    return NULL;
}

static bool data_changed(const test_state *t)
{
    return t->data && (t->result.data_size_out != t->data_size || memcmp(t->data, t->out, t->data_size) != 0);
}

static size_t shown_size(const test_state *t)
{
    return t->result.data_size_out < t->out_size ? t->result.data_size_out : t->out_size;
}

static void result_json(const test_state *t)
{
    cli_line line;
    cli_line_begin(&line, "result");
    pst_json_key(&line.json, "program");
    pst_json_string(&line.json, bpf_program__name(t->program));
    pst_json_key(&line.json, "return_value");
    pst_json_u64(&line.json, t->result.retval);
    pst_json_key(&line.json, "meaning");
    pst_json_string(&line.json, meaning(t));
    pst_json_key(&line.json, "repeat");
    pst_json_u64(&line.json, t->repeat);
    pst_json_key(&line.json, "duration_ns");
    pst_json_u64(&line.json, t->result.duration);
    if (t->data) {
        pst_json_key(&line.json, "data_changed");
        pst_json_bool(&line.json, data_changed(t));
        pst_json_key(&line.json, "data_out");
        pst_json_hex(&line.json, t->out, shown_size(t));
    }
    if (t->ctx) {
        pst_json_key(&line.json, "ctx_out");
        pst_json_hex(&line.json, t->ctx_out, t->result.ctx_size_out < t->ctx_room ? t->result.ctx_size_out : t->ctx_room);
    }
    cli_contents_json(t->object, t->types, &line.json);
    cli_line_end(&line);
}

static void result_text(const test_state *t)
{
    pst_text out;
    pst_text_init(&out, cli_env());
    const char *name = meaning(t);
    pst_text_format(&out, "%sresult%s %s returned %u (0x%x)", cli_colour_on(CLI_BOLD), cli_colour_off(), bpf_program__name(t->program),
                    t->result.retval, t->result.retval);
    if (name) pst_text_format(&out, " = %s%s%s", cli_colour_on(CLI_BOLD), name, cli_colour_off());
    pst_text_format(&out, " in %u ns", t->result.duration);
    if (t->repeat > 1) pst_text_format(&out, " on average of %llu runs", (unsigned long long)t->repeat);
    if (data_changed(t)) {
        pst_text_format(&out, "\n%spacket%s changed: %zu bytes, was %zu\n", cli_colour_on(CLI_BOLD), cli_colour_off(),
                        (size_t)t->result.data_size_out, t->data_size);
        cli_hex_dump(&out, t->out, shown_size(t));
    }
    if (t->ctx) {
        pst_text_format(&out, "\n%scontext%s %u bytes\n", cli_colour_on(CLI_BOLD), cli_colour_off(), t->result.ctx_size_out);
        cli_hex_dump(&out, t->ctx_out, t->result.ctx_size_out < t->ctx_room ? t->result.ctx_size_out : t->ctx_room);
    }
    cli_emit(&out);
    cli_contents_text(t->object, t->types);
}

static cli_exit write_out(const test_state *t)
{
    const char *path = cli_value(t->args, "out");
    if (!path) return CLI_OK;
    if (!t->data) return cli_fail(CLI_USAGE, "--out %s: programs of this type have no packet", path);
    pst_status status = pst_pal_file_write(cli_env(), path, t->out, shown_size(t));
    if (status == PST_OK) return CLI_OK;
    return cli_fail_last(status == PST_E_DENIED ? CLI_DENIED : status == PST_E_NOTFOUND ? CLI_MISSING : CLI_FAILED, "the packet cannot be written");
}

static cli_exit run_test(test_state *t)
{
    cli_exit code = test_read(t);
    if (code == CLI_OK) code = test_load(t);
    if (code == CLI_OK)
        code = cli_events_open(t->object, t->types, cli_value(t->args, "events"), cli_value(t->args, "event-type"), t->args->json, &t->events);
    if (code == CLI_OK) code = test_run_program(t);
    if (code == CLI_OK) code = write_out(t);
    if (code == CLI_OK) (t->args->json ? result_json : result_text)(t);
    return code;
}

cli_exit cli_test_run(const cli_args *args)
{
    test_state *t = calloc(1, sizeof *t);
    if (!t) return cli_fail(CLI_FAILED, "no memory");
    t->args = args;
    t->file = args->argument[0];
    t->name = args->count > 1 ? args->argument[1] : NULL;
    t->repeat = 1;
    cli_exit code = cli_watch_core(args);
    if (code == CLI_OK) code = run_test(t);
    test_close(t);
    free(t);
    return code;
}
