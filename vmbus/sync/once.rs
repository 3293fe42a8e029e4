// SPDX-License-Identifier: GPL-2.0

//! A value that is set once, and read without a function call: the `kernel` crate's `SetOnce` on top
//! of [`Atomic`].

use core::cell::UnsafeCell;

use kernel::sync::atomic::{
    Acquire,
    Relaxed,
    Release, //
};

use super::Atomic;

/// A value, once it is there.
///
/// # Invariants
///
/// Who changed `claimed` from false to true has the only access to `value` until it sets `ready`.
/// From then on there are only shared references to the value, which is not [`None`].
pub struct SetOnce<T> {
    claimed: Atomic<bool>,
    ready: Atomic<bool>,
    value: UnsafeCell<Option<T>>,
}

// SAFETY: The value moves along.
unsafe impl<T: Send> Send for SetOnce<T> {}

// SAFETY: Through a shared reference the value is set by one thread, which may be another one than
// that which drops it, and then shared, as the type invariant says.
unsafe impl<T: Send + Sync> Sync for SetOnce<T> {}

impl<T> SetOnce<T> {
    /// No value.
    pub const fn new() -> Self {
        Self {
            claimed: Atomic::new(false),
            ready: Atomic::new(false),
            value: UnsafeCell::new(None),
        }
    }

    /// The value, if it was set.
    #[inline(always)]
    pub fn as_ref(&self) -> Option<&T> {
        if !self.ready.load(Acquire) {
            return None;
        }
        // SAFETY: By the type invariant, there are only shared references.
        let value = unsafe { (*self.value.get()).as_ref() };
        // SAFETY: By the type invariant, there is a value.
        Some(unsafe { value.unwrap_unchecked() })
    }

    /// Sets the value; returns false if that was done before.
    pub fn populate(&self, value: T) -> bool {
        if self.claimed.xchg(true, Relaxed) {
            return false;
        }
        // SAFETY: By the type invariant, nobody else has access.
        unsafe { *self.value.get() = Some(value) };
        // INVARIANT: The value was just written, and this thread does not write again.
        self.ready.store(true, Release);
        true
    }
}

impl<T> Default for SetOnce<T> {
    fn default() -> Self {
        Self::new()
    }
}
