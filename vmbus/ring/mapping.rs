// SPDX-License-Identifier: GPL-2.0

//! The memory of one ring, in the kernel's address space.
//!
//! A ring is a header page and data pages. The data pages are mapped twice, one copy after the
//! other, so that a packet that crosses the end of the ring is contiguous all the same.

use super::{
    host_memory::HostMemory,
    index::Size,
    layout::Layout,
    order,
    pages::hv_pfn,
    shared::{
        Shared,
        Word, //
    }, //
};
use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};

/// The memory of a ring.
///
/// # Invariants
///
/// `memory` is the header page and twice the data, which are `size` bytes.
pub struct RingMemory {
    memory: HostMemory,
    size: Size,
}

impl RingMemory {
    /// Allocates a ring of `bytes` bytes, header included, if possible from memory node `node`.
    ///
    /// # Errors
    ///
    /// `EINVAL` when the size is not a multiple of the kernel's page size, less than two pages, or
    /// too much. `ENOMEM`.
    pub(super) fn allocate(bytes: usize, node: i32) -> Result<Self> {
        if bytes % PAGE_SIZE != 0 {
            return Err(EINVAL);
        }
        let size = bytes
            .checked_sub(PAGE_SIZE)
            .and_then(Size::new)
            .ok_or(EINVAL)?;
        // INVARIANT: All pages but the first are the data.
        Ok(Self {
            memory: HostMemory::of_pages(bytes / PAGE_SIZE, node, 1)?,
            size,
        })
    }

    /// The number of the hypervisor's pages that the host gets.
    pub(super) fn hv_pages(&self) -> usize {
        self.layout().count()
    }

    /// The number of page `index` of those.
    pub(super) fn hv_pfn(&self, index: usize) -> Option<u64> {
        hv_pfn(self.memory.pages(), self.layout(), index)
    }

    fn layout(&self) -> Layout {
        Layout::ring(self.memory.pages().len(), PAGE_SIZE)
    }

    /// Never frees the pages.
    pub(super) fn leak(&self) {
        self.memory.leak();
    }

    #[inline]
    fn word(&self, word: Word) -> *mut u32 {
        // CAST: The value of the enumeration is the offset.
        self.memory.as_ptr().wrapping_add(word as usize).cast()
    }
}

impl Shared for RingMemory {
    #[inline]
    fn size(&self) -> Size {
        self.size
    }

    #[inline]
    fn load(&self, word: Word) -> u32 {
        // SAFETY: By the type invariant, the header is there, and all its words are aligned.
        unsafe { order::load(self.word(word)) }
    }

    #[inline]
    fn load_acquire(&self, word: Word) -> u32 {
        // SAFETY: By the type invariant, the header is there, and all its words are aligned.
        unsafe { order::load_acquire(self.word(word)) }
    }

    #[inline]
    fn store(&self, word: Word, value: u32) {
        // SAFETY: By the type invariant, the header is there, and all its words are aligned.
        unsafe { order::store(self.word(word), value) }
    }

    #[inline]
    fn store_release(&self, word: Word, value: u32) {
        // SAFETY: By the type invariant, the header is there, and all its words are aligned.
        unsafe { order::store_release(self.word(word), value) }
    }

    #[inline]
    fn full_barrier(&self) {
        order::full_barrier();
    }

    #[inline]
    fn copy_out(&self, at: u32, into: &mut [u8]) -> Option<()> {
        // CAST: Widening.
        self.memory.copy_out(PAGE_SIZE + at as usize, into)
    }

    #[inline]
    fn copy_in(&self, at: u32, from: &[u8]) -> Option<()> {
        // CAST: Widening.
        self.memory.copy_in(PAGE_SIZE + at as usize, from)
    }

    #[inline(always)]
    fn copy_in_all<const N: usize>(&self, at: u32, pieces: [&[u8]; N]) -> Option<()> {
        // CAST: Widening.
        self.memory.copy_in_all(PAGE_SIZE + at as usize, pieces)
    }
}
