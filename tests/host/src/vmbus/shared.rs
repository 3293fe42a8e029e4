// SPDX-License-Identifier: GPL-2.0

//! Memory that the guest shares with a device for as long as a channel is open.

use std::sync::Arc;

use vm_memory::{Bytes as _, GuestAddress, GuestMemoryMmap};

use super::gpa::{MemoryError, PAGE_SIZE, unbacked};

/// The pages of a GPADL as one buffer. The guest may change its content at any time.
#[derive(Debug)]
pub struct SharedMemory {
    memory: Arc<GuestMemoryMmap>,
    pages: Vec<u64>,
    _in_use: Arc<()>,
}

impl SharedMemory {
    /// A buffer of `pages`, which are guest memory.
    pub(super) fn new(memory: Arc<GuestMemoryMmap>, pages: Vec<u64>, in_use: Arc<()>) -> Self {
        Self {
            memory,
            pages,
            _in_use: in_use,
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
    /// Where the buffer ends before.
    pub fn read(&self, at: usize, into: &mut [u8]) -> Result<(), MemoryError> {
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
    /// Where the buffer ends before.
    pub fn write(&self, at: usize, from: &[u8]) -> Result<(), MemoryError> {
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
