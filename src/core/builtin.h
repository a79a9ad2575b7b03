// builtin.h: what the core has for every host: test runs of xdp, socket_filter, sched_cls and sample, the xdp helpers, and an
// in-core hook for sample. A provider with a real hook reuses these functions.
#ifndef PST_CORE_BUILTIN_H
#define PST_CORE_BUILTIN_H

#include "catalog/contexts.h"
#include "core/provider.h"

/// pst_provider.test_create and test_finish of xdp: data_in is the frame (with metadata in front when ctx_in says so).
pst_status pst_builtin_xdp_test_create(void *user, const pst_env *env, const pst_test_data *data, void **ctx);
void pst_builtin_xdp_test_finish(void *user, const pst_env *env, void *ctx, pst_test_data *data);

/// The same for socket_filter and sched_cls (user: the pst_prog_type) over pst_skb_ctx.
pst_status pst_builtin_skb_test_create(void *user, const pst_env *env, const pst_test_data *data, void **ctx);
void pst_builtin_skb_test_finish(void *user, const pst_env *env, void *ctx, pst_test_data *data);
const pst_helper *pst_builtin_skb_helpers(uint32_t *count);

/// The helpers of xdp programs over pst_xdp_ctx (adjust_head, adjust_tail, adjust_meta, load_bytes, store_bytes,
/// get_buff_len, redirect), for pst_provider.helpers.
const pst_helper *pst_builtin_xdp_helpers(uint32_t *count);

/// Runs the programs attached to the in-core sample hook with this target on ctx, in the order of attachment; returns the
/// result of the last, 0 when there is none.
uint64_t pst_builtin_sample_invoke(pst_core *core, uint32_t target, pst_sample_ctx *ctx, bool *trapped);

#endif
