// version.h: the version of everything in this tree; CMakeLists.txt has the same.
#ifndef PST_BASE_VERSION_H
#define PST_BASE_VERSION_H

#define PST_VERSION "0.1.0"

#endif
