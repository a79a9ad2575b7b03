// segment.h: a frame of segments ("GSO") taken apart into the frames that a wire would carry.
//
// Each segment comes out whole: lengths, IPv4 identification and checksum, TCP sequence and flags, transport checksum. Pure.
// Source: RFC 9293, RFC 768, RFC 8200; flags as Linux's tcp_gso_segment sets them (FIN and PSH on the last, CWR on the first).
#ifndef PST_EXT_NET_SEGMENT_H
#define PST_EXT_NET_SEGMENT_H

#include "ext/net/frame.h"

typedef struct pst_segments {
    const uint8_t *source;
    pst_headers headers;
    uint32_t header_size; // link, network and transport headers
    uint32_t payload_size;
    uint32_t segment_size; // payload of each segment but the last
    uint32_t count;
} pst_segments;

/// False: this is no frame of segments that can be taken apart (its headers are unknown or do not fit its type).
/// The source stays where it is until the last call of pst_segments_build.
PST_MUST_USE bool pst_segments_begin(pst_segments *segments, const pst_frame *frame);
/// Bytes of segment index, index below count.
uint32_t pst_segment_size(const pst_segments *segments, uint32_t index);
/// Writes segment index to out, which has room for pst_segment_size bytes.
void pst_segments_build(const pst_segments *segments, uint32_t index, uint8_t *out);

#endif
