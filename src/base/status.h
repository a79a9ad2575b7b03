// status.h: the outcome of an operation, for everything that can fail.
//
// A status carries no text of its own: detail goes to the log sink of the environment (env.h) as one sentence.
// A verdict of the verifier and a trap of a run are data of their own kind and never a status.
#ifndef PST_BASE_STATUS_H
#define PST_BASE_STATUS_H

#include "base/compiler.h"

#define PST_STATUS_LIST(X)                                   \
    X(OK, "success")                                         \
    X(E_NOMEM, "allocation failed")                          \
    X(E_FORMAT, "input is malformed")                        \
    X(E_LIMIT, "a configured limit was reached")             \
    X(E_DENIED, "policy or permissions refuse the operation") \
    X(E_NOTFOUND, "no such object")                          \
    X(E_EXISTS, "the object exists already")                 \
    X(E_INVALID, "an argument is invalid")                   \
    X(E_UNSUPPORTED, "not supported here")                   \
    X(E_IO, "the operating system refused the operation")    \
    X(E_BUSY, "in use")                                      \
    X(E_TIMEOUT, "time ran out")                             \
    X(E_AGAIN, "nothing to do now, try again")               \
    X(E_NOSPACE, "no room left")                             \
    X(E_UNSAFE, "the program is not proved safe")

typedef enum pst_status {
#define X(name, text) PST_##name,
    PST_STATUS_LIST(X)
#undef X
} pst_status;

/// The fixed English text of a status; never NULL.
const char *pst_status_text(pst_status status);

// Returns early on failure. Only where nothing needs releasing.
#define PST_TRY(expr)                               \
    do {                                            \
        pst_status pst_try_ = (expr);               \
        if (pst_try_ != PST_OK) return pst_try_;    \
    } while (0)

#endif
