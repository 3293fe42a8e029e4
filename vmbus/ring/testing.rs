// SPDX-License-Identifier: GPL-2.0

//! A ring as the host sees it, for tests: pages that it knows by their numbers only.

use super::{
    index::Size,
    order,
    shared::{
        Shared,
        Word, //
    }, //
};
use crate::{
    hv::testing::virtual_address,
    wire::HV_PAGE_SIZE, //
};
use kernel::prelude::*;

/// The pages of one ring.
///
/// # Invariants
///
/// They are pages that a guest has shared and not taken back: the header, and `size` bytes of data.
pub(crate) struct HostRing {
    pfns: KVec<u64>,
    size: Size,
}

impl HostRing {
    /// A ring in shared pages, the first of which is the header.
    ///
    /// # Errors
    ///
    /// `EINVAL` where these are too few; `ENOMEM`.
    ///
    /// # Safety
    ///
    /// The pages stay shared as long as the ring exists.
    pub(crate) unsafe fn new(pages: &[u64]) -> Result<Self> {
        let mut pfns = KVec::new();
        pfns.extend_from_slice(pages, GFP_KERNEL)?;
        let data = pages.len().checked_sub(1).ok_or(EINVAL)?;
        // INVARIANT: By the safety requirement.
        Ok(Self {
            pfns,
            size: Size::new(data * HV_PAGE_SIZE).ok_or(EINVAL)?,
        })
    }

    /// The same ring once more.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn again(&self) -> Result<Self> {
        let mut pfns = KVec::new();
        pfns.extend_from_slice(&self.pfns, GFP_KERNEL)?;
        // INVARIANT: By that of the other one, which tests do not drop first.
        Ok(Self {
            pfns,
            size: self.size,
        })
    }

    /// Where a page is.
    fn page(&self, index: usize) -> Option<*mut u8> {
        let pfn = *self.pfns.get(index)?;
        Some(virtual_address(pfn * HV_PAGE_SIZE as u64))
    }

    fn word(&self, word: Word) -> *mut u32 {
        // There is a header.
        let header = self.page(0).unwrap_or(core::ptr::null_mut());
        // CAST: The value of the enumeration is the offset.
        header.wrapping_add(word as usize).cast()
    }

    /// Calls `f` for each byte of the data from `at` on, with its number and its address.
    fn each(&self, at: u32, len: usize, f: impl Fn(usize, *mut u8)) -> Option<()> {
        for index in 0..len {
            // CAST: Widening.
            let offset = (at as usize + index) % self.size.get() as usize;
            let page = self.page(1 + offset / HV_PAGE_SIZE)?;
            f(index, page.wrapping_add(offset % HV_PAGE_SIZE));
        }
        Some(())
    }
}

impl Shared for HostRing {
    fn size(&self) -> Size {
        self.size
    }

    fn load(&self, word: Word) -> u32 {
        // SAFETY: By the type invariant, the header is there, and all its words are aligned.
        unsafe { order::load(self.word(word)) }
    }

    fn load_acquire(&self, word: Word) -> u32 {
        // SAFETY: As in `load`.
        unsafe { order::load_acquire(self.word(word)) }
    }

    fn store(&self, word: Word, value: u32) {
        // SAFETY: As in `load`.
        unsafe { order::store(self.word(word), value) }
    }

    fn store_release(&self, word: Word, value: u32) {
        // SAFETY: As in `load`.
        unsafe { order::store_release(self.word(word), value) }
    }

    fn full_barrier(&self) {
        order::full_barrier();
    }

    fn copy_out(&self, at: u32, into: &mut [u8]) -> Option<()> {
        let start = into.as_mut_ptr();
        self.each(at, into.len(), |index, byte| {
            // SAFETY: By the type invariant, the byte is in a page that is there; the index is less
            // than the length of the slice, which is elsewhere.
            unsafe { start.add(index).write(byte.read_volatile()) };
        })
    }

    fn copy_in(&self, at: u32, from: &[u8]) -> Option<()> {
        self.each(at, from.len(), |index, byte| {
            if let Some(value) = from.get(index) {
                // SAFETY: By the type invariant, the byte is in a page that is there.
                unsafe { byte.write_volatile(*value) };
            }
        })
    }
}
