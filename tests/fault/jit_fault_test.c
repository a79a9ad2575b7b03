// jit_fault_test.c: compiling with each allocation and platform call failing once: it is reported, and nothing stays behind.
#include "faults.h"
#include "harness.h"
#include "isa/isa.h"
#include "jit/native/module.h"
#include "pal/fake/fake.h"

// Subprograms, a division with a cold path, a loop, more branches than fit the first tables.
static const char g_text[] = "r6 = 5; r7 = 3; loop: r6 /= r7; may_goto out; r7 += -1; if r7 != 0 goto loop; out: call sub; exit;"
                             "sub: *(u64 *)(r10 - 8) = 1; r0 = *(u64 *)(r10 - 8); exit";

static bool g_by_blob;

static pst_status compile(const pst_image *image)
{
    const pst_bindings bindings = {0};
    const pst_jit_opts opts = {.size = sizeof opts, .by_blob = g_by_blob};
    pst_exec *exec = NULL;
    pst_status status = pst_jit_create(pst_fake_env(), image, &bindings, NULL, &opts, &exec);
    if (status != PST_OK) return status;
    pst_run run = {0};
    uint64_t r0 = pst_exec_run(exec, &run);
    exec->free(exec);
    return r0 == 1 && run.trap.code == PST_TRAP_NONE ? PST_OK : PST_E_INVALID;
}

static pst_status scenario(void)
{
    pst_slot *slots = NULL;
    size_t count = 0;
    pst_asm_error why;
    pst_image *image = NULL;
    pst_status status = pst_assemble(pst_fake_env(), g_text, &slots, &count, &why);
    if (status != PST_OK) return status;
    pst_image_input input = {.size = sizeof input, .slots = slots, .count = (uint32_t)count};
    status = pst_image_build(pst_fake_env(), &input, NULL, &image);
    if (status == PST_OK) status = compile(image);
    pst_image_free(image);
    pst_free(pst_fake_env(), slots, count * sizeof *slots);
    return status;
}

TEST(compiling_reports_every_failure)
{
    if (!pst_jit_supported()) {
        pst_test_skip("there is no compiler for this machine");
        return;
    }
    g_by_blob = false;
    faults_check(scenario, 0);
}

TEST(compiling_to_a_blob_and_binding_it_reports_every_failure)
{
    if (!pst_jit_supported() || !pst_jit_target_supported(pst_jit_target_of_host())) {
        pst_test_skip("code for this machine cannot be compiled to blobs");
        return;
    }
    g_by_blob = true;
    faults_check(scenario, 0);
}

// --- Native modules -------------------------------------------------------------------------------------------

static pst_status write_and_read(pst_native *native, const pst_image *image, const pst_slot *slots, pst_text *file)
{
    const pst_bindings bindings = {0};
    pst_native *read = NULL;
    pst_native_prog prog = {.name = "program", .section = "raw", .slots = slots};
    PST_TRY(pst_native_reserve(native, 0, 1));
    PST_TRY(pst_pal_sha256(slots, image->count * sizeof *slots, prog.bytecode_hash));
    PST_TRY(pst_jit_compile(pst_fake_env(), image, &bindings, NULL, NULL, PST_JIT_TARGET_X64_LINUX, &prog.blob));
    native->target = PST_JIT_TARGET_X64_LINUX;
    native->progs[native->prog_count++] = prog;
    PST_TRY(pst_native_write(pst_fake_env(), native, PST_NATIVE_ELF, file));
    PST_TRY(pst_native_read(pst_fake_env(), file->data, file->size, &read));
    bool same = read->prog_count == 1 && read->progs[0].blob->code_bytes == prog.blob->code_bytes;
    pst_native_free(read);
    return same ? PST_OK : PST_E_INVALID;
}

static pst_status module_scenario(void)
{
    pst_slot *slots = NULL;
    size_t count = 0;
    pst_asm_error why;
    pst_image *image = NULL;
    pst_text file;
    pst_status status = pst_assemble(pst_fake_env(), g_text, &slots, &count, &why);
    if (status != PST_OK) return status;
    pst_native *native = pst_native_create(pst_fake_env());
    pst_text_init(&file, pst_fake_env());
    pst_image_input input = {.size = sizeof input, .slots = slots, .count = (uint32_t)count};
    status = native ? pst_image_build(pst_fake_env(), &input, NULL, &image) : PST_E_NOMEM;
    if (status == PST_OK) status = write_and_read(native, image, slots, &file);
    pst_text_free(&file);
    pst_native_free(native);
    pst_image_free(image);
    pst_free(pst_fake_env(), slots, count * sizeof *slots);
    return status;
}

TEST(writing_and_reading_a_module_reports_every_failure)
{
    if (!pst_jit_target_supported(PST_JIT_TARGET_X64_LINUX)) {
        pst_test_skip("this build has no crypto library");
        return;
    }
    faults_check(module_scenario, 0);
}
