// epoch_test.c: reclamation: nothing is freed under a reader, everything is freed in the end; and the core under many threads.
// Run under ThreadSanitizer too.
#include "core_fixture.h"

#include "core/builtin.h"
#include "core/epoch.h"
#include "core/internal.h"

static uint32_t g_freed;

static void count_free(epoch_retired *retired)
{
    (void)PST_ATOMIC_ADD(&g_freed, 1u);
}

TEST(nothing_is_freed_under_a_reader)
{
    epoch_domain domain = {0};
    epoch_retired items[3];
    CHECK(epoch_init(&domain) == PST_OK);
    g_freed = 0;
    epoch_slot *outer = epoch_enter(&domain), *inner = epoch_enter(&domain);
    CHECK(outer != inner);
    epoch_retire(&domain, &items[0], count_free);
    for (int i = 0; i < 10; i++) {
        (void)epoch_advance(&domain);
        epoch_collect(&domain);
    }
    CHECK_EQ(g_freed, 0);
    epoch_exit(inner);
    for (int i = 0; i < 10; i++) {
        (void)epoch_advance(&domain);
        epoch_collect(&domain);
    }
    CHECK_EQ(g_freed, 0);
    epoch_exit(outer);
    epoch_retire(&domain, &items[1], count_free);
    for (int i = 0; i < 3; i++) {
        (void)epoch_advance(&domain);
        epoch_collect(&domain);
    }
    CHECK_EQ(g_freed, 2);
    epoch_retire(&domain, &items[2], count_free);
    epoch_destroy(&domain);
    CHECK_EQ(g_freed, 3);
}

typedef struct node {
    epoch_retired retired; // first
    uint64_t alive;        // NODE_ALIVE until it is freed
} node;
#define NODE_ALIVE 0x600dc0deu

typedef struct shared {
    epoch_domain domain;
    node *current;
    uint32_t stop, dead_seen;
} shared;

static void node_free(epoch_retired *retired)
{
    node *n = (node *)(void *)retired;
    PST_ATOMIC_STORE(&n->alive, (uint64_t)0);
    pst_free(pst_pal_env(), n, sizeof *n);
}

static node *node_make(void)
{
    node *n = pst_alloc_zero(pst_pal_env(), 1, sizeof *n);
    n->alive = NODE_ALIVE;
    return n;
}

static void read_nodes(void *arg)
{
    shared *s = arg;
    while (!PST_ATOMIC_LOAD(&s->stop)) {
        epoch_slot *slot = epoch_enter(&s->domain);
        const node *n = PST_ATOMIC_LOAD(&s->current);
        for (int i = 0; i < 20; i++)
            if (PST_ATOMIC_LOAD(&n->alive) != NODE_ALIVE) (void)PST_ATOMIC_ADD(&s->dead_seen, 1u);
        epoch_exit(slot);
    }
}

TEST(readers_never_meet_a_freed_node)
{
    shared s = {0};
    pst_thread *threads[3];
    CHECK(epoch_init(&s.domain) == PST_OK);
    s.current = node_make();
    for (unsigned i = 0; i < PST_COUNT(threads); i++) CHECK(pst_pal_thread_create(pst_pal_env(), read_nodes, &s, &threads[i]) == PST_OK);
    for (int i = 0; i < 5000; i++) {
        node *old = PST_ATOMIC_EXCHANGE(&s.current, node_make());
        epoch_retire(&s.domain, &old->retired, node_free);
    }
    PST_ATOMIC_STORE(&s.stop, 1u);
    for (unsigned i = 0; i < PST_COUNT(threads); i++) pst_pal_thread_join(threads[i]);
    CHECK_EQ(s.dead_seen, 0);
    node_free(&s.current->retired);
    epoch_destroy(&s.domain);
}

typedef struct crowd {
    core_fixture f;
    int64_t hash, percpu, inner_map, outer, jumps;
    int64_t progs[2];
    uint32_t stop, wrong;
} crowd;

// Commands of one thread, on a client of its own.
static int64_t as_client(pst_client *client, uint32_t number, pst_bpf_attr attr)
{
    return pst_core_command(client, number, &attr, sizeof attr);
}

static void change_maps(void *arg)
{
    crowd *c = arg;
    pst_client *client;
    uint64_t random = 88172645463325252u;
    if (pst_client_create(c->f.core, &client) != PST_OK) return;
    uint32_t hash = (uint32_t)as_client(client, PST_BPF_MAP_GET_FD_BY_ID, (pst_bpf_attr){.map_id = 1});
    while (!PST_ATOMIC_LOAD(&c->stop)) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        uint32_t key = (uint32_t)random % 48, next;
        uint64_t value[2] = {key * 0x100000001u, ~(key * UINT64_C(0x100000001))}, found[2];
        pst_bpf_attr attr = {.map_fd = hash, .key = PTR(&key), .value = PTR(value)};
        switch (random >> 60 & 7) {
        case 0:
        case 1:
        case 2: (void)as_client(client, PST_BPF_MAP_UPDATE_ELEM, attr); break;
        case 3: attr.value = 0; (void)as_client(client, PST_BPF_MAP_DELETE_ELEM, attr); break;
        case 4: attr.value = PTR(&next); (void)as_client(client, PST_BPF_MAP_GET_NEXT_KEY, attr); break;
        default:
            attr.value = PTR(found);
            // A value is whole, and is its key's: replaced values are new elements.
            if (as_client(client, PST_BPF_MAP_LOOKUP_ELEM, attr) == 0 && (found[0] != value[0] || found[1] != value[1]))
                (void)PST_ATOMIC_ADD(&c->wrong, 1u);
            break;
        }
    }
    pst_client_free(client);
}

static void invoke_hook(void *arg)
{
    crowd *c = arg;
    while (!PST_ATOMIC_LOAD(&c->stop)) {
        pst_sample_ctx ctx = {0};
        bool trapped = false;
        uint64_t r0 = pst_builtin_sample_invoke(c->f.core, 1, &ctx, &trapped);
        if (trapped || r0 > 2) (void)PST_ATOMIC_ADD(&c->wrong, 1u);
    }
}

// Replaces what running programs use: the link's program, the tail-call target, inner maps.
static void replace_objects(crowd *c, int64_t link, unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++) {
        uint32_t zero = 0, prog = (uint32_t)c->progs[i % 2];
        pst_bpf_attr update = {.link_update = {.link_fd = (uint32_t)link, .new_prog_fd = prog}};
        CHECK_EQ(cmd(&c->f, PST_BPF_LINK_UPDATE, &update), 0);
        CHECK_EQ(map_update(&c->f, c->jumps, &zero, &prog, 0), 0);
        uint32_t inner = (uint32_t)map_create(&c->f, PST_MAP_ARRAY, 4, 8, 1, 0);
        CHECK_EQ(map_update(&c->f, c->outer, &zero, &inner, 0), 0);
        CHECK_EQ(pst_core_close(c->f.client, (int)inner), 0);
        if (i % 3 == 0) CHECK_EQ(map_delete(&c->f, c->jumps, &zero), 0);
        int64_t other = link_create(&c->f, c->progs[0], PST_ATTACH_SAMPLE, 1);
        CHECK(other >= 3);
        CHECK_EQ(pst_core_close(c->f.client, (int)other), 0);
    }
}

// Looks up in the hash and, through the outer map, in an inner map, then tail-calls.
static int64_t load_busy(crowd *c, int result)
{
    char text[1024];
    snprintf(text, sizeof text,
             "r9 = r1\n*(u32 *)(r10 - 4) = 7\nr1 = map[fd:%d]\nr2 = r10\nr2 += -4\ncall 1\nif r0 == 0 goto next\nr3 = *(u64 *)(r0 + 0)\n"
             "next: *(u32 *)(r10 - 8) = 0\nr1 = map[fd:%d]\nr2 = r10\nr2 += -8\ncall 1\nif r0 == 0 goto tail\nr1 = r0\nr2 = r10\nr2 += -8\ncall 1\n"
             "if r0 == 0 goto tail\nr1 = *(u64 *)(r0 + 0)\n"
             "tail: r1 = r9\nr2 = map[fd:%d]\nr3 = 0\ncall 12\nr0 = %d\nexit",
             (int)c->hash, (int)c->outer, (int)c->jumps, result);
    return prog_load_text(&c->f, PST_PROG_SAMPLE, text);
}

TEST(many_threads_share_a_core)
{
    static crowd c;
    pst_thread *threads[5];
    c = (crowd){0};
    fixture_open(&c.f);
    c.hash = map_create(&c.f, PST_MAP_HASH, 4, 16, 32, 0); // id 1; fewer entries than keys
    c.inner_map = map_create(&c.f, PST_MAP_ARRAY, 4, 8, 1, 0);
    pst_bpf_attr outer = {.map_type = PST_MAP_ARRAY_OF_MAPS, .key_size = 4, .value_size = 4, .max_entries = 1, .inner_map_fd = (uint32_t)c.inner_map};
    c.outer = cmd(&c.f, PST_BPF_MAP_CREATE, &outer);
    c.jumps = map_create(&c.f, PST_MAP_PROG_ARRAY, 4, 4, 1, 0);
    c.progs[0] = load_busy(&c, 1);
    c.progs[1] = load_busy(&c, 2);
    int64_t link = link_create(&c.f, c.progs[0], PST_ATTACH_SAMPLE, 1);
    for (unsigned i = 0; i < PST_COUNT(threads); i++)
        CHECK(pst_pal_thread_create(pst_pal_env(), i < 2 ? change_maps : invoke_hook, &c, &threads[i]) == PST_OK);
    replace_objects(&c, link, 40);
    PST_ATOMIC_STORE(&c.stop, 1u);
    for (unsigned i = 0; i < PST_COUNT(threads); i++) pst_pal_thread_join(threads[i]);
    CHECK_EQ(c.wrong, 0);
    fixture_close(&c.f);
}
