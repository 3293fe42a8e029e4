// SPDX-License-Identifier: GPL-2.0

//! Memory that the guest shares with a device for as long as a channel is open.

use std::sync::{Arc, RwLock, RwLockReadGuard};

use vm_memory::{Bytes as _, GuestAddress, GuestMemoryMmap};

use super::gpa::{MemoryError, PAGE_SIZE, unbacked};
use super::sync::{read_lock, write_lock};

/// The right to use the pages of a GPADL, which ends when the guest takes them back.
#[derive(Debug, Default)]
pub(super) struct Lease {
    ended: RwLock<bool>,
}

impl Lease {
    /// Ends the right. Nobody uses it any more when this returns.
    pub(super) fn end(&self) {
        *write_lock(&self.ended) = true;
    }

    /// The right, for as long as the guard lives.
    fn use_it(&self) -> Result<RwLockReadGuard<'_, bool>, MemoryError> {
        let ended = read_lock(&self.ended);
        match *ended {
            true => Err(MemoryError::Closed),
            false => Ok(ended),
        }
    }
}

/// The pages of a GPADL as one buffer. The guest may change its content at any time.
#[derive(Debug)]
pub struct SharedMemory {
    memory: Arc<GuestMemoryMmap>,
    pages: Vec<u64>,
    lease: Arc<Lease>,
}

impl SharedMemory {
    /// A buffer of `pages`, which are guest memory.
    pub(super) fn new(memory: Arc<GuestMemoryMmap>, pages: Vec<u64>, lease: Arc<Lease>) -> Self {
        Self {
            memory,
            pages,
            lease,
        }
    }

    /// The number of bytes.
    pub fn len(&self) -> usize {
        self.pages.len() * PAGE_SIZE
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    /// Copies from byte `at` on.
    ///
    /// # Errors
    ///
    /// Where the buffer ends before, or the guest has taken it back.
    pub fn read(&self, at: usize, into: &mut [u8]) -> Result<(), MemoryError> {
        let _right = self.lease.use_it()?;
        let mut rest = into;
        for (address, len) in self.pieces(at, rest.len())? {
            let (now, later) = rest.split_at_mut(len);
            self.memory
                .read_slice(now, address)
                .map_err(|_| unbacked(address))?;
            rest = later;
        }
        Ok(())
    }

    /// Copies to byte `at` on.
    ///
    /// # Errors
    ///
    /// Where the buffer ends before, or the guest has taken it back.
    pub fn write(&self, at: usize, from: &[u8]) -> Result<(), MemoryError> {
        let _right = self.lease.use_it()?;
        let mut rest = from;
        for (address, len) in self.pieces(at, rest.len())? {
            let (now, later) = rest.split_at(len);
            self.memory
                .write_slice(now, address)
                .map_err(|_| unbacked(address))?;
            rest = later;
        }
        Ok(())
    }

    /// The pieces of single pages that `len` bytes at `at` consist of.
    fn pieces(
        &self,
        at: usize,
        len: usize,
    ) -> Result<impl Iterator<Item = (GuestAddress, usize)> + '_, MemoryError> {
        let end = at.checked_add(len).filter(|&end| end <= self.len());
        let end = end.ok_or(MemoryError::OutOfRange { at, len })?;
        let mut next = at;
        Ok(std::iter::from_fn(move || {
            let page = *self.pages.get(next / PAGE_SIZE).filter(|_| next < end)?;
            let offset = next % PAGE_SIZE;
            let piece = (PAGE_SIZE - offset).min(end - next);
            next += piece;
            let address = page * PAGE_SIZE as u64 + offset as u64;
            Some((GuestAddress(address), piece))
        }))
    }
}
