// segment.c: see segment.h.
#include "ext/net/segment.h"

#include <string.h>

#include "base/bits.h"

enum { IP_TCP = 6, IP_UDP = 17 };
enum { TCP_FIN = 0x01, TCP_PSH = 0x08, TCP_CWR = 0x80 };

static uint32_t transport_size(const uint8_t *frame, size_t size, const pst_headers *headers)
{
    uint32_t at = headers->transport;
    if (headers->protocol == IP_UDP) return size >= at + 8 ? 8 : 0;
    if (size < at + 20) return 0;
    uint32_t length = (uint32_t)(frame[at + 12] >> 4) * 4;
    return length >= 20 && size >= at + length ? length : 0;
}

static bool type_fits(uint8_t gso_type, const pst_headers *headers)
{
    switch (gso_type & ~PST_GSO_ECN) {
    case PST_GSO_TCP4: return headers->ip_version == 4 && headers->protocol == IP_TCP;
    case PST_GSO_TCP6: return headers->ip_version == 6 && headers->protocol == IP_TCP;
    case PST_GSO_UDP: return headers->protocol == IP_UDP;
    }
    return false;
}

bool pst_segments_begin(pst_segments *segments, const pst_frame *frame)
{
    size_t size = pst_frame_size(frame);
    pst_segments *s = segments;
    s->source = frame->data;
    if (size > PST_LARGE_FRAME_MAX || frame->vnet.gso_size == 0) return false;
    if (!pst_frame_headers(frame->data, size, &s->headers) || !type_fits(frame->vnet.gso_type, &s->headers)) return false;
    uint32_t transport = transport_size(frame->data, size, &s->headers);
    if (transport == 0) return false;
    s->header_size = s->headers.transport + transport;
    s->payload_size = (uint32_t)size - s->header_size;
    s->segment_size = frame->vnet.gso_size;
    s->count = s->payload_size == 0 ? 1 : (s->payload_size + s->segment_size - 1) / s->segment_size;
    return true;
}

uint32_t pst_segment_size(const pst_segments *segments, uint32_t index)
{
    uint32_t left = segments->payload_size - index * segments->segment_size;
    return segments->header_size + (left < segments->segment_size ? left : segments->segment_size);
}

// Lengths, identification and header checksum of the IP header.
static void fix_network(const pst_segments *s, uint32_t index, uint8_t *out, uint32_t size)
{
    uint8_t *ip = out + s->headers.network;
    if (s->headers.ip_version == 6) {
        pst_store_be16(ip + 4, (uint16_t)(size - s->headers.network - 40));
        return;
    }
    pst_store_be16(ip + 2, (uint16_t)(size - s->headers.network));
    pst_store_be16(ip + 4, (uint16_t)(pst_load_be16(ip + 4) + index));
    pst_store16(ip + 10, 0);
    pst_store16(ip + 10, pst_checksum_fold(pst_checksum_add(0, ip, (size_t)(ip[0] & 15) * 4)));
}

static uint16_t transport_checksum(const pst_segments *s, const uint8_t *out, uint32_t size)
{
    const uint8_t *ip = out + s->headers.network;
    uint32_t length = size - s->headers.transport;
    uint8_t tail[4] = {0, s->headers.protocol, (uint8_t)(length >> 8), (uint8_t)length};
    uint64_t sum = s->headers.ip_version == 4 ? pst_checksum_add(0, ip + 12, 8) : pst_checksum_add(0, ip + 8, 32);
    sum = pst_checksum_add(sum, tail, sizeof tail);
    return pst_checksum_fold(pst_checksum_add(sum, out + s->headers.transport, length));
}

void pst_segments_build(const pst_segments *segments, uint32_t index, uint8_t *out)
{
    const pst_segments *s = segments;
    uint32_t size = pst_segment_size(s, index), offset = index * s->segment_size;
    memcpy(out, s->source, s->header_size);
    memcpy(out + s->header_size, s->source + s->header_size + offset, size - s->header_size);
    fix_network(s, index, out, size);
    uint8_t *l4 = out + s->headers.transport;
    if (s->headers.protocol == IP_UDP) {
        pst_store_be16(l4 + 4, (uint16_t)(size - s->headers.transport));
        pst_store16(l4 + 6, 0);
        uint16_t sum = transport_checksum(s, out, size);
        pst_store16(l4 + 6, sum ? sum : 0xffff);
        return;
    }
    pst_store_be32(l4 + 4, pst_load_be32(l4 + 4) + offset);
    if (index + 1 < s->count) l4[13] = (uint8_t)(l4[13] & ~(TCP_FIN | TCP_PSH));
    if (index > 0) l4[13] = (uint8_t)(l4[13] & ~TCP_CWR);
    pst_store16(l4 + 16, 0);
    pst_store16(l4 + 16, transport_checksum(s, out, size));
}
