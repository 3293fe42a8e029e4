// SPDX-License-Identifier: GPL-2.0

//! The memory of a ring, without a kernel: shared by two threads, one of which plays the host.

use crate::ring::{
    index::Size,
    shared::{Shared, Word},
};
use std::sync::atomic::{fence, AtomicU32, AtomicU8, Ordering};

/// The data of a ring: what [`Shared`] says of copies.
pub trait Data {
    /// Copies data out of the ring; [`None`] when they are not all in it.
    fn copy_out(&self, at: u32, into: &mut [u8]) -> Option<()>;

    /// Copies data into the ring; [`None`] when they do not all fit.
    fn copy_in(&self, at: u32, from: &[u8]) -> Option<()>;
}

/// The memory of a ring.
#[derive(Debug)]
pub struct Memory<D = Vec<AtomicU8>> {
    size: Size,
    words: [AtomicU32; 17],
    data: D,
}

impl<D: Data> Memory<D> {
    /// An empty ring of `bytes` bytes, which are in `data`.
    ///
    /// # Panics
    ///
    /// When a ring cannot have that size.
    pub fn with_data(bytes: usize, data: D) -> Self {
        let memory = Self {
            size: Size::new(bytes).expect("a valid size"),
            words: Default::default(),
            data,
        };
        memory.reset();
        memory
    }

    /// A word of the header.
    pub fn word(&self, word: Word) -> &AtomicU32 {
        &self.words[word as usize / size_of::<u32>()]
    }
}

impl Memory {
    /// An empty ring of `bytes` bytes.
    ///
    /// # Panics
    ///
    /// When a ring cannot have that size.
    pub fn new(bytes: usize) -> Self {
        Self::with_data(bytes, (0..bytes).map(|_| AtomicU8::new(0xee)).collect())
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
        write(&self.data, at, bytes);
    }

    /// Reads `len` bytes of data from `at`, across the end of the ring.
    pub fn read(&self, at: u32, len: usize) -> Vec<u8> {
        read(&self.data, at, len)
    }
}

fn write(data: &[AtomicU8], at: u32, bytes: &[u8]) {
    for (offset, byte) in bytes.iter().enumerate() {
        data[(at as usize + offset) % data.len()].store(*byte, Ordering::Relaxed);
    }
}

fn read(data: &[AtomicU8], at: u32, len: usize) -> Vec<u8> {
    (0..len)
        .map(|offset| data[(at as usize + offset) % data.len()].load(Ordering::Relaxed))
        .collect()
}

fn contains(data: &[AtomicU8], at: u32, len: usize) -> Option<()> {
    (at as usize + len <= 2 * data.len()).then_some(())
}

/// Byte by byte, as another thread may be at it.
impl Data for Vec<AtomicU8> {
    fn copy_out(&self, at: u32, into: &mut [u8]) -> Option<()> {
        contains(self, at, into.len())?;
        into.copy_from_slice(&read(self, at, into.len()));
        Some(())
    }

    fn copy_in(&self, at: u32, from: &[u8]) -> Option<()> {
        contains(self, at, from.len())?;
        write(self, at, from);
        Some(())
    }
}

impl<D: Data> Shared for Memory<D> {
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
        self.data.copy_out(at, into)
    }

    fn copy_in(&self, at: u32, from: &[u8]) -> Option<()> {
        self.data.copy_in(at, from)
    }
}
