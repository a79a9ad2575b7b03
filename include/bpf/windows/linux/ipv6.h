// linux/ipv6.h: for sources written for both platforms: what they include under this name is in ../net/ip.h.
#include "../net/ip.h"
