// ebpf_ntos_hooks.h: contexts of the process and netevent hooks, with the names of eBPF for Windows' extensions.
#ifndef POSTERN_EBPF_NTOS_HOOKS_H
#define POSTERN_EBPF_NTOS_HOOKS_H

#include "ebpf_structs.h"

typedef enum _process_operation {
    PROCESS_OPERATION_CREATE,
    PROCESS_OPERATION_DELETE,
} process_operation_t;

typedef struct _process_md {
    uint8_t *command_start, *command_end; // the command line
    uint64_t process_id, parent_process_id, creating_process_id, creating_thread_id;
    uint64_t creation_time, exit_time; // exit: of a deletion only
    uint32_t process_exit_code;
    uint8_t operation; // process_operation_t
} process_md_t;

typedef int process_hook_t(process_md_t *context); // 0 permits the creation

typedef struct _netevent_event_md {
    uint8_t *event_data_start, *event_data_end;
} netevent_event_md_t;

typedef int netevent_event_hook_t(netevent_event_md_t *context);

#endif
