// disassembler.c: see disassembler.h. Capstone (Debian: libcapstone-dev), which knows x86-64 and arm64, where the build has found it.
#include "cli/disassembler.h"

#include <stdlib.h>

#include "base/compiler.h"

#define HEX_ROW 8u

static size_t hex_row(const uint8_t *bytes, size_t size, pst_text *out)
{
    size_t count = size < HEX_ROW ? size : HEX_ROW;
    for (size_t i = 0; i < count; i++) pst_text_format(out, "%s%02x", i ? " " : "", bytes[i]);
    return count;
}

#ifdef PST_HAVE_CAPSTONE
#include <capstone/capstone.h>

struct cli_disassembler {
    csh handle;
    cs_insn *insn;
};

cli_disassembler *cli_disassembler_open(void)
{
    cli_disassembler *d = calloc(1, sizeof *d);
    if (!d) return NULL;
    cs_err err = PST_HOST_X64 ? cs_open(CS_ARCH_X86, CS_MODE_64, &d->handle) : cs_open(CS_ARCH_ARM64, CS_MODE_ARM, &d->handle);
    if (err == CS_ERR_OK && (d->insn = cs_malloc(d->handle))) return d;
    cli_disassembler_close(d);
    return NULL;
}

void cli_disassembler_close(cli_disassembler *d)
{
    if (!d) return;
    if (d->insn) cs_free(d->insn, 1);
    if (d->handle) (void)cs_close(&d->handle);
    free(d);
}

size_t cli_disassemble(cli_disassembler *d, const uint8_t *bytes, size_t size, uint64_t address, pst_text *out)
{
    const uint8_t *at = bytes;
    if (!d || !cs_disasm_iter(d->handle, &at, &size, &address, d->insn)) return hex_row(bytes, size, out);
    pst_text_format(out, "%s%s%s", d->insn->mnemonic, *d->insn->op_str ? " " : "", d->insn->op_str);
    return (size_t)(at - bytes);
}
#else
cli_disassembler *cli_disassembler_open(void) { return NULL; }
void cli_disassembler_close(cli_disassembler *disassembler) {}

size_t cli_disassemble(cli_disassembler *disassembler, const uint8_t *bytes, size_t size, uint64_t address, pst_text *out)
{
    return hex_row(bytes, size, out);
}
#endif
