// linux/udp.h: for sources written for both platforms: what they include under this name is in ../net/udp.h.
#include "../net/udp.h"
