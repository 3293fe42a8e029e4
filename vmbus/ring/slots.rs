// SPDX-License-Identifier: GPL-2.0

//! [`requests`](super::requests) with the kernel's atomics and memory.

use super::requests::{
    self,
    words_for,
    SharedWord, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        Full,
        Relaxed, //
    },
};
use crate::sync::Atomic;

/// The slots of a channel.
pub type Slots = requests::Slots<KVec<Atomic<u64>>>;

/// A slot that is taken and not in flight.
pub type Slot<'a> = requests::Slot<'a, Atomic<u64>, KVec<Atomic<u64>>>;

impl SharedWord for Atomic<u64> {
    #[inline]
    fn load(&self) -> u64 {
        self.load(Relaxed)
    }

    #[inline]
    fn replace(&self, old: u64, new: u64) -> Result<(), u64> {
        self.cmpxchg(old, new, Full).map(|_| ())
    }
}

/// Makes `count` slots.
///
/// # Errors
///
/// `ENOMEM`.
pub fn allocate(count: usize) -> Result<Slots> {
    let mut words = KVec::with_capacity(words_for(count), GFP_KERNEL)?;
    for _ in 0..words_for(count) {
        words.push(Atomic::new(0), GFP_KERNEL)?;
    }
    Ok(requests::Slots::new(words, count))
}
