// object_vs_libbpf.c: opens and relocates each object given, here and with libbpf, and compares the instructions slot by slot.
//
//   object_vs_libbpf [-v] [-p] FILE...   one line per object that differs, a count at the end; exit code 1 when any differs
//                                        -p plants a difference in each program, to see whether the comparison notices
//
// libbpf relocates against the running kernel, so this needs root on Linux. It never loads a program: a handler that is registered for each
// section steps in just before, sees the relocated instructions of all programs, and stops. Where the kernel cannot create the object's maps, the
// comparison is repeated without maps: libbpf then leaves a call that tells the number of the map, which is compared instead.
// Masked: file descriptors of maps. Everything else must be equal, order of subprograms and ids of kernel types included.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "base/bits.h"
#include "catalog/catalog.h"
#include "object/object.h"
#include "object_libbpf_side.h"
#include "pal/pal.h"

#define POISONED_MAP 2001000000
#define POISONED_FUNCTION 2002000000

static struct {
    bool verbose, plant;
    pst_btf *kernel;
    char *symbols;      // /proc/kallsyms
    uint32_t version;
    libbpf_result there; // of the object at hand
    char last_message[512]; // of either loader
    unsigned equal, empty, different, refused_here, refused_there, refused_both;
} g;

// The configuration that both sides see; the test programs of tests/e2e/objects ask for these.
static const char g_config[] = "CONFIG_BPF=y\nCONFIG_HZ=250\nCONFIG_MODULES=m\nCONFIG_DEFAULT_HOSTNAME=\"(none)\"\nCONFIG_NR_CPUS=64\nCONFIG_PREEMPT=n\n"
                               "CONFIG_LOCALVERSION=\"\"\n";

static const char *config_value(void *user, const char *name)
{
    static char value[256];
    size_t length = strlen(name);
    for (const char *line = g_config; *line; line = strchr(line, '\n') + 1) {
        if (strncmp(line, name, length) != 0 || line[length] != '=') continue;
        size_t size = (size_t)(strchr(line, '\n') - line) - length - 1;
        memcpy(value, line + length + 1, size);
        value[size] = 0;
        return value;
    }
    return NULL;
}

static uint64_t symbol_address(void *user, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = g.symbols; at && (at = strstr(at, name)); at += length) {
        bool whole = at > g.symbols && at[-1] == ' ' && (at[length] == '\n' || at[length] == '\t');
        if (!whole) continue;
        const char *line = at;
        while (line > g.symbols && line[-1] != '\n') line--;
        return strtoull(line, NULL, 16);
    }
    return 0;
}

static void keep_message(const char *text)
{
    snprintf(g.last_message, sizeof g.last_message, "%s", text);
    g.last_message[strcspn(g.last_message, "\n")] = 0;
}

static void libbpf_log(const char *text)
{
    keep_message(text);
    if (g.verbose) fprintf(stderr, "    %s\n", text);
}

static void our_log(void *user, pst_log_level level, const char *text)
{
    if (level == PST_LOG_ERROR) keep_message(text);
    if (g.verbose && level <= PST_LOG_WARN) fprintf(stderr, "    %s\n", text);
}

static bool relocate_there(const void *bytes, size_t size, const char *name)
{
    if (libbpf_side_relocate(bytes, size, name, g_config, true, &g.there)) return true;
    libbpf_side_free(&g.there);
    return libbpf_side_relocate(bytes, size, name, g_config, false, &g.there);
}

static pst_object *relocate_here(const pst_env *env, const void *bytes, size_t size, const char *file, const char *name)
{
    pst_object_options options = {.size = sizeof options, .file = file, .name = name};
    pst_object_target target = {.size = sizeof target, .btf = g.kernel, .kconfig = config_value, .kernel_version = g.version, .ksym = symbol_address};
    pst_object *object;
    if (pst_object_open(env, bytes, size, &options, &object) != PST_OK) return NULL;
    for (uint32_t i = 0; i < object->program_count; i++) object->programs[i].autoload = true;
    if (pst_object_relocate(object, &target) == PST_OK) return object;
    pst_object_close(object);
    return NULL;
}

// What libbpf has at a reference to a map: a descriptor, or without maps a call that tells the number.
static void mask_map(pst_slot *theirs, const pst_slot *ours)
{
    bool poisoned = theirs[0].opcode == 0x85 && theirs[0].imm == POISONED_MAP + ours[0].imm && memcmp(&theirs[0], &theirs[1], sizeof *theirs) == 0;
    if (poisoned) memcpy(theirs, ours, 2 * sizeof *ours);
    else theirs[0].imm = ours[0].imm;
}

// An absent weak kernel function: libbpf before 1.2 leaves a call of function 0.
static void mask_absent(pst_slot *theirs, const pst_slot *ours)
{
    bool poisoned = ours->opcode == 0x85 && ours->regs == 0 && ours->imm >= POISONED_FUNCTION;
    if (poisoned && theirs->regs == 2 << 4 && theirs->imm == 0 && theirs->off == 0) *theirs = *ours;
}

static bool compare_program(const char *file, const pst_object_program *p, const libbpf_program *c)
{
    pst_slot *theirs = (pst_slot *)c->slots;
    for (uint32_t i = 0; i < p->ref_count; i++) {
        const pst_object_ref *ref = &p->refs[i];
        if ((ref->kind == PST_REF_MAP || ref->kind == PST_REF_MAP_VALUE) && ref->pc + 1 < c->count) mask_map(&theirs[ref->pc], &p->slots[ref->pc]);
        if (ref->kind == PST_REF_KFUNC && ref->pc < c->count) mask_absent(&theirs[ref->pc], &p->slots[ref->pc]);
    }
    if (g.plant && c->count) theirs[c->count - 1].imm ^= 1;
    uint32_t shared = p->count < c->count ? p->count : c->count;
    for (uint32_t i = 0; i < shared; i++) {
        const pst_slot *a = &p->slots[i], *b = &theirs[i];
        if (memcmp(a, b, sizeof *a) == 0) continue;
        printf("%s: program %s: slot %u: here %02x %02x off %d imm %d, libbpf %02x %02x off %d imm %d\n", file, p->name, i, a->opcode, a->regs, a->off,
               a->imm, b->opcode, b->regs, b->off, b->imm);
        return false;
    }
    if (p->count != c->count) printf("%s: program %s: %u slots here, %u with libbpf\n", file, p->name, p->count, c->count);
    return p->count == c->count;
}

// Programs that libbpf does not see (all code in .text, untyped symbols) are not compared.
static bool compare_programs(const char *file, const pst_object *object)
{
    bool equal = true;
    if (g.there.count && g.there.count != object->program_count) {
        printf("%s: %u programs here, %u with libbpf\n", file, object->program_count, g.there.count);
        return false;
    }
    for (uint32_t i = 0; i < g.there.count; i++) {
        if (strcmp(object->programs[i].name, g.there.programs[i].name) != 0) {
            printf("%s: program %u is %s here, %s with libbpf\n", file, i, object->programs[i].name, g.there.programs[i].name);
            equal = false;
        } else {
            equal &= compare_program(file, &object->programs[i], &g.there.programs[i]);
        }
    }
    return equal;
}

static void compare_object(const char *file)
{
    uint8_t *bytes;
    size_t size;
    const char *base = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
    pst_env env = *pst_pal_env();
    env.log = our_log;
    if (pst_pal_file_read(pst_pal_env(), file, PST_OBJECT_BYTES_MAX, &bytes, &size) != PST_OK) exit(2);
    if (g.verbose) fprintf(stderr, "%s\n", file);
    pst_object *object = relocate_here(&env, bytes, size, file, base);
    char here[512];
    snprintf(here, sizeof here, "%s", g.last_message);
    bool there = relocate_there(bytes, size, base);
    if (object && there) {
        bool equal = compare_programs(file, object);
        g.equal += equal && g.there.count > 0;
        g.empty += equal && g.there.count == 0;
        g.different += !equal;
    } else if (object) {
        g.refused_there++;
        printf("%s: libbpf refuses: %s\n", file, g.last_message);
    } else if (there) {
        g.refused_here++;
        printf("refused here only: %s\n", here);
    } else {
        g.refused_both++;
        printf("refused by both: %s\n", here);
    }
    libbpf_side_free(&g.there);
    pst_object_close(object);
    pst_free(pst_pal_env(), bytes, size + 1);
}

static void read_host(void)
{
    uint8_t *bytes;
    size_t size;
    struct utsname uts;
    unsigned a = 0, b = 0, c = 0;
    const pst_env *env = pst_pal_env();
    if (uname(&uts) == 0 && sscanf(uts.release, "%u.%u.%u", &a, &b, &c) >= 2) g.version = a << 16 | b << 8 | (c > 255 ? 255 : c);
    if (pst_pal_file_read(env, "/sys/kernel/btf/vmlinux", 256u << 20, &bytes, &size) == PST_OK) {
        if (pst_btf_parse(env, bytes, size, "/sys/kernel/btf/vmlinux", &g.kernel) != PST_OK) exit(2);
        pst_free(env, bytes, size + 1);
    }
    if (pst_pal_file_read(env, "/proc/kallsyms", 256u << 20, &bytes, &size) == PST_OK) g.symbols = (char *)bytes; // kept to the end
}

int main(int argc, char **argv)
{
    struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_MEMLOCK, &unlimited);
    libbpf_side_set_log(libbpf_log);
    read_host();
    if (!g.kernel) {
        printf("skipped: this kernel has no BTF\n");
        return 77;
    }
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-v") == 0) g.verbose = true;
        else if (strcmp(argv[i], "-p") == 0) g.plant = true;
        else compare_object(argv[i]);
    }
    printf("libbpf %s: %u equal, %u without a program that libbpf sees, %u different, %u refused by libbpf only, %u refused here only, %u refused by both\n", libbpf_side_version(), g.equal, g.empty, g.different, g.refused_there,
           g.refused_here, g.refused_both);
    return g.different || g.refused_here ? 1 : 0;
}
