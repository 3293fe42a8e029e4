// SPDX-License-Identifier: GPL-2.0

//! A value for code that must not run twice at once, where the second caller need not wait.
//!
//! A channel's interrupt may come on two CPUs at a time while the channel is being moved from one
//! to the other. Both want the receiving end of the ring, and waiting in a hard interrupt is not
//! an option, nor needed: the one that has it looks again.

use core::cell::UnsafeCell;

use crate::sync::Atomic;
use kernel::sync::atomic::{
    Acquire,
    Full,
    Release, //
};

/// Nobody has the value.
const FREE: u32 = 0;
/// Somebody has it.
const TAKEN: u32 = 1;
/// Somebody has it and is to go round once more.
const AGAIN: u32 = 2;

/// A value that one caller at a time works on.
///
/// # Invariants
///
/// Who changed `state` from `FREE` has the only reference to `value` until it sets `FREE` again.
pub(crate) struct Exclusive<T> {
    state: Atomic<u32>,
    value: UnsafeCell<T>,
}

// SAFETY: The value moves along with its cell.
unsafe impl<T: Send> Send for Exclusive<T> {}

// SAFETY: By the type invariant only one thread at a time has access to the value.
unsafe impl<T: Send> Sync for Exclusive<T> {}

impl<T> Exclusive<T> {
    /// Wraps `value`.
    pub(crate) fn new(value: T) -> Self {
        Self {
            state: Atomic::new(FREE),
            value: UnsafeCell::new(value),
        }
    }

    /// Runs `work` on the value. If another caller has it, that one runs its own `work` once more
    /// instead, after the end of its present round.
    #[inline(always)]
    pub(crate) fn run(&self, mut work: impl FnMut(&mut T)) {
        loop {
            match self.state.cmpxchg(FREE, TAKEN, Full) {
                Ok(_) => break,
                Err(TAKEN) => {
                    if self.state.cmpxchg(TAKEN, AGAIN, Full).is_ok() {
                        return;
                    }
                }
                Err(_) => return,
            }
        }
        loop {
            // SAFETY: `state` was changed from `FREE` above, so that by the type invariant there
            // is no other reference.
            work(unsafe { &mut *self.value.get() });
            if self.state.cmpxchg(TAKEN, FREE, Release).is_ok() {
                return;
            }
            self.state.xchg(TAKEN, Acquire);
        }
    }
}
