// bpf_prog.c: bpf.h's calls on programs and BTF.
#include "api/api.h"
#include "base/format.h"

static uint64_t address(const void *pointer)
{
    return (uint64_t)(uintptr_t)pointer;
}

static void load_attr(pst_bpf_attr *attr, const struct bpf_prog_load_opts *o)
{
    attr->expected_attach_type = (uint32_t)o->expected_attach_type;
    attr->prog_btf_fd = o->prog_btf_fd;
    attr->prog_flags = o->prog_flags;
    attr->prog_ifindex = o->prog_ifindex;
    attr->kern_version = o->kern_version;
    attr->attach_btf_id = o->attach_btf_id;
    attr->attach_prog_fd = o->attach_prog_fd ? o->attach_prog_fd : o->attach_btf_obj_fd;
    attr->fd_array = address(o->fd_array);
    attr->fd_array_cnt = o->fd_array_cnt;
    attr->func_info = address(o->func_info);
    attr->func_info_cnt = o->func_info_cnt;
    attr->func_info_rec_size = o->func_info_rec_size;
    attr->line_info = address(o->line_info);
    attr->line_info_cnt = o->line_info_cnt;
    attr->line_info_rec_size = o->line_info_rec_size;
    attr->log_level = o->log_level;
    attr->log_size = o->log_size;
    attr->log_buf = address(o->log_buf);
}

static int load_native(pst_core_native *native, pst_bpf_attr *attr)
{
    int64_t result = pst_core_native_load(api_client(), native, attr, sizeof *attr);
    return result >= 0 ? (int)result : api_err(-api_errno((int)-result));
}

int api_prog_load(pst_core_native *native, enum bpf_prog_type prog_type, const char *prog_name, const char *license, const struct bpf_insn *insns,
                  size_t insn_cnt, struct bpf_prog_load_opts *opts)
{
    struct bpf_prog_load_opts o;
    if (!api_opts_copy(&o, sizeof o, opts)) return api_fail(EINVAL, "bpf_prog_load: sz of the options is wrong");
    if (insn_cnt > UINT32_MAX || (!o.log_buf != !o.log_size)) return api_err(-EINVAL);
    pst_bpf_attr attr = {0};
    load_attr(&attr, &o);
    attr.prog_type = (uint32_t)prog_type;
    attr.insns = address(insns);
    attr.insn_cnt = (uint32_t)insn_cnt;
    attr.license = address(license);
    if (prog_name) pst_format(attr.prog_name, sizeof attr.prog_name, "%s", prog_name);
    // Without a level there is no log, whatever the buffer.
    if (!o.log_level) attr.log_buf = attr.log_size = 0;
    int fd = native ? load_native(native, &attr) : api_command(PST_BPF_PROG_LOAD, &attr, sizeof attr);
    if (API_OPTS_HAS(struct bpf_prog_load_opts, opts, log_true_size)) opts->log_true_size = attr.log_true_size;
    return fd;
}

int bpf_prog_load(enum bpf_prog_type prog_type, const char *prog_name, const char *license, const struct bpf_insn *insns,
                  size_t insn_cnt, struct bpf_prog_load_opts *opts)
{
    return api_prog_load(NULL, prog_type, prog_name, license, insns, insn_cnt, opts);
}

int bpf_btf_load(const void *btf_data, size_t btf_size, struct bpf_btf_load_opts *opts)
{
    struct bpf_btf_load_opts o;
    if (!api_opts_copy(&o, sizeof o, opts) || btf_size > UINT32_MAX) return api_err(-EINVAL);
    pst_bpf_attr attr = {0};
    attr.btf = address(btf_data);
    attr.btf_size = (uint32_t)btf_size;
    attr.btf_log_buf = o.log_level ? address(o.log_buf) : 0;
    attr.btf_log_size = o.log_level ? o.log_size : 0;
    attr.btf_log_level = o.log_level;
    attr.btf_flags = o.btf_flags;
    int fd = api_command(PST_BPF_BTF_LOAD, &attr, sizeof attr);
    if (API_OPTS_HAS(struct bpf_btf_load_opts, opts, log_true_size)) opts->log_true_size = attr.btf_log_true_size;
    return fd;
}

int bpf_prog_test_run_opts(int prog_fd, struct bpf_test_run_opts *opts)
{
    struct bpf_test_run_opts o;
    if (!opts || !api_opts_copy(&o, sizeof o, opts)) return api_fail(EINVAL, "bpf_prog_test_run_opts: sz of the options is wrong");
    pst_bpf_attr attr = {0};
    attr.test.prog_fd = (uint32_t)prog_fd;
    attr.test.data_in = address(o.data_in);
    attr.test.data_size_in = o.data_size_in;
    attr.test.data_out = address(o.data_out);
    attr.test.data_size_out = o.data_size_out;
    attr.test.ctx_in = address(o.ctx_in);
    attr.test.ctx_size_in = o.ctx_size_in;
    attr.test.ctx_out = address(o.ctx_out);
    attr.test.ctx_size_out = o.ctx_size_out;
    attr.test.repeat = (uint32_t)o.repeat;
    attr.test.flags = o.flags;
    attr.test.cpu = o.cpu;
    attr.test.batch_size = o.batch_size;
    int err = api_command(PST_BPF_PROG_TEST_RUN, &attr, sizeof attr);
    if (API_OPTS_HAS(struct bpf_test_run_opts, opts, data_size_out)) opts->data_size_out = attr.test.data_size_out;
    if (API_OPTS_HAS(struct bpf_test_run_opts, opts, ctx_size_out)) opts->ctx_size_out = attr.test.ctx_size_out;
    if (API_OPTS_HAS(struct bpf_test_run_opts, opts, retval)) opts->retval = attr.test.retval;
    if (API_OPTS_HAS(struct bpf_test_run_opts, opts, duration)) opts->duration = attr.test.duration;
    return err;
}

int bpf_prog_bind_map(int prog_fd, int map_fd, const struct bpf_prog_bind_opts *opts)
{
    struct bpf_prog_bind_opts o;
    if (!api_opts_copy(&o, sizeof o, opts)) return api_err(-EINVAL);
    pst_bpf_attr attr = {0};
    attr.prog_bind_map.prog_fd = (uint32_t)prog_fd;
    attr.prog_bind_map.map_fd = (uint32_t)map_fd;
    attr.prog_bind_map.flags = o.flags;
    return api_command(PST_BPF_PROG_BIND_MAP, &attr, sizeof attr);
}

int bpf_enable_stats(enum bpf_stats_type type)
{
    pst_bpf_attr attr = {0};
    attr.enable_stats.type = (uint32_t)type;
    return api_command(PST_BPF_ENABLE_STATS, &attr, sizeof attr);
}
