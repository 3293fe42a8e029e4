// SPDX-License-Identifier: GPL-2.0

//! Packets in a ring.
//!
//! A packet is a [`Descriptor`], for some kinds a header of their own, the payload, zeros up to a
//! multiple of 8 bytes, and a trailer of 8 bytes that no length counts.

use zerocopy::{
    little_endian::{
        U16,
        U32, //
    },
    FromBytes,
    IntoBytes, //
};
use zerocopy_derive::{
    FromBytes,
    Immutable,
    IntoBytes,
    KnownLayout,
    Unaligned, //
};

/// The unit in which lengths are given, and the alignment of packets.
pub const UNIT: usize = 8;

/// The length of a descriptor.
pub const DESCRIPTOR_LEN: usize = size_of::<Descriptor>();

/// The length of what follows a packet: the index at which it began, in the upper half.
pub const TRAILER_LEN: usize = 8;

/// [`Descriptor::flags`]: the receiver is to send a completion.
pub const COMPLETION_REQUESTED: u16 = 1;

open_enum! {
    /// The kind of a packet.
    pub struct Kind(u16) {
        /// The payload is all there is.
        INBAND = 6,
        /// The payload is about ranges of memory that was shared before: [`TransferPages`].
        TRANSFER_PAGES = 7,
        /// The payload is about pages of the guest: [`GpaDirect`].
        GPA_DIRECT = 9,
        /// The answer to a packet.
        COMPLETION = 0xb,
    }
}

/// What a packet begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Descriptor {
    /// The kind of packet.
    pub kind: Kind,
    /// Where the payload begins, in units of 8 bytes.
    pub offset8: u16,
    /// Where it ends, in units of 8 bytes.
    pub len8: u16,
    /// [`COMPLETION_REQUESTED`].
    pub flags: u16,
    /// Names the packet; a completion has the name of what it answers.
    pub transaction: u64,
}

impl Descriptor {
    /// Where the payload begins.
    #[inline]
    pub const fn offset(&self) -> usize {
        self.offset8 as usize * UNIT
    }

    /// The length of the packet without its trailer.
    #[inline]
    pub const fn len(&self) -> usize {
        self.len8 as usize * UNIT
    }

    /// Whether the packet has no bytes, which no valid one has.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.len8 == 0
    }
}

/// What follows the descriptor of a [`Kind::GPA_DIRECT`] packet of one range; the page numbers,
/// 64 bits each, come next.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct GpaDirect {
    reserved: u32,
    pub(crate) range_count: u32,
    pub(crate) len: u32,
    pub(crate) offset: u32,
}

impl GpaDirect {
    /// The header for `len` bytes that begin at `offset` in the first page.
    #[inline]
    pub const fn new(len: u32, offset: u32) -> Self {
        Self {
            reserved: 0,
            range_count: 1,
            len,
            offset,
        }
    }
}

/// Guest memory that a packet is about.
#[derive(Clone, Copy, Debug)]
pub struct GpaRange<'a> {
    /// The number of bytes.
    pub len: u32,
    /// Where they begin in the first page.
    pub offset: u32,
    /// The pages, in units of [`super::HV_PAGE_SIZE`].
    pub pfns: &'a [u64],
}

/// Guest memory that a packet is about, in several ranges: a header, and for each range its length,
/// its offset and its page numbers.
#[derive(Clone, Debug)]
pub struct GpaList {
    words: [u64; Self::WORDS],
    len: usize,
}

impl GpaList {
    /// The most pages in all ranges together.
    pub const MAX_PAGES: usize = 32;

    /// A header, and as many ranges as pages.
    const WORDS: usize = 1 + 2 * Self::MAX_PAGES;

    /// No ranges.
    #[inline]
    pub const fn new() -> Self {
        Self {
            words: [0; Self::WORDS],
            len: 1,
        }
    }

    /// Adds `len` bytes, not 0, that begin at `offset` in page `pfn` and go on in the pages of the
    /// following numbers, in units of [`super::HV_PAGE_SIZE`]. Answers [`None`] when there is no
    /// room.
    #[inline]
    #[must_use]
    pub fn push(&mut self, pfn: u64, offset: u32, len: u32) -> Option<()> {
        let end = u64::from(offset) + u64::from(len);
        let pages = usize::try_from(end.div_ceil(super::HV_PAGE_SIZE as u64)).ok()?;
        let (first, pfns) = self
            .words
            .get_mut(self.len..)?
            .get_mut(..pages.checked_add(1)?)?
            .split_first_mut()?;
        *first = u64::from(len) | u64::from(offset) << 32;
        for (word, pfn) in pfns.iter_mut().zip(pfn..) {
            *word = pfn;
        }
        self.len += 1 + pages;
        // The upper half of the header is the number of ranges, of which there are few.
        self.words[0] = self.words[0].wrapping_add(1 << 32);
        Some(())
    }

    /// What follows the descriptor.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        self.words.get(..self.len).unwrap_or_default().as_bytes()
    }
}

impl Default for GpaList {
    fn default() -> Self {
        Self::new()
    }
}

/// What follows the descriptor of a [`Kind::TRANSFER_PAGES`] packet.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct TransferPages {
    /// The name of the memory.
    pub set: U16,
    /// Whether the sender owns the memory.
    pub sender_owns_set: u8,
    reserved: u8,
    pub(crate) range_count: U32,
}

/// A range of memory that was shared before.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct TransferRange {
    /// The number of bytes. Not checked.
    pub len: U32,
    /// Where they begin. Not checked.
    pub offset: U32,
}

impl TransferPages {
    /// Reads a header with its ranges from what is between descriptor and payload; [`None`] when
    /// fewer ranges are there than it claims.
    #[inline]
    pub fn parse(bytes: &[u8]) -> Option<(&Self, &[TransferRange])> {
        let (header, rest) = Self::ref_from_prefix(bytes).ok()?;
        let count = usize::try_from(header.range_count.get()).ok()?;
        let (ranges, _) = <[TransferRange]>::ref_from_prefix_with_elems(rest, count).ok()?;
        Some((header, ranges))
    }
}

/// What follows a packet that began at index `start`.
#[inline]
pub const fn trailer(start: u32) -> u64 {
    (start as u64) << 32
}
