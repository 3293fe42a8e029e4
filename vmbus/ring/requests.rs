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

/// The number of groups that [`Slots::new`] needs for `count` slots.
pub const fn groups_for(count: usize) -> usize {
    count.div_ceil(BITS)
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

    /// Sets bit `bit`, fully ordered. Returns whether that changed it.
    #[inline]
    fn set(&self, bit: u32) -> bool {
        change(self, 1 << (bit % u64::BITS), true)
    }

    /// Clears bit `bit`, fully ordered. Returns whether that changed it.
    #[inline]
    fn clear(&self, bit: u32) -> bool {
        change(self, 1 << (bit % u64::BITS), false)
    }
}

fn change(word: &(impl SharedWord + ?Sized), bit: u64, set: bool) -> bool {
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

/// 64 slots.
#[derive(Debug, Default)]
pub struct Group<A> {
    /// Those that are not free.
    taken: A,
    /// Those of them in flight.
    in_flight: A,
}

impl<A> Group<A> {
    /// A group, of words that are 0.
    pub const fn new(taken: A, in_flight: A) -> Self {
        Self { taken, in_flight }
    }
}

/// The slots of a channel. All methods work from any context without a lock.
#[derive(Debug)]
pub struct Slots<W> {
    groups: W,
    count: usize,
}

impl<A: SharedWord, W: Deref<Target = [Group<A>]>> Slots<W> {
    /// Makes up to `count` slots of new groups: [`groups_for`] tells how many.
    pub fn new(groups: W, count: usize) -> Self {
        let count = count.min(groups.len() * BITS);
        Self { groups, count }
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
    #[inline(always)]
    pub fn take(&self, hint: usize) -> Option<Slot<'_, A>> {
        let first = if hint < self.groups.len() {
            hint
        } else {
            hint.checked_rem(self.groups.len())?
        };
        self.take_of(first).or_else(|| self.take_beside(first))
    }

    /// The same in the other groups.
    #[cold]
    fn take_beside(&self, first: usize) -> Option<Slot<'_, A>> {
        (first..self.groups.len())
            .chain(0..first)
            .find_map(|group| self.take_of(group))
    }

    /// Claims the slot that a completion names; [`None`] when no packet of this name is in flight.
    #[inline]
    pub fn claim(&self, id: u64) -> Option<Slot<'_, A>> {
        self.claim_index(usize::try_from(id).ok()?.checked_sub(1)?)
    }

    /// Claims all slots in flight, one after the other, for a channel whose host is gone.
    pub fn claim_all<'a>(&'a self) -> impl Iterator<Item = Slot<'a, A>>
    where
        A: 'a,
    {
        (0..self.count).filter_map(|index| self.claim_index(index))
    }

    /// Makes a slot free that was [kept](Slot::keep). Nothing happens if it is not taken.
    #[inline]
    pub fn give_back(&self, index: usize) {
        if let Some(group) = self.groups.get(index / BITS) {
            group.taken.clear(bit_of(index));
        }
    }

    #[inline(always)]
    fn take_of(&self, number: usize) -> Option<Slot<'_, A>> {
        let group = self.groups.get(number)?;
        loop {
            let taken = group.taken.load();
            // CAST: At most 64.
            let index = number * BITS + taken.trailing_ones() as usize;
            if taken == u64::MAX || index >= self.count {
                return None;
            }
            if group.taken.set(taken.trailing_ones()) {
                return Some(Slot { group, index });
            }
        }
    }

    #[inline]
    fn claim_index(&self, index: usize) -> Option<Slot<'_, A>> {
        let group = self.groups.get(index / BITS)?;
        let is_claimed = index < self.count && group.in_flight.clear(bit_of(index));
        is_claimed.then(|| Slot { group, index })
    }
}

/// A slot that is taken and not in flight. Dropping it makes it free.
#[derive(Debug)]
#[must_use = "the slot is free again when this is dropped"]
pub struct Slot<'a, A: SharedWord> {
    group: &'a Group<A>,
    index: usize,
}

impl<A: SharedWord> Slot<'_, A> {
    /// The number of the slot, from 0: for a table of what belongs to the packets.
    #[inline]
    pub fn index(&self) -> usize {
        self.index
    }

    /// The name of the packet.
    #[inline]
    pub fn id(&self) -> u64 {
        // CAST: `usize` is no wider than 64 bits, and the index of a slot not its largest value.
        (self.index as u64).wrapping_add(1)
    }

    /// Keeps the slot until [`Slots::give_back`], for what is not named to the host. Returns its
    /// index.
    #[inline]
    pub fn keep(self) -> usize {
        let index = self.index;
        core::mem::forget(self);
        index
    }

    /// Puts the slot in flight: from now on, a completion with the returned name claims it. To be
    /// called before the packet is sent; [`Slots::claim`] it if that fails.
    #[inline]
    pub fn launch(self) -> u64 {
        let id = self.id();
        self.group.in_flight.set(bit_of(self.index));
        core::mem::forget(self);
        id
    }
}

impl<A: SharedWord> Drop for Slot<'_, A> {
    #[inline]
    fn drop(&mut self) {
        self.group.taken.clear(bit_of(self.index));
    }
}

/// Which bit of the words of its group a slot is.
#[inline]
fn bit_of(index: usize) -> u32 {
    // CAST: Less than 64.
    (index % BITS) as u32
}
