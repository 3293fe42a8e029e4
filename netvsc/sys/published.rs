// SPDX-License-Identifier: GPL-2.0

//! A reference to a shared object that is read without locks.

use core::ptr;
use kernel::sync::{
    atomic::{
        Acquire,
        Full, //
    },
    rcu,
    Arc, //
};
use vmbus::sync::Atomic;

/// A reference to an object, or to none.
///
/// # Invariants
///
/// `object` is null, or came from [`Arc::into_raw`] and owns the reference; what was in it before
/// is given up after a grace period only.
pub(crate) struct Published<T> {
    object: Atomic<*const T>,
}

// SAFETY: Hands out references to, and drops, objects on any thread.
unsafe impl<T: Send + Sync> Send for Published<T> {}
// SAFETY: As above.
unsafe impl<T: Send + Sync> Sync for Published<T> {}

impl<T> Published<T> {
    /// No object.
    pub(crate) const fn new() -> Self {
        // INVARIANT: Null.
        Self {
            object: Atomic::new(ptr::null()),
        }
    }

    /// The object.
    #[inline]
    pub(crate) fn get<'a>(&'a self, _guard: &'a rcu::Guard) -> Option<&'a T> {
        let object = self.object.load(Acquire);
        // SAFETY: By the type invariants, the object is alive at least until a grace period has
        // passed, and the guard keeps one from passing.
        unsafe { object.as_ref() }
    }

    /// A reference to the object.
    pub(crate) fn share(&self) -> Option<Arc<T>> {
        let guard = rcu::read_lock();
        let object = ptr::from_ref(self.get(&guard)?);
        // SAFETY: By the type invariants, this is from `Arc::into_raw`; the guard keeps it alive.
        let owner = core::mem::ManuallyDrop::new(unsafe { Arc::from_raw(object) });
        Some(Arc::clone(&owner))
    }

    /// Refers to another object from now on, and returns the old one, which no reader uses any
    /// more. May sleep.
    pub(crate) fn replace(&self, object: Option<Arc<T>>) -> Option<Arc<T>> {
        let new = object.map_or(ptr::null(), Arc::into_raw);
        let old = self.object.xchg(new, Full);
        if old.is_null() {
            return None;
        }
        rcu::synchronize_rcu();
        // SAFETY: By the type invariants, this owned the reference, and no reader has it any more.
        Some(unsafe { Arc::from_raw(old) })
    }
}

impl<T> Drop for Published<T> {
    fn drop(&mut self) {
        drop(self.replace(None));
    }
}
