// host_serve_fuzz.c: whatever a client may send to a host: the input is a stream of frames, each served for one client of a core. Frames that make no sense
// end the stream, as they end a connection. At the end everything must be freed.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"
#include "host/serve.h"
#include "pal/pal.h"

#define FRAMES 64

static int64_t g_blocks;

static void *count_resize(void *user, void *ptr, size_t old_size, size_t new_size)
{
    const pst_env *host = pst_pal_env();
    if (new_size > (64u << 20)) return NULL; // a sanitizer would count it against us
    void *block = host->resize(host->user, ptr, old_size, new_size);
    if (!ptr && block) g_blocks++;
    if (ptr && new_size == 0) g_blocks--;
    return block;
}

static void check_answer(const host_answer *answer)
{
    wire_answer header;
    if (answer->size < sizeof header) abort();
    memcpy(&header, answer->bytes, sizeof header);
    if (header.size != answer->size || header.text_size > WIRE_TEXT_MAX) abort();
}

// A 32-bit field of a request's attr becomes at most most.
static void limit(uint8_t *frame, const wire_request *request, size_t field, uint32_t most)
{
    uint32_t value;
    if (request->size < sizeof *request + field + sizeof value) return;
    memcpy(&value, frame + sizeof *request + field, sizeof value);
    if (value > most) value %= most + 1;
    memcpy(frame + sizeof *request + field, &value, sizeof value);
}

// Maps of gigabytes and runs without end are allowed, and take their time: smaller ones show as much.
static void keep_small(uint8_t *frame, const wire_request *request)
{
    if (request->op != WIRE_COMMAND) return;
    if (request->cmd == PST_BPF_MAP_CREATE) {
        limit(frame, request, offsetof(pst_bpf_attr, key_size), 512);
        limit(frame, request, offsetof(pst_bpf_attr, value_size), 512);
        limit(frame, request, offsetof(pst_bpf_attr, max_entries), 65536); // the least of a ring buffer on Windows
    }
    if (request->cmd == PST_BPF_PROG_TEST_RUN) limit(frame, request, offsetof(pst_bpf_attr, test.repeat), 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pst_env env = {.resize = count_resize};
    pst_core_options options = {.size = sizeof options, .budget = 2000, .share_memory = true};
    const pst_client_identity nobody = {.uid = 65534};
    pst_core *core;
    pst_client *client;
    wire_request request;
    g_blocks = 0;
    if (pst_core_create(&env, &options, &core) != PST_OK || pst_client_create(core, &client) != PST_OK) abort();
    if (size > 0 && data[0] & 1) pst_client_identify(client, &nobody);
    if (size > 0) data++, size--;
    for (int i = 0; i < FRAMES && host_request_read(data, size, &request) == PST_OK && request.size <= size; i++) {
        host_answer answer;
        uint8_t *frame = malloc(request.size); // of its size, so that a sanitizer sees the first byte read behind it
        if (!frame) abort();
        memcpy(frame, data, request.size);
        keep_small(frame, &request);
        pst_status status = host_serve(&env, core, client, frame, request.size, &answer);
        free(frame);
        if (status == PST_OK) check_answer(&answer);
        for (uint32_t s = 0; status == PST_OK && s < answer.share.count; s++) pst_pal_share_close(answer.share.handles[s]);
        pst_free(&env, answer.bytes, answer.bytes ? answer.capacity : 0);
        if (status == PST_E_FORMAT) break;
        data += request.size;
        size -= request.size;
    }
    pst_client_free(client);
    pst_core_free(core);
    if (g_blocks != 0) {
        fprintf(stderr, "%lld blocks are not freed\n", (long long)g_blocks);
        abort();
    }
    return 0;
}
