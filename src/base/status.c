// status.c: the texts of PST_STATUS_LIST.
#include "base/status.h"

const char *pst_status_text(pst_status status)
{
    switch (status) {
#define X(name, text) \
    case PST_##name: return text;
        PST_STATUS_LIST(X)
#undef X
    }
    return "unknown status"; // a number that came from elsewhere
}
