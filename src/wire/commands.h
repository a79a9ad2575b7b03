// commands.h: the table of commands that travel. Internal to this folder.
#ifndef PST_WIRE_COMMANDS_H
#define PST_WIRE_COMMANDS_H

#include "wire/wire.h"

// How large a segment is.
typedef enum wire_size {
    SIZE_NONE,    // the end of a row
    SIZE_FIELD,   // the field a, in bytes
    SIZE_ITEMS,   // the field a, in elements of b bytes
    SIZE_RECORDS, // the field a, in elements of as many bytes as the field b says
    SIZE_KEY, SIZE_VALUE,   // of the map
    SIZE_KEYS, SIZE_VALUES, // as many as the field a says
    SIZE_CURSOR,  // of a batch
    SIZE_STRING,
} wire_size;

typedef struct wire_field {
    uint16_t at; // of the pointer in attr
    uint8_t size; // wire_size
    uint8_t dir;
    uint8_t used; // wire_used; for FIELD and COUNT the field is a
    uint16_t a, b;
} wire_field;

typedef enum wire_when {
    WHEN_NEVER, // the end of a list
    WHEN_ALWAYS,
    WHEN_SET, // not 0
    WHEN_REPLACE, // flags say so
} wire_when;

typedef struct wire_handle {
    uint16_t at;
    uint8_t when; // wire_when
} wire_handle;

#define WIRE_FIELDS_MAX 8u
#define WIRE_HANDLES_MAX 4u
#define WIRE_NO_MAP 0xffffu

typedef struct wire_command {
    bool known, makes_handle;
    uint16_t map_at; // the handle of the map whose shape sizes depend on; WIRE_NO_MAP
    wire_field fields[WIRE_FIELDS_MAX];
    wire_handle handles[WIRE_HANDLES_MAX];
} wire_command;

/// NULL: cmd does not travel.
const wire_command *wire_command_of(uint32_t cmd);

#endif
