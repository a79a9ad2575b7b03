# Installation: programs, library, headers, pkg-config and CMake package files, man page, completion.
