// json_read_fuzz.c: any bytes: what is read as JSON must be written and read again to the same text.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/json_read.h"

#define MEMORY_MAX (16u << 20)

static void *resize(void *user, void *ptr, size_t old_size, size_t new_size)
{
    if (new_size != 0) return realloc(ptr, new_size);
    free(ptr);
    return NULL;
}

static const pst_env env = {.resize = resize};

static void must(int truth)
{
    if (!truth) abort();
}

static void write_value(pst_json *json, const pst_json_value *value)
{
    uint32_t count = 0;
    switch (value->kind) {
    case PST_JSON_NULL: pst_json_null(json); return;
    case PST_JSON_BOOL: pst_json_bool(json, value->boolean); return;
    case PST_JSON_NUMBER: pst_json_number(json, value->text); return;
    case PST_JSON_STRING:
        must(strlen(value->text) == value->length);
        pst_json_string(json, value->text);
        return;
    case PST_JSON_ARRAY:
    case PST_JSON_OBJECT: break;
    }
    value->kind == PST_JSON_ARRAY ? pst_json_array_begin(json) : pst_json_object_begin(json);
    for (const pst_json_value *item = value->first; item; item = item->next, count++) {
        if (value->kind == PST_JSON_OBJECT) pst_json_key(json, item->key);
        write_value(json, item);
    }
    value->kind == PST_JSON_ARRAY ? pst_json_array_end(json) : pst_json_object_end(json);
    must(count == value->count);
}

static bool rewrite(const void *bytes, size_t size, pst_text *out)
{
    pst_arena arena;
    pst_json json;
    pst_json_error error;
    const pst_json_value *value;
    pst_arena_init(&arena, &env, MEMORY_MAX);
    pst_text_init(out, &env);
    pst_json_init(&json, out, false);
    pst_status status = pst_json_read(&arena, bytes, size, &error, &value);
    if (status == PST_OK) write_value(&json, value);
    else must(!value && error.offset <= size && (status == PST_E_NOMEM || *error.text));
    pst_arena_free(&arena);
    return status == PST_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pst_text once, twice;
    if (rewrite(data, size, &once)) {
        must(!once.failed && rewrite(pst_text_cstr(&once), once.size, &twice));
        must(strcmp(pst_text_cstr(&once), pst_text_cstr(&twice)) == 0);
        pst_text_free(&twice);
    }
    pst_text_free(&once);
    return 0;
}
