// bloom.c: BPF_MAP_TYPE_BLOOM_FILTER: whether a value was ever put in; sometimes yes though it was not.
//
// A value sets as many bits as map_extra says (1 to 15, else 5), chosen by a keyed hash; it is there if all of them are set. There are about 1.4 bits a
// value and hash, rounded up to a power of two. Reading takes no lock; bits are set atomically and never cleared.
#include "core/internal.h"
#include "core/map/values.h"

#include "base/bits.h"
#include "base/hash.h"

#define BLOOM_FLAGS (PST_F_NUMA_NODE | PST_F_ZERO_SEED | MAP_ACCESS_FLAGS)
#define HASHES_DEFAULT 5u
#define VALUE_MAX (4u << 20) // Linux's KMALLOC_MAX_SIZE
#define BITS_MAX ((uint64_t)1 << 32)

typedef struct bloom_map {
    pst_map map; // first
    uint64_t *words;
    size_t bytes;
    uint32_t mask; // of bit numbers
    uint32_t hashes;
    pst_hash_key seed;
} bloom_map;

static bloom_map *bloom_of(pst_map *map)
{
    return (bloom_map *)(void *)map;
}

static int bloom_check(const pst_bpf_attr *attr, const char **why)
{
    *why = "value_size is too large (4 MiB)";
    if (attr->value_size > VALUE_MAX) return -PST_E2BIG;
    *why = "a bloom filter has no keys (key_size 0), values of at least 1 byte, and at least 1 entry";
    if (attr->key_size != 0 || attr->value_size == 0 || attr->max_entries == 0) return -PST_EINVAL;
    *why = "a bloom filter takes only flags of access, BPF_F_NUMA_NODE and BPF_F_ZERO_SEED, and in map_extra a number of hashes up to 15";
    if ((attr->map_flags & ~(uint32_t)BLOOM_FLAGS) || !map_access_ok(attr->map_flags) || (attr->map_extra & ~15ull)) return -PST_EINVAL;
    return 0;
}

static int bloom_create(pst_map *map)
{
    bloom_map *bloom = bloom_of(map);
    map->cpus = 1;
    map->value_bytes = map->view.value_size;
    bloom->hashes = map->view.map_extra & 15u ? (uint32_t)(map->view.map_extra & 15u) : HASHES_DEFAULT;
    uint64_t wanted = (uint64_t)map->view.max_entries * bloom->hashes * 7 / 5, bits = 64;
    while (bits < wanted && bits < BITS_MAX) bits *= 2;
    bloom->mask = (uint32_t)(bits - 1);
    bloom->bytes = (size_t)(bits / 8);
    if (!(map->view.flags & PST_F_ZERO_SEED)) pst_pal_random(&bloom->seed, sizeof bloom->seed);
    bloom->words = core_area_alloc(core_map_env(map), bloom->bytes);
    return bloom->words ? 0 : -PST_ENOMEM;
}

static void bloom_destroy(pst_map *map)
{
    core_area_free(core_map_env(map), bloom_of(map)->words, bloom_of(map)->bytes);
}

// The bits are steps apart: one hash gives both where to begin and how far to go (Kirsch and Mitzenmacher, "Less hashing, same performance").
typedef struct bits {
    uint32_t at, step;
} bits;

static bits bits_of(const bloom_map *bloom, const void *value)
{
    uint64_t hash = pst_hash_keyed(bloom->seed, value, bloom->map.view.value_size);
    return (bits){(uint32_t)hash, (uint32_t)(hash >> 32) | 1u};
}

static int bloom_push(pst_map *map, const void *key, const void *value, uint64_t flags)
{
    (void)key;
    bloom_map *bloom = bloom_of(map);
    if (flags != PST_BPF_ANY) return -PST_EINVAL;
    bits b = bits_of(bloom, value);
    for (uint32_t i = 0; i < bloom->hashes; i++, b.at += b.step) {
        uint32_t bit = b.at & bloom->mask;
        uint64_t *word = &bloom->words[bit / 64], flag = (uint64_t)1 << bit % 64;
        if (!(PST_ATOMIC_LOAD_RELAXED(word) & flag)) (void)PST_ATOMIC_OR(word, flag);
    }
    return 0;
}

static int bloom_peek(pst_map *map, const void *key, void *value)
{
    (void)key;
    const bloom_map *bloom = bloom_of(map);
    bits b = bits_of(bloom, value);
    for (uint32_t i = 0; i < bloom->hashes; i++, b.at += b.step) {
        uint32_t bit = b.at & bloom->mask;
        if (!(PST_ATOMIC_LOAD_RELAXED(&bloom->words[bit / 64]) >> bit % 64 & 1)) return -PST_ENOENT;
    }
    return 0;
}

static int no_remove(pst_map *map, const void *key)
{
    (void)map, (void)key;
    return -PST_EOPNOTSUPP;
}

static int no_next_key(pst_map *map, const void *key, void *next)
{
    (void)map, (void)key, (void)next;
    return -PST_EOPNOTSUPP;
}

const map_ops map_bloom_ops = {
    .object_size = sizeof(bloom_map),
    .check = bloom_check,
    .create = bloom_create,
    .destroy = bloom_destroy,
    .remove = no_remove,
    .read = bloom_peek,
    .write = bloom_push,
    .next_key = no_next_key,
    .may_be_inner = true,
};
