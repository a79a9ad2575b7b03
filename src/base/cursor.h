// cursor.h: the only way to read bytes that we do not trust.
//
// A cursor is a view of memory that cannot be left: each read is bounded, reports failure, and does not move the
// cursor when it fails. Integers are little-endian, unaligned. Copying a cursor copies the position only.
#ifndef PST_BASE_CURSOR_H
#define PST_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

typedef struct pst_cursor {
    const uint8_t *bytes;
    size_t size; // of the whole view
    size_t pos;  // 0 <= pos <= size
} pst_cursor;

pst_cursor pst_cursor_make(const void *bytes, size_t size);
/// A view of [offset, offset + size) of the whole view of c (not from its position).
PST_MUST_USE bool pst_cursor_slice(pst_cursor c, uint64_t offset, uint64_t size, pst_cursor *out);
PST_MUST_USE bool pst_cursor_seek(pst_cursor *c, uint64_t pos);
PST_MUST_USE bool pst_cursor_skip(pst_cursor *c, uint64_t count);
size_t pst_cursor_left(const pst_cursor *c);

PST_MUST_USE bool pst_cursor_u8(pst_cursor *c, uint8_t *out);
PST_MUST_USE bool pst_cursor_u16(pst_cursor *c, uint16_t *out);
PST_MUST_USE bool pst_cursor_u32(pst_cursor *c, uint32_t *out);
PST_MUST_USE bool pst_cursor_u64(pst_cursor *c, uint64_t *out);
/// *out points into the view.
PST_MUST_USE bool pst_cursor_bytes(pst_cursor *c, uint64_t size, const uint8_t **out);
/// The NUL-terminated string that starts at offset of the whole view; false when no NUL follows inside the view.
PST_MUST_USE bool pst_cursor_string_at(pst_cursor c, uint64_t offset, const char **out);

#endif
