// What pst_recheck says of certificates that are right, damaged, of other programs, and made by other rules.
#include "harness.h"

#include <string.h>

#include "isa/isa.h"
#include "pal/pal.h"
#include "verify/certificate.h"

typedef struct fixture {
    pst_image *image;
    pst_verify_input input;
} fixture;

static bool build(fixture *f, const char *text)
{
    pst_slot *slots = NULL;
    size_t count = 0;
    pst_asm_error why = {0};
    pst_image_error error = {0};
    *f = (fixture){0};
    if (pst_assemble(pst_pal_env(), text, &slots, &count, &why) != PST_OK) {
        pst_test_fail(__FILE__, __LINE__, "line %u: %s", why.line, why.text);
        return false;
    }
    const pst_prog_type *type = pst_prog_type_by_name("xdp");
    pst_image_input input = {.size = sizeof input, .name = "recheck", .prog_type = type->number, .gpl_compatible = true, .slots = slots, .count = (uint32_t)count};
    pst_status status = pst_image_build(pst_pal_env(), &input, &error, &f->image);
    pst_free(pst_pal_env(), slots, count * sizeof *slots);
    if (status != PST_OK) pst_test_fail(__FILE__, __LINE__, "%s", error.text);
    f->input = (pst_verify_input){.size = sizeof f->input, .image = f->image, .type = type};
    return status == PST_OK;
}

static pst_verdict *certify(const fixture *f, pst_verify_mode mode)
{
    pst_verify_opts opts = {.size = sizeof opts, .mode = mode, .certificate = true};
    pst_verdict *verdict = NULL;
    pst_status status = pst_verify(pst_pal_env(), &f->input, &opts, &verdict);
    if (status == PST_OK && verdict->kind == PST_VERDICT_ACCEPT && verdict->certificate) return verdict;
    pst_test_fail(__FILE__, __LINE__, "there is no certificate: %s", status == PST_OK ? verdict->finding.text : pst_status_text(status));
    pst_verdict_free(verdict);
    return NULL;
}

static pst_verdict *recheck(const fixture *f, pst_verify_mode mode, const uint8_t *bytes, size_t size)
{
    pst_verify_opts opts = {.size = sizeof opts, .mode = mode};
    pst_verdict *verdict = NULL;
    if (pst_recheck(pst_pal_env(), &f->input, &opts, bytes, size, &verdict) != PST_OK) pst_test_fail(__FILE__, __LINE__, "no answer");
    return verdict;
}

static void expect(const fixture *f, pst_verify_mode mode, const uint8_t *bytes, size_t size, pst_finding_kind kind, const char *words)
{
    pst_verdict *verdict = recheck(f, mode, bytes, size);
    if (!verdict) return;
    if (verdict->finding.kind != kind || !strstr(verdict->finding.text, words) || (kind && !verdict->finding.hint[0]))
        pst_test_fail(__FILE__, __LINE__, "%s: %s", pst_finding_kind_text(verdict->finding.kind), verdict->finding.text);
    pst_verdict_free(verdict);
}

// The loop of src/verify/README.md.
#define WALK(limit)                                                                                                                   \
    "r2 = *(u32 *)(r1 + 0); r3 = *(u32 *)(r1 + 4); r5 = 0; head: r4 = r2; r4 += r5; r6 = r4; r6 += " limit "; if r6 > r3 goto out;" \
    "r1 = *(u8 *)(r4 + 0); r5 += 1; goto head; out: r0 = 0; exit"

TEST(recheck_says_what_the_proof_said)
{
    fixture f;
    if (!build(&f, WALK("1"))) return;
    pst_verdict *made = certify(&f, PST_VERIFY_PRIVILEGED), *again = made ? recheck(&f, PST_VERIFY_PRIVILEGED, made->certificate, made->certificate_size) : NULL;
    if (again) {
        CHECK_EQ(again->kind, PST_VERDICT_ACCEPT);
        CHECK_EQ(again->loops_bound, made->loops_bound);
        CHECK_EQ(again->stack_bytes, made->stack_bytes);
        CHECK(again->states < made->states && again->steps < made->steps);
        CHECK(made->certificate_size < 8 * f.image->count);
        CHECK(again->facts.flags != NULL && !(again->facts.flags[7] & PST_FACT_DEAD));
        CHECK(again->certificate == NULL);
    }
    pst_verdict_free(again);
    pst_verdict_free(made);
    pst_image_free(f.image);
}

TEST(recheck_is_the_same_proof_for_compilers)
{
    fixture f;
    if (!build(&f, WALK("1"))) return;
    pst_verdict *made = certify(&f, PST_VERIFY_PRIVILEGED), *again = NULL;
    pst_verify_opts opts = {.size = sizeof opts, .value_facts = true};
    if (made && pst_recheck(pst_pal_env(), &f.input, &opts, made->certificate, made->certificate_size, &again) == PST_OK) {
        CHECK(again->facts.values != NULL);
        CHECK(again->facts.values && again->facts.values[8].umax == 255); // the byte
    }
    pst_verdict_free(again);
    pst_verdict_free(made);
    pst_image_free(f.image);
}

TEST(recheck_refuses_the_nearest_program_that_is_not_safe)
{
    fixture safe, unsafe;
    if (!build(&safe, WALK("1")) || !build(&unsafe, WALK("0"))) return;
    pst_verdict *made = certify(&safe, PST_VERIFY_PRIVILEGED);
    if (made) expect(&unsafe, PST_VERIFY_PRIVILEGED, made->certificate, made->certificate_size, PST_FINDING_BOUNDS, "");
    pst_verdict_free(made);
    pst_image_free(safe.image);
    pst_image_free(unsafe.image);
}

TEST(recheck_tells_what_is_wrong_with_a_certificate)
{
    fixture f;
    static uint8_t bytes[4096];
    if (!build(&f, WALK("1"))) return;
    pst_verdict *made = certify(&f, PST_VERIFY_PRIVILEGED);
    size_t size = made ? made->certificate_size : 0;
    if (!made || size + 1 > sizeof bytes) return;
    memcpy(bytes, made->certificate, size);
    expect(&f, PST_VERIFY_PRIVILEGED, bytes, size, PST_FINDING_NONE, "");
    expect(&f, PST_VERIFY_STRICT, bytes, size, PST_FINDING_CERTIFICATE, "another mode");
    expect(&f, PST_VERIFY_PRIVILEGED, bytes, size + 1, PST_FINDING_CERTIFICATE, "longer or shorter");
    expect(&f, PST_VERIFY_PRIVILEGED, bytes, 1, PST_FINDING_CERTIFICATE, "shorter than its head");
    expect(&f, PST_VERIFY_PRIVILEGED, NULL, 0, PST_FINDING_CERTIFICATE, "shorter than its head");
    bytes[0] = VCERTIFICATE_VERSION + 1;
    expect(&f, PST_VERIFY_PRIVILEGED, bytes, size, PST_FINDING_CERTIFICATE, "of version");
    pst_verdict_free(made);
    pst_image_free(f.image);
}

// No damage makes it end otherwise than with an answer; most of it makes no proof, and what is one is one of this very program.
TEST(recheck_stands_every_bit_and_every_length)
{
    fixture f;
    static uint8_t bytes[4096];
    unsigned refused = 0, tried = 0;
    if (!build(&f, WALK("1"))) return;
    pst_verdict *made = certify(&f, PST_VERIFY_PRIVILEGED);
    size_t size = made ? made->certificate_size : 0;
    if (!made || size > sizeof bytes) return;
    for (size_t bit = 0; bit < 8 * size + size; bit++) {
        memcpy(bytes, made->certificate, size);
        if (bit < 8 * size) bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        pst_verdict *verdict = recheck(&f, PST_VERIFY_PRIVILEGED, bytes, bit < 8 * size ? size : bit - 8 * size);
        if (!verdict) break;
        tried++;
        refused += verdict->kind != PST_VERDICT_ACCEPT;
        CHECK((verdict->kind == PST_VERDICT_ACCEPT) == (verdict->finding.text[0] == '\0'));
        pst_verdict_free(verdict);
    }
    CHECK(refused * 2 > tried);
    pst_verdict_free(made);
    pst_image_free(f.image);
}

// A program without a certificate of its own costs no more than the limit, whatever the bytes are.
TEST(recheck_is_bounded)
{
    fixture f;
    static uint8_t bytes[65536];
    uint64_t random = 1;
    if (!build(&f, "r0 = 0; r6 = r1; loop: call 7; if r0 > 5 goto a; r7 = 1; a: if r0 > 9 goto b; r8 = 1; b: if r0 > 3 goto loop; exit")) return;
    for (size_t i = 0; i < sizeof bytes; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        bytes[i] = i == 0 ? VCERTIFICATE_VERSION : i == 1 ? 0 : (uint8_t)(random >> 56);
    }
    for (size_t size = 2; size <= sizeof bytes; size *= 2) {
        pst_verify_opts opts = {.size = sizeof opts, .steps_max = 5000};
        pst_verdict *verdict = NULL;
        REQUIRE(pst_recheck(pst_pal_env(), &f.input, &opts, bytes, size, &verdict) == PST_OK);
        CHECK(verdict->kind == PST_VERDICT_REJECT);
        CHECK(verdict->steps <= 5001);
        pst_verdict_free(verdict);
    }
    pst_image_free(f.image);
}
