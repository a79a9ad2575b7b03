// socket_udp.bpf.c: a socket filter that keeps UDP over IPv4 and the first bytes of it.
//
// It reads the packet by the loads of classic BPF (LD_ABS, LD_IND): they check bounds themselves, give host order, and end the
// program with 0 where the packet is too short; 0 keeps nothing.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>

#include <bpf/bpf_helpers.h>

// clang makes the instructions from these names; the offset counts from the Ethernet header.
unsigned long long load_byte(void *skb, unsigned long long offset) __asm__("llvm.bpf.load.byte");
unsigned long long load_half(void *skb, unsigned long long offset) __asm__("llvm.bpf.load.half");

#define AT_PROTOCOL 12 // of Ethernet
#define AT_IP ETH_HLEN
#define UDP_HEADER 8

const volatile __u32 keep_bytes = 64; // of the payload
const volatile __u16 only_port = 0;   // 0: every port

SEC("socket")
int socket_udp(struct __sk_buff *skb)
{
    if (load_half(skb, AT_PROTOCOL) != ETH_P_IP) return 0;
    if (load_byte(skb, AT_IP + 9) != IPPROTO_UDP) return 0;
    if (load_half(skb, AT_IP + 6) & 0x1fff) return 0; // a later fragment has no UDP header
    __u32 udp = AT_IP + (load_byte(skb, AT_IP) & 0x0f) * 4;
    if (only_port && load_half(skb, udp + 2) != only_port) return 0;
    return udp + UDP_HEADER + keep_bytes;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
