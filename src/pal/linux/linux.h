// linux.h: what the files of this folder share.
#ifndef PST_PAL_LINUX_LINUX_H
#define PST_PAL_LINUX_LINUX_H

#include "base/status.h"

/// The status that says what an errno value means to a caller.
pst_status linux_status(int error);

#endif
