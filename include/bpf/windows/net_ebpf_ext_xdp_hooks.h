// net_ebpf_ext_xdp_hooks.h: another name under which sources include xdp_hooks.h.
#include "xdp_hooks.h"
