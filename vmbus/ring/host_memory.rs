// SPDX-License-Identifier: GPL-2.0

//! Memory for a device to read and write, in the kernel's address space.
//!
//! The host can change it at any moment. Therefore it is only ever copied, and nobody gets a
//! reference into it.

use super::{
    layout::Layout,
    pages::{
        hv_pfn,
        ZeroedPage, //
    }, //
};
use crate::{
    bindings,
    sync::{
        compiler_barrier,
        Atomic, //
    }, //
};
use core::{
    mem::{
        ManuallyDrop,
        MaybeUninit, //
    },
    ptr::NonNull, //
};
use kernel::{
    page::PAGE_SIZE,
    prelude::*,
    sync::atomic::{
        Relaxed, //
    }, //
};
use zerocopy::FromBytes;

/// Whole pages of memory, contiguous for the kernel only.
///
/// # Invariants
///
/// `base` is the address of a mapping that this object owns: of all of `pages`, some of which may
/// follow a second time, which are `len` bytes. The mapping is readable, writable, and aligned to a
/// page.
pub struct HostMemory {
    base: NonNull<u8>,
    len: usize,
    pages: ManuallyDrop<KVVec<ZeroedPage>>,
    leaked: Atomic<bool>,
}

// SAFETY: The mapping belongs to no task and no processor.
unsafe impl Send for HostMemory {}

// SAFETY: Through a shared reference, the memory is only copied. It is never borrowed.
unsafe impl Sync for HostMemory {}

impl HostMemory {
    /// Allocates `bytes` bytes, rounded up to whole pages, if possible of memory node `node`. They
    /// begin with zeros.
    ///
    /// # Errors
    ///
    /// `EINVAL` for no bytes, `ENOMEM`.
    pub fn allocate(bytes: usize, node: i32) -> Result<Self> {
        let count = bytes.div_ceil(PAGE_SIZE);
        Self::of_pages(count, node, count)
    }

    /// Allocates and maps `count` pages, of which those from `again` on follow a second time.
    ///
    /// # Errors
    ///
    /// `EINVAL` for no pages, `ENOMEM`.
    pub(super) fn of_pages(count: usize, node: i32, again: usize) -> Result<Self> {
        let mut pages = KVVec::with_capacity(count, GFP_KERNEL)?;
        for _ in 0..count {
            pages.push(ZeroedPage::new(node)?, GFP_KERNEL)?;
        }
        let twice = pages.get(again..).ok_or(EINVAL)?;
        let mapped = count + twice.len();
        let base = map([&pages[..], twice].into_iter().flatten(), mapped)?;
        // INVARIANT: These pages were just mapped so, and nobody else knows the mapping.
        Ok(Self {
            base,
            len: mapped * PAGE_SIZE,
            pages: ManuallyDrop::new(pages),
            leaked: Atomic::new(false),
        })
    }

    /// The pages.
    pub(super) fn pages(&self) -> &[ZeroedPage] {
        &self.pages
    }

    /// The number of bytes: a multiple of the size of a page.
    #[inline]
    pub fn size(&self) -> usize {
        self.len
    }

    /// Where the memory is, for who copies to it by other means. There must never be a reference
    /// into it.
    #[inline]
    pub fn as_ptr(&self) -> *mut u8 {
        self.base.as_ptr()
    }

    /// The numbers of the pages in order, in units of the hypervisor's pages.
    pub fn pfns(&self) -> impl ExactSizeIterator<Item = u64> + '_ {
        (0..self.layout().count()).map(|index| {
            // The index is of a page that is there.
            self.pfn(index).unwrap_or_default()
        })
    }

    /// The number of page `index` of the hypervisor's.
    pub fn pfn(&self, index: usize) -> Option<u64> {
        hv_pfn(&self.pages, self.layout(), index)
    }

    fn layout(&self) -> Layout {
        Layout::whole(self.pages.len(), PAGE_SIZE)
    }

    /// Never frees the memory, because the host may still use it.
    pub(crate) fn leak(&self) {
        self.leaked.store(true, Relaxed);
    }

    /// The address of `len` bytes at `at`; [`None`] when they are not in the mapping.
    #[inline]
    fn address(&self, at: usize, len: usize) -> Option<*mut u8> {
        if len > self.len || at > self.len - len {
            return None;
        }
        Some(self.base.as_ptr().wrapping_add(at))
    }

    /// Copies data out, from offset `at` on; [`None`] when they are not all there.
    #[inline]
    #[must_use]
    pub fn copy_out(&self, at: usize, into: &mut [u8]) -> Option<()> {
        let from = self.address(at, into.len())?;
        // SAFETY: `address` says that the source is in the mapping. The destination is private
        // memory and therefore elsewhere. What the host writes meanwhile makes the copy
        // meaningless, not unsound: any bytes are valid.
        unsafe { from.copy_to_nonoverlapping(into.as_mut_ptr(), into.len()) };
        // From here on, the compiler must not look at the source in place of the copy.
        compiler_barrier();
        Some(())
    }

    /// Copies a value out, from offset `at` on; [`None`] when it is not all there.
    #[inline(always)]
    #[must_use]
    pub fn copy_out_value<T: FromBytes>(&self, at: usize) -> Option<T> {
        self.copy_out_values(at, 1)?.next()
    }

    /// Copies `count` values out, one after the other, from offset `at` on; [`None`] when they are
    /// not all there. Each is copied when it is its turn, and once.
    #[inline(always)]
    pub fn copy_out_values<'a, T: FromBytes + 'a>(
        &'a self,
        at: usize,
        count: usize,
    ) -> Option<impl Iterator<Item = T> + 'a> {
        let len = count.checked_mul(size_of::<T>())?;
        let start = self.address(at, len)?.cast::<T>();
        Some((0..count).map(move |index| {
            // SAFETY: `address` says that so many values are in the mapping. As in `copy_out`, any
            // bytes are valid.
            let copy = unsafe { start.wrapping_add(index).read_unaligned() };
            compiler_barrier();
            copy
        }))
    }

    /// Copies data out into memory that was not written before; [`None`] when they are not all
    /// there.
    #[inline]
    #[must_use]
    pub fn copy_out_uninit<'a>(
        &self,
        at: usize,
        into: &'a mut [MaybeUninit<u8>],
    ) -> Option<&'a mut [u8]> {
        let (start, len) = (into.as_mut_ptr().cast::<u8>(), into.len());
        let from = self.address(at, len)?;
        // SAFETY: As in `copy_out`.
        unsafe { from.copy_to_nonoverlapping(start, len) };
        compiler_barrier();
        // SAFETY: All of `into` was just written, and it stays borrowed.
        Some(unsafe { core::slice::from_raw_parts_mut(start, len) })
    }

    /// Copies data in, from offset `at` on; [`None`] when they do not all fit.
    #[inline]
    #[must_use]
    pub fn copy_in(&self, at: usize, from: &[u8]) -> Option<()> {
        let into = self.address(at, from.len())?;
        // SAFETY: `address` says that the destination is in the mapping. The source is private
        // memory and therefore elsewhere.
        unsafe { into.copy_from_nonoverlapping(from.as_ptr(), from.len()) };
        Some(())
    }

    /// Copies several pieces in, one after the other, from offset `at` on; [`None`], and nothing is
    /// copied, when they do not all fit.
    #[inline(always)]
    #[must_use]
    pub fn copy_in_all<const N: usize>(&self, at: usize, pieces: [&[u8]; N]) -> Option<()> {
        let len = pieces
            .iter()
            .try_fold(0usize, |sum, piece| sum.checked_add(piece.len()))?;
        let mut into = self.address(at, len)?;
        for piece in pieces {
            // SAFETY: `address` says that all pieces together are in the mapping, and this one comes
            // after those before it. The source is private memory and therefore elsewhere.
            unsafe { into.copy_from_nonoverlapping(piece.as_ptr(), piece.len()) };
            into = into.wrapping_add(piece.len());
        }
        Some(())
    }
}

/// Maps `count` pages one after the other.
fn map<'a>(pages: impl Iterator<Item = &'a ZeroedPage>, count: usize) -> Result<NonNull<u8>> {
    if count == 0 {
        return Err(EINVAL);
    }
    let mut all = KVVec::with_capacity(count, GFP_KERNEL)?;
    for page in pages {
        all.push(page.as_ptr(), GFP_KERNEL)?;
    }
    let count = u32::try_from(all.len())?;
    // SAFETY: `all` are `count` valid pages. The function only reads the list.
    let base = unsafe { bindings::hv_rust_ring_map(all.as_mut_ptr(), count) };
    NonNull::new(base.cast()).ok_or(ENOMEM)
}

impl Drop for HostMemory {
    fn drop(&mut self) {
        // SAFETY: By the type invariant, this object owns the mapping, and this is the last use.
        unsafe { bindings::hv_rust_ring_unmap(self.base.as_ptr().cast()) };
        if !self.leaked.load(Relaxed) {
            // SAFETY: The field is not used any more.
            unsafe { ManuallyDrop::drop(&mut self.pages) };
        }
    }
}
