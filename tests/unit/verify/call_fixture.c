// call_fixture.c: assembles and verifies the programs of call_test.c and call_btf_test.c.
#include "call_fixture.h"

static const char *kfunc_name(void *user, uint32_t pc, const pst_insn *insn)
{
    (void)user, (void)pc;
    switch (insn->imm) {
#define X(id, number, text) case number: return text;
        KFUNC_LIST(X)
#undef X
    default: return NULL;
    }
}

static pst_map_view *find_map(void *user, pst_imm64_op op, int32_t map)
{
    static uint8_t values[4][64] = {"%d %s", "bytes without end"};
    static const pst_record lock[] = {{.kind = PST_RECORD_SPIN_LOCK, .offset = 4, .size = 4}};
    static const pst_record timer[] = {{.kind = PST_RECORD_TIMER, .offset = 8, .size = 16}};
    static const pst_record kptr[] = {{.kind = PST_RECORD_KPTR, .offset = 8, .size = 8, .type_name = "task_struct"}};
    static const pst_record rlock[] = {{.kind = PST_RECORD_RES_SPIN_LOCK, .offset = 0, .size = 4}};
    static const pst_record work[] = {{.kind = PST_RECORD_WORKQUEUE, .offset = 8, .size = 16}};
    static const pst_record graph[] = {{.kind = PST_RECORD_SPIN_LOCK, .offset = 0, .size = 4},
                                       {.kind = PST_RECORD_LIST_HEAD, .offset = 8, .size = 16, .type_id = 3, .type_name = "item", .node_offset = 8},
                                       {.kind = PST_RECORD_RB_ROOT, .offset = 24, .size = 16, .type_id = 3, .type_name = "item", .node_offset = 32}};
    static pst_map_view inner = {.type = PST_MAP_ARRAY, .key_size = 4, .value_size = 16, .max_entries = 4, .records = timer, .record_count = 1};
    static pst_map_view maps[MAPS_END] = {
        [ARRAY] = {.type = PST_MAP_ARRAY, .key_size = 4, .value_size = 16, .max_entries = 4, .values = values[2], .value_stride = 16},
        [HASH] = {.type = PST_MAP_HASH, .key_size = 8, .value_size = 16, .max_entries = 100},
        [RODATA] = {.type = PST_MAP_ARRAY, .key_size = 4, .value_size = 64, .max_entries = 1, .flags = PST_F_RDONLY_PROG, .frozen = true,
                    .values = values[0], .value_stride = 64},
        [RING] = {.type = PST_MAP_RINGBUF, .max_entries = 4096},
        [PROGS] = {.type = PST_MAP_PROG_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 4},
        [OUTER] = {.type = PST_MAP_ARRAY_OF_MAPS, .key_size = 4, .value_size = 4, .max_entries = 4},
        [QUEUE] = {.type = PST_MAP_QUEUE, .value_size = 16, .max_entries = 4},
        [LOCKED] = {.type = PST_MAP_HASH, .key_size = 8, .value_size = 16, .max_entries = 9, .records = lock, .record_count = 1},
        [TIMED] = {.type = PST_MAP_ARRAY, .key_size = 4, .value_size = 24, .max_entries = 1, .records = timer, .record_count = 1},
        [EVENTS] = {.type = PST_MAP_PERF_EVENT_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 4},
        [SOCKS] = {.type = PST_MAP_SOCKMAP, .key_size = 4, .value_size = 4, .max_entries = 4},
        [STORAGE] = {.type = PST_MAP_SK_STORAGE, .key_size = 4, .value_size = 16},
        [PERCPU] = {.type = PST_MAP_PERCPU_ARRAY, .key_size = 4, .value_size = 16, .max_entries = 4},
        [USER_RING] = {.type = PST_MAP_USER_RINGBUF, .max_entries = 4096},
        [STACKS] = {.type = PST_MAP_STACK_TRACE, .key_size = 4, .value_size = 64, .max_entries = 4},
        [BLOOM] = {.type = PST_MAP_BLOOM_FILTER, .value_size = 8, .max_entries = 4},
        [KPTRS] = {.type = PST_MAP_ARRAY, .key_size = 4, .value_size = 16, .max_entries = 1, .records = kptr, .record_count = 1},
        [RLOCKED] = {.type = PST_MAP_ARRAY, .key_size = 4, .value_size = 16, .max_entries = 1, .records = rlock, .record_count = 1},
        [WORK] = {.type = PST_MAP_ARRAY, .key_size = 4, .value_size = 24, .max_entries = 1, .records = work, .record_count = 1},
        [GRAPH] = {.type = PST_MAP_ARRAY, .key_size = 4, .value_size = 40, .max_entries = 1, .records = graph, .record_count = 3},
        [TIMED2] = {.type = PST_MAP_ARRAY, .key_size = 4, .value_size = 24, .max_entries = 1, .records = timer, .record_count = 1},
        [LPM] = {.type = PST_MAP_LPM_TRIE, .key_size = 8, .value_size = 16, .max_entries = 9},
    };
    (void)user, (void)op;
    maps[OUTER].inner = &inner;
    for (uint32_t i = ARRAY; i < MAPS_END; i++) maps[i].id = 100 + i;
    return map >= ARRAY && map < MAPS_END ? &maps[map] : NULL;
}

static uint32_t find_functions(const call_case *c, const pst_image *image, const pst_btf *btf, pst_func_info info[8])
{
    uint32_t count = 0;
    for (const char *at = c->funcs; at && *at && count < 8 && count < image->subprog_count; count++) {
        const char *end = strchr(at, ' ');
        char name[32];
        snprintf(name, sizeof name, "%.*s", (int)(end - at), at);
        info[count] = (pst_func_info){.pc = image->subprogs[count].start, .type_id = pst_btf_find(btf, name, PST_BTF_FUNC)};
        if (!info[count].type_id) pst_test_fail(__FILE__, __LINE__, "%s: no function %s", c->name, name);
        at = end + 1;
    }
    return count;
}

// Whatever is accepted has a certificate, which proves it.
static void check_certificate(const call_case *c, const pst_verify_input *input, const pst_verify_opts *opts, const pst_verdict *proved)
{
    pst_verdict *again = NULL;
    if (proved->kind != PST_VERDICT_ACCEPT) return;
    if (!proved->certificate) {
        pst_test_fail(__FILE__, __LINE__, "%s: there is no certificate", c->name);
        return;
    }
    pst_status status = pst_recheck(pst_pal_env(), input, opts, proved->certificate, proved->certificate_size, &again);
    if (status != PST_OK || again->kind != PST_VERDICT_ACCEPT)
        pst_test_fail(__FILE__, __LINE__, "%s: its certificate does not prove it: %s: %s", c->name, pst_status_text(status), again ? again->finding.text : "");
    pst_verdict_free(again);
}

pst_verdict *call_verify(const call_case *c, const call_types *types)
{
    pst_slot *slots = NULL;
    size_t count = 0;
    pst_asm_error why = {0};
    if (pst_assemble(pst_pal_env(), c->text, &slots, &count, &why) != PST_OK) {
        pst_test_fail(__FILE__, __LINE__, "%s: line %u: %s", c->name, why.line, why.text);
        return NULL;
    }
    const pst_prog_type *type = pst_prog_type_by_name(c->type ? c->type : "xdp");
    pst_image_error error = {0};
    pst_image *image = NULL;
    pst_verdict *verdict = NULL;
    pst_image_input input = {.size = sizeof input, .name = "calls", .prog_type = type->number, .attach_type = c->attach_type,
                             .sleepable = c->sleepable, .gpl_compatible = !c->proprietary, .slots = slots, .count = (uint32_t)count,
                             .find_map = find_map};
    pst_status status = pst_image_build(pst_pal_env(), &input, &error, &image);
    if (status == PST_OK) {
        pst_verify_input verify = {.size = sizeof verify, .image = image, .type = type, .kfunc_name = kfunc_name};
        pst_func_info info[8];
        pst_btf *btf = NULL;
        if (types) status = pst_btf_parse(pst_pal_env(), types->bytes, types->size, "the test's types", &btf);
        if (btf) {
            verify.btf = btf;
            verify.func_info = info;
            verify.func_info_count = find_functions(c, image, btf, info);
        }
        pst_verify_opts opts = {.size = sizeof opts, .mode = c->mode, .value_facts = c->value_facts, .certificate = true};
        if (status == PST_OK) status = pst_verify(pst_pal_env(), &verify, &opts, &verdict);
        if (status == PST_OK) check_certificate(c, &verify, &opts, verdict);
        pst_btf_free(btf);
    }
    if (status != PST_OK) pst_test_fail(__FILE__, __LINE__, "%s: %s %s", c->name, pst_status_text(status), error.text);
    pst_free(pst_pal_env(), slots, count * sizeof *slots);
    pst_image_free(image);
    return verdict;
}

void call_check(const call_case *cases, size_t count, const call_types *types)
{
    for (size_t i = 0; i < count; i++) {
        const call_case *c = &cases[i];
        pst_verdict *verdict = call_verify(c, types);
        if (!verdict) continue;
        if (verdict->finding.kind != c->want || (c->want == PST_FINDING_NONE) != (verdict->kind == PST_VERDICT_ACCEPT))
            pst_test_fail(__FILE__, __LINE__, "%s: %s instead of %s: %u: %s [%s] [%s]", c->name, pst_finding_kind_text(verdict->finding.kind),
                          pst_finding_kind_text(c->want), verdict->finding.pc, verdict->finding.text, verdict->finding.needed, verdict->finding.known);
        pst_verdict_free(verdict);
    }
}
