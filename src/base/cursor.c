// cursor.c: bounded reads.
//
// Invariant: pos <= size always, so size - pos never wraps; every bound is checked by subtraction, never by addition.
#include "base/cursor.h"

#include <string.h>

#include "base/bits.h"

pst_cursor pst_cursor_make(const void *bytes, size_t size)
{
    return (pst_cursor){.bytes = bytes, .size = bytes ? size : 0, .pos = 0};
}

bool pst_cursor_slice(pst_cursor c, uint64_t offset, uint64_t size, pst_cursor *out)
{
    if (offset > c.size || size > c.size - offset) return false;
    // An empty view may have no bytes at all, and NULL + 0 is not C.
    const uint8_t *start = c.bytes ? c.bytes + (size_t)offset : NULL;
    *out = (pst_cursor){.bytes = start, .size = (size_t)size, .pos = 0};
    return true;
}

bool pst_cursor_seek(pst_cursor *c, uint64_t pos)
{
    if (pos > c->size) return false;
    c->pos = (size_t)pos;
    return true;
}

bool pst_cursor_skip(pst_cursor *c, uint64_t count)
{
    if (count > c->size - c->pos) return false;
    c->pos += (size_t)count;
    return true;
}

size_t pst_cursor_left(const pst_cursor *c)
{
    return c->size - c->pos;
}

bool pst_cursor_bytes(pst_cursor *c, uint64_t size, const uint8_t **out)
{
    if (size > c->size - c->pos) return false;
    *out = c->bytes ? c->bytes + c->pos : NULL;
    c->pos += (size_t)size;
    return true;
}

// The next size bytes, at least one; NULL when fewer are left.
static const uint8_t *take(pst_cursor *c, size_t size)
{
    if (size > c->size - c->pos) return NULL;
    const uint8_t *at = c->bytes + c->pos;
    c->pos += size;
    return at;
}

bool pst_cursor_u8(pst_cursor *c, uint8_t *out)
{
    const uint8_t *at = take(c, sizeof *out);
    if (!at) return false;
    *out = *at;
    return true;
}

bool pst_cursor_u16(pst_cursor *c, uint16_t *out)
{
    const uint8_t *at = take(c, sizeof *out);
    if (!at) return false;
    *out = pst_load16(at);
    return true;
}

bool pst_cursor_u32(pst_cursor *c, uint32_t *out)
{
    const uint8_t *at = take(c, sizeof *out);
    if (!at) return false;
    *out = pst_load32(at);
    return true;
}

bool pst_cursor_u64(pst_cursor *c, uint64_t *out)
{
    const uint8_t *at = take(c, sizeof *out);
    if (!at) return false;
    *out = pst_load64(at);
    return true;
}

bool pst_cursor_string_at(pst_cursor c, uint64_t offset, const char **out)
{
    if (offset >= c.size) return false;
    const uint8_t *start = c.bytes + (size_t)offset;
    if (!memchr(start, 0, c.size - (size_t)offset)) return false;
    *out = (const char *)start;
    return true;
}
