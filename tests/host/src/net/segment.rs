// SPDX-License-Identifier: GPL-2.0

//! What a guest leaves to the card: checksums, segments, tags. And whether what it does not leave to
//! the card is right.

use super::backend::Frame;
use super::frame::{
    ETHERNET, Ip, TAG, TCP, UDP, be16, be32, insert_tag, same_sum, set16, wrong_checksum,
};
use super::offload::Enabled;
use super::ppi::{ChecksumRequest, LargeSend, TransmitInfo};
use super::violation::Violation;

/// TCP's flags that only one segment has.
const FIN: u8 = 1;
const PUSH: u8 = 8;
const CONGESTION_WINDOW_REDUCED: u8 = 0x80;

/// What limits a card's frames.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// What the guest has switched on.
    pub enabled: Enabled,
    /// The longest frame, without a tag.
    pub frame: usize,
    /// The longest frame that is to be cut.
    pub large_send: usize,
    /// Whether frames may have wrong checksums.
    pub any_checksum: bool,
}

/// The frames on the wire that a packet of the guest becomes; none where they are too long.
pub fn apply(data: &[u8], info: &TransmitInfo, limits: &Limits) -> Result<Vec<Frame>, Violation> {
    if data.len() < ETHERNET {
        return Err(Violation::FrameLength(data.len()));
    }
    let mut frames = match (info.large_send, info.checksum) {
        (Some(large), _) => cut(data, large, limits)?,
        (None, _) if data.len() > limits.frame + TAG => Vec::new(),
        (None, Some(request)) => vec![fill(data, request, &limits.enabled)?],
        (None, None) => match wrong_checksum(data) {
            Some(what) if !limits.any_checksum => return Err(Violation::Checksum(what)),
            _ => vec![data.to_vec()],
        },
    };
    if let Some(tag) = info.tag {
        frames.iter_mut().for_each(|frame| insert_tag(frame, tag));
    }
    Ok(frames)
}

/// Computes the checksums that were asked for.
fn fill(data: &[u8], request: ChecksumRequest, enabled: &Enabled) -> Result<Frame, Violation> {
    let wrong = |what| Err(Violation::Offload(what));
    let Some(ip) = Ip::find(data) else {
        return wrong("a checksum for what is not IP");
    };
    if (request.ipv4(), request.ipv6()) != (!ip.v6, ip.v6) {
        return wrong("a checksum for the other IP version");
    }
    let mut frame = data.to_vec();
    let version = usize::from(ip.v6);
    let asked = match (request.tcp(), request.udp()) {
        (true, false) => Some((TCP, enabled.tcp[version])),
        (false, true) => Some((UDP, enabled.udp[version])),
        (false, false) => None,
        (true, true) => return wrong("checksums of both TCP and UDP"),
    };
    if let Some((protocol, enabled)) = asked {
        let Some(at) = ip.checksum_at().filter(|_| ip.protocol == protocol) else {
            return wrong("a checksum of the other protocol");
        };
        if !enabled.transmit {
            return wrong("a checksum that was not switched on");
        }
        // UDP does not need the offset, and Linux gives it all the same.
        if request.transport_offset() != ip.transport {
            return wrong("a checksum with a wrong header offset");
        }
        let prepared = ip.pseudo_sum(data, ip.end - ip.transport);
        if !be16(data, at).is_some_and(|field| same_sum(field, prepared)) {
            return wrong("a checksum field without the pseudo header's sum");
        }
        ip.fill_checksum(&mut frame);
    }
    if request.ip_header() {
        ip.fill_header_checksum(&mut frame);
    }
    match wrong_checksum(&frame) {
        Some(what) => Err(Violation::Checksum(what)),
        None => Ok(frame),
    }
}

/// Cuts a frame into segments.
fn cut(data: &[u8], large: LargeSend, limits: &Limits) -> Result<Vec<Frame>, Violation> {
    let wrong = |what| Err(Violation::Offload(what));
    let Some(ip) = Ip::find(data).filter(|ip| ip.protocol == TCP && !ip.fragment) else {
        return wrong("a large send of what is not TCP");
    };
    if !large.v2 || large.ipv6 != ip.v6 || large.transport_offset != ip.transport {
        return wrong("a large send that does not fit its frame");
    }
    if !limits.enabled.large_send[usize::from(ip.v6)] {
        return wrong("a large send that was not switched on");
    }
    let header = data
        .get(ip.transport + 12)
        .map_or(0, |&it| usize::from(it >> 4) * 4);
    let payload_at = ip.transport + header;
    if header < 20 || large.mss == 0 || payload_at > data.len() || data.len() > limits.large_send {
        return wrong("a large send with impossible lengths");
    }
    if payload_at + large.mss > limits.frame {
        return Ok(Vec::new());
    }
    let prepared = ip.pseudo_sum(data, 0);
    if !be16(data, ip.transport + 16).is_some_and(|field| same_sum(field, prepared)) {
        return wrong("a large send without the pseudo header's sum");
    }
    let (headers, payload) = data.split_at(payload_at);
    let count = payload.len().div_ceil(large.mss).max(1);
    let segment = |index: usize| {
        let from = index * large.mss;
        let until = (from + large.mss).min(payload.len());
        let place = Place {
            index,
            from,
            last: index + 1 == count,
        };
        make_segment(headers, &payload[from..until], &ip, place)
    };
    Ok((0..count).map(segment).collect())
}

/// Where a segment stands among the others.
struct Place {
    index: usize,
    /// Its first byte's place in the payload.
    from: usize,
    last: bool,
}

fn make_segment(headers: &[u8], payload: &[u8], ip: &Ip, place: Place) -> Frame {
    let mut frame = [headers, payload].concat();
    let whole = Ip {
        end: frame.len(),
        ..*ip
    };
    if ip.v6 {
        set16(&mut frame, ETHERNET + 4, (whole.end - ETHERNET - 40) as u16);
    } else {
        set16(&mut frame, ETHERNET + 2, (whole.end - ETHERNET) as u16);
        let id = be16(headers, ETHERNET + 4).unwrap_or(0);
        set16(
            &mut frame,
            ETHERNET + 4,
            id.wrapping_add(place.index as u16),
        );
    }
    let sequence = be32(headers, ip.transport + 4).unwrap_or(0);
    let sequence = sequence.wrapping_add(place.from as u32);
    frame[ip.transport + 4..ip.transport + 8].copy_from_slice(&sequence.to_be_bytes());
    let flags = &mut frame[ip.transport + 13];
    if !place.last {
        *flags &= !(FIN | PUSH);
    }
    if place.index > 0 {
        *flags &= !CONGESTION_WINDOW_REDUCED;
    }
    whole.fill_header_checksum(&mut frame);
    whole.fill_checksum(&mut frame);
    frame
}
