// ebpf_windows.h: names for eBPF for Windows' type definitions, which are in ebpf_structs.h.
#include "ebpf_structs.h"
