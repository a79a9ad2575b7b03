// bpf_object.c: bpf.h's calls on all kinds of objects: pins, ids, information, attachment.
#include "api/api.h"

static uint64_t address(const void *pointer)
{
    return (uint64_t)(uintptr_t)pointer;
}

// --- Pins ---------------------------------------------------------------------------------------------------------

int bpf_obj_pin_opts(int fd, const char *pathname, const struct bpf_obj_pin_opts *opts)
{
    struct bpf_obj_pin_opts o;
    if (!pathname || !api_opts_copy(&o, sizeof o, opts)) return api_err(-EINVAL);
    pst_bpf_attr attr = {0};
    attr.pathname = address(pathname);
    attr.bpf_fd = (uint32_t)fd;
    attr.file_flags = o.file_flags;
    attr.path_fd = o.path_fd;
    return api_command(PST_BPF_OBJ_PIN, &attr, sizeof attr);
}

int bpf_obj_pin(int fd, const char *pathname)
{
    return bpf_obj_pin_opts(fd, pathname, NULL);
}

int bpf_obj_get_opts(const char *pathname, const struct bpf_obj_get_opts *opts)
{
    struct bpf_obj_get_opts o;
    if (!pathname || !api_opts_copy(&o, sizeof o, opts)) return api_err(-EINVAL);
    pst_bpf_attr attr = {0};
    attr.pathname = address(pathname);
    attr.file_flags = o.file_flags;
    attr.path_fd = o.path_fd;
    return api_command(PST_BPF_OBJ_GET, &attr, sizeof attr);
}

int bpf_obj_get(const char *pathname)
{
    return bpf_obj_get_opts(pathname, NULL);
}

// --- Ids ----------------------------------------------------------------------------------------------------------

static int next_id(uint32_t cmd, uint32_t start, uint32_t *next)
{
    pst_bpf_attr attr = {0};
    attr.start_id = start;
    int err = api_command(cmd, &attr, sizeof attr);
    if (!err) *next = attr.next_id;
    return err;
}

int bpf_prog_get_next_id(uint32_t start_id, uint32_t *next)
{
    return next_id(PST_BPF_PROG_GET_NEXT_ID, start_id, next);
}

int bpf_map_get_next_id(uint32_t start_id, uint32_t *next)
{
    return next_id(PST_BPF_MAP_GET_NEXT_ID, start_id, next);
}

int bpf_btf_get_next_id(uint32_t start_id, uint32_t *next)
{
    return next_id(PST_BPF_BTF_GET_NEXT_ID, start_id, next);
}

int bpf_link_get_next_id(uint32_t start_id, uint32_t *next)
{
    return next_id(PST_BPF_LINK_GET_NEXT_ID, start_id, next);
}

static int fd_by_id(uint32_t cmd, uint32_t id, const struct bpf_get_fd_by_id_opts *opts)
{
    struct bpf_get_fd_by_id_opts o;
    if (!api_opts_copy(&o, sizeof o, opts)) return api_err(-EINVAL);
    pst_bpf_attr attr = {0};
    attr.prog_id = id;
    attr.open_flags = o.open_flags;
    return api_command(cmd, &attr, sizeof attr);
}

int bpf_prog_get_fd_by_id_opts(uint32_t id, const struct bpf_get_fd_by_id_opts *opts)
{
    return fd_by_id(PST_BPF_PROG_GET_FD_BY_ID, id, opts);
}

int bpf_prog_get_fd_by_id(uint32_t id)
{
    return fd_by_id(PST_BPF_PROG_GET_FD_BY_ID, id, NULL);
}

int bpf_map_get_fd_by_id_opts(uint32_t id, const struct bpf_get_fd_by_id_opts *opts)
{
    return fd_by_id(PST_BPF_MAP_GET_FD_BY_ID, id, opts);
}

int bpf_map_get_fd_by_id(uint32_t id)
{
    return fd_by_id(PST_BPF_MAP_GET_FD_BY_ID, id, NULL);
}

int bpf_btf_get_fd_by_id_opts(uint32_t id, const struct bpf_get_fd_by_id_opts *opts)
{
    return fd_by_id(PST_BPF_BTF_GET_FD_BY_ID, id, opts);
}

int bpf_btf_get_fd_by_id(uint32_t id)
{
    return fd_by_id(PST_BPF_BTF_GET_FD_BY_ID, id, NULL);
}

int bpf_link_get_fd_by_id_opts(uint32_t id, const struct bpf_get_fd_by_id_opts *opts)
{
    return fd_by_id(PST_BPF_LINK_GET_FD_BY_ID, id, opts);
}

int bpf_link_get_fd_by_id(uint32_t id)
{
    return fd_by_id(PST_BPF_LINK_GET_FD_BY_ID, id, NULL);
}

// --- Information --------------------------------------------------------------------------------------------------

int bpf_obj_get_info_by_fd(int bpf_fd, void *info, uint32_t *info_len)
{
    if (!info || !info_len) return api_err(-EINVAL);
    pst_bpf_attr attr = {0};
    attr.info.bpf_fd = (uint32_t)bpf_fd;
    attr.info.info_len = *info_len;
    attr.info.info = address(info);
    int err = api_command(PST_BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof attr);
    if (!err) *info_len = attr.info.info_len;
    return err;
}

int bpf_prog_get_info_by_fd(int prog_fd, struct bpf_prog_info *info, uint32_t *info_len)
{
    return bpf_obj_get_info_by_fd(prog_fd, info, info_len);
}

int bpf_map_get_info_by_fd(int map_fd, struct bpf_map_info *info, uint32_t *info_len)
{
    return bpf_obj_get_info_by_fd(map_fd, info, info_len);
}

int bpf_btf_get_info_by_fd(int btf_fd, struct bpf_btf_info *info, uint32_t *info_len)
{
    return bpf_obj_get_info_by_fd(btf_fd, info, info_len);
}

int bpf_link_get_info_by_fd(int link_fd, struct bpf_link_info *info, uint32_t *info_len)
{
    return bpf_obj_get_info_by_fd(link_fd, info, info_len);
}

// --- Attachment ---------------------------------------------------------------------------------------------------

int bpf_prog_attach_opts(int prog_fd, int target, enum bpf_attach_type type, const struct bpf_prog_attach_opts *opts)
{
    struct bpf_prog_attach_opts o;
    if (!api_opts_copy(&o, sizeof o, opts)) return api_err(-EINVAL);
    pst_bpf_attr attr = {0};
    attr.target_fd = (uint32_t)target;
    attr.attach_bpf_fd = (uint32_t)prog_fd;
    attr.attach_type = (uint32_t)type;
    attr.attach_flags = o.flags;
    attr.replace_bpf_fd = (uint32_t)o.replace_prog_fd;
    attr.relative_fd = o.relative_id ? o.relative_id : (uint32_t)o.relative_fd;
    attr.expected_revision = o.expected_revision;
    return api_command(PST_BPF_PROG_ATTACH, &attr, sizeof attr);
}

int bpf_prog_attach(int prog_fd, int attachable_fd, enum bpf_attach_type type, unsigned int flags)
{
    struct bpf_prog_attach_opts opts = {.sz = sizeof opts, .flags = flags};
    return bpf_prog_attach_opts(prog_fd, attachable_fd, type, &opts);
}

int bpf_prog_detach2(int prog_fd, int attachable_fd, enum bpf_attach_type type)
{
    pst_bpf_attr attr = {0};
    attr.target_fd = (uint32_t)attachable_fd;
    attr.attach_bpf_fd = (uint32_t)prog_fd;
    attr.attach_type = (uint32_t)type;
    return api_command(PST_BPF_PROG_DETACH, &attr, sizeof attr);
}

int bpf_prog_detach(int attachable_fd, enum bpf_attach_type type)
{
    return bpf_prog_detach2(0, attachable_fd, type);
}

int bpf_link_create(int prog_fd, int target_fd, enum bpf_attach_type attach_type, const struct bpf_link_create_opts *opts)
{
    struct bpf_link_create_opts o;
    if (!api_opts_copy(&o, sizeof o, opts)) return api_fail(EINVAL, "bpf_link_create: sz of the options is wrong");
    pst_bpf_attr attr = {0};
    attr.link_create.prog_fd = (uint32_t)prog_fd;
    attr.link_create.target_fd = (uint32_t)target_fd;
    attr.link_create.attach_type = (uint32_t)attach_type;
    attr.link_create.flags = o.flags;
    attr.link_create.target_btf_id = o.target_btf_id;
    if (o.tcx.expected_revision || o.tcx.relative_fd || o.tcx.relative_id) {
        attr.link_create.tcx.relative_fd = o.tcx.relative_id ? o.tcx.relative_id : o.tcx.relative_fd;
        attr.link_create.tcx.expected_revision = o.tcx.expected_revision;
    }
    return api_command(PST_BPF_LINK_CREATE, &attr, sizeof attr);
}

int bpf_link_detach(int link_fd)
{
    pst_bpf_attr attr = {0};
    attr.link_detach.link_fd = (uint32_t)link_fd;
    return api_command(PST_BPF_LINK_DETACH, &attr, sizeof attr);
}

int bpf_link_update(int link_fd, int new_prog_fd, const struct bpf_link_update_opts *opts)
{
    struct bpf_link_update_opts o;
    if (!api_opts_copy(&o, sizeof o, opts)) return api_err(-EINVAL);
    pst_bpf_attr attr = {0};
    attr.link_update.link_fd = (uint32_t)link_fd;
    attr.link_update.new_prog_fd = (uint32_t)new_prog_fd;
    attr.link_update.flags = o.flags;
    attr.link_update.old_prog_fd = o.old_prog_fd ? o.old_prog_fd : o.old_map_fd;
    return api_command(PST_BPF_LINK_UPDATE, &attr, sizeof attr);
}

int bpf_prog_query_opts(int target, enum bpf_attach_type type, struct bpf_prog_query_opts *opts)
{
    struct bpf_prog_query_opts o;
    if (!opts || !api_opts_copy(&o, sizeof o, opts)) return api_err(-EINVAL);
    pst_bpf_attr attr = {0};
    attr.query.target_fd = (uint32_t)target;
    attr.query.attach_type = (uint32_t)type;
    attr.query.query_flags = o.query_flags;
    attr.query.prog_cnt = o.prog_cnt;
    attr.query.prog_ids = address(o.prog_ids);
    attr.query.prog_attach_flags = address(o.prog_attach_flags);
    attr.query.link_ids = address(o.link_ids);
    attr.query.link_attach_flags = address(o.link_attach_flags);
    int err = api_command(PST_BPF_PROG_QUERY, &attr, sizeof attr);
    if (API_OPTS_HAS(struct bpf_prog_query_opts, opts, attach_flags)) opts->attach_flags = attr.query.attach_flags;
    if (API_OPTS_HAS(struct bpf_prog_query_opts, opts, prog_cnt)) opts->prog_cnt = attr.query.prog_cnt;
    if (API_OPTS_HAS(struct bpf_prog_query_opts, opts, revision)) opts->revision = attr.query.revision;
    return err;
}

int bpf_prog_query(int target_fd, enum bpf_attach_type type, uint32_t query_flags, uint32_t *attach_flags, uint32_t *prog_ids,
                   uint32_t *prog_cnt)
{
    struct bpf_prog_query_opts opts = {
        .sz = sizeof opts, .query_flags = query_flags, .prog_ids = prog_ids, .prog_cnt = *prog_cnt};
    int err = bpf_prog_query_opts(target_fd, type, &opts);
    if (attach_flags) *attach_flags = opts.attach_flags;
    *prog_cnt = opts.prog_cnt;
    return err;
}
