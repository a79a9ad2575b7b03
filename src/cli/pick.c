// pick.c: opens an object, finds the program that the user means, loads it and no other.
#include <errno.h>
#include <string.h>

#include "api/api.h"
#include "catalog/catalog.h"
#include "cli/cli.h"
#include "pal/pal.h"

// Of a file that cannot be read at all; a directory is an input that is refused.
static cli_exit exit_of_read(pst_status status)
{
    switch (status) {
    case PST_E_NOTFOUND: return CLI_MISSING;
    case PST_E_DENIED: return CLI_DENIED;
    case PST_E_NOMEM: return CLI_FAILED;
    default: return CLI_REJECTED;
    }
}

cli_exit cli_read_file(const char *path, size_t limit, uint8_t **bytes, size_t *size)
{
    pst_status status = pst_pal_file_read(cli_env(), path, limit, bytes, size);
    return status == PST_OK ? CLI_OK : cli_fail_last(exit_of_read(status), pst_status_text(status));
}

cli_exit cli_open(const char *path, const char *btf, struct bpf_object **out)
{
    struct bpf_object_open_opts opts = {.sz = sizeof opts, .btf_custom_path = btf};
    *out = bpf_object__open_file(path, &opts);
    if (*out) return CLI_OK;
    int err = errno;
    return cli_fail_last(cli_exit_of_errno(err), "the object cannot be opened");
}

// The section as the user may write it: with or without "?".
static bool section_is(const struct bpf_program *prog, const char *name)
{
    const char *section = bpf_program__section_name(prog);
    return strcmp(section, name) == 0 || (section[0] == '?' && strcmp(section + 1, name) == 0);
}

// Names of the programs of a type, for sentences.
static void list_programs(struct bpf_object *obj, const char *section, uint32_t type, pst_text *out)
{
    struct bpf_program *prog;
    size_t count = 0;
    bpf_object__for_each_program(prog, obj) {
        if (type && (uint32_t)bpf_program__type(prog) != type) continue;
        if (section && !section_is(prog, section)) continue;
        if (++count <= 16) pst_text_format(out, "%s%s", count > 1 ? ", " : "", bpf_program__name(prog));
    }
    if (count > 16) pst_text_format(out, " and %zu more", count - 16);
}

static size_t count_matches(struct bpf_object *obj, const char *section, uint32_t type, struct bpf_program **last)
{
    size_t count = 0;
    struct bpf_program *prog;
    bpf_object__for_each_program(prog, obj) {
        if (type && (uint32_t)bpf_program__type(prog) != type) continue;
        if (section && !section_is(prog, section)) continue;
        *last = prog;
        count++;
    }
    return count;
}

static cli_exit none_found(struct bpf_object *obj, const char *file, const char *name, uint32_t type)
{
    pst_text names;
    pst_text_init(&names, cli_env());
    list_programs(obj, NULL, 0, &names);
    cli_exit code;
    if (!names.size)
        code = cli_fail(CLI_REJECTED, "%s: there is no program in it", file);
    else if (name)
        code = cli_fail(CLI_MISSING, "%s: no program or section is called %s; there are %s", file, name, pst_text_cstr(&names));
    else
        code = cli_fail(CLI_MISSING, "%s: no program is of type %s; there are %s (name one with --program to use it as such)", file,
                        pst_prog_type_name(type), pst_text_cstr(&names));
    pst_text_free(&names);
    return code;
}

static cli_exit several_found(struct bpf_object *obj, const char *file, const char *section, uint32_t type, size_t count)
{
    pst_text names;
    pst_text_init(&names, cli_env());
    list_programs(obj, section, type, &names);
    cli_exit code = cli_fail(CLI_USAGE, "%s: %zu programs fit; name one of %s", file, count, pst_text_cstr(&names));
    pst_text_free(&names);
    return code;
}

cli_exit cli_pick(struct bpf_object *obj, const char *file, const char *name, uint32_t type, struct bpf_program **out)
{
    if (name && (*out = bpf_object__find_program_by_name(obj, name))) return CLI_OK;
    // A named section counts whatever its type.
    uint32_t wanted = name ? 0 : type;
    size_t count = count_matches(obj, name, wanted, out);
    if (count == 1) return CLI_OK;
    return count ? several_found(obj, file, name, wanted, count) : none_found(obj, file, name, wanted);
}

// Programs that a program array has from the start are called by the chosen one.
static bool is_in_slots(const pst_object *object, uint32_t index)
{
    for (uint32_t m = 0; m < object->map_count; m++)
        for (uint32_t s = 0; object->maps[m].type == PST_MAP_PROG_ARRAY && s < object->maps[m].slot_count; s++)
            if (object->maps[m].slots[s].index == index) return true;
    return false;
}

// EACCES is how a core says that a program is not proved.
cli_exit cli_fail_load(int err)
{
    return cli_fail_last(err == EACCES ? CLI_REJECTED : cli_exit_of_errno(err), "the object cannot be loaded");
}

cli_exit cli_load(struct bpf_object *obj, struct bpf_program *chosen)
{
    struct bpf_program *prog;
    uint32_t index = 0;
    bpf_object__for_each_program(prog, obj) {
        bool wanted = prog == chosen || is_in_slots(obj->object, index);
        index++;
        if (bpf_program__set_autoload(prog, wanted) < 0) return cli_fail_last(CLI_FAILED, "the object is loaded already");
    }
    if (bpf_object__load(obj) == 0) return CLI_OK;
    return cli_fail_load(errno);
}

pst_btf *cli_types(const struct bpf_object *obj)
{
    struct btf *btf = bpf_object__btf(obj);
    if (!btf) return NULL;
    uint32_t size;
    const void *bytes = btf__raw_data(btf, &size);
    pst_btf *parsed;
    return pst_btf_parse(cli_env(), bytes, size, "BTF", &parsed) == PST_OK ? parsed : NULL;
}
