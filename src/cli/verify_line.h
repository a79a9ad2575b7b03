// verify_line.h: what verify_lines.c and verify_line_maps.c share while they read one line.
#ifndef PST_CLI_VERIFY_LINE_H
#define PST_CLI_VERIFY_LINE_H

#include "cli/verify_work.h"

#define LINE_NAME_MAX 64
#define LINE_RUNS_MAX 4096u
#define LINE_MAPS_MAX 4096u
#define LINE_VALUES_MAX (256u << 20) // bytes of live memory of one array
#define LINE_OPCODE_IMM64 0x18u
#define LINE_OPCODE_CALL 0x85u

typedef struct line_reader {
    verify_settings *settings;
    pst_arena *arena;
    const pst_json_value *line;
    verify_subject *subject;
    verify_answer *answer;
} line_reader;

/// Leaves the sentence as an answer about the input; returns false.
bool line_bad(line_reader *r, const char *fmt, ...) PST_PRINTF(2, 3);
bool line_no_memory(line_reader *r);
/// A member that may be absent (*out is left) or null. False after the sentence.
PST_MUST_USE bool line_u64(line_reader *r, const pst_json_value *from, const char *name, uint64_t max, uint64_t *out);
PST_MUST_USE bool line_u32(line_reader *r, const pst_json_value *from, const char *name, uint32_t *out);
PST_MUST_USE bool line_list(line_reader *r, const pst_json_value *from, const char *name, const pst_json_value **out);
/// Hex digits as bytes in the arena.
PST_MUST_USE bool line_hex(line_reader *r, const pst_json_value *value, const char *name, uint8_t **bytes, uint32_t *size);
void line_short_name(const char *name, const char *prefix, char out[LINE_NAME_MAX]);

/// verify_line_maps.c: "maps", and once references are known, the live memory of arrays.
PST_MUST_USE bool line_read_maps(line_reader *r);
PST_MUST_USE bool line_fill_maps(line_reader *r);

#endif
