// facts.h: what is proved about single instructions, for engines that run without checks.
//
// The verifier fills it; tests fill it by hand. An engine may trust every bit: a wrong fact is as bad as a wrong proof.
#ifndef PST_PROGRAM_FACTS_H
#define PST_PROGRAM_FACTS_H

#include <stdint.h>

#define PST_FACT_CONTEXT 0x01u      // the memory operand is the context, at the ABI offset insn.off + context_off[pc]
#define PST_FACT_DIVISOR 0x02u      // the divisor is not 0
#define PST_FACT_UPPER_ZERO 0x04u   // the upper half of dst is 0 after the instruction even without clearing it
#define PST_FACT_NOT_NULL 0x08u     // the call's result is not null
#define PST_FACT_DEAD 0x10u         // no run gets to the instruction

typedef struct pst_facts {
    const uint8_t *flags;       // one per slot; NULL: nothing is known
    const int16_t *context_off; // one per slot: offset of the base register from the context's start; NULL: all 0
} pst_facts;

#endif
