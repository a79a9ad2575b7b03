// bench_object.h: the code section of a benchmark's object, without a loader: these objects have nothing to relocate.
#ifndef BENCH_OBJECT_H
#define BENCH_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "isa/isa.h"

typedef struct bench_object {
    uint8_t *bytes; // the file; freed by the caller with free()
    const pst_slot *slots; // into it
    size_t count;
    size_t size; // of the code section in bytes; of native objects, whose slots mean nothing, too
} bench_object;

/// False when path cannot be read or has no .text; *out then holds nothing.
bool bench_object_read(const char *path, bench_object *out);

#endif
