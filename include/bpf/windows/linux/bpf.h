// linux/bpf.h: for sources written for both platforms: what they include under this name is in ../ebpf_structs.h.
#include "../ebpf_structs.h"
