// object_fault_test.c: the loader under faults. A failed allocation is never mistaken for a malformed object.
#include "faults.h"
#include "harness.h"
#include "object/object.h"
#include "pal/fake/fake.h"

static uint8_t *g_bytes;
static size_t g_size;

static pst_status open_and_relocate(void)
{
    pst_object *object;
    pst_status status = pst_object_open(pst_fake_env(), g_bytes, g_size, NULL, &object);
    if (status != PST_OK) return status;
    status = pst_object_relocate(object, NULL);
    pst_object_close(object);
    return status;
}

TEST(objects_report_each_failure_and_leak_nothing)
{
    if (pst_pal_file_read(pst_fake_env(), FAULT_OBJECT, 1 << 20, &g_bytes, &g_size) != PST_OK) {
        pst_test_skip("the sample object was not built");
        return;
    }
    faults_check(open_and_relocate, 0);
    pst_free(pst_fake_env(), g_bytes, g_size + 1);
    CHECK_EQ(pst_fake_live_blocks(), 0);
}
