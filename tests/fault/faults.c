// faults.c: run a scenario with each of its fallible calls failing in turn.
#include "faults.h"

#include "harness.h"
#include "pal/fake/fake.h"

fault_report faults_inject(fault_scenario scenario)
{
    fault_report report = {0};
    uint64_t live = pst_fake_live_blocks();
    pst_fake_reset();
    report.works = scenario() == PST_OK;
    report.calls = pst_fake_calls();
    report.leaks += pst_fake_live_blocks() != live;
    for (uint64_t n = 1; n <= report.calls && n <= FAULT_CALLS_MAX; n++) {
        live = pst_fake_live_blocks();
        pst_fake_fail_at(n);
        pst_status status = scenario();
        if (pst_fake_calls() < n) continue; // threads: this run made fewer calls, so nothing failed
        if (status == PST_OK) {
            report.unreported++;
            report.last_unreported = n;
        }
        if (pst_fake_live_blocks() != live) report.leaks++;
    }
    live = pst_fake_live_blocks();
    pst_fake_reset();
    report.works = report.works && scenario() == PST_OK;
    report.leaks += pst_fake_live_blocks() != live;
    return report;
}

void faults_check(fault_scenario scenario, uint64_t may_hide)
{
    fault_report report = faults_inject(scenario);
    CHECK(report.works);
    CHECK(report.calls > 0 && report.calls <= FAULT_CALLS_MAX);
    if (report.unreported > may_hide)
        pst_test_fail(__FILE__, __LINE__, "%" PRIu64 " failures were not reported, the last that of call %" PRIu64, report.unreported,
                      report.last_unreported);
    CHECK_EQ(report.leaks, 0);
}
