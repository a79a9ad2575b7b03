// verify_gen.c: see verify_gen.h.
//
// r6 is the context all along. r7 to r9 hold numbers (r8 and r9 count loops while one is around); r0 to r5 are for the unit that is being written.
#include "verify_gen_parts.h"

#define DEPTH_MAX 3u

const char *const vgen_type_names[VGEN_TYPES] = {"xdp", "sched_cls", "cgroup_skb"};

uint32_t vgen_next(vgen_source *s, uint32_t below)
{
    if (s->bytes) {
        uint32_t value = s->pos < s->size ? s->bytes[s->pos++] : 0;
        if (below > 256 && s->pos < s->size) value |= (uint32_t)s->bytes[s->pos++] << 8;
        return value % below;
    }
    s->seed ^= s->seed << 13;
    s->seed ^= s->seed >> 7;
    s->seed ^= s->seed << 17;
    return (uint32_t)((s->seed * 0x2545f4914f6cdd1du) >> 33) % below;
}

// --- Numbers --------------------------------------------------------------------------------------------------

unsigned vgen_held_number(gen *g) { return 7 + next(g, 3 - (g->loops < 2 ? g->loops : 2)); }

static void scalar_from_context(gen *g, unsigned dst)
{
    static const uint8_t xdp[] = {12, 16}, skb[] = {0, 8, 16, 32, 40, 44, 48, 52, 60};
    int off = g->type == VGEN_XDP ? xdp[next(g, 2)] : skb[next(g, PST_COUNT(skb))];
    ld(g, 2, dst, 6, off);
}

// dst is a number of which nothing, or its width, is known.
void vgen_number(gen *g, unsigned dst)
{
    switch (next(g, 6)) {
    case 0:
        if (g->level == 0 && !g->is_callback) {
            scalar_from_context(g, dst);
            return;
        }
        mov(g, dst, vgen_held_number(g));
        return;
    case 1:
        put(g, 0x18, dst, 2, 0, VGEN_GLOBAL);
        put(g, 0, 0, 0, 0, (int64_t)next(g, 7) * 8);
        if (chance(g, 4)) put(g, 0x81u | size_bits[next(g, 3)], dst, dst, 0, 0); // sign-extended
        else ld(g, next(g, 4), dst, dst, 0);
        return;
    case 2:
        if (dst <= 5) { // calls take the scratch registers
            mov(g, dst, vgen_held_number(g));
            return;
        }
        call(g, 7);
        mov(g, dst, 0);
        return;
    case 3:
        if (chance(g, 3)) {
            put(g, 0x18, dst, 0, 0, some_imm(g)); // any 64 bits
            put(g, 0, 0, 0, 0, some_imm(g));
            return;
        }
        movi(g, dst, some_imm(g));
        return;
    default: mov(g, dst, vgen_held_number(g)); return;
    }
}

// 64 bits of which nothing is known.
static void wide_number(gen *g, unsigned dst)
{
    put(g, 0x18, dst, 2, 0, VGEN_GLOBAL);
    put(g, 0, 0, 0, 0, (int64_t)next(g, 8) * 8);
    ld(g, 3, dst, dst, 0);
}

static void some_alu(gen *g, unsigned dst, unsigned src)
{
    static const uint8_t rows[] = {0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x80, 0x90, 0xa0, 0xb0, 0xc0};
    unsigned row = rows[next(g, PST_COUNT(rows))], wide = next(g, 3) ? 7 : 4, width = wide == 7 ? 64 : 32;
    bool shifts = row == 0x60 || row == 0x70 || row == 0xc0, divides = row == 0x30 || row == 0x90;
    if (row == 0x80) {
        if (chance(g, 2)) put(g, 0x84u | wide, dst, 0, 0, 0);
        else put(g, chance(g, 2) ? 0xdc : chance(g, 2) ? 0xd4 : 0xd7, dst, 0, 0, 16 << next(g, 3));
        return;
    }
    int off = divides && chance(g, 3) ? 1 : 0;
    if (chance(g, 2)) {
        int64_t imm = shifts ? (int64_t)next(g, width) : some_imm(g);
        if (divides && imm == 0) imm = 3;
        put(g, row | wide, dst, 0, off, imm);
        return;
    }
    if (row == 0xb0 && chance(g, 2)) off = wide == 7 ? 8 << next(g, 3) : 8 << next(g, 2);
    put(g, row | X | wide, dst, src, off, 0);
}

// Leaves in reg a number from 0 to limit - 1, or leaves the function.
void vgen_bound(gen *g, unsigned reg, uint32_t limit)
{
    int64_t most = near(g, (int64_t)limit - 1);
    uint32_t low = 1; // greatest mask below the limit
    while (low * 2 <= limit) low *= 2;
    bool may_leave = !g->holds;
    switch (may_leave ? next(g, 14) : next(g, 4)) {
    case 0: put(g, AND, reg, 0, 0, near(g, low - 1)); return;
    case 1: put(g, 0x97, reg, 0, 0, most + 1 ? most + 1 : 1); return;
    case 2: put(g, 0x54, reg, 0, 0, near(g, low - 1)); return;
    case 3: { // the shift that leaves the bits of low - 1
        unsigned bits = 0;
        while (low >> bits > 1) bits++;
        put(g, chance(g, 12) ? ARSH : RSH, reg, 0, 0, near(g, 64 - bits) & 63);
        return;
    }
    case 4: out_if(g, 0x25, reg, 0, most); return;                     // >
    case 5: out_if(g, 0x35, reg, 0, most + 1); return;                 // >=
    case 6:
        out_if(g, 0x65, reg, 0, most); // s>
        if (!chance(g, 24)) out_if(g, 0xc5, reg, 0, 0);
        return;
    case 7: { // over a jump out
        size_t over = jump(g, 0xa5, reg, 0, most + 1);
        out_if(g, 0x05, 0, 0, 0);
        land(g, over);
        return;
    }
    case 8:
        out_if(g, 0x26, reg, 0, most); // of the low half
        if (!chance(g, 12)) put(g, 0xbc, reg, reg, 0, 0);
        return;
    case 9: out_if(g, chance(g, 12) ? 0x46 : 0x45, reg, 0, ~(int64_t)(low - 1)); return; // any bit above
    case 10: // through another register that is bounded
        movi(g, 5, most);
        if (chance(g, 2)) scalar_from_context(g, 5), put(g, AND, 5, 0, 0, low - 1);
        out_if(g, chance(g, 2) ? 0x2d : 0x7d, reg, 5, 0);
        if (!chance(g, 6)) out_if(g, 0xc5, reg, 0, 0);
        return;
    case 11: // in a copy
        mov(g, 5, reg);
        out_if(g, 0x25, 5, 0, most);
        return;
    case 12: // of the sum
        put(g, ADD, reg, 0, 0, 3);
        out_if(g, 0x25, reg, 0, most + 3);
        if (!chance(g, 12)) out_if(g, 0xa5, reg, 0, 3);
        put(g, SUB, reg, 0, 0, 3);
        return;
    default: // as 32 bits, signed
        out_if(g, 0x66, reg, 0, most);
        if (!chance(g, 12)) out_if(g, 0xc6, reg, 0, 0);
        put(g, 0xbc, reg, reg, 0, 0);
        return;
    }
}

// --- Memory ---------------------------------------------------------------------------------------------------

// One access of the object of size bytes that base points to (base is kept). Uses r4 and r5.
void vgen_access(gen *g, unsigned base, uint32_t size, bool writable)
{
    unsigned log2 = next(g, 4), bytes = 1u << log2;
    if (bytes > size) log2 = 0, bytes = 1;
    int off = (int)next(g, size - bytes + 1);
    bool loads = !writable || chance(g, 2);
    unsigned at = base;
    if (chance(g, 2)) { // a variable offset, scaled now and then
        uint32_t scale = next(g, 3), span = (size - bytes) >> scale;
        vgen_number(g, 4);
        vgen_bound(g, 4, span + 1);
        if (scale) put(g, LSH, 4, 0, 0, scale);
        off = 0;
        if (chance(g, 3) && span > 4) {
            off = -(int)next(g, 4);
            put(g, ADD, 4, 0, 0, near(g, -off));
        }
        mov(g, 3, base);
        put(g, chance(g, 30) ? SUB | X : ADD | X, 3, 4, 0, 0);
        at = 3;
    }
    off = (int)near(g, off);
    if (!loads && chance(g, 6) && log2 >= 2) {
        static const int32_t codes[] = {0x00, 0x40, 0x50, 0xa0, 0x01, 0x41, 0xe1, 0xf1};
        movi(g, 4, some_imm(g));
        movi(g, 0, some_imm(g));
        put(g, log2 == 3 ? 0xdb : 0xc3, at, 4, off & -(int)bytes, codes[next(g, PST_COUNT(codes))]);
        return;
    }
    if (loads && chance(g, 5) && log2 < 3) put(g, 0x81u | size_bits[log2], vgen_held_number(g), at, off, 0);
    else if (loads) ld(g, log2, g->loops || chance(g, 2) ? 5 : vgen_held_number(g), at, off);
    else if (chance(g, 2)) sti(g, log2, at, off, some_imm(g));
    else st(g, log2, at, log2 == 3 && g->count % 23 == 0 ? base : vgen_held_number(g), off); // strict mode refuses the address
}

static void put_branch(gen *g);

void vgen_null_check(gen *g, unsigned reg)
{
    if (chance(g, 40)) return;
    switch (next(g, 4)) {
    case 0: {
        size_t over = jump(g, 0x55, reg, 0, 0);
        out_if(g, 0x05, 0, 0, 0);
        land(g, over);
        return;
    }
    case 1:
        movi(g, 5, 0);
        out_if(g, 0x1d, reg, 5, 0);
        return;
    default: out_if(g, chance(g, 60) ? 0x16 : 0x15, reg, 0, 0); return;
    }
}

static void put_lookup(gen *g)
{
    bool is_array = chance(g, 2);
    if (is_array && chance(g, 2)) sti(g, 2, 10, -8, next(g, VGEN_ARRAY_ENTRIES + 2));
    else if (is_array) st(g, 2, 10, vgen_held_number(g), -8);
    else sti(g, 3, 10, -8, some_imm(g));
    mov(g, 2, 10);
    put(g, ADD, 2, 0, 0, near(g, -8));
    map_fd(g, 1, is_array ? VGEN_ARRAY : VGEN_HASH);
    call(g, 1);
    if (g->holds) { // no way out: only where it is there
        size_t over = jump(g, 0x15, 0, 0, 0);
        vgen_access(g, 0, is_array ? VGEN_ARRAY_SIZE : VGEN_HASH_SIZE, true);
        land(g, over);
        return;
    }
    vgen_null_check(g, 0);
    mov(g, 1, 0);
    for (unsigned n = 1 + next(g, 2); n > 0; n--) vgen_access(g, 1, is_array ? VGEN_ARRAY_SIZE : VGEN_HASH_SIZE, true);
}

static void put_global(gen *g)
{
    put(g, 0x18, 1, 2, 0, VGEN_GLOBAL);
    int off = (int)next(g, 3) * 8;
    put(g, 0, 0, 0, 0, off);
    vgen_access(g, 1, VGEN_GLOBAL_SIZE - (uint32_t)off, true);
}

// Numbers that depend on each other, and an index that is bounded through another one.
static void put_related(gen *g)
{
    if (g->loops || g->holds) return;
    unsigned a = 7, b = 8, sum = 9, wide = chance(g, 4) ? 4 : 7;
    wide_number(g, a);
    wide_number(g, b);
    if (chance(g, 3)) out_if(g, 0xc5, a, 0, 0);
    else if (!chance(g, 4)) vgen_bound(g, a, 1u << (1 + next(g, 12)));
    if (!chance(g, 4)) vgen_bound(g, b, 1u << (1 + next(g, 8)));
    switch (next(g, 5)) {
    case 0: // a sum that may wrap
        mov(g, sum, a);
        put(g, chance(g, 3) ? 0x04 : ADD, sum, 0, 0, chance(g, 2) ? INT32_MAX : some_imm(g));
        if (chance(g, 2)) out_if(g, 0x65, sum, 0, some_imm(g));
        break;
    case 1:
        mov(g, sum, a);
        put(g, 0x0fu - 7 + wide, sum, b, 0, 0);
        break;
    case 2: put(g, 0xbc, sum, a, 0, 0); break; // the low half
    default:
        mov(g, sum, a);
        put(g, 0x1fu - 7 + wide, sum, b, 0, 0);
        break;
    }
    if (chance(g, 2)) out_if(g, chance(g, 2) ? 0x3d : 0x6d, a, chance(g, 2) ? b : sum, 0);
    vgen_bound(g, sum, 1u + next(g, 60));
    unsigned index = chance(g, 3) ? sum : chance(g, 2) ? a : b;
    if (chance(g, 3)) vgen_bound(g, index, 56);
    put(g, 0x18, 1, 2, 0, VGEN_GLOBAL);
    put(g, 0, 0, 0, 0, 0);
    put(g, ADD | X, 1, index, 0, 0);
    ld(g, next(g, 3), 5, 1, 0);
    if (chance(g, 3)) some_alu(g, b, sum);
}

// Numbers of other widths over zeros, read again with more or fewer bytes.
static void put_pieces(gen *g)
{
    int at = -16 - 8 * (int)next(g, 6), half = chance(g, 3) ? 4 : 0;
    unsigned log2 = next(g, half ? 3 : 4), load = next(g, half ? 3 : 4);
    sti(g, 3, 10, at, chance(g, 4) ? some_imm(g) : 0);
    if (chance(g, 2)) wide_number(g, vgen_held_number(g));
    st(g, log2, 10, vgen_held_number(g), at + half);
    if (chance(g, 4)) sti(g, next(g, 2), 10, at + half + (half ? 2 : 4), some_imm(g));
    unsigned to = vgen_held_number(g);
    if (load < 3 && chance(g, 2)) put(g, 0x81u | size_bits[load], to, 10, at + half, 0);
    else ld(g, load, to, 10, at + half);
    if (g->loops || g->holds) return;
    if (chance(g, 2)) out_if(g, chance(g, 2) ? 0x25 : 0x65, to, 0, chance(g, 2) ? 40 : some_imm(g));
    if (chance(g, 2)) put_branch(g);
}

static void load_packet(gen *g, unsigned start, unsigned end)
{
    if (g->type == VGEN_XDP) {
        ld(g, 2, start, 6, 0);
        ld(g, 2, end, 6, 4);
    } else {
        ld(g, 2, start, 6, 76);
        ld(g, 2, end, 6, 80);
    }
}

// r1: a packet pointer with at least n bytes behind it; r2: the end.
static void check_packet(gen *g, uint32_t n)
{
    n = (uint32_t)near(g, n);
    mov(g, 3, 1);
    put(g, ADD, 3, 0, 0, n);
    switch (next(g, 6)) {
    case 0: out_if(g, 0x2d, 3, 2, 0); return; // p + n > end
    case 1: out_if(g, 0xad, 2, 3, 0); return; // end < p + n
    case 2: { // p + n <= end: over
        size_t over = jump(g, 0xbd, 3, 2, 0);
        out_if(g, 0x05, 0, 0, 0);
        land(g, over);
        return;
    }
    case 3: out_if(g, chance(g, 8) ? 0x3d : 0x2d, 3, 2, 0); return;
    case 4: // the difference
        mov(g, 4, 2);
        put(g, SUB | X, 4, 1, 0, 0);
        if (chance(g, 2)) out_if(g, 0xc5, 4, 0, n);
        else out_if(g, 0xa5, 4, 0, n);
        return;
    default: out_if(g, 0x2d, 3, 2, 0); return;
    }
}

static void put_packet(gen *g)
{
    if (g->level > 0 || g->is_callback || g->holds) return;
    uint32_t n = 1 + next(g, 40);
    load_packet(g, 1, 2);
    if (chance(g, 3)) { // a variable start
        if (chance(g, 4)) { // so large that the address may wrap
            wide_number(g, 4);
            if (chance(g, 2)) out_if(g, 0xc5, 4, 0, 0);
            else if (chance(g, 2)) put(g, RSH, 4, 0, 0, 1 + next(g, 20));
        } else {
            vgen_number(g, 4);
            vgen_bound(g, 4, 1u << next(g, 12));
        }
        put(g, ADD | X, 1, 4, 0, 0);
        if (chance(g, 3)) put(g, ADD, 1, 0, 0, next(g, 20));
    }
    check_packet(g, n);
    bool writable = g->type == VGEN_XDP || g->type == VGEN_SCHED_CLS;
    for (unsigned i = 1 + next(g, 2); i > 0; i--) vgen_access(g, 1, n, writable);
    if (g->type == VGEN_XDP && chance(g, 6)) { // stale pointers, mostly loaded anew
        mov(g, 8, 1);
        st(g, 3, 10, 1, -120);
        mov(g, 1, 6);
        movi(g, 2, some_imm(g));
        call(g, chance(g, 2) ? 44 : 65);
        if (chance(g, 8)) ld(g, 0, 7, 8, 0);
        if (chance(g, 8)) ld(g, 3, 1, 10, -120), ld(g, 0, 7, 1, 0);
        movi(g, 8, 0);
        movi(g, 9, 1);
    }
}

static void put_meta(gen *g)
{
    if (g->level > 0 || g->is_callback || g->holds || g->type == VGEN_CGROUP_SKB) return;
    if (g->type == VGEN_SCHED_CLS && g->count % 3 == 0) { // a load that may be the end
        put(g, 0x20u | size_bits[g->count % 2], 0, 0, 0, (int)next(g, 60));
        mov(g, vgen_held_number(g), 0);
        return;
    }
    load_packet(g, 2, 4);
    ld(g, 2, 1, 6, g->type == VGEN_XDP ? 8 : 140);
    mov(g, 3, 1);
    put(g, ADD, 3, 0, 0, near(g, 4));
    out_if(g, 0x2d, 3, 2, 0);
    ld(g, next(g, 3), 7, 1, (int)near(g, 0));
}

// --- The stack ------------------------------------------------------------------------------------------------

static void put_spill(gen *g)
{
    unsigned log2 = next(g, 4), at = 16 + 8 * next(g, 6), sub = next(g, 8) & ~((1u << log2) - 1);
    int off = -(int)at + (int)sub;
    switch (next(g, 5)) {
    case 0: sti(g, log2, 10, off, some_imm(g)); break;
    case 1:
        sti(g, 3, 10, -(int)at, 0);
        st(g, log2, 10, vgen_held_number(g), off);
        break;
    default: st(g, log2, 10, vgen_held_number(g), off); break;
    }
    if (chance(g, 3)) return;
    unsigned load = next(g, 4), inside = next(g, 8) & ~((1u << load) - 1);
    if (load < 3 && chance(g, 4)) put(g, 0x81u | size_bits[load], vgen_held_number(g), 10, -(int)at + (int)inside, 0);
    else ld(g, load, vgen_held_number(g), 10, -(int)at + (int)inside);
}

static void put_spilled_pointer(gen *g)
{
    int off = -16 - 8 * (int)next(g, 6);
    put(g, 0x18, 1, 2, 0, VGEN_GLOBAL);
    put(g, 0, 0, 0, 0, 8);
    st(g, 3, 10, 1, off);
    if (chance(g, 8)) sti(g, next(g, 3), 10, off + (chance(g, 2) ? 0 : 4), some_imm(g)); // a part of it overwritten
    if (chance(g, 4)) some_alu(g, vgen_held_number(g), vgen_held_number(g));
    ld(g, 3, 1, 10, off);
    vgen_access(g, 1, VGEN_GLOBAL_SIZE - 8, true);
}

static void put_stack_array(gen *g)
{
    unsigned log2 = next(g, 4);
    uint32_t count = 48u >> log2;
    vgen_number(g, 4);
    vgen_bound(g, 4, count);
    if (log2) put(g, LSH, 4, 0, 0, log2);
    mov(g, 3, 10);
    put(g, ADD | X, 3, 4, 0, 0);
    int off = (int)near(g, -64);
    if (chance(g, 2)) ld(g, log2, 7, 3, off);
    else if (chance(g, 2)) sti(g, log2, 3, off, chance(g, 2) ? 0 : some_imm(g));
    else st(g, log2, 3, 7, off);
}

// --- Calls ----------------------------------------------------------------------------------------------------

static void put_helper(gen *g)
{
    uint32_t max = 1 + next(g, 32);
    switch (next(g, 4)) {
    case 0: // memory of variable size on the stack
        mov(g, 1, 10);
        put(g, ADD, 1, 0, 0, -(int)(16 + (max + 7) / 8 * 8));
        if (chance(g, 2)) {
            movi(g, 2, near(g, max));
        } else {
            vgen_number(g, 2);
            vgen_bound(g, 2, max + 1);
            if (chance(g, 2)) put(g, ADD, 2, 0, 0, 1);
        }
        movi(g, 3, 0);
        call(g, 113); // probe_read_kernel(dst, size, unsafe)
        return;
    case 1:
        mov(g, 2, 10);
        put(g, ADD, 2, 0, 0, -8);
        sti(g, 3, 10, -8, next(g, 4));
        mov(g, 3, 2);
        put(g, 0x18, 3, 2, 0, VGEN_GLOBAL);
        put(g, 0, 0, 0, 0, near(g, VGEN_GLOBAL_SIZE - VGEN_HASH_SIZE));
        movi(g, 4, 0);
        map_fd(g, 1, VGEN_HASH);
        call(g, 2);
        return;
    case 2: // ringbuf_output(ring, global, size, 0)
        put(g, 0x18, 2, 2, 0, VGEN_GLOBAL);
        put(g, 0, 0, 0, 0, 16);
        vgen_number(g, 3);
        vgen_bound(g, 3, VGEN_GLOBAL_SIZE - 16 + 1);
        movi(g, 4, 0);
        map_fd(g, 1, VGEN_RING);
        call(g, 130);
        return;
    default:
        call(g, chance(g, 2) ? 5 : 7);
        mov(g, vgen_held_number(g), 0);
        return;
    }
}

static void put_reservation(gen *g)
{
    if (g->holds) return;
    uint32_t size = 8 * (1 + next(g, 5));
    map_fd(g, 1, VGEN_RING);
    movi(g, 2, size);
    movi(g, 3, 0);
    call(g, 131);
    vgen_null_check(g, 0);
    g->holds = true;
    st(g, 3, 10, 0, -128);
    mov(g, 1, 0);
    vgen_access(g, 1, size, true);
    if (chance(g, 3) && g->loops == 0) vgen_units(g, 1);
    ld(g, 3, 1, 10, -128);
    if (chance(g, 3)) { // on both ways
        movi(g, 2, 0);
        size_t other = jump(g, 0x25, vgen_held_number(g), 0, some_imm(g));
        call(g, 132);
        size_t end = jump(g, 0x05, 0, 0, 0);
        land(g, other);
        if (!chance(g, 20)) call(g, 133);
        land(g, end);
    } else if (!chance(g, 30)) {
        movi(g, 2, 0);
        call(g, chance(g, 2) ? 132 : 133);
    }
    g->holds = false;
}

// A socket is looked up, looked at, also through another view of it, and given back; then its pointers must not be used.
static void put_socket(gen *g)
{
    if (g->holds || g->level > 0 || g->is_callback) return;
    mov(g, 1, 6);
    mov(g, 2, 10);
    put(g, ADD, 2, 0, 0, -64);
    movi(g, 3, near(g, 12));
    put(g, 0x18, 4, 0, 0, -1); // this network namespace
    put(g, 0, 0, 0, 0, -1);
    movi(g, 5, 0);
    call(g, chance(g, 2) ? 84 : 85);
    vgen_null_check(g, 0);
    g->holds = true;
    st(g, 3, 10, 0, -128);
    if (chance(g, 2)) ld(g, 2, vgen_held_number(g), 0, 4 * (int)next(g, 4));
    if (g->type != VGEN_XDP && chance(g, 2)) {
        mov(g, 1, 0);
        call(g, chance(g, 2) ? 95 : 96);
        size_t over = jump(g, chance(g, 30) ? 0x55 : 0x15, 0, 0, 0);
        ld(g, 2, 5, 0, 4);
        if (g->loops == 0 && g->count % 5 == 0) { // given back while the view is there
            mov(g, 9, 0);
            ld(g, 3, 1, 10, -128);
            call(g, 86);
            if (g->count % 3 == 0) ld(g, 2, 5, 9, 4);
            movi(g, 0, 0);
            put(g, 0x95, 0, 0, 0, 0);
        }
        if (chance(g, 2)) st(g, 3, 10, 0, -136);
        land(g, over);
    }
    if (chance(g, 3) && g->loops == 0) vgen_units(g, 1);
    ld(g, 3, 1, 10, -128);
    if (!chance(g, 30)) call(g, 86);
    if (chance(g, 20)) {
        ld(g, 3, 1, 10, chance(g, 2) ? -128 : -136);
        ld(g, 2, 5, 1, 4);
    }
    g->holds = false;
}

static void put_subprog_call(gen *g)
{
    if (g->level >= SUBPROGS || g->call_count == PST_COUNT(g->calls) || g->is_callback) return;
    vgen_number(g, 1);
    if (chance(g, 2)) vgen_bound(g, 1, VGEN_GLOBAL_SIZE - 7);
    mov(g, 2, 10);
    put(g, ADD, 2, 0, 0, -64);
    put(g, 0x18, 3, 2, 0, VGEN_GLOBAL);
    put(g, 0, 0, 0, 0, 0);
    if (g->call_count == PST_COUNT(g->calls)) return;
    g->calls[g->call_count++] = g->count;
    put(g, 0x85, 0, 1, 0, (int)(g->level + 1 + next(g, SUBPROGS - g->level)));
    mov(g, vgen_held_number(g), 0);
}

static void put_loop_call(gen *g)
{
    if (g->is_callback || g->func_count == PST_COUNT(g->funcs) || g->holds) return;
    bool each = chance(g, 4);
    if (each) {
        map_fd(g, 1, VGEN_ARRAY);
    } else {
        vgen_number(g, 1);
        if (chance(g, 2)) vgen_bound(g, 1, 1 + next(g, 20));
    }
    g->funcs[g->func_count++] = g->count;
    put(g, 0x18, 2, 4, 0, each ? VGEN_CALLBACK_EACH : VGEN_CALLBACK_LOOP);
    put(g, 0, 0, 0, 0, 0);
    mov(g, 3, 10);
    put(g, ADD, 3, 0, 0, -64);
    movi(g, 4, 0);
    call(g, each ? 164 : 181);
}

// --- Control --------------------------------------------------------------------------------------------------

static const uint8_t jump_codes[] = {0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0xa0, 0xb0, 0xc0, 0xd0};

static void put_branch(gen *g)
{
    unsigned wide = chance(g, 3) ? 6 : 5, code = jump_codes[next(g, PST_COUNT(jump_codes))];
    size_t at = chance(g, 2) ? jump(g, code | wide, vgen_held_number(g), 0, some_imm(g)) : jump(g, code | X | wide, vgen_held_number(g), vgen_held_number(g), 0);
    g->depth++;
    vgen_units(g, 1 + next(g, 2));
    if (chance(g, 2)) {
        size_t end = jump(g, 0x05, 0, 0, 0);
        land(g, at);
        vgen_units(g, 1 + next(g, 2));
        land(g, end);
    } else {
        land(g, at);
    }
    g->depth--;
}

// What a loop does with its counter: an element of the global, a stack slot, or anything.
void vgen_body(gen *g, unsigned counter, uint32_t limit)
{
    switch (next(g, 5)) {
    case 0:
        put(g, 0x18, 1, 2, 0, VGEN_GLOBAL);
        put(g, 0, 0, 0, 0, 0);
        put(g, ADD | X, 1, counter, 0, 0);
        ld(g, 0, 7, 1, (int)near(g, limit < VGEN_GLOBAL_SIZE ? (int64_t)VGEN_GLOBAL_SIZE - limit : 0));
        return;
    case 1:
        mov(g, 2, counter);
        vgen_bound(g, 2, 8);
        mov(g, 1, 10);
        put(g, ADD | X, 1, 2, 0, 0);
        sti(g, 0, 1, (int)near(g, -64), chance(g, 2) ? 0 : 7);
        return;
    case 2:
        put(g, ADD | X, 7, counter, 0, 0);
        return;
    default: vgen_units(g, 1); return;
    }
}

static void put_loop(gen *g);

// Downwards, by shifts, by doubling.
static void put_other_steps(gen *g, unsigned i, uint32_t limit, unsigned style)
{
    size_t top, end;
    bool subtracts;
    switch (style) {
    case 0: // for (i = limit; i != 0; i--)
        movi(g, i, limit);
        top = g->count;
        end = jump(g, chance(g, 3) ? 0xb5 : 0x15, i, 0, 0);
        vgen_body(g, i, limit + 1);
        subtracts = chance(g, 2);
        put(g, subtracts ? SUB : ADD, i, 0, 0, subtracts ? 1 : -1);
        jump_back(g, 0x05, 0, 0, 0, top);
        land(g, end);
        return;
    case 1:
        vgen_number(g, i);
        top = g->count;
        vgen_body(g, 7, 1);
        put(g, chance(g, 8) ? ARSH : RSH, i, 0, 0, 1 + next(g, 3));
        jump_back(g, chance(g, 4) ? 0x25 : 0x55, i, 0, 0, top);
        return;
    default:
        movi(g, i, 1);
        top = g->count;
        vgen_body(g, i, limit * 2);
        if (chance(g, 2)) put(g, LSH, i, 0, 0, 1);
        else put(g, MUL, i, 0, 0, 3);
        jump_back(g, 0xa5, i, 0, limit, top);
        return;
    }
}

// Up to a number that is not constant.
static void put_variable_limit(gen *g, unsigned i, uint32_t limit)
{
    int slot = -72 - 8 * (int)g->loops;
    vgen_number(g, 5);
    vgen_bound(g, 5, limit + 1);
    st(g, 3, 10, 5, slot);
    movi(g, i, 0);
    size_t top = g->count;
    ld(g, 3, 5, 10, slot);
    size_t end = jump(g, chance(g, 2) ? 0x3d : chance(g, 4) ? 0x1d : 0x7d, i, 5, 0);
    vgen_body(g, i, limit);
    put(g, ADD, i, 0, 0, 1);
    jump_back(g, 0x05, 0, 0, 0, top);
    land(g, end);
}

// may_goto, or a loop that nothing ends.
static void put_uncounted(gen *g, unsigned i)
{
    if (chance(g, 3)) {
        size_t top = g->count;
        if (g->loops < 2 && chance(g, 2)) put_loop(g);
        else vgen_body(g, 7, 1);
        wide_number(g, i);
        jump_back(g, 0x45, i, 0, 1, top);
        return;
    }
    movi(g, i, 0);
    size_t top = g->count, end = jump(g, 0xe5, 0, 0, 0);
    vgen_body(g, 7, 1);
    if (chance(g, 2)) put(g, ADD, i, 0, 0, 1);
    jump_back(g, 0x05, 0, 0, 0, top);
    land(g, end);
}

static void put_counted(gen *g, unsigned i, uint32_t limit)
{
    static const uint8_t goes_on[] = {0xa5, 0xa5, 0xb5, 0xc5, 0xd5, 0x55, 0xa6, 0xc6, 0x56};
    unsigned style = next(g, 9), step = chance(g, 4) ? 1 + next(g, 4) : 1;
    size_t top, end;
    switch (style) {
    case 0:
    case 1:
    case 2: put_other_steps(g, i, limit, style); return;
    case 3: put_variable_limit(g, i, limit); return;
    case 4: put_uncounted(g, i); return;
    case 5: // the check in front
        movi(g, i, next(g, 3));
        top = g->count;
        end = jump(g, chance(g, 2) ? 0x35 : chance(g, 2) ? 0x75 : 0x36, i, 0, limit);
        vgen_body(g, i, limit);
        put(g, chance(g, 3) ? 0x04 : ADD, i, 0, 0, step);
        jump_back(g, 0x05, 0, 0, 0, top);
        land(g, end);
        return;
    default: // do ... while
        movi(g, i, 0);
        top = g->count;
        vgen_body(g, i, limit);
        put(g, chance(g, 4) ? 0x04 : ADD, i, 0, 0, step);
        jump_back(g, goes_on[next(g, PST_COUNT(goes_on))], i, 0, limit, top);
        return;
    }
}

static void put_pointer_loop(gen *g, unsigned i)
{
    if (g->level > 0 || g->is_callback || g->type == VGEN_CGROUP_SKB || g->loops > 1) return;
    int64_t limit = 1 + next(g, 30);
    load_packet(g, 8, 5);
    st(g, 3, 10, 5, -104);
    movi(g, i == 8 ? 9 : i, 0);
    unsigned counter = i == 8 ? 9 : i;
    size_t top = g->count;
    ld(g, 3, 5, 10, -104);
    mov(g, 3, 8);
    put(g, ADD, 3, 0, 0, near(g, 1));
    size_t end = jump(g, 0x2d, 3, 5, 0);
    ld(g, 0, 7, 8, 0);
    if (chance(g, 3)) { // a step that the packet chooses
        put(g, AND, 7, 0, 0, 7);
        put(g, ADD | X, 8, 7, 0, 0);
    }
    put(g, ADD, 8, 0, 0, 1);
    if (!chance(g, 3)) {
        put(g, ADD, counter, 0, 0, 1);
        jump_back(g, 0xa5, counter, 0, limit, top);
    } else {
        jump_back(g, 0x05, 0, 0, 0, top);
    }
    land(g, end);
    movi(g, 8, 1);
    movi(g, 9, 2);
}

static void put_loop(gen *g)
{
    if (g->loops == 2) return;
    static const uint32_t limits[] = {1, 2, 3, 4, 5, 8, 10, 16, 20, 33, 48, 60, 64, 100, 1000};
    unsigned i = g->loops == 0 ? 9 : 8;
    g->loops++;
    g->depth++;
    if (g->loops == 1 && chance(g, 6)) put_pointer_loop(g, i);
    else put_counted(g, i, limits[next(g, PST_COUNT(limits))]);
    g->depth--;
    g->loops--;
}

// How compilers extend halves.
static void put_extension(gen *g)
{
    unsigned reg = vgen_held_number(g);
    put(g, LSH, reg, 0, 0, near(g, 32));
    put(g, chance(g, 2) ? ARSH : RSH, reg, 0, 0, near(g, 32));
}

static void put_unit(gen *g)
{
    if (g->source->holds && chance(g, 3)) {
        vgen_held_unit(g);
        return;
    }
    switch (next(g, g->depth < DEPTH_MAX ? 22 : 16)) {
    case 0:
        if (chance(g, 3)) {
            put_extension(g);
            break;
        }
        PST_FALLTHROUGH;
    case 1: some_alu(g, vgen_held_number(g), vgen_held_number(g)); break;
    case 2: vgen_number(g, vgen_held_number(g)); break;
    case 3: put_lookup(g); break;
    case 4: put_global(g); break;
    case 5:
    case 6: if (g->loops == 0) put_packet(g); else put_global(g); break;
    case 7:
    case 8: put_spill(g); break;
    case 9: put_spilled_pointer(g); break;
    case 10: put_stack_array(g); break;
    case 11: put_helper(g); break;
    case 12: put_subprog_call(g); break;
    case 13: if (!g->holds) vgen_bound(g, vgen_held_number(g), 1u << next(g, 30)); break;
    case 14: put_related(g); break;
    case 15: put_pieces(g); break;
    case 16: put_meta(g); break;
    case 17:
        if (chance(g, 2)) put_reservation(g);
        else put_socket(g);
        break;
    case 18: put_loop_call(g); break;
    case 19:
    case 20: put_branch(g); break;
    default: put_loop(g); break;
    }
}

void vgen_units(gen *g, uint32_t units)
{
    for (; units > 0 && g->count < VGEN_SLOTS_MAX / 2; units--) put_unit(g);
}

// --- Functions ------------------------------------------------------------------------------------------------

static void end_function(gen *g, int64_t most)
{
    // The result: a number that is bounded where it must be, or a constant.
    if (chance(g, 2)) {
        mov(g, 0, vgen_held_number(g));
        if (most > 0) vgen_bound(g, 0, (uint32_t)most + 1);
    } else {
        movi(g, 0, most > 0 ? near(g, next(g, (uint32_t)most + 1)) : 1);
    }
    put(g, 0x95, 0, 0, 0, 0);
    for (uint32_t i = 0; i < g->out_count; i++) land(g, g->outs[i]);
    if (g->out_count) {
        movi(g, 0, 0);
        put(g, 0x95, 0, 0, 0, 0);
    }
    g->out_count = 0;
}

static void put_main(gen *g)
{
    mov(g, 6, 1);
    for (unsigned reg = 7; reg < 10; reg++) {
        if (chance(g, 2)) scalar_from_context(g, reg);
        else movi(g, reg, some_imm(g));
    }
    for (unsigned at = 16; at <= 64; at += 8)
        if (!chance(g, 12)) sti(g, 3, 10, -(int)at, chance(g, 2) ? 0 : some_imm(g));
    vgen_units(g, 2 + next(g, 8));
    end_function(g, g->type == VGEN_CGROUP_SKB ? 1 : 0);
}

// r1: a number, r2: 64 bytes of the caller's stack, r3: the global. For callbacks r2 is the data or r4 is, of a timer none; r3 a value.
static void put_subprog(gen *g)
{
    if (g->level == VGEN_FIRST_CALLBACK + VGEN_CALLBACK_TIMER) {
        mov(g, 6, 3);
        ld(g, 3, 7, 3, VGEN_OWNED_DATA);
    } else if (g->is_callback) {
        mov(g, 6, g->level == VGEN_FIRST_CALLBACK ? 2 : 4);
        if (g->level == VGEN_FIRST_CALLBACK) mov(g, 7, 1);
        else ld(g, next(g, 4), 7, 3, (int)next(g, 6) * 8);
    } else {
        mov(g, 7, 1);
        mov(g, 6, 2);
    }
    movi(g, 8, some_imm(g));
    movi(g, 9, some_imm(g));
    for (unsigned at = 16; at <= 64; at += 8) sti(g, 3, 10, -(int)at, 0);
    bool is_timer = g->level == VGEN_FIRST_CALLBACK + VGEN_CALLBACK_TIMER;
    if (g->level == VGEN_GLOBAL_FUNC) {
        vgen_global_start(g);
    } else if (!is_timer) {
        if (chance(g, 2)) vgen_access(g, 6, 48, true);
        if (chance(g, 2) && !g->is_callback) vgen_access(g, 3, VGEN_GLOBAL_SIZE, true);
    }
    vgen_units(g, 1 + next(g, 4));
    if (is_timer) movi(g, 7, 0), movi(g, 8, 0), movi(g, 9, 0); // it returns 0
    end_function(g, g->is_callback ? 1 : 0);
}

// Descriptors of functions that are called become distances. Functions that nothing calls are refused, so those are not there.
static void patch(gen *g, const size_t *starts)
{
    for (uint32_t i = 0; i < g->call_count; i++) {
        pst_slot *at = &g->slots[g->calls[i]];
        at->imm = (int32_t)((int64_t)starts[at->imm] - (int64_t)g->calls[i] - 1);
    }
    for (uint32_t i = 0; i < g->func_count; i++) {
        pst_slot *at = &g->slots[g->funcs[i]];
        at->imm = (int32_t)((int64_t)starts[VGEN_FIRST_CALLBACK + (uint32_t)at->imm] - (int64_t)g->funcs[i] - 1);
    }
}

static bool is_wanted(const gen *g, unsigned level)
{
    bool is_callback = level >= VGEN_FIRST_CALLBACK && level < VGEN_GLOBAL_FUNC;
    for (uint32_t i = 0; i < g->call_count && !is_callback; i++)
        if (g->slots[g->calls[i]].imm == (int32_t)level) return true;
    for (uint32_t i = 0; i < g->func_count && is_callback; i++)
        if (g->slots[g->funcs[i]].imm == (int32_t)(level - VGEN_FIRST_CALLBACK)) return true;
    return false;
}

size_t vgen_program(vgen_source *source, vgen_type type, pst_slot *slots)
{
    gen g = {.source = source, .slots = slots, .type = type};
    size_t starts[VGEN_FUNCS] = {0};
    source->global_at = 0;
    for (g.level = 0; g.level < VGEN_FUNCS; g.level++) {
        if (g.count > VGEN_SLOTS_MAX) break;
        starts[g.level] = g.count;
        g.is_callback = g.level >= VGEN_FIRST_CALLBACK && g.level < VGEN_GLOBAL_FUNC;
        if (g.level == VGEN_GLOBAL_FUNC && is_wanted(&g, g.level)) source->global_at = g.count;
        if (g.level == 0) put_main(&g);
        else if (is_wanted(&g, g.level)) put_subprog(&g);
    }
    if (g.count > VGEN_SLOTS_MAX) return 0;
    patch(&g, starts);
    return g.count;
}
