// object_data.h: what the test objects of this folder share.
//
// The .o files were built by ./build with clang 19, which is not part of the tests: they also run on hosts without clang.
#ifndef PST_TESTS_OBJECT_DATA_H
#define PST_TESTS_OBJECT_DATA_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;

#endif
