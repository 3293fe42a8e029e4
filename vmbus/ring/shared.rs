// SPDX-License-Identifier: GPL-2.0

//! What reader and writer need of the memory of a ring.
//!
//! The host can change that memory at any moment. Therefore it is only ever copied, as a whole or
//! word by word; nobody gets a reference into it.

use super::index::Size;
use core::ops::Deref;

/// A word of a ring's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Word {
    /// Where the writer is. Only the writer writes it.
    WriteIndex = 0,
    /// Where the reader is. Only the reader writes it.
    ReadIndex = 4,
    /// Not 0 when the reader wants no signals. Only the reader writes it.
    InterruptMask = 8,
    /// How much room the writer waits for, or 0. Only the writer writes it.
    PendingSend = 12,
    /// [`FEATURE_PENDING_SEND`].
    Features = 64,
}

/// [`Word::Features`]: whoever reads the ring looks at [`Word::PendingSend`].
pub const FEATURE_PENDING_SEND: u32 = 1;

/// The memory of one ring.
///
/// The data are mapped twice, one copy after the other, so that no packet is ever cut in two:
/// offsets go up to twice the size of the ring.
pub trait Shared {
    /// The size of the data.
    fn size(&self) -> Size;

    /// Reads a word, once.
    fn load(&self, word: Word) -> u32;

    /// Reads a word, once, before whatever is read or written afterwards.
    fn load_acquire(&self, word: Word) -> u32;

    /// Writes a word, once.
    fn store(&self, word: Word, value: u32);

    /// Writes a word, once, after whatever was read or written before.
    fn store_release(&self, word: Word, value: u32);

    /// Orders everything before it with everything after it, for the host on another processor to
    /// see, too.
    fn full_barrier(&self);

    /// Copies data out of the ring; [`None`] when they are not all in it.
    #[must_use]
    fn copy_out(&self, at: u32, into: &mut [u8]) -> Option<()>;

    /// Copies data into the ring; [`None`] when they do not all fit.
    #[must_use]
    fn copy_in(&self, at: u32, from: &[u8]) -> Option<()>;

    /// Copies several pieces into the ring, one after the other; [`None`] when they do not all fit.
    #[inline]
    #[must_use]
    fn copy_in_all<const N: usize>(&self, at: u32, pieces: [&[u8]; N]) -> Option<()> {
        pieces
            .iter()
            .filter(|piece| !piece.is_empty())
            .try_fold(at, |at, piece| {
                self.copy_in(at, piece)?;
                at.checked_add(u32::try_from(piece.len()).ok()?)
            })
            .map(|_| ())
    }

    /// Prepares the header of a ring that nobody uses.
    fn reset(&self) {
        self.store(Word::InterruptMask, 0);
        self.store(Word::PendingSend, 0);
        self.store(Word::ReadIndex, 0);
        self.store(Word::WriteIndex, 0);
        self.store(Word::Features, FEATURE_PENDING_SEND);
    }

    /// The number of free bytes, as the header claims.
    #[inline]
    fn free_bytes(&self) -> u32 {
        self.size()
            .free(self.load(Word::ReadIndex), self.load(Word::WriteIndex))
    }

    /// A look at the header.
    fn debug(&self) -> RingDebug {
        let (read_index, write_index) = (self.load(Word::ReadIndex), self.load(Word::WriteIndex));
        RingDebug {
            read_index,
            write_index,
            interrupt_mask: self.load(Word::InterruptMask),
            bytes_to_read: self.size().used(read_index, write_index),
            bytes_to_write: self.size().free(read_index, write_index),
        }
    }
}

/// A pointer to the memory of a ring is as good as the memory.
impl<P: Deref<Target: Shared>> Shared for P {
    #[inline]
    fn size(&self) -> Size {
        (**self).size()
    }

    #[inline]
    fn load(&self, word: Word) -> u32 {
        (**self).load(word)
    }

    #[inline]
    fn load_acquire(&self, word: Word) -> u32 {
        (**self).load_acquire(word)
    }

    #[inline]
    fn store(&self, word: Word, value: u32) {
        (**self).store(word, value);
    }

    #[inline]
    fn store_release(&self, word: Word, value: u32) {
        (**self).store_release(word, value);
    }

    #[inline]
    fn full_barrier(&self) {
        (**self).full_barrier();
    }

    #[inline]
    fn copy_out(&self, at: u32, into: &mut [u8]) -> Option<()> {
        (**self).copy_out(at, into)
    }

    #[inline]
    fn copy_in(&self, at: u32, from: &[u8]) -> Option<()> {
        (**self).copy_in(at, from)
    }

    #[inline(always)]
    fn copy_in_all<const N: usize>(&self, at: u32, pieces: [&[u8]; N]) -> Option<()> {
        (**self).copy_in_all(at, pieces)
    }
}

/// Whether the other end is to be signalled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the other end sleeps until it is signalled"]
pub enum Signal {
    /// The other end sleeps.
    Needed,
    /// The other end is awake, or will look by itself; a signal would do harm.
    NotNeeded,
}

impl Signal {
    /// [`Signal::Needed`] if `needed`.
    pub const fn when(needed: bool) -> Self {
        if needed {
            Self::Needed
        } else {
            Self::NotNeeded
        }
    }

    /// Whether the other end is to be signalled.
    pub const fn is_needed(self) -> bool {
        matches!(self, Self::Needed)
    }
}

/// The state of a ring, for people. Nothing in it is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RingDebug {
    /// Where the reader is.
    pub read_index: u32,
    /// Where the writer is.
    pub write_index: u32,
    /// Whether the reader wants no signals.
    pub interrupt_mask: u32,
    /// The number of bytes that wait for the reader.
    pub bytes_to_read: u32,
    /// The number of free bytes.
    pub bytes_to_write: u32,
}
