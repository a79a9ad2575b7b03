// arena.c: chained blocks, bump allocation.
//
// Expected load: thousands of small allocations and a few large ones per phase. Blocks double up to 256 KiB; a request that
// does not fit the newest block gets a new one, and what was left of the old block is given up.
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include "base/bits.h"
#include "base/format.h"

#define ALIGNMENT 16u
#define BLOCK_FIRST 4096u
#define BLOCK_MAX (256u * 1024u)

struct pst_arena_block {
    pst_arena_block *next;
    size_t size, used; // in bytes, header included
};

#define HEADER ((size_t)32)
PST_STATIC_ASSERT(sizeof(pst_arena_block) <= HEADER, "the first allocation of a block is aligned behind its header");

void pst_arena_init(pst_arena *arena, const pst_env *env, size_t limit_bytes)
{
    *arena = (pst_arena){.env = env, .limit_bytes = limit_bytes};
}

void pst_arena_free(pst_arena *arena)
{
    pst_arena_block *block = arena->blocks;
    while (block) {
        pst_arena_block *next = block->next;
        pst_free(arena->env, block, block->size);
        block = next;
    }
    arena->blocks = NULL;
    arena->used_bytes = 0;
}

static pst_arena_block *block_add(pst_arena *arena, size_t need)
{
    size_t size = arena->blocks ? arena->blocks->size * 2 : BLOCK_FIRST;
    if (size > BLOCK_MAX) size = BLOCK_MAX;
    if (need > SIZE_MAX - HEADER) return NULL;
    if (size < need + HEADER) size = need + HEADER;
    pst_arena_block *block = pst_alloc(arena->env, size);
    if (!block) return NULL;
    *block = (pst_arena_block){.next = arena->blocks, .size = size, .used = HEADER};
    arena->blocks = block;
    return block;
}

void *pst_arena_alloc(pst_arena *arena, size_t size)
{
    if (size > SIZE_MAX - ALIGNMENT) return NULL;
    size_t need = (size_t)pst_align_up(size ? size : 1, ALIGNMENT);
    if (arena->limit_bytes && (need > arena->limit_bytes || arena->used_bytes > arena->limit_bytes - need)) return NULL;
    pst_arena_block *block = arena->blocks;
    if (!block || block->size - block->used < need) {
        block = block_add(arena, need);
        if (!block) return NULL;
    }
    void *out = (uint8_t *)block + block->used;
    block->used += need;
    arena->used_bytes += need;
    return memset(out, 0, need);
}

void *pst_arena_array(pst_arena *arena, size_t count, size_t size)
{
    size_t total;
    if (PST_MUL_OVERFLOW(count, size, &total)) return NULL;
    return pst_arena_alloc(arena, total);
}

char *pst_arena_string(pst_arena *arena, const char *text, size_t length)
{
    if (length == SIZE_MAX) return NULL;
    char *copy = pst_arena_alloc(arena, length + 1);
    if (copy && length) memcpy(copy, text, length);
    return copy;
}

char *pst_arena_format(pst_arena *arena, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    size_t length = pst_format_v(NULL, 0, fmt, args);
    char *text = pst_arena_alloc(arena, length + 1);
    if (text) (void)pst_format_v(text, length + 1, fmt, again);
    va_end(again);
    va_end(args);
    return text;
}
