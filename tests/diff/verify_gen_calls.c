// verify_gen_calls.c: programs of many functions that call each other, for calls by summary. See verify_gen.h.
//
// Each function is written once and called from several places, with arguments that differ: numbers, bounded or not; a pointer to a struct on the
// stack of the caller (two numbers and a pointer), or to that of the caller's caller; packet pointers; a socket that the callee may give back. Functions check for
// their callers, fill what they were given, move the packet. Callers rely on it, now and then wrongly.
//
// All functions: r1 context, r2 number, r3 struct (32 bytes), r4 packet, r5 its end (numbers where there is no packet); r6 to r9 are r1, r2, r3 and
// scratch. fp-32: an own struct; fp-40, fp-48: r4 and r5; fp-56: a socket.
#include "verify_gen.h"

#include <stdarg.h>
#include <stdio.h>

#include "pal/pal.h"

#define TEXT_MAX 32768u
#define FUNCTIONS_MAX 6u

typedef struct writer {
    vgen_source *source;
    char text[TEXT_MAX];
    size_t size;
    unsigned labels, function, functions;
    vgen_type type;
    bool in_loop;
} writer;

static uint32_t next(writer *w, uint32_t below) { return vgen_next(w->source, below); }
static bool chance(writer *w, uint32_t one_in) { return next(w, one_in) == 0; }

static void say(writer *w, const char *fmt, ...) PST_PRINTF(2, 3);
static void say(writer *w, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int wrote = w->size < TEXT_MAX ? vsnprintf(w->text + w->size, TEXT_MAX - w->size, fmt, args) : 0;
    va_end(args);
    w->size += (size_t)wrote;
}

static int pick(writer *w, int a, int b) { return chance(w, 2) ? a : b; }
static int near(writer *w, int value) { return chance(w, 30) ? value + 1 : value; }

// r9: a number.
static void put_number(writer *w)
{
    switch (next(w, 5)) {
    case 0: say(w, "r9 = %u\n", next(w, 20)); return;
    case 1: say(w, "call 7; r9 = r0\n"); return;
    case 2: say(w, "call 7; r9 = r0; r9 &= %u\n", next(w, 64)); return;
    case 3: say(w, "r9 = *(u64 *)(r8 + %u)\n", 8 * next(w, 2)); return;
    default: say(w, "r9 = r7\n"); return;
    }
}

// An element of the global at an index that reg holds.
static void put_index(writer *w, const char *reg) { say(w, "r1 = map[fd:%d][0]+0; r1 += %s; r0 = *(u8 *)(r1 + %d)\n", VGEN_GLOBAL, reg, near(w, 0)); }

// The struct that r8 points to is used: its pointer, its numbers.
static void put_struct(writer *w)
{
    unsigned l = w->labels++;
    switch (next(w, 7)) {
    case 0: say(w, "*(u64 *)(r8 + %u) = %u\n", 8 * next(w, 2), next(w, 70)); return;
    case 1: say(w, "*(u%u *)(r8 + %u) = r7\n", 8u << next(w, 4), 8 * next(w, 2)); return;
    case 2: // by its own numbers
        say(w, "r1 = *(u64 *)(r8 + 0); if r1 > %d goto l%u; r2 = *(u64 *)(r8 + 16); r2 += r1; r0 = *(u8 *)(r2 + 0); l%u:\n", near(w, 55), l, l);
        return;
    case 3: say(w, "r1 = *(u64 *)(r8 + 16); r1 += %u; *(u64 *)(r8 + 16) = r1\n", next(w, 3)); return;
    case 4: say(w, "r1 = map[fd:%d][0]+8; *(u64 *)(r8 + 16) = r1\n", VGEN_GLOBAL); return;
    case 5: // one of two bytes
        say(w, "r1 = r7; r1 &= 1; r2 = r8; r2 += r1; *(u8 *)(r2 + %u) = %u\n", next(w, 8), next(w, 3));
        return;
    default: say(w, "r1 = *(u64 *)(r8 + 8); r1 += 1; *(u64 *)(r8 + 8) = r1\n"); return;
    }
}

static void put_packet(writer *w)
{
    unsigned l = w->labels++;
    say(w, "r4 = *(u64 *)(r10 - 40); r5 = *(u64 *)(r10 - 48)\n");
    if (chance(w, 4)) { // relies on what somebody checked
        say(w, "r0 = *(u8 *)(r4 + %u)\n", next(w, 14));
        return;
    }
    unsigned n = 1 + next(w, 14);
    say(w, "r1 = r4; r1 += %u; if r1 > r5 goto l%u; r0 = *(u8 *)(r4 + %d); l%u:\n", n, l, near(w, (int)n - 1), l);
}

static void put_move(writer *w)
{
    if (w->type != VGEN_XDP) return;
    unsigned l = w->labels++;
    if (chance(w, 2)) say(w, "if r7 > %u goto l%u\n", next(w, 40), l);
    say(w, "r1 = r6; r2 = 0; call 44\n");
    if (chance(w, 2)) say(w, "r0 = 0; *(u64 *)(r10 - 40) = r0; *(u64 *)(r10 - 48) = r0; exit\n");
    say(w, "l%u:\n", l);
}

// Which of the arguments is passed on, and what else.
static void put_call(writer *w, unsigned callee)
{
    put_number(w);
    bool own = chance(w, 2);
    if (own && chance(w, 2)) say(w, "*(u64 *)(r10 - 32) = r9\n");
    say(w, "r1 = r6; r2 = r9; r3 = %s\n", own ? "r10; r3 += -32" : "r8");
    say(w, "r4 = *(u64 *)(r10 - 40); r5 = *(u64 *)(r10 - 48)\n");
    say(w, "call f%u\n", callee);
    unsigned l = w->labels++;
    switch (next(w, 6)) {
    case 0: // the callee's answer is about the number
        say(w, "if r0 != %u goto l%u\n", next(w, 3), l);
        put_index(w, "r9");
        say(w, "l%u:\n", l);
        return;
    case 1: say(w, "if r0 > %d goto l%u\n", near(w, 55), l); put_index(w, "r0"); say(w, "l%u:\n", l); return;
    case 2:
        say(w, "r9 = *(u64 *)(r%u - 24); if r9 > %u goto l%u\n", own ? 10u : 8u, next(w, 60), l);
        if (own) put_index(w, "r9");
        say(w, "l%u:\n", l);
        return;
    case 3: say(w, "if r0 != 2 goto l%u\n", l); put_packet(w); say(w, "l%u:\n", l); return;
    case 4: if (own) say(w, "r1 = *(u64 *)(r10 - 16); r0 = *(u8 *)(r1 + %u)\n", next(w, 60)); return;
    default: return;
    }
}

static void put_check(writer *w)
{
    unsigned code = next(w, 3);
    switch (next(w, 3)) {
    case 0: say(w, "if r7 > %d goto +2; r0 = %u; exit\n", near(w, pick(w, 55, 30)), code); return;
    case 1: say(w, "r4 = *(u64 *)(r10 - 40); r5 = *(u64 *)(r10 - 48); r1 = r4; r1 += 14; if r1 > r5 goto +2; r0 = 2; exit\n"); return;
    default: say(w, "r1 = *(u64 *)(r8 + %u); if r1 s> %u goto +2; r0 = %u; exit\n", 8 * next(w, 2), next(w, 60), code); return;
    }
}

// A socket that the last function gives back, or not.
static void put_socket(writer *w)
{
    if (w->type == VGEN_CGROUP_SKB || w->in_loop) return;
    unsigned l = w->labels++;
    say(w, "r1 = r6; r2 = r10; r2 += -32; r3 = 12; r4 = -1 ll; r5 = 0; call 84; if r0 == 0 goto l%u; *(u64 *)(r10 - 56) = r0\n", l);
    put_number(w);
    if (chance(w, 3)) say(w, "r1 = r6; r2 = r9; r3 = r8; r4 = *(u64 *)(r10 - 40); r5 = *(u64 *)(r10 - 48); call f%u\n", w->function + 1 < w->functions ? w->functions - 1 : 9);
    say(w, "r1 = *(u64 *)(r10 - 56); r2 = r9; call s\n");
    bool both = chance(w, 2);
    if (both) say(w, "if r0 == 1 goto l%u; r1 = *(u64 *)(r10 - 56); r2 = *(u32 *)(r1 + 4); call 86\n", l);
    else if (chance(w, 6)) say(w, "r1 = *(u64 *)(r10 - 56); r2 = *(u32 *)(r1 + 4)\n");
    say(w, "l%u:\n", l);
}

static void put_unit(writer *w)
{
    unsigned l = w->labels++;
    bool calls = w->function + 1 < w->functions;
    switch (next(w, calls ? 14 : 8)) {
    case 0: case 1: put_struct(w); return;
    case 2: put_packet(w); return;
    case 3: if (chance(w, 3)) put_move(w); return;
    case 4: case 5: if (!w->in_loop) put_check(w); return;
    case 6: say(w, "if r7 > %u goto l%u\n", next(w, 60), l); put_struct(w); say(w, "l%u:\n", l); return;
    case 7:
        if (w->in_loop) return;
        w->in_loop = true;
        say(w, "r1 = %u; *(u64 *)(r10 - 64) = r1; l%u:\n", 1 + next(w, 20), l);
        put_unit(w);
        say(w, "r1 = *(u64 *)(r10 - 64); r1 += -1; *(u64 *)(r10 - 64) = r1; if r1 > 0 goto l%u\n", l);
        w->in_loop = false;
        return;
    case 8: if (w->function == 0 && chance(w, 2)) { put_socket(w); return; } PST_FALLTHROUGH;
    default: put_call(w, w->function + 1 + next(w, w->functions - w->function - 1)); return;
    }
}

static void put_function(writer *w)
{
    if (w->function == 0) {
        say(w, "r6 = r1; r7 = %u; r8 = r10; r8 += -96\n", next(w, 80));
        for (unsigned i = 0; i < 3; i++) say(w, "*(u64 *)(r10 - %u) = %u\n", 96 - 8 * i, next(w, 60));
        say(w, "r1 = map[fd:%d][0]+0; *(u64 *)(r10 - 80) = r1; *(u64 *)(r10 - 72) = 0\n", VGEN_GLOBAL);
        unsigned at = w->type == VGEN_XDP ? 0 : 76;
        say(w, "r4 = *(u32 *)(r6 + %u); r5 = *(u32 *)(r6 + %u)\n", at, at + 4);
    } else {
        say(w, "f%u: r6 = r1; r7 = r2; r8 = r3\n", w->function);
    }
    say(w, "*(u64 *)(r10 - 40) = r4; *(u64 *)(r10 - 48) = r5; r9 = 0; *(u64 *)(r10 - 56) = 0\n");
    for (unsigned at = 8; at <= 32; at += 8)
        if (at != 16) say(w, "*(u64 *)(r10 - %u) = %u\n", at, next(w, 3));
    say(w, "r1 = map[fd:%d][0]+0; *(u64 *)(r10 - 16) = r1\n", VGEN_GLOBAL);
    for (unsigned i = 1 + next(w, w->function == 0 ? 5 : 3); i > 0; i--) put_unit(w);
    if (w->function == 0) {
        for (unsigned i = 1; i < w->functions; i++) put_call(w, i); // nothing that is not called
        put_socket(w);
        say(w, "r0 = 0; exit\n");
        return;
    }
    if (chance(w, 3)) say(w, "r0 = %u; exit\n", next(w, 3));
    else say(w, "r0 = %s; exit\n", chance(w, 3) ? "r7" : "*(u64 *)(r8 + 0)");
}

size_t vgen_calls(vgen_source *source, vgen_type type, pst_slot *slots)
{
    static writer w; // large; nothing here is reentrant
    w = (writer){.source = source, .type = type, .functions = 3 + vgen_next(source, FUNCTIONS_MAX - 2)};
    for (; w.function < w.functions; w.function++) put_function(&w);
    if (type != VGEN_CGROUP_SKB) {
        say(&w, "s: r6 = r1; r7 = r2; r0 = 0; if r7 > %u goto +1; goto give; exit; give: r1 = r6; call 86; r0 = %d; exit\n", next(&w, 9), near(&w, 1));
    }
    pst_slot *made = NULL;
    size_t count = 0;
    pst_asm_error error = {0};
    if (pst_assemble(pst_pal_env(), w.text, &made, &count, &error) != PST_OK) {
        fprintf(stderr, "line %u: %s\n", error.line, error.text);
        return 0;
    }
    for (size_t i = 0; i < count && i < VGEN_SLOTS_MAX; i++) slots[i] = made[i];
    pst_free(pst_pal_env(), made, count * sizeof *made);
    return count <= VGEN_SLOTS_MAX ? count : 0;
}
