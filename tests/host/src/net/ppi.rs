// SPDX-License-Identifier: GPL-2.0

//! Per-packet information: what travels beside a frame.

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, IntoBytes};

use super::violation::Violation;

const CHECKSUM: u32 = 0;
const LARGE_SEND: u32 = 2;
const VLAN: u32 = 6;
const HASH_VALUE: u32 = 8;
/// The bit in the kind that says that the rest is a number of RNDIS's own.
const INTERNAL: u32 = 1 << 31;
const PACKET_ID: u32 = INTERNAL | 1;

/// The length of an entry's header.
const HEADER: usize = 12;

/// Checksums that a guest wants computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChecksumRequest {
    /// The whole word.
    pub value: u32,
}

impl ChecksumRequest {
    /// Whether the frame is said to be of IPv4.
    pub fn ipv4(self) -> bool {
        self.value & 1 != 0
    }

    /// Whether it is said to be of IPv6.
    pub fn ipv6(self) -> bool {
        self.value & 2 != 0
    }

    /// Whether TCP's checksum is wanted.
    pub fn tcp(self) -> bool {
        self.value & 4 != 0
    }

    /// Whether UDP's checksum is wanted.
    pub fn udp(self) -> bool {
        self.value & 8 != 0
    }

    /// Whether that of the IPv4 header is wanted.
    pub fn ip_header(self) -> bool {
        self.value & 16 != 0
    }

    /// Where the TCP or UDP header starts in the frame.
    pub fn transport_offset(self) -> usize {
        (self.value >> 16 & 0x3ff) as usize
    }
}

/// A frame that is to be cut into segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LargeSend {
    /// The payload of each segment.
    pub mss: usize,
    /// Where the TCP header starts in the frame.
    pub transport_offset: usize,
    /// Whether it is of version 2 of the offload.
    pub v2: bool,
    /// Whether the frame is of IPv6.
    pub ipv6: bool,
}

/// A VLAN tag: as in the frame's own header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag(pub u16);

impl Tag {
    /// From the word, which has the priority first.
    fn from_word(word: u32) -> Self {
        let (priority, cfi, id) = (word & 7, word >> 3 & 1, word >> 4 & 0xfff);
        Self((priority << 13 | cfi << 12 | id) as u16)
    }

    fn to_word(self) -> u32 {
        let tag = u32::from(self.0);
        tag >> 13 | (tag >> 12 & 1) << 3 | (tag & 0xfff) << 4
    }
}

/// What a guest can say about a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransmitInfo {
    /// Checksums to compute.
    pub checksum: Option<ChecksumRequest>,
    /// Segments to make.
    pub large_send: Option<LargeSend>,
    /// A tag to insert.
    pub tag: Option<Tag>,
    /// The flow's hash.
    pub hash: Option<u32>,
}

impl TransmitInfo {
    /// Parses all entries of a frame.
    pub fn parse(info: &[u8]) -> Result<Self, Violation> {
        let mut parsed = Self::default();
        let mut rest = info;
        while !rest.is_empty() {
            let malformed = Violation::Information(rest.len());
            let (header, _) = <[U32; 3]>::read_from_prefix(rest).map_err(|_| malformed.clone())?;
            let [size, kind, offset] = header.map(U32::get);
            let entry = rest
                .get(..size as usize)
                .filter(|entry| entry.len() >= HEADER)
                .ok_or(malformed.clone())?;
            let value = entry
                .get(offset as usize..)
                .filter(|_| offset as usize >= HEADER);
            let (value, _) = value
                .and_then(|value| U32::read_from_prefix(value).ok())
                .ok_or(malformed)?;
            parsed.set(kind, value.get())?;
            rest = &rest[size as usize..];
        }
        Ok(parsed)
    }

    fn set(&mut self, kind: u32, value: u32) -> Result<(), Violation> {
        match kind {
            CHECKSUM => self.checksum = Some(ChecksumRequest { value }),
            LARGE_SEND => {
                self.large_send = Some(LargeSend {
                    mss: (value & 0xf_ffff) as usize,
                    transport_offset: (value >> 20 & 0x3ff) as usize,
                    v2: value >> 30 & 1 == 1,
                    ipv6: value >> 31 == 1,
                });
            }
            VLAN => self.tag = Some(Tag::from_word(value)),
            HASH_VALUE => self.hash = Some(value),
            other => return Err(Violation::InformationKind(other)),
        }
        Ok(())
    }
}

/// What the card found out about a frame's checksums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChecksumResult(pub u32);

impl ChecksumResult {
    /// TCP's is right.
    pub const TCP_OK: u32 = 8;
    /// UDP's is right.
    pub const UDP_OK: u32 = 16;
    /// The IPv4 header's is right.
    pub const IP_OK: u32 = 32;
    /// The value in the TCP header is not that of the whole, since segments were joined.
    pub const TCP_VALUE_INVALID: u32 = 1 << 7;
    /// The same of the IPv4 header.
    pub const IP_VALUE_INVALID: u32 = 1 << 8;
}

/// Where a fragment stands among those of a coalesced frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fragment {
    /// The first one, which has the headers.
    pub first: bool,
    /// The last one.
    pub last: bool,
}

/// What the card says about a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceiveInfo {
    /// About its checksums.
    pub checksum: Option<ChecksumResult>,
    /// The tag that was taken out of it.
    pub tag: Option<Tag>,
    /// The flow's hash.
    pub hash: Option<u32>,
    /// Where it belongs in a coalesced frame.
    pub fragment: Option<Fragment>,
}

impl ReceiveInfo {
    /// The entries.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Some(checksum) = self.checksum {
            push(&mut bytes, CHECKSUM, checksum.0);
        }
        if let Some(tag) = self.tag {
            push(&mut bytes, VLAN, tag.to_word());
        }
        if let Some(hash) = self.hash {
            push(&mut bytes, HASH_VALUE, hash);
        }
        if let Some(fragment) = self.fragment {
            let flags = 1 | u32::from(fragment.first) << 1 | u32::from(fragment.last) << 2;
            push(&mut bytes, PACKET_ID, 1 | flags << 8);
        }
        bytes
    }
}

/// The most that [`ReceiveInfo::encode`] gives.
pub const MAX_RECEIVE_INFO: usize = 4 * (HEADER + 4);

fn push(bytes: &mut Vec<u8>, kind: u32, value: u32) {
    let entry = [HEADER as u32 + 4, kind, HEADER as u32, value].map(U32::new);
    bytes.extend_from_slice(entry.as_bytes());
}
