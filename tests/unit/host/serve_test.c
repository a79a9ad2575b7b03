// serve_test.c: requests that lie: about their size, their parts, their strings, and what they point at.
#include "harness.h"

#include "host/serve.h"
#include "pal/pal.h"
#include "remote/pack.h"

typedef struct place {
    pst_core *core;
    pst_client *client;
} place;

static void open_place(place *p)
{
    const pst_core_options options = {.size = sizeof options};
    REQUIRE(pst_core_create(pst_pal_env(), &options, &p->core) == PST_OK);
    REQUIRE(pst_client_create(p->core, &p->client) == PST_OK);
}

static void close_place(place *p)
{
    pst_client_free(p->client);
    pst_core_free(p->core);
}

static bool find(void *user, int fd, int32_t *handle, wire_shape *shape)
{
    pst_handle_shape found;
    if (!pst_client_shape(user, fd, &found)) return false;
    *handle = fd;
    *shape = (wire_shape){found.kind, found.map_type, found.key_size, found.value_size};
    return true;
}

static void pack_command(place *p, uint32_t cmd, pst_bpf_attr *attr, pack *out)
{
    const pack_names names = {.user = p->client, .find = find};
    const char *why;
    CHECK_EQ(pack_make(pst_pal_env(), cmd, attr, sizeof *attr, &names, 1, out, &why), 0);
}

// The result of a frame; INT32_MIN: the connection ends.
static int32_t serve(place *p, const uint8_t *frame, size_t size)
{
    host_answer answer;
    wire_answer header = {.result = INT32_MIN};
    if (host_serve(pst_pal_env(), p->core, p->client, frame, size, &answer) == PST_OK) memcpy(&header, answer.bytes, sizeof header);
    pst_free(pst_pal_env(), answer.bytes, answer.bytes ? answer.capacity : 0);
    return header.result;
}

TEST(every_cut_of_a_request_is_refused)
{
    place p;
    pack k;
    uint32_t key = 1;
    uint64_t value = 2;
    open_place(&p);
    pst_bpf_attr make = {.map_type = PST_MAP_HASH, .key_size = 4, .value_size = 8, .max_entries = 4};
    pack_command(&p, PST_BPF_MAP_CREATE, &make, &k);
    int32_t fd = serve(&p, k.frame, k.frame_size);
    CHECK(fd >= 0);
    pack_free(&k);
    pst_bpf_attr update = {.map_fd = (uint32_t)fd, .key = (uint64_t)(uintptr_t)&key, .value = (uint64_t)(uintptr_t)&value};
    pack_command(&p, PST_BPF_MAP_UPDATE_ELEM, &update, &k);
    CHECK_EQ(serve(&p, k.frame, k.frame_size), 0);
    for (uint32_t size = sizeof(wire_request); size < k.frame_size; size += 8) {
        memcpy(k.frame, &size, sizeof size);
        CHECK(serve(&p, k.frame, size) < 0);
    }
    pack_free(&k);
    close_place(&p);
}

TEST(sizes_that_the_client_made_up_are_refused)
{
    place p;
    pack k;
    uint32_t key = 1;
    uint64_t value = 2;
    open_place(&p);
    pst_bpf_attr make = {.map_type = PST_MAP_HASH, .key_size = 4, .value_size = 8, .max_entries = 4};
    pack_command(&p, PST_BPF_MAP_CREATE, &make, &k);
    int32_t fd = serve(&p, k.frame, k.frame_size);
    pack_free(&k);
    pst_bpf_attr update = {.map_fd = (uint32_t)fd, .key = (uint64_t)(uintptr_t)&key, .value = (uint64_t)(uintptr_t)&value};
    pack_command(&p, PST_BPF_MAP_UPDATE_ELEM, &update, &k);
    size_t sizes_at = sizeof(wire_request) + sizeof update;
    for (uint32_t lie = 0; lie < 64; lie++) {
        if (lie == 8) continue;
        memcpy(k.frame + sizes_at + 4, &lie, sizeof lie);
        CHECK_EQ(serve(&p, k.frame, k.frame_size), -PST_EINVAL);
    }
    pack_free(&k);
    close_place(&p);
}

TEST(headers_that_make_no_sense_end_the_connection)
{
    place p;
    wire_request request = {.size = sizeof request, .op = WIRE_OPS};
    wire_request out;
    open_place(&p);
    CHECK(host_request_read((const uint8_t *)&request, sizeof request, &out) == PST_E_FORMAT);
    request.op = WIRE_COMMAND;
    CHECK(host_request_read((const uint8_t *)&request, sizeof request - 1, &out) == PST_E_AGAIN);
    request.size = 3;
    CHECK(host_request_read((const uint8_t *)&request, sizeof request, &out) == PST_E_FORMAT);
    request.size = WIRE_FRAME_MAX + 1;
    CHECK(host_request_read((const uint8_t *)&request, sizeof request, &out) == PST_E_FORMAT);
    request = (wire_request){.size = sizeof request, .op = WIRE_COMMAND, .attr_size = 4};
    CHECK_EQ(serve(&p, (const uint8_t *)&request, sizeof request), INT32_MIN); // the attr is not there
    request.attr_size = 0;
    request.segments = WIRE_SEGMENTS_MAX;
    CHECK_EQ(serve(&p, (const uint8_t *)&request, sizeof request), INT32_MIN);
    close_place(&p);
}

TEST(clients_without_rights_see_what_is_theirs)
{
    place p;
    const pst_client_identity one = {.uid = 1001}, two = {.uid = 1002};
    pst_client *first, *second;
    open_place(&p);
    REQUIRE(pst_client_create(p.core, &first) == PST_OK && pst_client_create(p.core, &second) == PST_OK);
    pst_client_identify(first, &one);
    pst_client_identify(second, &two);
    pst_bpf_attr make = {.map_type = PST_MAP_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 4};
    int64_t fd = pst_core_command(first, PST_BPF_MAP_CREATE, &make, sizeof make);
    CHECK(fd >= 0);
    pst_bpf_attr next = {0};
    CHECK_EQ(pst_core_command(first, PST_BPF_MAP_GET_NEXT_ID, &next, sizeof next), 0);
    uint32_t id = next.next_id;
    next = (pst_bpf_attr){0};
    CHECK_EQ(pst_core_command(second, PST_BPF_MAP_GET_NEXT_ID, &next, sizeof next), -PST_ENOENT);
    CHECK_EQ(pst_core_command(p.client, PST_BPF_MAP_GET_NEXT_ID, &next, sizeof next), 0);
    pst_bpf_attr by_id = {.map_id = id};
    CHECK_EQ(pst_core_command(second, PST_BPF_MAP_GET_FD_BY_ID, &by_id, sizeof by_id), -PST_EPERM);
    CHECK(pst_core_command(first, PST_BPF_MAP_GET_FD_BY_ID, &by_id, sizeof by_id) >= 0);
    CHECK(pst_core_command(p.client, PST_BPF_MAP_GET_FD_BY_ID, &by_id, sizeof by_id) >= 0);
    pst_bpf_attr pin = {.pathname = (uint64_t)(uintptr_t) "/sys/fs/bpf/mine", .bpf_fd = (uint32_t)fd};
    CHECK_EQ(pst_core_command(first, PST_BPF_OBJ_PIN, &pin, sizeof pin), 0);
    pst_bpf_attr get = {.pathname = pin.pathname};
    CHECK_EQ(pst_core_command(second, PST_BPF_OBJ_GET, &get, sizeof get), -PST_EACCES);
    CHECK_EQ(pst_core_unpin(second, "/sys/fs/bpf/mine"), -PST_EACCES);
    // Handed over, it is the other's too: a handle is a right.
    int64_t given = pst_client_share(first, (int)fd, second);
    pst_handle_shape shape;
    CHECK(given >= 0 && pst_client_shape(second, (int)given, &shape) && shape.key_size == 4);
    CHECK_EQ(pst_core_unpin(first, "/sys/fs/bpf/mine"), 0);
    pst_client_free(first);
    pst_client_free(second);
    close_place(&p);
}

// The answer to a request of one string; INT32_MIN: the connection ends.
static int32_t ask(place *p, uint16_t op, const char *text, uint8_t *out, size_t capacity)
{
    uint8_t *frame;
    size_t size;
    host_answer answer;
    wire_answer header = {.result = INT32_MIN};
    if (pack_text(pst_pal_env(), (wire_op)op, 0, 1, text, &frame, &size) != PST_OK) return INT32_MIN;
    if (host_serve(pst_pal_env(), p->core, p->client, frame, size, &answer) == PST_OK) {
        memcpy(&header, answer.bytes, sizeof header);
        memcpy(out, answer.bytes, answer.size < capacity ? answer.size : capacity);
    }
    pst_free(pst_pal_env(), answer.bytes, answer.bytes ? answer.capacity : 0);
    pst_free(pst_pal_env(), frame, size);
    return header.result;
}

TEST(pins_and_the_host_itself_are_told)
{
    place p;
    uint8_t answer[512] = {0};
    wire_pin pin;
    wire_about about;
    open_place(&p);
    CHECK_EQ(ask(&p, WIRE_PIN_NEXT, "", answer, sizeof answer), -PST_ENOENT);
    pst_bpf_attr make = {.map_type = PST_MAP_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 4};
    int64_t fd = pst_core_command(p.client, PST_BPF_MAP_CREATE, &make, sizeof make);
    pst_bpf_attr obj_pin = {.pathname = (uint64_t)(uintptr_t) "BPF:\\x", .bpf_fd = (uint32_t)fd};
    CHECK_EQ(pst_core_command(p.client, PST_BPF_OBJ_PIN, &obj_pin, sizeof obj_pin), 0);
    CHECK_EQ(ask(&p, WIRE_PIN_NEXT, "", answer, sizeof answer), 0);
    memcpy(&pin, answer + sizeof(wire_answer), sizeof pin);
    CHECK_EQ(pin.kind, PST_OBJECT_MAP);
    CHECK_EQ(pin.path_size, sizeof "/sys/fs/bpf/x");
    CHECK_STR((const char *)answer + sizeof(wire_answer) + sizeof pin, "/sys/fs/bpf/x");
    CHECK_EQ(ask(&p, WIRE_PIN_NEXT, "/ebpf/global/x", answer, sizeof answer), -PST_ENOENT);
    CHECK_EQ(ask(&p, WIRE_ABOUT, "", answer, sizeof answer), 0);
    memcpy(&about, answer + sizeof(wire_answer), sizeof about);
    CHECK(about.engine != 0 && about.pid != 0 && about.version[0] != '\0');
    // A string without an end is none.
    wire_request request = {.size = sizeof request, .op = WIRE_PIN_NEXT};
    CHECK_EQ(serve(&p, (const uint8_t *)&request, sizeof request), -PST_EINVAL);
    close_place(&p);
}
