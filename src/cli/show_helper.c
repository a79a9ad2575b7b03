// show_helper.c: a helper's prototype in words.
#include "cli/show.h"

static const char *arg_text(pst_arg_kind kind)
{
    switch (kind) {
    case PST_ARG_NONE: return "";
    case PST_ARG_ANYTHING: return "any";
    case PST_ARG_ANYTHING_OPT: return "any, optional";
    case PST_ARG_CTX: return "ctx";
    case PST_ARG_CTX_OR_NULL: return "ctx or null";
    case PST_ARG_MAP: return "map";
    case PST_ARG_MAP_KEY: return "key";
    case PST_ARG_MAP_VALUE: return "value";
    case PST_ARG_MAP_VALUE_OR_NULL: return "value or null";
    case PST_ARG_MAP_VALUE_OUT: return "out value";
    case PST_ARG_MEM: return "mem";
    case PST_ARG_MEM_OR_NULL: return "mem or null";
    case PST_ARG_MEM_OUT: return "out mem";
    case PST_ARG_MEM_OR_NULL_OUT: return "out mem or null";
    case PST_ARG_MEM_20: return "mem of 20 bytes";
    case PST_ARG_MEM_40: return "mem of 40 bytes";
    case PST_ARG_MEM_INOUT: return "inout mem";
    case PST_ARG_SIZE: return "size";
    case PST_ARG_SIZE_OR_ZERO: return "size or 0";
    case PST_ARG_ALLOC_SIZE: return "constant size";
    case PST_ARG_ALLOCATED: return "allocated";
    case PST_ARG_STRING: return "string";
    case PST_ARG_FUNC: return "function";
    case PST_ARG_STACK_OR_NULL: return "stack or null";
    case PST_ARG_INT_OUT: return "out int";
    case PST_ARG_LONG_OUT: return "out long";
    case PST_ARG_SPIN_LOCK: return "spin lock";
    case PST_ARG_TIMER: return "timer";
    case PST_ARG_KPTR: return "kptr";
    case PST_ARG_DYNPTR: return "dynptr";
    case PST_ARG_DYNPTR_OR_NULL: return "dynptr or null";
    case PST_ARG_DYNPTR_OUT: return "out dynptr";
    case PST_ARG_SOCK: return "socket";
    case PST_ARG_SOCK_OR_NULL: return "socket or null";
    case PST_ARG_BTF_ID: return "typed pointer";
    case PST_ARG_PERCPU_BTF_ID: return "per-CPU pointer";
    case PST_ARG_FULL_SOCK: return "full socket";
    case PST_ARG_BTF_ID_OR_NULL: return "typed pointer or null";
    case PST_ARG_NUMBER: return "number";
    case PST_ARG_CONST: return "constant";
    case PST_ARG_IGNORED: return "ignored";
    case PST_ARG_TYPE_ID: return "type id";
    case PST_ARG_OBJECT: return "object";
    case PST_ARG_PERCPU_OBJECT: return "per-CPU object";
    case PST_ARG_ITER_NEW: return "new iterator";
    case PST_ARG_ITER: return "iterator";
    case PST_ARG_LIST_HEAD: return "list head";
    case PST_ARG_LIST_NODE: return "list node";
    case PST_ARG_RB_ROOT: return "tree root";
    case PST_ARG_RB_NODE: return "tree node";
    case PST_ARG_WORKQUEUE: return "work queue";
    case PST_ARG_IRQ_FLAG_NEW: return "new interrupt flags";
    case PST_ARG_IRQ_FLAG: return "interrupt flags";
    case PST_ARG_RES_SPIN_LOCK: return "resilient spin lock";
    case PST_ARG_MEM_FIXED: return "mem of fixed size";
    case PST_ARG_MEM_OPT: return "mem, optional";
    case PST_ARG_SIZE_CONST: return "constant size of mem";
    case PST_ARG_CONST_STRING: return "constant string";
    case PST_ARG_UNTRUSTED_PTR: return "untrusted pointer";
    }
    return "?";
}

static const char *ret_text(pst_ret_kind kind)
{
    switch (kind) {
    case PST_RET_INTEGER: return "integer";
    case PST_RET_VOID: return "void";
    case PST_RET_MAP_VALUE_OR_NULL: return "value or null";
    case PST_RET_MAP_VALUE: return "value";
    case PST_RET_ALLOC_OR_NULL: return "allocated or null";
    case PST_RET_MEM: return "mem";
    case PST_RET_MEM_OR_NULL: return "mem or null";
    case PST_RET_SOCK_OR_NULL: return "socket or null";
    case PST_RET_BTF_ID: return "typed pointer";
    case PST_RET_BTF_ID_OR_NULL: return "typed pointer or null";
    case PST_RET_DYNPTR_MEM_OR_NULL: return "slice or null";
    case PST_RET_SOCK_COMMON_OR_NULL: return "any socket or null";
    case PST_RET_TCP_SOCK_OR_NULL: return "TCP socket or null";
    case PST_RET_MEM_OR_BTF_ID: return "per-CPU object";
    case PST_RET_OBJECT_OR_NULL: return "object or null";
    case PST_RET_SAME_OBJECT: return "the same object";
    case PST_RET_LIST_NODE_OR_NULL: return "list node or null";
    case PST_RET_RB_NODE_OR_NULL: return "tree node or null";
    case PST_RET_ITER_ELEMENT: return "element or null";
    case PST_RET_KERN_CTX: return "host's context";
    case PST_RET_RDONLY_CAST: return "untrusted typed pointer";
    case PST_RET_MEM_BY_ARG_OR_NULL: return "mem or null";
    }
    return "?";
}

void show_prototype(pst_text *out, const pst_helper_proto *proto)
{
    pst_text_format(out, "%s (", ret_text(proto->ret));
    for (int i = 0; i < PST_ARGS_MAX && proto->args[i] != PST_ARG_NONE; i++) pst_text_format(out, "%s%s", i ? ", " : "", arg_text(proto->args[i]));
    pst_text_add(out, ")");
}
