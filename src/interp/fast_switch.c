// fast_switch.c: the fast interpreter's loop as a switch, for compilers without labels as values.
//
// Built everywhere so that it stays right; programs contain it only if they ask for it (tests do).
#define PST_NO_COMPUTED_GOTO
#define LOOP_NAME fast_loop_switch
#include "interp/fast_loop.h"
