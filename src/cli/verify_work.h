// verify_work.h: what the files of `postern verify` share: a program as it is to be proved, and what came of it.
//
// Two front ends make subjects: verify_object.c from an object file, verify_lines.c from lines of JSON. verify_prove.c proves them;
// verify_json.c, verify_text.c and verify_html.c report.
#ifndef PST_CLI_VERIFY_WORK_H
#define PST_CLI_VERIFY_WORK_H

#include "base/arena.h"
#include "base/json_read.h"
#include "cli/cli.h"
#include "verify/verify.h"

// Exit codes of this command; the issue that it answers fixed them. The number is also how much one outweighs another.
typedef enum verify_exit {
    VERIFY_ALL_ACCEPTED = 0,
    VERIFY_SOME_REJECTED = 1,
    VERIFY_SOME_UNSUPPORTED = 2,
    VERIFY_UNREADABLE = 3,
} verify_exit;

struct verify_subject;
struct verify_answer;

typedef struct verify_data {
    const uint8_t *bytes;
    uint32_t size;
} verify_data;

/// The certificates of an object's programs: on the way into a file, or as they were read from one.
typedef struct verify_certificates {
    pst_text entries;  // to be written
    uint32_t count, missing; // missing: accepted programs without one
    uint8_t *bytes;    // that were read
    size_t size;
} verify_certificates;

typedef struct verify_settings {
    const cli_args *args;
    /// Gets each program of an object instead of a report (bench/verify_bench.c). NULL: reports.
    void (*visit)(void *user, const struct verify_subject *subject, const struct verify_answer *answer);
    void *visit_user;
    pst_verify_opts opts;
    const char *btf_path;     // NULL: this host's types
    pst_btf *host_btf;        // read when something needs it
    bool host_tried;
    pst_text *page;           // of --html; NULL: none
    verify_certificates *certificates; // of --certificate; NULL: none are made
    const verify_certificates *recheck; // of --recheck: what programs are proved by; NULL: proofs are searched for
    uint32_t page_programs;
    uint32_t accepted, rejected, unsupported, unreadable; // programs so far
} verify_settings;

/// A map that exists only as a description. The view is what image and verifier see.
typedef struct verify_map {
    pst_map_view view; // first
    const char *name;
    const struct verify_map *inner;
    const uint8_t *init; // init_count times key and value
    uint32_t init_count;
    uint32_t btf_key, btf_value; // types of key and value in the subject's btf; 0: unknown
} verify_map;

typedef struct verify_kfunc {
    uint32_t pc;
    const char *name;
} verify_kfunc;

/// A program to be proved. References to maps in slots are indices into maps. Everything lies in an arena of the front end.
typedef struct verify_subject {
    const pst_json_value *id;      // of a line of JSON, as it was given; NULL: none
    const char *program, *section; // NULL: a line of JSON
    const char *type_name;         // as it was given
    uint32_t prog_type, attach_type;
    bool sleepable, gpl_compatible;
    const char *license;
    pst_slot *slots;
    uint32_t count;
    verify_map *const *maps;
    uint32_t map_count;
    const pst_line *lines;
    uint32_t line_count;
    pst_btf *btf;
    const uint8_t *btf_bytes;       // as they were given
    uint32_t btf_size;
    const pst_func_info *funcs;     // by pc
    uint32_t func_count;
    const verify_kfunc *kfuncs;     // by pc
    uint32_t kfunc_count;
    pst_verify_mode mode;
    uint32_t flags;                 // PST_VERIFY_*
    const verify_data *runs;
    uint32_t run_count;
    const verify_data *certificate; // to prove it by; NULL: a proof is searched for
} verify_subject;

/// What came of it: the verifier's verdict, or one that the front end gave because there was nothing to verify.
typedef struct verify_answer {
    pst_image *image;     // NULL: there is none
    pst_verdict *proved;  // NULL: the front end answered
    pst_verdict own;
    bool bad_input;       // own is about the input, not about a program
    uint32_t rechecked_bytes; // of the certificate that it was proved by; 0: a proof was searched for
} verify_answer;

PST_INLINE const pst_verdict *verify_verdict(const verify_answer *answer)
{
    return answer->proved ? answer->proved : &answer->own;
}

// --- cmd_verify.c --------------------------------------------------------------------------------------------------

bool verify_mode_by_name(const char *name, pst_verify_mode *out);
const char *verify_mode_name(pst_verify_mode mode);
/// "accepted", "rejected", "unsupported"
const char *verify_verdict_text(pst_verdict_kind kind);
/// "r3"
const char *verify_register(int reg, char out[8]);

// --- verify_prove.c ------------------------------------------------------------------------------------------------

/// Builds the image and asks the verifier. There always is an answer, free it with verify_answer_free.
void verify_prove(verify_settings *settings, const verify_subject *subject, verify_answer *answer);
/// The types of the host or of --btf; NULL when there are none. They belong to the settings.
const pst_btf *verify_host_types(verify_settings *settings);
/// An answer without a proof.
void verify_answer_own(verify_answer *answer, pst_verdict_kind kind, pst_finding_kind finding, uint32_t pc, const char *fmt, ...) PST_PRINTF(5, 6);
void verify_answer_free(verify_answer *answer);
/// Counts the answer towards the exit code.
void verify_count(verify_settings *settings, const verify_answer *answer);
cli_exit verify_exit_code(const verify_settings *settings);
const char *verify_kfunc_name(const verify_subject *subject, uint32_t pc);
bool verify_license_is_gpl(const char *license);
/// Without leading white space.
const char *verify_trimmed(const char *text);
/// "prog.c:31" into out; false when nothing is known.
bool verify_place(const pst_image *image, uint32_t pc, char *out, size_t capacity);
/// The instruction at pc, with the names of maps, helpers and kfuncs.
void verify_disassemble(const verify_subject *subject, uint32_t pc, pst_text *out);

// --- verify_lines.c ------------------------------------------------------------------------------------------------

/// Makes a subject of one line, in the arena. False: *answer says why not; subject->id is set where the line has one.
PST_MUST_USE bool verify_line_read(verify_settings *settings, pst_arena *arena, const char *text, size_t size, verify_subject *subject,
                                   verify_answer *answer);
/// Frees what does not lie in the arena.
void verify_line_end(verify_subject *subject);

// --- Front ends and reports ----------------------------------------------------------------------------------------

/// `postern verify --programs` (verify_stream.c) and `postern verify FILE` (verify_object.c).
cli_exit verify_programs(verify_settings *settings, const char *path);
cli_exit verify_file(verify_settings *settings, const char *path, const char *name);

/// The members of the answer, without the braces; and a whole line for a program of an object.
void verify_json(pst_json *json, const verify_subject *subject, const verify_answer *answer);
void verify_report_json(const verify_subject *subject, const verify_answer *answer);
void verify_report_text(const verify_settings *settings, const verify_subject *subject, const verify_answer *answer);
/// Effort and bounds, on one line.
void verify_statistics(const pst_verdict *verdict, pst_text *out);
#define VERIFY_NOTHING_KNOWN "(nothing that later instructions need)"
/// The page of --html: begun once, a part for each program, finished text.
void verify_page_begin(pst_text *page, const char *file, pst_verify_mode mode);
void verify_page_program(verify_settings *settings, const verify_subject *subject, const verify_answer *answer);
void verify_page_end(pst_text *page);
/// One line that adds up several programs.
void verify_summary_text(const verify_settings *settings);

// --- verify_certificates.c -------------------------------------------------------------------------------------------

void verify_certificates_begin(verify_certificates *c);
void verify_certificates_add(verify_certificates *c, const verify_subject *subject, const verify_answer *answer);
cli_exit verify_certificates_write(const verify_certificates *c, const char *path);
cli_exit verify_certificates_read(verify_certificates *c, const char *path);
/// False: there is none for the program.
bool verify_certificates_find(const verify_certificates *c, const char *program, verify_data *out);
void verify_certificates_end(verify_certificates *c);

// --- verify_runs.c -------------------------------------------------------------------------------------------------

/// Runs an accepted program on subject->runs with every engine; writes "runs", and "disagree" when engines differ or one stopped (false).
bool verify_run(const verify_subject *subject, const verify_answer *answer, pst_json *json);

#endif
