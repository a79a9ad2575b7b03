// linux/types.h: for sources written for both platforms: what they include under this name is in ../../uapi/linux/types.h.
#include "../../uapi/linux/types.h"
