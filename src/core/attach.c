// attach.c: PROG_ATTACH, PROG_DETACH, PROG_QUERY: the older way of attaching, without a handle for the attachment.
//
// Each attachment is a link that the core itself keeps, found by target and attach type. xdp has links only, as on Linux.
#include "core/internal.h"

typedef struct core_attachment {
    struct core_attachment *next; // in the order of attaching
    pst_link *link;
} core_attachment;

static bool by_link_only(uint32_t attach_type)
{
    return attach_type == PST_ATTACH_XDP || attach_type == PST_ATTACH_XDP_DEVMAP || attach_type == PST_ATTACH_XDP_CPUMAP;
}

// The attachment of prog (NULL: any) at the target, unlinked from the list. NULL when there is none.
static core_attachment *take_attachment(pst_core *core, uint32_t target, uint32_t attach_type, const core_prog *prog)
{
    core_attachment *found = NULL;
    pst_pal_mutex_lock(core->lock);
    for (core_attachment **at = &core->attachments; *at; at = &(*at)->next) {
        const pst_link *link = (*at)->link;
        if (link->target != target || link->attach_type != attach_type || (prog && link->prog != prog)) continue;
        found = *at;
        *at = found->next;
        break;
    }
    pst_pal_mutex_unlock(core->lock);
    return found;
}

static bool is_attached(pst_core *core, uint32_t target, uint32_t attach_type, const core_prog *prog)
{
    bool found = false;
    pst_pal_mutex_lock(core->lock);
    for (const core_attachment *at = core->attachments; at && !found; at = at->next)
        found = at->link->target == target && at->link->attach_type == attach_type && (!prog || at->link->prog == prog);
    pst_pal_mutex_unlock(core->lock);
    return found;
}

static void attachment_free(pst_core *core, core_attachment *attachment)
{
    core_object_put_user(&attachment->link->object);
    pst_free(&core->env, attachment, sizeof *attachment);
}

void core_attachments_free(pst_core *core)
{
    while (core->attachments) {
        core_attachment *first = core->attachments;
        core->attachments = first->next;
        attachment_free(core, first);
    }
}

// Appends, so that programs run and are listed in the order of attaching.
static void add_attachment(pst_core *core, core_attachment *attachment)
{
    pst_pal_mutex_lock(core->lock);
    core_attachment **end = &core->attachments;
    while (*end) end = &(*end)->next;
    *end = attachment;
    pst_pal_mutex_unlock(core->lock);
}

static int64_t attach_prog(core_call *call, core_prog *prog)
{
    const pst_bpf_attr *attr = call->attr;
    pst_core *core = call->core;
    if (is_attached(core, attr->target_fd, attr->attach_type, prog))
        return core_refuse(call, PST_EEXIST, "the program is attached to target %u already", attr->target_fd);
    core_attachment *attachment = pst_alloc_zero(&core->env, 1, sizeof *attachment);
    if (!attachment) return core_refuse(call, PST_ENOMEM, "no memory for an attachment");
    // Without BPF_F_ALLOW_MULTI the new program takes the place of the one that is there.
    core_attachment *old = NULL;
    if (!(attr->attach_flags & PST_F_ALLOW_MULTI)) old = take_attachment(core, attr->target_fd, attr->attach_type, NULL);
    int64_t error = core_link_open(call, prog, attr->attach_type, attr->target_fd, 0, &attachment->link);
    if (error) {
        pst_free(&core->env, attachment, sizeof *attachment);
        if (old) add_attachment(core, old);
        return error;
    }
    add_attachment(core, attachment);
    if (old) attachment_free(core, old);
    return 0;
}

static int64_t check_attach(core_call *call, uint32_t flags_known)
{
    const pst_bpf_attr *attr = call->attr;
    if (by_link_only(attr->attach_type)) return core_refuse(call, PST_EINVAL, "xdp programs are attached with LINK_CREATE");
    if ((attr->attach_flags & ~flags_known) || attr->replace_bpf_fd || attr->relative_fd || attr->expected_revision)
        return core_refuse(call, PST_EINVAL, "attach_flags 0x%x, replace_bpf_fd, relative_fd or expected_revision is not supported",
                           attr->attach_flags);
    return 0;
}

int64_t core_cmd_prog_attach(core_call *call)
{
    int64_t error = core_need_rights(call, "attach programs");
    if (!error) error = check_attach(call, PST_F_ALLOW_MULTI | PST_F_ALLOW_OVERRIDE);
    if (error) return error;
    core_object *object = core_call_object(call, call->attr->attach_bpf_fd, OBJECT_PROG, NULL, &error);
    if (!object) return error;
    error = attach_prog(call, core_prog_of(object));
    core_object_put(object);
    return error;
}

int64_t core_cmd_prog_detach(core_call *call)
{
    const pst_bpf_attr *attr = call->attr;
    int64_t error = core_need_rights(call, "detach programs");
    if (!error) error = check_attach(call, 0);
    if (error) return error;
    core_object *object = NULL;
    if (attr->attach_bpf_fd) { // 0: whatever is attached
        object = core_call_object(call, attr->attach_bpf_fd, OBJECT_PROG, NULL, &error);
        if (!object) return error;
    }
    core_attachment *found = take_attachment(call->core, attr->target_fd, attr->attach_type, object ? core_prog_of(object) : NULL);
    if (object) core_object_put(object);
    if (!found) return core_refuse(call, PST_ENOENT, "no such program is attached to target %u", attr->target_fd);
    attachment_free(call->core, found);
    return 0;
}

int64_t core_cmd_prog_query(core_call *call)
{
    pst_bpf_attr *attr = call->attr;
    if (attr->query.query_flags) return core_refuse(call, PST_EINVAL, "query.query_flags must be 0");
    if (attr->query.prog_attach_flags || attr->query.link_ids || attr->query.link_attach_flags)
        return core_refuse(call, PST_EINVAL, "query.prog_attach_flags, link_ids and link_attach_flags are not supported");
    uint32_t *ids = CORE_POINTER(uint32_t *, attr->query.prog_ids), capacity = ids ? attr->query.prog_cnt : 0, count = 0;
    pst_pal_mutex_lock(call->core->lock);
    for (const core_attachment *at = call->core->attachments; at; at = at->next) {
        if (at->link->target != attr->query.target_fd || at->link->attach_type != attr->query.attach_type) continue;
        if (count < capacity) memcpy(&ids[count], &at->link->prog->object.id, sizeof *ids);
        count++;
    }
    pst_pal_mutex_unlock(call->core->lock);
    attr->query.attach_flags = 0;
    attr->query.prog_cnt = count;
    if (capacity > 0 && count > capacity)
        return core_refuse(call, PST_ENOSPC, "query.prog_ids has room for %u ids, %u programs are attached", capacity, count);
    return 0;
}
