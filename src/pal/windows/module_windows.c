// module_windows.c: DLLs, by LoadLibrary.
//
// While a module is open so is its file, in a way that lets nobody write to it: what is checked is what is loaded.
#include "pal/windows/windows_pal.h"

#include <string.h>

#include "pal/pal.h"

#define PATH_UNITS 4096 // UTF-16 units

struct pst_module {
    const pst_env *env;
    HANDLE file;
    HMODULE handle;
};

static bool holds(HANDLE file, const uint8_t *bytes, size_t size)
{
    uint8_t part[4096];
    for (;;) {
        DWORD got = 0;
        if (!ReadFile(file, part, sizeof part, &got, NULL) || got > size) return false;
        if (got == 0) return size == 0;
        if (memcmp(part, bytes, got) != 0) return false;
        bytes += got;
        size -= got;
    }
}

// LoadLibrary looks for names without a path in many places: it gets none.
static bool full_path(const char *path, WCHAR *out)
{
    WCHAR wide[PATH_UNITS];
    if (!MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, wide, PATH_UNITS)) return false;
    DWORD length = GetFullPathNameW(wide, PATH_UNITS, out, NULL);
    return length > 0 && length < PATH_UNITS;
}

static pst_status load(pst_module *module, const char *path, const void *bytes, size_t size)
{
    WCHAR wide[PATH_UNITS];
    const pst_env *env = module->env;
    if (!full_path(path, wide)) return pst_fail(env, PST_E_INVALID, "%s is no path", path);
    module->file = CreateFileW(wide, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    if (module->file == INVALID_HANDLE_VALUE) return pst_fail(env, PST_E_NOTFOUND, "cannot open %s again to load it", path);
    if (!holds(module->file, bytes, size)) return pst_fail(env, PST_E_DENIED, "%s changed while it was loaded; try again", path);
    module->handle = LoadLibraryExW(wide, NULL, 0);
    if (module->handle) return PST_OK;
    return pst_fail(env, PST_E_DENIED, "the host does not load %s: Windows error %lu", path, (unsigned long)GetLastError());
}

pst_status pst_pal_module_open(const pst_env *env, const char *path, const void *bytes, size_t size, pst_module **out)
{
    pst_module *module = pst_alloc_zero(env, 1, sizeof *module);
    *out = NULL;
    if (!module) return PST_E_NOMEM;
    *module = (pst_module){.env = env, .file = INVALID_HANDLE_VALUE};
    pst_status status = load(module, path, bytes, size);
    if (status == PST_OK) *out = module;
    else pst_pal_module_close(module);
    return status;
}

void *pst_pal_module_symbol(pst_module *module, const char *name)
{
    return (void *)(uintptr_t)GetProcAddress(module->handle, name);
}

void pst_pal_module_close(pst_module *module)
{
    if (!module) return;
    if (module->handle) FreeLibrary(module->handle);
    if (module->file != INVALID_HANDLE_VALUE) CloseHandle(module->file);
    pst_free(module->env, module, sizeof *module);
}
