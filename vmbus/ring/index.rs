// SPDX-License-Identifier: GPL-2.0

//! Arithmetic on the indices of a ring, and the rules for signals.
//!
//! An index is an offset into the data of a ring. Reader and writer are at the same index when the
//! ring is empty, so the writer never fills it to the last byte.
//!
//! The host can put any value where an index should be. [`Size::check`] filters those out; beyond
//! that, all arithmetic here is total: nonsense goes in, nonsense comes out, nothing overflows.

use core::num::NonZeroU32;

/// The size of the data of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(NonZeroU32);

impl Size {
    /// The largest ring: small enough that an index and a length always add up.
    pub const MAX: usize = 1 << 30;

    /// A ring of `bytes` bytes of data: a multiple of 8, more than 0, and at most [`Self::MAX`].
    #[inline]
    pub const fn new(bytes: usize) -> Option<Self> {
        if bytes & 7 != 0 || bytes > Self::MAX {
            return None;
        }
        // CAST: `MAX` is less than 2^32.
        match NonZeroU32::new(bytes as u32) {
            Some(bytes) => Some(Self(bytes)),
            None => None,
        }
    }

    /// The size in bytes.
    #[inline]
    pub const fn get(self) -> u32 {
        self.0.get()
    }

    /// `index`, if it is one of this ring at which a packet can begin.
    #[inline]
    pub const fn check(self, index: u32) -> Option<u32> {
        if index < self.get() && index & 7 == 0 {
            Some(index)
        } else {
            None
        }
    }

    /// How far it is from index `from` onwards to index `to`.
    #[inline]
    pub const fn distance(self, from: u32, to: u32) -> u32 {
        let linear = to.wrapping_sub(from);
        if to >= from {
            linear
        } else {
            linear.wrapping_add(self.get())
        }
    }

    /// The number of bytes that wait for the reader.
    #[inline]
    pub const fn used(self, read: u32, write: u32) -> u32 {
        self.distance(read, write)
    }

    /// The number of bytes that do not; the writer may use all but one of them.
    #[inline]
    pub const fn free(self, read: u32, write: u32) -> u32 {
        self.get().wrapping_sub(self.used(read, write))
    }

    /// The index `by` bytes after `index`, where `by` is at most the size of the ring.
    #[inline]
    pub const fn advance(self, index: u32, by: u32) -> u32 {
        let linear = index.wrapping_add(by);
        if linear >= self.get() {
            linear.wrapping_sub(self.get())
        } else {
            linear
        }
    }

    /// Whether `bytes` bytes are more than `percent` percent of the ring with a header of `header`
    /// bytes, in whole percents. The header counts as if it were in use, as in the C driver.
    #[inline]
    pub fn is_above_percent(self, bytes: u32, percent: u32, header: u32) -> bool {
        let whole = u64::from(self.get()).wrapping_add(header.into());
        u64::from(bytes) * 100 >= whole.wrapping_mul(u64::from(percent).wrapping_add(1))
    }
}

/// Whether the other end is to be signalled by a writer that began at index `old_write`, as seen
/// after the new index was published.
///
/// Only the step from empty to not empty deserves a signal. A host slows down guests that signal
/// for anything else.
#[inline]
pub const fn signal_after_write(mask: u32, old_write: u32, read: u32) -> bool {
    mask == 0 && old_write == read
}

/// Whether the other end is to be signalled by a reader that freed `freed` bytes, so that now
/// `free` are free. The writer waits for more than `pending` free bytes, or for nothing if 0.
///
/// Only the step from too little to enough room deserves a signal. When the writer has used more
/// than there was before, it saw the room itself: the difference wraps to a large number.
#[inline]
pub const fn signal_after_read(pending: u32, free: u32, freed: u32) -> bool {
    let free_before = free.wrapping_sub(freed);
    pending != 0 && free_before <= pending && free > pending
}

/// The size of a ring with room for `payload` bytes, in memory whose pages have `page` bytes, a
/// power of 2.
///
/// The header takes a page of its own. It is stolen from the data where that costs at most an
/// eighth of them. What is far too much stays far too much.
#[inline]
pub const fn ring_bytes(payload: usize, page: usize) -> usize {
    let header = if payload / 8 >= page { 0 } else { page };
    let last = page.wrapping_sub(1);
    payload.saturating_add(header).saturating_add(last) & !last
}
