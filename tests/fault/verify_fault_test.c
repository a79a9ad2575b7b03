// verify_fault_test.c: certifying and re-checking with each allocation failing once: it is reported, or the answer is the same, and nothing stays behind.
//
// A state that lacks memory may know less, which is sound, so not every failure need show in the end.
#include "faults.h"
#include "harness.h"

#include <string.h>

#include "isa/isa.h"
#include "pal/fake/fake.h"
#include "verify/verify.h"

// A loop that is widened, a call, spills, a join of states that differ.
static const char g_text[] = "r2 = *(u32 *)(r1 + 0); r3 = *(u32 *)(r1 + 4); r5 = 0; *(u64 *)(r10 - 8) = r5; head: r4 = r2; r4 += r5; r6 = r4; r6 += 1;"
                             "if r6 > r3 goto out; r7 = *(u8 *)(r4 + 0); if r7 > 9 goto big; r8 = 1; goto on; big: r8 = 2; on: r5 += r8; r1 = r7; call sub;"
                             "r2 = 0; r3 = 0; r0 = 0; exit; out: r0 = *(u64 *)(r10 - 8); r0 = 0; exit; sub: r0 = r1; if r1 > 5 goto two; r0 += 1; two: exit";

static pst_status prove(const pst_verify_input *input, pst_verdict **made, pst_verdict **again)
{
    pst_verify_opts opts = {.size = sizeof opts, .certificate = true};
    pst_status status = pst_verify(pst_fake_env(), input, &opts, made);
    if (status != PST_OK) return status;
    if ((*made)->kind != PST_VERDICT_ACCEPT || !(*made)->certificate) return PST_E_NOMEM;
    status = pst_recheck(pst_fake_env(), input, &opts, (*made)->certificate, (*made)->certificate_size, again);
    if (status != PST_OK) return status;
    // Never a refusal that is not one.
    if ((*again)->kind != PST_VERDICT_ACCEPT) pst_test_fail(__FILE__, __LINE__, "%s", (*again)->finding.text);
    return PST_OK;
}

static pst_status scenario(void)
{
    pst_slot *slots = NULL;
    size_t count = 0;
    pst_asm_error why;
    pst_image *image = NULL;
    pst_verdict *made = NULL, *again = NULL;
    pst_status status = pst_assemble(pst_fake_env(), g_text, &slots, &count, &why);
    if (status != PST_OK) return status;
    const pst_prog_type *type = pst_prog_type_by_name("xdp");
    pst_image_input input = {.size = sizeof input, .prog_type = type->number, .gpl_compatible = true, .slots = slots, .count = (uint32_t)count};
    status = pst_image_build(pst_fake_env(), &input, NULL, &image);
    pst_verify_input verify = {.size = sizeof verify, .image = image, .type = type};
    if (status == PST_OK) status = prove(&verify, &made, &again);
    pst_verdict_free(made);
    pst_verdict_free(again);
    pst_image_free(image);
    pst_free(pst_fake_env(), slots, count * sizeof *slots);
    return status;
}

TEST(certifying_and_rechecking_report_failures)
{
    faults_check(scenario, 40);
}
