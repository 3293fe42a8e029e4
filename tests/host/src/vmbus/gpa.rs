// SPDX-License-Identifier: GPL-2.0

//! Buffers in guest memory, described page by page.
//!
//! The guest names a buffer by a length, an offset into its first page and a list of page frame
//! numbers: in GPA-direct packets and in GPADLs. Nothing here trusts such a list.

use vm_memory::{Bytes as _, GuestAddress, GuestMemoryBackend as _, GuestMemoryMmap};

/// The page size of the protocol, whatever the guest's own is.
pub const PAGE_SIZE: usize = 4096;

/// The largest page frame number whose address fits 64 bits.
const MAX_PFN: u64 = u64::MAX / PAGE_SIZE as u64;

/// Why a guest buffer could not be accessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MemoryError {
    /// There is no memory at this guest address.
    #[error("no guest memory at {address:#x}")]
    Unbacked {
        /// The guest physical address.
        address: u64,
    },
    /// The access ends behind the end of the buffer.
    #[error("{len} bytes at {at} of a shorter buffer")]
    OutOfRange {
        /// Where the access starts.
        at: usize,
        /// How long it is.
        len: usize,
    },
    /// The channel that the buffer belongs to was closed.
    #[error("the channel is closed")]
    Closed,
}

/// A piece of guest memory that is to look contiguous.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GpaRange {
    /// Bytes in the range.
    pub len: u32,
    /// Where it starts, from the start of the first page.
    pub offset: u32,
    /// Its pages.
    pub pfns: Vec<u64>,
}

impl GpaRange {
    /// How many pages a range of `len` bytes at `offset` spans.
    pub fn page_count(offset: u32, len: u32) -> u64 {
        (u64::from(offset) + u64::from(len)).div_ceil(PAGE_SIZE as u64)
    }

    /// Whether the page list is long enough for the range and every address representable.
    fn is_complete(&self) -> bool {
        self.pfns.len() as u64 >= Self::page_count(self.offset, self.len)
            && self.pfns.iter().all(|&pfn| pfn <= MAX_PFN)
    }
}

/// The bytes that `ranges` describe.
pub fn total_len(ranges: &[GpaRange]) -> usize {
    ranges.iter().map(|range| range.len as usize).sum()
}

/// Walks `len` bytes at `at` of the concatenation of `ranges`, as contiguous pieces of guest
/// memory. Pages that follow each other come as one piece.
///
/// # Errors
///
/// [`MemoryError::OutOfRange`] where the ranges are shorter than `at + len` or their page lists
/// are too short. Whether there is memory behind the addresses is for the access to find out.
pub fn segments(ranges: &[GpaRange], at: usize, len: usize) -> Result<Segments<'_>, MemoryError> {
    let fits = at
        .checked_add(len)
        .is_some_and(|end| end <= total_len(ranges));
    if !fits || !ranges.iter().all(GpaRange::is_complete) {
        return Err(MemoryError::OutOfRange { at, len });
    }
    Ok(Segments {
        ranges,
        skip: at,
        left: len,
    })
}

/// The iterator of [`segments`].
#[derive(Clone, Debug)]
pub struct Segments<'a> {
    ranges: &'a [GpaRange],
    skip: usize,
    left: usize,
}

impl Iterator for Segments<'_> {
    type Item = (GuestAddress, usize);

    fn next(&mut self) -> Option<Self::Item> {
        let range = loop {
            let (first, rest) = self.ranges.split_first()?;
            match self.skip.checked_sub(first.len as usize) {
                Some(skip) => (self.skip, self.ranges) = (skip, rest),
                None => break first,
            }
        };
        let wanted = self.left.min(range.len as usize - self.skip);
        if wanted == 0 {
            return None;
        }
        let start = range.offset as usize + self.skip;
        let (page, in_page) = (start / PAGE_SIZE, start % PAGE_SIZE);
        let pages = range.pfns.get(page..)?;
        let run = pages
            .windows(2)
            .take_while(|pair| pair[0].checked_add(1) == Some(pair[1]));
        let contiguous = (1 + run.count()) * PAGE_SIZE - in_page;
        let len = wanted.min(contiguous);
        self.skip += len;
        self.left -= len;
        let base = page_address(*pages.first()?);
        Some((GuestAddress(base.0 | in_page as u64), len))
    }
}

/// The address of page `pfn`, which is at most `MAX_PFN`.
fn page_address(pfn: u64) -> GuestAddress {
    GuestAddress(pfn.saturating_mul(PAGE_SIZE as u64))
}

/// Whether all of page `pfn` is guest memory.
pub fn is_memory(memory: &GuestMemoryMmap, pfn: u64) -> bool {
    pfn <= MAX_PFN && memory.check_range(page_address(pfn), PAGE_SIZE)
}

/// Copies from the guest's buffer.
///
/// # Errors
///
/// Where the buffer is too short or not backed by memory.
pub fn read(
    memory: &GuestMemoryMmap,
    ranges: &[GpaRange],
    at: usize,
    into: &mut [u8],
) -> Result<(), MemoryError> {
    let mut rest = into;
    for (address, len) in segments(ranges, at, rest.len())? {
        let (now, later) = rest.split_at_mut(len);
        memory
            .read_slice(now, address)
            .map_err(|_| unbacked(address))?;
        rest = later;
    }
    Ok(())
}

/// Copies into the guest's buffer.
///
/// # Errors
///
/// Where the buffer is too short or not backed by memory.
pub fn write(
    memory: &GuestMemoryMmap,
    ranges: &[GpaRange],
    at: usize,
    from: &[u8],
) -> Result<(), MemoryError> {
    let mut rest = from;
    for (address, len) in segments(ranges, at, rest.len())? {
        let (now, later) = rest.split_at(len);
        memory
            .write_slice(now, address)
            .map_err(|_| unbacked(address))?;
        rest = later;
    }
    Ok(())
}

/// The error for an address without memory.
pub(super) fn unbacked(address: GuestAddress) -> MemoryError {
    MemoryError::Unbacked { address: address.0 }
}
