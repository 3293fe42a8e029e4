// SPDX-License-Identifier: GPL-2.0

//! The data of a ring that are copied as the modules copy theirs: each piece by memcpy.

use std::cell::Cell;
use wire_tests::memory::Data;

/// The data of a ring, for one thread.
///
/// A packet that crosses the end is contiguous, as if the data were mapped twice: there is room for it
/// behind the end, and both ends of the ring look for it there.
pub struct Bytes(Box<[Cell<u8>]>);

impl Bytes {
    /// Those of a ring of `bytes` bytes.
    pub fn new(bytes: usize) -> Self {
        Self(vec![Cell::new(0); 2 * bytes].into())
    }

    /// The address of `len` bytes at `at`, if they are there.
    fn address(&self, at: u32, len: usize) -> Option<*mut u8> {
        let bytes = self.0.get(at as usize..)?.get(..len)?;
        Some(bytes.as_ptr().cast_mut().cast())
    }
}

impl Data for Bytes {
    fn copy_out(&self, at: u32, into: &mut [u8]) -> Option<()> {
        let from = self.address(at, into.len())?;
        // SAFETY: So many bytes are there, of cells, which nobody borrows and no other thread knows.
        unsafe { from.copy_to_nonoverlapping(into.as_mut_ptr(), into.len()) };
        Some(())
    }

    fn copy_in(&self, at: u32, from: &[u8]) -> Option<()> {
        let into = self.address(at, from.len())?;
        // SAFETY: As in `copy_out`.
        unsafe { into.copy_from_nonoverlapping(from.as_ptr(), from.len()) };
        Some(())
    }
}
