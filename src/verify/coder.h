// coder.h: an adaptive binary arithmetic coder: the bytes of a certificate.
//
// One object either writes or reads. Each decision goes through the same call in both directions, so a format is one function: who writes gives the
// bit, who reads is given it. A decision that nearly always falls the same way costs nearly nothing, which is what makes certificates small.
//
// Any bytes are a sequence of decisions, so reading never fails for what they are, only for how many there are: where more are asked for than were
// written, `failed` is set and every bit from there on is 0. Nothing here is trusted; what the decisions mean is checked by who reads them.
#ifndef PST_VERIFY_CODER_H
#define PST_VERIFY_CODER_H

#include "base/cursor.h"
#include "base/env.h"

// How likely a decision is a 1, learned from those before it.
typedef struct vprob {
    uint16_t one;  // of 65536
    uint8_t seen;  // decisions so far, up to a limit: the fewer, the faster it learns
} vprob;

#define VNUMBER_BITS 64u

// Numbers by their length in bits, which is learned, and their two highest bits below the first, likewise.
typedef struct vnumber {
    vprob length[VNUMBER_BITS + 1];
    vprob high[VNUMBER_BITS + 1][3];
} vnumber;

typedef struct vcoder {
    const pst_env *env;
    bool writes, failed;
    pst_status status;  // writing: PST_E_NOMEM, or PST_E_LIMIT beyond size_max
    uint32_t low, high; // the interval that is left of all numbers
    uint32_t code;      // reading: a number in it
    pst_cursor in;
    size_t shifted;     // bytes that went out of the interval
    uint8_t *out;
    size_t size, capacity, size_max;
} vcoder;

/// Gives each of count probabilities its start.
void vprob_init(vprob *probs, size_t count);
void vnumber_init(vnumber *numbers, size_t count);

void vcoder_write(vcoder *c, const pst_env *env, size_t size_max);
/// Reads from where `in` stands to its end.
void vcoder_read(vcoder *c, pst_cursor in);
/// Writing: appends a whole byte; only before the first decision.
void vcoder_byte(vcoder *c, uint8_t byte);
/// Writing: what is left goes out. Reading: whether every byte was needed, and none is missing.
PST_MUST_USE bool vcoder_finish(vcoder *c);
void vcoder_free(vcoder *c);

/// bit is what to write; the result what was written or read.
bool vcode_bit(vcoder *c, vprob *p, bool bit);
/// The low count bits of value, of which nothing is expected.
uint64_t vcode_raw(vcoder *c, unsigned count, uint64_t value);
uint64_t vcode_number(vcoder *c, vnumber *n, uint64_t value);
/// Small of either sign are short.
int64_t vcode_signed(vcoder *c, vnumber *n, int64_t value);

#endif
