// native_test.c: native modules as files: what is written is what is read, their form is what the systems want, and nobody changes one unseen.
//
// That a module's code computes the same is tests/diff/native_diff_test.c; that objects load from modules, tests/unit/api/native_api_test.c.
#include "base/bits.h"
#include "harness.h"
#include "interp_fixture.h"
#include "jit/native/module.h"

#define TEXT "r6 = r1; *(u32 *)(r10 - 4) = 1; r2 = r10; r2 += -4; r1 = map[fd:1]; call 1; if r0 == 0 goto none; r0 = *(u64 *)(r0 + 0); call sub; exit;" \
             "none: r0 = 77; exit; sub: r0 = 1; exit"

#define SKIP_WITHOUT_TARGETS()                                                          \
    do {                                                                                \
        if (!pst_jit_target_supported(PST_JIT_TARGET_X64_LINUX)) {                      \
            pst_test_skip("this build has no crypto library");                          \
            return;                                                                     \
        }                                                                               \
    } while (0)

static char g_said[1024];

static void listen(void *user, pst_log_level level, const char *text)
{
    (void)user, (void)level;
    snprintf(g_said, sizeof g_said, "%s", text);
}

static const pst_env *listening(void)
{
    static pst_env env;
    env = *pst_pal_env();
    env.log = listen;
    g_said[0] = '\0';
    return &env;
}

static const pst_slot g_slots[64]; // what the bytecode is does not matter here, only that it is hashed

static pst_native_prog make_prog(const pst_image *image, pst_jit_target target, const char *name)
{
    static const uint32_t maps[] = {0};
    static const int32_t helpers[] = {1};
    pst_native_prog prog = {.name = name, .section = "xdp", .prog_type = 6, .attach_type = 37, .gpl_compatible = true, .slots = g_slots, .loops_bound = 12,
                            .stack_bytes = 8, .maps = maps, .map_count = 1, .helpers = helpers, .helper_count = 1};
    CHECK_EQ(pst_jit_compile(pst_pal_env(), image, fixture_bindings(), NULL, NULL, target, &prog.blob), PST_OK);
    CHECK_EQ(pst_pal_sha256(g_slots, image->count * sizeof *g_slots, prog.bytecode_hash), PST_OK);
    return prog;
}

// A module of two programs and two maps. The caller frees.
static pst_native *make(pst_jit_target target, pst_exec *made)
{
    static const uint8_t values[32] = "constants";
    static const pst_record records[] = {{.kind = PST_RECORD_SPIN_LOCK, .offset = 4, .size = 4}};
    pst_native *native = pst_native_create(pst_pal_env());
    if (!native || pst_native_reserve(native, 2, 2) != PST_OK) return native;
    native->target = target;
    native->name = "object";
    native->object = values;
    native->object_size = 9;
    native->maps[native->map_count++] = (pst_native_map){.name = "array", .type = 2, .key_size = 4, .value_size = 16, .max_entries = 2, .value_stride = 16,
                                                         .frozen = true, .values = values, .values_size = sizeof values, .inner = -1};
    native->maps[native->map_count++] = (pst_native_map){.name = "maps", .type = 13, .inner = 0, .records = records, .record_count = 1};
    native->progs[native->prog_count++] = make_prog(made->image, target, "first");
    native->progs[native->prog_count++] = make_prog(made->image, target, "second");
    return native;
}

static void write_as(pst_jit_target target, pst_native_kind kind, pst_text *out)
{
    pst_exec *made = fixture_make(FIXTURE_FAST, TEXT, NULL);
    REQUIRE(made);
    pst_native *native = make(target, made);
    pst_text_init(out, pst_pal_env());
    CHECK_EQ(pst_native_write(listening(), native, kind, out), PST_OK);
    pst_native_free(native);
    fixture_free(made);
}

static const struct {
    pst_jit_target target;
    pst_native_kind kind;
} g_forms[] = {
    {PST_JIT_TARGET_X64_LINUX, PST_NATIVE_ELF},
    {PST_JIT_TARGET_X64_WINDOWS, PST_NATIVE_DLL},
    {PST_JIT_TARGET_X64_WINDOWS, PST_NATIVE_SYS},
};

// --- Description ----------------------------------------------------------------------------------------------

TEST(what_a_module_says_is_read_back)
{
    SKIP_WITHOUT_TARGETS();
    for (size_t i = 0; i < PST_COUNT(g_forms); i++) {
        pst_text file;
        pst_native *read = NULL;
        write_as(g_forms[i].target, g_forms[i].kind, &file);
        REQUIRE(pst_native_read(pst_pal_env(), file.data, file.size, &read) == PST_OK);
        CHECK(read->target == (uint32_t)g_forms[i].target && read->layout == pst_jit_layout() && read->prog_count == 2 && read->map_count == 2);
        CHECK_STR(read->tool, PST_NATIVE_TOOL);
        CHECK_STR(read->name, "object");
        CHECK(read->object_size == 9 && memcmp(read->object, "constants", 9) == 0);
        const pst_native_map *array = &read->maps[0], *maps = &read->maps[1];
        CHECK_STR(array->name, "array");
        CHECK(array->frozen && array->inner == -1 && array->values_size == 32 && memcmp(array->values, "constants", 9) == 0 && array->max_entries == 2);
        CHECK(maps->inner == 0 && !maps->values && maps->record_count == 1 && maps->records[0].offset == 4);
        const pst_native_prog *first = &read->progs[0], *second = &read->progs[1];
        CHECK_STR(first->name, "first");
        CHECK_STR(second->section, "xdp");
        CHECK(first->loops_bound == 12 && first->map_count == 1 && first->helpers[0] == 1 && first->gpl_compatible && !first->blob->code);
        CHECK(first->code_offset == 0 && second->code_offset >= first->blob->code_bytes && second->code_offset + second->blob->code_bytes == read->code_bytes);
        CHECK(first->table_offset == 8 && second->table_offset == 8 + 8 * first->blob->ref_count && read->table_bytes == 8 + 16 * first->blob->ref_count);
        pst_native_free(read);
        pst_text_free(&file);
    }
}

TEST(the_same_programs_give_the_same_file)
{
    SKIP_WITHOUT_TARGETS();
    for (size_t i = 0; i < PST_COUNT(g_forms); i++) {
        pst_text one, other;
        write_as(g_forms[i].target, g_forms[i].kind, &one);
        write_as(g_forms[i].target, g_forms[i].kind, &other);
        CHECK(one.size == other.size && memcmp(one.data, other.data, one.size) == 0);
        pst_text_free(&one);
        pst_text_free(&other);
    }
}

TEST(code_stands_in_files_of_its_system)
{
    SKIP_WITHOUT_TARGETS();
    pst_exec *made = fixture_make(FIXTURE_FAST, TEXT, NULL);
    REQUIRE(made);
    pst_text out;
    pst_text_init(&out, pst_pal_env());
    pst_native *native = make(PST_JIT_TARGET_X64_LINUX, made);
    CHECK_EQ(pst_native_write(listening(), native, PST_NATIVE_DLL, &out), PST_E_INVALID);
    CHECK(strstr(g_said, "x86_64-linux cannot stand in a PE image"));
    native->progs[1].blob->target = PST_JIT_TARGET_X64_WINDOWS;
    CHECK_EQ(pst_native_write(listening(), native, PST_NATIVE_ELF, &out), PST_E_INVALID);
    CHECK(strstr(g_said, "program second was not compiled for the target"));
    pst_native_free(native);
    pst_text_free(&out);
    fixture_free(made);
}

// --- Form: what the systems' loaders look at ------------------------------------------------------------------

static uint32_t at32(const pst_text *file, size_t at) { return at + 4 <= file->size ? pst_load32(file->data + at) : 0; }
static uint16_t at16(const pst_text *file, size_t at) { return at + 2 <= file->size ? pst_load16(file->data + at) : 0; }
static uint64_t at64(const pst_text *file, size_t at) { return at + 8 <= file->size ? pst_load64(file->data + at) : 0; }

// tests/e2e asks readelf too; this runs everywhere.
TEST(shared_objects_keep_what_is_writable_from_what_is_executable)
{
    pst_text file;
    SKIP_WITHOUT_TARGETS();
    write_as(PST_JIT_TARGET_X64_LINUX, PST_NATIVE_ELF, &file);
    uint32_t loads = 0, executable = 0, last_end = 0;
    uint64_t headers = at64(&file, 32);
    CHECK(memcmp(file.data, "\177ELF\2\1\1", 7) == 0 && at16(&file, 16) == 3 && at16(&file, 18) == 62);
    for (unsigned i = 0; i < at16(&file, 56); i++) {
        size_t h = (size_t)headers + 56 * i;
        uint32_t type = at32(&file, h), flags = at32(&file, h + 4);
        uint64_t offset = at64(&file, h + 8), address = at64(&file, h + 16), in_file = at64(&file, h + 32), in_memory = at64(&file, h + 40), align = at64(&file, h + 48);
        CHECK((flags & 3u) != 3u); // executable and writable
        if (type != 1) continue;
        loads++;
        executable += flags & 1u;
        CHECK(offset % align == address % align && in_file == in_memory && offset + in_file <= file.size);
        CHECK(address / align >= (last_end + align - 1) / align); // no page in two segments
        last_end = (uint32_t)(address + in_memory);
    }
    CHECK(loads == 3 && executable == 1);
    pst_text_free(&file);
}

static uint32_t checksum(const pst_text *file, size_t field)
{
    uint32_t sum = 0;
    for (size_t i = 0; i + 1 < file->size; i += 2) {
        if (i == field || i == field + 2) continue;
        sum += at16(file, i);
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum + (uint32_t)file->size;
}

// The offset in the file of what lies at rva.
static size_t file_offset(const pst_text *file, size_t sections, uint32_t rva)
{
    for (unsigned i = 0; i < 6; i++) {
        size_t h = sections + 40 * i;
        uint32_t at = at32(file, h + 12);
        if (rva >= at && rva - at < at32(file, h + 8)) return at32(file, h + 20) + (rva - at);
    }
    pst_test_fail(__FILE__, __LINE__, "0x%x lies in no section", rva);
    return 0;
}

// Two programs of two functions each: a row for each function, ascending, with the prologue that stands there.
static void check_pdata(const pst_text *file, size_t optional, size_t sections)
{
    uint32_t rows = at32(file, optional + 112 + 8 * 3), bytes = at32(file, optional + 112 + 8 * 3 + 4), before = 0;
    CHECK(bytes >= 4 * 12 && bytes % 12 == 0);
    for (uint32_t i = 0; i < bytes / 12; i++) {
        size_t row = file_offset(file, sections, rows + 12 * i);
        uint32_t begin = at32(file, row), end = at32(file, row + 4);
        CHECK(begin >= before && begin < end);
        before = end;
        const uint8_t *code = (const uint8_t *)file->data + file_offset(file, sections, begin);
        const uint8_t *info = (const uint8_t *)file->data + file_offset(file, sections, at32(file, row + 8));
        CHECK(info[0] == 1 && info[1] < end - begin && info[2] <= 16);
        bool pad = memcmp(code, "\xf3\x0f\x1e\xfa", 4) == 0;
        if (code[pad ? 4 : 0] != 0x55) continue;
        CHECK_EQ(info[3], 5); // push rbp, mov rbp, rsp: the last two codes, the frame's first
        CHECK(info[4 + 2 * info[2] - 2] == (pad ? 5 : 1) && info[4 + 2 * info[2] - 1] == 0x50);
        CHECK(info[4 + 2 * info[2] - 4] == (pad ? 8 : 4) && info[4 + 2 * info[2] - 3] == 0x03);
    }
}

static void check_pe(pst_native_kind kind)
{
    pst_text file;
    write_as(PST_JIT_TARGET_X64_WINDOWS, kind, &file);
    size_t pe = at32(&file, 60), optional = pe + 24, sections = optional + at16(&file, pe + 20);
    bool driver = kind == PST_NATIVE_SYS;
    CHECK(memcmp(file.data, "MZ", 2) == 0 && memcmp(file.data + pe, "PE\0\0", 4) == 0 && at16(&file, pe + 4) == 0x8664 && at16(&file, optional) == 0x20b);
    CHECK_EQ(at16(&file, optional + 68), driver ? 1 : 3);         // subsystem
    CHECK_EQ((at16(&file, pe + 22) & 0x2000) != 0, !driver);       // a DLL
    CHECK((at16(&file, optional + 70) & 0x140) == 0x140);          // anywhere, data is not executed
    uint32_t rva = 0x1000, entry = at32(&file, optional + 16);
    for (unsigned i = 0; i < at16(&file, pe + 6); i++) {
        size_t h = sections + 40 * i;
        uint32_t size = at32(&file, h + 8), at = at32(&file, h + 12), raw_size = at32(&file, h + 16), raw = at32(&file, h + 20), flags = at32(&file, h + 36);
        CHECK(at == rva && raw % 512 == 0 && raw_size >= size && raw + raw_size <= file.size);
        CHECK((flags & 0xa0000000u) != 0xa0000000u); // executable and writable
        if (driver && i == 0) CHECK(entry >= at && memcmp(file.data + raw + (entry - at), "\x31\xc0\xc3", 3) == 0); // return 0
        rva = (at + size + 4095) & ~4095u;
    }
    CHECK_EQ(at32(&file, optional + 56), rva); // size of the image
    check_pdata(&file, optional, sections);
    if (driver) CHECK_EQ(at32(&file, optional + 64), checksum(&file, optional + 64));
    else CHECK_EQ(entry, 0);
    pst_text_free(&file);
}

TEST(images_are_what_windows_loads)
{
    SKIP_WITHOUT_TARGETS();
    check_pe(PST_NATIVE_DLL);
    check_pe(PST_NATIVE_SYS);
}

// --- Signatures -----------------------------------------------------------------------------------------------

static void check_denied(const pst_text *file, const pst_trust *trust, const char *why)
{
    CHECK_EQ(pst_native_check(listening(), "m.so", (const uint8_t *)file->data, file->size, trust), PST_E_DENIED);
    if (!strstr(g_said, why)) pst_test_fail(__FILE__, __LINE__, "\"%s\" does not say \"%s\"", g_said, why);
}

TEST(a_module_is_its_signers)
{
    pst_text file;
    uint8_t key[PST_PRIVATE_KEY_SIZE], other[PST_PRIVATE_KEY_SIZE];
    pst_trust nobody = {0}, trust = {.count = 2}, strangers = {.count = 1};
    SKIP_WITHOUT_TARGETS();
    write_as(PST_JIT_TARGET_X64_LINUX, PST_NATIVE_ELF, &file);
    REQUIRE(pst_pal_key_create(key) == PST_OK && pst_pal_key_create(other) == PST_OK);
    memcpy(trust.keys[0], other, PST_PUBLIC_KEY_SIZE);
    memcpy(trust.keys[1], key, PST_PUBLIC_KEY_SIZE);
    memcpy(strangers.keys[0], other, PST_PUBLIC_KEY_SIZE);
    check_denied(&file, &trust, "m.so is not signed");
    CHECK(!pst_native_is_signed((const uint8_t *)file.data, file.size));
    REQUIRE(pst_native_sign(pst_pal_env(), (uint8_t *)file.data, file.size, key) == PST_OK);
    CHECK_EQ(pst_native_check(pst_pal_env(), "m.so", (const uint8_t *)file.data, file.size, &trust), PST_OK);
    check_denied(&file, &nobody, "no key is trusted here");
    check_denied(&file, &strangers, "by a key that is not among the 1 that are trusted");
    for (size_t at = 0; at < file.size; at += at + 200 < file.size ? 37 : 1) { // a sample, and each byte of the trailer
        file.data[at] = (char)(file.data[at] ^ 0x20);
        CHECK(pst_native_check(listening(), "m.so", (const uint8_t *)file.data, file.size, &trust) == PST_E_DENIED && g_said[0]);
        file.data[at] = (char)(file.data[at] ^ 0x20);
    }
    CHECK_EQ(pst_native_check(pst_pal_env(), "m.so", (const uint8_t *)file.data, file.size, &trust), PST_OK);
    check_denied(&(pst_text){.data = file.data + 1, .size = file.size - 1}, &trust, "changed after it was signed");
    CHECK_EQ(pst_native_sign(listening(), (uint8_t *)file.data, 100, key), PST_E_INVALID);
    pst_text_free(&file);
}

TEST(keys_are_lines_of_text)
{
    uint8_t key[PST_PRIVATE_KEY_SIZE], again[PST_PRIVATE_KEY_SIZE];
    pst_text secret, trusted;
    pst_trust trust = {0};
    for (unsigned i = 0; i < sizeof key; i++) key[i] = (uint8_t)(i * 7 + 3);
    pst_text_init(&secret, pst_pal_env());
    pst_text_init(&trusted, pst_pal_env());
    pst_key_write(&secret, key, true);
    pst_text_add(&trusted, "# ours\n\n");
    pst_key_write(&trusted, key, false);
    pst_key_write(&trusted, key + 8, false);
    CHECK_EQ(pst_key_read(pst_pal_env(), "k", secret.data, secret.size, again), PST_OK);
    CHECK(memcmp(key, again, sizeof key) == 0);
    CHECK_EQ(pst_trust_read(pst_pal_env(), "t", trusted.data, trusted.size, &trust), PST_OK);
    CHECK(trust.count == 2 && memcmp(trust.keys[0], key, PST_PUBLIC_KEY_SIZE) == 0 && memcmp(trust.keys[1], key + 8, PST_PUBLIC_KEY_SIZE) == 0);
    CHECK_EQ(pst_key_read(listening(), "t", trusted.data, trusted.size, again), PST_E_FORMAT);
    CHECK(strstr(g_said, "t is no secret key"));
    for (size_t size = 9; size < trusted.size - 140; size++) {
        pst_status status = pst_trust_read(listening(), "t", trusted.data, size, &(pst_trust){0});
        bool whole = size == trusted.size - 147 || size == trusted.size - 146; // the first key, without its line end and with it
        CHECK(status == PST_OK ? whole : !whole && strstr(g_said, "t, line "));
    }
    trust.count = PST_TRUST_KEYS_MAX;
    CHECK_EQ(pst_trust_read(listening(), "t", trusted.data, trusted.size, &trust), PST_E_LIMIT);
    pst_text_free(&secret);
    pst_text_free(&trusted);
}

// --- Hostile bytes --------------------------------------------------------------------------------------------

TEST(bytes_that_are_no_module_are_refused)
{
    pst_text file;
    pst_native *read;
    SKIP_WITHOUT_TARGETS();
    write_as(PST_JIT_TARGET_X64_LINUX, PST_NATIVE_ELF, &file);
    CHECK(!pst_native_is("", 0) && !pst_native_is(file.data, file.size - 1) && pst_native_is(file.data, file.size));
    CHECK_EQ(pst_native_read(listening(), file.data, file.size - 1, &read), PST_E_FORMAT);
    size_t trailer = file.size - 128, described = (size_t)at64(&file, trailer + 8), size = (size_t)at64(&file, trailer + 16);
    // Each number of the description changed to something enormous: refused, or read as what it then says, within its limits.
    uint32_t refused = 0;
    for (size_t at = described; at + 4 <= described + size; at += 4) {
        uint32_t was = at32(&file, at);
        pst_store32(file.data + at, 0x7ffffff1);
        pst_status status = pst_native_read(listening(), file.data, file.size, &read);
        CHECK((status == PST_OK) == (read != NULL) && (status == PST_OK || strstr(g_said, "malformed")));
        refused += status != PST_OK;
        pst_native_free(read);
        pst_store32(file.data + at, was);
    }
    CHECK(refused > 100);
    for (size_t cut = 1; cut <= size; cut += 13) {
        pst_store64(file.data + trailer + 16, size - cut);
        CHECK_EQ(pst_native_read(listening(), file.data, file.size, &read), PST_E_FORMAT);
    }
    pst_store64(file.data + trailer + 8, UINT64_MAX - 3);
    CHECK_EQ(pst_native_read(listening(), file.data, file.size, &read), PST_E_FORMAT);
    pst_text_free(&file);
}
