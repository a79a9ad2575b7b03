// code_names.c: tells whoever profiles this process what its machine code is (pst_core_options.code).
//
// Names are those that Linux gives its own machine code: bpf_prog_TAG_NAME, where NAME is a function's name in BTF, else the program's. Code
// of native modules lies in a file that has names already.
#include "core/internal.h"
#include "jit/jit.h"

#include "base/format.h"
#include "btf/btf.h"

#include <string.h>

#define NAME_BYTES 128u // BTF has longer ones: they are cut

// The function that begins at slot start, by func_info; NULL: no BTF says.
static const char *function_name(const core_prog *prog, uint32_t start)
{
    for (uint32_t i = 0; i < prog->func_info_count; i++) {
        pst_bpf_func_info info;
        memcpy(&info, prog->func_info + i * sizeof info, sizeof info);
        if (info.insn_off != start || info.type_id >= pst_btf_count(prog->btf->types)) continue;
        return pst_btf_get(prog->btf->types, info.type_id).name;
    }
    return NULL;
}

// Names come from whoever loads programs, and go into a text file, a line each.
static void append_clean(char text[NAME_BYTES], const char *name)
{
    size_t length = strlen(text);
    for (; *name && length + 1 < NAME_BYTES; name++) {
        bool fine = (*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z') || (*name >= '0' && *name <= '9') || *name == '_' || *name == '.';
        text[length++] = fine ? *name : '_';
    }
    text[length] = '\0';
}

static void announce(const core_prog *prog, uint32_t function, const uint8_t *code, size_t size)
{
    const pst_core_options *options = &prog->object.core->options;
    const char *name = function_name(prog, prog->image->subprogs[function].start);
    char text[NAME_BYTES];
    const uint8_t *tag = prog->tag;
    (void)pst_format(text, sizeof text, "bpf_prog_%02x%02x%02x%02x%02x%02x%02x%02x_", tag[0], tag[1], tag[2], tag[3], tag[4], tag[5], tag[6], tag[7]);
    append_clean(text, name && *name ? name : prog->object.name);
    options->code(options->user, text, code, size);
}

void core_name_code(const core_prog *prog)
{
    pst_jit_code code;
    if (!prog->object.core->options.code || prog->native || !pst_jit_code_of(prog->exec, &code)) return;
    for (uint32_t i = 0; i < code.function_count; i++) {
        // Functions lie in the image's order, and behind the last one what all of them share: rare ways, the way out, the stub that C enters by.
        size_t begin = code.functions[i], end = i + 1 < code.function_count ? code.functions[i + 1] : code.size;
        if (end > begin) announce(prog, i, code.bytes + begin, end - begin);
    }
}
