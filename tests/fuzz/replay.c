// replay.c: a fuzz target without a fuzzer, for the ordinary test run.
//
// Each argument is a file or a folder of files (a missing folder is an empty corpus). Each input runs as it is, cut short at
// up to 64 places, and with up to 192 small deterministic changes. The last line counts the runs.
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define INPUT_MAX (1u << 20)
#define CUTS 64u
#define CHANGES 192u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long g_inputs, g_runs;
static uint64_t g_chance = 0x9e3779b97f4a7c15u;

static uint64_t chance(void) // xorshift64: the same changes on every run
{
    g_chance ^= g_chance << 13;
    g_chance ^= g_chance >> 7;
    g_chance ^= g_chance << 17;
    return g_chance;
}

// A block of exactly this size, so that a sanitizer sees the first byte read behind it.
static void run_copy(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy) exit(2);
    if (size) memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    g_runs++;
}

static void change(uint8_t *data, size_t size)
{
    static const uint8_t edges[] = {0x00, 0xff, 0x7f, 0x80, 0x01, 0x10};
    size_t at = chance() % size;
    switch (chance() % 3) {
    case 0: data[at] = (uint8_t)(data[at] ^ 1u << chance() % 8); break;
    case 1: data[at] = edges[chance() % sizeof edges]; break;
    default: data[at] = (uint8_t)chance(); break;
    }
}

static void replay_input(const uint8_t *data, size_t size)
{
    g_inputs++;
    run_copy(data, size);
    size_t step = size / CUTS + 1;
    for (size_t cut = 0; cut < size; cut += step) run_copy(data, cut);
    uint8_t *changed = malloc(size ? size : 1);
    if (!changed) exit(2);
    for (unsigned i = 0; size > 0 && i < CHANGES; i++) {
        memcpy(changed, data, size);
        for (uint64_t count = chance() % 4 + 1; count > 0; count--) change(changed, size);
        run_copy(changed, size);
    }
    free(changed);
}

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(INPUT_MAX);
    int ok = file && data;
    if (ok) {
        size_t size = fread(data, 1, INPUT_MAX, file);
        ok = !ferror(file);
        if (ok) replay_input(data, size);
    }
    if (!ok) fprintf(stderr, "replay: cannot read %s: %s\n", path, strerror(errno));
    free(data);
    if (file) fclose(file);
    return ok;
}

static int replay_folder(const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    int ok = 1;
    if (!folder) return errno == ENOENT;
    while ((entry = readdir(folder))) {
        char name[4096];
        if (entry->d_name[0] == '.') continue;
        int length = snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        ok &= length > 0 && (size_t)length < sizeof name && replay_file(name);
    }
    closedir(folder);
    return ok;
}

int main(int argc, char **argv)
{
    int ok = 1;
    replay_input((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++) {
        struct stat info;
        int folder = stat(argv[i], &info) != 0 || S_ISDIR(info.st_mode);
        ok &= folder ? replay_folder(argv[i]) : replay_file(argv[i]);
    }
    printf("%lu inputs, %lu runs\n", g_inputs, g_runs);
    return ok ? 0 : 1;
}
