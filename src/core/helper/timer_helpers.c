// timer_helpers.c: bpf_timer_init, _set_callback, _start and _cancel. core/timer.c does the work.
#include "core/helper/helpers.h"

HELPER(timer_init)
{
    return helper_result(core_timer_init(core_map_of_register(r2), HELPER_POINTER(void *, r1), r3));
}

HELPER(timer_set_callback)
{
    return helper_result(core_timer_set_callback(run->host, HELPER_POINTER(void *, r1), core_exec_prog(run->prog), r2));
}

HELPER(timer_start)
{
    return helper_result(core_timer_start(run->host, HELPER_POINTER(void *, r1), r2, r3));
}

HELPER(timer_cancel)
{
    return helper_result(core_timer_cancel(run->host, HELPER_POINTER(void *, r1)));
}

static const helper_row g_rows[] = {{169, timer_init}, {170, timer_set_callback}, {171, timer_start}, {172, timer_cancel}};
const helper_table helper_timer_table = {g_rows, PST_COUNT(g_rows)};
