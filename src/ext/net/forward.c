// forward.c: verdicts. See forward.h; the bridge's thread calls pst_forward_frame for each frame.
//
// Programs always see frames as a wire would carry them: checksums complete, no longer than the sender's MTU. A large frame is
// therefore shown segment by segment. As long as the program lets each segment pass as it is, the large frame itself goes on
// (which is what makes bulk TCP fast); from the first segment that is dropped or changed, segments travel on their own.
#include "ext/net/forward.h"

#include <string.h>

#include "ext/net/segment.h"

size_t pst_forward_scratch_size(uint32_t headroom) { return (size_t)headroom + PST_LARGE_FRAME_MAX + PST_PORT_TAILROOM; }

static pst_port *other_port(const pst_forward *forward, const pst_port *port)
{
    return forward->port[0] == port ? forward->port[1] : forward->port[0];
}

static bool fits_mtu(const pst_port *port, const pst_frame *frame)
{
    size_t size = pst_frame_size(frame);
    return size <= PST_ETH_HEADER + port->mtu || size - pst_frame_link_size(frame->data, size) <= port->mtu;
}

// TCP segments may be made shorter by whoever forwards them; UDP datagrams may not.
static bool shrink_segments(const pst_port *port, pst_frame *frame)
{
    pst_segments segments;
    if (!pst_segments_begin(&segments, frame)) return true; // unknown headers: the kernel judges
    size_t headers = segments.header_size - segments.headers.network;
    if (headers + frame->vnet.gso_size <= port->mtu) return true;
    if ((frame->vnet.gso_type & ~PST_GSO_ECN) == PST_GSO_UDP || headers >= port->mtu) return false;
    frame->vnet.gso_size = (uint16_t)(port->mtu - headers);
    return true;
}

static bool make_fit(pst_port *to, pst_frame *frame)
{
    if (!pst_frame_is_large(frame)) return fits_mtu(to, frame);
    return shrink_segments(to, frame);
}

static void transmit(pst_port *to, pst_frame *frame)
{
    size_t size = pst_frame_size(frame);
    bool fits = make_fit(to, frame);
    if (!fits) {
        to->ops->refresh(to);
        fits = make_fit(to, frame);
    }
    if (!fits && !to->warned_size) {
        to->warned_size = true;
        pst_log(to->env, PST_LOG_WARN,
                "%s: a frame of %zu bytes is larger than the interface's MTU of %u allows and was not sent: give both ports the same MTU",
                to->name, size, (unsigned)to->mtu);
    }
    if (!fits || size < PST_ETH_HEADER || !to->ops->send(to, frame)) {
        pst_count(&to->stats.tx_errors, frame->wire_frames);
        return;
    }
    pst_count(&to->stats.tx_frames, frame->wire_frames);
    pst_count(&to->stats.tx_bytes, size);
}

static uint32_t run_program(const pst_forward *forward, pst_port *from, void *hook, pst_frame *frame, uint32_t *redirect)
{
    pst_xdp_ctx ctx = {
        .data = frame->data, .data_end = frame->end, .data_meta = frame->data,
        .hard_start = frame->hard_start, .hard_end = frame->hard_end,
        .ingress_ifindex = from->ifindex,
    };
    uint64_t r0 = forward->run(hook, &ctx);
    frame->data = ctx.data;
    frame->end = ctx.data_end;
    *redirect = ctx.redirect_ifindex;
    uint32_t verdict = (uint32_t)r0; // a program returns an int
    if (verdict <= PST_XDP_REDIRECT) return verdict;
    if (!from->warned_verdict) {
        from->warned_verdict = true;
        pst_log(from->env, PST_LOG_WARN, "%s: the program returned %u, which is no XDP action: counted as XDP_ABORTED", from->name,
                (unsigned)verdict);
    }
    return PST_XDP_ABORTED;
}

static void redirect_frame(const pst_forward *forward, pst_port *from, pst_frame *frame, uint32_t ifindex)
{
    pst_port *other = other_port(forward, from);
    pst_port *to = from->ifindex == ifindex ? from : other && other->ifindex == ifindex ? other : NULL;
    pst_count(&from->stats.redirected, 1);
    if (from->kind == PST_PORT_WATCH) return;
    if (to)
        transmit(to, frame);
    else
        pst_count(&from->stats.tx_errors, 1); // no such port here: Linux drops it too
}

static void obey(const pst_forward *forward, pst_port *from, pst_frame *frame, uint32_t verdict, uint32_t redirect)
{
    pst_port *other = other_port(forward, from);
    switch (verdict) {
    case PST_XDP_PASS:
        pst_count(&from->stats.passed, 1);
        if (other) transmit(other, frame);
        return;
    case PST_XDP_TX:
        pst_count(&from->stats.sent_back, 1);
        if (from->kind != PST_PORT_WATCH) transmit(from, frame);
        return;
    case PST_XDP_REDIRECT: redirect_frame(forward, from, frame, redirect); return;
    case PST_XDP_DROP: pst_count(&from->stats.dropped, 1); return;
    default: pst_count(&from->stats.aborted, 1); return;
    }
}

// Room for segment index in one of the scratch buffers, built.
static pst_frame segment_frame(const pst_forward *forward, const pst_segments *segments, uint32_t index, uint8_t *scratch)
{
    pst_frame segment = {.hard_start = scratch, .data = scratch + forward->headroom, .wire_frames = 1};
    pst_segments_build(segments, index, segment.data);
    segment.end = segment.data + pst_segment_size(segments, index);
    segment.hard_end = segment.end + PST_PORT_TAILROOM;
    return segment;
}

// scratch[0] holds the segment, scratch[1] its headers as they were before the program ran.
static bool is_unchanged(const pst_forward *forward, const pst_segments *segments, uint32_t index, const pst_frame *segment)
{
    const uint8_t *data = forward->scratch[0] + forward->headroom;
    size_t size = pst_segment_size(segments, index);
    if (segment->data != data || pst_frame_size(segment) != size) return false;
    const uint8_t *payload = segments->source + segments->header_size + (size_t)index * segments->segment_size;
    if (memcmp(data + segments->header_size, payload, size - segments->header_size) != 0) return false;
    return memcmp(data, forward->scratch[1], segments->header_size) == 0;
}

static void forward_large(const pst_forward *forward, pst_port *from, void *hook, pst_frame *frame, const pst_segments *segments)
{
    pst_port *other = other_port(forward, from);
    bool whole = true; // each segment so far passed as it was, and none was sent yet
    for (uint32_t i = 0; i < segments->count; i++) {
        uint32_t redirect = 0;
        pst_frame segment = segment_frame(forward, segments, i, forward->scratch[0]);
        if (whole) memcpy(forward->scratch[1], segment.data, segments->header_size);
        uint32_t verdict = run_program(forward, from, hook, &segment, &redirect);
        if (whole && verdict == PST_XDP_PASS && is_unchanged(forward, segments, i, &segment)) {
            pst_count(&from->stats.passed, 1);
            continue;
        }
        for (uint32_t k = 0; whole && other && k < i; k++) {
            pst_frame before = segment_frame(forward, segments, k, forward->scratch[1]);
            transmit(other, &before);
        }
        whole = false;
        obey(forward, from, &segment, verdict, redirect);
    }
    if (whole && other) transmit(other, frame);
}

static void forward_unhooked(const pst_forward *forward, pst_port *from, pst_frame *frame)
{
    pst_port *other = other_port(forward, from);
    pst_count(&from->stats.no_program, frame->wire_frames);
    if (!other) return;
    if (pst_frame_is_partial_sctp(frame) && !pst_frame_finish_checksum(frame)) return;
    transmit(other, frame);
}

void pst_forward_frame(void *user, pst_port *from, pst_frame *frame)
{
    const pst_forward *forward = user;
    pst_segments segments;
    uint32_t redirect = 0;
    bool split = pst_frame_is_large(frame) && pst_segments_begin(&segments, frame);
    frame->wire_frames = split ? segments.count : 1;
    pst_count(&from->stats.rx_frames, frame->wire_frames);
    pst_count(&from->stats.rx_bytes, pst_frame_size(frame));
    void *hook = PST_ATOMIC_LOAD(&from->hook);
    if (!hook) {
        forward_unhooked(forward, from, frame);
    } else if (split) {
        forward_large(forward, from, hook, frame, &segments);
    } else {
        // A large frame of unknown headers is shown as it is; its checksum stays the sender's hardware's affair.
        bool whole = pst_frame_is_large(frame) || pst_frame_finish_checksum(frame);
        uint32_t verdict = whole ? run_program(forward, from, hook, frame, &redirect) : PST_XDP_ABORTED;
        obey(forward, from, frame, verdict, redirect);
    }
}
