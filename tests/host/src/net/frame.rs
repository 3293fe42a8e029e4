// SPDX-License-Identifier: GPL-2.0

//! Ethernet frames: where their headers are, and whether their checksums are right.

use super::ppi::Tag;

/// The length of an Ethernet header without a tag.
pub const ETHERNET: usize = 14;
/// The length of a VLAN tag.
pub const TAG: usize = 4;

/// TCP, as a protocol of IP.
pub const TCP: u8 = 6;
/// UDP.
pub const UDP: u8 = 17;
const ICMP: u8 = 1;
const ICMPV6: u8 = 58;

const TYPE_IPV4: u16 = 0x0800;
const TYPE_IPV6: u16 = 0x86dd;
const TYPE_VLAN: u16 = 0x8100;

/// An IP packet in an untagged frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ip {
    /// Whether it is of IPv6.
    pub v6: bool,
    /// What is in it.
    pub protocol: u8,
    /// Where that starts, from the start of the frame.
    pub transport: usize,
    /// Where it ends; the frame may be longer.
    pub end: usize,
    /// Whether it is a piece of a larger packet.
    pub fragment: bool,
}

/// A 16-bit field in network order.
pub fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    let field = bytes.get(at..at + 2)?;
    Some(u16::from_be_bytes([field[0], field[1]]))
}

/// A 32-bit field in network order.
pub fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from(be16(bytes, at)?) << 16 | u32::from(be16(bytes, at + 2)?))
}

/// Writes a 16-bit field in network order, which must be inside.
pub fn set16(bytes: &mut [u8], at: usize, value: u16) {
    bytes[at..at + 2].copy_from_slice(&value.to_be_bytes());
}

/// Takes the VLAN tag out of a frame.
pub fn untag(frame: &mut Vec<u8>) -> Option<Tag> {
    let tag = Tag(be16(frame, 14)?);
    if be16(frame, 12)? != TYPE_VLAN {
        return None;
    }
    frame.drain(12..12 + TAG);
    Some(tag)
}

/// Puts a VLAN tag into a frame that has its addresses.
pub fn insert_tag(frame: &mut Vec<u8>, tag: Tag) {
    let [high, low] = tag.0.to_be_bytes();
    let [type_high, type_low] = TYPE_VLAN.to_be_bytes();
    frame.splice(12..12, [type_high, type_low, high, low]);
}

impl Ip {
    /// Finds the IP packet in an untagged frame. `None` where there is none, or no whole header.
    pub fn find(frame: &[u8]) -> Option<Self> {
        match be16(frame, 12)? {
            TYPE_IPV4 => Self::find_v4(frame),
            TYPE_IPV6 => Self::find_v6(frame),
            _ => None,
        }
    }

    fn find_v4(frame: &[u8]) -> Option<Self> {
        const HEADER: usize = 20;
        if frame.len() < ETHERNET + HEADER {
            return None;
        }
        let header = usize::from(frame.get(ETHERNET)? & 15) * 4;
        let total = usize::from(be16(frame, ETHERNET + 2)?);
        let transport = ETHERNET + header;
        // A guest leaves the length of a large send to the card.
        let end = if total == 0 {
            frame.len()
        } else {
            ETHERNET + total
        };
        let sound = frame[ETHERNET] >> 4 == 4 && header >= HEADER && transport <= end;
        (sound && end <= frame.len()).then_some(Self {
            v6: false,
            protocol: frame[ETHERNET + 9],
            transport,
            end,
            fragment: be16(frame, ETHERNET + 6)? & 0x3fff != 0,
        })
    }

    fn find_v6(frame: &[u8]) -> Option<Self> {
        const HEADER: usize = 40;
        let payload = usize::from(be16(frame, ETHERNET + 4)?);
        let mut transport = ETHERNET + HEADER;
        let end = if payload == 0 {
            frame.len()
        } else {
            transport + payload
        };
        let whole = transport <= frame.len() && end <= frame.len();
        if !whole || frame[ETHERNET] >> 4 != 6 || transport > end {
            return None;
        }
        let (mut protocol, mut fragment) = (frame[ETHERNET + 6], false);
        // Hop-by-hop options, routing and destination options, and the fragment header.
        while matches!(protocol, 0 | 43 | 44 | 60) {
            let len = match protocol {
                44 => 8,
                _ => 8 + 8 * usize::from(*frame.get(transport + 1)?),
            };
            fragment |= protocol == 44;
            protocol = *frame.get(transport)?;
            transport += len;
        }
        (transport <= end).then_some(Self {
            v6: true,
            protocol,
            transport,
            end,
            fragment,
        })
    }

    /// The two addresses, source first.
    pub fn addresses<'a>(&self, frame: &'a [u8]) -> &'a [u8] {
        match self.v6 {
            false => &frame[ETHERNET + 12..ETHERNET + 20],
            true => &frame[ETHERNET + 8..ETHERNET + 40],
        }
    }

    /// Where the checksum of what is in it stands.
    pub fn checksum_at(&self) -> Option<usize> {
        let offset = match (self.protocol, self.v6) {
            (TCP, _) => 16,
            (UDP, _) => 6,
            (ICMP, false) | (ICMPV6, true) => 2,
            _ => return None,
        };
        let at = self.transport + offset;
        (at + 2 <= self.end).then_some(at)
    }

    /// The folded sum of the pseudo header for a payload of `len` bytes.
    pub fn pseudo_sum(&self, frame: &[u8], len: usize) -> u16 {
        if self.protocol == ICMP && !self.v6 {
            return 0;
        }
        let mut tail = (len as u32).to_be_bytes().to_vec();
        tail.extend([0, self.protocol]);
        fold(sum(self.addresses(frame)) + sum(&tail))
    }

    /// Computes the checksum of what is in it, and writes it.
    pub fn fill_checksum(&self, frame: &mut [u8]) {
        let Some(at) = self.checksum_at() else {
            return;
        };
        set16(frame, at, 0);
        let pseudo = self.pseudo_sum(frame, self.end - self.transport);
        let mut value = !fold(u64::from(pseudo) + sum(&frame[self.transport..self.end]));
        if value == 0 && self.protocol == UDP {
            value = 0xffff;
        }
        set16(frame, at, value);
    }

    /// Computes the checksum of an IPv4 header, and writes it.
    pub fn fill_header_checksum(&self, frame: &mut [u8]) {
        if !self.v6 {
            set16(frame, ETHERNET + 10, 0);
            let value = !fold(sum(&frame[ETHERNET..self.transport]));
            set16(frame, ETHERNET + 10, value);
        }
    }

    /// Whether the IPv4 header's checksum is right; that of IPv6 has none.
    pub fn header_is_right(&self, frame: &[u8]) -> bool {
        self.v6 || fold(sum(&frame[ETHERNET..self.transport])) == 0xffff
    }

    /// Whether the checksum of what is in it is right, as far as it has one.
    pub fn payload_is_right(&self, frame: &[u8]) -> bool {
        let Some(at) = self.checksum_at().filter(|_| !self.fragment) else {
            return true;
        };
        if self.protocol == UDP && !self.v6 && be16(frame, at) == Some(0) {
            return true;
        }
        let pseudo = self.pseudo_sum(frame, self.end - self.transport);
        fold(u64::from(pseudo) + sum(&frame[self.transport..self.end])) == 0xffff
    }
}

/// A UDP datagram over IPv4, with right checksums: addresses and ports are pairs, the source's first.
pub fn udp(
    macs: [[u8; 6]; 2],
    addresses: [[u8; 4]; 2],
    ports: [u16; 2],
    payload: &[u8],
) -> Vec<u8> {
    let mut frame = [macs[1], macs[0]].concat();
    frame.extend(TYPE_IPV4.to_be_bytes());
    let len = 28 + payload.len() as u16;
    frame.extend([0x45, 0]);
    frame.extend(len.to_be_bytes());
    frame.extend([0, 0, 0, 0, 64, UDP, 0, 0]);
    frame.extend(addresses.concat());
    frame.extend(ports.iter().flat_map(|port| port.to_be_bytes()));
    frame.extend((len - 20).to_be_bytes());
    frame.extend([0, 0]);
    frame.extend_from_slice(payload);
    if let Some(ip) = Ip::find(&frame) {
        ip.fill_header_checksum(&mut frame);
        ip.fill_checksum(&mut frame);
    }
    frame
}

/// What is wrong with the checksums of an untagged frame.
pub fn wrong_checksum(frame: &[u8]) -> Option<&'static str> {
    let ip = Ip::find(frame)?;
    if !ip.header_is_right(frame) {
        Some("IPv4 header")
    } else if !ip.payload_is_right(frame) {
        Some(match ip.protocol {
            TCP => "TCP",
            UDP => "UDP",
            _ => "ICMP",
        })
    } else {
        None
    }
}

/// The sum of 16-bit words in network order.
fn sum(bytes: &[u8]) -> u64 {
    let words = bytes.chunks_exact(2);
    let odd = words
        .remainder()
        .first()
        .map_or(0, |&byte| u64::from(byte) << 8);
    words.fold(odd, |sum, word| {
        sum + u64::from(u16::from_be_bytes([word[0], word[1]]))
    })
}

/// Adds the carries back in.
fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

/// Whether two sums are the same number modulo 0xffff.
pub fn same_sum(a: u16, b: u16) -> bool {
    a == b || (a.is_multiple_of(0xffff) && b.is_multiple_of(0xffff))
}
