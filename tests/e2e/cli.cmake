# The program `postern` as a process, its papers, and a loader written for libbpf, compiled against both libraries' headers.
pst_test(cli_test SOURCES cli_test.c cli_run_test.c cli_verify_test.c cli_report_test.c cli_fixture.c cli_json.c netns.c LABELS e2e TIMEOUT 400)
add_executable(cli_loader cli_loader.c)
target_link_libraries(cli_loader PRIVATE postern_shared)
if(PST_SANITIZE) # the library is instrumented; its runtime must be the program's
  target_link_options(cli_loader PRIVATE -fsanitize=${PST_SANITIZE})
endif()
target_compile_definitions(cli_test PRIVATE PST_POSTERN="$<TARGET_FILE:postern>" PST_LOADER="$<TARGET_FILE:cli_loader>")
add_dependencies(cli_test postern cli_loader)
add_test(NAME cli_docs COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/cli_docs.sh $<TARGET_FILE:postern> ${CMAKE_SOURCE_DIR})
set_tests_properties(cli_docs PROPERTIES TIMEOUT 120 LABELS e2e)
# The same source against the system's libbpf, where it is installed: compiling is the test.
find_path(PST_LIBBPF_INCLUDE bpf/libbpf.h PATHS /usr/include NO_DEFAULT_PATH)
if(PST_LIBBPF_INCLUDE AND NOT CMAKE_CROSSCOMPILING)
  add_executable(cli_loader_libbpf cli_loader.c)
  target_link_libraries(cli_loader_libbpf PRIVATE bpf elf z)
endif()
# The host, and whoever asks it for something.
if(TARGET posternd)
  pst_test(posternd_test SOURCES posternd_test.c cli_fixture.c DEPS remote pal LABELS e2e TIMEOUT 300)
  target_compile_definitions(posternd_test PRIVATE PST_POSTERN="$<TARGET_FILE:postern>" PST_POSTERND="$<TARGET_FILE:posternd>" PST_LOADER="$<TARGET_FILE:cli_loader>")
  add_dependencies(posternd_test postern posternd postern_shim cli_loader)
  if(PST_SANITIZE) # its runtime must be first in a process, and so the shim cannot be
    target_compile_definitions(posternd_test PRIVATE PST_NO_SHIM)
  elseif(TARGET cli_loader_libbpf)
    target_compile_definitions(posternd_test PRIVATE PST_LOADER_LIBBPF="$<TARGET_FILE:cli_loader_libbpf>")
    add_dependencies(posternd_test cli_loader_libbpf)
  endif()
endif()
