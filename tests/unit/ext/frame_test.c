// frame_test.c: headers, tags and checksums, against independent computations and hostile bytes.
#include "ext/net/frame.h"

#include "base/bits.h"
#include "harness.h"

// The checksum as RFC 1071 defines it, byte by byte.
static uint16_t slow_checksum(const uint8_t *bytes, size_t size)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < size; i++) sum += (uint32_t)bytes[i] << (i % 2 ? 0 : 8);
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static uint32_t g_seed = 1;
static uint8_t chance(void)
{
    g_seed = g_seed * 1664525u + 1013904223u;
    return (uint8_t)(g_seed >> 24);
}

static pst_frame frame_in(uint8_t *buffer, size_t capacity, size_t headroom, size_t size)
{
    pst_frame frame = {.hard_start = buffer, .data = buffer + headroom, .end = buffer + headroom + size, .hard_end = buffer + capacity,
                       .wire_frames = 1};
    return frame;
}

TEST(checksum_is_rfc_1071s_at_every_size_and_alignment)
{
    uint8_t bytes[300];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(chance() | 0x80);
    for (size_t start = 0; start < 9; start++) {
        for (size_t size = 0; start + size <= sizeof bytes; size++) {
            uint8_t stored[2];
            pst_store16(stored, pst_checksum_fold(pst_checksum_add(0, bytes + start, size)));
            CHECK_EQ(pst_load_be16(stored), slow_checksum(bytes + start, size));
        }
    }
}

TEST(checksum_of_a_full_frame_of_ones_does_not_overflow)
{
    static uint8_t bytes[PST_LARGE_FRAME_MAX];
    memset(bytes, 0xff, sizeof bytes);
    CHECK_EQ(pst_checksum_fold(pst_checksum_add(pst_checksum_add(0, bytes, sizeof bytes), bytes, sizeof bytes)), 0);
}

TEST(crc32c_gives_the_check_value_of_rfc_3720)
{
    CHECK_EQ(pst_crc32c((const uint8_t *)"123456789", 9), 0xe3069283);
}

TEST(link_header_grows_with_up_to_two_tags)
{
    uint8_t frame[40] = {0};
    pst_store_be16(frame + 12, 0x0800);
    CHECK_EQ(pst_frame_link_size(frame, sizeof frame), 14);
    pst_store_be16(frame + 12, 0x88a8);
    pst_store_be16(frame + 16, 0x8100);
    pst_store_be16(frame + 20, 0x8100);
    CHECK_EQ(pst_frame_link_size(frame, sizeof frame), 22); // the third is payload
    CHECK_EQ(pst_frame_link_size(frame, 17), 14);           // a tag that is cut off is none
}

TEST(headers_are_found_behind_tags_and_extensions)
{
    uint8_t frame[128] = {0};
    pst_headers h;
    pst_store_be16(frame + 12, 0x8100);
    pst_store_be16(frame + 16, 0x86dd);
    frame[18] = 0x60;
    frame[18 + 6] = 0;      // hop-by-hop
    frame[58] = 43;         // then routing
    frame[58 + 1] = 1;      // 16 bytes
    frame[74] = 6;          // then TCP
    REQUIRE(pst_frame_headers(frame, sizeof frame, &h));
    CHECK_EQ(h.network, 18);
    CHECK_EQ(h.transport, 82);
    CHECK_EQ(h.ip_version, 6);
    CHECK_EQ(h.protocol, 6);
    for (size_t cut = 0; cut < 82; cut++) CHECK(!pst_frame_headers(frame, cut, &h));
}

TEST(later_fragments_and_other_protocols_have_no_transport_header)
{
    uint8_t frame[64] = {0};
    pst_headers h;
    pst_store_be16(frame + 12, 0x0800);
    frame[14] = 0x45;
    frame[23] = 17;
    CHECK(pst_frame_headers(frame, sizeof frame, &h));
    pst_store_be16(frame + 20, 0x2000); // more fragments follow: this is the first one
    CHECK(pst_frame_headers(frame, sizeof frame, &h));
    pst_store_be16(frame + 20, 0x0001);
    CHECK(!pst_frame_headers(frame, sizeof frame, &h));
    pst_store_be16(frame + 20, 0);
    frame[14] = 0x44; // a header of 16 bytes
    CHECK(!pst_frame_headers(frame, sizeof frame, &h));
    pst_store_be16(frame + 12, 0x0806);
    CHECK(!pst_frame_headers(frame, sizeof frame, &h));
}

TEST(headers_survive_any_bytes)
{
    uint8_t frame[96];
    for (int i = 0; i < 200000; i++) {
        size_t size = chance() % sizeof frame;
        for (size_t k = 0; k < size; k++) frame[k] = chance();
        if (size > 14) pst_store_be16(frame + 12, i % 2 ? 0x0800 : 0x86dd);
        if (size > 14) frame[14] = (uint8_t)((i % 2 ? 0x40 : 0x60) | (frame[14] & 15));
        pst_headers h;
        uint8_t *copy = malloc(size ? size : 1); // so that a sanitizer sees a read beyond it
        REQUIRE(copy);
        memcpy(copy, frame, size);
        if (pst_frame_headers(copy, size, &h)) CHECK(h.transport <= size && h.network < h.transport);
        free(copy);
    }
}

TEST(a_tag_goes_behind_the_addresses)
{
    uint8_t buffer[64];
    for (size_t i = 0; i < sizeof buffer; i++) buffer[i] = (uint8_t)i;
    pst_frame frame = frame_in(buffer, sizeof buffer, 4, 60);
    frame.vnet = (pst_vnet){.flags = PST_VNET_NEEDS_CSUM, .csum_start = 34, .csum_offset = 6};
    REQUIRE(pst_frame_insert_vlan(&frame, 0x88a8, 0x2123));
    CHECK_EQ(pst_frame_size(&frame), 64);
    for (size_t i = 0; i < 12; i++) CHECK_EQ(frame.data[i], i + 4);
    CHECK_EQ(pst_load_be32(frame.data + 12), 0x88a82123);
    for (size_t i = 16; i < 64; i++) CHECK_EQ(frame.data[i], i);
    CHECK_EQ(frame.vnet.csum_start, 38);
    CHECK(!pst_frame_insert_vlan(&frame, 0x8100, 1)); // no room in front any more
    pst_frame tiny = frame_in(buffer, sizeof buffer, 8, 13);
    CHECK(!pst_frame_insert_vlan(&tiny, 0x8100, 1));
}

// A UDP datagram whose checksum field holds the sum of the pseudo-header, as a kernel leaves it for hardware.
static size_t partial_udp(uint8_t *out, size_t payload)
{
    size_t length = 8 + payload;
    memset(out, 0, 14);
    pst_store_be16(out + 12, 0x0800);
    uint8_t ip[20] = {0x45, 0, (uint8_t)((length + 20) >> 8), (uint8_t)(length + 20), 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2};
    memcpy(out + 14, ip, 20);
    uint8_t pseudo[12] = {10, 0, 0, 1, 10, 0, 0, 2, 0, 17, (uint8_t)(length >> 8), (uint8_t)length};
    uint8_t *udp = out + 34;
    pst_store_be16(udp, 1000);
    pst_store_be16(udp + 2, 2000);
    pst_store_be16(udp + 4, (uint16_t)length);
    pst_store_be16(udp + 6, (uint16_t)~slow_checksum(pseudo, 12));
    for (size_t i = 0; i < payload; i++) udp[8 + i] = chance();
    return 34 + length;
}

TEST(a_partial_checksum_is_completed)
{
    uint8_t buffer[600];
    for (size_t payload = 0; payload < 500; payload++) {
        size_t size = partial_udp(buffer, payload);
        pst_frame frame = frame_in(buffer, sizeof buffer, 0, size);
        frame.vnet = (pst_vnet){.flags = PST_VNET_NEEDS_CSUM, .csum_start = 34, .csum_offset = 6};
        REQUIRE(pst_frame_finish_checksum(&frame));
        uint8_t whole[600] = {10, 0, 0, 1, 10, 0, 0, 2, 0, 17, (uint8_t)((size - 34) >> 8), (uint8_t)(size - 34)};
        memcpy(whole + 12, buffer + 34, size - 34);
        CHECK_EQ(slow_checksum(whole, 12 + size - 34), 0); // what a receiver computes
        CHECK(pst_load_be16(buffer + 40) != 0);            // which would mean "none"
        CHECK_EQ(frame.vnet.flags, 0);
    }
}

TEST(sctp_gets_its_crc)
{
    uint8_t buffer[100] = {0};
    pst_store_be16(buffer + 12, 0x0800);
    buffer[14] = 0x45;
    buffer[23] = 132;
    for (size_t i = 34; i < 78; i++) buffer[i] = (uint8_t)i;
    uint8_t chunk[44];
    memcpy(chunk, buffer + 34, 44);
    memset(chunk + 8, 0, 4);
    pst_frame frame = frame_in(buffer, sizeof buffer, 0, 78);
    frame.vnet = (pst_vnet){.flags = PST_VNET_NEEDS_CSUM, .csum_start = 34, .csum_offset = 8};
    CHECK(pst_frame_is_partial_sctp(&frame));
    REQUIRE(pst_frame_finish_checksum(&frame));
    CHECK_EQ(pst_load32(buffer + 42), pst_crc32c(chunk, 44));
}

TEST(a_checksum_outside_the_frame_is_refused)
{
    uint8_t buffer[64] = {0};
    static const uint16_t bad[][2] = {{64, 0}, {63, 0}, {60, 3}, {0, 63}, {65535, 65535}, {34, 65535}};
    for (size_t i = 0; i < PST_COUNT(bad); i++) {
        pst_frame frame = frame_in(buffer, sizeof buffer, 0, 64);
        frame.vnet = (pst_vnet){.flags = PST_VNET_NEEDS_CSUM, .csum_start = bad[i][0], .csum_offset = bad[i][1]};
        CHECK(!pst_frame_finish_checksum(&frame));
        for (size_t k = 0; k < sizeof buffer; k++) CHECK_EQ(buffer[k], 0);
    }
}
