// core_relo_golden_test.c: real objects against real types of a kernel, compared with what libbpf made of them (core_data/README.md).
#include "harness.h"
#include "object/object.h"
#include "unit/btf/btf_builder.h"

#define FILE_MAX 65536u

typedef struct blob {
    uint8_t bytes[FILE_MAX];
    size_t size;
} blob;

static bool read_blob(const char *name, blob *out)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/tests/unit/object/core_data/%s", PST_SOURCE_DIR, name);
    FILE *file = fopen(path, "rb");
    out->size = file ? fread(out->bytes, 1, FILE_MAX, file) : 0;
    if (file) fclose(file);
    if (out->size == 0) pst_test_fail(__FILE__, __LINE__, "cannot read %s", path);
    return out->size > 0;
}

static void compare(const char *name, uint32_t relocations)
{
    static blob object_file, types, want;
    char file[64];
    pst_object *object;
    pst_btf *target;
    (void)snprintf(file, sizeof file, "%s.o", name);
    REQUIRE(read_blob(file, &object_file));
    (void)snprintf(file, sizeof file, "%s.btf", name);
    REQUIRE(read_blob(file, &types));
    (void)snprintf(file, sizeof file, "%s.want", name);
    REQUIRE(read_blob(file, &want));
    REQUIRE(pst_btf_parse(&g_env, types.bytes, types.size, "types", &target) == PST_OK);
    const pst_object_options options = {.size = sizeof options, .file = name};
    REQUIRE(pst_object_open(&g_env, object_file.bytes, object_file.size, &options, &object) == PST_OK);
    CHECK_EQ(object->core_count, relocations);
    const pst_object_target host = {.size = sizeof host, .btf = target};
    REQUIRE(pst_object_relocate(object, &host) == PST_OK);
    size_t at = 0;
    for (uint32_t i = 0; i < object->program_count; i++) {
        const pst_object_program *program = &object->programs[i];
        size_t size = program->count * sizeof *program->slots;
        if (size > want.size - at || memcmp(program->slots, want.bytes + at, size) != 0)
            pst_test_fail(__FILE__, __LINE__, "%s: program %s differs from libbpf's", name, program->name);
        at += size < want.size - at ? size : want.size - at;
    }
    CHECK_EQ(at, want.size);
    pst_object_close(object);
    pst_btf_free(target);
}

TEST(core_fields_as_libbpf)
{
    compare("core_fields", 116);
}

TEST(core_types_as_libbpf)
{
    compare("core_types", 54);
}
