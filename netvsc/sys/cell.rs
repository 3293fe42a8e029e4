// SPDX-License-Identifier: GPL-2.0

//! A value that one caller at a time works on, where a second one gives up at once.

use core::cell::UnsafeCell;
use kernel::sync::atomic::{
    Acquire,
    Release, //
};
use vmbus::sync::Atomic;

/// A value, and whether somebody works on it.
///
/// # Invariants
///
/// Who changed `taken` from false to true has the only reference to `value` until it changes it
/// back.
pub(crate) struct TryCell<T> {
    taken: Atomic<bool>,
    value: UnsafeCell<T>,
}

// SAFETY: The value moves along with its cell.
unsafe impl<T: Send> Send for TryCell<T> {}

// SAFETY: By the type invariant only one thread at a time has access to the value.
unsafe impl<T: Send> Sync for TryCell<T> {}

impl<T> TryCell<T> {
    /// Wraps `value`.
    pub(crate) fn new(value: T) -> Self {
        Self {
            taken: Atomic::new(false),
            value: UnsafeCell::new(value),
        }
    }

    /// Runs `work` on the value; [`None`] if somebody has it.
    #[inline]
    pub(crate) fn try_with<R>(&self, work: impl FnOnce(&mut T) -> R) -> Option<R> {
        if self.taken.xchg(true, Acquire) {
            return None;
        }
        // SAFETY: `taken` was changed above, so that by the type invariant there is no other
        // reference.
        let result = work(unsafe { &mut *self.value.get() });
        self.taken.store(false, Release);
        Some(result)
    }
}
