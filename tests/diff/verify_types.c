// verify_types.c: see verify_types.h.
#include "verify_types.h"

#include "unit/btf/btf_builder.h"

static const char *const function_names[VGEN_TYPES] = {"of_xdp", "of_sched_cls", "of_cgroup_skb"};

static void add_function(btf_builder *b, uint32_t number, uint32_t item, const char *context, const char *name)
{
    uint32_t ctx = builder_ref(b, PST_BTF_PTR, "", builder_type(b, context, PST_BTF_FWD, false, 0, 0));
    uint32_t proto = builder_type(b, "", PST_BTF_FUNC_PROTO, false, 3, number);
    builder_pair(b, "number", number);
    builder_pair(b, "item", item);
    builder_pair(b, "ctx", ctx);
    (void)builder_type(b, name, PST_BTF_FUNC, false, 1, proto); // 1: global
}

const pst_btf *types_of_programs(void)
{
    static pst_btf *types;
    if (types) return types;
    btf_builder *b = builder_new();
    uint32_t number = builder_int(b, "long", 8, 1), item = builder_struct(b, "item", VGEN_ITEM_SIZE, 3);
    for (uint32_t i = 0; i < 3; i++) builder_member(b, i == 0 ? "a" : i == 1 ? "b" : "c", number, 64 * i);
    item = builder_ref(b, PST_BTF_PTR, "", item);
    for (uint32_t i = 0; i < VGEN_TYPES; i++) add_function(b, number, item, i == VGEN_XDP ? "xdp_md" : "__sk_buff", function_names[i]);
    types = builder_parse(b);
    return types;
}

uint32_t types_global_function(vgen_type type) { return pst_btf_find(types_of_programs(), function_names[type], PST_BTF_FUNC); }
