/// libbpf_version.h: the version of libbpf whose calls this library follows.
#ifndef POSTERN_LIBBPF_VERSION_H
#define POSTERN_LIBBPF_VERSION_H

#define LIBBPF_MAJOR_VERSION 1
#define LIBBPF_MINOR_VERSION 5

#endif
