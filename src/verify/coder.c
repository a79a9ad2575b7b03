// coder.c: see coder.h.
//
// The interval [low, high] is divided in the proportion of what is expected at each decision; the part of the bit that comes is kept. Bytes that both ends
// have in common go out. There are always at least 2^24 numbers in it before a division, or its ends differ in the highest byte, so that each part has one.
#include "verify/coder.h"

#include <string.h>

#define PROB_ONE 65536u
#define PROB_EDGE 48u   // neither bit is ever less likely than this: what was never seen may come
#define SEEN_MAX 30u
#define PAST_END 4u     // bytes of the interval that are read ahead

void vprob_init(vprob *probs, size_t count)
{
    for (size_t i = 0; i < count; i++) probs[i] = (vprob){PROB_ONE / 2, 0};
}

void vnumber_init(vnumber *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        vprob_init(numbers[i].length, PST_COUNT(numbers[i].length));
        vprob_init(&numbers[i].high[0][0], PST_COUNT(numbers[i].high) * PST_COUNT(numbers[i].high[0]));
    }
}

void vcoder_write(vcoder *c, const pst_env *env, size_t size_max)
{
    *c = (vcoder){.env = env, .writes = true, .high = UINT32_MAX, .size_max = size_max};
}

static uint8_t next_byte(vcoder *c)
{
    uint8_t byte = 0;
    return pst_cursor_u8(&c->in, &byte) ? byte : 0; // the end is noticed by how many were shifted out
}

void vcoder_read(vcoder *c, pst_cursor in)
{
    *c = (vcoder){.high = UINT32_MAX, .in = in, .size = pst_cursor_left(&in)};
    for (unsigned i = 0; i < PAST_END; i++) c->code = c->code << 8 | next_byte(c);
}

void vcoder_byte(vcoder *c, uint8_t byte)
{
    if (c->failed) return;
    if (c->size == c->size_max) c->status = PST_E_LIMIT;
    else c->status = pst_grow(c->env, &c->out, &c->capacity, c->size + 1, 1);
    if (c->status == PST_OK) c->out[c->size++] = byte;
    else c->failed = true;
}

static void shift(vcoder *c)
{
    if (c->writes) vcoder_byte(c, (uint8_t)(c->high >> 24));
    else if (++c->shifted > c->size) c->failed = true;
    c->low <<= 8;
    c->high = c->high << 8 | 0xff;
    if (!c->writes) c->code = c->code << 8 | next_byte(c);
}

bool vcoder_finish(vcoder *c)
{
    // One byte names a number of the interval, whatever zeros follow it; none does if 0 is in it.
    if (c->writes && c->low) vcoder_byte(c, (uint8_t)((c->low >> 24) + 1));
    if (c->writes) return !c->failed;
    return !c->failed && c->size == c->shifted + (c->low ? 1 : 0);
}

void vcoder_free(vcoder *c)
{
    pst_free(c->env, c->out, c->capacity);
    c->out = NULL;
    c->size = c->capacity = 0;
}

// The last number of the part of the interval that a 1 keeps, of which p is the share.
static bool divide(vcoder *c, uint32_t p, bool bit)
{
    uint32_t middle = c->low + (uint32_t)((uint64_t)(c->high - c->low) * p >> 16);
    if (!c->writes) bit = c->code <= middle;
    if (bit) c->high = middle;
    else c->low = middle + 1;
    while (((c->low ^ c->high) >> 24) == 0) shift(c);
    return bit;
}

bool vcode_bit(vcoder *c, vprob *p, bool bit)
{
    if (c->failed) return false;
    bit = divide(c, p->one, bit);
    int32_t aim = bit ? (int32_t)(PROB_ONE - PROB_EDGE) : (int32_t)PROB_EDGE;
    p->one = (uint16_t)(p->one + (aim - p->one) / (p->seen + 2));
    if (p->seen < SEEN_MAX) p->seen++;
    return bit && !c->failed;
}

uint64_t vcode_raw(vcoder *c, unsigned count, uint64_t value)
{
    uint64_t out = 0;
    while (count-- > 0 && !c->failed) out = out << 1 | divide(c, PROB_ONE / 2, value >> count & 1);
    return c->failed ? 0 : out;
}

uint64_t vcode_number(vcoder *c, vnumber *n, uint64_t value)
{
    unsigned have = value ? 64 - (unsigned)PST_CLZ64(value) : 0, length = 0;
    while (length < VNUMBER_BITS && vcode_bit(c, &n->length[length], length < have)) length++;
    if (length < 2) return length;
    unsigned left = length - 1;
    uint64_t out = 1;
    for (unsigned node = 0; left > 0 && node < 3; left--) {
        bool bit = vcode_bit(c, &n->high[length][node], value >> (left - 1) & 1);
        out = out << 1 | bit;
        node = node == 0 ? 1u + bit : 3;
    }
    return left ? out << left | vcode_raw(c, left, value & (((uint64_t)1 << left) - 1)) : out;
}

int64_t vcode_signed(vcoder *c, vnumber *n, int64_t value)
{
    uint64_t folded = value < 0 ? ~((uint64_t)value << 1) : (uint64_t)value << 1;
    folded = vcode_number(c, n, folded);
    return (int64_t)(folded & 1 ? ~(folded >> 1) : folded >> 1);
}
