// module_linux.c: shared objects, by dlopen.
//
// The file is opened once; what is checked and what is loaded are that one file, whatever becomes of its name. The descriptor stays open as long as
// the module: the loader knows it by a path with the descriptor's number, which must not mean another file meanwhile.
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pal/pal.h"

struct pst_module {
    const pst_env *env;
    void *handle;
    int fd;
};

static bool holds(int fd, const uint8_t *bytes, size_t size)
{
    uint8_t part[4096];
    for (;;) {
        ssize_t got = read(fd, part, sizeof part);
        if (got < 0 || (size_t)got > size) return false;
        if (got == 0) return size == 0;
        if (memcmp(part, bytes, (size_t)got) != 0) return false;
        bytes += got;
        size -= (size_t)got;
    }
}

static pst_status open_as(pst_module *module, const char *path)
{
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", module->fd);
    module->handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (module->handle) return PST_OK;
    const char *why = dlerror();
    return pst_fail(module->env, PST_E_DENIED, "the host does not load %s: %s", path, why ? why : "no reason is given");
}

pst_status pst_pal_module_open(const pst_env *env, const char *path, const void *bytes, size_t size, pst_module **out)
{
    pst_module *module = pst_alloc_zero(env, 1, sizeof *module);
    *out = NULL;
    if (!module) return PST_E_NOMEM;
    *module = (pst_module){.env = env, .fd = open(path, O_RDONLY | O_CLOEXEC)};
    pst_status status = PST_OK;
    if (module->fd < 0) status = pst_fail(env, PST_E_NOTFOUND, "cannot open %s again to load it", path);
    else if (!holds(module->fd, bytes, size)) status = pst_fail(env, PST_E_DENIED, "%s changed while it was loaded; try again", path);
    if (status == PST_OK) status = open_as(module, path);
    if (status == PST_OK) *out = module;
    else pst_pal_module_close(module);
    return status;
}

void *pst_pal_module_symbol(pst_module *module, const char *name) { return dlsym(module->handle, name); }

void pst_pal_module_close(pst_module *module)
{
    if (!module) return;
    if (module->handle) (void)dlclose(module->handle);
    if (module->fd >= 0) (void)close(module->fd);
    pst_free(module->env, module, sizeof *module);
}
