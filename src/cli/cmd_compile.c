// cmd_compile.c: `postern compile` and `postern keygen`: native modules, and the keys that vouch for them.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

// Only the programs that are wanted, or all of them; what the section's "?" says counts for nothing here.
static cli_exit choose(const cli_args *args, struct bpf_object *obj)
{
    struct bpf_program *chosen = NULL, *prog;
    const char *name = cli_value(args, "program");
    if (name) {
        cli_exit code = cli_pick(obj, args->argument[0], name, 0, &chosen);
        if (code != CLI_OK) return code;
    }
    bpf_object__for_each_program(prog, obj) {
        if (bpf_program__set_autoload(prog, !chosen || prog == chosen) < 0) return cli_fail_last(CLI_FAILED, "a program cannot be chosen");
    }
    return CLI_OK;
}

static cli_exit set_and_load(const cli_args *args, struct bpf_object *obj)
{
    pst_btf *types = cli_types(obj);
    cli_exit code = cli_set_variables(args, obj, types);
    if (code == CLI_OK) code = choose(args, obj);
    if (code == CLI_OK && bpf_object__load(obj) < 0) code = cli_fail_load(errno);
    pst_btf_free(types);
    return code;
}

static cli_exit compile(const cli_args *args, struct bpf_object *obj, const char *out)
{
    struct postern_compile_options options = {.size = sizeof options, .target = cli_value(args, "target"), .key = cli_value(args, "sign")};
    if (postern_compile(obj, out, &options) == 0) return CLI_OK;
    int err = errno;
    cli_exit code = err == EINVAL ? CLI_USAGE : err == EOPNOTSUPP ? CLI_REJECTED : cli_exit_of_errno(err);
    return cli_fail_last(code, "the programs cannot be compiled");
}

static void report(const cli_args *args, struct bpf_object *obj, const char *out)
{
    struct bpf_program *prog;
    size_t count = 0;
    bpf_object__for_each_program(prog, obj) count += bpf_program__fd(prog) >= 0;
    if (args->json) {
        cli_line line;
        cli_line_begin(&line, "compiled");
        pst_json_key(&line.json, "file");
        pst_json_string(&line.json, out);
        pst_json_key(&line.json, "programs");
        pst_json_u64(&line.json, count);
        pst_json_key(&line.json, "signed");
        pst_json_bool(&line.json, cli_value(args, "sign") != NULL);
        cli_line_end(&line);
        return;
    }
    printf("%s: %zu program%s, %s\n", out, count, count == 1 ? "" : "s", cli_value(args, "sign") ? "signed" : "not signed");
}

cli_exit cli_compile(const cli_args *args)
{
    struct bpf_object *obj = NULL;
    const char *out = cli_value(args, "output");
    if (!out) return cli_fail(CLI_USAGE, "compile needs a file to write: -o OUT.so, OUT.dll, OUT.sys or OUT.c");
    // A core of its own, and with an engine named, so that a module is taken for the object inside. Nothing runs here: the one that compiles nothing will do.
    cli_exit code = cli_use_engine(args, POSTERN_ENGINE_CHECKED);
    if (code == CLI_OK) code = cli_open(args->argument[0], cli_value(args, "btf"), &obj);
    if (code == CLI_OK) code = set_and_load(args, obj);
    if (code == CLI_OK) code = compile(args, obj, out);
    if (code == CLI_OK) report(args, obj, out);
    bpf_object__close(obj);
    return code;
}

cli_exit cli_keygen(const cli_args *args)
{
    const char *path = args->argument[0];
    if (postern_keygen(path) < 0) return cli_fail_last(errno == EINVAL ? CLI_USAGE : cli_exit_of_errno(errno), "no key can be made");
    if (!args->json) {
        printf("%s: the secret key, which signs; %s.pub: the public key, to be trusted\n", path, path);
        return CLI_OK;
    }
    cli_line line;
    cli_line_begin(&line, "key");
    pst_json_key(&line.json, "file");
    pst_json_string(&line.json, path);
    cli_line_end(&line);
    return CLI_OK;
}
