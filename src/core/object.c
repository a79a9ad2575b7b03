// object.c: ids, references and handles. See object.h.
#include "core/internal.h"

const pst_env *core_object_env(const core_object *object)
{
    return &object->core->env;
}

typedef struct object_class {
    void (*close)(core_object *object); // outside of locks, readers may still be there; may be NULL
    void (*free)(core_object *object);  // after the epoch
} object_class;

static const object_class g_classes[OBJECT_KINDS] = {
    [OBJECT_MAP] = {NULL, core_map_free},
    [OBJECT_PROG] = {NULL, core_prog_free},
    [OBJECT_BTF] = {NULL, core_btf_free},
    [OBJECT_LINK] = {core_link_close, core_link_free},
    [OBJECT_STATS] = {core_stats_close, core_stats_free},
};

bool core_object_register(core_object *object)
{
    pst_core *core = object->core;
    id_table *table = &core->ids[object->kind];
    bool done = false;
    object->refs = object->users = 1;
    object->owner = OWNER_NONE;
    pst_pal_mutex_lock(core->lock);
    // Ids are never used twice, so a stale id finds nothing instead of somebody else's object.
    if (table->last_id < INT32_MAX &&
        pst_grow(&core->env, &table->objects, &table->capacity, table->count + 1, sizeof *table->objects) == PST_OK) {
        object->id = ++table->last_id;
        table->objects[table->count++] = object;
        done = true;
    }
    pst_pal_mutex_unlock(core->lock);
    return done;
}

// Index of the first object whose id is at least id.
static size_t table_search(const id_table *table, uint32_t id)
{
    size_t lo = 0, hi = table->count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (table->objects[mid]->id < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

void core_object_get(core_object *object)
{
    (void)PST_ATOMIC_ADD(&object->refs, 1u);
}

void core_object_get_user(core_object *object)
{
    core_object_get(object);
    (void)PST_ATOMIC_ADD(&object->users, 1u);
}

static void object_free_retired(epoch_retired *retired)
{
    core_object *object = (core_object *)(void *)((uint8_t *)retired - offsetof(core_object, retired));
    g_classes[object->kind].free(object);
}

void core_object_put(core_object *object)
{
    if (PST_ATOMIC_SUB(&object->refs, 1u) != 1) return;
    pst_core *core = object->core;
    id_table *table = &core->ids[object->kind];
    pst_pal_mutex_lock(core->lock);
    size_t at = table_search(table, object->id);
    table->count--;
    memmove(&table->objects[at], &table->objects[at + 1], (table->count - at) * sizeof *table->objects);
    pst_pal_mutex_unlock(core->lock);
    if (g_classes[object->kind].close) g_classes[object->kind].close(object);
    epoch_retire(&core->epoch, &object->retired, object_free_retired);
}

void core_object_put_user(core_object *object)
{
    if (PST_ATOMIC_SUB(&object->users, 1u) == 1 && object->kind == OBJECT_MAP) {
        pst_map *map = core_map_of_object(object);
        if (map->ops->release_users) map->ops->release_users(map);
    }
    core_object_put(object);
}

bool core_object_try_get(core_object *object)
{
    uint32_t refs = PST_ATOMIC_LOAD_RELAXED(&object->refs);
    while (refs != 0)
        if (PST_ATOMIC_CAS(&object->refs, &refs, refs + 1)) return true;
    return false;
}

core_object *core_object_by_id(pst_core *core, object_kind kind, uint32_t id)
{
    const id_table *table = &core->ids[kind];
    core_object *found = NULL;
    pst_pal_mutex_lock(core->lock);
    size_t at = table_search(table, id);
    if (at < table->count && table->objects[at]->id == id && core_object_try_get(table->objects[at])) found = table->objects[at];
    pst_pal_mutex_unlock(core->lock);
    return found;
}

bool core_object_is_open_to(const core_object *object, const pst_client *client)
{
    return client->identity.privileged || PST_ATOMIC_LOAD_RELAXED(&object->owner) == client->identity.uid;
}

uint32_t core_object_next_id(pst_client *client, object_kind kind, uint32_t id)
{
    pst_core *core = client->core;
    const id_table *table = &core->ids[kind];
    uint32_t next = 0;
    if (id == UINT32_MAX) return 0;
    pst_pal_mutex_lock(core->lock);
    size_t at = table_search(table, id + 1);
    while (at < table->count && !core_object_is_open_to(table->objects[at], client)) at++;
    if (at < table->count) next = table->objects[at]->id;
    pst_pal_mutex_unlock(core->lock);
    return next;
}

size_t core_object_count(pst_core *core, object_kind kind)
{
    pst_pal_mutex_lock(core->lock);
    size_t count = core->ids[kind].count;
    pst_pal_mutex_unlock(core->lock);
    return count;
}

// --- Handles --------------------------------------------------------------------------------------------------

// A free entry, growing the table if need be; -errno when there is none. The client's lock is held.
static int64_t handle_find_free(pst_client *client)
{
    size_t at = client->hint;
    while (at < client->capacity && client->handles[at].object) at++;
    if (at + HANDLES_FIRST > HANDLES_MAX) return -PST_EMFILE;
    if (at == client->capacity) {
        size_t old = client->capacity;
        if (pst_grow(&client->core->env, &client->handles, &client->capacity, at + 1, sizeof *client->handles) != PST_OK)
            return -PST_ENOMEM;
        memset(&client->handles[old], 0, (client->capacity - old) * sizeof *client->handles);
    }
    client->hint = at;
    return (int64_t)at;
}

int64_t core_handle_add(pst_client *client, core_object *object, uint32_t mode)
{
    uint32_t nobody = OWNER_NONE;
    (void)PST_ATOMIC_CAS(&object->owner, &nobody, client->identity.uid);
    pst_pal_mutex_lock(client->lock);
    int64_t at = handle_find_free(client);
    if (at >= 0) {
        client->handles[at] = (client_handle){object, mode};
        client->hint = (size_t)at + 1;
    }
    pst_pal_mutex_unlock(client->lock);
    if (at >= 0) return at + client->first;
    core_object_put_user(object);
    return at;
}

// The handle's entry, NULL when fd is none. The client's lock is held.
static client_handle *handle_at(pst_client *client, int64_t fd)
{
    if (fd < client->first || (uint64_t)(fd - client->first) >= client->capacity) return NULL;
    client_handle *handle = &client->handles[fd - client->first];
    return handle->object ? handle : NULL;
}

core_object *core_handle_get(pst_client *client, int64_t fd, uint32_t *mode)
{
    core_object *object = NULL;
    pst_pal_mutex_lock(client->lock);
    client_handle *handle = handle_at(client, fd);
    if (handle) {
        object = handle->object;
        core_object_get(object);
        if (mode) *mode = handle->mode;
    }
    pst_pal_mutex_unlock(client->lock);
    return object;
}

int64_t pst_core_close(pst_client *client, int fd)
{
    core_object *object = NULL;
    pst_pal_mutex_lock(client->lock);
    client_handle *handle = handle_at(client, fd);
    if (handle) {
        object = handle->object;
        handle->object = NULL;
        size_t at = (size_t)(fd - client->first);
        if (at < client->hint) client->hint = at;
    }
    pst_pal_mutex_unlock(client->lock);
    if (!object) return -PST_EBADF;
    pst_core *core = client->core;
    core_object_put_user(object);
    (void)epoch_advance(&core->epoch); // an idle core gives memory back soon
    epoch_collect(&core->epoch);
    return 0;
}

int64_t pst_client_share(pst_client *from, int fd, pst_client *to)
{
    core_object *object = NULL;
    uint32_t mode = 0;
    pst_pal_mutex_lock(from->lock);
    client_handle *handle = handle_at(from, fd);
    if (handle) {
        object = handle->object;
        mode = handle->mode;
        core_object_get_user(object);
    }
    pst_pal_mutex_unlock(from->lock);
    return object ? core_handle_add(to, object, mode) : -PST_EBADF;
}

int64_t pst_core_dup(pst_client *client, int fd)
{
    return pst_client_share(client, fd, client);
}

bool pst_client_shape(pst_client *client, int fd, pst_handle_shape *out)
{
    core_object *object = core_handle_get(client, fd, NULL);
    *out = (pst_handle_shape){0};
    if (!object) return false;
    out->kind = object->kind;
    if (object->kind == OBJECT_MAP) {
        const pst_map *map = core_map_of_object(object);
        out->map_type = map->view.type;
        out->key_size = map->view.key_size;
        out->value_size = core_map_user_value_size(map);
    }
    core_object_put(object);
    return true;
}
