# net_bench: the inline bridge of src/ext/net next to the kernel's own.
if(NOT TARGET pst_ext OR CMAKE_CROSSCOMPILING)
  message(STATUS "net_bench is left out: it needs src/ext and a native build")
  return()
endif()
add_executable(net_bench net_bench.c ${CMAKE_SOURCE_DIR}/tests/e2e/netns.c)
target_include_directories(net_bench PRIVATE ${CMAKE_SOURCE_DIR}/tests)
target_link_libraries(net_bench PRIVATE pst_options pst_ext pst_core pst_isa pst_pal)
