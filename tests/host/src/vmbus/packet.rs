// SPDX-License-Identifier: GPL-2.0

//! Packets: what stands between a ring's trailers.
//!
//! A packet is a 16-byte descriptor, for some kinds a further header, and a payload padded to
//! eight bytes. The header of a GPA-direct packet lists guest buffers.

use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::gpa::GpaRange;
use super::ring::{RawPacket, RingError};

/// A packet with nothing but a payload.
pub const INBAND: u16 = 6;
/// A packet that points into a buffer shared earlier.
pub const TRANSFER_PAGES: u16 = 7;
/// A packet that lists guest buffers.
pub const GPA_DIRECT: u16 = 9;
/// The answer to a packet.
pub const COMPLETION: u16 = 0xb;

/// The flag of a packet that wants an answer.
pub const COMPLETION_REQUESTED: u16 = 1;

/// The start of each packet.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Descriptor {
    kind: U16,
    /// Where the payload starts, in units of eight bytes.
    offset8: U16,
    /// The packet's length, in units of eight bytes.
    len8: U16,
    flags: U16,
    transaction: U64,
}

/// A packet that the guest sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// 6 in-band, 7 transfer pages, 9 GPA direct, 0xb completion.
    pub kind: u16,
    /// 1: the guest wants a completion.
    pub flags: u16,
    /// What the completion has to repeat.
    pub transaction: u64,
    /// What follows the headers, padded to eight bytes.
    pub payload: Vec<u8>,
    /// The buffers of a GPA-direct packet; their page lists cover them.
    pub ranges: Vec<GpaRange>,
}

impl Packet {
    /// Parses what came out of a ring.
    pub(super) fn parse(raw: RawPacket) -> Result<Self, RingError> {
        let (descriptor, rest) =
            Descriptor::read_from_prefix(&raw.bytes).map_err(|_| RingError::Ranges)?;
        let header = rest.len() - (raw.bytes.len() - raw.offset);
        let (header, payload) = rest.split_at(header);
        let kind = descriptor.kind.get();
        let ranges = if kind == GPA_DIRECT {
            parse_ranges(header)?
        } else {
            Vec::new()
        };
        Ok(Self {
            kind,
            flags: descriptor.flags.get(),
            transaction: descriptor.transaction.get(),
            payload: payload.to_vec(),
            ranges,
        })
    }
}

/// Parses the header of a GPA-direct packet: a reserved word, a count, and for each range a length,
/// an offset and as many page numbers as they span. Bytes behind the last range are not used.
fn parse_ranges(header: &[u8]) -> Result<Vec<GpaRange>, RingError> {
    let mut rest = header;
    let _reserved = take::<U32>(&mut rest)?;
    let count = take::<U32>(&mut rest)?.get();
    let mut ranges = Vec::new();
    for _ in 0..count {
        let len = take::<U32>(&mut rest)?.get();
        let offset = take::<U32>(&mut rest)?.get();
        let pages = GpaRange::page_count(offset, len);
        if pages > (rest.len() / size_of::<u64>()) as u64 {
            return Err(RingError::Ranges);
        }
        let (list, behind) = rest.split_at(pages as usize * size_of::<u64>());
        let pfns = list
            .chunks_exact(8)
            .filter_map(|pfn| U64::read_from_bytes(pfn).ok());
        ranges.push(GpaRange {
            len,
            offset,
            pfns: pfns.map(U64::get).collect(),
        });
        rest = behind;
    }
    Ok(ranges)
}

fn take<T: FromBytes>(bytes: &mut &[u8]) -> Result<T, RingError> {
    let (value, rest) = T::read_from_prefix(bytes).map_err(|_| RingError::Ranges)?;
    *bytes = rest;
    Ok(value)
}

/// A packet that the host is about to send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outgoing {
    /// As [`Packet::kind`].
    pub kind: u16,
    /// As [`Packet::flags`].
    pub flags: u16,
    /// As [`Packet::transaction`].
    pub transaction: u64,
    /// What stands between descriptor and payload, such as the ranges of a transfer-page packet.
    pub header: Vec<u8>,
    /// The payload.
    pub payload: Vec<u8>,
    /// Replaces the descriptor's payload offset (in units of eight bytes) by a wrong one.
    pub forged_offset8: Option<u16>,
    /// Replaces the descriptor's length (in units of eight bytes) by a wrong one.
    pub forged_len8: Option<u16>,
}

impl Outgoing {
    /// The packet as it stands in the ring, without the trailer.
    pub fn encode(&self) -> Vec<u8> {
        let header = self.header.len().next_multiple_of(8);
        let offset = size_of::<Descriptor>() + header;
        let len = offset + self.payload.len().next_multiple_of(8);
        let units = |bytes: usize| u16::try_from(bytes / 8).unwrap_or(u16::MAX);
        let descriptor = Descriptor {
            kind: self.kind.into(),
            offset8: self.forged_offset8.unwrap_or(units(offset)).into(),
            len8: self.forged_len8.unwrap_or(units(len)).into(),
            flags: self.flags.into(),
            transaction: self.transaction.into(),
        };
        let mut bytes = Vec::with_capacity(len);
        bytes.extend_from_slice(descriptor.as_bytes());
        bytes.extend_from_slice(&self.header);
        bytes.resize(offset, 0);
        bytes.extend_from_slice(&self.payload);
        bytes.resize(len, 0);
        bytes
    }
}
