// file_windows.c: whole files in, whole files out. Paths are UTF-8.
#include "pal/windows/windows_pal.h"

#include <string.h>

#include "base/format.h"
#include "pal/pal.h"

#define PATH_UNITS 4096 // UTF-16 units

// One sentence without its full stop and line end.
static void error_text(DWORD error, char *out, size_t size)
{
    WCHAR wide[256];
    DWORD length = FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL, error, 0, wide,
                                  PST_COUNT(wide), NULL);
    while (length > 0 && (wide[length - 1] <= L' ' || wide[length - 1] == L'.')) length--;
    int used = WideCharToMultiByte(CP_UTF8, 0, wide, (int)length, out, (int)size - 1, NULL, NULL);
    if (used > 0) out[used] = '\0';
    else (void)pst_format(out, size, "Windows error %lu", (unsigned long)error);
}

static pst_status fail_path(const pst_env *env, const char *what, const char *path, DWORD error)
{
    char text[512];
    error_text(error, text, sizeof text);
    return pst_fail(env, windows_status(error), "cannot %s %s: %s", what, path, text);
}

// Into a buffer of PATH_UNITS; an error number or 0.
static DWORD widen(const char *path, WCHAR *out)
{
    return MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, out, PATH_UNITS) ? 0 : ERROR_INVALID_NAME;
}

typedef struct block {
    uint8_t *bytes;
    size_t capacity, size;
} block;

// Reads to the end of the file. The size that was told is a hint only: pipes have none, others may grow meanwhile.
static pst_status read_all(const pst_env *env, HANDLE file, const char *path, size_t limit, block *b)
{
    for (;;) {
        DWORD got = 0;
        if (b->size == b->capacity) PST_TRY(pst_grow(env, &b->bytes, &b->capacity, b->size + 4096, 1));
        size_t room = b->capacity - b->size;
        if (!ReadFile(file, b->bytes + b->size, room > (1u << 30) ? 1u << 30 : (DWORD)room, &got, NULL)) {
            if (GetLastError() == ERROR_BROKEN_PIPE) return PST_OK; // the end of a pipe
            return fail_path(env, "read", path, GetLastError());
        }
        if (got == 0) return PST_OK;
        b->size += got;
        if (b->size > limit)
            return pst_fail(env, PST_E_LIMIT, "%s is larger than the limit of %zu bytes", path, limit);
    }
}

static pst_status prepare_read(const pst_env *env, HANDLE file, const char *path, size_t limit, block *b)
{
    LARGE_INTEGER size = {0};
    if (GetFileType(file) == FILE_TYPE_DISK && !GetFileSizeEx(file, &size)) return fail_path(env, "read", path, GetLastError());
    uint64_t expected = (uint64_t)size.QuadPart;
    if (expected > limit)
        return pst_fail(env, PST_E_LIMIT, "%s has %llu bytes, more than the limit of %zu", path,
                        (unsigned long long)expected, limit);
    return pst_grow(env, &b->bytes, &b->capacity, (size_t)expected + 1, 1);
}

static pst_status open_read(const pst_env *env, const char *path, HANDLE *out)
{
    WCHAR wide[PATH_UNITS];
    DWORD error = widen(path, wide);
    if (error) return fail_path(env, "open", path, error);
    DWORD attributes = GetFileAttributesW(wide);
    if (attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY))
        return pst_fail(env, PST_E_IO, "cannot read %s: it is a directory", path);
    *out = CreateFileW(wide, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL, OPEN_EXISTING, 0, NULL);
    return *out == INVALID_HANDLE_VALUE ? fail_path(env, "open", path, GetLastError()) : PST_OK;
}

pst_status pst_pal_file_read(const pst_env *env, const char *path, size_t limit, uint8_t **out, size_t *size)
{
    block b = {0};
    uint8_t *exact = NULL;
    HANDLE file;
    PST_TRY(open_read(env, path, &file));
    pst_status status = prepare_read(env, file, path, limit, &b);
    if (status == PST_OK) status = read_all(env, file, path, limit, &b);
    CloseHandle(file);
    if (status == PST_OK) {
        exact = env->resize(env->user, b.bytes, b.capacity, b.size + 1);
        if (!exact) status = PST_E_NOMEM;
    }
    if (status != PST_OK) {
        if (status == PST_E_NOMEM) (void)pst_fail(env, status, "cannot read %s: out of memory", path);
        pst_free(env, b.bytes, b.capacity);
        return status;
    }
    exact[b.size] = 0;
    *out = exact;
    *size = b.size;
    return PST_OK;
}

static DWORD write_all(HANDLE file, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        DWORD put, part = size > (1u << 30) ? 1u << 30 : (DWORD)size;
        if (!WriteFile(file, bytes, part, &put, NULL)) return GetLastError();
        bytes += put;
        size -= put;
    }
    return 0;
}

// Into what is no file on a disk (a console, a pipe, NUL): there is nothing to replace.
static bool write_through(const WCHAR *path, const void *bytes, size_t size, DWORD *error)
{
    HANDLE file = CreateFileW(path, GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE) return false;
    bool special = GetFileType(file) != FILE_TYPE_DISK;
    if (special) *error = write_all(file, bytes, size);
    CloseHandle(file);
    return special;
}

// Beside the target, then moved over it.
static DWORD write_beside(const WCHAR *path, const WCHAR *temporary, const void *bytes, size_t size)
{
    HANDLE file = CreateFileW(temporary, GENERIC_WRITE, 0, NULL, CREATE_NEW, FILE_ATTRIBUTE_NORMAL, NULL);
    if (file == INVALID_HANDLE_VALUE) return GetLastError();
    DWORD error = write_all(file, bytes, size);
    // Without it a crash may leave the new name with no content.
    if (!error && !FlushFileBuffers(file)) error = GetLastError();
    CloseHandle(file);
    if (!error && !MoveFileExW(temporary, path, MOVEFILE_REPLACE_EXISTING)) error = GetLastError();
    if (error) DeleteFileW(temporary);
    return error;
}

static DWORD write_path(const char *path, const void *bytes, size_t size)
{
    WCHAR wide[PATH_UNITS], temporary[PATH_UNITS];
    char name[PATH_UNITS];
    uint64_t chance;
    DWORD error = widen(path, wide);
    if (error) return error;
    if (write_through(wide, bytes, size, &error)) return error;
    pst_pal_random(&chance, sizeof chance);
    if (pst_format(name, sizeof name, "%s.%016llx.tmp", path, (unsigned long long)chance) >= sizeof name)
        return ERROR_FILENAME_EXCED_RANGE;
    error = widen(name, temporary);
    return error ? error : write_beside(wide, temporary, bytes, size);
}

pst_status pst_pal_file_write(const pst_env *env, const char *path, const void *bytes, size_t size)
{
    DWORD error = write_path(path, bytes, size);
    return error ? fail_path(env, "write", path, error) : PST_OK;
}

// Who may read it is what the folder hands down to its files.
pst_status pst_pal_file_create(const pst_env *env, const char *path, const void *bytes, size_t size, bool is_private)
{
    WCHAR wide[PATH_UNITS];
    DWORD put = 0, error = widen(path, wide);
    (void)is_private;
    if (error) return fail_path(env, "create", path, error);
    HANDLE file = CreateFileW(wide, GENERIC_WRITE, 0, NULL, CREATE_NEW, FILE_ATTRIBUTE_NORMAL, NULL);
    if (file == INVALID_HANDLE_VALUE && GetLastError() == ERROR_FILE_EXISTS)
        return pst_fail(env, PST_E_EXISTS, "%s exists already, and a key is never replaced: remove it first", path);
    if (file == INVALID_HANDLE_VALUE) return fail_path(env, "create", path, GetLastError());
    if (!WriteFile(file, bytes, (DWORD)size, &put, NULL)) error = GetLastError();
    else if (put != size) error = ERROR_DISK_FULL;
    CloseHandle(file);
    if (error) DeleteFileW(wide);
    return error ? fail_path(env, "write", path, error) : PST_OK;
}
