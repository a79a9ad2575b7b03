// structs.c: memory that programs reach through a pointer and that is described field by field: sockets and flow keys.
#include "catalog/catalog.h"

const pst_struct_desc pst_struct_sock = {.name = "bpf_sock", .size = 80};
const pst_struct_desc pst_struct_sock_common = {.name = "bpf_sock", .size = 80};
const pst_struct_desc pst_struct_tcp_sock = {.name = "bpf_tcp_sock", .size = 96};
const pst_struct_desc pst_struct_flow_keys = {.name = "bpf_flow_keys", .size = 56};
