// verify_gen_held.c: the part of the generator that acquires, uses and gives back: dynptrs, iterators, locks, tasks and objects in maps, sections, timers,
// and calls of a global function. See verify_gen.h and the head of verify_gen.c.
//
// Each unit does it right, but for a slip now and then: nothing is given back, or twice, on one way only, or something is used afterwards.
#include "verify_gen_parts.h"

const char *const vgen_kfunc_names[VGEN_KFUNCS] = {
#define X(id, name) name,
    VGEN_KFUNC_LIST(X)
#undef X
};

// Places on the stack, by their offset from r10.
enum { AT_DYNPTR = -176, AT_CLONE = -192, AT_ITER = -200, AT_INNER_ITER = -208, AT_IRQ = -216, AT_REFERENCE = -224, AT_VALUE = -232, AT_INSIDE = -240,
       AT_OTHER = -248 };

static void kfunc(gen *g, vgen_kfunc id) { put(g, 0x85, 0, 2, 0, id); }

static void stack_address(gen *g, unsigned reg, int at)
{
    mov(g, reg, 10);
    put(g, ADD, reg, 0, 0, at);
}

static void global_address(gen *g, unsigned reg, int64_t off)
{
    put(g, 0x18, reg, 2, 0, VGEN_GLOBAL);
    put(g, 0, 0, 0, 0, off);
}

// Whether the unit slips here.
static bool slips(gen *g) { return chance(g, 30); }

// What is done while something is held.
static void inner_units(gen *g)
{
    if (chance(g, 2) && g->loops == 0) vgen_units(g, 1);
}

// --- Dynptrs ----------------------------------------------------------------------------------------------------

static void some_offset(gen *g, unsigned reg)
{
    if (chance(g, 2)) movi(g, reg, next(g, 40));
    else vgen_number(g, reg);
}

static void put_slice(gen *g, int at)
{
    bool by_helper = chance(g, 2), is_writable = by_helper || chance(g, 3);
    uint32_t size = 1 + next(g, 40);
    stack_address(g, 1, at);
    some_offset(g, 2);
    if (by_helper) {
        movi(g, 3, size);
        call(g, 203);
    } else {
        if (chance(g, 2)) movi(g, 3, 0);
        else stack_address(g, 3, -64);
        movi(g, 4, near(g, size));
        kfunc(g, is_writable ? VGEN_DYNPTR_SLICE_RDWR : VGEN_DYNPTR_SLICE);
    }
    size_t over = jump(g, slips(g) ? 0x55 : 0x15, 0, 0, 0);
    mov(g, 1, 0);
    vgen_access(g, 1, size, is_writable && !chance(g, 20));
    if (chance(g, 2)) st(g, 3, 10, 1, AT_INSIDE);
    land(g, over);
}

static void put_dynptr_use(gen *g, int at)
{
    switch (next(g, 6)) {
    case 0: // write(dynptr, offset, stack, size, 0)
        stack_address(g, 1, at);
        some_offset(g, 2);
        stack_address(g, 3, -64);
        movi(g, 4, near(g, 48));
        movi(g, 5, 0);
        call(g, 202);
        return;
    case 1: // read(stack, size, dynptr, offset, 0)
        stack_address(g, 1, -64);
        movi(g, 2, near(g, 48));
        stack_address(g, 3, at);
        some_offset(g, 4);
        movi(g, 5, 0);
        call(g, 201);
        return;
    case 2:
        stack_address(g, 1, at);
        kfunc(g, VGEN_DYNPTR_SIZE);
        mov(g, vgen_held_number(g), 0);
        return;
    case 3:
        stack_address(g, 1, at);
        movi(g, 2, next(g, 8));
        movi(g, 3, 8 + next(g, 32));
        kfunc(g, VGEN_DYNPTR_ADJUST);
        return;
    default: put_slice(g, at); return;
    }
}

static void put_dynptr_uses(gen *g)
{
    if (chance(g, 2)) sti(g, 3, 10, AT_INSIDE, 0);
    bool cloned = chance(g, 4);
    if (cloned) {
        stack_address(g, 1, AT_DYNPTR);
        stack_address(g, 2, AT_CLONE);
        kfunc(g, VGEN_DYNPTR_CLONE);
    }
    for (unsigned n = 1 + next(g, 3); n > 0; n--) put_dynptr_use(g, cloned && chance(g, 2) ? AT_CLONE : AT_DYNPTR);
    inner_units(g);
}

// A byte through the slice or element that was kept, if there is one.
static void put_stale_slice(gen *g)
{
    ld(g, 3, 1, 10, AT_INSIDE);
    size_t over = chance(g, 2) ? jump(g, 0x15, 1, 0, 0) : 0; // where nothing was kept, zeros were written
    ld(g, 0, 5, 1, 0);
    if (over) land(g, over);
}

static void put_ring_dynptr(gen *g)
{
    map_fd(g, 1, VGEN_RING);
    if (chance(g, 2)) movi(g, 2, next(g, 64));
    else vgen_number(g, 2);
    movi(g, 3, 0);
    stack_address(g, 4, AT_DYNPTR);
    call(g, 198);
    g->holds = true;
    put_dynptr_uses(g);
    if (!slips(g)) {
        size_t other = chance(g, 3) ? jump(g, 0x25, vgen_held_number(g), 0, some_imm(g)) : 0, end = 0;
        for (unsigned ways = other ? 2 : 1; ways > 0; ways--) { // on both
            if (!slips(g)) {
                stack_address(g, 1, AT_DYNPTR);
                movi(g, 2, 0);
                call(g, 199 + (int)next(g, 2));
            }
            if (ways == 2) {
                end = jump(g, 0x05, 0, 0, 0);
                land(g, other);
            }
        }
        if (end) land(g, end);
    }
    if (slips(g)) put_stale_slice(g);
    if (slips(g)) put_dynptr_use(g, chance(g, 2) ? AT_CLONE : AT_DYNPTR);
    g->holds = false;
}

static void put_local_dynptr(gen *g)
{
    int64_t off = 8 * next(g, 4);
    global_address(g, 1, off);
    if (chance(g, 2)) {
        movi(g, 2, near(g, VGEN_GLOBAL_SIZE - off));
    } else {
        vgen_number(g, 2);
        vgen_bound(g, 2, (uint32_t)(VGEN_GLOBAL_SIZE - off + 1));
    }
    movi(g, 3, 0);
    stack_address(g, 4, AT_DYNPTR);
    call(g, 197);
    put_dynptr_uses(g);
    bool breaks = chance(g, 3);
    if (breaks) sti(g, next(g, 4), 10, AT_DYNPTR + 8 * (int)next(g, 2), 0); // it is none any more
    if (breaks && chance(g, 12)) put_dynptr_use(g, AT_DYNPTR);
    if (chance(g, 6)) put_stale_slice(g);
}

static void put_packet_dynptr(gen *g)
{
    if (g->level > 0) return;
    mov(g, 1, 6);
    movi(g, 2, 0);
    stack_address(g, 3, AT_DYNPTR);
    kfunc(g, g->type == VGEN_XDP ? VGEN_DYNPTR_FROM_XDP : VGEN_DYNPTR_FROM_SKB);
    put_dynptr_uses(g);
    if (chance(g, 3) && g->type == VGEN_XDP) {
        mov(g, 1, 6);
        movi(g, 2, some_imm(g));
        call(g, chance(g, 2) ? 44 : 65);
        if (chance(g, 2)) put_slice(g, AT_DYNPTR);
    }
    if (chance(g, 5)) put_stale_slice(g);
}

// --- Iterators --------------------------------------------------------------------------------------------------

static void put_iterator(gen *g)
{
    int at = g->loops ? AT_INNER_ITER : AT_ITER;
    unsigned i = g->loops ? 8 : 9;
    if (g->loops == 2) return;
    bool held = g->holds;
    stack_address(g, 1, at);
    if (chance(g, 2)) movi(g, 2, next(g, 4));
    else vgen_number(g, 2);
    if (chance(g, 2)) movi(g, 3, next(g, 12));
    else vgen_number(g, 3);
    kfunc(g, VGEN_ITER_NEW);
    g->loops++;
    g->depth++;
    g->holds = true;
    size_t top = g->count;
    stack_address(g, 1, at);
    kfunc(g, VGEN_ITER_NEXT);
    size_t end = jump(g, slips(g) ? 0x55 : 0x15, 0, 0, 0), leaves = 0;
    if (chance(g, 8)) st(g, 3, 10, 0, AT_INSIDE);
    if (slips(g)) sti(g, 2, 0, 0, 1);
    put(g, chance(g, 2) ? 0x81 : 0x61, i, 0, (int)near(g, 0), 0); // s32 or u32
    if (chance(g, 3)) vgen_bound(g, i, 20);
    vgen_body(g, i, VGEN_GLOBAL_SIZE);
    if (chance(g, 3)) leaves = jump(g, 0x25, vgen_held_number(g), 0, some_imm(g));
    jump_back(g, 0x05, 0, 0, 0, top);
    land(g, end);
    if (leaves) land(g, leaves);
    if (!slips(g)) {
        stack_address(g, 1, at);
        kfunc(g, VGEN_ITER_DESTROY);
    }
    if (slips(g)) put_stale_slice(g);
    g->holds = held;
    g->depth--;
    g->loops--;
}

// --- Values that own --------------------------------------------------------------------------------------------

// r0 and AT_VALUE: a value of one of the owned maps that is there; or the function is left.
static void put_owned_value(gen *g, bool is_array)
{
    if (is_array) sti(g, 2, 10, -8, next(g, 5));
    else sti(g, 3, 10, -8, next(g, 4));
    stack_address(g, 2, -8);
    map_fd(g, 1, is_array ? VGEN_OWNED : VGEN_OWNED_HASH);
    call(g, 1);
    vgen_null_check(g, 0);
    st(g, 3, 10, 0, AT_VALUE);
}

static void value_field(gen *g, unsigned reg, int64_t off)
{
    ld(g, 3, reg, 10, AT_VALUE);
    if (off || chance(g, 2)) put(g, ADD, reg, 0, 0, off);
}

// A field of the value that is its own affair, touched as if it were a number.
static void put_touch(gen *g)
{
    ld(g, 3, 1, 10, AT_VALUE);
    if (chance(g, 2)) ld(g, 2 + next(g, 2), 5, 1, 8 * (int)next(g, 5));
    else st(g, 2 + next(g, 2), 1, vgen_held_number(g), 8 * (int)next(g, 5));
}

static void put_locked(gen *g)
{
    bool has_other = chance(g, 6);
    if (has_other) { // whose lock is another one
        put_owned_value(g, chance(g, 2));
        st(g, 3, 10, 0, AT_OTHER);
    }
    put_owned_value(g, chance(g, 2));
    value_field(g, 1, VGEN_OWNED_LOCK);
    call(g, 93);
    g->holds = true;
    ld(g, 3, 2, 10, AT_VALUE);
    put(g, ADD, 2, 0, 0, VGEN_OWNED_DATA);
    vgen_access(g, 2, VGEN_OWNED_SIZE - VGEN_OWNED_DATA, true);
    if (chance(g, 4)) put(g, ADD, vgen_held_number(g), 0, 0, 1);
    if (slips(g)) inner_units(g); // calls, most likely
    size_t other = chance(g, 4) ? jump(g, 0x25, vgen_held_number(g), 0, some_imm(g)) : 0;
    if (other) {
        put(g, ADD, 7, 0, 0, 1);
        land(g, other);
    }
    value_field(g, 1, VGEN_OWNED_LOCK);
    if (has_other && chance(g, 4)) ld(g, 3, 1, 10, AT_OTHER);
    if (!slips(g)) call(g, 94);
    if (slips(g)) {
        value_field(g, 1, VGEN_OWNED_LOCK);
        call(g, 93 + (int)next(g, 2));
    }
    g->holds = false;
}

// r0 may be a reference: it is given back where it is one.
static void put_release(gen *g, vgen_kfunc how)
{
    size_t over = jump(g, slips(g) ? 0x55 : 0x15, 0, 0, 0);
    mov(g, 1, 0);
    if (how == VGEN_OBJ_DROP) movi(g, 2, 0);
    if (!slips(g)) kfunc(g, how);
    land(g, over);
}

// The reference at AT_REFERENCE goes into a map, or back.
static void put_away(gen *g, vgen_kfunc how, int64_t field)
{
    bool into_map = chance(g, 2);
    if (into_map) {
        value_field(g, 1, field);
        ld(g, 3, 2, 10, AT_REFERENCE);
        call(g, 194);
        put_release(g, how);
    } else if (!slips(g)) {
        ld(g, 3, 1, 10, AT_REFERENCE);
        if (how == VGEN_OBJ_DROP) movi(g, 2, 0);
        kfunc(g, how);
    }
    if (chance(g, 20)) {
        ld(g, 3, 1, 10, AT_REFERENCE);
        if (how == VGEN_OBJ_DROP) ld(g, 3, 5, 1, 8);
        else kfunc(g, how);
    }
    g->holds = false;
}

static void put_task(gen *g)
{
    put_owned_value(g, chance(g, 2));
    movi(g, 1, next(g, 100));
    kfunc(g, VGEN_TASK_FROM_PID);
    vgen_null_check(g, 0);
    g->holds = true;
    st(g, 3, 10, 0, AT_REFERENCE);
    inner_units(g);
    put_away(g, VGEN_TASK_RELEASE, chance(g, 40) ? VGEN_OWNED_ITEM : VGEN_OWNED_TASK);
}

static void put_object(gen *g)
{
    put_owned_value(g, chance(g, 2));
    movi(g, 1, chance(g, 40) ? 1 : VGEN_ITEM_TYPE);
    movi(g, 2, 0);
    kfunc(g, VGEN_OBJ_NEW);
    vgen_null_check(g, 0);
    g->holds = true;
    st(g, 3, 10, 0, AT_REFERENCE);
    mov(g, 1, 0);
    if (chance(g, 2)) { // constant offsets only
        sti(g, 3, 1, (int)near(g, 8 * next(g, 3)), some_imm(g));
        ld(g, next(g, 4), 5, 1, 16);
    }
    inner_units(g);
    put_away(g, VGEN_OBJ_DROP, VGEN_OWNED_ITEM);
}

// What another program has put into the map: looked at, taken out, or a reference to it of one's own.
static void put_stored(gen *g)
{
    bool is_task = chance(g, 2);
    put_owned_value(g, chance(g, 2));
    if (chance(g, 3)) { // taken out
        value_field(g, 1, is_task ? VGEN_OWNED_TASK : VGEN_OWNED_ITEM);
        movi(g, 2, 0);
        call(g, 194);
        if (!is_task && chance(g, 2)) {
            size_t over = jump(g, 0x15, 0, 0, 0);
            ld(g, 3, 5, 0, (int)near(g, 16));
            land(g, over);
        }
        put_release(g, is_task ? VGEN_TASK_RELEASE : VGEN_OBJ_DROP);
        return;
    }
    ld(g, 3, 1, 10, AT_VALUE);
    ld(g, 3, 1, 1, is_task ? VGEN_OWNED_TASK : VGEN_OWNED_ITEM);
    vgen_null_check(g, 1);
    if (!is_task) {
        ld(g, next(g, 4), 5, 1, 8 * (int)next(g, 3));
        if (slips(g)) sti(g, 3, 1, 0, 1); // not its own
        return;
    }
    if (chance(g, 20)) kfunc(g, VGEN_TASK_RELEASE); // not its own
    else kfunc(g, VGEN_TASK_ACQUIRE);
    put_release(g, VGEN_TASK_RELEASE);
}

static void put_timer(gen *g)
{
    bool is_array = chance(g, 2);
    put_owned_value(g, is_array);
    value_field(g, 1, VGEN_OWNED_TIMER);
    map_fd(g, 2, slips(g) ? VGEN_ARRAY : is_array ? VGEN_OWNED : VGEN_OWNED_HASH);
    movi(g, 3, 0);
    call(g, 169);
    if (g->func_count < PST_COUNT(g->funcs) && !g->is_callback) {
        value_field(g, 1, slips(g) ? VGEN_OWNED_LOCK : VGEN_OWNED_TIMER);
        g->funcs[g->func_count++] = g->count;
        put(g, 0x18, 2, 4, 0, VGEN_CALLBACK_TIMER);
        put(g, 0, 0, 0, 0, 0);
        call(g, 170);
    }
    value_field(g, 1, VGEN_OWNED_TIMER);
    movi(g, 2, 100);
    movi(g, 3, 0);
    call(g, chance(g, 4) ? 172 : 171);
}

// --- Sections ---------------------------------------------------------------------------------------------------

static void put_section(gen *g)
{
    static const vgen_kfunc pairs[][2] = {{VGEN_RCU_LOCK, VGEN_RCU_UNLOCK}, {VGEN_PREEMPT_OFF, VGEN_PREEMPT_ON}, {VGEN_IRQ_SAVE, VGEN_IRQ_RESTORE}};
    uint32_t kind = next(g, 3);
    if (kind == 2) stack_address(g, 1, AT_IRQ);
    kfunc(g, pairs[kind][0]);
    bool held = g->holds;
    g->holds = true;
    inner_units(g);
    g->holds = held;
    if (kind == 2 && slips(g)) sti(g, 3, 10, AT_IRQ, 0);
    if (kind == 2) stack_address(g, 1, AT_IRQ);
    if (!slips(g)) kfunc(g, pairs[kind][1]);
    if (slips(g)) kfunc(g, pairs[kind][1]);
}

// --- The global function ----------------------------------------------------------------------------------------

// f(number, item or null, context)
static void put_global_call(gen *g)
{
    if (g->level > 0 || g->call_count == PST_COUNT(g->calls)) return;
    vgen_number(g, 1);
    switch (next(g, 4)) {
    case 0: movi(g, 2, 0); break;
    case 1: stack_address(g, 2, (int)near(g, -64)); break;
    case 2: stack_address(g, 2, -24); break;
    default: global_address(g, 2, near(g, VGEN_GLOBAL_SIZE - VGEN_ITEM_SIZE)); break;
    }
    mov(g, 3, slips(g) ? 10 : 6);
    g->calls[g->call_count++] = g->count;
    put(g, 0x85, 0, 1, 0, VGEN_GLOBAL_FUNC);
    mov(g, vgen_held_number(g), 0);
}

void vgen_global_start(gen *g)
{
    if (chance(g, 4)) return;
    vgen_null_check(g, 2);
    vgen_access(g, 2, VGEN_ITEM_SIZE, true);
}

void vgen_held_unit(gen *g)
{
    if (g->level > 0 && chance(g, 2)) { // stack is scarce
        put_section(g);
        return;
    }
    if (chance(g, 6)) {
        put_global_call(g);
        return;
    }
    if (chance(g, 6) && !g->holds && g->depth < 3) {
        put_iterator(g);
        return;
    }
    if (g->holds || g->loops) {
        put_section(g);
        return;
    }
    switch (next(g, 10)) {
    case 0: put_ring_dynptr(g); break;
    case 1: put_local_dynptr(g); break;
    case 2: put_packet_dynptr(g); break;
    case 3: put_iterator(g); break;
    case 4:
    case 5: put_locked(g); break;
    case 6: put_task(g); break;
    case 7: put_object(g); break;
    case 8: put_stored(g); break;
    default:
        put_timer(g);
        if (slips(g)) put_touch(g);
        break;
    }
}
