# interp_bench: the interpreters on bench/programs, against native code of the same source.
# Needs clang for eBPF and a build for the machine it runs on.
if(NOT TARGET pst_interp OR CMAKE_CROSSCOMPILING OR NOT PST_CLANG_BPF OR NOT PST_TESTS)
  message(STATUS "interp_bench is left out: it needs src/interp, the tests, clang with the eBPF target, and a native build")
  return()
endif()

set(out ${CMAKE_CURRENT_BINARY_DIR}/programs)
file(MAKE_DIRECTORY ${out})
file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/programs/*.bpf.c)
set(objects "")
set(natives "")
set(rows "")
foreach(source ${sources})
  get_filename_component(name ${source} NAME_WE)
  add_custom_command(OUTPUT ${out}/${name}.bpf.o
    COMMAND ${PST_CLANG_BPF} -target bpf -mcpu=v4 -O2 -DUNBOUNDED -c ${source} -o ${out}/${name}.bpf.o
    DEPENDS ${source} ${CMAKE_CURRENT_SOURCE_DIR}/programs/bench.h VERBATIM)
  # By the same clang, so that the ratio compares ways to run and not compilers.
  add_custom_command(OUTPUT ${out}/${name}.native.o
    COMMAND ${PST_CLANG_BPF} -fPIC -O2 -DUNBOUNDED -Dprog=native_${name} -c ${source} -o ${out}/${name}.native.o
    DEPENDS ${source} ${CMAKE_CURRENT_SOURCE_DIR}/programs/bench.h VERBATIM)
  list(APPEND objects ${out}/${name}.bpf.o)
  list(APPEND natives ${out}/${name}.native.o)
  string(APPEND rows "BENCH(${name})\n")
endforeach()
file(CONFIGURE OUTPUT ${out}/bench_programs.def CONTENT "${rows}")

add_executable(interp_bench interp_bench.c bench_object.c ${natives})
target_include_directories(interp_bench PRIVATE ${out} ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(interp_bench PRIVATE raw_program m)
target_compile_definitions(interp_bench PRIVATE BENCH_PROGRAMS_DIR="${out}")
add_custom_target(bench-objects DEPENDS ${objects})
add_dependencies(interp_bench bench-objects)
