# size_bench: how much machine code the programs of bench/programs become for each machine, next to native code of the same source.
# Nothing is run, so one machine measures them all.
if(NOT TARGET interp_bench)
  message(STATUS "size_bench is left out: it needs what interp_bench needs")
  return()
endif()

# Straight code, as the compiler here makes it: vectors and unrolled loops would compare compilers' taste for speed.
set(small_natives "")
foreach(source ${sources})
  get_filename_component(name ${source} NAME_WE)
  foreach(machine x86_64 aarch64)
    add_custom_command(OUTPUT ${out}/${name}.${machine}.o
      COMMAND ${PST_CLANG_BPF} --target=${machine}-linux-gnu -O2 -fno-vectorize -fno-slp-vectorize -fno-asynchronous-unwind-tables -DUNBOUNDED
              -c ${source} -o ${out}/${name}.${machine}.o
      DEPENDS ${source} ${CMAKE_CURRENT_SOURCE_DIR}/programs/bench.h VERBATIM)
    list(APPEND small_natives ${out}/${name}.${machine}.o)
  endforeach()
endforeach()
add_custom_target(bench-native-objects DEPENDS ${small_natives})
add_executable(size_bench size_bench.c bench_object.c)
target_include_directories(size_bench PRIVATE ${out} ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(size_bench PRIVATE raw_program m)
target_compile_definitions(size_bench PRIVATE BENCH_PROGRAMS_DIR="${out}")
add_dependencies(size_bench bench-objects bench-native-objects)
