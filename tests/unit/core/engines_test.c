// engines_test.c: the same program in each engine.
#include "core_fixture.h"

#include "core/engines.h"

TEST(a_program_is_the_same_in_every_engine)
{
    for (int engine = 0; engine < PST_ENGINE_COUNT; engine++) {
        core_fixture f;
        uint32_t retval = 0;
        fixture_open(&f);
        int64_t map = map_create(&f, PST_MAP_ARRAY, 4, 8, 1, 0);
        int64_t fd = prog_load_text(&f, PST_PROG_SAMPLE, "r1 = 6\nr1 *= 7\nr0 = r1\nexit");
        CHECK(*pst_engine_name((pst_engine)engine));
        CHECK_EQ(pst_core_use_engine(f.client, (int)fd, (pst_engine)engine, NULL), PST_OK);
        CHECK_EQ(prog_run_sample(&f, fd, &retval), 0);
        CHECK_EQ(retval, 42);
        CHECK_EQ(pst_core_use_engine(f.client, (int)map, (pst_engine)engine, NULL), PST_E_INVALID);
        CHECK_EQ(pst_core_use_engine(f.client, 12345, (pst_engine)engine, NULL), PST_E_INVALID);
        fixture_close(&f);
    }
    CHECK_STR(pst_engine_name(PST_ENGINE_COUNT), "");
}
