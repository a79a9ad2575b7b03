// recheck_fuzz.c: any bytes as a certificate: what a program is proved by runs as that very proof says (tests/diff/verify_oracle.c).
//
// The first bytes choose a program of tests/diff/verify_gen.c, whether it is mutated, and how much of its own certificate comes before the bytes that follow.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verify/inspect.h"

#include "verify_oracle.h"

#define STEPS_MAX 20000u

typedef struct known {
    bool made;
    pst_slot slots[VGEN_SLOTS_MAX];
    size_t count, size, global_at;
    uint8_t certificate[ORACLE_CERTIFICATE_MAX];
} known;

#define PROGRAMS 64u

// Half of them have what must be given back.
static uint64_t number_of(uint8_t byte) { return byte % PROGRAMS + (byte & 0x80 ? ORACLE_HOLDS : 0); }

// Certified once for many inputs.
static known *program_of(uint8_t byte)
{
    static known programs[2][PROGRAMS];
    static oracle_report report;
    known *k = &programs[byte >> 7][byte % PROGRAMS];
    if (k->made) return k;
    oracle_options options = oracle_options_of(number_of(byte));
    vgen_source source = oracle_source_of(number_of(byte));
    k->count = vgen_program(&source, options.type, k->slots);
    options.global_at = k->global_at = source.global_at;
    options.certifies = true;
    options.runs = 1;
    if (oracle_check(&options, k->slots, k->count, &report) == ORACLE_SAFE) {
        k->size = report.certificate_size;
        memcpy(k->certificate, report.certificate, k->size);
    }
    k->made = true;
    return k;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t bytes[2 * ORACLE_CERTIFICATE_MAX];
    static pst_slot slots[VGEN_SLOTS_MAX];
    static oracle_report report;
    if (size < 4 || size > ORACLE_CERTIFICATE_MAX) return 0;
    const known *k = program_of(data[0]);
    size_t own = data[1] < k->size ? data[1] : k->size;
    memcpy(bytes, k->certificate, own);
    memcpy(bytes + own, data + 4, size - 4);
    memcpy(slots, k->slots, k->count * sizeof *slots);
    vgen_source source = {.bytes = data + 2, .size = 2};
    if (data[2] & 1) (void)vgen_mutate(&source, slots, k->count);
    oracle_options options = oracle_options_of(number_of(data[0]));
    options.global_at = k->global_at;
    options.runs = 4;
    options.steps_max = STEPS_MAX;
    options.certificate = bytes;
    options.certificate_size = own + size - 4;
    oracle_answer answer = oracle_check(&options, slots, k->count, &report);
    if (answer == ORACLE_WRONG || answer == ORACLE_FAILED || (answer == ORACLE_REJECTED && !report.finding.text[0])) {
        fprintf(stderr, "%s\n", report.why);
        oracle_print(slots, k->count);
        abort();
    }
    return 0;
}
