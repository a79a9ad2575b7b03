// shim.h: what the files of the shim share.
#ifndef PST_SHIM_SHIM_H
#define PST_SHIM_SHIM_H

#include "remote/remote.h"

/// The host, connected on first use; NULL: it cannot be reached, which was said on standard error once.
pst_remote *shim_remote(void);
/// The host without connecting: NULL unless the program has used bpf(2).
pst_remote *shim_remote_if(void);

/// Whether path lies in the tree of pins, or is its root.
bool shim_is_pin_path(const char *path);

/// The next definition of a function, that of the C library. Aborts if there is none.
void *shim_next(const char *name);
#define SHIM_NEXT(type, name) ((type)(uintptr_t)shim_next(name))

#define SHIM_API PST_API

#endif
