// frame.c: headers, VLAN tags and checksums of one frame. See frame.h.
//
// Sums are taken over host-order loads: one's complement addition commutes with swapping bytes (RFC 1071, section 2B), so the
// folded result is stored as it is.
#include "ext/net/frame.h"

#include <string.h>

#include "base/bits.h"

enum { ETHER_IP4 = 0x0800, ETHER_IP6 = 0x86dd, ETHER_VLAN = 0x8100, ETHER_QINQ = 0x88a8 };
enum { IP_TCP = 6, IP_UDP = 17, IP_SCTP = 132 };
enum { IP6_HOP = 0, IP6_ROUTING = 43, IP6_FRAGMENT = 44, IP6_DEST = 60, IP6_EXTENSIONS_MAX = 8 };
enum { SCTP_CHECKSUM_OFFSET = 8 };

size_t pst_frame_link_size(const uint8_t *data, size_t size)
{
    size_t at = PST_ETH_HEADER;
    for (int tags = 0; tags < 2 && size >= at + PST_VLAN_HEADER; tags++) {
        uint16_t type = pst_load_be16(data + at - 2);
        if (type != ETHER_VLAN && type != ETHER_QINQ) break;
        at += PST_VLAN_HEADER;
    }
    return at;
}

static bool headers_ip4(const uint8_t *data, size_t size, pst_headers *out)
{
    size_t at = out->network;
    if (size < at + 20 || data[at] >> 4 != 4) return false;
    size_t length = (size_t)(data[at] & 15) * 4;
    if (length < 20 || size < at + length) return false;
    if (pst_load_be16(data + at + 6) & 0x1fff) return false; // a later fragment has no transport header
    out->ip_version = 4;
    out->protocol = data[at + 9];
    out->transport = (uint16_t)(at + length);
    return true;
}

static bool headers_ip6(const uint8_t *data, size_t size, pst_headers *out)
{
    size_t at = out->network;
    if (size < at + 40 || data[at] >> 4 != 6) return false;
    uint8_t next = data[at + 6];
    at += 40;
    for (int i = 0; i < IP6_EXTENSIONS_MAX; i++) {
        if (next != IP6_HOP && next != IP6_ROUTING && next != IP6_DEST && next != IP6_FRAGMENT) break;
        if (size < at + 8) return false;
        if (next == IP6_FRAGMENT && (pst_load_be16(data + at + 2) & 0xfff8)) return false;
        size_t length = next == IP6_FRAGMENT ? 8 : ((size_t)data[at + 1] + 1) * 8;
        next = data[at];
        if (size < at + length) return false;
        at += length;
    }
    if (at > UINT16_MAX) return false;
    out->ip_version = 6;
    out->protocol = next;
    out->transport = (uint16_t)at;
    return true;
}

bool pst_frame_headers(const uint8_t *data, size_t size, pst_headers *out)
{
    if (size < PST_ETH_HEADER) return false;
    size_t link = pst_frame_link_size(data, size);
    uint16_t type = pst_load_be16(data + link - 2);
    memset(out, 0, sizeof *out);
    out->network = (uint16_t)link;
    if (type == ETHER_IP4) return headers_ip4(data, size, out);
    if (type == ETHER_IP6) return headers_ip6(data, size, out);
    return false;
}

bool pst_frame_insert_vlan(pst_frame *frame, uint16_t tpid, uint16_t tci)
{
    if (pst_frame_size(frame) < PST_ETH_HEADER) return false;
    if ((size_t)(frame->data - frame->hard_start) < PST_VLAN_HEADER) return false;
    memmove(frame->data - PST_VLAN_HEADER, frame->data, 12);
    frame->data -= PST_VLAN_HEADER;
    pst_store_be16(frame->data + 12, tpid);
    pst_store_be16(frame->data + 14, tci);
    if (frame->vnet.flags & PST_VNET_NEEDS_CSUM) frame->vnet.csum_start = (uint16_t)(frame->vnet.csum_start + PST_VLAN_HEADER);
    if (pst_frame_is_large(frame)) frame->vnet.hdr_len = (uint16_t)(frame->vnet.hdr_len + PST_VLAN_HEADER);
    return true;
}

uint64_t pst_checksum_add(uint64_t sum, const uint8_t *bytes, size_t size)
{
    uint64_t a = 0, b = 0; // two chains of 32-bit words: neither overflows below 16 GB
    for (; size >= 16; size -= 16, bytes += 16) {
        uint64_t x = pst_load64(bytes), y = pst_load64(bytes + 8);
        a += (x & UINT32_MAX) + (x >> 32);
        b += (y & UINT32_MAX) + (y >> 32);
    }
    for (; size >= 2; size -= 2, bytes += 2) a += pst_load16(bytes);
    if (size) a += bytes[0];
    // Folded to 32 bits so that a caller may add many pieces.
    a = (a & UINT32_MAX) + (a >> 32);
    b = (b & UINT32_MAX) + (b >> 32);
    return sum + a + b;
}

uint16_t pst_checksum_fold(uint64_t sum)
{
    sum = (sum & UINT32_MAX) + (sum >> 32);
    sum = (sum & UINT32_MAX) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

uint32_t pst_crc32c(const uint8_t *bytes, size_t size)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (0x82f63b78u & (0u - (crc & 1)));
    }
    return ~crc;
}

bool pst_frame_is_partial_sctp(const pst_frame *frame)
{
    pst_headers headers;
    if (!(frame->vnet.flags & PST_VNET_NEEDS_CSUM) || frame->vnet.csum_offset != SCTP_CHECKSUM_OFFSET) return false;
    return pst_frame_headers(frame->data, pst_frame_size(frame), &headers) && headers.protocol == IP_SCTP;
}

bool pst_frame_finish_checksum(pst_frame *frame)
{
    if (!(frame->vnet.flags & PST_VNET_NEEDS_CSUM)) return true;
    size_t size = pst_frame_size(frame), start = frame->vnet.csum_start, at = start + frame->vnet.csum_offset;
    bool sctp = pst_frame_is_partial_sctp(frame);
    if (start >= size || at + (sctp ? 4 : 2) > size) return false;
    uint8_t *field = frame->data + at;
    if (sctp) {
        pst_store32(field, 0);
        pst_store32(field, pst_crc32c(frame->data + start, size - start));
    } else {
        // The field holds the sum of the pseudo-header, so it is summed along with the rest.
        uint16_t sum = pst_checksum_fold(pst_checksum_add(0, frame->data + start, size - start));
        // 0 means "no checksum" in UDP; both spellings of zero are equal to TCP.
        pst_store16(field, sum ? sum : 0xffff);
    }
    frame->vnet.flags = 0;
    frame->vnet.csum_start = 0;
    frame->vnet.csum_offset = 0;
    return true;
}
