// provider.h: what a hook extension is to the core: a description of a program type plus the functions behind it.
//
// A third party writes a new hook with this header and catalog.h alone.
#ifndef PST_CORE_PROVIDER_H
#define PST_CORE_PROVIDER_H

#include "catalog/catalog.h"
#include "core/core.h"

typedef struct pst_link pst_link; // an attached program, as hooks see it

typedef struct pst_attach_request {
    size_t size; // sizeof(pst_attach_request)
    uint32_t prog_type, attach_type;
    uint32_t target; // interface index, or what the attach type takes
    uint32_t flags;  // of LINK_CREATE
} pst_attach_request;

/// Input and output of PROG_TEST_RUN for one provider. ABI context layout, not the native one.
typedef struct pst_test_data {
    const uint8_t *data_in;
    uint32_t data_in_size;
    const uint8_t *ctx_in; // NULL when not given
    uint32_t ctx_in_size;
    uint8_t *data_out;     // filled by finish, at most data_out_capacity bytes; data_out_size says how much there was
    uint32_t data_out_capacity, data_out_size;
    uint8_t *ctx_out;
    uint32_t ctx_out_capacity, ctx_out_size;
} pst_test_data;

typedef struct pst_provider {
    size_t size; // sizeof(pst_provider); new fields go last
    const char *name;
    const pst_prog_type *type;
    const pst_helper *helpers; // implementations special to this type (Linux ids or own ones); general ones come from the core
    uint32_t helper_count;
    /// Binds a link to the event source. *hook is the provider's. Logs one sentence when it fails.
    pst_status (*attach)(void *user, const pst_attach_request *request, pst_link *link, void **hook);
    /// After it returns the hook does not run the link any more and does not touch it.
    void (*detach)(void *user, void *hook);
    /// Builds a native context for a test run; NULL when this type cannot be test-run.
    pst_status (*test_create)(void *user, const pst_env *env, const pst_test_data *data, void **ctx);
    /// Restores the context for another repetition is not needed: data runs on. Writes outputs and frees.
    void (*test_finish)(void *user, const pst_env *env, void *ctx, pst_test_data *data);
    void *user;
} pst_provider;

/// Registers a provider; it stays until the core is freed. A type that is registered already gets the new provider (the core's own
/// test-only providers are replaced so). provider is copied, what it points to is not.
PST_MUST_USE pst_status pst_core_add_provider(pst_core *core, const pst_provider *provider);

/// Runs the link's program on a native context and returns r0; a trap gives 0 and is counted and reported. Enters and leaves
/// an epoch by itself. *trapped may be NULL.
uint64_t pst_link_run(pst_link *link, void *native_ctx, bool *trapped);
/// The same for many contexts, with the epoch entered once by the caller.
typedef struct pst_epoch_guard {
    void *state;
} pst_epoch_guard;
pst_epoch_guard pst_core_epoch_enter(pst_core *core);
void pst_core_epoch_exit(pst_core *core, pst_epoch_guard guard);
uint64_t pst_link_run_in_epoch(pst_link *link, void *native_ctx, bool *trapped);

uint32_t pst_link_id(const pst_link *link);
pst_core *pst_link_core(const pst_link *link);
/// Delivers a record to consumers of a perf event array or ring buffer is done by helpers; providers need no more than this header.

/// The core that a running helper belongs to.
pst_core *pst_run_core(const pst_run *run);

#endif
