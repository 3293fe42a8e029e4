// SPDX-License-Identifier: GPL-2.0

//! The memory of a channel: its two rings, one after the other.

use super::{
    mapping::RingMemory,
    shared::{
        RingDebug,
        Shared,
        Word, //
    },
    Incoming,
    Outgoing, //
};
use kernel::{
    page::PAGE_SIZE,
    prelude::*,
    sync::Arc, //
};

/// The size of a ring's header.
// CAST: A small constant.
const HEADER_BYTES: u32 = PAGE_SIZE as u32;

/// Which of the two rings of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the guest to the host.
    Outgoing,
    /// From the host to the guest.
    Incoming,
}

/// The memory of a channel's two rings. Clones are the same memory.
///
/// The memory is freed with the last clone and the last end of a ring, which is to happen in
/// process context, and not before the host let go of it: otherwise [leak](Self::leak) it.
#[derive(Clone)]
pub struct RingPages {
    outgoing: Arc<RingMemory>,
    incoming: Arc<RingMemory>,
}

impl RingPages {
    /// Allocates rings of `outgoing` and `incoming` bytes, headers included, if possible from
    /// memory node `node`.
    ///
    /// # Errors
    ///
    /// `EINVAL` when a size is not a multiple of the kernel's page size, less than two pages, or
    /// too much. `ENOMEM`.
    pub fn allocate(outgoing: usize, incoming: usize, node: i32) -> Result<Self> {
        Ok(Self {
            outgoing: Arc::new(RingMemory::allocate(outgoing, node)?, GFP_KERNEL)?,
            incoming: Arc::new(RingMemory::allocate(incoming, node)?, GFP_KERNEL)?,
        })
    }

    /// Our ends of both rings, which are empty. To be called while the host does not use them.
    ///
    /// A packet from the host may have up to `max_packet` bytes, descriptor included. The log names
    /// channel `relid`.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn rings(&self, relid: u32, max_packet: usize) -> Result<(Outgoing, Incoming)> {
        self.outgoing.reset();
        self.incoming.reset();
        let incoming = Incoming::new(self.incoming.clone(), relid, max_packet)?;
        Ok((Outgoing::new(self.outgoing.clone()), incoming))
    }

    /// The numbers of the pages in the order of the GPADL, in units of the hypervisor's pages. Of
    /// the page that a header is in, the host gets the first of these only.
    pub fn pfns(&self) -> Pfns<'_> {
        let len = self.outgoing.hv_pages() + self.incoming.hv_pages();
        Pfns {
            pages: self,
            next: 0,
            len,
        }
    }

    /// Where the incoming ring begins, counted like [`Self::pfns`].
    pub fn downstream_offset(&self) -> u32 {
        // CAST: The size of a ring is a 32-bit number, not to speak of its pages.
        self.outgoing.hv_pages() as u32
    }

    /// Never frees the memory, because the host may still use it.
    pub fn leak(&self) {
        self.outgoing.leak();
        self.incoming.leak();
    }

    /// Asks the host for no signals about packets. For an interrupt handler, which does not have
    /// the [`Incoming`].
    #[inline]
    pub fn mask_incoming(&self) {
        self.incoming.store(Word::InterruptMask, 1);
        // Packets that come in before the host sees the mask are seen by who looks from now on.
        self.incoming.full_barrier();
    }

    /// The number of free bytes of the outgoing ring. A hint: it may change at any time, and the
    /// host can forge it.
    #[inline]
    pub fn free_bytes(&self) -> u32 {
        self.outgoing.free_bytes()
    }

    /// Whether more than this share of the outgoing ring is free. A hint as [`Self::free_bytes`].
    #[inline]
    pub fn is_free_above(&self, percent: u32) -> bool {
        let free = self.outgoing.free_bytes();
        self.outgoing
            .size()
            .is_above_percent(free, percent, HEADER_BYTES)
    }

    /// The state of a ring, for people.
    pub fn debug(&self, direction: Direction) -> RingDebug {
        match direction {
            Direction::Outgoing => self.outgoing.debug(),
            Direction::Incoming => self.incoming.debug(),
        }
    }
}

/// The iterator of [`RingPages::pfns`].
#[derive(Clone)]
pub struct Pfns<'a> {
    pages: &'a RingPages,
    next: usize,
    len: usize,
}

impl Iterator for Pfns<'_> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let index = self.next;
        let RingPages { outgoing, incoming } = self.pages;
        let pfn = match index.checked_sub(outgoing.hv_pages()) {
            Some(index) => incoming.hv_pfn(index),
            None => outgoing.hv_pfn(index),
        }?;
        self.next = index + 1;
        Some(pfn)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.len.saturating_sub(self.next);
        (left, Some(left))
    }
}

impl ExactSizeIterator for Pfns<'_> {}
