// slice.h: where the value of a register or of stack bytes comes from, backwards along a replayed path (replay.h). For lost.c.
#ifndef PST_VERIFY_SLICE_H
#define PST_VERIFY_SLICE_H

#include "verify/replay.h"

typedef enum vorigin {
    VORIGIN_START,     // it was there where the replay began
    VORIGIN_LOAD,      // read from memory that is no constant place of the stack
    VORIGIN_CONST,     // an immediate number, a map
    VORIGIN_COMPUTED,  // of two values that are both unknown
    VORIGIN_RESULT,    // r0 of a call
    VORIGIN_CLOBBER,   // a call destroyed the register
    VORIGIN_FILLED,    // a call wrote the stack bytes
    VORIGIN_ARGUMENT,  // a helper hands it to the callback
    VORIGIN_PIECES,    // stack bytes that several stores wrote, or one to an unknown offset
    VORIGIN_UNWRITTEN, // a function starts with nothing there
} vorigin;

// Where a value is.
typedef struct vplace {
    bool on_stack;
    uint8_t reg, size; // size: bytes on the stack
    uint32_t frame;
    int64_t off;       // of the lowest byte, from the frame's pointer
} vplace;

// What is known of it just before an instruction.
typedef struct vseen {
    vvalue value;
    pst_scalar known;  // of the number, or of the pointer's offset
    uint32_t obj_id;   // V_PTR
    bool maybe_null;
} vseen;

typedef struct vslice {
    const vreplay *r;
    vplace *at;        // [i]: before r->trace[i], for i in (def, end]
    vseen *seen;       // likewise
    uint32_t def, end;
    bool number;       // of a pointer, its variable offset is followed; else the pointer itself
    vorigin origin;
} vslice;

/// Follows what is at place before trace[end] back to where it was made. w->at and w->seen have room for r->count entries.
void vslice_back(vslice *w, const vreplay *r, uint32_t end, const vplace *place, bool number);
/// The value at place.
vseen vslice_see(const vstate *s, const vplace *place);
/// A vreplay_visit whose user is the slice: fills w->seen. Run the replay again with it after vslice_back.
void vslice_watch(void *slice, const vreplay *r, const vstate *s, uint32_t index);
/// With what was watched: a helper that wrote the followed stack bytes becomes their origin.
void vslice_find_filler(vslice *w);

#endif
