// lpm.c: BPF_MAP_TYPE_LPM_TRIE: the longest prefix in the map that a key begins with.
//
// Binary tries whose paths are compressed: a node stands for a prefix, its children differ in the next bit. Where two prefixes part and no element is, a
// node without a value joins them (joint), which always has two children. A node's prefix and value never change: an update puts a new node in the
// old one's place, so readers, who take no lock, see one or the other; an old node is freed after the epoch. Writers hold the map's lock.
//
// There is one trie for prefixes of less than split bits, and for longer ones a table of tries by their first split bits: so the way to a long prefix
// does not lead through the many levels above it, each of which is a wait for memory in a large map. A match in the table is longer than
// any in the first trie, which is asked only if there is none.
//
// A key is a 32-bit number of bits, then that many bits, most significant first. Source: Linux's lpm_trie, whose order of keys this has too: what begins
// with a prefix comes before it, else 0 comes before 1.
#include "core/internal.h"
#include "core/map/values.h"

#include "base/bits.h"

#define LPM_FLAGS (PST_F_NO_PREALLOC | PST_F_NUMA_NODE | MAP_ACCESS_FLAGS)
#define KEY_HEAD 4u
#define KEY_MAX (KEY_HEAD + 256u)
#define VALUE_MAX ((4u << 20) - 512u)
#define SPLIT_MAX 16u

typedef struct lpm_node {
    struct lpm_node *child[2];
    uint32_t length; // of the prefix, in bits
    uint32_t joint;  // it has no value
    uint8_t prefix[]; // then the value, at a multiple of 8; then a lpm_tail
} lpm_node;

// What only its end needs, apart from what a lookup reads.
typedef struct lpm_tail {
    epoch_retired retired;
    const pst_env *env;
    void *block;
    size_t size;
} lpm_tail;

typedef struct lpm_map {
    pst_map map; // first
    lpm_node *root;    // of prefixes that are shorter than split
    lpm_node **table;  // tries of the others, by their first split bits
    uint32_t split;    // bits
    uint32_t bytes;    // of a prefix
    uint32_t longest;  // in bits
    uint32_t value_off, tail_off; // in a node
    core_spin lock;
    uint32_t count;    // of elements; under the lock
} lpm_map;

static lpm_map *lpm_of(pst_map *map)
{
    return (lpm_map *)(void *)map;
}

static int lpm_check(const pst_bpf_attr *attr, const char **why)
{
    *why = "a trie of prefixes needs BPF_F_NO_PREALLOC and takes besides only flags of access and BPF_F_NUMA_NODE";
    if (!(attr->map_flags & PST_F_NO_PREALLOC) || (attr->map_flags & ~(uint32_t)LPM_FLAGS) || !map_access_ok(attr->map_flags)) return -PST_EINVAL;
    *why = "a trie of prefixes has keys of 5 to 260 bytes (4 for the length in bits), values of at least 1 byte, and at least 1 entry";
    if (attr->max_entries == 0 || attr->key_size <= KEY_HEAD || attr->key_size > KEY_MAX) return -PST_EINVAL;
    return attr->value_size == 0 || attr->value_size > VALUE_MAX ? -PST_EINVAL : 0;
}

static size_t table_bytes(const lpm_map *lpm)
{
    return sizeof *lpm->table << lpm->split;
}

// About four elements a trie of the table, if prefixes are spread over it.
static int lpm_create(pst_map *map)
{
    lpm_map *lpm = lpm_of(map);
    map->cpus = 1;
    map->value_bytes = (uint32_t)pst_align_up(map->view.value_size, 8);
    lpm->bytes = map->view.key_size - KEY_HEAD;
    lpm->longest = lpm->bytes * 8;
    lpm->value_off = (uint32_t)pst_align_up(offsetof(lpm_node, prefix) + lpm->bytes, 8);
    lpm->tail_off = lpm->value_off + map->value_bytes;
    while (lpm->split < SPLIT_MAX && lpm->split < lpm->longest && 4ull << lpm->split < map->view.max_entries) lpm->split++;
    lpm->table = core_area_alloc(core_map_env(map), table_bytes(lpm));
    return lpm->table ? 0 : -PST_ENOMEM;
}

// --- Nodes ---------------------------------------------------------------------------------------------------------

static lpm_tail *tail_of(const lpm_map *lpm, lpm_node *node)
{
    return (lpm_tail *)(void *)((uint8_t *)node + lpm->tail_off);
}

static lpm_node *node_new(const lpm_map *lpm, const uint8_t *prefix, uint32_t length, const void *value)
{
    const pst_env *env = core_map_env(&lpm->map);
    size_t size = lpm->tail_off + sizeof(lpm_tail);
    lpm_node *node = pst_alloc_zero(env, 1, size);
    if (!node) return NULL;
    node->length = length;
    node->joint = !value;
    *tail_of(lpm, node) = (lpm_tail){.env = env, .block = node, .size = size};
    memcpy(node->prefix, prefix, lpm->bytes);
    if (value) memcpy((uint8_t *)node + lpm->value_off, value, lpm->map.view.value_size);
    return node;
}

static void node_free(const lpm_map *lpm, lpm_node *node)
{
    if (node) pst_free(core_map_env(&lpm->map), node, lpm->tail_off + sizeof(lpm_tail));
}

static void node_free_retired(epoch_retired *retired)
{
    lpm_tail *tail = (lpm_tail *)(void *)((uint8_t *)retired - offsetof(lpm_tail, retired));
    pst_free(tail->env, tail->block, tail->size);
}

static void node_retire(const lpm_map *lpm, lpm_node *node)
{
    if (node) epoch_retire(&lpm->map.object.core->epoch, &tail_of(lpm, node)->retired, node_free_retired);
}

// Without a stack: before a node goes, its right tree is hung below the leftmost node of its left one.
static void trie_free(const lpm_map *lpm, lpm_node *node)
{
    while (node) {
        lpm_node *left = node->child[0], *right = node->child[1], *end = left;
        while (end && end->child[0]) end = end->child[0];
        if (end) end->child[0] = right;
        node_free(lpm, node);
        node = left ? left : right;
    }
}

static void lpm_destroy(pst_map *map)
{
    lpm_map *lpm = lpm_of(map);
    trie_free(lpm, lpm->root);
    for (uint32_t i = 0; i < 1u << lpm->split; i++) trie_free(lpm, lpm->table[i]);
    core_area_free(core_map_env(map), lpm->table, table_bytes(lpm));
}

// --- Bits ----------------------------------------------------------------------------------------------------------

static unsigned bit_at(const uint8_t *prefix, uint32_t at)
{
    return (unsigned)prefix[at / 8] >> (7 - at % 8) & 1u;
}

static uint64_t load_be64(const uint8_t *at)
{
    return PST_BSWAP64(pst_load64(at));
}

// How many leading bits a and b share, at most limit.
static uint32_t common_bits(const lpm_map *lpm, const uint8_t *a, const uint8_t *b, uint32_t limit)
{
    uint32_t at = 0, bits = 0;
    for (; at + 8 <= lpm->bytes && bits < limit; at += 8, bits += 64) {
        uint64_t differ = load_be64(a + at) ^ load_be64(b + at);
        if (differ == 0) continue;
        bits += (uint32_t)PST_CLZ64(differ);
        return bits < limit ? bits : limit;
    }
    if (at + 4 <= lpm->bytes && bits < limit) {
        uint64_t differ = (uint64_t)PST_BSWAP32(pst_load32(a + at) ^ pst_load32(b + at)) << 32;
        if (differ != 0) bits += (uint32_t)PST_CLZ64(differ);
        if (differ != 0) return bits < limit ? bits : limit;
        at += 4, bits += 32;
    }
    for (; at < lpm->bytes && bits < limit; at++, bits += 8) {
        uint64_t differ = (uint64_t)(a[at] ^ b[at]) << 56;
        if (differ == 0) continue;
        bits += (uint32_t)PST_CLZ64(differ);
        break;
    }
    return bits < limit ? bits : limit;
}

static uint32_t shared_with(const lpm_map *lpm, const lpm_node *node, const uint8_t *prefix, uint32_t length)
{
    return common_bits(lpm, node->prefix, prefix, node->length < length ? node->length : length);
}

// The first split bits of a prefix: the number of its trie in the table.
static uint32_t table_index(const lpm_map *lpm, const uint8_t *prefix)
{
    uint32_t first = (uint32_t)prefix[0] << 8 | (lpm->bytes > 1 ? prefix[1] : 0u);
    return first >> (SPLIT_MAX - lpm->split);
}

// The trie that a prefix of this length belongs to.
static lpm_node **trie_of(lpm_map *lpm, const uint8_t *prefix, uint32_t length)
{
    return length < lpm->split ? &lpm->root : &lpm->table[table_index(lpm, prefix)];
}

// --- Reading -------------------------------------------------------------------------------------------------------

static lpm_node *longest_in(const lpm_map *lpm, lpm_node *node, const uint8_t *prefix, uint32_t length)
{
    lpm_node *found = NULL;
    while (node) {
        if (shared_with(lpm, node, prefix, length) < node->length) break;
        if (!PST_ATOMIC_LOAD_RELAXED(&node->joint)) found = node;
        if (node->length >= length) break;
        node = PST_ATOMIC_LOAD(&node->child[bit_at(prefix, node->length)]);
    }
    return found;
}

static void *lpm_lookup(pst_map *map, const void *key)
{
    lpm_map *lpm = lpm_of(map);
    const uint8_t *prefix = (const uint8_t *)key + KEY_HEAD;
    uint32_t length = pst_load32(key);
    lpm_node *found = NULL;
    if (length > lpm->longest) return NULL;
    if (length >= lpm->split) found = longest_in(lpm, PST_ATOMIC_LOAD(&lpm->table[table_index(lpm, prefix)]), prefix, length);
    if (!found) found = longest_in(lpm, PST_ATOMIC_LOAD(&lpm->root), prefix, length);
    return found ? (uint8_t *)found + lpm->value_off : NULL;
}

static int lpm_read(pst_map *map, const void *key, void *value)
{
    void *found = lpm_lookup(map, key);
    if (!found) return -PST_ENOENT;
    memcpy(value, found, map->view.value_size);
    return 0;
}

// --- The order of keys ---------------------------------------------------------------------------------------------

// The first element of a trie.
static const lpm_node *first_of(const lpm_node *node)
{
    while (node) {
        const lpm_node *child = PST_ATOMIC_LOAD(&node->child[0]);
        if (!child) child = PST_ATOMIC_LOAD(&node->child[1]);
        if (!child) return node;
        node = child;
    }
    return NULL;
}

// The first element of a trie behind a place, be there an element or not; *known: there is.
static const lpm_node *next_in(const lpm_map *lpm, const lpm_node *node, const uint8_t *prefix, uint32_t length, bool *known)
{
    const lpm_node *after = NULL; // of all that is below the nodes that were passed
    while (node) {
        uint32_t shared = shared_with(lpm, node, prefix, length);
        if (shared < node->length) // they part, unless the place is above the node, whose trie then comes before it
            return shared < length && bit_at(prefix, shared) == 0 ? first_of(node) : after;
        if (node->length == length) {
            *known = !PST_ATOMIC_LOAD_RELAXED(&node->joint);
            return after;
        }
        unsigned bit = bit_at(prefix, node->length);
        const lpm_node *other = bit == 0 ? PST_ATOMIC_LOAD(&node->child[1]) : NULL;
        if (other) after = first_of(other);
        else if (!PST_ATOMIC_LOAD_RELAXED(&node->joint)) after = node;
        node = PST_ATOMIC_LOAD(&node->child[bit]);
    }
    return after;
}

// The first element of the table from index on.
static const lpm_node *first_of_table(const lpm_map *lpm, uint32_t index)
{
    const lpm_node *found = NULL;
    for (; index < 1u << lpm->split && !found; index++) found = first_of(PST_ATOMIC_LOAD(&lpm->table[index]));
    return found;
}

static const lpm_node *earlier(const lpm_map *lpm, const lpm_node *a, const lpm_node *b)
{
    if (!a || !b) return a ? a : b;
    uint32_t shared = shared_with(lpm, a, b->prefix, b->length);
    if (shared == a->length || shared == b->length) return a->length > b->length ? a : b;
    return bit_at(a->prefix, shared) == 0 ? a : b;
}

static const lpm_node *first(const lpm_map *lpm)
{
    return earlier(lpm, first_of(PST_ATOMIC_LOAD(&lpm->root)), first_of_table(lpm, 0));
}

// What follows the element of key; *known: it is there.
static const lpm_node *successor(lpm_map *lpm, const uint8_t *prefix, uint32_t length, bool *known)
{
    bool is_long = length >= lpm->split, in_root = false;
    uint32_t index = table_index(lpm, prefix);
    const lpm_node *in_table = NULL;
    if (is_long) in_table = next_in(lpm, PST_ATOMIC_LOAD(&lpm->table[index]), prefix, length, known);
    else index |= (1u << (lpm->split - length)) - 1; // what begins with the prefix has come before it
    if (!in_table) in_table = first_of_table(lpm, index + 1);
    const lpm_node *in_tree = next_in(lpm, PST_ATOMIC_LOAD(&lpm->root), prefix, length, &in_root);
    if (!is_long) *known = in_root;
    return earlier(lpm, in_tree, in_table);
}

static int lpm_next_key(pst_map *map, const void *key, void *next_key)
{
    lpm_map *lpm = lpm_of(map);
    const lpm_node *next = NULL;
    bool known = false;
    if (key && pst_load32(key) <= lpm->longest) next = successor(lpm, (const uint8_t *)key + KEY_HEAD, pst_load32(key), &known);
    if (!known) next = first(lpm); // a key that is not there begins anew
    if (!next) return -PST_ENOENT;
    pst_store32(next_key, next->length);
    memcpy((uint8_t *)next_key + KEY_HEAD, next->prefix, lpm->bytes);
    return 0;
}

// --- Writing -------------------------------------------------------------------------------------------------------

// The lock is held. A new element may come: it counts from here on.
static int count_one(lpm_map *lpm, uint64_t flags)
{
    if (flags == PST_BPF_EXIST) return -PST_ENOENT;
    if (lpm->count == lpm->map.view.max_entries) return -PST_ENOSPC;
    lpm->count++;
    return 0;
}

// The lock is held. Where node, the first on the way that fits no further, or nothing, hangs.
static lpm_node **find_slot(lpm_map *lpm, const uint8_t *prefix, uint32_t length, uint32_t *shared)
{
    lpm_node **slot = trie_of(lpm, prefix, length);
    for (lpm_node *node; (node = *slot) != NULL; slot = &node->child[bit_at(prefix, node->length)]) {
        *shared = shared_with(lpm, node, prefix, length);
        if (*shared != node->length || node->length == length) break;
    }
    return slot;
}

// The lock is held. fresh becomes part of the trie, and joint if it is needed (*joint is then NULL); what nobody will find any more is in *gone.
static int insert(lpm_map *lpm, lpm_node *fresh, lpm_node **joint, uint64_t flags, lpm_node **gone)
{
    uint32_t shared = 0;
    lpm_node **slot = find_slot(lpm, fresh->prefix, fresh->length, &shared), *node = *slot;
    bool replaces = node && node->length == shared && node->length == fresh->length;
    if (replaces && !node->joint && flags == PST_BPF_NOEXIST) return -PST_EEXIST;
    int error = replaces && !node->joint ? 0 : count_one(lpm, flags);
    if (error) return error;
    if (replaces) {
        fresh->child[0] = node->child[0];
        fresh->child[1] = node->child[1];
        *gone = node;
    } else if (node && shared == fresh->length) {
        fresh->child[bit_at(node->prefix, shared)] = node;
    } else if (node) { // they part before either ends
        lpm_node *parting = *joint;
        parting->length = shared;
        parting->child[bit_at(fresh->prefix, shared)] = fresh;
        parting->child[bit_at(node->prefix, shared)] = node;
        *joint = NULL;
        fresh = parting;
    }
    PST_ATOMIC_STORE(slot, fresh);
    return 0;
}

static int lpm_update(pst_map *map, const void *key, const void *value, uint64_t flags)
{
    lpm_map *lpm = lpm_of(map);
    const uint8_t *prefix = (const uint8_t *)key + KEY_HEAD;
    uint32_t length = pst_load32(key);
    if (flags > PST_BPF_EXIST || length > lpm->longest) return -PST_EINVAL;
    lpm_node *fresh = node_new(lpm, prefix, length, value), *joint = node_new(lpm, prefix, 0, NULL), *gone = NULL;
    int error = fresh && joint ? 0 : -PST_ENOMEM;
    if (!error) {
        core_spin_lock(&lpm->lock);
        error = insert(lpm, fresh, &joint, flags, &gone);
        core_spin_unlock(&lpm->lock);
    }
    if (error) node_free(lpm, fresh);
    node_free(lpm, joint);
    node_retire(lpm, gone);
    return error;
}

// The lock is held. Takes the element at slot out; parent's slot is above. Up to two nodes are gone.
static void cut(lpm_node **slot, lpm_node **parent_slot, lpm_node *gone[2])
{
    lpm_node *node = *slot, *parent = parent_slot ? *parent_slot : NULL;
    gone[0] = node;
    if (node->child[0] && node->child[1]) {
        PST_ATOMIC_STORE(&node->joint, 1u); // it joins its children from now on
        gone[0] = NULL;
    } else if (node->child[0] || node->child[1]) {
        PST_ATOMIC_STORE(slot, node->child[0] ? node->child[0] : node->child[1]);
    } else if (parent && parent->joint) {
        gone[1] = parent; // which has nothing to join any more
        PST_ATOMIC_STORE(parent_slot, parent->child[parent->child[0] == node]);
    } else {
        PST_ATOMIC_STORE(slot, (lpm_node *)NULL);
    }
}

static int lpm_remove(pst_map *map, const void *key)
{
    lpm_map *lpm = lpm_of(map);
    const uint8_t *prefix = (const uint8_t *)key + KEY_HEAD;
    uint32_t length = pst_load32(key);
    lpm_node *gone[2] = {NULL, NULL}, **slot, **parent_slot = NULL, *node;
    if (length > lpm->longest) return -PST_EINVAL;
    slot = trie_of(lpm, prefix, length);
    core_spin_lock(&lpm->lock);
    for (; (node = *slot) != NULL; parent_slot = slot, slot = &node->child[bit_at(prefix, node->length)]) {
        uint32_t shared = shared_with(lpm, node, prefix, length);
        if (shared != node->length) node = NULL;
        if (!node || node->length == length) break;
    }
    bool found = node && !node->joint;
    if (found) {
        lpm->count--;
        cut(slot, parent_slot, gone);
    }
    core_spin_unlock(&lpm->lock);
    node_retire(lpm, gone[0]);
    node_retire(lpm, gone[1]);
    return found ? 0 : -PST_ENOENT;
}

const map_ops map_lpm_ops = {
    .object_size = sizeof(lpm_map),
    .check = lpm_check,
    .create = lpm_create,
    .destroy = lpm_destroy,
    .lookup = lpm_lookup,
    .update = lpm_update,
    .remove = lpm_remove,
    .read = lpm_read,
    .write = lpm_update,
    .next_key = lpm_next_key,
    .batch = true,
    .batch_delete = true,
    .may_be_inner = true,
};
