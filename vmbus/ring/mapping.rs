// SPDX-License-Identifier: GPL-2.0

//! The memory of one ring, in the kernel's address space.
//!
//! A ring is a header page and data pages. The data pages are mapped twice, one copy after the
//! other, so that a packet that crosses the end of the ring is contiguous all the same. This file
//! alone touches the memory; it copies, and never makes a reference into it.

use super::{
    index::Size,
    order,
    pages::ZeroedPage,
    shared::{
        Shared,
        Word, //
    }, //
};
use crate::bindings;
use core::{
    mem::ManuallyDrop,
    ptr::NonNull,
    slice::from_ref, //
};
use kernel::{
    page::PAGE_SIZE,
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

/// The memory of a ring.
///
/// # Invariants
///
/// `base` is the address of a mapping that this object owns: of the first of `pages`, which is the
/// header, and twice of all the others, which are `size` bytes. The mapping is readable, writable,
/// and aligned to a page.
pub struct RingMemory {
    base: NonNull<u8>,
    size: Size,
    pages: ManuallyDrop<KVec<ZeroedPage>>,
    leaked: Atomic<bool>,
}

// SAFETY: The mapping belongs to no task and no processor.
unsafe impl Send for RingMemory {}

// SAFETY: Through a shared reference, the memory is copied and its words are accessed as `order`
// wants it. It is never borrowed.
unsafe impl Sync for RingMemory {}

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
        let count = bytes / PAGE_SIZE;
        let mut pages = KVec::with_capacity(count, GFP_KERNEL)?;
        for _ in 0..count {
            pages.push(ZeroedPage::new(node)?, GFP_KERNEL)?;
        }
        let base = map(&pages)?;
        // INVARIANT: These pages were just mapped so, and nobody else knows the mapping.
        Ok(Self {
            base,
            size,
            pages: ManuallyDrop::new(pages),
            leaked: Atomic::new(false),
        })
    }

    /// The pages, the first of which is the header.
    pub(super) fn pages(&self) -> &[ZeroedPage] {
        &self.pages
    }

    /// Never frees the pages.
    pub(super) fn leak(&self) {
        self.leaked.store(true, Relaxed);
    }

    #[inline]
    fn word(&self, word: Word) -> *mut u32 {
        // CAST: The value of the enumeration is the offset.
        self.base.as_ptr().wrapping_add(word as usize).cast()
    }

    /// The address of `len` bytes of data at `at`; [`None`] when they are not in the mapping.
    #[inline]
    fn data(&self, at: u32, len: usize) -> Option<*mut u8> {
        let mapped = 2 * self.size.get() as usize;
        if len > mapped || at as usize > mapped - len {
            return None;
        }
        Some(
            self.base
                .as_ptr()
                .wrapping_add(PAGE_SIZE)
                .wrapping_add(at as usize),
        )
    }
}

/// Maps the first of `pages` once, followed by all the others twice.
fn map(pages: &[ZeroedPage]) -> Result<NonNull<u8>> {
    let (header, data) = pages.split_first().ok_or(EINVAL)?;
    let mut all = KVec::with_capacity(1 + 2 * data.len(), GFP_KERNEL)?;
    for page in [from_ref(header), data, data].into_iter().flatten() {
        all.push(page.as_ptr(), GFP_KERNEL)?;
    }
    let count = u32::try_from(all.len())?;
    // SAFETY: `all` are `count` valid pages. The function only reads the list.
    let base = unsafe { bindings::hv_rust_ring_map(all.as_mut_ptr(), count) };
    NonNull::new(base.cast()).ok_or(ENOMEM)
}

impl Drop for RingMemory {
    fn drop(&mut self) {
        // SAFETY: By the type invariant, this object owns the mapping, and this is the last use.
        unsafe { bindings::hv_rust_ring_unmap(self.base.as_ptr().cast()) };
        if !self.leaked.load(Relaxed) {
            // SAFETY: The field is not used any more.
            unsafe { ManuallyDrop::drop(&mut self.pages) };
        }
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
        let from = self.data(at, into.len())?;
        // SAFETY: `data` says that the source is in the mapping. The destination is private memory
        // and therefore elsewhere. What the host writes meanwhile makes the copy meaningless, not
        // unsound: any bytes are valid.
        unsafe { from.copy_to_nonoverlapping(into.as_mut_ptr(), into.len()) };
        // From here on, the compiler must not look at the source in place of the copy.
        order::compiler_barrier();
        Some(())
    }

    #[inline]
    fn copy_in(&self, at: u32, from: &[u8]) -> Option<()> {
        let into = self.data(at, from.len())?;
        // SAFETY: `data` says that the destination is in the mapping. The source is private memory
        // and therefore elsewhere.
        unsafe { into.copy_from_nonoverlapping(from.as_ptr(), from.len()) };
        Some(())
    }
}
