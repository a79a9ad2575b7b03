// trap.c: the fixed text of each trap.
#include "program/run.h"

const char *pst_trap_text(pst_trap_code code)
{
    switch (code) {
#define X(name, text) \
    case PST_TRAP_##name: return text;
        PST_TRAP_LIST(X)
#undef X
    }
    return "unknown trap";
}
