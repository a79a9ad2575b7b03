# The newest clang on PATH, for libFuzzer.
find_program(PST_CLANG NAMES clang-21 clang-20 clang-19 clang-18 clang-17 clang-16 clang REQUIRED)
set(CMAKE_C_COMPILER ${PST_CLANG})
