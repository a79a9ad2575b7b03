// verify_forge.h: certificates as an enemy would make them, and programs that they do not belong to.
#ifndef PST_TESTS_VERIFY_FORGE_H
#define PST_TESTS_VERIFY_FORGE_H

#include "verify_oracle.h"

typedef struct forge_tally {
    uint64_t certified, uncertified; // accepted programs with and without a certificate that proves them
    uint64_t certificate_bytes, code_bytes;
    uint64_t forgeries, forgeries_accepted, mutants, mutants_accepted;
    uint64_t wrong;
} forge_tally;

/// Changes a certificate of *size bytes in place, which has room for capacity: bits, bytes, its end, a piece of itself or of other.
void forge_certificate(vgen_source *source, uint8_t *bytes, size_t *size, size_t capacity, const uint8_t *other, size_t other_size);
/// Certifies program number of the oracle and proves it by its certificate. False: the program is not accepted, or (tally->uncertified) that failed. What
/// is wrong is counted, and with prints told on standard error.
bool forge_certify(uint64_t number, bool prints, forge_tally *tally);
/// Proves that program by forged certificates, and mutants of it by its own and by forged ones. What is proved is held to its proof.
void forge_try(unsigned forgeries, unsigned mutants);

#endif
