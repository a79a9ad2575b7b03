// pin.c: OBJ_PIN and OBJ_GET: names that keep objects alive without a client.
//
// The tree lives in the core, not in a file system: a path is a string that starts with '/', "." and empty components are dropped, ".." is
// refused. Directories exist as soon as something lies in them. PROG_UNPIN does not exist on Linux (it is unlink(2)): see core_unpin.
// "/sys/fs/bpf/x", "BPF:\x" and "/ebpf/global/x" are one name, whose first form is kept.
#include "core/internal.h"

#define PATH_LIMIT 4096u

// Without a limit a user could take the host's memory with one object and many names.
#define PINS_MAX 65536u
#define PINS_OF_USER_MAX 4096u // without rights

struct core_pin {
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

// The core's lock is held. The place of the first pin whose path is not below path.
static size_t search_pin(const pst_core *core, const char *path)
{
    size_t low = 0, high = core->pin_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(core->pins[middle]->path, path) < 0) low = middle + 1;
        else high = middle;
    }
    return low;
}

// The core's lock is held. The pin with this path, or NULL; *at is its place.
static core_pin *find_pin(const pst_core *core, const char *path, size_t *at)
{
    *at = search_pin(core, path);
    return *at < core->pin_count && strcmp(core->pins[*at]->path, path) == 0 ? core->pins[*at] : NULL;
}

static bool may_have_another(const pst_core *core, const pst_client *client)
{
    size_t own = 0;
    for (size_t i = 0; !client->identity.privileged && i < core->pin_count; i++) own += core->pins[i]->owner == client->identity.uid;
    return own < PINS_OF_USER_MAX && core->pin_count < PINS_MAX;
}

// The core's lock is held. 0, or a positive errno.
static int insert_pin(pst_core *core, const pst_client *client, core_pin *pin)
{
    size_t at;
    if (find_pin(core, pin->path, &at)) return PST_EEXIST;
    if (!may_have_another(core, client)) return PST_ENOSPC;
    if (pst_grow(&core->env, &core->pins, &core->pin_capacity, core->pin_count + 1, sizeof *core->pins) != PST_OK) return PST_ENOMEM;
    memmove(&core->pins[at + 1], &core->pins[at], (core->pin_count - at) * sizeof *core->pins);
    core->pins[at] = pin;
    core->pin_count++;
    core_object_get_user(pin->object);
    return 0;
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
    int error = insert_pin(core, call->client, pin);
    pst_pal_mutex_unlock(core->lock);
    if (!error) return 0;
    pst_free(&core->env, pin, pin->size);
    if (error == PST_EEXIST) return core_refuse(call, PST_EEXIST, "%s is pinned already", path);
    if (error == PST_ENOSPC)
        return core_refuse(call, PST_ENOSPC, "there are too many pins (%u, and %u of a user without rights): remove some", PINS_MAX, PINS_OF_USER_MAX);
    return core_refuse(call, PST_ENOMEM, "no memory for a pin");
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
    size_t at;
    pst_pal_mutex_lock(call->core->lock);
    const core_pin *pin = find_pin(call->core, path, &at);
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
    size_t at;
    if (!path_normalise(path, normal)) return -PST_EINVAL;
    pst_pal_mutex_lock(core->lock);
    core_pin *pin = find_pin(core, normal, &at);
    bool denied = pin && !is_open_to(pin, client);
    if (pin && !denied) {
        core->pin_count--;
        memmove(&core->pins[at], &core->pins[at + 1], (core->pin_count - at) * sizeof *core->pins);
    }
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
    char normal[PATH_LIMIT];
    if (*after && path_normalise(after, normal)) after = normal; // else: what was never a pin's name still has a place in the order
    pst_pal_mutex_lock(core->lock);
    size_t at;
    if (find_pin(core, after, &at)) at++;
    while (at < core->pin_count && !is_open_to(core->pins[at], client)) at++;
    const core_pin *next = at < core->pin_count ? core->pins[at] : NULL;
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
    while (core->pin_count > 0) {
        core_pin *pin = core->pins[--core->pin_count];
        core_object_put_user(pin->object);
        pst_free(&core->env, pin, pin->size);
    }
    pst_free(&core->env, core->pins, core->pin_capacity * sizeof *core->pins);
    core->pins = NULL;
    core->pin_capacity = 0;
}
