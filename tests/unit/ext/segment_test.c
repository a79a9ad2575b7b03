// segment_test.c: segments put together again are the large frame, and each is a frame that a receiver accepts.
#include "ext/net/segment.h"

#include "base/bits.h"
#include "harness.h"

enum { PAYLOAD = 10000 };

typedef struct large {
    uint8_t bytes[PAYLOAD + 200];
    size_t size;
    pst_frame frame;
} large;

// An IPv4 or IPv6 frame, with a tag or without, of TCP (with 12 bytes of options) or UDP.
static void make_large(large *l, bool tagged, bool ip6, bool tcp, size_t payload, uint16_t segment_size)
{
    uint8_t *p = l->bytes;
    memset(l, 0, sizeof *l);
    size_t link = tagged ? 18 : 14, ip = ip6 ? 40 : 20, transport = tcp ? 32 : 8;
    if (tagged) pst_store_be32(p + 12, 0x81000007);
    pst_store_be16(p + link - 2, ip6 ? 0x86dd : 0x0800);
    uint8_t *n = p + link, *t = n + ip;
    n[0] = ip6 ? 0x60 : 0x45;
    n[ip6 ? 6 : 9] = tcp ? 6 : 17;
    if (!ip6) pst_store_be16(n + 4, 0xfffe); // the identification wraps
    for (size_t i = ip6 ? 8 : 12; i < ip; i++) n[i] = (uint8_t)(i * 3);
    pst_store_be16(t, 1234);
    pst_store_be16(t + 2, 80);
    if (tcp) {
        pst_store_be32(t + 4, 0xfffffff0); // the sequence number wraps
        t[12] = 0x80;
        t[13] = 0x80 | 0x10 | 0x08 | 0x01; // CWR ACK PSH FIN
    }
    l->size = link + ip + transport + payload;
    for (size_t i = 0; i < payload; i++) p[link + ip + transport + i] = (uint8_t)(i * 7 + i / 256);
    l->frame = (pst_frame){.hard_start = p, .data = p, .end = p + l->size, .hard_end = p + sizeof l->bytes};
    l->frame.vnet.gso_size = segment_size;
    l->frame.vnet.gso_type = (uint8_t)(!tcp ? PST_GSO_UDP : ip6 ? PST_GSO_TCP6 : PST_GSO_TCP4);
}

static uint32_t add16(uint32_t sum, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) sum += (uint32_t)bytes[i] << (i % 2 ? 0 : 8);
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

static bool transport_is_right(const uint8_t *frame, size_t size, const pst_headers *h)
{
    const uint8_t *n = frame + h->network;
    uint32_t length = (uint32_t)(size - h->transport);
    uint32_t sum = h->ip_version == 6 ? add16(0, n + 8, 32) : add16(0, n + 12, 8);
    return add16(sum + h->protocol + length, frame + h->transport, length) == 0xffff;
}

static void check_segment(const pst_segments *s, uint32_t i, const uint8_t *out, size_t size)
{
    pst_headers h;
    REQUIRE(pst_frame_headers(out, size, &h));
    const uint8_t *n = out + h.network, *t = out + h.transport;
    CHECK(transport_is_right(out, size, &h));
    if (h.ip_version == 4) {
        CHECK_EQ(add16(0, n, 20), 0xffff);
        CHECK_EQ(pst_load_be16(n + 2), size - h.network);
        CHECK_EQ(pst_load_be16(n + 4), (uint16_t)(0xfffe + i));
    } else {
        CHECK_EQ(pst_load_be16(n + 4), size - h.transport);
    }
    if (h.protocol == 17) {
        CHECK_EQ(pst_load_be16(t + 4), size - h.transport);
        return;
    }
    CHECK_EQ(pst_load_be32(t + 4), 0xfffffff0u + i * s->segment_size);
    bool first = i == 0, last = i + 1 == s->count;
    CHECK_EQ(t[13], 0x10 | (first ? 0x80 : 0) | (last ? 0x09 : 0));
}

static void check_large(bool tagged, bool ip6, bool tcp, size_t payload, uint16_t segment_size)
{
    static large l;
    static uint8_t joined[PAYLOAD];
    size_t at = 0;
    pst_segments s;
    make_large(&l, tagged, ip6, tcp, payload, segment_size);
    REQUIRE(pst_segments_begin(&s, &l.frame));
    CHECK_EQ(s.count, payload ? (payload + segment_size - 1) / segment_size : 1);
    for (uint32_t i = 0; i < s.count; i++) {
        size_t size = pst_segment_size(&s, i);
        uint8_t *out = malloc(size); // exactly: a sanitizer sees a write beyond it
        REQUIRE(out && size >= s.header_size && at + size - s.header_size <= payload);
        pst_segments_build(&s, i, out);
        check_segment(&s, i, out, size);
        memcpy(joined + at, out + s.header_size, size - s.header_size);
        at += size - s.header_size;
        free(out);
    }
    CHECK_EQ(at, payload);
    CHECK(memcmp(joined, l.bytes + s.header_size, payload) == 0);
}

TEST(segments_are_whole_frames_and_join_to_the_large_one)
{
    static const uint16_t sizes[] = {1, 100, 536, 1448, 9999, 10000, 20000};
    static const size_t payloads[] = {0, 1, 535, 536, 537, 2896, PAYLOAD};
    for (int kind = 0; kind < 8; kind++)
        for (size_t i = 0; i < PST_COUNT(sizes); i++)
            for (size_t k = 0; k < PST_COUNT(payloads); k++) {
                if (sizes[i] == 1 && payloads[k] > 537) continue; // much of the same
                check_large(kind & 1, kind & 2, kind & 4, payloads[k], sizes[i]);
            }
}

TEST(what_cannot_be_taken_apart_is_refused)
{
    static large l;
    pst_segments s;
    make_large(&l, false, false, true, 1000, 0);
    CHECK(!pst_segments_begin(&s, &l.frame)); // no segment size
    make_large(&l, false, false, true, 1000, 100);
    l.frame.vnet.gso_type = PST_GSO_TCP6;
    CHECK(!pst_segments_begin(&s, &l.frame));
    l.frame.vnet.gso_type = PST_GSO_UDP;
    CHECK(!pst_segments_begin(&s, &l.frame));
    l.frame.vnet.gso_type = 3; // UFO, which kernels stopped sending
    CHECK(!pst_segments_begin(&s, &l.frame));
    l.frame.vnet.gso_type = PST_GSO_TCP4 | PST_GSO_ECN;
    CHECK(pst_segments_begin(&s, &l.frame));
    l.bytes[34 + 12] = 0x40; // a TCP header of 16 bytes
    CHECK(!pst_segments_begin(&s, &l.frame));
    l.bytes[34 + 12] = 0xf0;
    CHECK(pst_segments_begin(&s, &l.frame));
    for (size_t cut = 0; cut < 94; cut++) {
        l.frame.end = l.frame.data + cut;
        CHECK(!pst_segments_begin(&s, &l.frame));
    }
}
