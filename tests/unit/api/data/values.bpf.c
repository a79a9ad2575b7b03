// values.bpf.c: a variable of each kind that `postern` reads as text. Compiled like api.bpf.c.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

enum colour { RED = 1, GREEN = 2, BLUE = 40 };

struct wrapped {
    __u32 number;
};

struct pair {
    __u16 a, b;
};

enum colour colour;
__u8 mac[6];
__u8 address[4];
char name[8];
__u32 numbers[3];
struct wrapped wrapped;
struct pair pair;
__s16 small;
_Bool flag;

SEC("xdp") int sum(struct xdp_md *ctx)
{
    return (int)(colour + mac[0] + mac[5] + address[0] + address[3] + name[0] + name[7] + numbers[0] + numbers[2] +
                 wrapped.number + pair.a + pair.b + small + flag);
}

char _license[] SEC("license") = "GPL";
