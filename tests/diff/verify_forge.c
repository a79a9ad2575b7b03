// verify_forge.c: see verify_forge.h.
#include "verify_forge.h"

#include <stdio.h>
#include <string.h>

static void splice(vgen_source *source, uint8_t *bytes, size_t *size, size_t capacity, const uint8_t *other, size_t other_size)
{
    if (!other_size || !*size) return;
    size_t from = vgen_next(source, (uint32_t)other_size), count = 1 + vgen_next(source, 16), at = vgen_next(source, (uint32_t)*size);
    if (count > other_size - from) count = other_size - from;
    if (vgen_next(source, 2)) count = other_size - from; // all the rest
    if (at + count > capacity) count = capacity - at;
    memmove(bytes + at, other + from, count);
    if (vgen_next(source, 2) || at + count > *size) *size = at + count;
}

void forge_certificate(vgen_source *source, uint8_t *bytes, size_t *size, size_t capacity, const uint8_t *other, size_t other_size)
{
    if (vgen_next(source, 4) == 0) { // as it was, then anything
        size_t at = vgen_next(source, (uint32_t)*size + 1);
        while (at < 256 && at < capacity) bytes[at++] = (uint8_t)vgen_next(source, 256);
        *size = at;
        return;
    }
    for (unsigned times = 1 + vgen_next(source, 3); times > 0; times--) {
        size_t at = *size ? vgen_next(source, (uint32_t)*size) : 0;
        switch (vgen_next(source, 7)) {
        case 0:
        case 1:
        case 2:
            if (*size) bytes[at] ^= (uint8_t)(1u << vgen_next(source, 8));
            break;
        case 3:
            if (*size) bytes[at] = (uint8_t)vgen_next(source, 256);
            break;
        case 4: *size = at; break;
        case 5:
            if (*size < capacity) bytes[(*size)++] = (uint8_t)vgen_next(source, 256);
            break;
        default: splice(source, bytes, size, capacity, other, other_size); break;
        }
    }
}

static bool tell(const char *what, uint64_t number, const oracle_options *options, const pst_slot *slots, size_t count, const char *why)
{
    fprintf(stderr, "%s %llu (%s, %s mode): %s\ncertificate:", what, (unsigned long long)number, vgen_type_names[options->type],
            options->mode == PST_VERIFY_STRICT ? "strict" : "privileged", why);
    for (size_t i = 0; i < options->certificate_size; i++) fprintf(stderr, " %02x", options->certificate[i]);
    fputs("\n", stderr);
    oracle_print(slots, count);
    return false;
}

typedef struct forger {
    uint64_t number;
    bool prints;
    forge_tally *tally;
    oracle_options by; // a certificate
    uint8_t bytes[ORACLE_CERTIFICATE_MAX], forged[ORACLE_CERTIFICATE_MAX], other[ORACLE_CERTIFICATE_MAX];
    size_t size, other_size; // other: of the program before
} forger;

// Proves by the first size bytes of `bytes`. A rejection has a sentence.
static oracle_answer prove(forger *f, const uint8_t *bytes, size_t size, const pst_slot *slots, size_t count, const char *what)
{
    static oracle_report report;
    f->by.certificate = bytes;
    f->by.certificate_size = size;
    oracle_answer answer = oracle_check(&f->by, slots, count, &report);
    bool silent = answer == ORACLE_REJECTED && (!report.finding.text[0] || report.finding.kind == PST_FINDING_NONE);
    if (silent) snprintf(report.why, sizeof report.why, "it is refused without a sentence");
    if (answer != ORACLE_WRONG && answer != ORACLE_FAILED && !silent) return answer;
    f->tally->wrong++;
    if (f->prints) tell(what, f->number, &f->by, slots, count, report.why);
    return answer;
}

static void forge(forger *f, vgen_source *source, const pst_slot *slots, size_t count)
{
    size_t size = f->size;
    memcpy(f->forged, f->bytes, size);
    forge_certificate(source, f->forged, &size, sizeof f->forged, f->other, f->other_size);
    if (size == f->size && memcmp(f->forged, f->bytes, size) == 0) return;
    f->tally->forgeries++;
    f->tally->forgeries_accepted += prove(f, f->forged, size, slots, count, "forged certificate of") == ORACLE_SAFE;
}

static void mutate(forger *f, vgen_source *source, const pst_slot *slots, size_t count, unsigned index)
{
    static pst_slot mutant[VGEN_SLOTS_MAX];
    memcpy(mutant, slots, count * sizeof *slots);
    bool changed = f->by.holds && index % 3 == 0 ? vgen_drop(source, mutant, count) : vgen_mutate(source, mutant, count);
    if (index & 1) changed |= vgen_mutate(source, mutant, count);
    if (!changed) return;
    f->tally->mutants++;
    f->tally->mutants_accepted += prove(f, f->bytes, f->size, mutant, count, "mutant of") == ORACLE_SAFE;
    size_t size = f->size;
    memcpy(f->forged, f->bytes, size);
    forge_certificate(source, f->forged, &size, sizeof f->forged, f->other, f->other_size);
    (void)prove(f, f->forged, size, mutant, count, "mutant, by a forged certificate, of");
}

static forger f; // large
static pst_slot program[VGEN_SLOTS_MAX];
static size_t program_count;
static vgen_source stream;

bool forge_certify(uint64_t number, bool prints, forge_tally *tally)
{
    static oracle_report report;
    oracle_options options = oracle_options_of(number);
    stream = oracle_source_of(number);
    program_count = vgen_program(&stream, options.type, program);
    options.global_at = stream.global_at;
    options.certifies = true;
    f.size = 0;
    if (oracle_check(&options, program, program_count, &report) != ORACLE_SAFE) return false; // verify_oracle_test.c asks whether that is right
    f.number = number, f.prints = prints, f.tally = tally;
    f.by = options;
    f.by.certifies = false;
    f.size = report.certificate_size;
    memcpy(f.bytes, report.certificate, f.size);
    if (f.size == 0 || prove(&f, f.bytes, f.size, program, program_count, "program") != ORACLE_SAFE) {
        tally->uncertified++;
        if (prints) tell("program", number, &f.by, program, program_count, f.size ? "its own certificate does not prove it" : "it has no certificate");
        f.size = 0;
        return false;
    }
    tally->certified++;
    tally->certificate_bytes += f.size;
    tally->code_bytes += program_count * sizeof *program;
    return true;
}

void forge_try(unsigned forgeries, unsigned mutants)
{
    for (unsigned i = 0; i < forgeries; i++) forge(&f, &stream, program, program_count);
    for (unsigned i = 0; i < mutants; i++) mutate(&f, &stream, program, program_count, i);
    memcpy(f.other, f.bytes, f.size);
    f.other_size = f.size;
}
