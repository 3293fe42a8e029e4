// SPDX-License-Identifier: GPL-2.0

//! Which of the hypervisor's pages memory is made of, in a kernel whose pages may be larger.
//!
//! The host counts in pages of [`HV_PAGE_SIZE`]. A kernel for arm64 may have pages of 16 or 64 KiB,
//! each of which is several of those.

use crate::wire::HV_PAGE_SIZE;

/// A page of the hypervisor's, as a part of one of the kernel's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which of the kernel's pages it is in, counted from the start of the memory.
    pub page: usize,
    /// Which of the hypervisor's pages within that.
    pub part: usize,
}

/// The pages of memory that is shared as a whole, or of one ring.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// How many of the kernel's pages there are.
    pages: usize,
    /// How many of the hypervisor's pages are in one of them.
    parts: usize,
    /// How many of the hypervisor's pages at the end of the first one are not shared.
    skipped: usize,
}

impl Layout {
    /// That of memory of `pages` pages of `page_size` bytes each, all of which is shared.
    #[inline]
    pub const fn whole(pages: usize, page_size: usize) -> Self {
        Self {
            pages,
            parts: page_size / HV_PAGE_SIZE,
            skipped: 0,
        }
    }

    /// That of a ring, the first page of which has the header, and is shared no further than that:
    /// the kernel has the data begin at a page of its own, the host at the next one of its own.
    #[inline]
    pub const fn ring(pages: usize, page_size: usize) -> Self {
        let whole = Self::whole(pages, page_size);
        Self {
            skipped: whole.parts.saturating_sub(1),
            ..whole
        }
    }

    /// The number of the hypervisor's pages that are shared.
    #[inline]
    pub const fn count(&self) -> usize {
        self.pages
            .saturating_mul(self.parts)
            .saturating_sub(self.skipped)
    }

    /// Where page `index` of the shared ones is; [`None`] if there are not so many.
    #[inline]
    pub fn place(&self, index: usize) -> Option<Place> {
        if index >= self.count() {
            return None;
        }
        let at = if index < self.parts - self.skipped {
            index
        } else {
            index + self.skipped
        };
        Some(Place {
            page: at.checked_div(self.parts)?,
            part: at.checked_rem(self.parts)?,
        })
    }
}
