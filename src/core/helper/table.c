// table.c: which general helpers this core has.
#include "core/helper/helpers.h"

void core_helpers_init(pst_core *core)
{
    static const helper_table *const tables[] = {&helper_map_table, &helper_system_table, &helper_text_table, &helper_ring_table,
                                                 &helper_sum_table, &helper_callback_table, &helper_dynptr_table, &helper_lock_table, &helper_timer_table};
    for (size_t t = 0; t < PST_COUNT(tables); t++)
        for (uint32_t i = 0; i < tables[t]->count; i++) {
            const helper_row *row = &tables[t]->rows[i];
            core->helpers[row->id] = (pst_helper){pst_helper_proto_by_id(row->id), row->fn};
        }
    core_kfuncs_init(core);
    core->helpers[12] = (pst_helper){.proto = pst_helper_proto_by_id(12)}; // tail_call: engines carry it out themselves
}
