# jit_bench: compiled programs next to native code of the same source, the interpreters and the running kernel.
# The same programs as interp_bench's, with a bound on their rounds that a proof can use, and those with maps (programs/maps).
if(NOT TARGET interp_bench OR NOT TARGET pst_core)
  message(STATUS "jit_bench is left out: it needs what interp_bench needs, and src/core")
  return()
endif()

set(bounded "")
foreach(source ${sources})
  get_filename_component(name ${source} NAME_WE)
  add_custom_command(OUTPUT ${out}/${name}.bounded.o
    COMMAND ${PST_CLANG_BPF} -target bpf -mcpu=v4 -O2 -c ${source} -o ${out}/${name}.bounded.o
    DEPENDS ${source} ${CMAKE_CURRENT_SOURCE_DIR}/programs/bench.h VERBATIM)
  add_custom_command(OUTPUT ${out}/${name}.bounded_native.o
    COMMAND ${PST_CLANG_BPF} -fPIC -O2 -Dprog=native_${name} -c ${source} -o ${out}/${name}.bounded_native.o
    DEPENDS ${source} ${CMAKE_CURRENT_SOURCE_DIR}/programs/bench.h VERBATIM)
  list(APPEND bounded ${out}/${name}.bounded.o)
  list(APPEND bounded_natives ${out}/${name}.bounded_native.o)
endforeach()

file(GLOB map_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/programs/maps/*.bpf.c)
set(rows "")
foreach(source ${map_sources})
  get_filename_component(name ${source} NAME_WE)
  add_custom_command(OUTPUT ${out}/${name}.maps.o
    COMMAND ${PST_CLANG_BPF} ${PST_BPF_FLAGS} -mcpu=v4 -c ${source} -o ${out}/${name}.maps.o
    DEPENDS ${source} ${CMAKE_CURRENT_SOURCE_DIR}/programs/maps/bench_maps.h VERBATIM)
  list(APPEND bounded ${out}/${name}.maps.o)
  string(APPEND rows "BENCH_MAPS(${name})\n")
endforeach()
file(CONFIGURE OUTPUT ${out}/bench_maps.def CONTENT "${rows}")
add_custom_target(bench-bounded DEPENDS ${bounded})

set(kernel "")
if(CMAKE_SYSTEM_NAME STREQUAL Linux)
  set(kernel bench_kernel_linux.c)
endif()
add_executable(jit_bench jit_bench.c jit_costs.c jit_report.c jit_plot.c bench_host.c ${kernel} bench_object.c ${bounded_natives})
target_include_directories(jit_bench PRIVATE ${out} ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(jit_bench PRIVATE raw_program pst_core pst_object m)
target_compile_definitions(jit_bench PRIVATE BENCH_PROGRAMS_DIR="${out}")
add_dependencies(jit_bench bench-objects bench-bounded)
