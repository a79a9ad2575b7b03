// wire_in_memory.c: see wire_in_memory.h.
#include "wire_in_memory.h"

#include "harness.h"
#include "host/serve.h"
#include "pal/pal.h"
#include "remote/pack.h"

static bool find(void *user, int fd, int32_t *handle, wire_shape *shape)
{
    pst_handle_shape found;
    if (!pst_client_shape(user, fd, &found)) return false;
    *handle = fd;
    *shape = (wire_shape){found.kind, found.map_type, found.key_size, found.value_size};
    return true;
}

int64_t wire_command_in_memory(pst_core *core, pst_client *client, uint32_t cmd, void *attr, uint32_t size)
{
    static uint32_t sequence;
    const pst_env *env = pst_pal_env();
    const pack_names names = {.user = client, .find = find};
    host_answer answer;
    const char *why;
    pack p;
    int64_t result = pack_make(env, cmd, attr, size, &names, ++sequence, &p, &why);
    if (result == 0) {
        CHECK(host_serve(env, core, client, p.frame, p.frame_size, &answer) == PST_OK);
        wire_answer header;
        memcpy(&header, answer.bytes, sizeof header);
        result = header.result;
        CHECK_EQ(header.sequence, sequence);
        CHECK_EQ(header.size, answer.size);
        CHECK(pack_finish(&p, answer.bytes, answer.size));
        CHECK_EQ(answer.new_handle, p.plan.makes_handle && result >= 0 ? result : -1);
        pst_free(env, answer.bytes, answer.capacity);
    }
    pack_free(&p);
    return result;
}
