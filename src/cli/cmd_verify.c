// cmd_verify.c: `postern verify`: its options, and the choice between an object file and lines of programs.
#include <stdio.h>
#include <string.h>

#include "cli/verify_work.h"
#include "pal/pal.h"

bool verify_mode_by_name(const char *name, pst_verify_mode *out)
{
    if (strcmp(name, "privileged") == 0) *out = PST_VERIFY_PRIVILEGED;
    else if (strcmp(name, "strict") == 0) *out = PST_VERIFY_STRICT;
    else return false;
    return true;
}

const char *verify_mode_name(pst_verify_mode mode)
{
    return mode == PST_VERIFY_STRICT ? "strict" : "privileged";
}

const char *verify_verdict_text(pst_verdict_kind kind)
{
    switch (kind) {
    case PST_VERDICT_ACCEPT: return "accepted";
    case PST_VERDICT_REJECT: return "rejected";
    case PST_VERDICT_UNSUPPORTED: return "unsupported";
    }
    return "";
}

const char *verify_register(int reg, char out[8])
{
    snprintf(out, 8, "r%d", reg & 15);
    return out;
}

static cli_exit read_limit(const cli_args *args, const char *name, uint32_t *out)
{
    uint64_t number = 0;
    cli_exit code = cli_number(args, name, UINT32_MAX, &number);
    if (code == CLI_OK && number) *out = (uint32_t)number;
    return code;
}

static cli_exit read_settings(verify_settings *s)
{
    const cli_args *args = s->args;
    const char *mode = cli_value(args, "mode");
    s->opts = (pst_verify_opts){.size = sizeof s->opts};
    s->btf_path = cli_value(args, "btf");
    s->opts.keep_states = cli_value(args, "explain") || cli_value(args, "html");
    s->opts.certificate = cli_value(args, "certificate") != NULL;
    s->opts.meter_loops = cli_value(args, "meter") != NULL;
    if (mode && !verify_mode_by_name(mode, &s->opts.mode)) return cli_fail(CLI_USAGE, "--mode %s: privileged or strict is expected", mode);
    cli_exit code = cli_number(args, "max-steps", UINT64_MAX - 1, &s->opts.steps_max);
    if (code == CLI_OK) code = read_limit(args, "max-states", &s->opts.states_max);
    if (code == CLI_OK) code = read_limit(args, "unroll", &s->opts.unroll_max);
    if (code == CLI_OK) code = cli_number(args, "max-turns", UINT64_MAX - 1, &s->opts.turns_max);
    if (code == CLI_OK) code = read_limit(args, "stack-max", &s->opts.stack_max);
    return code;
}

// The page is written even when programs were rejected: it is made for those.
static cli_exit file_with_page(verify_settings *s, const char *file, const char *name, const char *path)
{
    pst_text page;
    pst_text_init(&page, cli_env());
    verify_page_begin(&page, file, s->opts.mode);
    s->page = &page;
    cli_exit code = verify_file(s, file, name);
    s->page = NULL;
    verify_page_end(&page);
    if (s->page_programs) {
        cli_forget_sentence();
        pst_status status = page.failed ? PST_E_NOMEM : pst_pal_file_write(cli_env(), path, page.data, page.size);
        if (status != PST_OK) code = cli_fail_last((cli_exit)VERIFY_UNREADABLE, "the page cannot be written");
    }
    pst_text_free(&page);
    return code;
}

// The file is written even when some programs were rejected: it has those of the others.
static cli_exit file_with_certificates(verify_settings *s, const char *file, const char *name, const char *path)
{
    verify_certificates made;
    verify_certificates_begin(&made);
    s->certificates = &made;
    const char *page = cli_value(s->args, "html");
    cli_exit code = page ? file_with_page(s, file, name, page) : verify_file(s, file, name);
    s->certificates = NULL;
    bool looked = s->accepted + s->rejected + s->unsupported > 0;
    cli_exit written = looked ? verify_certificates_write(&made, path) : CLI_OK;
    if (written == CLI_OK && made.missing)
        written = cli_fail((cli_exit)VERIFY_UNREADABLE, "%u accepted program%s got no certificate: no proof with few states was found within the limits",
                           made.missing, made.missing == 1 ? "" : "s");
    verify_certificates_end(&made);
    return written != CLI_OK ? written : code;
}

static cli_exit file_by_certificates(verify_settings *s, const char *file, const char *name, const char *path)
{
    verify_certificates read;
    verify_certificates_begin(&read);
    cli_exit code = verify_certificates_read(&read, path);
    s->recheck = &read;
    if (code == CLI_OK) code = verify_file(s, file, name);
    s->recheck = NULL;
    verify_certificates_end(&read);
    return code;
}

static cli_exit check_options(const cli_args *args)
{
    const char *programs = cli_value(args, "programs"), *recheck = cli_value(args, "recheck"), *certificate = cli_value(args, "certificate");
    if (programs && args->count) return cli_fail(CLI_USAGE, "verify takes either FILE or --programs, not both");
    if (programs && cli_value(args, "html")) return cli_fail(CLI_USAGE, "--html is for object files; --programs answers in JSON");
    if (programs && (recheck || certificate)) return cli_fail(CLI_USAGE, "--certificate and --recheck are for object files; --programs only proves");
    if (recheck && (certificate || cli_value(args, "html") || cli_value(args, "explain")))
        return cli_fail(CLI_USAGE, "--recheck searches for no proof, so it has nothing for --certificate, --html or --explain");
    if (!programs && !args->count) return cli_fail(CLI_USAGE, "verify needs FILE or --programs; usage: postern verify %s", args->command->arguments);
    return CLI_OK;
}

static cli_exit dispatch(verify_settings *s)
{
    const cli_args *args = s->args;
    const char *programs = cli_value(args, "programs"), *recheck = cli_value(args, "recheck"), *certificate = cli_value(args, "certificate");
    cli_exit code = check_options(args);
    if (code != CLI_OK) return code;
    if (programs) return verify_programs(s, programs);
    const char *file = args->argument[0], *name = args->count > 1 ? args->argument[1] : NULL, *page = cli_value(args, "html");
    if (recheck) code = file_by_certificates(s, file, name, recheck);
    else if (certificate) code = file_with_certificates(s, file, name, certificate);
    else code = page ? file_with_page(s, file, name, page) : verify_file(s, file, name);
    if (!args->json) verify_summary_text(s);
    return code;
}

cli_exit cli_verify(const cli_args *args)
{
    verify_settings s = {.args = args};
    // Runs of what is proved need a core whose engines can be chosen: this process's own, whatever POSTERN_HOST says.
    const struct postern_options here = {.size = sizeof here, .host = ""};
    if (postern_configure(&here) != 0) return CLI_FAILED;
    cli_exit code = read_settings(&s);
    if (code == CLI_OK) code = dispatch(&s);
    pst_btf_free(s.host_btf);
    return code;
}
