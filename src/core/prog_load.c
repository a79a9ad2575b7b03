// prog_load.c: PROG_LOAD and PROG_BIND_MAP: from a caller's instructions to a program that can run.
//
// Order: attributes, maps and BTF by handle, image (pst_image_build decodes and checks the shape), proof (prog_verify.c), engine (engine.c),
// id. A refusal leaves one sentence for the client and, when the caller gave a log buffer, the same there with the instruction that is meant.
#include "core/native_internal.h"

#include "base/bits.h"
#include "base/format.h"
#include "base/hash.h"

#define PROG_FLAGS                                                                                                    \
    (PST_F_STRICT_ALIGNMENT | PST_F_ANY_ALIGNMENT | PST_F_TEST_RND_HI32 | PST_F_TEST_STATE_FREQ | PST_F_SLEEPABLE |     \
     PST_F_XDP_HAS_FRAGS | PST_F_TEST_REG_INVARIANTS)
#define LICENSE_MAX 128u
#define LOG_LEVELS 15u
#define BTF_RECORDS_MAX PST_INSNS_MAX
#define RECORD_SIZE_MAX 252u // of a func_info or line_info record, as on Linux

// A load under way. What it holds is released by load_end unless it went into the program.
typedef struct load {
    core_call *call;
    core_prog *prog;
    pst_text log;
    pst_slot *slots;
    pst_image_error error;
    int64_t map_error;   // of the handle that find_map could not resolve
} load;

// --- Attributes -----------------------------------------------------------------------------------------------

static int64_t check_log(core_call *call)
{
    const pst_bpf_attr *attr = call->attr;
    bool bad = (attr->log_buf != 0) != (attr->log_size != 0) || (attr->log_level & ~LOG_LEVELS) || (attr->log_buf && !attr->log_level) ||
               attr->log_size > UINT32_MAX >> 2;
    if (!bad) return 0;
    return core_refuse(call, PST_EINVAL, "log_buf, log_size and log_level go together: all three set, or log_buf and log_size 0");
}

static int64_t check_attr(core_call *call, const pst_provider **provider)
{
    const pst_bpf_attr *attr = call->attr;
    int64_t error = check_log(call);
    if (error) return error;
    if (attr->prog_flags & ~(uint32_t)PROG_FLAGS)
        return core_refuse(call, PST_EINVAL, "prog_flags 0x%x has a flag that this core does not know", attr->prog_flags);
    if (attr->insn_cnt == 0 || attr->insn_cnt > PST_INSNS_MAX)
        return core_refuse(call, PST_E2BIG, "insn_cnt is %u: a program has 1 to %u instructions", attr->insn_cnt, PST_INSNS_MAX);
    if (!attr->insns || !attr->license) return core_refuse(call, PST_EFAULT, "insns or license is NULL");
    if (attr->prog_ifindex) return core_refuse(call, PST_EINVAL, "prog_ifindex is set: programs cannot be offloaded to a device");
    if (attr->attach_btf_id || attr->attach_prog_fd)
        return core_refuse(call, PST_EINVAL, "attach_btf_id or attach_prog_fd is set: no hosted program type takes a target");
    if (attr->core_relo_cnt) return core_refuse(call, PST_EINVAL, "core_relo_cnt is set: the loader applies CO-RE relocations, not the core");
    *provider = core_provider_find(call->core, attr->prog_type);
    if (*provider) return 0;
    const char *name = pst_prog_type_name(attr->prog_type);
    if (pst_prog_type_by_number(attr->prog_type))
        return core_refuse(call, PST_EINVAL, "program type %u %s is described here but not hosted: nothing on this host runs it", attr->prog_type, name);
    return core_refuse(call, PST_EINVAL, "program type %u%s%s has no provider on this host", attr->prog_type, *name ? " " : "", name);
}

static bool license_is_gpl(const char *license)
{
    static const char *const gpl[] = {"GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"};
    for (size_t i = 0; i < PST_COUNT(gpl); i++)
        if (strncmp(license, gpl[i], LICENSE_MAX) == 0) return true;
    return false;
}

// --- Maps -----------------------------------------------------------------------------------------------------

// Adds a map to the program's list, with a reference; a map that is there already is fine.
static bool prog_add_map(core_prog *prog, pst_map *map, uint32_t *capacity)
{
    for (uint32_t i = 0; i < prog->map_count; i++)
        if (prog->maps[i] == map) return true;
    size_t room = *capacity;
    if (pst_grow(&prog->object.core->env, &prog->maps, &room, (size_t)prog->map_count + 1, sizeof *prog->maps) != PST_OK) return false;
    *capacity = (uint32_t)room;
    core_object_get(&map->object);
    prog->maps[prog->map_count++] = map;
    return true;
}

static pst_map_view *load_find_map(void *user, pst_imm64_op op, int32_t number)
{
    load *l = user;
    int64_t error;
    if (op == PST_IMM64_MAP_IDX || op == PST_IMM64_MAP_IDX_VALUE) {
        const int32_t *fds = CORE_POINTER(const int32_t *, l->call->attr->fd_array);
        uint32_t count = l->call->attr->fd_array_cnt;
        if (!fds || number < 0 || (uint32_t)number >= (count > 0 ? count : PST_IMAGE_MAPS_MAX)) {
            l->map_error = core_refuse(l->call, PST_EINVAL, "map index %d is outside of fd_array", number);
            return NULL;
        }
        memcpy(&number, &fds[number], sizeof number);
    }
    pst_map *map = core_call_map(l->call, (uint32_t)number, NULL, &error);
    if (!map) {
        l->map_error = error;
        return NULL;
    }
    bool added = prog_add_map(l->prog, map, &l->prog->map_capacity);
    core_object_put(&map->object); // the program has its own reference
    if (!added) l->map_error = core_refuse(l->call, PST_ENOMEM, "no memory for the program's maps");
    return added ? &map->view : NULL;
}

// With a count, every map in fd_array belongs to the program, used or not.
static int64_t bind_fd_array(load *l)
{
    const pst_bpf_attr *attr = l->call->attr;
    const uint8_t *fds = CORE_POINTER(const uint8_t *, attr->fd_array);
    if (attr->fd_array_cnt == 0) return 0;
    if (attr->fd_array_cnt > PST_IMAGE_MAPS_MAX || !fds)
        return core_refuse(l->call, PST_EINVAL, "fd_array is NULL, or fd_array_cnt %u is more than %u", attr->fd_array_cnt, PST_IMAGE_MAPS_MAX);
    for (uint32_t i = 0; i < attr->fd_array_cnt; i++) {
        int32_t fd = (int32_t)pst_load32(fds + i * 4u);
        core_object *object = core_handle_get(l->call->client, fd, NULL);
        if (!object) return core_refuse(l->call, PST_EBADF, "fd_array[%u]: %d is not an open handle", i, fd);
        bool fits = object->kind == OBJECT_MAP || object->kind == OBJECT_BTF;
        bool added = object->kind != OBJECT_MAP || prog_add_map(l->prog, core_map_of_object(object), &l->prog->map_capacity);
        core_object_put(object);
        if (!fits) return core_refuse(l->call, PST_EINVAL, "fd_array[%u]: handle %d is neither a map nor BTF", i, fd);
        if (!added) return core_refuse(l->call, PST_ENOMEM, "no memory for the program's maps");
    }
    return 0;
}

// Map references in the instructions that are kept name maps by id: handles mean nothing to who reads them later.
static void name_maps_by_id(core_prog *prog, const pst_image *image)
{
    for (uint32_t pc = 0; pc + 1 < image->count; pc++) {
        const pst_insn *insn = &image->insns[pc];
        if (insn->kind != PST_KIND_IMM64 || (insn->op != PST_IMM64_MAP_FD && insn->op != PST_IMM64_MAP_VALUE)) continue;
        pst_slot *slot = &prog->slots[pc];
        slot->imm = (int32_t)image->maps[(uint32_t)insn->imm]->id;
        slot->regs = (uint8_t)((slot->regs & 0x0f) | (insn->op == PST_IMM64_MAP_FD ? 1 : 2) << 4);
    }
}

// Linux's tag: the first 8 bytes of a hash (SHA-256 since 6.18) over the instructions with map references zeroed.
static void compute_tag(core_prog *prog, const pst_env *env)
{
    uint32_t count = prog->image->count;
    uint8_t digest[PST_SHA256_SIZE];
    pst_slot *copy = pst_alloc(env, count * sizeof *copy);
    if (!copy) return; // a program without a tag still runs
    memcpy(copy, prog->slots, count * sizeof *copy);
    for (uint32_t pc = 0; pc + 1 < count; pc++) {
        const pst_insn *insn = &prog->image->insns[pc];
        if (insn->kind != PST_KIND_IMM64 || (insn->op != PST_IMM64_MAP_FD && insn->op != PST_IMM64_MAP_VALUE)) continue;
        copy[pc].imm = copy[pc + 1].imm = 0;
    }
    if (pst_pal_sha256(copy, count * sizeof *copy, digest) != PST_OK) {
        uint64_t plain = pst_hash_plain(copy, count * sizeof *copy); // builds without a crypto library
        memcpy(digest, &plain, sizeof plain);
    }
    memcpy(prog->tag, digest, sizeof prog->tag);
    pst_free(env, copy, count * sizeof *copy);
}

// --- BTF records ----------------------------------------------------------------------------------------------

// Copies records of a caller's size, cut or zero-filled to ours; what we do not know must be zero.
static int64_t copy_records(load *l, const char *what, uint64_t from, uint32_t count, uint32_t size, uint32_t own_size, uint8_t **out)
{
    const uint8_t *at = CORE_POINTER(const uint8_t *, from);
    if (count == 0) return 0;
    if (size < own_size || size > RECORD_SIZE_MAX || size % 4 || count > BTF_RECORDS_MAX)
        return core_refuse(l->call, PST_EINVAL, "%s: %u records of %u bytes; a record has at least %u and is a multiple of 4", what, count,
                           size, own_size);
    if (!at) return core_refuse(l->call, PST_EFAULT, "%s is NULL", what);
    uint8_t *records = pst_alloc(&l->call->core->env, (size_t)count * own_size);
    if (!records) return core_refuse(l->call, PST_ENOMEM, "no memory for %s", what);
    for (uint32_t i = 0; i < count; i++, at += size) {
        memcpy(records + (size_t)i * own_size, at, own_size);
        for (uint32_t tail = own_size; tail < size; tail++)
            if (at[tail] != 0) {
                pst_free(&l->call->core->env, records, (size_t)count * own_size);
                return core_refuse(l->call, PST_E2BIG, "%s has bytes that are not zero after the %u that this core knows", what, own_size);
            }
    }
    *out = records;
    return 0;
}

static int64_t take_btf(load *l)
{
    const pst_bpf_attr *attr = l->call->attr;
    core_prog *prog = l->prog;
    int64_t error;
    if (attr->func_info_cnt == 0 && attr->line_info_cnt == 0) return 0; // Linux looks at the handle only then
    core_object *object = core_call_object(l->call, attr->prog_btf_fd, OBJECT_BTF, NULL, &error);
    if (!object) return error;
    prog->btf = core_btf_of(object);
    error = copy_records(l, "func_info", attr->func_info, attr->func_info_cnt, attr->func_info_rec_size, sizeof(pst_bpf_func_info),
                         &prog->func_info);
    if (error) return error;
    prog->func_info_count = attr->func_info_cnt;
    error = copy_records(l, "line_info", attr->line_info, attr->line_info_cnt, attr->line_info_rec_size, sizeof(pst_bpf_line_info),
                         &prog->line_info);
    if (!error) prog->line_info_count = attr->line_info_cnt;
    return error;
}

// A string of the BTF blob's string section, "" when offset is outside. The blob's header was checked by BTF_LOAD.
static const char *btf_string(const core_btf *btf, uint32_t offset)
{
    uint32_t header = pst_load32(btf->bytes + 4), strings = pst_load32(btf->bytes + 16), size = pst_load32(btf->bytes + 20);
    return offset < size ? (const char *)btf->bytes + header + strings + offset : "";
}

// line_info in the form of the image; NULL when there is none or no memory (then traps name no lines).
static pst_line *image_lines(load *l)
{
    core_prog *prog = l->prog;
    if (prog->line_info_count == 0) return NULL;
    pst_line *lines = pst_alloc(&l->call->core->env, prog->line_info_count * sizeof *lines);
    for (uint32_t i = 0; lines && i < prog->line_info_count; i++) {
        pst_bpf_line_info info;
        memcpy(&info, prog->line_info + i * sizeof info, sizeof info);
        lines[i] = (pst_line){
            .pc = info.insn_off,
            .line = info.line_col >> 10,
            .column = info.line_col & 0x3ff,
            .file = btf_string(prog->btf, info.file_name_off),
            .text = btf_string(prog->btf, info.line_off),
        };
        while (*lines[i].text == ' ' || *lines[i].text == '\t') lines[i].text++;
    }
    return lines;
}

// --- Building -------------------------------------------------------------------------------------------------

static const pst_helper *find_helper(void *user, int32_t id)
{
    const core_prog *prog = user;
    const pst_provider *provider = prog->provider;
    if (!pst_prog_type_helper(provider->type, id)) return NULL; // not for this type
    for (uint32_t i = 0; i < provider->helper_count; i++)
        if (provider->helpers[i].proto->id == id) return &provider->helpers[i];
    if (id <= 0 || (uint32_t)id >= CORE_HELPERS_MAX) return NULL;
    const pst_helper *helper = &prog->object.core->helpers[id];
    if (!helper->proto) return NULL;
    // A lock that the program may write over is none, and only a proof says that it does not.
    return helper->proto->flags & (PST_HELPER_LOCK | PST_HELPER_UNLOCK) && !prog->bindings.proved ? NULL : helper;
}

static const pst_helper *find_kfunc(void *user, int32_t number)
{
    const core_prog *prog = user;
    return core_kfunc_find(prog->object.core, number);
}

static int64_t build_image(load *l)
{
    const pst_bpf_attr *attr = l->call->attr;
    core_prog *prog = l->prog;
    pst_line *lines = image_lines(l);
    pst_image_input input = {
        .size = sizeof input,
        .name = prog->object.name,
        .prog_type = attr->prog_type,
        .attach_type = attr->expected_attach_type,
        .sleepable = (attr->prog_flags & PST_F_SLEEPABLE) != 0,
        .gpl_compatible = license_is_gpl(CORE_POINTER(const char *, attr->license)),
        .slots = prog->slots,
        .count = attr->insn_cnt,
        .find_map = load_find_map,
        .user = l,
        .lines = lines,
        .line_count = lines ? prog->line_info_count : 0,
    };
    pst_status status = pst_image_build(&l->call->core->env, &input, &l->error, &prog->image);
    pst_free(&l->call->core->env, lines, prog->line_info_count * sizeof *lines);
    if (status == PST_OK) return 0;
    if (l->map_error) return l->map_error;
    if (status == PST_E_FORMAT) {
        pst_text_format(&l->log, "%u: %s\n", l->error.pc, l->error.text);
        return core_refuse(l->call, PST_EINVAL, "program \"%s\", instruction %u: %s", prog->object.name, l->error.pc, l->error.text);
    }
    return core_refuse(l->call, core_errno_of_status(status), "program \"%s\": %s", prog->object.name, pst_status_text(status));
}

static int64_t build_exec(load *l)
{
    core_prog *prog = l->prog;
    for (uint32_t i = 0; i < prog->map_count; i++)
        if (prog->maps[i]->view.type == PST_MAP_PROG_ARRAY && !core_prog_array_accepts(prog->maps[i], prog))
            return core_refuse(l->call, PST_EINVAL, "program \"%s\" uses prog_array %u, which holds programs of another type",
                               prog->object.name, prog->maps[i]->view.id);
    prog->bindings = (pst_bindings){
        .type = prog->provider->type,
        .find_helper = find_helper,
        .find_kfunc = find_kfunc,
        .tail_target = core_prog_array_target,
        .user = prog,
        .proved = prog->verdict || prog->native,
    };
    core_errors_clear();
    pst_status status = core_engine_create(l->call->core, prog, &prog->exec);
    if (status == PST_OK) {
        prog->exec->owner = prog;
        return 0;
    }
    const char *why = core_errors_last();
    if (!*why) why = pst_status_text(status);
    if (status == PST_E_UNSUPPORTED)
        return core_refuse(l->call, PST_EOPNOTSUPP, "program \"%s\"%s cannot run: %s", prog->object.name, prog->bindings.proved ? " is proved safe, but" : "", why);
    return core_refuse(l->call, core_errno_of_status(status), "program \"%s\": %s", prog->object.name, why);
}

static int64_t build(load *l)
{
    core_call *call = l->call;
    core_prog *prog = l->prog;
    const pst_env *env = &call->core->env;
    if (!core_name_copy(prog->object.name, call->attr->prog_name))
        return core_refuse(call, PST_EINVAL, "prog_name is not a NUL-terminated name of letters, digits, '_' and '.'");
    prog->slots = pst_alloc(env, call->attr->insn_cnt * sizeof *prog->slots);
    prog->stats = pst_pal_pages_alloc(pst_pal_cpu_count() * sizeof *prog->stats);
    prog->slot_count = call->attr->insn_cnt;
    prog->load_flags = call->attr->prog_flags;
    if (!prog->slots || !prog->stats || pst_pal_mutex_create(env, &prog->maps_lock) != PST_OK)
        return core_refuse(call, PST_ENOMEM, "no memory for a program of %u instructions", call->attr->insn_cnt);
    memcpy(prog->slots, CORE_POINTER(const void *, call->attr->insns), call->attr->insn_cnt * sizeof *prog->slots);
    prog->privileged = call->client->identity.privileged;
    prog->strict = call->core->options.strict || !prog->privileged;
    int64_t error = take_btf(l);
    if (!error) error = bind_fd_array(l);
    if (!error) error = build_image(l);
    if (!error && call->native) error = core_native_check(call, prog);
    else if (!error && !call->client->unproved) error = core_prog_verify(call, prog, &l->log);
    if (!error) error = build_exec(l);
    if (error) return error;
    name_maps_by_id(prog, prog->image);
    compute_tag(prog, env);
    prog->load_time_ns = pst_pal_boot_time_ns();
    prog->uid = call->client->identity.uid;
    core_name_code(prog);
    if (!core_object_register(&prog->object)) return core_refuse(call, PST_ENOMEM, "no memory for another program id");
    return 0;
}

void core_prog_free(core_object *object)
{
    core_prog *prog = core_prog_of(object);
    const pst_env *env = core_object_env(object);
    if (prog->exec) prog->exec->free(prog->exec);
    core_native_release(prog);
    pst_verdict_free(prog->verdict);
    pst_image_free(prog->image);
    for (uint32_t i = 0; i < prog->map_count; i++) core_object_put(&prog->maps[i]->object);
    pst_free(env, prog->maps, prog->map_capacity * sizeof *prog->maps);
    if (prog->btf) core_object_put(&prog->btf->object);
    pst_free(env, prog->func_info, prog->func_info_count * sizeof(pst_bpf_func_info));
    pst_free(env, prog->line_info, prog->line_info_count * sizeof(pst_bpf_line_info));
    pst_free(env, prog->slots, prog->slot_count * sizeof *prog->slots);
    pst_pal_pages_free(prog->stats, pst_pal_cpu_count() * sizeof *prog->stats);
    pst_pal_mutex_free(prog->maps_lock);
    pst_free(env, prog, sizeof *prog);
}

// Writes the log into the caller's buffer as Linux does: cut with -PST_ENOSPC, log_true_size says what the whole takes.
static int64_t log_finish(load *l, int64_t result)
{
    pst_bpf_attr *attr = l->call->attr;
    if (attr->log_level == 0) return result;
    if (result < 0) pst_text_format(&l->log, "%s\n", pst_client_error(l->call->client));
    const char *text = pst_text_cstr(&l->log);
    size_t size = strlen(text) + 1, room = attr->log_size;
    attr->log_true_size = (uint32_t)size;
    if (!attr->log_buf || room == 0) return result; // not even room for the end of a string
    char *out = CORE_POINTER(char *, attr->log_buf);
    size_t copied = size < room ? size : room;
    memcpy(out, text, copied);
    out[copied - 1] = '\0';
    if (size <= room || result < 0) return result;
    return core_refuse(l->call, PST_ENOSPC, "log_size is %zu, but the log takes %zu bytes", room, size);
}

int64_t core_cmd_prog_load(core_call *call)
{
    const pst_provider *provider = NULL;
    load l = {.call = call};
    pst_text_init(&l.log, &call->core->env);
    int64_t result = check_attr(call, &provider);
    if (!result) {
        l.prog = pst_alloc_zero(&call->core->env, 1, sizeof *l.prog);
        if (!l.prog) result = core_refuse(call, PST_ENOMEM, "no memory for a program");
    }
    if (l.prog) {
        l.prog->object.core = call->core;
        l.prog->object.kind = OBJECT_PROG;
        l.prog->provider = provider;
        result = build(&l);
        if (result) core_prog_free(&l.prog->object);
    }
    bool loaded = result == 0;
    result = log_finish(&l, result);
    pst_text_free(&l.log);
    if (!loaded) return result;
    if (result < 0) {
        core_object_put_user(&l.prog->object);
        return result;
    }
    int64_t fd = core_handle_add(call->client, &l.prog->object, HANDLE_READ | HANDLE_WRITE);
    return fd < 0 ? core_refuse(call, (int)-fd, "no room for another handle: close some") : fd;
}

int64_t core_cmd_prog_bind_map(core_call *call)
{
    const pst_bpf_attr *attr = call->attr;
    int64_t error;
    if (attr->prog_bind_map.flags) return core_refuse(call, PST_EINVAL, "prog_bind_map.flags must be 0");
    core_object *object = core_call_object(call, attr->prog_bind_map.prog_fd, OBJECT_PROG, NULL, &error);
    if (!object) return error;
    core_prog *prog = core_prog_of(object);
    pst_map *map = core_call_map(call, attr->prog_bind_map.map_fd, NULL, &error);
    if (map) {
        pst_pal_mutex_lock(prog->maps_lock);
        error = prog_add_map(prog, map, &prog->map_capacity) ? 0 : core_refuse(call, PST_ENOMEM, "no memory for another map");
        pst_pal_mutex_unlock(prog->maps_lock);
        core_object_put(&map->object);
    }
    core_object_put(object);
    return error;
}
