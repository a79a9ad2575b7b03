// blob_test.c: compiled code as data: what is written is what is read, what is bound runs, and what does not fit is refused with a sentence.
//
// That bound code computes the same as other engines is tested where those are compared: it is an engine of its own there.
#include "harness.h"
#include "interp_fixture.h"
#include "jit/blob.h"
#include "pal/pal.h"

#define SKIP_WITHOUT_BLOBS()                                                           \
    do {                                                                               \
        if (!pst_jit_supported() || !pst_jit_target_supported(pst_jit_target_of_host())) { \
            pst_test_skip("code for this machine cannot be compiled to blobs");        \
            return;                                                                    \
        }                                                                              \
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

// Maps, values of maps, a helper, a context: something of everything.
#define TEXT "r6 = r1; *(u32 *)(r10 - 4) = 1; r2 = r10; r2 += -4; r1 = map[fd:1]; call 1; if r0 == 0 goto none; r7 = *(u64 *)(r0 + 0);" \
             "r1 = map[fd:1][0]+8; r8 = *(u64 *)(r1 + 0); r1 = r7; r1 += r8; call sub; exit; none: r0 = 77; exit; sub: r0 = r1; r0 <<= 1; exit"

static pst_jit_blob *compile(const pst_image *image, pst_jit_target target)
{
    pst_jit_blob *blob = NULL;
    CHECK_EQ(pst_jit_compile(pst_pal_env(), image, fixture_bindings(), NULL, NULL, target, &blob), PST_OK);
    return blob;
}

static pst_jit_blob *copy_of(const pst_jit_blob *blob, bool with_code)
{
    pst_text bytes;
    pst_jit_blob *copy = NULL;
    pst_text_init(&bytes, pst_pal_env());
    pst_jit_blob_write(blob, with_code, &bytes);
    CHECK_EQ(pst_jit_blob_read(pst_pal_env(), bytes.data, bytes.size, &copy), PST_OK);
    pst_text_free(&bytes);
    return copy;
}

static uint64_t run(const pst_exec *exec)
{
    fixture_reset();
    *fixture_value(1, 1) = fixture_value(1, 0)[1] = 20;
    pst_run state = {.ctx = &g_world.ctx};
    return pst_exec_run(exec, &state);
}

TEST(what_is_written_is_read)
{
    SKIP_WITHOUT_BLOBS();
    pst_exec *made = fixture_make(FIXTURE_FAST, TEXT, NULL);
    REQUIRE(made);
    for (pst_jit_target target = PST_JIT_TARGET_X64_LINUX; target < PST_JIT_TARGETS; target++) {
        pst_text first, second;
        pst_jit_blob *blob = compile(made->image, target), *copy = copy_of(blob, true);
        REQUIRE(blob && copy);
        pst_text_init(&first, pst_pal_env());
        pst_text_init(&second, pst_pal_env());
        pst_jit_blob_write(blob, true, &first);
        pst_jit_blob_write(copy, true, &second);
        CHECK(first.size == second.size && memcmp(first.data, second.data, first.size) == 0);
        CHECK(copy->ref_count >= 3 && copy->patch_count >= 3 && copy->function_count == 2 && copy->target == (uint32_t)target);
        pst_text_free(&first);
        pst_text_free(&second);
        pst_jit_blob_free(blob);
        pst_jit_blob_free(copy);
    }
    fixture_free(made);
}

TEST(code_is_the_same_wherever_it_lies)
{
    SKIP_WITHOUT_BLOBS();
    pst_exec *made = fixture_make(FIXTURE_FAST, TEXT, NULL), *one = NULL, *other = NULL;
    REQUIRE(made);
    pst_jit_blob *blob = compile(made->image, pst_jit_target_of_host());
    CHECK_EQ(run(made), 80);
    CHECK_EQ(pst_jit_bind(pst_pal_env(), made->image, fixture_bindings(), blob, &one), PST_OK);
    CHECK_EQ(pst_jit_bind(pst_pal_env(), made->image, fixture_bindings(), blob, &other), PST_OK);
    pst_jit_blob_free(blob);
    REQUIRE(one && other);
    pst_jit_code a, b;
    CHECK(pst_jit_code_of(one, &a) && pst_jit_code_of(other, &b));
    CHECK(a.bytes != b.bytes && a.size == b.size && memcmp(a.bytes, b.bytes, a.size) == 0);
    CHECK_EQ(run(one), 80);
    CHECK_EQ(run(other), 80);
    one->free(one);
    other->free(other);
    fixture_free(made);
}

// As a module does it: code in pages of its own, the table of addresses in others.
TEST(code_in_foreign_pages_is_adopted)
{
    SKIP_WITHOUT_BLOBS();
    pst_exec *made = fixture_make(FIXTURE_FAST, TEXT, NULL), *exec = NULL;
    REQUIRE(made);
    pst_jit_blob *blob = compile(made->image, pst_jit_target_of_host()), *places = copy_of(blob, false);
    pst_code pages;
    uint64_t table[16];
    REQUIRE(blob && places && !places->code && blob->ref_count <= PST_COUNT(table));
    REQUIRE(pst_pal_code_alloc(blob->code_bytes + sizeof table + 64, &pages) == PST_OK);
    memcpy(pages.bytes, blob->code, blob->code_bytes);
    uint32_t at = (blob->code_bytes + 63u) & ~63u;
    pst_jit_blob_link(places, at, pages.bytes);
    CHECK_EQ(pst_jit_adopt(pst_pal_env(), made->image, fixture_bindings(), places, pages.bytes, table, &exec), PST_OK);
    REQUIRE(exec);
    memcpy(pages.bytes + at, table, sizeof table);
    REQUIRE(pst_pal_code_seal(&pages) == PST_OK);
    CHECK_EQ(run(exec), 80);
    exec->free(exec);
    pst_pal_code_free(&pages);
    pst_jit_blob_free(places);
    pst_jit_blob_free(blob);
    fixture_free(made);
}

static void check_refused(const pst_image *image, const pst_jit_blob *blob, const char *why)
{
    pst_exec *exec = NULL;
    CHECK_EQ(pst_jit_bind(listening(), image, fixture_bindings(), blob, &exec), PST_E_INVALID);
    CHECK(!exec);
    if (!strstr(g_said, why)) pst_test_fail(__FILE__, __LINE__, "\"%s\" does not say \"%s\"", g_said, why);
}

TEST(what_does_not_fit_is_not_bound)
{
    SKIP_WITHOUT_BLOBS();
    pst_exec *made = fixture_make(FIXTURE_FAST, TEXT, NULL), *other = fixture_make(FIXTURE_FAST, "r0 = 0; exit", NULL);
    REQUIRE(made && other);
    pst_jit_blob *blob = compile(made->image, pst_jit_target_of_host());
    REQUIRE(blob);
    check_refused(other->image, blob, "is that of other instructions");
    pst_jit_blob changed = *blob;
    changed.target = pst_jit_target_of_host() == PST_JIT_TARGET_ARM64_LINUX ? PST_JIT_TARGET_X64_LINUX : PST_JIT_TARGET_ARM64_LINUX;
    check_refused(made->image, &changed, "was compiled for ");
    changed = *blob;
    changed.layout ^= 1;
    check_refused(made->image, &changed, "for another version of the engine");
    changed = *blob;
    changed.features = 1u << 31;
    check_refused(made->image, &changed, "instructions that this machine does not have");
    changed = *blob;
    changed.info_hash[31] ^= 1;
    check_refused(made->image, &changed, "their program-info hashes differ");
    pst_jit_ref refs[16] = {{0}};
    for (uint32_t i = 0; i < blob->ref_count && i < PST_COUNT(refs); i++) refs[i] = (pst_jit_ref){PST_JIT_REF_HELPER, 9999};
    changed = *blob;
    changed.refs = refs;
    check_refused(made->image, &changed, "refers to a helper number 9999, which is not there");
    pst_jit_blob_free(blob);
    fixture_free(made);
    fixture_free(other);
}

TEST(targets_have_names)
{
    for (pst_jit_target target = 0; target < PST_JIT_TARGETS; target++) CHECK_EQ(pst_jit_target_by_name(pst_jit_target_name(target)), target);
    CHECK_EQ(pst_jit_target_by_name("vax-vms"), PST_JIT_TARGETS);
    CHECK_STR(pst_jit_target_name(PST_JIT_TARGETS), "");
}

// --- Hostile bytes --------------------------------------------------------------------------------------------

#define HEAD_BYTES (5 * 4 + 8 + 32 + 9 * 4)

// The bytes of a blob with 4 of them replaced.
static pst_status read_changed(const pst_text *bytes, size_t at, uint32_t value, size_t size)
{
    uint8_t *copy = malloc(bytes->size);
    pst_jit_blob *blob = NULL;
    if (!copy) return PST_E_NOMEM;
    memcpy(copy, bytes->data, bytes->size);
    if (at + 4 <= bytes->size) memcpy(copy + at, &value, 4);
    pst_status status = pst_jit_blob_read(listening(), copy, size, &blob);
    CHECK((status == PST_OK) == (blob != NULL));
    CHECK(status == PST_OK || g_said[0]);
    pst_jit_blob_free(blob);
    free(copy);
    return status;
}

TEST(bytes_that_are_no_blob_are_refused)
{
    SKIP_WITHOUT_BLOBS();
    pst_exec *made = fixture_make(FIXTURE_FAST, TEXT, NULL);
    REQUIRE(made);
    pst_jit_blob *blob = compile(made->image, PST_JIT_TARGET_X64_LINUX);
    pst_text bytes;
    pst_text_init(&bytes, pst_pal_env());
    pst_jit_blob_write(blob, true, &bytes);
    REQUIRE(!bytes.failed && bytes.size > HEAD_BYTES);
    CHECK_EQ(read_changed(&bytes, SIZE_MAX - 8, 0, bytes.size), PST_OK);
    for (size_t size = 0; size < bytes.size; size++) CHECK_EQ(read_changed(&bytes, SIZE_MAX - 8, 0, size), PST_E_FORMAT);
    // Magic, version, target, flags; counts; stub and way out; parts.
    static const size_t strict[] = {0, 4, 8, 16, 60, 64, 68, 72, 76, 80, 84, 88, 92};
    for (size_t i = 0; i < PST_COUNT(strict); i++) CHECK(read_changed(&bytes, strict[i], 0x7fffffff, bytes.size) != PST_OK);
    // Each table's first number, far outside.
    size_t at = HEAD_BYTES;
    CHECK_EQ(read_changed(&bytes, at, UINT32_MAX, bytes.size), PST_E_FORMAT);
    at += (blob->piece_count + 1) * 4u;
    REQUIRE(blob->slots); // the optimiser's
    CHECK_EQ(read_changed(&bytes, at, UINT32_MAX, bytes.size), PST_E_FORMAT);
    at += blob->piece_count * 4u;
    CHECK_EQ(read_changed(&bytes, at, UINT32_MAX, bytes.size), PST_E_FORMAT);
    at += blob->function_count * 4u;
    CHECK_EQ(read_changed(&bytes, at, UINT32_MAX, bytes.size), PST_E_FORMAT);
    at += blob->ref_count * 8u;
    CHECK_EQ(read_changed(&bytes, at, UINT32_MAX, bytes.size), PST_E_FORMAT);
    CHECK_EQ(read_changed(&bytes, at + 4, UINT32_MAX, bytes.size), PST_E_FORMAT);
    CHECK_EQ(read_changed(&bytes, at + 8, 0, bytes.size), PST_E_FORMAT); // over the one before
    pst_text_free(&bytes);
    pst_jit_blob_free(blob);
    fixture_free(made);
}

TEST(targets_without_a_back_end_are_refused)
{
    pst_jit_blob *blob = NULL;
    pst_exec *made = fixture_make(FIXTURE_FAST, "r0 = 0; exit", NULL);
    REQUIRE(made);
    CHECK(!pst_jit_target_supported(PST_JIT_TARGETS));
    CHECK_EQ(pst_jit_compile(listening(), made->image, fixture_bindings(), NULL, NULL, PST_JIT_TARGETS, &blob), PST_E_UNSUPPORTED);
    CHECK(!blob);
    fixture_free(made);
}
