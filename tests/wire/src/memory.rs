// SPDX-License-Identifier: GPL-2.0

//! The memory of a ring, without a kernel: shared by two threads, one of which plays the host.

use crate::ring::{
    index::Size,
    shared::{Shared, Word},
};
use std::sync::atomic::{fence, AtomicU32, AtomicU8, Ordering};

/// The memory of a ring.
#[derive(Debug)]
pub struct Memory {
    size: Size,
    words: [AtomicU32; 17],
    data: Vec<AtomicU8>,
}

impl Memory {
    /// An empty ring of `bytes` bytes.
    ///
    /// # Panics
    ///
    /// When a ring cannot have that size.
    pub fn new(bytes: usize) -> Self {
        let memory = Self {
            size: Size::new(bytes).expect("a valid size"),
            words: Default::default(),
            data: (0..bytes).map(|_| AtomicU8::new(0xee)).collect(),
        };
        memory.reset();
        memory
    }

    /// A word of the header.
    pub fn word(&self, word: Word) -> &AtomicU32 {
        &self.words[word as usize / size_of::<u32>()]
    }

    /// Changes a word of the header, as the other end could at any time.
    pub fn poke(&self, word: Word, value: u32) {
        self.word(word).store(value, Ordering::SeqCst);
    }

    /// Reads a word of the header.
    pub fn peek(&self, word: Word) -> u32 {
        self.word(word).load(Ordering::SeqCst)
    }

    /// Writes data at `at`, across the end of the ring.
    pub fn write(&self, at: u32, bytes: &[u8]) {
        for (offset, byte) in bytes.iter().enumerate() {
            self.data[(at as usize + offset) % self.data.len()].store(*byte, Ordering::Relaxed);
        }
    }

    /// Reads `len` bytes of data from `at`, across the end of the ring.
    pub fn read(&self, at: u32, len: usize) -> Vec<u8> {
        (0..len)
            .map(|offset| {
                self.data[(at as usize + offset) % self.data.len()].load(Ordering::Relaxed)
            })
            .collect()
    }

    fn contains(&self, at: u32, len: usize) -> Option<()> {
        (at as usize + len <= 2 * self.data.len()).then_some(())
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
        self.contains(at, into.len())?;
        into.copy_from_slice(&self.read(at, into.len()));
        Some(())
    }

    fn copy_in(&self, at: u32, from: &[u8]) -> Option<()> {
        self.contains(at, from.len())?;
        self.write(at, from);
        Some(())
    }
}
