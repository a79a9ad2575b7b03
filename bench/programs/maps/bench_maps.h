// bench_maps.h: what the programs with maps share. Each is an XDP program that does COUNT operations a run, on keys from a generator.
#ifndef BENCH_MAPS_H
#define BENCH_MAPS_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define COUNT 64
#define ENTRIES 1024

// The next of a sequence of numbers; its upper bits are the best.
#define NEXT(seed) ((seed) = (seed) * 1664525u + 1013904223u)

char _license[] SEC("license") = "GPL";

#endif
