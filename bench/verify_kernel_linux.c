// verify_kernel_linux.c: see verify_kernel_linux.h.
//
// The attribute union of postern/attr.h is Linux's byte for byte, so the commands go to the kernel as they are. Maps and types are made once a
// program, outside of what is timed. What the kernel needs and a subject does not say (the function that a tracing program attaches to) makes it silent.
#include "verify_kernel_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/bits.h"
#include "pal/pal.h"

#define LOG_SIZE (1u << 20)

struct kernel_program {
    pst_slot *slots;
    pst_func_info *funcs;
    int *maps;
    uint32_t map_count;
    int btf;
    pst_bpf_attr load;
};

static int command(unsigned cmd, pst_bpf_attr *attr)
{
    return (int)syscall(SYS_bpf, cmd, attr, sizeof *attr);
}

static uint64_t address(const void *pointer) { return (uint64_t)(uintptr_t)pointer; }

bool kernel_available(void)
{
    pst_bpf_attr attr = {.map_type = PST_MAP_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
    int fd = command(PST_BPF_MAP_CREATE, &attr);
    if (fd >= 0) close(fd);
    return fd >= 0;
}

int kernel_jit(void)
{
    FILE *file = fopen("/proc/sys/net/core/bpf_jit_enable", "r");
    int digit = file ? fgetc(file) : EOF; // 0, 1 or 2
    if (file) fclose(file);
    return digit >= '0' && digit <= '9' ? digit - '0' : -1;
}

// --- Maps ------------------------------------------------------------------------------------------------------------

static bool is_percpu(uint32_t type)
{
    return type == PST_MAP_PERCPU_ARRAY || type == PST_MAP_PERCPU_HASH || type == PST_MAP_LRU_PERCPU_HASH;
}

static bool set_element(int fd, const void *key, const void *value)
{
    pst_bpf_attr attr = {.map_fd = (uint32_t)fd, .key = address(key), .value = address(value)};
    return command(PST_BPF_MAP_UPDATE_ELEM, &attr) == 0;
}

// The contents matter where the map is frozen: the verifier reads them.
static bool fill_map(int fd, const verify_map *map)
{
    const uint8_t *at = map->init;
    uint32_t zero = 0;
    bool filled = true;
    if (!is_percpu(map->view.type))
        for (uint32_t i = 0; filled && i < map->init_count; i++, at += map->view.key_size + (size_t)map->view.value_size)
            filled = set_element(fd, at, at + map->view.key_size);
    if (!map->init_count && map->view.values && map->view.max_entries == 1) filled = set_element(fd, &zero, map->view.values);
    pst_bpf_attr freeze = {.map_fd = (uint32_t)fd};
    return filled && (!map->view.frozen || command(PST_BPF_MAP_FREEZE, &freeze) == 0);
}

static int create_map(const kernel_program *p, const verify_map *map)
{
    const pst_map_view *view = &map->view;
    pst_bpf_attr attr = {.map_type = view->type, .key_size = view->key_size, .value_size = view->value_size, .max_entries = view->max_entries,
                         .map_flags = view->flags & ~(uint32_t)PST_F_NUMA_NODE, .map_extra = view->map_extra};
    if (view->type == PST_MAP_PERF_EVENT_ARRAY && !attr.max_entries) attr.max_entries = pst_pal_cpu_count();
    if (view->type == PST_MAP_RINGBUF && !attr.max_entries) attr.max_entries = 4096;
    if (!attr.max_entries && !(view->flags & (uint32_t)PST_F_NO_PREALLOC)) attr.max_entries = 1;
    int inner = map->inner ? create_map(p, map->inner) : -1;
    if (map->inner && inner < 0) return -1;
    if (map->inner) attr.inner_map_fd = (uint32_t)inner;
    bool typed = map->btf_value && p->btf >= 0;
    if (typed) attr.btf_fd = (uint32_t)p->btf, attr.btf_key_type_id = map->btf_key, attr.btf_value_type_id = map->btf_value;
    int fd = command(PST_BPF_MAP_CREATE, &attr);
    if (fd < 0 && typed && !view->record_count) { // some types of map take no types
        attr.btf_fd = attr.btf_key_type_id = attr.btf_value_type_id = 0;
        fd = command(PST_BPF_MAP_CREATE, &attr);
    }
    if (inner >= 0) close(inner);
    if (fd < 0 || fill_map(fd, map)) return fd;
    close(fd);
    return -1;
}

static bool create_maps(kernel_program *p, const verify_subject *s, char *why, size_t capacity)
{
    p->maps = calloc(s->map_count + 1u, sizeof *p->maps);
    if (!p->maps) return false;
    for (uint32_t i = 0; i < s->map_count; i++) p->maps[p->map_count++] = -1;
    for (uint32_t pc = 0; pc < s->count; pc += s->slots[pc].opcode == 0x18 ? 2 : 1) {
        pst_slot *slot = &p->slots[pc];
        unsigned src = slot->regs >> 4;
        if (slot->opcode != 0x18 || (src != 1 && src != 2 && src != 5 && src != 6)) continue;
        uint32_t index = (uint32_t)slot->imm;
        if (index >= s->map_count) return false;
        if (p->maps[index] < 0) p->maps[index] = create_map(p, s->maps[index]);
        if (p->maps[index] < 0) {
            snprintf(why, capacity, "map %s: %s", s->maps[index]->name ? s->maps[index]->name : "?", strerror(errno));
            return false;
        }
        slot->regs = (uint8_t)((slot->regs & 15u) | (src == 1 || src == 5 ? 1u : 2u) << 4);
        slot->imm = p->maps[index];
    }
    return true;
}

// --- Programs ----------------------------------------------------------------------------------------------------------

static bool name_kfuncs(kernel_program *p, const verify_subject *s, const pst_btf *host, char *why, size_t capacity)
{
    for (uint32_t i = 0; i < s->kfunc_count; i++) {
        uint32_t id = host ? pst_btf_find(host, s->kfuncs[i].name, PST_BTF_FUNC) : 0;
        if (!id) {
            snprintf(why, capacity, "kfunc %s is not in this kernel", s->kfuncs[i].name);
            return false;
        }
        p->slots[s->kfuncs[i].pc].imm = (int32_t)id;
        p->slots[s->kfuncs[i].pc].off = 0;
    }
    return true;
}

static void load_types(kernel_program *p, const verify_subject *s)
{
    pst_bpf_attr attr = {.btf = address(s->btf_bytes), .btf_size = s->btf_size};
    if (s->btf_bytes) p->btf = command(PST_BPF_BTF_LOAD, &attr);
    if (p->btf < 0) return;
    p->load.prog_btf_fd = (uint32_t)p->btf;
    p->load.func_info = address(p->funcs);
    p->load.func_info_cnt = s->func_count;
    p->load.func_info_rec_size = sizeof *p->funcs;
}

// These attach to a function or type by its number, which only a loader that attaches them knows.
static bool needs_target(uint32_t type)
{
    return type == PST_PROG_TRACING || type == PST_PROG_LSM || type == PST_PROG_STRUCT_OPS || type == PST_PROG_EXT;
}

static void describe_load(kernel_program *p, const verify_subject *s)
{
    p->load = (pst_bpf_attr){.prog_type = s->prog_type, .expected_attach_type = s->attach_type, .insns = address(p->slots), .insn_cnt = s->count,
                             .license = address(s->license)};
    if (s->flags & PST_VERIFY_STRICT_ALIGNMENT) p->load.prog_flags |= 1u;
    if (s->flags & PST_VERIFY_ANY_ALIGNMENT) p->load.prog_flags |= 2u;
    if (s->sleepable) p->load.prog_flags |= 16u;
}

kernel_program *kernel_open(const verify_subject *s, const pst_btf *host, char *why, size_t capacity)
{
    kernel_program *p = calloc(1, sizeof *p);
    snprintf(why, capacity, "no memory");
    if (!p) return NULL;
    p->btf = -1;
    p->slots = malloc((s->count + 1u) * sizeof *p->slots);
    p->funcs = calloc(s->func_count + 1u, sizeof *p->funcs);
    bool made = p->slots && p->funcs;
    if (made) {
        memcpy(p->slots, s->slots, s->count * sizeof *p->slots);
        if (s->func_count) memcpy(p->funcs, s->funcs, s->func_count * sizeof *p->funcs);
        describe_load(p, s);
        load_types(p, s);
        snprintf(why, capacity, "it names a map that is not there");
        made = create_maps(p, s, why, capacity) && name_kfuncs(p, s, host, why, capacity);
    }
    if (made && needs_target(s->prog_type)) {
        snprintf(why, capacity, "the program's type attaches to a function that only its loader knows");
        made = false;
    }
    if (made) return p;
    kernel_close(p);
    return NULL;
}

void kernel_close(kernel_program *p)
{
    if (!p) return;
    for (uint32_t i = 0; i < p->map_count; i++)
        if (p->maps[i] >= 0) close(p->maps[i]);
    if (p->btf >= 0) close(p->btf);
    free(p->maps);
    free(p->slots);
    free(p->funcs);
    free(p);
}

kernel_answer kernel_load(kernel_program *p, uint64_t *time_ns)
{
    int fd = -1;
    for (unsigned tries = 0; tries < 4; tries++) { // EAGAIN: a signal arrived meanwhile
        pst_bpf_attr attr = p->load;
        uint64_t begin = pst_pal_time_ns();
        fd = command(PST_BPF_PROG_LOAD, &attr);
        *time_ns = pst_pal_time_ns() - begin;
        if (fd >= 0 || errno != EAGAIN) break;
    }
    if (fd < 0) return KERNEL_REJECTS;
    close(fd);
    return KERNEL_ACCEPTS;
}

bool kernel_has_log(kernel_program *p)
{
    char *log = calloc(1, LOG_SIZE);
    if (!log) return false;
    pst_bpf_attr attr = p->load;
    attr.log_buf = address(log);
    attr.log_size = LOG_SIZE;
    attr.log_level = 1;
    int fd = command(PST_BPF_PROG_LOAD, &attr);
    bool has = fd >= 0 || log[0] != '\0' || errno != EPERM;
    if (fd >= 0) close(fd);
    free(log);
    return has;
}

// --- Processes -----------------------------------------------------------------------------------------------------------

static void become(const char *const *args)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd < 3; fd++) (void)dup2(null, fd);
    execv(args[0], (char *const *)(uintptr_t)args);
    _exit(127);
}

int process_run(const char *const *args, unsigned timeout_s, uint64_t *time_ns)
{
    const struct timespec nap = {.tv_nsec = 200000};
    uint64_t begin = pst_pal_time_ns();
    int status = 0;
    pid_t child = fork();
    if (child == 0) become(args);
    if (child < 0) return -1;
    for (;;) {
        pid_t ended = waitpid(child, &status, WNOHANG);
        *time_ns = pst_pal_time_ns() - begin;
        if (ended == child) return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        if (ended < 0 || *time_ns > timeout_s * 1000000000ull) break;
        (void)nanosleep(&nap, NULL);
    }
    (void)kill(child, SIGKILL);
    (void)waitpid(child, &status, 0);
    return -1;
}
