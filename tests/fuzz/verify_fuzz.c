// verify_fuzz.c: bytes choose a program: verified within limits, and what is accepted runs as its proof says (tests/diff/verify_oracle.c).
//
// The first byte says how the others choose: what tests/diff/verify_gen.c draws, the same with mutations, or instructions one by one.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "verify/inspect.h"

#include "verify_oracle.h"

#define STEPS_MAX 20000u
#define MUTATIONS 4u

static const uint8_t opcodes[] = {
    0x07, 0x0f, 0x17, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x47, 0x4f, 0x57, 0x5f, 0x67, 0x6f, 0x77, 0x7f, 0x87, 0x97, 0x9f, 0xa7, 0xaf, 0xb7, 0xbf, 0xc7, 0xcf,
    0x04, 0x0c, 0x14, 0x1c, 0x24, 0x34, 0x44, 0x54, 0x5c, 0x64, 0x74, 0x94, 0xa4, 0xb4, 0xbc, 0xc4, 0xd4, 0xdc, 0xd7, 0x61, 0x69, 0x71, 0x79, 0x81, 0x89,
    0x91, 0x62, 0x6a, 0x72, 0x7a, 0x63, 0x6b, 0x73, 0x7b, 0xc3, 0xdb, 0x05, 0x15, 0x1d, 0x25, 0x2d, 0x35, 0x3d, 0x45, 0x4d, 0x55, 0x5d, 0x65, 0x6d, 0x75,
    0x7d, 0xa5, 0xad, 0xb5, 0xbd, 0xc5, 0xcd, 0xd5, 0xdd, 0x16, 0x1e, 0x26, 0x36, 0x46, 0x56, 0x66, 0x76, 0xa6, 0xb6, 0xc6, 0xd6, 0xe5, 0x85, 0x18, 0x95,
};
static const int32_t helpers[] = {1, 2, 3, 5, 7, 44, 65, 113, 130, 131, 132, 133, 12};

// Five bytes an instruction: opcode, registers, offset, constant. r6 is the context; a loop of jumps ends at an exit behind all.
static size_t one_by_one(vgen_source *source, pst_slot *slots)
{
    size_t count = 0;
    slots[count++] = (pst_slot){0xbf, 0x16, 0, 0};
    while (source->pos < source->size && count + 4 < VGEN_SLOTS_MAX) {
        pst_slot s = {.opcode = opcodes[vgen_next(source, PST_COUNT(opcodes))]};
        s.regs = (uint8_t)(vgen_next(source, 11) << 4 | vgen_next(source, 11));
        uint32_t off = vgen_next(source, 256), imm = vgen_next(source, 256);
        unsigned class = s.opcode & 7u;
        bool is_reg = (s.opcode & 8) && class >= 4;
        if (class >= 1 && class <= 3) s.off = (int16_t)((int)off - 128);
        else if (class >= 5 && class <= 6 && s.opcode != 0x85 && s.opcode != 0x95) s.off = (int16_t)((int)(off % 24) - 8);
        if (class == 2 || (!is_reg && class >= 4)) s.imm = (int32_t)imm - 128;
        if (s.opcode == 0x85) s = (pst_slot){.opcode = 0x85, .imm = helpers[imm % PST_COUNT(helpers)]};
        if (s.opcode == 0x95) s = (pst_slot){.opcode = 0x95};
        if (s.opcode == 0x18) {
            bool is_global = imm & 1;
            s = (pst_slot){.opcode = 0x18, .regs = (uint8_t)((is_global ? 0x20 : 0x10) | (s.regs & 0xf)), .imm = is_global ? VGEN_GLOBAL : VGEN_ARRAY + (int32_t)(imm / 2 % 3)};
            slots[count++] = s;
            s = (pst_slot){.imm = is_global ? (int32_t)(off % VGEN_GLOBAL_SIZE) : 0};
        }
        slots[count++] = s;
    }
    slots[count++] = (pst_slot){0xb7, 0, 0, 0};
    slots[count++] = (pst_slot){0x95, 0, 0, 0};
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static pst_slot slots[VGEN_SLOTS_MAX];
    static oracle_report report;
    if (size < 2) return 0;
    vgen_source source = {.bytes = data + 1, .size = size - 1};
    unsigned how = data[0] % 3;
    oracle_options options = {.type = (vgen_type)(data[0] / 3 % VGEN_TYPES), .mode = data[0] & 0x80 ? PST_VERIFY_STRICT : PST_VERIFY_PRIVILEGED, .runs = 4,
                              .seed = 1 + size, .steps_max = STEPS_MAX};
    if (data[0] & 0x40) options.states_max = options.unroll_max = 2;
    size_t count = how == 2 ? one_by_one(&source, slots) : vgen_program(&source, options.type, slots);
    for (unsigned i = 0; how == 1 && count && i < MUTATIONS; i++) (void)vgen_mutate(&source, slots, count);
    oracle_answer answer = oracle_check(&options, slots, count, &report);
    if (answer == ORACLE_WRONG || answer == ORACLE_FAILED) {
        fprintf(stderr, "%s\n", report.why);
        oracle_print(slots, count);
        abort();
    }
    if (report.verifier_steps > 2 * STEPS_MAX) abort();
    return 0;
}
