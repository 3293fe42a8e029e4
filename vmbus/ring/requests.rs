// SPDX-License-Identifier: GPL-2.0

//! Numbers for packets that wait for their completion.
//!
//! A packet is named by the number of a slot, never by an address, so that a completion that the
//! host made up finds nothing or another packet's slot, but never memory. A slot is free, taken, or
//! in flight; only a slot in flight can be claimed by a completion, and only once. Number 0 is no
//! slot: the host uses it for packets that complete nothing.

use core::ops::Deref;

/// The number of slots in a word.
const BITS: usize = u64::BITS as usize;

/// The number of words that [`Slots::new`] needs for `count` slots.
pub const fn words_for(count: usize) -> usize {
    2 * count.div_ceil(BITS)
}

/// A word that many change at the same time.
pub trait SharedWord {
    /// Reads the word.
    fn load(&self) -> u64;

    /// Replaces `old` by `new`, fully ordered.
    ///
    /// # Errors
    ///
    /// What the word is instead of `old`.
    fn replace(&self, old: u64, new: u64) -> Result<(), u64>;
}

/// The slots of a channel. All methods work from any context without a lock.
#[derive(Debug)]
pub struct Slots<W> {
    /// Two words for each 64 slots: those that are taken, and those of them in flight.
    words: W,
    count: usize,
}

/// What a bit is about: the position of its word among the two.
#[derive(Clone, Copy)]
enum Map {
    Taken = 0,
    InFlight = 1,
}

impl<A: SharedWord, W: Deref<Target = [A]>> Slots<W> {
    /// Makes up to `count` slots, in words that are 0: [`words_for`] tells how many.
    pub fn new(words: W, count: usize) -> Self {
        let count = count.min(words.len() / 2 * BITS);
        Self { words, count }
    }

    /// The number of slots.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are no slots at all.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Takes a free slot; [`None`] when there is none, which means to send less.
    ///
    /// The search begins with the slots of `hint`, any number: callers with different ones do not
    /// get into each other's way.
    pub fn take(&self, hint: usize) -> Option<Slot<'_, A, W>> {
        let groups = self.words.len() / 2;
        let first = hint.checked_rem(groups)?;
        (first..groups).chain(0..first).find_map(|group| {
            let index = self.take_of(group)?;
            Some(Slot { slots: self, index })
        })
    }

    /// Claims the slot that a completion names; [`None`] when no packet of this name is in flight.
    pub fn claim(&self, id: u64) -> Option<Slot<'_, A, W>> {
        self.claim_index(usize::try_from(id).ok()?.checked_sub(1)?)
    }

    /// Claims all slots in flight, one after the other, for a channel whose host is gone.
    pub fn claim_all(&self) -> impl Iterator<Item = Slot<'_, A, W>> {
        (0..self.count).filter_map(|index| self.claim_index(index))
    }

    fn take_of(&self, group: usize) -> Option<usize> {
        loop {
            let taken = self.word(group, Map::Taken)?.load();
            // CAST: At most 64.
            let index = group * BITS + taken.trailing_ones() as usize;
            if taken == u64::MAX || index >= self.count {
                return None;
            }
            if self.change(index, Map::Taken, true) {
                return Some(index);
            }
        }
    }

    fn claim_index(&self, index: usize) -> Option<Slot<'_, A, W>> {
        if index < self.count && self.change(index, Map::InFlight, false) {
            Some(Slot { slots: self, index })
        } else {
            None
        }
    }

    /// Sets or clears the bit of a slot. Returns whether that changed it.
    fn change(&self, index: usize, map: Map, set: bool) -> bool {
        let Some(word) = self.word(index / BITS, map) else {
            return false;
        };
        let bit = 1 << (index % BITS);
        let mut old = word.load();
        loop {
            if (old & bit != 0) == set {
                return false;
            }
            match word.replace(old, old ^ bit) {
                Ok(()) => return true,
                Err(now) => old = now,
            }
        }
    }

    fn word(&self, group: usize, map: Map) -> Option<&A> {
        // CAST: The value of the enumeration is the position.
        self.words.get(2 * group + map as usize)
    }
}

/// A slot that is taken and not in flight. Dropping it makes it free.
#[derive(Debug)]
#[must_use = "the slot is free again when this is dropped"]
pub struct Slot<'a, A: SharedWord, W: Deref<Target = [A]>> {
    slots: &'a Slots<W>,
    index: usize,
}

impl<A: SharedWord, W: Deref<Target = [A]>> Slot<'_, A, W> {
    /// The number of the slot, from 0: for a table of what belongs to the packets.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The name of the packet.
    pub fn id(&self) -> u64 {
        // CAST: `usize` is no wider than 64 bits, and the index of a slot not its largest value.
        (self.index as u64).wrapping_add(1)
    }

    /// Puts the slot in flight: from now on, a completion with the returned name claims it. To be
    /// called before the packet is sent; [`Slots::claim`] it if that fails.
    pub fn launch(self) -> u64 {
        let id = self.id();
        self.slots.change(self.index, Map::InFlight, true);
        core::mem::forget(self);
        id
    }
}

impl<A: SharedWord, W: Deref<Target = [A]>> Drop for Slot<'_, A, W> {
    fn drop(&mut self) {
        self.slots.change(self.index, Map::Taken, false);
    }
}
