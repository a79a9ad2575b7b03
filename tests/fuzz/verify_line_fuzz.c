// verify_line_fuzz.c: any bytes as a program line: read, built and proved within limits, and always answered.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/verify_work.h"
#include "verify/verify.h"

#define STEPS_MAX 20000u
#define MEMORY_MAX (64u << 20)

static void must(int truth)
{
    if (!truth) abort();
}

static void check_answer(const verify_subject *subject, const verify_answer *answer)
{
    const pst_verdict *v = verify_verdict(answer);
    pst_text text;
    pst_json json;
    pst_text_init(&text, cli_env());
    pst_json_init(&json, &text, false);
    pst_json_object_begin(&json);
    verify_json(&json, subject, answer);
    pst_json_object_end(&json);
    must(!text.failed);
    pst_text_free(&text);
    must((v->kind == PST_VERDICT_ACCEPT) == (answer->proved && !*v->finding.text));
    must(v->finding.pc == 0 || answer->bad_input || v->finding.pc < subject->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    verify_settings settings = {.opts = {.size = sizeof settings.opts, .steps_max = STEPS_MAX, .bytes_max = MEMORY_MAX}};
    verify_subject subject;
    verify_answer answer;
    pst_arena arena;
    settings.host_tried = true; // the host's types would make the answer depend on the host
    pst_arena_init(&arena, cli_env(), MEMORY_MAX);
    if (verify_line_read(&settings, &arena, (const char *)data, size, &subject, &answer)) verify_prove(&settings, &subject, &answer);
    check_answer(&subject, &answer);
    verify_answer_free(&answer);
    verify_line_end(&subject);
    pst_arena_free(&arena);
    return 0;
}
