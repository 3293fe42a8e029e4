// SPDX-License-Identifier: GPL-2.0

//! Pages to share with the host.

use super::layout::Layout;
use crate::bindings;
use core::ptr::NonNull;
use kernel::prelude::*;

/// A page of the kernel that begins with zeros.
///
/// # Invariants
///
/// The pointer is to a page that this object owns.
pub(super) struct ZeroedPage(NonNull<bindings::page>);

// SAFETY: A page belongs to no task and no processor.
unsafe impl Send for ZeroedPage {}

// SAFETY: There is no access to the page's contents through a shared reference.
unsafe impl Sync for ZeroedPage {}

impl ZeroedPage {
    /// Allocates a page of memory node `node`, or of any when that has none left.
    pub(super) fn new(node: i32) -> Result<Self> {
        // SAFETY: The function takes any node number, and this is process context.
        let page = unsafe { bindings::hv_rust_ring_page(node) };
        // INVARIANT: The page was just allocated.
        Ok(Self(NonNull::new(page).ok_or(ENOMEM)?))
    }

    /// The C page.
    pub(super) fn as_ptr(&self) -> *mut bindings::page {
        self.0.as_ptr()
    }

    /// The number of the first of the hypervisor's pages in this page.
    fn hv_pfn(&self) -> u64 {
        // SAFETY: By the type invariant, this is a page.
        unsafe { bindings::hv_rust_page_to_hvpfn(self.as_ptr()) }
    }
}

impl Drop for ZeroedPage {
    fn drop(&mut self) {
        // SAFETY: By the type invariant, this object owns the page.
        unsafe { bindings::__free_pages(self.as_ptr(), 0) };
    }
}

/// The number of page `index` of those that are shared of `pages`, in units of the hypervisor's
/// pages; [`None`] if there are not so many.
pub(super) fn hv_pfn(pages: &[ZeroedPage], layout: Layout, index: usize) -> Option<u64> {
    let place = layout.place(index)?;
    // CAST: To a type that is no narrower.
    Some(pages.get(place.page)?.hv_pfn() + place.part as u64)
}
