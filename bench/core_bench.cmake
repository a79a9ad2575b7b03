# core_bench: maps, ring buffers, epochs and the way from a hook to a program, in nanoseconds.
if(NOT TARGET pst_core OR CMAKE_CROSSCOMPILING)
  message(STATUS "core_bench is left out: it needs src/core and a native build")
  return()
endif()
add_executable(core_bench core_bench.c)
target_link_libraries(core_bench PRIVATE pst_options pst_core pst_isa pst_pal)
