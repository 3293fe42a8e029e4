// SPDX-License-Identifier: GPL-2.0

//! [`requests`](super::requests) with the kernel's atomics and memory.

use super::requests::{
    self,
    groups_for,
    Group,
    SharedWord, //
};
use crate::sync::Atomic;
use kernel::{
    prelude::*,
    sync::atomic::{
        Full,
        Relaxed, //
    },
};

/// The slots of a channel.
pub type Slots = requests::Slots<KVec<Group<Atomic<u64>>>>;

/// A slot that is taken and not in flight.
pub type Slot<'a> = requests::Slot<'a, Atomic<u64>>;

impl SharedWord for Atomic<u64> {
    #[inline]
    fn load(&self) -> u64 {
        self.load(Relaxed)
    }

    #[inline]
    fn replace(&self, old: u64, new: u64) -> Result<(), u64> {
        self.cmpxchg(old, new, Full).map(|_| ())
    }

    #[cfg(target_arch = "x86_64")]
    #[inline]
    fn set(&self, bit: u32) -> bool {
        self.set_bit(bit)
    }

    #[cfg(target_arch = "x86_64")]
    #[inline]
    fn clear(&self, bit: u32) -> bool {
        self.clear_bit(bit)
    }
}

/// Makes `count` slots.
///
/// # Errors
///
/// `ENOMEM`.
pub fn allocate(count: usize) -> Result<Slots> {
    let mut groups = KVec::with_capacity(groups_for(count), GFP_KERNEL)?;
    for _ in 0..groups_for(count) {
        groups.push(Group::new(Atomic::new(0), Atomic::new(0)), GFP_KERNEL)?;
    }
    Ok(requests::Slots::new(groups, count))
}
