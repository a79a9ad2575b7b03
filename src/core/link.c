// link.c: LINK_CREATE, LINK_UPDATE, LINK_DETACH: programs on hooks.
//
// A link holds its program and the provider's hook. Runs read link->exec inside an epoch; an update exchanges it and gives the old program
// back, which lives on until no run can see it. When the last reference to a link goes, or it is detached, the provider stops
// calling it first.
#include "core/internal.h"

static pst_status attach(pst_link *link, uint32_t flags)
{
    const pst_provider *provider = link->provider;
    pst_attach_request request = {
        .size = sizeof request,
        .prog_type = provider->type->number,
        .attach_type = link->attach_type,
        .target = link->target,
        .flags = flags,
    };
    if (!provider->attach) return PST_E_UNSUPPORTED;
    pst_status status = provider->attach(provider->user, &request, link, &link->hook);
    link->attached = status == PST_OK;
    return status;
}

// Detaches once, whoever comes first: the command or the end of the link.
static void detach(pst_link *link)
{
    pst_core *core = link->object.core;
    pst_pal_mutex_lock(core->lock);
    bool attached = link->attached;
    link->attached = false;
    pst_pal_mutex_unlock(core->lock);
    if (attached) link->provider->detach(link->provider->user, link->hook);
}

void core_link_close(core_object *object)
{
    detach(core_link_of(object));
}

void core_link_free(core_object *object)
{
    pst_link *link = core_link_of(object);
    core_object_put(&link->prog->object);
    pst_free(core_object_env(object), link, sizeof *link);
}

static bool type_has_attach(const pst_prog_type *type, uint32_t attach_type)
{
    for (uint32_t i = 0; i < type->attach_type_count; i++)
        if (type->attach_types[i].number == attach_type) return true;
    return false;
}

int64_t core_link_open(core_call *call, core_prog *prog, uint32_t attach_type, uint32_t target, uint32_t flags, pst_link **out)
{
    const pst_provider *provider = prog->provider;
    if (!type_has_attach(provider->type, attach_type))
        return core_refuse(call, PST_EINVAL, "attach type %u (%s) is not one of %s programs", attach_type,
                           pst_attach_type_name(attach_type), provider->type->name);
    pst_link *link = pst_alloc_zero(&call->core->env, 1, sizeof *link);
    if (!link) return core_refuse(call, PST_ENOMEM, "no memory for a link");
    link->object.core = call->core;
    link->object.kind = OBJECT_LINK;
    link->provider = provider;
    link->attach_type = attach_type;
    link->target = target;
    link->prog = prog;
    link->exec = prog->exec;
    core_object_get(&prog->object);
    if (!core_object_register(&link->object)) {
        core_link_free(&link->object);
        return core_refuse(call, PST_ENOMEM, "no memory for another link id");
    }
    core_errors_clear();
    pst_status status = attach(link, flags);
    if (status == PST_OK) {
        *out = link;
        return 0;
    }
    core_object_put_user(&link->object);
    const char *why = core_errors_last();
    if (!*why) why = provider->attach ? pst_status_text(status) : "this host has no hook for it; only test runs work";
    int error = status == PST_E_EXISTS ? PST_EBUSY : core_errno_of_status(status);
    return core_refuse(call, error, "cannot attach the %s program to target %u: %s", provider->type->name, target, why);
}

// What comes after the flags belongs to kinds of links that are not here (iterators, kprobes, tcx in a given order).
static int64_t check_extras(core_call *call)
{
    const pst_bpf_attr *attr = call->attr;
    const uint8_t *extras = (const uint8_t *)&attr->link_create.flags + sizeof attr->link_create.flags;
    for (; extras < (const uint8_t *)(attr + 1); extras++)
        if (*extras != 0) return core_refuse(call, PST_EINVAL, "link_create has fields set after flags: no hosted program type takes them");
    return 0;
}

int64_t core_cmd_link_create(core_call *call)
{
    const pst_bpf_attr *attr = call->attr;
    pst_link *link;
    int64_t error = core_need_rights(call, "attach programs");
    if (!error) error = check_extras(call);
    if (error) return error;
    core_object *object = core_call_object(call, attr->link_create.prog_fd, OBJECT_PROG, NULL, &error);
    if (!object) return error;
    core_prog *prog = core_prog_of(object);
    uint32_t expected = prog->image->attach_type;
    if (expected != 0 && expected != attr->link_create.attach_type)
        error = core_refuse(call, PST_EINVAL, "the program was loaded for attach type %u, not %u", expected, attr->link_create.attach_type);
    else
        error = core_link_open(call, prog, attr->link_create.attach_type, attr->link_create.target_ifindex, attr->link_create.flags, &link);
    core_object_put(object);
    if (error) return error;
    int64_t fd = core_handle_add(call->client, &link->object, HANDLE_READ | HANDLE_WRITE);
    return fd < 0 ? core_refuse(call, (int)-fd, "no room for another handle: close some") : fd;
}

// The core's lock orders updates with each other and with detaching.
static int64_t exchange_prog(core_call *call, pst_link *link, core_prog *prog, const core_prog *expected, core_prog **old)
{
    int64_t error = 0;
    pst_pal_mutex_lock(call->core->lock);
    if (!link->attached) {
        error = -PST_ENOLINK;
    } else if (expected && link->prog != expected) {
        error = -PST_EPERM;
    } else {
        *old = link->prog;
        PST_ATOMIC_STORE(&link->prog, prog);
        PST_ATOMIC_STORE(&link->exec, (const pst_exec *)prog->exec);
    }
    pst_pal_mutex_unlock(call->core->lock);
    if (error == -PST_ENOLINK) return core_refuse(call, PST_ENOLINK, "link %u is detached", link->object.id);
    if (error) return core_refuse(call, PST_EPERM, "link %u does not run the program that old_prog_fd names", link->object.id);
    return 0;
}

static int64_t update_link(core_call *call, pst_link *link, core_prog *prog, const core_prog *expected)
{
    core_prog *old = NULL;
    if (prog->provider->type->number != link->provider->type->number || prog->image->attach_type != link->prog->image->attach_type)
        return core_refuse(call, PST_EINVAL, "the new program's type or expected attach type differs from the link's");
    core_object_get(&prog->object);
    int64_t error = exchange_prog(call, link, prog, expected, &old);
    core_object_put(error ? &prog->object : &old->object);
    return error;
}

int64_t core_cmd_link_update(core_call *call)
{
    const pst_bpf_attr *attr = call->attr;
    uint32_t flags = attr->link_update.flags;
    int64_t error;
    if (flags & ~(uint32_t)PST_F_REPLACE) return core_refuse(call, PST_EINVAL, "link_update.flags 0x%x: only BPF_F_REPLACE is known", flags);
    if (!(flags & PST_F_REPLACE) && attr->link_update.old_prog_fd)
        return core_refuse(call, PST_EINVAL, "link_update.old_prog_fd is set without BPF_F_REPLACE");
    core_object *link = core_call_object(call, attr->link_update.link_fd, OBJECT_LINK, NULL, &error);
    if (!link) return error;
    core_object *prog = core_call_object(call, attr->link_update.new_prog_fd, OBJECT_PROG, NULL, &error), *old = NULL;
    if (prog && (flags & PST_F_REPLACE)) old = core_call_object(call, attr->link_update.old_prog_fd, OBJECT_PROG, NULL, &error);
    if (prog && (old || !(flags & PST_F_REPLACE)))
        error = update_link(call, core_link_of(link), core_prog_of(prog), old ? core_prog_of(old) : NULL);
    if (old) core_object_put(old);
    if (prog) core_object_put(prog);
    core_object_put(link);
    return error;
}

int64_t core_cmd_link_detach(core_call *call)
{
    int64_t error;
    core_object *object = core_call_object(call, call->attr->link_detach.link_fd, OBJECT_LINK, NULL, &error);
    if (!object) return error;
    detach(core_link_of(object));
    core_object_put(object);
    return 0;
}
