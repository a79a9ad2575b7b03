# Installation: programs, library, headers, pkg-config and CMake package files, man pages, completion.
#
# The package files find everything relative to themselves, so that DESTDIR and --prefix at install time just work.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

foreach(program postern posternd posternsvc)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endforeach()
foreach(library postern_shared postern_static)
  if(TARGET ${library})
    install(TARGETS ${library}
      RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
      LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
      ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  endif()
endforeach()

# <bpf/libbpf.h> is ours only for those who ask for this library: it lies below postern/, which the package files add to the path.
install(DIRECTORY include/postern DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(DIRECTORY include/bpf DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/postern FILES_MATCHING PATTERN "*.h")

set(PST_PRIVATE_LIBS "-lpthread")
find_package(OpenSSL QUIET COMPONENTS Crypto) # src/pal has its own scope
if(OPENSSL_FOUND)
  string(APPEND PST_PRIVATE_LIBS " -lcrypto")
endif()
set(PST_PC_MORE "")
if(WIN32)
  set(PST_PRIVATE_LIBS "-lbcrypt -lsynchronization")
  set(PST_PC_MORE " -I\${includedir}/postern/bpf/uapi") # in place of Linux's headers
endif()
# From the folder of a package file up to the prefix.
file(RELATIVE_PATH PST_PKGCONFIG_UP /p/${CMAKE_INSTALL_LIBDIR}/pkgconfig /p)
file(RELATIVE_PATH PST_CMAKE_UP /p/${CMAKE_INSTALL_LIBDIR}/cmake/Postern /p)
configure_file(cmake/postern.pc.in postern.pc @ONLY)
configure_file(cmake/PosternConfig.cmake.in PosternConfig.cmake @ONLY)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/PosternConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/postern.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${CMAKE_BINARY_DIR}/PosternConfig.cmake ${CMAKE_BINARY_DIR}/PosternConfigVersion.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Postern)

install(FILES man/postern.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
if(TARGET posternd)
  install(FILES man/posternd.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
endif()
if(TARGET postern_shim) # not for linking: `postern shim` finds it beside the program
  install(TARGETS postern_shim LIBRARY DESTINATION lib/postern)
endif()
if(EXISTS ${CMAKE_SOURCE_DIR}/scripts/completion/postern.bash)
  install(FILES scripts/completion/postern.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME postern)
endif()
