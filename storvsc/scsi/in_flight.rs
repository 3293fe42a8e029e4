// SPDX-License-Identifier: GPL-2.0

//! The commands that the device works on.
//!
//! The id by which a device names a command is not trusted. It says a slot, one for each tag of
//! each hardware queue, and the generation of the slot, which changes each time that a command is
//! put there. A command is taken out by an atomic exchange of the slot's state, so that of several
//! takers, or several answers to one command, one wins, and an answer that is late, repeated or
//! made up finds nothing.
//!
//! The table is used instead of the block layer's own map of tags because that may hold requests
//! whose memory is about to be freed, where a tag is not in use.

use super::Command;
use core::{
    cell::UnsafeCell,
    ptr::{
        self,
        NonNull, //
    },
};
use kernel::{
    prelude::*,
    sync::atomic::{
        Acquire,
        Full,
        Relaxed, //
    }, //
};
use vmbus::bindings;
use vmbus::sync::Atomic;

/// How many bits of a unique tag are the tag within the hardware queue.
const TAG_BITS: u32 = 16;
/// How many bits of an id are the slot.
const SLOT_BITS: u32 = 32;
/// The state of a slot: the generation above, and whether there is a command in it.
const OCCUPIED: u64 = 1;

/// # Invariants
///
/// While `state` has `OCCUPIED`, `command` points to a command that the slot owns. Before, it is
/// written only by the one thread that has the slot's tag; afterwards it is read only by the one
/// thread that cleared `OCCUPIED`, before it gives the tag up.
struct Slot {
    state: Atomic<u64>,
    command: UnsafeCell<*mut bindings::scsi_cmnd>,
    /// Which way the command went. Written like `command`, but read at any time: by volatile
    /// accesses, which cannot be torn.
    way: UnsafeCell<u32>,
}

// SAFETY: The type invariants say who has access to what, and changes of `state` are full barriers
// between them.
unsafe impl Send for Slot {}
// SAFETY: As above.
unsafe impl Sync for Slot {}

/// The commands that the device works on.
pub(crate) struct InFlight {
    depth: u32,
    slots: KVVec<Slot>,
}

/// The state of a slot with the `generation`, occupied.
#[inline]
fn occupied(generation: u64) -> u64 {
    generation << SLOT_BITS | OCCUPIED
}

impl InFlight {
    /// Makes a table for `queues` hardware queues with `depth` tags each.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, and `EINVAL` if a tag would not fit into an id.
    pub(crate) fn new(queues: u32, depth: u32) -> Result<Self> {
        if depth > 1 << TAG_BITS || queues > 1 << (SLOT_BITS - TAG_BITS - 1) {
            return Err(EINVAL);
        }
        let count = usize::try_from(u64::from(queues) * u64::from(depth))?;
        let mut slots = KVVec::with_capacity(count, GFP_KERNEL)?;
        for _ in 0..count {
            // INVARIANT: The slot is free.
            slots.push_within_capacity(Slot {
                state: Atomic::new(0),
                command: UnsafeCell::new(ptr::null_mut()),
                way: UnsafeCell::new(0),
            })?;
        }
        Ok(Self { depth, slots })
    }

    #[inline]
    fn slot(&self, unique_tag: u32) -> Option<&Slot> {
        let (queue, tag) = (unique_tag >> TAG_BITS, unique_tag & ((1 << TAG_BITS) - 1));
        if tag >= self.depth {
            return None;
        }
        // CAST: Both are 32 bits wide.
        self.slots
            .get(queue as usize * self.depth as usize + tag as usize)
    }

    /// Puts a command that is about to go some `way` into its slot and returns the id to name it by,
    /// which is never 0. From here on the command belongs to whoever takes it out.
    ///
    /// This is a full memory barrier: what is written before is seen by who takes the command, and
    /// what is read afterwards is not older than the slot being occupied.
    ///
    /// # Errors
    ///
    /// The command, if it has no slot or the slot is in use.
    #[inline]
    pub(crate) fn insert(&self, command: Command, way: u32) -> Result<u64, Command> {
        let tag = command.unique_tag();
        let Some(slot) = self.slot(tag) else {
            return Err(command);
        };
        let state = slot.state.load(Relaxed);
        if state & OCCUPIED != 0 {
            return Err(command);
        }
        let generation = u64::from(((state >> SLOT_BITS) as u32).wrapping_add(1));
        // INVARIANT: The slot is free, and the block layer gives a tag to one request at a time.
        // SAFETY: So no other thread has access.
        unsafe { *slot.command.get() = command.into_raw().as_ptr() };
        // SAFETY: So no other thread writes.
        unsafe { slot.way.get().write_volatile(way) };
        // INVARIANT: The slot takes over the command.
        slot.state.xchg(occupied(generation), Full);
        Ok(generation << SLOT_BITS | (u64::from(tag) + 1))
    }

    /// Takes the command with this id out; [`None`] if there is none.
    #[inline]
    pub(crate) fn take(&self, id: u64) -> Option<Command> {
        // CAST: The lower half of the id.
        let tag = (id as u32).checked_sub(1)?;
        let slot = self.slot(tag)?;
        Self::take_from(slot, occupied(id >> SLOT_BITS))
    }

    #[inline]
    fn take_from(slot: &Slot, state: u64) -> Option<Command> {
        slot.state.cmpxchg(state, state & !OCCUPIED, Full).ok()?;
        // SAFETY: The exchange succeeded, so it was this thread that cleared `OCCUPIED`; and it has
        // not given the command and its tag up.
        let command = NonNull::new(unsafe { *slot.command.get() })?;
        // SAFETY: By the type invariants, the slot owned the command.
        Some(unsafe { Command::from_raw(command) })
    }

    /// Takes every command out that was in the table when this was called.
    pub(crate) fn take_all(&self) -> impl Iterator<Item = Command> + '_ {
        self.take_if(|_| true)
    }

    /// Takes every command out that went this way. No more may go that way.
    pub(crate) fn take_way(&self, way: u32) -> impl Iterator<Item = Command> + '_ {
        self.take_if(move |slot| {
            // SAFETY: Slots live as long as the table.
            way == unsafe { slot.way.get().read_volatile() }
        })
    }

    fn take_if<'a>(
        &'a self,
        is_wanted: impl Fn(&Slot) -> bool + 'a,
    ) -> impl Iterator<Item = Command> + 'a {
        self.slots.iter().filter_map(move |slot| {
            let state = slot.state.load(Acquire);
            if state & OCCUPIED == 0 || !is_wanted(slot) {
                return None;
            }
            // It fails if the command was taken, or is another one by now.
            Self::take_from(slot, state)
        })
    }

    /// Whether there is no command in the table.
    pub(crate) fn is_empty(&self) -> bool {
        self.slots
            .iter()
            .all(|slot| slot.state.load(Relaxed) & OCCUPIED == 0)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.take_all().for_each(drop);
    }
}
