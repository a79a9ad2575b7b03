// btf_parse_fuzz.c: any bytes as the types of an object, its .BTF.ext, and the types of a host: parse, walk, print, dump, relocate.
//
// Input: sizes of the three parts as u16, then the parts; the last one has the rest. It is parsed alone and as a continuation of the first.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "btf/btf_ext.h"
#include "object/core_relo.h"

#define IDS_MAX 64u    // types looked at closely
#define RELOS_MAX 64u

static void *resize(void *user, void *ptr, size_t old_size, size_t new_size)
{
    (void)user, (void)old_size;
    if (new_size != 0) return realloc(ptr, new_size);
    free(ptr);
    return NULL;
}

static const pst_env env = {.resize = resize};

static void must(int truth)
{
    if (!truth) abort();
}

// Each part in a block of its own, so that a sanitizer sees the first byte read behind it.
static void *take(const uint8_t **data, size_t *size, size_t count)
{
    void *part = malloc(count ? count : 1);
    if (!part) abort();
    if (count) memcpy(part, *data, count);
    *data += count;
    *size -= count;
    return part;
}

static void walk(const pst_btf *btf, const uint8_t *bytes, size_t size)
{
    uint32_t count = pst_btf_count(btf) < IDS_MAX ? pst_btf_count(btf) : IDS_MAX;
    pst_text text, other;
    pst_text_init(&text, &env);
    pst_text_init(&other, &env);
    for (uint32_t id = 0; id < count; id++) {
        pst_btf_type type = pst_btf_get(btf, id);
        pst_json json;
        uint64_t bytes_of;
        pst_text_clear(&text);
        pst_text_clear(&other);
        pst_json_init(&json, &other, false);
        pst_btf_type_text(btf, id, &text);
        pst_btf_value_text(btf, id, bytes, size < 256 ? size : 256, &text);
        pst_btf_value_json(btf, id, bytes, size < 256 ? size : 256, &json);
        must(!text.failed && !other.failed && json.depth == 0);
        must(!pst_btf_size(btf, id, &bytes_of) || bytes_of <= UINT32_MAX);
        must(pst_btf_strip(btf, id) < pst_btf_count(btf));
        // The first of its name and kind is found.
        if (*type.name) must(pst_btf_find(btf, type.name, type.kind) <= id && pst_btf_find(btf, type.name, type.kind) != 0);
    }
    pst_text_clear(&text);
    pst_status dumped = pst_btf_dump_c(btf, &text);
    must(!text.failed && (dumped == PST_OK || dumped == PST_E_LIMIT));
    pst_text_free(&text);
    pst_text_free(&other);
}

static void relocate_one(pst_core_relocator *relocator, const pst_core_relo *relo)
{
    static const uint8_t opcodes[] = {0xb7, 0x18, 0x61, 0x79, 0x63, 0x62, 0x05, 0x81};
    for (size_t i = 0; i < sizeof opcodes; i++) {
        pst_slot slots[2] = {{.opcode = opcodes[i], .regs = opcodes[i] == 0x62 ? 1 : opcodes[i] == 0x18 || opcodes[i] == 0xb7 ? 1 : 0x21}};
        pst_insn insn;
        if (pst_core_relocate(relocator, slots, 2, relo, 1, "fuzz") == PST_OK) must(pst_insn_decode(slots, 2, &insn) == PST_DECODE_OK);
    }
}

static void relocate(const pst_btf *local, const pst_btf_ext *ext, const pst_btf *const *targets, uint32_t target_count)
{
    static const char *const paths[] = {"0", "0:0", "0:1", "0:0:0", "1:1:1"};
    pst_core_relocator *relocator;
    if (pst_core_relocator_create(&env, local, targets, target_count, &relocator) != PST_OK) return;
    for (uint32_t s = 0; ext && s < pst_btf_ext_section_count(ext, PST_BTF_EXT_RELOS) && s < 4; s++) {
        pst_btf_ext_section section = pst_btf_ext_section_at(ext, PST_BTF_EXT_RELOS, s);
        for (uint32_t i = 0; i < section.count && i < RELOS_MAX; i++) {
            pst_btf_ext_relo at = pst_btf_ext_relo_at(&section, i);
            pst_core_relo relo = {.type = at.type, .access = pst_btf_string(local, at.access_off), .kind = at.kind};
            relocate_one(relocator, &relo);
        }
    }
    for (uint32_t id = 1; id < pst_btf_count(local) && id < 12; id++) {
        for (uint32_t kind = 0; kind < 13; kind++) {
            pst_core_relo relo = {.type = id, .access = paths[(id + kind) % PST_COUNT(paths)], .kind = kind};
            relocate_one(relocator, &relo);
        }
    }
    pst_core_relocator_free(relocator);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4) return 0;
    size_t sizes[3] = {pst_load16(data), pst_load16(data + 2), 0};
    data += 4;
    size -= 4;
    if (sizes[0] > size || sizes[1] > size - sizes[0]) return 0;
    sizes[2] = size - sizes[0] - sizes[1];
    void *parts[3];
    for (int i = 0; i < 3; i++) parts[i] = take(&data, &size, sizes[i]);
    pst_btf *local = NULL, *target = NULL, *split = NULL;
    pst_btf_ext *ext = NULL;
    pst_status parsed[4] = {pst_btf_parse_file(&env, NULL, parts[0], sizes[0], "local", &local),
                            pst_btf_parse_file(&env, NULL, parts[2], sizes[2], "target", &target), PST_E_FORMAT, PST_E_FORMAT};
    if (local) parsed[2] = pst_btf_ext_parse(&env, local, parts[1], sizes[1], "ext", &ext);
    if (local) parsed[3] = pst_btf_parse_split(&env, local, parts[2], sizes[2], "split", &split);
    must((parsed[0] == PST_OK) == (local != NULL) && (parsed[1] == PST_OK) == (target != NULL) && (parsed[2] == PST_OK) == (ext != NULL) &&
         (parsed[3] == PST_OK) == (split != NULL));
    if (local) walk(local, parts[0], sizes[0]);
    if (split) walk(split, parts[2], sizes[2]);
    const pst_btf *targets[] = {target ? target : local, split};
    if (local) relocate(local, ext, targets, split ? 2 : 1);
    pst_btf_ext_free(ext);
    pst_btf_free(split);
    pst_btf_free(target);
    pst_btf_free(local);
    for (int i = 0; i < 3; i++) free(parts[i]);
    return 0;
}
