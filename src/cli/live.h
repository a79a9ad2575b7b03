// live.h: what lives in the core at hand (a host's, or this process's) at one moment.
#ifndef PST_CLI_LIVE_H
#define PST_CLI_LIVE_H

#include "cli/cli.h"

#define LIVE_OBJECTS_MAX (1u << 16) // of each kind; more are not looked at
#define LIVE_MAP_IDS_MAX 64u        // of one program, that are listed

typedef enum live_kind {
    LIVE_MAP = PST_OBJECT_MAP,
    LIVE_PROGRAM = PST_OBJECT_PROG,
    LIVE_BTF = PST_OBJECT_BTF,
    LIVE_LINK = PST_OBJECT_LINK,
} live_kind;

typedef struct live_program {
    pst_bpf_prog_info info; // without its arrays
    uint32_t map_ids[LIVE_MAP_IDS_MAX];
    uint32_t map_count;
} live_program;

typedef struct live_pin {
    live_kind kind;
    uint32_t id;
    char *path; // "/sys/fs/bpf/x"
} live_pin;

typedef struct live_state {
    struct postern_about about;
    bool sees_all; // the caller has all rights: machine code and others' objects are told
    live_program *programs;
    pst_bpf_map_info *maps;
    pst_bpf_link_info *links;
    live_pin *pins; // by path
    size_t program_count, map_count, link_count, pin_count;
} live_state;

/// CLI_OK, or an exit code after the sentence; live_free in any case.
cli_exit live_read(live_state *out);
/// The core and its programs alone.
cli_exit live_read_programs(live_state *out);
void live_free(live_state *state);

size_t live_pins_of(const live_state *state, live_kind kind, uint32_t id);
size_t live_links_of(const live_state *state, uint32_t prog_id);
/// Statistics stay on until the descriptor is closed. A descriptor, or -1 after the sentence, with *code.
int live_statistics(cli_exit *code);
/// Whether there is a core at hand: CLI_OK, or an exit code after the sentence.
cli_exit live_reach(void);
const live_program *live_program_by_id(const live_state *state, uint32_t id);
const pst_bpf_map_info *live_map_by_id(const live_state *state, uint32_t id);

/// A descriptor, or a negative errno. The caller closes it with postern_close.
int live_open(live_kind kind, uint32_t id);
/// "jit", "interp" and so on, for POSTERN_ENGINE_*; "" for none.
const char *live_engine_name(unsigned engine);
/// What runs a program: "jit", "interp", or "" where that is not told.
const char *live_mode(const live_state *state, const live_program *program);
/// The attach type of a link, and where it is attached (an interface; 0: none).
uint32_t live_link_attach_type(const pst_bpf_link_info *link);
uint32_t live_link_target(const pst_bpf_link_info *link);
/// The id of a map that lies in a map of maps, 0: none.
uint32_t live_inner_map(const pst_bpf_map_info *map);
/// Seconds since 1970 of what happened boot_ns after the machine's start.
uint64_t live_wall_seconds(uint64_t boot_ns);
/// The map that text means: an id, a name, or a pin. CLI_MISSING or CLI_USAGE after the sentence.
cli_exit live_find_map(const live_state *state, const char *text, const pst_bpf_map_info **out);
/// The types of an object by the id of its BTF; NULL: there are none. The caller frees.
pst_btf *live_types(uint32_t btf_id);

#endif
