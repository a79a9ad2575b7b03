// packet_parse: looks through Ethernet, a VLAN tag, IPv4 and UDP or TCP, with a check before each header.
#define ROUNDS_MASK 255
#include "bench.h"

static __attribute__((always_inline)) u16 be16(const volatile u8 *p) { return (u16)(p[0] << 8 | p[1]); }

static __attribute__((always_inline)) u64 parse(const volatile u8 *data, const volatile u8 *end)
{
    const volatile u8 *p = data + 14;
    if (p > end) return 0;
    u16 type = be16(data + 12);
    if (type == 0x8100) {
        if (p + 4 > end) return 0;
        type = be16(p + 2);
        p += 4;
    }
    if (type != 0x0800 || p + 20 > end) return 1;
    u32 header = (p[0] & 15u) * 4;
    u8 protocol = p[9];
    u32 source = *(const volatile u32 *)(p + 12), target = *(const volatile u32 *)(p + 16);
    if (header < 20 || p + header + 8 > end) return 2;
    p += header;
    u64 ports = (u64)be16(p) << 16 | be16(p + 2);
    if (protocol == 17) return ports ^ source ^ target;
    if (protocol == 6) return ports + source + target;
    return 3;
}

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), result = 0;
    volatile u8 *packet = mem + 8;
    packet[12] = 0x81;
    packet[13] = 0x00;
    packet[16] = 0x08;
    packet[17] = 0x00;
    packet[18] = 0x45;
    for (u64 i = 0; i < rounds; i++) {
        packet[18 + 9] = i % 3 == 0 ? 6 : 17;
        result += parse(packet, packet + 64 + (i & 7));
    }
    return result;
}
