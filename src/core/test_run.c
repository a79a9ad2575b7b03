// test_run.c: PROG_TEST_RUN: a program on data of the caller, with the provider's own rules for context and packet.
//
// Rules of the sizes and of -PST_ENOSPC are Linux's (net/bpf/test_run.c). An output without room for it is not copied at all.
#include "core/internal.h"

#include "base/format.h"

static int64_t check_attr(core_call *call)
{
    const pst_bpf_attr *attr = call->attr;
    if ((attr->test.ctx_size_in != 0) != (attr->test.ctx_in != 0))
        return core_refuse(call, PST_EINVAL, "test.ctx_in and test.ctx_size_in go together");
    if ((attr->test.ctx_size_out != 0) != (attr->test.ctx_out != 0))
        return core_refuse(call, PST_EINVAL, "test.ctx_out and test.ctx_size_out go together");
    if (attr->test.flags || attr->test.cpu)
        return core_refuse(call, PST_EINVAL, "test.flags and test.cpu must be 0: live frames and runs on a chosen CPU are not supported");
    if (attr->test.batch_size) return core_refuse(call, PST_EINVAL, "test.batch_size is for live frames, which are not supported");
    if (attr->test.data_size_in && !attr->test.data_in) return core_refuse(call, PST_EFAULT, "test.data_in is NULL");
    return 0;
}

static pst_test_data make_data(const pst_bpf_attr *attr)
{
    return (pst_test_data){
        .data_in = CORE_POINTER(const uint8_t *, attr->test.data_in),
        .data_in_size = attr->test.data_size_in,
        .ctx_in = CORE_POINTER(const uint8_t *, attr->test.ctx_in),
        .ctx_in_size = attr->test.ctx_size_in,
        .data_out = CORE_POINTER(uint8_t *, attr->test.data_out),
        .data_out_capacity = attr->test.data_out ? attr->test.data_size_out : 0,
        .ctx_out = CORE_POINTER(uint8_t *, attr->test.ctx_out),
        .ctx_out_capacity = attr->test.ctx_out ? attr->test.ctx_size_out : 0,
    };
}

typedef struct outcome {
    uint64_t r0, total_ns;
    bool trapped, cancelled;
    pst_trap trap;
} outcome;

static outcome run_repeatedly(const pst_client *client, core_prog *prog, void *ctx, uint32_t repeat)
{
    outcome o = {0};
    epoch_domain *epoch = &prog->object.core->epoch;
    uint64_t begin = pst_pal_time_ns();
    for (uint32_t i = 0; i < repeat && !o.trapped && !o.cancelled; i++) {
        o.cancelled = PST_ATOMIC_LOAD_RELAXED(&client->cancelled);
        epoch_slot *slot = epoch_enter(epoch); // anew each time: a long test must not hold memory back
        o.r0 = core_run(prog->exec, ctx, &o.trapped, &o.trap);
        epoch_exit(slot);
    }
    o.total_ns = pst_pal_time_ns() - begin;
    return o;
}

static int64_t refuse_trap(core_call *call, const core_prog *prog, const pst_trap *trap)
{
    const pst_line *line = pst_image_line_at(prog->image, trap->pc);
    char where[160] = "";
    if (line) (void)pst_format(where, sizeof where, " (%s:%u: %s)", line->file, line->line, line->text);
    return core_refuse(call, PST_EFAULT, "program \"%s\" was stopped at instruction %u%s: %s (address 0x%llx, size %u)", prog->object.name,
                       trap->pc, where, pst_trap_text(trap->code), (unsigned long long)trap->address, trap->size);
}

static int64_t run_with_data(core_call *call, core_prog *prog)
{
    pst_bpf_attr *attr = call->attr;
    const pst_provider *provider = prog->provider;
    const pst_env *env = &call->core->env;
    pst_test_data data = make_data(attr);
    void *ctx = NULL;
    core_errors_clear();
    pst_status status = provider->test_create(provider->user, env, &data, &ctx);
    if (status != PST_OK) {
        const char *why = core_errors_last();
        return core_refuse(call, core_errno_of_status(status), "test run of a %s program: %s", provider->type->name,
                           *why ? why : pst_status_text(status));
    }
    uint32_t repeat = attr->test.repeat ? attr->test.repeat : 1;
    outcome o = run_repeatedly(call->client, prog, ctx, repeat);
    provider->test_finish(provider->user, env, ctx, &data);
    if (o.trapped) return refuse_trap(call, prog, &o.trap);
    if (o.cancelled) return core_refuse(call, PST_EINTR, "the client went away while its program ran");
    attr->test.retval = (uint32_t)o.r0;
    uint64_t each = o.total_ns / repeat;
    attr->test.duration = each < UINT32_MAX ? (uint32_t)each : UINT32_MAX;
    attr->test.data_size_out = data.data_out_size;
    attr->test.ctx_size_out = data.ctx_out_size;
    if (data.data_out && data.data_out_size > data.data_out_capacity)
        return core_refuse(call, PST_ENOSPC, "test.data_out has room for %u bytes, the data has %u", data.data_out_capacity,
                           data.data_out_size);
    if (data.ctx_out && data.ctx_out_size > data.ctx_out_capacity)
        return core_refuse(call, PST_ENOSPC, "test.ctx_out has room for %u bytes, the context has %u", data.ctx_out_capacity,
                           data.ctx_out_size);
    return 0;
}

int64_t core_cmd_prog_test_run(core_call *call)
{
    int64_t result = check_attr(call);
    if (result) return result;
    core_object *object = core_call_object(call, call->attr->test.prog_fd, OBJECT_PROG, NULL, &result);
    if (!object) return result;
    core_prog *prog = core_prog_of(object);
    if (prog->provider->test_create)
        result = run_with_data(call, prog);
    else
        result = core_refuse(call, PST_ENOTSUPP, "%s programs have no test run", prog->provider->type->name);
    core_object_put(object);
    return result;
}
