// linux/tcp.h: for sources written for both platforms: what they include under this name is in ../net/tcp.h.
#include "../net/tcp.h"
