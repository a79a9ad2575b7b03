// scalar_plant_test.c: the checks of small.h find mistakes. Each is planted in turn, at the place that SCALAR_PLANT marks in the code.
#include "harness.h"

static int g_planted; // 0: none

#define SCALAR_FULL          6
#define SCALAR_HALF          3
#define SCALAR_PLANT(number) (g_planted == (number))
#include "small.h"

static const char *const g_mistakes[] = {
    "none",
    "an interval that wraps is taken for one that does not",
    "a snapped end is one too great",
    "the low half of a range is taken for a range although it wraps",
    "a product may overflow",
    "division by zero is forgotten",
    "the subset test is the wrong way round",
    "a join forgets one end",
    "<= is taken for <",
    "a comparison of low halves bounds the whole",
    "a test of several bits sets them all",
    "!= takes a value away although the other side is not constant",
    "tightening ends too early",
    "widening stops at the value itself",
    "< is decided where both can be equal",
    "the arithmetic shift's known bits are the logical one's",
    "a cut takes one value too many",
};

// Enough rounds for each mistake, and no more than a slow machine can do.
static unsigned run(void)
{
    unsigned bad = check_constructors();
    random_state = 88172645463325252u;
    for (unsigned round = 0; round < 1000 && (bad == 0 || g_planted == 0); round++) bad += check_random();
    return bad;
}

TEST(scalar_plant_nothing_is_found_where_nothing_is_wrong)
{
    g_planted = 0;
    CHECK_EQ(run(), 0);
}

TEST(scalar_plant_each_mistake_is_found)
{
    for (g_planted = 1; g_planted < (int)PST_COUNT(g_mistakes); g_planted++)
        if (run() == 0) pst_test_fail(__FILE__, __LINE__, "mistake %d is not found: %s", g_planted, g_mistakes[g_planted]);
    g_planted = 0;
}
