// SPDX-License-Identifier: GPL-2.0

//! What is kept of packets until the host has completed them.

use core::{
    cell::UnsafeCell,
    mem::MaybeUninit, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        Relaxed, //
    },
};
use vmbus::ring::slots::{
    self,
    Slot,
    Slots, //
};
use vmbus::sync::Atomic;

/// Values that are named by the number of a slot, which the host sends back.
///
/// # Invariants
///
/// A cell has a value if and only if its slot is in flight. Who has a [`Slot`] alone has access to
/// its cell.
pub(crate) struct InFlight<T> {
    slots: Slots,
    cells: KVVec<UnsafeCell<MaybeUninit<T>>>,
    /// The group of slots in which there was a free one the last time.
    hint: Atomic<usize>,
}

// SAFETY: The values move along.
unsafe impl<T: Send> Send for InFlight<T> {}

// SAFETY: By the type invariants nobody shares a reference to a value.
unsafe impl<T: Send> Sync for InFlight<T> {}

impl<T> InFlight<T> {
    /// Makes room for `count` values.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(count: usize) -> Result<Self> {
        let mut cells = KVVec::with_capacity(count, GFP_KERNEL)?;
        for _ in 0..count {
            cells.push_within_capacity(UnsafeCell::new(MaybeUninit::uninit()))?;
        }
        // INVARIANT: No slot is in flight.
        Ok(Self {
            slots: slots::allocate(count)?,
            cells,
            hint: Atomic::new(0),
        })
    }

    /// Keeps a value and returns its name. Gives it back if there is no room.
    #[inline(always)]
    pub(crate) fn insert(&self, value: T) -> Result<u64, T> {
        let Some(slot) = self.slots.take(self.hint.load(Relaxed)) else {
            return Err(value);
        };
        let index = slot.index();
        let Some(cell) = self.cells.get(index) else {
            return Err(value);
        };
        self.hint.store(index / 64, Relaxed);
        // SAFETY: By the type invariants, nobody else has access to the cell.
        unsafe { (*cell.get()).write(value) };
        // INVARIANT: The cell has a value now.
        Ok(slot.launch())
    }

    /// Takes the value of this name out; [`None`] if there is none.
    #[inline]
    pub(crate) fn take(&self, id: u64) -> Option<T> {
        self.value(self.slots.claim(id)?)
    }

    /// Takes the value of a slot that was in flight until now.
    #[inline]
    fn value(&self, slot: Slot<'_>) -> Option<T> {
        let cell = self.cells.get(slot.index())?;
        // SAFETY: By the type invariants, there is a value, which is not used any more, and nobody
        // else has access to it.
        Some(unsafe { (*cell.get()).assume_init_read() })
    }
}

impl<T> Drop for InFlight<T> {
    fn drop(&mut self) {
        for slot in self.slots.claim_all() {
            drop(self.value(slot));
        }
    }
}
