// walk_windows.c: the stack as Windows' unwinder sees it.
#include "walk.h"

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

unsigned walk_by_system(walk_step *out, unsigned max)
{
    CONTEXT context;
    unsigned count = 0;
    RtlCaptureContext(&context);
    while (count < max && context.Rip) {
        DWORD64 base, establisher;
        void *handler_data;
        PRUNTIME_FUNCTION function = RtlLookupFunctionEntry(context.Rip, &base, NULL);
        out[count++] = (walk_step){.pc = context.Rip, .function = function ? base + function->BeginAddress : 0};
        if (!function) return count; // no leaf of ours is on the way
        (void)RtlVirtualUnwind(UNW_FLAG_NHANDLER, base, context.Rip, function, &context, &handler_data, &establisher, NULL);
    }
    return count;
}
