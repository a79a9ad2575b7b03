// object_target.c: what an object asks of its host before it can be loaded: types for CO-RE, CONFIG_* values, symbols.
#include <stdio.h>

#include "api/api.h"
#include "base/format.h"
#include "pal/pal.h"

#define CONFIG_BYTES_MAX (4u << 20)
#define CONFIG_VALUE_MAX 256

// The answers of one load: the caller's lines win over the host's.
typedef struct host_config {
    const char *own;  // bpf_object_open_opts.kconfig, may be NULL
    char *host;       // the host's configuration, NULL when it shows none
    size_t host_size;
    char value[CONFIG_VALUE_MAX];
} host_config;

// A file of the host that may well be absent: no sentence then.
static char *read_quietly(const char *path, size_t limit, size_t *size)
{
    pst_env quiet = *api_env();
    quiet.log = NULL;
    uint8_t *bytes;
    return pst_pal_file_read(&quiet, path, limit, &bytes, size) == PST_OK ? (char *)bytes : NULL;
}

// Finds "name=value\n" at the start of a line; the last one counts.
static bool find_line(const char *text, const char *name, char *out, size_t capacity)
{
    size_t length = strlen(name);
    bool found = false;
    for (const char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        if (strncmp(line, name, length) != 0 || line[length] != '=') continue;
        const char *value = line + length + 1;
        size_t size = strcspn(value, "\r\n");
        if (size >= capacity) continue;
        memcpy(out, value, size);
        out[size] = '\0';
        found = true;
    }
    return found;
}

static const char *kconfig(void *user, const char *name)
{
    host_config *config = user;
    if (config->own && find_line(config->own, name, config->value, sizeof config->value)) return config->value;
    if (config->host && find_line(config->host, name, config->value, sizeof config->value)) return config->value;
    return NULL;
}

// KERNEL_VERSION(a, b, c) of the host; 0 where there is no such thing.
static uint32_t kernel_version(char *release, size_t capacity)
{
    size_t size;
    release[0] = '\0';
    char *text = read_quietly("/proc/sys/kernel/osrelease", 256, &size);
    if (!text) return 0;
    pst_format(release, capacity, "%.*s", (int)strcspn(text, "\n"), text);
    pst_free(api_env(), text, size + 1);
    uint32_t part[3] = {0};
    char *at = release;
    for (int i = 0; i < 3; i++) {
        part[i] = (uint32_t)strtoul(at, &at, 10);
        if (*at == '.') at++;
    }
    return part[0] << 16 | part[1] << 8 | (part[2] > 255 ? 255 : part[2]);
}

// Linux's symbols, for .ksyms; the kernel hides addresses from those without rights.
static uint64_t ksym(void *user, const char *name)
{
    FILE *file = fopen("/proc/kallsyms", "r");
    if (!file) return 0;
    char line[512], symbol[256];
    unsigned long long address = 0, found = 0;
    while (!found && fgets(line, sizeof line, file))
        if (sscanf(line, "%llx %*c %255s", &address, symbol) == 2 && strcmp(symbol, name) == 0) found = address;
    fclose(file);
    return found;
}

// What programs call is the core's, whatever the kernel below has.
static int32_t kfunc(void *user, const char *name, bool weak)
{
    const api_door *door = api_door_get();
    return door ? door->kfunc_number(name, weak) : 0;
}

// Host types are needed by CO-RE relocations and typed variables only; reading them takes a moment.
static bool needs_target(const pst_object *object)
{
    if (object->core_count) return true;
    for (uint32_t i = 0; i < object->extern_count; i++)
        if (object->externs[i].kind == PST_EXTERN_KSYM_VARIABLE) return true;
    return false;
}

static int target_types(const struct bpf_object *obj, struct btf **out)
{
    *out = NULL;
    if (!needs_target(obj->object)) return 0;
    if (obj->btf_path) {
        *out = btf__parse(obj->btf_path, NULL);
        return *out ? 0 : -errno;
    }
    size_t size;
    char *bytes = read_quietly("/sys/kernel/btf/vmlinux", PST_OBJECT_BYTES_MAX, &size);
    if (!bytes) return 0; // the object module says what it misses
    *out = api_btf_new(bytes, size, "/sys/kernel/btf/vmlinux");
    pst_free(api_env(), bytes, size + 1);
    return *out ? 0 : -errno;
}

static bool has_kconfig(const pst_object *object)
{
    for (uint32_t i = 0; i < object->extern_count; i++)
        if (object->externs[i].kind == PST_EXTERN_KCONFIG) return true;
    return false;
}

int api_object_relocate(struct bpf_object *obj)
{
    char release[96], path[128];
    host_config config = {.own = obj->kconfig};
    pst_object_target target = {.size = sizeof target, .kconfig = kconfig, .ksym = ksym, .kfunc = kfunc, .user = &config};
    struct btf *types;
    int err = target_types(obj, &types);
    if (err) return err;
    target.btf = api_btf_parsed(types);
    target.kernel_version = kernel_version(release, sizeof release);
    if (has_kconfig(obj->object)) {
        pst_format(path, sizeof path, "/boot/config-%s", release);
        config.host = read_quietly(path, CONFIG_BYTES_MAX, &config.host_size);
    }
    err = -api_errno_of(pst_object_relocate(obj->object, &target));
    if (config.host) pst_free(api_env(), config.host, config.host_size + 1);
    btf__free(types);
    return api_err(err);
}
