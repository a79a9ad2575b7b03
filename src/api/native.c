// native.c: native modules: an object's programs compiled ahead of time into a file, and such a file as an object.
//
// A module carries the object that it was compiled from, so everything of libbpf works on it as on the object: names, maps, types, skeletons. Only
// bpf_object__load differs: maps are created as always, and programs get their proof and their code from the module instead of the core.
#include <stdio.h>

#include "api/api.h"
#include "core/native.h"
#include "jit/native/c_form.h"
#include "pal/pal.h"

#define KEY_BYTES_MAX (1u << 20) // of a file with keys

// --- Loading ----------------------------------------------------------------------------------------------------------

bool api_object_source(const uint8_t *bytes, size_t size, const uint8_t **object, size_t *object_size, pst_native **module)
{
    *object = bytes;
    *object_size = size;
    *module = NULL;
    if (!pst_native_is(bytes, size)) return true;
    if (pst_native_read(api_env(), bytes, size, module) != PST_OK) return false;
    *object = (*module)->object;
    *object_size = (*module)->object_size;
    return true;
}

int api_native_open(struct bpf_object *obj)
{
    if (!obj->module) return 0;
    pst_core *core = api_core();
    // A host proves the object inside, and compiles it as it likes.
    if (!core || !pst_core_native_wanted(core)) return 0;
    if (!obj->from_file)
        return api_fail(EINVAL, "%s: a native module is loaded from its file: open it with bpf_object__open_file", obj->object->file);
    pst_status status = pst_core_native_open(core, api_env(), obj->object->file, obj->bytes, obj->bytes_size, &obj->native);
    return status == PST_OK ? 0 : api_err(-api_errno_of(status));
}

// --- Trust --------------------------------------------------------------------------------------------------------------

pst_status api_trust_read(const char *path, pst_trust *out)
{
    uint8_t *text;
    size_t size;
    *out = (pst_trust){0};
    PST_TRY(pst_pal_file_read(api_env(), path, KEY_BYTES_MAX, &text, &size));
    pst_status status = pst_trust_read(api_env(), path, (const char *)text, size, out);
    pst_free(api_env(), text, size + 1);
    return status;
}

static pst_status key_read(const char *path, uint8_t out[PST_PRIVATE_KEY_SIZE])
{
    uint8_t *text;
    size_t size;
    PST_TRY(pst_pal_file_read(api_env(), path, KEY_BYTES_MAX, &text, &size));
    pst_status status = pst_key_read(api_env(), path, (const char *)text, size, out);
    pst_free(api_env(), text, size + 1);
    return status;
}

static pst_status write_keys(const char *path, const char *public_path, const uint8_t key[PST_PRIVATE_KEY_SIZE])
{
    pst_text secret, shared;
    pst_text_init(&secret, api_env());
    pst_text_init(&shared, api_env());
    pst_key_write(&secret, key, true);
    pst_key_write(&shared, key, false);
    pst_status status = secret.failed || shared.failed ? PST_E_NOMEM : PST_OK;
    if (status == PST_OK) status = pst_pal_file_create(api_env(), path, secret.data, secret.size, true);
    if (status == PST_OK) {
        status = pst_pal_file_create(api_env(), public_path, shared.data, shared.size, false);
        if (status != PST_OK) (void)remove(path); // half of a pair would stand in the way of the next try
    }
    pst_text_free(&secret);
    pst_text_free(&shared);
    return status;
}

int postern_keygen(const char *path)
{
    uint8_t key[PST_PRIVATE_KEY_SIZE];
    char public_path[API_PATH_MAX];
    if (!path || !*path || strlen(path) + sizeof ".pub" > sizeof public_path) return api_fail(EINVAL, "postern_keygen: no path, or too long a one");
    memcpy(public_path, path, strlen(path));
    memcpy(public_path + strlen(path), ".pub", sizeof ".pub");
    pst_status status = pst_pal_key_create(key);
    if (status != PST_OK) return api_fail(api_errno_of(status), "no key can be made: %s", pst_status_text(status));
    status = write_keys(path, public_path, key);
    memset(key, 0, sizeof key);
    return status == PST_OK ? 0 : api_err(-api_errno_of(status));
}

// --- Compiling ----------------------------------------------------------------------------------------------------------

typedef struct form {
    const char *ending;
    pst_native_kind kind;
    pst_jit_target target; // unless the caller names one
} form;

static const form forms[] = {
    {".so", PST_NATIVE_ELF, PST_JIT_TARGET_X64_LINUX},
    {".dll", PST_NATIVE_DLL, PST_JIT_TARGET_X64_WINDOWS},
    {".sys", PST_NATIVE_SYS, PST_JIT_TARGET_X64_WINDOWS},
};

static const form *form_of(const char *path)
{
    size_t length = strlen(path);
    for (size_t i = 0; i < PST_COUNT(forms); i++) {
        size_t ending = strlen(forms[i].ending);
        if (length > ending && strcmp(path + length - ending, forms[i].ending) == 0) return &forms[i];
    }
    return NULL;
}

static pst_status add_all(const struct bpf_object *obj, pst_native *out)
{
    pst_client *client = api_client();
    uint32_t maps = obj->object->map_count, progs = obj->object->program_count;
    PST_TRY(pst_native_reserve(out, 2 * maps, progs)); // a map of maps brings its template
    for (uint32_t i = 0; i < maps; i++) {
        const struct bpf_map *map = &obj->maps[i];
        if (map->fd < 0) continue;
        PST_TRY(pst_core_native_add_map(client, api_env(), map->fd, map->def->name, map->def->initial != NULL, out));
    }
    for (uint32_t i = 0; i < progs; i++) {
        const struct bpf_program *prog = &obj->programs[i];
        if (prog->fd < 0) continue;
        PST_TRY(pst_core_native_add_prog(client, api_env(), prog->fd, prog->def->name, prog->def->section, out));
    }
    return out->prog_count ? PST_OK : pst_fail(api_env(), PST_E_INVALID, "%s: no program of it is loaded, so there is nothing to compile", obj->object->file);
}

static pst_status sign(const char *key_path, pst_text *file)
{
    uint8_t key[PST_PRIVATE_KEY_SIZE];
    PST_TRY(key_read(key_path, key));
    pst_status status = pst_native_sign(api_env(), (uint8_t *)file->data, file->size, key);
    memset(key, 0, sizeof key);
    return status;
}

static pst_status compile_to(const struct bpf_object *obj, const char *path, const form *as, pst_jit_target target, const char *key)
{
    pst_text file;
    pst_native *native = pst_native_create(api_env());
    if (!native) return PST_E_NOMEM;
    pst_text_init(&file, api_env());
    native->target = target;
    native->name = obj->object->name;
    native->object = obj->source;
    native->object_size = (uint32_t)obj->source_size;
    pst_status status = add_all(obj, native);
    if (status == PST_OK) status = pst_native_write(api_env(), native, as->kind, &file);
    if (status == PST_OK && key) status = sign(key, &file);
    if (status == PST_OK) status = pst_pal_file_write(api_env(), path, file.data, file.size);
    pst_text_free(&file);
    pst_native_free(native);
    return status;
}

static pst_status write_c(const struct bpf_object *obj, const char *path)
{
    pst_text file;
    pst_status status = PST_OK;
    pst_text_init(&file, api_env());
    pst_c_form_begin(&file, obj->object->name);
    for (uint32_t i = 0; i < obj->object->program_count && status == PST_OK; i++) {
        const struct bpf_program *prog = &obj->programs[i];
        if (prog->fd >= 0) status = pst_core_native_add_c(api_client(), api_env(), prog->fd, prog->def->name, &file);
    }
    if (status == PST_OK && file.failed) status = PST_E_NOMEM;
    if (status == PST_OK) status = pst_pal_file_write(api_env(), path, file.data, file.size);
    pst_text_free(&file);
    return status;
}

static bool is_c(const char *path)
{
    size_t length = strlen(path);
    return length > 2 && strcmp(path + length - 2, ".c") == 0;
}

int postern_compile(const struct bpf_object *obj, const char *path, const struct postern_compile_options *options)
{
    struct postern_compile_options o;
    if (!obj || !path || !api_opts_copy(&o, sizeof o, options)) return api_fail(EINVAL, "postern_compile: no object, no path, or a wrong size of the options");
    bool c = is_c(path);
    const form *as = c ? &forms[0] : form_of(path);
    if (!as) return api_fail(EINVAL, "%s: the ending says what is written, and it is none of .so, .dll, .sys and .c", path);
    if (c && o.target && strcmp(o.target, "c") != 0) return api_fail(EINVAL, "%s: C is for no target but c, and %s is named", path, o.target);
    if (c && o.key) return api_fail(EINVAL, "%s: C is not signed: it is for people and other compilers", path);
    bool arm64 = as->kind == PST_NATIVE_ELF && pst_jit_target_of_host() == PST_JIT_TARGET_ARM64_LINUX; // this machine's, where it can be
    pst_jit_target target = o.target && !c ? pst_jit_target_by_name(o.target) : arm64 ? PST_JIT_TARGET_ARM64_LINUX : as->target;
    if (target == PST_JIT_TARGETS) return api_fail(EINVAL, "there is no target %s; there are x86_64-linux, x86_64-windows, arm64-linux and, for files that end in .c, c", o.target);
    if (o.key && as->kind == PST_NATIVE_SYS)
        return api_fail(EINVAL, "%s: the system checks a driver's Authenticode signature: sign it with signtool or osslsigncode instead", path);
    if (!api_client()) return api_fail(EOPNOTSUPP, "%s: what a host has loaded cannot be compiled here: use a core in this process (POSTERN_HOST unset)", obj->object->file);
    if (!obj->loaded) return api_fail(EINVAL, "%s: load the object first: only what is proved is compiled", obj->object->file);
    pst_status status = c ? write_c(obj, path) : compile_to(obj, path, as, target, o.key);
    return status == PST_OK ? 0 : api_err(-api_errno_of(status));
}
