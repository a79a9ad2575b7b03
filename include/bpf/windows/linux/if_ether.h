// linux/if_ether.h: for sources written for both platforms: what they include under this name is in ../net/if_ether.h.
#include "../net/if_ether.h"
