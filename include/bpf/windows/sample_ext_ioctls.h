// sample_ext_ioctls.h: included by sources for eBPF for Windows' sample extension; programs use nothing of it.
