// fake.h: a platform that fails on request, for tests.
//
// The test links pal's fake library in front of the host's: every fallible pal call and every allocation of
// pst_fake_env() counts down and fails when its turn comes. So a test runs its scenario once for each n, with the n-th
// fallible call failing, and checks that the scenario reports it and leaks nothing.
#ifndef PST_PAL_FAKE_FAKE_H
#define PST_PAL_FAKE_FAKE_H

#include "pal/pal.h"

/// The environment whose allocations are counted, tracked for leaks, and fail on request. Messages are kept (last error).
const pst_env *pst_fake_env(void);
/// The n-th fallible call from now on fails (1 = the next); 0: none. Resets the count.
void pst_fake_fail_at(uint64_t n);
/// Fallible calls since the last pst_fake_fail_at.
uint64_t pst_fake_calls(void);
/// Bytes and blocks allocated through pst_fake_env() and not freed.
uint64_t pst_fake_live_blocks(void);
const char *pst_fake_last_error(void);
void pst_fake_reset(void);

#endif
