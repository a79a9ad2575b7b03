// asm/types.h: the integer types are in linux/types.h.
#include <linux/types.h>
