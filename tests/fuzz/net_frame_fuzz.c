// net_frame_fuzz.c: a virtio header and a frame, both hostile: headers, tags, checksums and segments stay inside what they are given.
//
// Input: 10 bytes of pst_vnet, then the frame. Frames are copied to blocks of exactly their size, so that a sanitizer sees each byte too far.
#include <stdlib.h>
#include <string.h>

#include "ext/net/frame.h"
#include "ext/net/segment.h"

enum { HEADROOM = 4 };

static void must(int truth)
{
    if (!truth) abort();
}

static void *block(size_t size)
{
    void *p = malloc(size ? size : 1);
    if (!p) abort();
    return p;
}

// Joined, the segments hold the payload once, and none is larger than it says.
static void check_segments(const pst_frame *frame)
{
    pst_segments s;
    if (!pst_segments_begin(&s, frame)) return;
    must(s.header_size <= pst_frame_size(frame) && s.header_size + s.payload_size == pst_frame_size(frame));
    uint32_t step = s.count > 64 ? s.count / 64 : 1; // segments of one byte are many
    size_t at = s.header_size;
    for (uint32_t i = 0; i < s.count; i += step) {
        uint32_t size = pst_segment_size(&s, i);
        must(size >= s.header_size && (s.count == 1 || size > s.header_size));
        uint8_t *out = block(size);
        pst_segments_build(&s, i, out);
        at = s.header_size + (size_t)i * s.segment_size;
        must(at + size - s.header_size <= pst_frame_size(frame));
        must(memcmp(out + s.header_size, frame->data + at, size - s.header_size) == 0);
        free(out);
    }
}

static void check_headers(const uint8_t *data, size_t size)
{
    pst_headers h;
    must(size < PST_ETH_HEADER || pst_frame_link_size(data, size) <= size);
    if (pst_frame_headers(data, size, &h)) must(h.network < h.transport && h.transport <= size && (h.ip_version == 4 || h.ip_version == 6));
}

// What is completed lies inside the frame.
static void check_checksum(pst_frame *frame)
{
    pst_vnet before = frame->vnet;
    bool crc = pst_frame_is_partial_sctp(frame);
    if (!pst_frame_finish_checksum(frame)) return;
    must(frame->vnet.flags == 0 || frame->vnet.flags == before.flags);
    if (!(before.flags & PST_VNET_NEEDS_CSUM) || crc) return;
    must((size_t)before.csum_start + before.csum_offset + 2 <= pst_frame_size(frame));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pst_vnet vnet;
    if (size < sizeof vnet || size > PST_LARGE_FRAME_MAX + sizeof vnet) return 0;
    memcpy(&vnet, data, sizeof vnet);
    data += sizeof vnet;
    size -= sizeof vnet;
    uint8_t *buffer = block(size + HEADROOM);
    pst_frame frame = {.hard_start = buffer, .data = buffer + HEADROOM, .end = buffer + HEADROOM + size, .hard_end = buffer + HEADROOM + size,
                       .vnet = vnet};
    memcpy(frame.data, data, size);
    check_headers(frame.data, size);
    check_segments(&frame);
    check_checksum(&frame);
    memcpy(frame.data, data, size); // which wrote into it
    frame.vnet = vnet;
    if (pst_frame_insert_vlan(&frame, 0x8100, 7)) {
        must(pst_frame_size(&frame) == size + 4 && frame.data == buffer);
        must(memcmp(frame.data, data, 12) == 0 && memcmp(frame.data + 16, data + 12, size - 12) == 0);
        check_headers(frame.data, pst_frame_size(&frame));
        check_segments(&frame);
        check_checksum(&frame);
    }
    free(buffer);
    return 0;
}
