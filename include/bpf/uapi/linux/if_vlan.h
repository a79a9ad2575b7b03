// linux/if_vlan.h: the tag of IEEE 802.1Q behind the Ethernet addresses.
#ifndef _LINUX_IF_VLAN_H
#define _LINUX_IF_VLAN_H

#include <linux/types.h>

struct vlan_hdr {
    __be16 h_vlan_TCI, h_vlan_encapsulated_proto;
};

#endif
