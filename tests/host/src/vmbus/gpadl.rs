// SPDX-License-Identifier: GPL-2.0

//! GPADLs: lists of pages that the guest shares, sent in pieces.
//!
//! Guests send one range a list; only that is accepted. A list that turns out wrong is still
//! followed to its last piece, and then refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use vm_memory::GuestMemoryMmap;

use super::gpa::{GpaRange, PAGE_SIZE, is_memory};
use super::shared::Lease;
use super::violation::Fault;
use super::wire::{GpadlBody, GpadlHeader};

/// The most pages that the lists of a guest may have together (4 GiB).
const MAX_PAGES: u64 = 1 << 20;
/// The most lists that a guest may have.
const MAX_LISTS: usize = 8192;

/// One list.
#[derive(Debug)]
struct Gpadl {
    relid: u32,
    byte_count: u32,
    byte_offset: u32,
    pfns: Vec<u64>,
    missing: u64,
    fault: Option<&'static str>,
    /// Cloned for each device that uses the pages.
    lease: Arc<Lease>,
}

impl Drop for Gpadl {
    fn drop(&mut self) {
        self.lease.end();
    }
}

/// The lists of a connection by handle.
#[derive(Debug, Default)]
pub(super) struct Gpadls(BTreeMap<u32, Gpadl>);

/// What a piece led to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// More pieces are to come.
    Incomplete,
    /// The list is complete; the error is to be told to the guest.
    Complete {
        relid: u32,
        gpadl: u32,
        result: Result<(), Fault>,
    },
    /// The piece is not acceptable and has no answer.
    Ignored(Fault),
}

impl Gpadls {
    /// Starts a list with the pages that the header message has.
    pub(super) fn start(
        &mut self,
        memory: &GuestMemoryMmap,
        header: &GpadlHeader,
        pfns: &[u64],
    ) -> Progress {
        let (relid, handle) = (header.relid.get(), header.gpadl.get());
        if self.0.contains_key(&handle) {
            let result = Err(Fault::GpadlExists(handle));
            return Progress::Complete {
                relid,
                gpadl: handle,
                result,
            };
        }
        let (byte_count, byte_offset) = (header.byte_count.get(), header.byte_offset.get());
        let pages = GpaRange::page_count(byte_offset, byte_count);
        let shared: usize = self.0.values().map(|gpadl| gpadl.pfns.capacity()).sum();
        let full = self.0.len() >= MAX_LISTS || shared as u64 + pages > MAX_PAGES;
        let fault = header_fault(header, pages).or(full.then_some("too many pages shared"));
        let pfns_wanted = if fault.is_none() { pages as usize } else { 0 };
        let gpadl = Gpadl {
            relid,
            byte_count,
            byte_offset,
            pfns: Vec::with_capacity(pfns_wanted),
            missing: pages,
            fault,
            lease: Arc::default(),
        };
        self.0.insert(handle, gpadl);
        self.add(memory, handle, pfns)
    }

    /// Continues a list.
    pub(super) fn body(
        &mut self,
        memory: &GuestMemoryMmap,
        body: &GpadlBody,
        pfns: &[u64],
    ) -> Progress {
        let handle = body.gpadl.get();
        match self.0.get(&handle) {
            Some(gpadl) if gpadl.missing > 0 => self.add(memory, handle, pfns),
            _ => Progress::Ignored(Fault::UnknownGpadl(handle)),
        }
    }

    fn add(&mut self, memory: &GuestMemoryMmap, handle: u32, pfns: &[u64]) -> Progress {
        let Some(gpadl) = self.0.get_mut(&handle) else {
            return Progress::Ignored(Fault::UnknownGpadl(handle));
        };
        let surplus = pfns.len() as u64 > gpadl.missing;
        gpadl.missing = gpadl.missing.saturating_sub(pfns.len() as u64);
        if surplus {
            gpadl.fault.get_or_insert("more pages than its length");
        } else if !pfns.iter().all(|&pfn| is_memory(memory, pfn)) {
            gpadl.fault.get_or_insert("a page that is not memory");
        }
        if gpadl.fault.is_none() {
            gpadl.pfns.extend_from_slice(pfns);
        }
        if gpadl.missing > 0 {
            return Progress::Incomplete;
        }
        let (relid, fault) = (gpadl.relid, gpadl.fault);
        let result = match fault {
            None => Ok(()),
            Some(what) => {
                self.0.remove(&handle);
                Err(Fault::BadGpadl { handle, what })
            }
        };
        Progress::Complete {
            relid,
            gpadl: handle,
            result,
        }
    }

    /// Forgets a list. Returns whether it was there.
    pub(super) fn remove(&mut self, relid: u32, handle: u32) -> bool {
        let known = self
            .0
            .get(&handle)
            .is_some_and(|gpadl| gpadl.relid == relid);
        known && self.0.remove(&handle).is_some()
    }

    /// Whether a device uses the pages of a list.
    pub(super) fn is_used(&self, handle: u32) -> bool {
        self.0
            .get(&handle)
            .is_some_and(|gpadl| Arc::strong_count(&gpadl.lease) > 1)
    }

    /// The pages as [`Self::pages`], which are in use as long as the second half of the pair lives,
    /// and which the host may use as long as that says so.
    pub(super) fn lend(&self, relid: u32, handle: u32) -> Option<(Vec<u64>, Arc<Lease>)> {
        let pages = self.pages(relid, handle)?.to_vec();
        let lease = Arc::clone(&self.0.get(&handle)?.lease);
        Some((pages, lease))
    }

    /// Forgets the lists of a channel.
    pub(super) fn remove_channel(&mut self, relid: u32) {
        self.0.retain(|_, gpadl| gpadl.relid != relid);
    }

    /// How many pages the lists of a channel have.
    pub(super) fn shared_pages(&self, relid: u32) -> usize {
        let lists = self.0.values().filter(|gpadl| gpadl.relid == relid);
        lists.map(|gpadl| gpadl.pfns.len()).sum()
    }

    /// How many lists there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The pages of the complete list `handle` of channel `relid`, if it consists of whole pages.
    pub(super) fn pages(&self, relid: u32, handle: u32) -> Option<&[u64]> {
        let gpadl = self.0.get(&handle)?;
        let whole = gpadl.byte_offset == 0 && (gpadl.byte_count as usize).is_multiple_of(PAGE_SIZE);
        (whole && gpadl.relid == relid && gpadl.missing == 0).then_some(&gpadl.pfns)
    }
}

/// What is wrong with a header message on its own.
fn header_fault(header: &GpadlHeader, pages: u64) -> Option<&'static str> {
    let range_bytes = (8 + 8 * pages) as u16;
    if header.range_count.get() != 1 {
        Some("not exactly one range")
    } else if pages == 0 {
        Some("no pages")
    } else if header.range_bytes.get() != range_bytes {
        Some("its size in bytes is not that of its pages")
    } else {
        None
    }
}
