// case_file.h: verifier cases as data: what one case says, and how a file of them is read. README.md tells the format.
#ifndef PST_TESTS_CASE_FILE_H
#define PST_TESTS_CASE_FILE_H

#include "verify/verify.h"

#define CASE_MAPS_MAX 8u
#define CASE_LINES_MAX 8u // of post and says
#define CASE_RECORDS_MAX 2u
#define CASE_CODE_MAX 8192u

typedef struct case_map {
    char name[32];
    pst_map_view view;
    pst_record records[CASE_RECORDS_MAX];
    char kptr_type[32];
    uint8_t values[4096]; // of array maps
} case_map;

typedef struct verify_case {
    char title[128], from[160], why[512];
    char type[32];
    uint32_t attach;
    pst_verify_mode mode;
    bool sleepable, proprietary, meter;
    uint32_t flags; // PST_VERIFY_*
    uint32_t steps_max, stack_max, kib_max; // limits; 0: the verifier's own
    case_map maps[CASE_MAPS_MAX];
    uint32_t map_count;
    char code[CASE_CODE_MAX]; // as the assembler takes it
    unsigned line, code_line; // in the file
    bool accept;
    pst_finding_kind kind; // of a rejection
    char at[32];           // label that it is at, or "insn N"; "": anywhere
    char post[CASE_LINES_MAX][160];
    uint32_t post_count;
    char says[CASE_LINES_MAX][160];
    uint32_t says_count;
} verify_case;

/// Reads the next case of *text into *c and moves *text behind it; *line is the line of *text. 1: a case, 0: none is left,
/// -1: error holds a sentence, and *line where.
int case_next(const char **text, unsigned *line, verify_case *c, char error[256]);

/// The name of the kfunc that the code calls by this number, NULL: none.
const char *case_kfunc_name(int32_t number);

#endif
