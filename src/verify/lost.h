// lost.h: where the knowledge was lost whose lack a finding is about.
#ifndef PST_VERIFY_LOST_H
#define PST_VERIFY_LOST_H

#include "verify/slice.h"

/// Fills path, lost and lost_pc of v->finding, just recorded by the walk, and adds to what was known. What cannot be said for certain of the path shown
/// is left out.
void vlost_note(verifier *v);

// --- lost.c and lost_text.c -----------------------------------------------------------------------------------------------

// What held at the end of the path, just before the instruction of the finding.
typedef struct vlost_end {
    bool is_read;
    vseen value;        // of the finding's register
    vplace place;       // which that is
    bool place_known;
    int64_t proved;     // packet pointers: bytes that are proved to be there from it on
    bool is_missing;    // or that they are not all there
    bool is_limited;    // it is known how many there are at most
    bool has_bare;      // a stack pointer: a byte that was not written
    int64_t bare;       // its offset
    uint32_t leaked_id; // an object that is not released, 0: none
    const char *leaked; // what it is
    uint8_t held;       // locks, sections and the like that are open
} vlost_end;

typedef struct vlost {
    verifier *v;
    vreplay r;
    vslice w;
    uint32_t steps_left; // that replays may still take
    uint32_t first;    // leg that the replay starts with
    bool is_exact;     // the path alone meets the finding
    uint32_t joined;   // else: slot whose state does, VFLOW_NONE: unknown
    vlost_end end;
    vseen before;      // else: what the path alone knows of the value at that place
    bool before_known;
} vlost;

/// Says what is to be said, once the path is settled.
void vlost_explain(vlost *l);

#endif
