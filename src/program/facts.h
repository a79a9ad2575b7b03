// facts.h: what is proved about single instructions, for engines that run without checks.
//
// The verifier fills it; tests fill it by hand. An engine may trust every bit: a wrong fact is as bad as a wrong proof.
#ifndef PST_PROGRAM_FACTS_H
#define PST_PROGRAM_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#define PST_FACT_CONTEXT 0x01u      // the memory operand is the context, at the ABI offset insn.off + context_off[pc]
#define PST_FACT_DIVISOR 0x02u      // the divisor is not 0
#define PST_FACT_UPPER_ZERO 0x04u   // the upper half of dst is 0 after the instruction even without clearing it
#define PST_FACT_NOT_NULL 0x08u     // the call's result is not null
#define PST_FACT_DEAD 0x10u         // no run gets to the instruction
#define PST_FACT_ALIGNED 0x20u      // the address of the memory operand is a multiple of its size
#define PST_FACT_STEADY 0x40u       // the memory operand has a constant offset in its object: no wrong guess of a branch can move it. Where it is
                                    // missing, an engine that defends against speculation masks the address, or waits. A number that was
                                    // masked to its object's size is not steady: what was masked may itself be of a wrong way
#define PST_FACT_METERED 0x80u      // the jump closes a loop whose turns nothing bounds: each time that it is executed, taken or not, the engine counts
                                    // one turn (run->turns), and ends the run with PST_TRAP_BUDGET instead when they are as many as it allows. Nothing is
                                    // held there that the run would have to give back

/// What a call of a helper is given: the same map, and the same key, each time.
typedef struct pst_fact_call {
    uint16_t map;  // index in image->maps + 1 of its first map argument; 0: none, or not always the same
    bool has_key;  // key is the constant 4-byte key that it is given (array maps)
    uint32_t key;
} pst_fact_call;

/// The number in dst after the instruction (r0 after a call; the register that an atomic fetches into).
typedef struct pst_fact_value {
    uint64_t umin, umax;
    uint64_t bits, unknown; // known bits: those not in unknown are as in bits
} pst_fact_value;

typedef struct pst_facts {
    const uint8_t *flags;       // one per slot; NULL: nothing is known
    const int16_t *context_off; // one per slot: offset of the base register from the context's start; NULL: all 0
    const pst_fact_call *calls; // one per slot; NULL: nothing is known
    const pst_fact_value *values; // one per slot; NULL: nothing is known
} pst_facts;

#endif
