// program.c: bpf_program__*: a program before load, and its load.
#include "api/api.h"

#define LOG_BYTES (256u << 10) // of a failed load whose caller gave no buffer

const char *bpf_program__name(const struct bpf_program *prog)
{
    return prog->def->name;
}

const char *bpf_program__section_name(const struct bpf_program *prog)
{
    return prog->def->section;
}

bool bpf_program__autoload(const struct bpf_program *prog)
{
    return prog->def->autoload;
}

int bpf_program__set_autoload(struct bpf_program *prog, bool autoload)
{
    if (prog->object->loaded) return api_err(-EINVAL);
    prog->def->autoload = autoload;
    return 0;
}

bool bpf_program__autoattach(const struct bpf_program *prog)
{
    return prog->autoattach;
}

void bpf_program__set_autoattach(struct bpf_program *prog, bool autoattach)
{
    prog->autoattach = autoattach;
}

int bpf_program__fd(const struct bpf_program *prog)
{
    if (!prog) return api_err(-EINVAL);
    return prog->fd < 0 ? api_err(-ENOENT) : prog->fd;
}

enum bpf_prog_type bpf_program__type(const struct bpf_program *prog)
{
    return prog->type;
}

int bpf_program__set_type(struct bpf_program *prog, enum bpf_prog_type type)
{
    if (prog->object->loaded) return api_err(-EBUSY);
    prog->type = type;
    return 0;
}

enum bpf_attach_type bpf_program__expected_attach_type(const struct bpf_program *prog)
{
    return prog->attach_type;
}

int bpf_program__set_expected_attach_type(struct bpf_program *prog, enum bpf_attach_type type)
{
    if (prog->object->loaded) return api_err(-EBUSY);
    prog->attach_type = type;
    return 0;
}

void bpf_program__set_ifindex(struct bpf_program *prog, __u32 ifindex)
{
    prog->ifindex = ifindex;
}

__u32 bpf_program__flags(const struct bpf_program *prog)
{
    return prog->flags;
}

int bpf_program__set_flags(struct bpf_program *prog, __u32 flags)
{
    if (prog->object->loaded) return api_err(-EBUSY);
    prog->flags = flags;
    return 0;
}

__u32 bpf_program__log_level(const struct bpf_program *prog)
{
    return prog->log_level;
}

int bpf_program__set_log_level(struct bpf_program *prog, __u32 log_level)
{
    if (prog->object->loaded) return api_err(-EBUSY);
    prog->log_level = log_level;
    return 0;
}

const char *bpf_program__log_buf(const struct bpf_program *prog, size_t *log_size)
{
    *log_size = prog->log_size;
    return prog->log_buf;
}

int bpf_program__set_log_buf(struct bpf_program *prog, char *log_buf, size_t log_size)
{
    if (prog->object->loaded) return api_err(-EBUSY);
    if (!log_buf != !log_size || log_size > UINT32_MAX) return api_err(-EINVAL);
    prog->log_buf = log_buf;
    prog->log_size = log_size;
    return 0;
}

// pst_slot and struct bpf_insn are the same 8 bytes.
PST_STATIC_ASSERT(sizeof(struct bpf_insn) == sizeof(pst_slot), "an instruction slot has 8 bytes");

const struct bpf_insn *bpf_program__insns(const struct bpf_program *prog)
{
    return prog->own_insns ? prog->own_insns : (const void *)prog->def->slots;
}

size_t bpf_program__insn_cnt(const struct bpf_program *prog)
{
    return prog->own_insns ? prog->own_insn_count : prog->def->count;
}

int bpf_program__set_insns(struct bpf_program *prog, struct bpf_insn *new_insns, size_t new_insn_cnt)
{
    if (prog->object->loaded) return api_err(-EBUSY);
    if (!new_insns || !new_insn_cnt || new_insn_cnt > PST_OBJECT_BYTES_MAX / sizeof *new_insns) return api_err(-EINVAL);
    struct bpf_insn *copy = malloc(new_insn_cnt * sizeof *copy);
    if (!copy) return api_err(-ENOMEM);
    memcpy(copy, new_insns, new_insn_cnt * sizeof *copy);
    free(prog->own_insns);
    prog->own_insns = copy;
    prog->own_insn_count = new_insn_cnt;
    return 0;
}

void bpf_program__unload(struct bpf_program *prog)
{
    if (prog) api_close(&prog->fd);
}

// --- Load -----------------------------------------------------------------------------------------------------------

// Puts the descriptors of the maps into the instructions that name them.
static int patch_maps(struct bpf_program *prog)
{
    const pst_object_program *def = prog->def;
    for (uint32_t i = 0; i < def->ref_count && !prog->own_insns; i++) {
        const pst_object_ref *ref = &def->refs[i];
        if (ref->kind != PST_REF_MAP && ref->kind != PST_REF_MAP_VALUE) continue;
        const struct bpf_map *map = &prog->object->maps[ref->index];
        if (map->fd < 0)
            return api_fail(EINVAL, "program %s: instruction %u uses map %s, which was not created (bpf_map__set_autocreate)", def->name, ref->pc,
                            map->def->name);
        def->slots[ref->pc].imm = map->fd;
    }
    return 0;
}

typedef struct load_info {
    pst_bpf_func_info *funcs;
    pst_bpf_line_info *lines;
    uint32_t func_count, line_count;
} load_info;

// Func and line info in the layout of PROG_LOAD. Without memory or types there is none, which only costs comfort.
static void collect_info(const struct bpf_program *prog, load_info *out)
{
    const pst_object_program *def = prog->def;
    *out = (load_info){0};
    if (prog->object->btf_fd < 0 || prog->own_insns) return;
    out->funcs = calloc(def->func_count + 1u, sizeof *out->funcs);
    out->lines = calloc(def->line_count + 1u, sizeof *out->lines);
    // Every subprogram has a row or none counts: that is the ABI's rule.
    for (uint32_t i = 0; out->funcs && i < def->func_count; i++) {
        if (!def->funcs[i].btf_type) {
            out->func_count = 0;
            break;
        }
        out->funcs[out->func_count++] = (pst_bpf_func_info){def->funcs[i].pc, def->funcs[i].btf_type};
    }
    for (uint32_t i = 0; out->lines && i < def->line_count; i++) {
        const pst_object_line *line = &def->lines[i];
        out->lines[out->line_count++] = (pst_bpf_line_info){line->pc, line->file_off, line->text_off, line->line << 10 | (line->column & 1023)};
    }
}

static int load_with(const struct bpf_program *prog, const load_info *info, char *log, size_t log_size, uint32_t level)
{
    struct bpf_prog_load_opts opts = {.sz = sizeof opts,
                                      .expected_attach_type = prog->attach_type,
                                      .prog_flags = prog->flags,
                                      .prog_ifindex = prog->ifindex,
                                      .kern_version = prog->object->kernel_version,
                                      .log_level = level,
                                      .log_buf = level ? log : NULL,
                                      .log_size = level ? (uint32_t)log_size : 0};
    if (prog->object->btf_fd >= 0 && info->func_count) {
        opts.prog_btf_fd = (uint32_t)prog->object->btf_fd;
        opts.func_info = info->funcs;
        opts.func_info_cnt = info->func_count;
        opts.func_info_rec_size = sizeof *info->funcs;
        opts.line_info = info->line_count ? info->lines : NULL;
        opts.line_info_cnt = info->line_count;
        opts.line_info_rec_size = info->line_count ? sizeof *info->lines : 0;
    }
    return api_prog_load(prog->object->native, prog->type, prog->def->name, prog->object->object->license, bpf_program__insns(prog),
                         bpf_program__insn_cnt(prog), &opts);
}

static int refuse(const struct bpf_program *prog, int err, const char *why)
{
    const pst_object_program *def = prog->def;
    return api_fail(-err, "%s: program %s (section %s) was refused: %s", prog->object->object->file, def->name, def->section, why);
}

// The load, and once more with a log when it failed and the caller gave no buffer: the log says why.
static int load_and_explain(struct bpf_program *prog, const load_info *info)
{
    struct bpf_object *obj = prog->object;
    char *log = prog->log_buf ? prog->log_buf : obj->log_buf;
    size_t log_size = prog->log_buf ? prog->log_size : obj->log_size;
    uint32_t level = prog->log_level ? prog->log_level : obj->log_level;
    int fd = load_with(prog, info, log, log_size, log ? level : 0);
    if (fd >= 0) return fd;
    char why[512];
    strncpy(why, api_why(fd), sizeof why - 1);
    why[sizeof why - 1] = '\0';
    char *own = log ? NULL : calloc(1, LOG_BYTES);
    if (own && load_with(prog, info, own, LOG_BYTES, 1) < 0 && own[0]) api_print(LIBBPF_INFO, "program %s: log:\n%s\n", prog->def->name, own);
    free(own);
    return refuse(prog, fd, why);
}

int api_program_load(struct bpf_program *prog)
{
    if (prog->type == BPF_PROG_TYPE_UNSPEC)
        return api_fail(EINVAL, "%s: section %s names no program type: rename it (`postern show types` lists the names) or call bpf_program__set_type",
                        prog->object->object->file, prog->def->section);
    int err = patch_maps(prog);
    if (err) return err;
    load_info info;
    collect_info(prog, &info);
    int fd = load_and_explain(prog, &info);
    free(info.funcs);
    free(info.lines);
    if (fd < 0) return fd;
    prog->fd = fd;
    return 0;
}
