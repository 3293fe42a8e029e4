// SPDX-License-Identifier: GPL-2.0

//! Receive segment coalescing: segments of one TCP flow that follow each other become one frame in
//! several fragments.

use super::backend::Frame;
use super::frame::{ETHERNET, Ip, TCP, be16, be32, set16};

/// The most fragments of a frame.
pub const MAX_FRAGMENTS: usize = 32;
/// The longest frame: what the length field of IP can say.
const MAX_LEN: usize = 65535;

const ACK: u8 = 16;
const PUSH: u8 = 8;

/// One frame, or several that were joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The first frame, whose IP header tells the length of all.
    pub first: Frame,
    /// What the others add.
    pub rest: Vec<Vec<u8>>,
}

impl Joined {
    /// A frame on its own.
    pub fn single(frame: Frame) -> Self {
        Self {
            first: frame,
            rest: Vec::new(),
        }
    }

    /// The length of the whole.
    pub fn len(&self) -> usize {
        self.first.len() + self.rest.iter().map(Vec::len).sum::<usize>()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A frame that can be joined with others.
#[derive(Clone, Copy, Debug)]
struct Segment {
    ip: Ip,
    payload: usize,
    sequence: u32,
    push: bool,
}

impl Segment {
    /// A plain segment with data, of a version that is switched on.
    fn of(frame: &[u8], enabled: [bool; 2]) -> Option<Self> {
        let ip = Ip::find(frame)?;
        let plain = ip.transport == ETHERNET + if ip.v6 { 40 } else { 20 };
        if !enabled[usize::from(ip.v6)] || ip.protocol != TCP || ip.fragment || !plain {
            return None;
        }
        let payload = ip.transport + usize::from(frame.get(ip.transport + 12)? >> 4) * 4;
        let flags = frame[ip.transport + 13];
        let data = flags & !PUSH == ACK && payload >= ip.transport + 20 && payload < ip.end;
        data.then_some(Self {
            ip,
            payload,
            sequence: be32(frame, ip.transport + 4)?,
            push: flags & PUSH != 0,
        })
    }

    fn len(&self) -> usize {
        self.ip.end - self.payload
    }

    /// Whether both frames have the same headers but for what differs from segment to segment.
    fn is_like(&self, mine: &[u8], other: &Self, theirs: &[u8]) -> bool {
        if self.ip.v6 != other.ip.v6 || self.payload != other.payload {
            return false;
        }
        let (ip, tcp) = (ETHERNET, self.ip.transport);
        let same = |from: usize, until: usize| mine[from..until] == theirs[from..until];
        let ip_same = match self.ip.v6 {
            false => same(ip + 1, ip + 2) && same(ip + 8, ip + 10) && same(ip + 12, ip + 20),
            true => same(ip, ip + 4) && same(ip + 6, ip + 40),
        };
        let tcp_same = same(tcp, tcp + 4) && same(tcp + 8, tcp + 13) && same(tcp + 14, tcp + 16);
        same(0, ETHERNET) && ip_same && tcp_same && same(tcp + 18, self.payload)
    }
}

/// Joins what can be joined, at most `most` frames to one; the order stays. `enabled` says it for IPv4
/// and IPv6.
pub fn join(frames: Vec<Frame>, enabled: [bool; 2], most: usize) -> Vec<Joined> {
    let most = most.min(MAX_FRAGMENTS);
    let mut joined: Vec<Joined> = Vec::new();
    // The last of `joined`, where more may follow, with the sequence number that it has to have.
    let mut open: Option<(Segment, u32)> = None;
    for mut frame in frames {
        let segment = Segment::of(&frame, enabled);
        if let (Some(segment), Some((first, next)), Some(last)) =
            (segment, &mut open, joined.last_mut())
            && segment.sequence == *next
            && last.rest.len() + 1 < most
            && last.len() + segment.len() <= MAX_LEN
            && first.is_like(&last.first, &segment, &frame)
        {
            last.rest
                .push(frame[segment.payload..segment.ip.end].to_vec());
            *next = next.wrapping_add(segment.len() as u32);
            lengthen(last, first, segment.push);
            if segment.push {
                open = None;
            }
            continue;
        }
        if let Some(segment) = segment {
            frame.truncate(segment.ip.end);
        }
        open = segment
            .filter(|segment| !segment.push)
            .map(|segment| (segment, segment.sequence.wrapping_add(segment.len() as u32)));
        joined.push(Joined::single(frame));
    }
    joined
}

/// Makes the first frame's headers tell of the new whole.
fn lengthen(joined: &mut Joined, segment: &Segment, push: bool) {
    let ip_len = joined.len() - ETHERNET;
    let first = &mut joined.first;
    match segment.ip.v6 {
        false => set16(first, ETHERNET + 2, ip_len as u16),
        true => set16(first, ETHERNET + 4, (ip_len - 40) as u16),
    }
    if push {
        first[segment.ip.transport + 13] |= PUSH;
    }
}

/// Whether a frame is of IPv4; joined ones have no header checksum.
pub fn is_ipv4(frame: &[u8]) -> bool {
    be16(frame, 12) == Some(0x0800)
}
