// scalar_8_4_test.c: the code of scalars at 8 and 4 bits, random combinations of all parts, each checked for every number.
#include "harness.h"

#define SCALAR_FULL 8
#define SCALAR_HALF 4
#include "small.h"

TEST(scalar_8_4_constructors)
{
    CHECK_EQ(check_constructors(), 0);
}

TEST(scalar_8_4_random)
{
    CHECK_EQ(run_random(200, 1.0), 0);
    gaps_print();
}
