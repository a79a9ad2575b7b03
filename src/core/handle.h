// handle.h: what programs, maps, links and BTF blobs have in common: an id, a name, references; and the handles through which clients
// hold them.
//
// References keep an object alive; users are those of them that clients can act on (handles, pins). When the last reference goes, the object
// leaves the table of ids at once and is freed after the epoch. Finding an object by id and losing its last reference are
// ordered by the core's lock, so an id never yields a dying object.
#ifndef PST_CORE_HANDLE_H
#define PST_CORE_HANDLE_H

#include "core/core.h"
#include "core/epoch.h"

typedef enum object_kind {
    OBJECT_MAP = PST_OBJECT_MAP,
    OBJECT_PROG = PST_OBJECT_PROG,
    OBJECT_BTF = PST_OBJECT_BTF,
    OBJECT_LINK = PST_OBJECT_LINK,
    OBJECT_STATS = PST_OBJECT_STATS,
    OBJECT_KINDS
} object_kind;

typedef struct core_object {
    pst_core *core;
    object_kind kind;
    uint32_t id;
    uint32_t refs, users;
    uint32_t owner; // user id of the client that made it; OWNER_NONE until it has its first handle
    char name[PST_OBJ_NAME_LEN];
    epoch_retired retired;
} core_object;

#define OWNER_NONE UINT32_MAX
#define HANDLE_READ 1u
#define HANDLE_WRITE 2u
#define HANDLES_FIRST 3
#define HANDLES_MAX 65536

/// Gives the object an id and makes it findable; refs and users are 1: the caller's, who turns them into a handle. False: no memory or no id left.
PST_MUST_USE bool core_object_register(core_object *object);
void core_object_get(core_object *object);
/// Takes a reference unless the last one is gone already.
PST_MUST_USE bool core_object_try_get(core_object *object);
void core_object_put(core_object *object);
/// The same for a reference that counts as a user.
void core_object_get_user(core_object *object);
void core_object_put_user(core_object *object);
/// A new reference to the object with this id, or NULL.
core_object *core_object_by_id(pst_core *core, object_kind kind, uint32_t id);
/// The smallest id above id of an object that client may see, 0 when there is none.
uint32_t core_object_next_id(pst_client *client, object_kind kind, uint32_t id);
/// Whether client may open the object by its id: it has made it, or has all rights.
PST_MUST_USE bool core_object_is_open_to(const core_object *object, const pst_client *client);
/// How many objects of the kind there are.
size_t core_object_count(pst_core *core, object_kind kind);
const pst_env *core_object_env(const core_object *object);

/// Turns the caller's user reference into a handle; on failure (-PST_EMFILE, -PST_ENOMEM) the reference is given back.
int64_t core_handle_add(pst_client *client, core_object *object, uint32_t mode);
/// A new reference to what fd names, NULL when it is no handle. *mode may be NULL.
core_object *core_handle_get(pst_client *client, int64_t fd, uint32_t *mode);

#endif
