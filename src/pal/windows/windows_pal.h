// windows_pal.h: what the files of this folder share.
#ifndef PST_PAL_WINDOWS_WINDOWS_PAL_H
#define PST_PAL_WINDOWS_WINDOWS_PAL_H

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include "base/env.h"

/// The status that says what a GetLastError() value means to a caller.
pst_status windows_status(DWORD error);

#endif
