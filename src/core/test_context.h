// test_context.h: the test runs of sample; those of the public types are in builtin.h.
#ifndef PST_CORE_TEST_CONTEXT_H
#define PST_CORE_TEST_CONTEXT_H

#include "core/provider.h"

pst_status core_sample_test_create(void *user, const pst_env *env, const pst_test_data *data, void **ctx);
void core_sample_test_finish(void *user, const pst_env *env, void *ctx, pst_test_data *data);

#endif
