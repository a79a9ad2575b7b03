// info.c: OBJ_GET_INFO_BY_FD: what is known of a program, map, link or BTF blob.
//
// The caller's struct may be older (shorter: the rest is not written) or newer (what we do not know must be zero).
// Its array pointers and capacities are input; counts are output.
#include "core/internal.h"

#include "base/bits.h"
#include "jit/jit.h"

// Reads the caller's struct into own (own_size bytes, zero-extended) and keeps the length that both know in attr.
static int64_t info_read(core_call *call, void *own, uint32_t own_size)
{
    pst_bpf_attr *attr = call->attr;
    const uint8_t *given = CORE_POINTER(const uint8_t *, attr->info.info);
    memset(own, 0, own_size);
    if (!given && attr->info.info_len > 0) return core_refuse(call, PST_EFAULT, "info.info is NULL");
    if (attr->info.info_len > 4096) return core_refuse(call, PST_E2BIG, "info.info_len is %u, more than a page", attr->info.info_len);
    for (uint32_t i = own_size; i < attr->info.info_len; i++)
        if (given[i] != 0) return core_refuse(call, PST_E2BIG, "info has bytes that are not zero after the %u that this core knows", own_size);
    if (attr->info.info_len > own_size) attr->info.info_len = own_size;
    if (attr->info.info_len > 0) memcpy(own, given, attr->info.info_len);
    return 0;
}

static int64_t info_write(core_call *call, const void *own)
{
    if (call->attr->info.info_len > 0) memcpy(CORE_POINTER(void *, call->attr->info.info), own, call->attr->info.info_len);
    return 0;
}

// Copies an array of count elements to the caller's, whose capacity is *capacity; *capacity becomes count. False: the pointer is missing.
static bool copy_out(uint64_t to, uint32_t *capacity, const void *from, uint32_t count, size_t size)
{
    uint32_t room = *capacity < count ? *capacity : count;
    *capacity = count;
    if (room == 0) return true;
    if (!to) return false;
    memcpy(CORE_POINTER(void *, to), from, room * size);
    return true;
}

static bool copy_map_ids(core_prog *prog, pst_bpf_prog_info *info)
{
    bool fine = true;
    pst_pal_mutex_lock(prog->maps_lock);
    uint32_t room = info->nr_map_ids < prog->map_count ? info->nr_map_ids : prog->map_count;
    info->nr_map_ids = prog->map_count;
    if (room > 0 && !info->map_ids) fine = false;
    for (uint32_t i = 0; i < room && fine; i++) pst_store32(CORE_POINTER(uint8_t *, info->map_ids) + i * 4, prog->maps[i]->object.id);
    pst_pal_mutex_unlock(prog->maps_lock);
    return fine;
}

static void sum_stats(const core_prog *prog, pst_bpf_prog_info *info)
{
    info->run_cnt = info->run_time_ns = 0;
    for (uint32_t cpu = 0; cpu < pst_pal_cpu_count(); cpu++) {
        info->run_cnt += PST_ATOMIC_LOAD_RELAXED(&prog->stats[cpu].runs);
        info->run_time_ns += PST_ATOMIC_LOAD_RELAXED(&prog->stats[cpu].time_ns);
    }
}

// Machine code is for those with all rights: addresses of the host are in it. It counts as one function, since subprograms may have become part of each
// other, and says nothing of lines. Without any the fields are 0.
static bool copy_jited(core_call *call, const core_prog *prog, pst_bpf_prog_info *info)
{
    pst_jit_code code = {0};
    bool has = call->client->identity.privileged && pst_jit_code_of(prog->exec, &code) && code.size <= UINT32_MAX;
    uint64_t address = (uint64_t)(uintptr_t)code.bytes;
    uint32_t length = has ? (uint32_t)code.size : 0, one = has;
    bool fine = copy_out(info->jited_prog_insns, &info->jited_prog_len, code.bytes, length, 1) &&
                copy_out(info->jited_ksyms, &info->nr_jited_ksyms, &address, one, sizeof address) &&
                copy_out(info->jited_func_lens, &info->nr_jited_func_lens, &length, one, sizeof length);
    info->nr_jited_line_info = info->jited_line_info_rec_size = 0;
    return fine;
}

// One tag for each subprogram; they share the program's.
static bool copy_tags(const core_prog *prog, pst_bpf_prog_info *info)
{
    uint32_t count = prog->image->subprog_count, room = info->nr_prog_tags < count ? info->nr_prog_tags : count;
    info->nr_prog_tags = count;
    if (room > 0 && !info->prog_tags) return false;
    for (uint32_t i = 0; i < room; i++) memcpy(CORE_POINTER(uint8_t *, info->prog_tags) + i * 8u, prog->tag, 8);
    return true;
}

static int64_t prog_info(core_call *call, core_prog *prog)
{
    pst_bpf_prog_info info;
    int64_t error = info_read(call, &info, sizeof info);
    if (error) return error;
    info.type = prog->image->prog_type;
    info.id = prog->object.id;
    memcpy(info.tag, prog->tag, sizeof info.tag);
    memcpy(info.name, prog->object.name, sizeof info.name);
    info.load_time = prog->load_time_ns;
    info.created_by_uid = prog->uid;
    info.gpl_compatible = prog->image->gpl_compatible;
    info.ifindex = 0;
    info.netns_dev = info.netns_ino = 0;
    info.recursion_misses = 0;
    info.verified_insns = info.attach_btf_obj_id = info.attach_btf_id = info.reserved = 0;
    info.btf_id = prog->btf ? prog->btf->object.id : 0;
    info.func_info_rec_size = sizeof(pst_bpf_func_info);
    info.line_info_rec_size = sizeof(pst_bpf_line_info);
    sum_stats(prog, &info);
    uint32_t slots = info.xlated_prog_len / PST_SLOT_SIZE;
    bool fine = copy_jited(call, prog, &info) && copy_out(info.xlated_prog_insns, &slots, prog->slots, prog->slot_count, PST_SLOT_SIZE);
    info.xlated_prog_len = prog->slot_count * PST_SLOT_SIZE;
    fine = fine && copy_map_ids(prog, &info) && copy_tags(prog, &info);
    fine = fine && copy_out(info.func_info, &info.nr_func_info, prog->func_info, prog->func_info_count, sizeof(pst_bpf_func_info));
    fine = fine && copy_out(info.line_info, &info.nr_line_info, prog->line_info, prog->line_info_count, sizeof(pst_bpf_line_info));
    if (!fine) return core_refuse(call, PST_EFAULT, "an array of bpf_prog_info has a capacity but no address");
    return info_write(call, &info);
}

static int64_t map_info(core_call *call, const pst_map *map)
{
    pst_bpf_map_info info;
    int64_t error = info_read(call, &info, sizeof info);
    if (error) return error;
    info = (pst_bpf_map_info){
        .type = map->view.type,
        .id = map->object.id,
        .key_size = map->view.key_size,
        .value_size = map->view.value_size,
        .max_entries = map->view.max_entries,
        .map_flags = map->view.flags,
        .map_extra = map->view.map_extra,
        .btf_id = map->btf ? map->btf->object.id : 0,
        .btf_key_type_id = map->btf_key_type,
        .btf_value_type_id = map->btf_value_type,
    };
    memcpy(info.name, map->object.name, sizeof info.name);
    return info_write(call, &info);
}

static int64_t btf_info(core_call *call, const core_btf *btf)
{
    pst_bpf_btf_info info;
    int64_t error = info_read(call, &info, sizeof info);
    if (error) return error;
    if (!copy_out(info.btf, &info.btf_size, btf->bytes, btf->size, 1)) return core_refuse(call, PST_EFAULT, "btf_size is set, btf is NULL");
    info.id = btf->object.id;
    info.kernel_btf = 0;
    if (info.name && info.name_len > 0) *CORE_POINTER(char *, info.name) = '\0'; // BTF of programs has no name
    info.name_len = 0;
    return info_write(call, &info);
}

static int64_t link_info(core_call *call, pst_link *link)
{
    pst_bpf_link_info info;
    int64_t error = info_read(call, &info, sizeof info);
    if (error) return error;
    info = (pst_bpf_link_info){.id = link->object.id};
    pst_pal_mutex_lock(call->core->lock);
    info.prog_id = link->prog->object.id;
    uint32_t target = link->attached ? link->target : 0;
    pst_pal_mutex_unlock(call->core->lock);
    if (link->provider->type->number == PST_PROG_XDP) {
        info.type = PST_LINK_XDP;
        info.xdp.ifindex = target;
    } else if (link->provider->type->number == PST_PROG_SCHED_CLS) {
        info.type = PST_LINK_TCX;
        info.tcx.ifindex = target;
        info.tcx.attach_type = link->attach_type;
    } else {
        info.type = PST_LINK_SAMPLE;
        info.tcx.ifindex = target;
        info.tcx.attach_type = link->attach_type;
    }
    return info_write(call, &info);
}

int64_t core_cmd_obj_info(core_call *call)
{
    core_object *object = core_handle_get(call->client, (int32_t)call->attr->info.bpf_fd, NULL);
    if (!object) return core_refuse(call, PST_EBADF, "%d is not an open handle", (int32_t)call->attr->info.bpf_fd);
    int64_t error = 0;
    switch (object->kind) {
    case OBJECT_PROG: error = prog_info(call, core_prog_of(object)); break;
    case OBJECT_MAP: error = map_info(call, core_map_of_object(object)); break;
    case OBJECT_BTF: error = btf_info(call, core_btf_of(object)); break;
    case OBJECT_LINK: error = link_info(call, core_link_of(object)); break;
    case OBJECT_STATS:
    case OBJECT_KINDS: error = core_refuse(call, PST_EINVAL, "a statistics handle has no info"); break;
    }
    core_object_put(object);
    return error;
}
