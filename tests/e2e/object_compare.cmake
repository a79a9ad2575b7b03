# The loader against libbpf, instruction by instruction, on our samples and test programs. Needs libbpf-dev, clang and root.
find_path(PST_LIBBPF_INCLUDE bpf/libbpf.h PATHS /usr/include NO_DEFAULT_PATH)
find_library(PST_LIBBPF bpf)
mark_as_advanced(PST_LIBBPF_INCLUDE PST_LIBBPF)
if(NOT PST_LIBBPF_INCLUDE OR NOT PST_LIBBPF)
  message(STATUS "object_vs_libbpf is left out: no libbpf-dev")
  return()
endif()

# Without pst_options: our include folder has headers of libbpf's names.
add_library(object_libbpf_side OBJECT object_libbpf_side.c)
target_compile_options(object_libbpf_side PRIVATE -Wall -Wextra)
target_compile_definitions(object_libbpf_side PRIVATE _GNU_SOURCE)
add_executable(object_vs_libbpf object_vs_libbpf.c $<TARGET_OBJECTS:object_libbpf_side>)
target_link_libraries(object_vs_libbpf PRIVATE pst_options ${PST_LIBBPF})
pst_link(object_vs_libbpf PRIVATE object catalog isa pal base)

file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/samples/*.bpf.c ${CMAKE_CURRENT_SOURCE_DIR}/objects/*.bpf.c
     ${CMAKE_SOURCE_DIR}/tests/unit/object/data/*.bpf.c)
add_test(NAME object_compare COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/object_compare $<TARGET_FILE:object_vs_libbpf> "${PST_CLANG_BPF}"
         ${CMAKE_CURRENT_BINARY_DIR}/object_compare.d ${CMAKE_SOURCE_DIR}/include ${sources})
set_tests_properties(object_compare PROPERTIES TIMEOUT 300 LABELS e2e SKIP_RETURN_CODE 77)
