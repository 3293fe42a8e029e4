// SPDX-License-Identifier: GPL-2.0

//! The memory of a ring that is copied as the modules copy theirs: each piece by memcpy.

use std::cell::Cell;
use std::sync::atomic::{fence, AtomicU32, Ordering};
use wire_tests::ring::{
    index::Size,
    shared::{Shared, Word},
};

/// The memory of a ring, for one thread.
///
/// A packet that crosses the end is contiguous, as if the data were mapped twice: there is room for it
/// behind the end, and both ends of the ring look for it there.
pub struct Memory {
    size: Size,
    words: [AtomicU32; 17],
    data: Box<[Cell<u8>]>,
}

impl Memory {
    /// An empty ring of `bytes` bytes.
    pub fn new(bytes: usize) -> Self {
        let memory = Self {
            size: Size::new(bytes).expect("a valid size"),
            words: Default::default(),
            data: vec![Cell::new(0); 2 * bytes].into(),
        };
        memory.reset();
        memory
    }

    fn word(&self, word: Word) -> &AtomicU32 {
        &self.words[word as usize / size_of::<u32>()]
    }

    /// The address of `len` bytes at `at`, if they are there.
    fn address(&self, at: u32, len: usize) -> Option<*mut u8> {
        let bytes = self.data.get(at as usize..)?.get(..len)?;
        Some(bytes.as_ptr().cast_mut().cast())
    }
}

impl Shared for Memory {
    fn size(&self) -> Size {
        self.size
    }

    fn load(&self, word: Word) -> u32 {
        self.word(word).load(Ordering::Relaxed)
    }

    fn load_acquire(&self, word: Word) -> u32 {
        self.word(word).load(Ordering::Acquire)
    }

    fn store(&self, word: Word, value: u32) {
        self.word(word).store(value, Ordering::Relaxed);
    }

    fn store_release(&self, word: Word, value: u32) {
        self.word(word).store(value, Ordering::Release);
    }

    fn full_barrier(&self) {
        fence(Ordering::SeqCst);
    }

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
