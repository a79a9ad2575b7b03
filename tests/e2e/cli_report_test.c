// cli_report_test.c: whole reports of `postern verify` on rejected programs, as people read them.
//
// reports/*.txt are the texts that are wanted; a change of what the verifier says shows here as a whole. reports/reports.bpf.c says what is wrong with each.
#include <unistd.h>

#include "cli_fixture.h"
#include "harness.h"

#define REPORTS PST_SOURCE_DIR "/tests/e2e/reports/"
#define SCRATCH PST_BINARY_DIR "/cli_report_test."
#define RUN(...) cli_execute((const char *const[]){PST_POSTERN, "verify", REPORTS "reports.bpf.o", __VA_ARGS__, NULL}, false)

static void check_report(const char *program, const char *path)
{
    cli_result r = RUN(program);
    char *wanted = cli_slurp(path);
    CHECK_EQ(r.code, 1);
    if (strcmp(r.out, wanted) != 0) pst_test_fail(__FILE__, __LINE__, "%s is not what is reported:\n%s", path, r.out);
    free(wanted);
    cli_result_free(&r);
}

TEST(reports_are_as_they_were)
{
    check_report("stale", REPORTS "stale.txt");
    check_report("turns", REPORTS "turns.txt");
}

TEST(lines_say_where_it_was_lost)
{
    cli_result r = RUN("-j");
    CHECK(json_lines_valid(r.out));
    CHECK(strstr(r.out, "\"lost\":\"bpf_xdp_adjust_head at 11 may move the packet") && strstr(r.out, "\"lost_insn\":11,\"lost_line\":\"reports.bpf.c:29\""));
    cli_result_free(&r);
}

// The row of an instruction, up to its end.
static bool row_has(const char *page, const char *id, const char *class)
{
    char start[64];
    snprintf(start, sizeof start, "<tr id=\"%s\" class=\"%s\">", id, class);
    return strstr(page, start) != NULL;
}

TEST(the_page_marks_finding_and_loss)
{
    cli_result r = RUN("--html", SCRATCH "html");
    char *page = cli_slurp(SCRATCH "html");
    CHECK_EQ(r.code, 1);
    CHECK(row_has(page, "p0-17", "at") && row_has(page, "p0-11", "lost") && row_has(page, "p0-5", "path") && row_has(page, "p0-8", "path"));
    CHECK(row_has(page, "p1-15", "at") && row_has(page, "p1-12", "lost"));
    CHECK(!row_has(page, "p0-18", "path") && strstr(page, "<tr id=\"p0-18\">"));
    CHECK(strstr(page, "<dt>path</dt><dd><ol>") && strstr(page, "<b>goes on</b>") && strstr(page, "<dt>lost at</dt>"));
    free(page);
    unlink(SCRATCH "html");
    cli_result_free(&r);
}
