// unwind.c: see unwind.h. The format is the machine's: a back end writes it.
#include "jit/unwind.h"

#include "base/bits.h"
#include "jit/back_end.h"

#include <string.h>

static const jit_back_end *back_end(void)
{
    const jit_back_end *host = PST_HOST_MS_ABI ? jit_back_end_of(pst_jit_target_of_host()) : NULL;
    return host && host->unwind_write ? host : NULL;
}

uint32_t jit_unwind_room(uint32_t functions)
{
    const jit_back_end *host = back_end();
    return host ? (uint32_t)pst_align_up(host->unwind_bound(functions), pst_pal_page_size()) : 0;
}

pst_status jit_unwind_seal(jit_program *prog, uint32_t unwind_at)
{
    const jit_back_end *host = back_end();
    const jit_places places = {.code = prog->code.bytes, .code_bytes = prog->code_bytes, .functions = prog->functions, .count = prog->exec.image->subprog_count,
                               .call_offset = prog->call_offset, .unwind_offset = prog->unwind_offset};
    uint32_t table = 0, count = host ? host->unwind_write(&places, 0, unwind_at, prog->code.bytes + unwind_at, &table) : 0;
    PST_TRY(pst_pal_code_seal(&prog->code));
    return host ? pst_pal_code_functions(&prog->code, unwind_at + table, count) : PST_OK;
}
