// SPDX-License-Identifier: GPL-2.0

//! The lock of the network's configuration.
//!
//! C header: [`include/linux/rtnetlink.h`](srctree/include/linux/rtnetlink.h)

use core::marker::PhantomData;
use kernel::types::NotThreadSafe;
use vmbus::bindings;

/// The lock, held by this thread until this is dropped.
#[must_use = "the lock is released at once otherwise"]
pub(crate) struct Guard(NotThreadSafe);

/// The knowledge that this thread holds the lock.
///
/// # Invariants
///
/// The lock is held for `'a` by the thread that has this value.
#[derive(Clone, Copy)]
pub(crate) struct Held<'a>(PhantomData<&'a Guard>, NotThreadSafe);

/// Takes the lock. May sleep, for as long as another user of the lock waits for its hardware.
pub(crate) fn lock() -> Guard {
    // SAFETY: Callable in process context; that the lock is not held yet lockdep checks.
    unsafe { bindings::rtnl_lock() };
    Guard(NotThreadSafe)
}

impl Guard {
    /// The knowledge that the lock is held.
    pub(crate) fn held(&self) -> Held<'_> {
        // INVARIANT: The guard has the lock, is borrowed for that long, and stays in its thread.
        Held(PhantomData, NotThreadSafe)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // SAFETY: The lock was taken when the guard was made, by this very thread.
        unsafe { bindings::rtnl_unlock() };
    }
}

impl Held<'_> {
    /// # Safety
    ///
    /// The lock must be held by this thread for as long as the result lives.
    pub(super) unsafe fn assume() -> Self {
        // INVARIANT: By the safety requirements.
        Self(PhantomData, NotThreadSafe)
    }
}
