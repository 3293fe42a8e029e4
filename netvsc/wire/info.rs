// SPDX-License-Identifier: GPL-2.0

//! Information about a frame that travels beside it.
//!
//! There is a list of pieces, each of which says how long it is and where its value begins. A piece
//! that says something impossible ends the list.

use super::Fault;
use core::ops::{
    BitAnd,
    BitOr, //
};
use zerocopy::FromBytes;
use zerocopy_derive::{
    FromBytes,
    Immutable,
    IntoBytes,
    KnownLayout, //
};

open_enum! {
    /// What a piece is about. The last bit says whose list of kinds it is of.
    pub(crate) struct InfoType(u32) {
        /// Checksums.
        CHECKSUM = 0,
        /// Segmentation.
        LARGE_SEND = 2,
        /// The VLAN tag.
        VLAN = 6,
        /// The hash of the flow.
        HASH = 8,
        /// Which part of a coalesced frame it is: a kind of the other list.
        PART = 0x8000_0001,
    }
}

impl InfoType {
    /// Whether it is of those that [`FrameInfo`] has.
    const fn is_about_frames(self) -> bool {
        matches!(self, Self::VLAN | Self::CHECKSUM | Self::HASH | Self::PART)
    }
}

/// What a piece begins with.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub(crate) struct InfoHeader {
    /// The length, this included.
    pub(crate) len: u32,
    /// The kind.
    pub(crate) kind: InfoType,
    /// Where the value begins.
    pub(crate) offset: u32,
}

/// The length of an [`Info`].
pub(crate) const INFO_LEN: usize = size_of::<Info>();

/// A piece whose value is a number that follows at once, as all that we send.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub(crate) struct Info {
    pub(crate) header: InfoHeader,
    pub(crate) value: u32,
}

impl Info {
    /// A piece.
    #[inline]
    pub(crate) const fn new(kind: InfoType, value: u32) -> Self {
        Self {
            // CAST: Small constants.
            header: InfoHeader {
                len: size_of::<Self>() as u32,
                kind,
                offset: size_of::<InfoHeader>() as u32,
            },
            value,
        }
    }
}

/// The pieces of a list. Yields at most one fault, the last.
#[derive(Clone, Debug)]
struct Pieces<'a>(&'a [u8]);

impl<'a> Iterator for Pieces<'a> {
    type Item = Result<(InfoType, &'a [u8]), Fault>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let rest = core::mem::take(&mut self.0);
        Some(take_piece(rest).map(|(kind, value, rest)| {
            self.0 = rest;
            (kind, value)
        }))
    }
}

/// Splits the first piece off: its kind, its value, and what is left.
#[inline]
fn take_piece(list: &[u8]) -> Result<(InfoType, &[u8], &[u8]), Fault> {
    // CAST: A list is no longer than a section of the receive buffer.
    let (header, _) =
        InfoHeader::read_from_prefix(list).map_err(|_| Fault::Info(list.len() as u32))?;
    let fault = Fault::Info(header.len);
    let len = usize::try_from(header.len).map_err(|_| fault)?;
    if len < size_of::<InfoHeader>() {
        return Err(fault);
    }
    let (piece, rest) = list.split_at_checked(len).ok_or(fault)?;
    let offset = usize::try_from(header.offset).map_err(|_| fault)?;
    if offset >= len {
        return Err(Fault::Info(header.offset));
    }
    Ok((header.kind, piece.get(offset..).ok_or(fault)?, rest))
}

/// What a list says about a frame of the host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FrameInfo {
    /// Its VLAN tag.
    pub(crate) vlan: Option<VlanTag>,
    /// What the host found out about its checksums.
    pub(crate) checksum: Option<ReceivedChecksum>,
    /// The hash of its flow.
    pub(crate) hash: Option<u32>,
    /// Which part of a coalesced frame it is.
    pub(crate) part: Option<Part>,
}

impl FrameInfo {
    /// Reads a list. Of pieces of the same kind the first counts.
    ///
    /// # Errors
    ///
    /// The list is not well-formed.
    pub(crate) fn parse(list: &[u8]) -> Result<Self, Fault> {
        let mut info = Self::default();
        for piece in Pieces(list) {
            let (kind, value) = piece?;
            if kind.is_about_frames() {
                info.set(kind, read(value)?);
            }
        }
        Ok(info)
    }

    /// Reads a list of which each piece is an [`Info`], as nearly all are. Returns whether that is so;
    /// if not, what was read is of no use, which does not say that there is something wrong with the list.
    #[inline(always)]
    #[must_use]
    pub(crate) fn read_plain(&mut self, list: impl Iterator<Item = Info>) -> bool {
        for piece in list {
            if piece != Info::new(piece.header.kind, piece.value) {
                return false;
            }
            self.set(piece.header.kind, piece.value);
        }
        true
    }

    /// Which part of a coalesced frame it is, if it is one.
    #[inline(always)]
    pub(crate) fn part(&self) -> Option<Part> {
        self.part.filter(|part| part.is_part())
    }

    #[inline(always)]
    fn set(&mut self, kind: InfoType, value: u32) {
        match kind {
            InfoType::VLAN => set(&mut self.vlan, VlanTag(value)),
            InfoType::CHECKSUM => set(&mut self.checksum, ReceivedChecksum(value)),
            InfoType::HASH => set(&mut self.hash, value),
            InfoType::PART => set(&mut self.part, Part(value)),
            _ => (),
        }
    }
}

#[inline(always)]
fn set<T>(place: &mut Option<T>, value: T) {
    if place.is_none() {
        *place = Some(value);
    }
}

#[inline]
fn read(value: &[u8]) -> Result<u32, Fault> {
    match u32::read_from_prefix(value) {
        Ok((value, _)) => Ok(value),
        // CAST: Less than 4.
        Err(_) => Err(Fault::Info(value.len() as u32)),
    }
}

/// A VLAN tag as the host has it: priority, drop eligibility, number, from the lowest bit up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct VlanTag(pub(crate) u32);

impl VlanTag {
    /// From a tag as it is in a frame: number, drop eligibility, priority.
    #[inline]
    pub(crate) const fn from_tci(tci: u16) -> Self {
        let tci = tci as u32;
        Self((tci >> 13) | (tci >> 12 & 1) << 3 | (tci & 0xfff) << 4)
    }

    /// To a tag as it is in a frame.
    #[inline]
    pub(crate) const fn tci(self) -> u16 {
        // CAST: 12, 1 and 3 bits.
        ((self.0 >> 4 & 0xfff) | (self.0 >> 3 & 1) << 12 | (self.0 & 7) << 13) as u16
    }
}

/// What the host found out about the checksums of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReceivedChecksum(pub(crate) u32);

impl ReceivedChecksum {
    const TCP_SUCCEEDED: u32 = 1 << 3;
    const UDP_SUCCEEDED: u32 = 1 << 4;
    const IP_SUCCEEDED: u32 = 1 << 5;
    const IP_VALUE_INVALID: u32 = 1 << 8;

    /// Whether the checksum of the transport layer is right.
    #[inline]
    pub(crate) const fn is_transport_right(self) -> bool {
        self.0 & (Self::TCP_SUCCEEDED | Self::UDP_SUCCEEDED) != 0
    }

    /// Whether the checksum of the IP header was right, but is not in the frame, which has been
    /// coalesced since.
    #[inline]
    pub(crate) const fn is_ip_missing(self) -> bool {
        self.0 & Self::IP_SUCCEEDED != 0 && self.0 & Self::IP_VALUE_INVALID != 0
    }
}

/// Which part of a coalesced frame a frame is: a version, flags, and a number, from the lowest byte
/// up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part(pub(crate) u32);

impl Part {
    const IS_PART: u32 = 1 << 8;
    const FIRST: u32 = 1 << 9;
    const LAST: u32 = 1 << 10;

    /// Whether it is a part at all.
    #[inline]
    pub(crate) const fn is_part(self) -> bool {
        self.0 & Self::IS_PART != 0
    }

    /// Whether it is the first one.
    #[inline]
    pub(crate) const fn is_first(self) -> bool {
        self.0 & Self::FIRST != 0
    }

    /// Whether it is the last one.
    #[inline]
    pub(crate) const fn is_last(self) -> bool {
        self.0 & Self::LAST != 0
    }
}

/// A transport over an internet protocol, as a set of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Transports(u8);

impl Transports {
    /// TCP over IPv4.
    pub(crate) const TCP4: Self = Self(1);
    /// UDP over IPv4.
    pub(crate) const UDP4: Self = Self(2);
    /// TCP over IPv6.
    pub(crate) const TCP6: Self = Self(4);
    /// UDP over IPv6.
    pub(crate) const UDP6: Self = Self(8);

    /// Whether all of `others` are among them.
    #[inline]
    pub(crate) const fn contains(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    const fn intersects(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }
}

impl BitAnd for Transports {
    type Output = Self;

    #[inline]
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl BitOr for Transports {
    type Output = Self;

    #[inline]
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Has the host compute the checksum of the transport whose header is at `offset`. [`None`] if that
/// is too far.
#[inline]
pub(crate) fn checksum(transport: Transports, offset: usize) -> Option<Info> {
    const IPV4: u32 = 1;
    const IPV6: u32 = 2;
    const TCP: u32 = 4;
    const UDP: u32 = 8;

    let v4 = Transports::TCP4 | Transports::UDP4;
    let tcp = Transports::TCP4 | Transports::TCP6;
    let version = if transport.intersects(v4) { IPV4 } else { IPV6 };
    let layer = if transport.intersects(tcp) { TCP } else { UDP };
    let value = version | layer | header_offset(offset)? << 16;
    Some(Info::new(InfoType::CHECKSUM, value))
}

/// Has the host cut a frame into segments of `mss` bytes of TCP, whose header is at `offset`.
/// [`None`] if a number is too large.
#[inline]
pub(crate) fn large_send(is_ipv6: bool, mss: u32, offset: usize) -> Option<Info> {
    const MSS_LIMIT: u32 = 1 << 20;
    const SECOND_VERSION: u32 = 1 << 30;
    const IPV6: u32 = 1 << 31;

    if mss >= MSS_LIMIT {
        return None;
    }
    let version = if is_ipv6 { IPV6 } else { 0 };
    let value = mss | header_offset(offset)? << 20 | SECOND_VERSION | version;
    Some(Info::new(InfoType::LARGE_SEND, value))
}

/// Where a header is, in 10 bits.
#[inline]
fn header_offset(offset: usize) -> Option<u32> {
    u32::try_from(offset)
        .ok()
        .filter(|&offset| offset < 1 << 10)
}
