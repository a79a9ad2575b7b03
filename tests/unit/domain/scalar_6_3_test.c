// scalar_6_3_test.c: the code of scalars at 6 and 3 bits, random combinations of all parts, each checked for every number.
#include "harness.h"

#define SCALAR_FULL 6
#define SCALAR_HALF 3
#include "small.h"

TEST(scalar_6_3_constructors)
{
    CHECK_EQ(check_constructors(), 0);
}

TEST(scalar_6_3_random)
{
    CHECK_EQ(run_random(200, 1.0), 0);
    gaps_print();
}
