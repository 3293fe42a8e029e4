// SPDX-License-Identifier: GPL-2.0

//! A section of the send buffer, for packets to be copied to.

use crate::net::Target;
use vmbus::ring::HostMemory;

/// A part of memory that the host reads.
///
/// # Invariants
///
/// `memory` has `len` bytes at `start`.
pub(crate) struct Section<'a> {
    memory: &'a HostMemory,
    start: usize,
    len: usize,
}

impl<'a> Section<'a> {
    /// Section `index` of those of `len` bytes; [`None`] if there is no such.
    #[inline]
    pub(crate) fn new(memory: &'a HostMemory, index: u32, len: usize) -> Option<Self> {
        let start = usize::try_from(index).ok()?.checked_mul(len)?;
        if start.checked_add(len)? > memory.size() {
            return None;
        }
        // INVARIANT: As was just checked.
        Some(Self { memory, start, len })
    }

    /// Writes `bytes` at offset `at`; [`None`] if they do not fit.
    #[inline(always)]
    #[must_use]
    pub(crate) fn write(&self, at: usize, bytes: &[u8]) -> Option<()> {
        if at.checked_add(bytes.len())? > self.len {
            return None;
        }
        self.memory.copy_in(self.start + at, bytes)
    }
}

// SAFETY: By the type invariants, this is memory that the mapping has, which lives as long as it is
// borrowed, and no reference is ever made into it.
unsafe impl Target for Section<'_> {
    #[inline]
    fn address(&self) -> *mut u8 {
        self.memory.as_ptr().wrapping_add(self.start)
    }

    #[inline]
    fn len(&self) -> usize {
        self.len
    }
}
