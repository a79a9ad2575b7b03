// frame.h: one Ethernet frame on its way through a bridge, and what the virtio network header says about it.
//
// Kernels hand over frames that are not yet what goes on the wire: the VLAN tag is kept apart, the checksum is only begun
// ("partial"), and one frame may stand for up to 64 KB of segments. What is here turns them into whole ones, so that programs see what
// a wire would carry. Pure: no memory, no system. Every length is checked against the frame, for its bytes are a stranger's.
#ifndef PST_EXT_NET_FRAME_H
#define PST_EXT_NET_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

#define PST_ETH_HEADER 14u
#define PST_VLAN_HEADER 4u
#define PST_LARGE_FRAME_MAX (65536u + 256u) // a frame of segments, its link header included

enum { PST_VNET_NEEDS_CSUM = 1 };
enum { PST_GSO_NONE = 0, PST_GSO_TCP4 = 1, PST_GSO_TCP6 = 4, PST_GSO_UDP = 5, PST_GSO_ECN = 0x80 };

/// struct virtio_net_hdr of Linux's uapi, in the host's byte order.
typedef struct pst_vnet {
    uint8_t flags;        // PST_VNET_*
    uint8_t gso_type;     // PST_GSO_*
    uint16_t hdr_len;     // a hint only: what the kernel had in one piece
    uint16_t gso_size;    // payload bytes of one segment
    uint16_t csum_start;  // the sum begins here, counted from the frame's first byte
    uint16_t csum_offset; // and is stored here, counted from csum_start
} pst_vnet;
PST_STATIC_ASSERT(sizeof(pst_vnet) == 10, "virtio_net_hdr has 10 bytes");

/// A frame [data, end) in a buffer [hard_start, hard_end) of its own.
typedef struct pst_frame {
    uint8_t *data, *end;
    uint8_t *hard_start, *hard_end;
    pst_vnet vnet;
    uint32_t wire_frames; // how many frames a wire would carry: 1, or the number of segments
} pst_frame;

PST_INLINE size_t pst_frame_size(const pst_frame *frame) { return (size_t)(frame->end - frame->data); }
PST_INLINE bool pst_frame_is_large(const pst_frame *frame) { return frame->vnet.gso_type != PST_GSO_NONE; }

/// Where the headers of a frame begin; offsets from its first byte.
typedef struct pst_headers {
    uint16_t network;   // IP header
    uint16_t transport; // TCP, UDP, SCTP header
    uint8_t ip_version; // 4 or 6
    uint8_t protocol;   // IP protocol number
} pst_headers;

/// Link header size: 14, and 4 for each VLAN tag (two at most).
size_t pst_frame_link_size(const uint8_t *data, size_t size);
/// Finds the IP and transport headers behind VLAN tags and IPv6 extension headers. False: not IP, cut short, or a later fragment.
PST_MUST_USE bool pst_frame_headers(const uint8_t *data, size_t size, pst_headers *out);

/// Puts a VLAN tag back behind the addresses. False without four bytes of room in front, or in a frame without a link header.
PST_MUST_USE bool pst_frame_insert_vlan(pst_frame *frame, uint16_t tpid, uint16_t tci);

/// Completes the checksum that a sender left to its hardware (Internet checksum, or CRC-32C for SCTP) and clears NEEDS_CSUM.
/// False: the header points outside the frame.
PST_MUST_USE bool pst_frame_finish_checksum(pst_frame *frame);
/// True for the one partial checksum that no transmit path can finish by itself: SCTP's. The virtio header has no way to say it.
bool pst_frame_is_partial_sctp(const pst_frame *frame);

/// The one's complement sum of the bytes (big-endian words, an odd last byte padded), added to sum; not folded.
uint64_t pst_checksum_add(uint64_t sum, const uint8_t *bytes, size_t size);
/// Folds to the 16 bits that go into a header, in network order as loaded by pst_store16.
uint16_t pst_checksum_fold(uint64_t sum);
uint32_t pst_crc32c(const uint8_t *bytes, size_t size);

PST_INLINE uint16_t pst_load_be16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
PST_INLINE void pst_store_be16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}
PST_INLINE uint32_t pst_load_be32(const uint8_t *p) { return (uint32_t)pst_load_be16(p) << 16 | pst_load_be16(p + 2); }
PST_INLINE void pst_store_be32(uint8_t *p, uint32_t v)
{
    pst_store_be16(p, (uint16_t)(v >> 16));
    pst_store_be16(p + 2, (uint16_t)v);
}

#endif
