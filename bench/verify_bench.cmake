# verify_bench: the verifier next to the running kernel's, on eBPF objects; without others, those of samples/.
if(NOT TARGET pst_cli OR CMAKE_CROSSCOMPILING OR NOT CMAKE_SYSTEM_NAME STREQUAL Linux)
  message(STATUS "verify_bench is left out: it needs src/cli and a native build on Linux")
  return()
endif()
add_executable(verify_bench verify_bench.c verify_kernel_linux.c)
target_link_libraries(verify_bench PRIVATE pst_options pst_cli m)
target_compile_definitions(verify_bench PRIVATE VERIFY_BENCH_SAMPLES="${PST_BPF_OBJECT_DIR}")
