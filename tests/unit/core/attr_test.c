// attr_test.c: the layout of attr.h, field by field, against the host's <linux/bpf.h>, and fixed sizes everywhere.
#include "core_fixture.h"

TEST(sizes_are_those_of_linux_6_18)
{
    CHECK_EQ(sizeof(pst_bpf_attr), 168);
    CHECK_EQ(sizeof(pst_bpf_prog_info), 232);
    CHECK_EQ(sizeof(pst_bpf_btf_info), 32);
    CHECK_EQ(sizeof(pst_bpf_link_info), 64);
    CHECK_EQ(sizeof(pst_bpf_map_info), 104);
    CHECK_EQ(sizeof(pst_bpf_func_info), 8);
    CHECK_EQ(sizeof(pst_bpf_line_info), 16);
    // Fields younger than many headers.
    CHECK_EQ(offsetof(pst_bpf_attr, map_token_fd), 76);
    CHECK_EQ(offsetof(pst_bpf_attr, log_true_size), 140);
    CHECK_EQ(offsetof(pst_bpf_attr, fd_array_cnt), 148);
    CHECK_EQ(offsetof(pst_bpf_attr, path_fd), 16);
    CHECK_EQ(offsetof(pst_bpf_attr, expected_revision), 24);
    CHECK_EQ(offsetof(pst_bpf_attr, fd_by_id_token_fd), 12);
    CHECK_EQ(offsetof(pst_bpf_attr, query.revision), 56);
    CHECK_EQ(offsetof(pst_bpf_attr, btf_log_true_size), 28);
    CHECK_EQ(offsetof(pst_bpf_attr, link_create.uprobe_multi.pid), 56);
}

#ifdef __linux__
#include <linux/bpf.h>

#define SAME_IN(ours, theirs, member)                                                                    \
    do {                                                                                                 \
        CHECK_EQ(offsetof(ours, member), offsetof(theirs, member));                                      \
        CHECK_EQ(sizeof(((ours *)0)->member), sizeof(((theirs *)0)->member));                            \
    } while (0)
#define ATTR(member) SAME_IN(pst_bpf_attr, union bpf_attr, member)
#define PROG(member) SAME_IN(pst_bpf_prog_info, struct bpf_prog_info, member)
#define MAP(member) SAME_IN(pst_bpf_map_info, struct bpf_map_info, member)

TEST(attr_of_maps_is_the_hosts)
{
    ATTR(map_type); ATTR(key_size); ATTR(value_size); ATTR(max_entries); ATTR(map_flags); ATTR(inner_map_fd); ATTR(numa_node);
    ATTR(map_name); ATTR(map_ifindex); ATTR(btf_fd); ATTR(btf_key_type_id); ATTR(btf_value_type_id); ATTR(btf_vmlinux_value_type_id);
    ATTR(map_extra); ATTR(map_fd); ATTR(key); ATTR(value); ATTR(next_key); ATTR(flags);
    ATTR(batch.in_batch); ATTR(batch.out_batch); ATTR(batch.keys); ATTR(batch.values); ATTR(batch.count); ATTR(batch.map_fd);
    ATTR(batch.elem_flags); ATTR(batch.flags);
}

TEST(attr_of_programs_is_the_hosts)
{
    ATTR(prog_type); ATTR(insn_cnt); ATTR(insns); ATTR(license); ATTR(log_level); ATTR(log_size); ATTR(log_buf); ATTR(kern_version);
    ATTR(prog_flags); ATTR(prog_name); ATTR(prog_ifindex); ATTR(expected_attach_type); ATTR(prog_btf_fd); ATTR(func_info_rec_size);
    ATTR(func_info); ATTR(func_info_cnt); ATTR(line_info_rec_size); ATTR(line_info); ATTR(line_info_cnt); ATTR(attach_btf_id);
    ATTR(attach_prog_fd); ATTR(core_relo_cnt); ATTR(fd_array); ATTR(core_relos); ATTR(core_relo_rec_size);
    ATTR(test.prog_fd); ATTR(test.retval); ATTR(test.data_size_in); ATTR(test.data_size_out); ATTR(test.data_in); ATTR(test.data_out);
    ATTR(test.repeat); ATTR(test.duration); ATTR(test.ctx_size_in); ATTR(test.ctx_size_out); ATTR(test.ctx_in); ATTR(test.ctx_out);
    ATTR(test.flags); ATTR(test.cpu); ATTR(test.batch_size);
    ATTR(prog_bind_map.prog_fd); ATTR(prog_bind_map.map_fd); ATTR(prog_bind_map.flags); ATTR(enable_stats.type);
    ATTR(attach_bpf_fd); ATTR(attach_type); ATTR(attach_flags); ATTR(replace_bpf_fd); ATTR(target_fd);
}

TEST(attr_of_the_rest_is_the_hosts)
{
    ATTR(pathname); ATTR(bpf_fd); ATTR(file_flags); ATTR(start_id); ATTR(next_id); ATTR(open_flags);
    ATTR(info.bpf_fd); ATTR(info.info_len); ATTR(info.info);
    ATTR(query.target_fd); ATTR(query.attach_type); ATTR(query.query_flags); ATTR(query.attach_flags); ATTR(query.prog_ids); ATTR(query.prog_cnt);
    ATTR(btf); ATTR(btf_log_buf); ATTR(btf_size); ATTR(btf_log_size); ATTR(btf_log_level);
    ATTR(link_create.prog_fd); ATTR(link_create.target_fd); ATTR(link_create.attach_type); ATTR(link_create.flags);
    ATTR(link_create.iter_info); ATTR(link_create.perf_event.bpf_cookie); ATTR(link_create.tracing.cookie);
    ATTR(link_update.link_fd); ATTR(link_update.new_prog_fd); ATTR(link_update.flags); ATTR(link_update.old_prog_fd);
    ATTR(link_detach.link_fd); ATTR(iter_create.link_fd); ATTR(iter_create.flags);
    ATTR(raw_tracepoint.name); ATTR(raw_tracepoint.prog_fd); ATTR(task_fd_query.probe_addr);
}

TEST(infos_are_the_hosts)
{
    PROG(type); PROG(id); PROG(tag); PROG(jited_prog_len); PROG(xlated_prog_len); PROG(jited_prog_insns); PROG(xlated_prog_insns);
    PROG(load_time); PROG(created_by_uid); PROG(nr_map_ids); PROG(map_ids); PROG(name); PROG(ifindex); PROG(netns_dev); PROG(netns_ino);
    PROG(nr_jited_ksyms); PROG(jited_func_lens); PROG(btf_id); PROG(func_info_rec_size); PROG(func_info); PROG(nr_func_info);
    PROG(nr_line_info); PROG(line_info); PROG(nr_prog_tags); PROG(prog_tags); PROG(run_time_ns); PROG(run_cnt); PROG(recursion_misses);
    PROG(verified_insns);
    MAP(type); MAP(id); MAP(key_size); MAP(value_size); MAP(max_entries); MAP(map_flags); MAP(name); MAP(ifindex); MAP(netns_dev); MAP(btf_id);
    MAP(btf_key_type_id); MAP(btf_value_type_id); MAP(map_extra);
    SAME_IN(pst_bpf_btf_info, struct bpf_btf_info, btf_size);
    SAME_IN(pst_bpf_btf_info, struct bpf_btf_info, name_len);
    SAME_IN(pst_bpf_btf_info, struct bpf_btf_info, kernel_btf);
    SAME_IN(pst_bpf_link_info, struct bpf_link_info, prog_id);
    SAME_IN(pst_bpf_link_info, struct bpf_link_info, xdp.ifindex);
    SAME_IN(pst_bpf_link_info, struct bpf_link_info, cgroup.attach_type);
}

TEST(numbers_are_the_hosts)
{
    CHECK_EQ(PST_BPF_PROG_BIND_MAP, BPF_PROG_BIND_MAP);
    CHECK_EQ(PST_MAP_RINGBUF, BPF_MAP_TYPE_RINGBUF);
    CHECK_EQ(PST_PROG_SYSCALL, BPF_PROG_TYPE_SYSCALL);
    CHECK_EQ(PST_F_INNER_MAP, BPF_F_INNER_MAP);
    CHECK_EQ(PST_F_CTXLEN_MASK, BPF_F_CTXLEN_MASK);
    CHECK_EQ(PST_RINGBUF_BUSY, BPF_RINGBUF_BUSY_BIT);
    CHECK_EQ(PST_RINGBUF_DISCARD, BPF_RINGBUF_DISCARD_BIT);
    CHECK_EQ(PST_RB_PROD_POS, BPF_RB_PROD_POS);
    CHECK_EQ(PST_F_XDP_HAS_FRAGS, BPF_F_XDP_HAS_FRAGS);
    CHECK_EQ(PST_LINK_XDP, BPF_LINK_TYPE_XDP);
}
#endif
