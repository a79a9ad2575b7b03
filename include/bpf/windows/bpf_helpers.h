// bpf_helpers.h: for sources written for eBPF for Windows: put this folder into the include path, and they compile unchanged.
//
// It gives what theirs gives: types, maps, helpers, hooks, without another header. Sources written for libbpf include
// <bpf/bpf_helpers.h>, which is the file beside this folder.
#ifndef POSTERN_EBPF_HELPERS_H
#define POSTERN_EBPF_HELPERS_H

#include "ebpf_structs.h"

#include "bpf_helper_defs.h"

#include "../bpf_helpers.h"

// What programs call a map in section "maps", and where they only pass on a pointer to one.
#define bpf_map_def _ebpf_map_definition_in_file
#define bpf_map _ebpf_map_definition_in_file

#include "ebpf_nethooks.h"

// Sources ask by this which platform's field names they may use.
#ifndef _WIN32
#define _WIN32
#endif

#endif
