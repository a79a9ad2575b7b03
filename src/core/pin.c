// pin.c: OBJ_PIN and OBJ_GET: names that keep objects alive without a client.
//
// The tree lives in the core, not in a file system: a path is a string that starts with '/', "." and empty components are dropped, ".." is
// refused. Directories exist as soon as something lies in them. PROG_UNPIN does not exist on Linux (it is unlink(2)): see core_unpin.
// "/sys/fs/bpf/x", "BPF:\x" and "/ebpf/global/x" are one name, whose first form is kept.
#include "core/internal.h"

#define PATH_LIMIT 4096u

struct core_pin {
    core_pin *next;
    core_object *object;
    size_t size; // of the whole block
    uint32_t owner; // user id of the client that made it
    char path[];
};

static bool is_letter(char given, char lower) { return given == lower || given == lower - 'a' + 'A'; }

// The volume of eBPF for Windows, in whose paths both slashes separate.
static bool starts_with_volume(const char *path)
{
    return is_letter(path[0], 'b') && is_letter(path[1], 'p') && is_letter(path[2], 'f') && path[3] == ':';
}

static bool is_separator(char c, bool windows) { return c == '/' || (windows && c == '\\'); }

// Appends the components of path to out (PATH_LIMIT bytes, of which *length are used).
static bool components_add(const char *path, bool windows, char *out, size_t *length)
{
    while (*path) {
        while (is_separator(*path, windows)) path++;
        size_t part = 0;
        while (path[part] && !is_separator(path[part], windows)) part++;
        if (part == 2 && path[0] == '.' && path[1] == '.') return false;
        if (part > 0 && !(part == 1 && path[0] == '.')) {
            if (*length + 1 + part >= PATH_LIMIT) return false;
            out[(*length)++] = '/';
            memcpy(out + *length, path, part);
            *length += part;
        }
        path += part;
    }
    return true;
}

// "/ebpf/global" in front becomes the root of pins; what is behind moves by the difference.
static bool root_replace(char *out, size_t *length)
{
    const size_t alias = sizeof PST_PIN_ALIAS - 1, root = sizeof PST_PIN_ROOT - 1;
    if (*length < alias || memcmp(out, PST_PIN_ALIAS, alias) != 0 || (*length > alias && out[alias] != '/')) return true;
    size_t rest = *length - alias;
    if (root + rest >= PATH_LIMIT) return false;
    memmove(out + root, out + alias, rest);
    memcpy(out, PST_PIN_ROOT, root);
    *length = root + rest;
    return true;
}

// Normalises into out (PATH_LIMIT bytes). False: no absolute path, too long, with "..", or a root.
static bool path_normalise(const char *path, char *out)
{
    size_t length = 0;
    bool windows = starts_with_volume(path);
    if (windows) {
        length = sizeof PST_PIN_ROOT - 1;
        memcpy(out, PST_PIN_ROOT, length);
        path += 4;
    } else if (*path != '/') {
        return false;
    }
    if (!components_add(path, windows, out, &length) || (!windows && !root_replace(out, &length))) return false;
    out[length] = '\0';
    return length > 0 && strcmp(out, PST_PIN_ROOT) != 0;
}

bool pst_core_pin_path(const char *path, char *out, size_t size)
{
    char normal[PATH_LIMIT];
    if (!path_normalise(path, normal) || strlen(normal) >= size) return false;
    memcpy(out, normal, strlen(normal) + 1);
    return true;
}

static int64_t path_of(core_call *call, char *out)
{
    const pst_bpf_attr *attr = call->attr;
    const char *path = CORE_POINTER(const char *, attr->pathname);
    if (attr->path_fd) return core_refuse(call, PST_EINVAL, "path_fd is not supported: pathname must be absolute");
    if (!path) return core_refuse(call, PST_EFAULT, "pathname is NULL");
    if (path_normalise(path, out)) return 0;
    return core_refuse(call, PST_EINVAL, "pathname must be absolute (" PST_PIN_ROOT "/NAME, BPF:\\NAME), shorter than %u bytes, and without \"..\"", PATH_LIMIT);
}

// The core's lock is held. The place of the pin with this path in the list, or the list's end.
static core_pin **find_pin(pst_core *core, const char *path)
{
    core_pin **at = &core->pins;
    while (*at && strcmp((*at)->path, path) != 0) at = &(*at)->next;
    return at;
}

static int64_t add_pin(core_call *call, const char *path, core_object *object)
{
    pst_core *core = call->core;
    size_t length = strlen(path) + 1;
    core_pin *pin = pst_alloc(&core->env, sizeof *pin + length);
    if (!pin) return core_refuse(call, PST_ENOMEM, "no memory for a pin");
    *pin = (core_pin){.object = object, .size = sizeof *pin + length, .owner = call->client->identity.uid};
    memcpy(pin->path, path, length);
    pst_pal_mutex_lock(core->lock);
    core_pin **at = find_pin(core, path);
    bool exists = *at != NULL;
    if (!exists) {
        core_object_get_user(object);
        *at = pin;
    }
    pst_pal_mutex_unlock(core->lock);
    if (!exists) return 0;
    pst_free(&core->env, pin, pin->size);
    return core_refuse(call, PST_EEXIST, "%s is pinned already", path);
}

int64_t core_cmd_obj_pin(core_call *call)
{
    char path[PATH_LIMIT];
    if (call->attr->file_flags) return core_refuse(call, PST_EINVAL, "file_flags must be 0 when pinning");
    int64_t error = path_of(call, path);
    if (error) return error;
    core_object *object = core_handle_get(call->client, (int32_t)call->attr->bpf_fd, NULL);
    if (!object) return core_refuse(call, PST_EBADF, "%d is not an open handle", (int32_t)call->attr->bpf_fd);
    if (object->kind == OBJECT_BTF || object->kind == OBJECT_STATS)
        error = core_refuse(call, PST_EINVAL, "only maps, programs and links can be pinned");
    else
        error = add_pin(call, path, object);
    core_object_put(object);
    return error;
}

// A pin is for its owner, as a file of mode 0600.
static bool is_open_to(const core_pin *pin, const pst_client *client)
{
    return client->identity.privileged || pin->owner == client->identity.uid;
}

int64_t core_cmd_obj_get(core_call *call)
{
    char path[PATH_LIMIT];
    uint32_t mode = 0;
    if (call->attr->bpf_fd) return core_refuse(call, PST_EINVAL, "bpf_fd must be 0 when a pinned object is opened");
    int64_t error = core_open_mode(call, call->attr->file_flags, &mode);
    if (!error) error = path_of(call, path);
    if (error) return error;
    pst_pal_mutex_lock(call->core->lock);
    core_pin *pin = *find_pin(call->core, path);
    core_object *object = pin ? pin->object : NULL;
    bool denied = pin && !is_open_to(pin, call->client);
    if (object && !denied) core_object_get_user(object);
    pst_pal_mutex_unlock(call->core->lock);
    if (denied) return core_refuse(call, PST_EACCES, "%s is another user's pin", path);
    if (!object) return core_refuse(call, PST_ENOENT, "nothing is pinned at %s", path);
    int64_t fd = core_handle_add(call->client, object, mode);
    return fd < 0 ? core_refuse(call, (int)-fd, "no room for another handle: close some") : fd;
}

int64_t pst_core_unpin(pst_client *client, const char *path)
{
    pst_core *core = client->core;
    char normal[PATH_LIMIT];
    if (!path_normalise(path, normal)) return -PST_EINVAL;
    pst_pal_mutex_lock(core->lock);
    core_pin **at = find_pin(core, normal), *pin = *at;
    bool denied = pin && !is_open_to(pin, client);
    if (pin && !denied) *at = pin->next;
    pst_pal_mutex_unlock(core->lock);
    if (!pin) return -PST_ENOENT;
    if (denied) return -PST_EACCES;
    core_object_put_user(pin->object);
    pst_free(&core->env, pin, pin->size);
    return 0;
}

bool pst_core_pin_next(pst_client *client, const char *after, pst_pin_info *out)
{
    pst_core *core = client->core;
    const core_pin *next = NULL;
    char normal[PATH_LIMIT];
    if (*after && path_normalise(after, normal)) after = normal; // else: what was never a pin's name still has a place in the order
    pst_pal_mutex_lock(core->lock);
    for (const core_pin *pin = core->pins; pin; pin = pin->next)
        if (is_open_to(pin, client) && strcmp(pin->path, after) > 0 && (!next || strcmp(pin->path, next->path) < 0)) next = pin;
    if (next) {
        out->kind = next->object->kind;
        out->id = next->object->id;
        memcpy(out->path, next->path, strlen(next->path) + 1);
    }
    pst_pal_mutex_unlock(core->lock);
    return next != NULL;
}

void core_pins_free(pst_core *core)
{
    while (core->pins) {
        core_pin *pin = core->pins;
        core->pins = pin->next;
        core_object_put_user(pin->object);
        pst_free(&core->env, pin, pin->size);
    }
}
