// SPDX-License-Identifier: GPL-2.0

//! A table of shared objects that is read without locks.

use core::ptr;
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Release, //
        },
        rcu,
        Arc,
        Mutex, //
    },
};
use vmbus::sync::Atomic;

/// Objects, and a table whose entries each refer to one of them or to none.
///
/// # Invariants
///
/// An entry is null or points to an object that is in `objects`, or that was there less than a
/// grace period ago and is still kept alive by who took it out.
#[pin_data]
pub(crate) struct SharedTable<T> {
    entries: KVVec<Atomic<*mut T>>,
    #[pin]
    objects: Mutex<KVec<Arc<T>>>,
}

// SAFETY: The table hands out references to, and drops, objects on any thread.
unsafe impl<T: Send + Sync> Send for SharedTable<T> {}
// SAFETY: As above.
unsafe impl<T: Send + Sync> Sync for SharedTable<T> {}

impl<T> SharedTable<T> {
    /// Makes a table of `len` empty entries, without objects.
    pub(crate) fn new(len: usize) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            entries: {
                let mut entries = KVVec::with_capacity(len, GFP_KERNEL)?;
                for _ in 0..len {
                    entries.push_within_capacity(Atomic::new(ptr::null_mut()))?;
                }
                entries
            },
            objects <- new_mutex!(KVec::new()),
        })
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The object that an entry refers to.
    #[inline]
    pub(crate) fn get<'a>(&'a self, entry: usize, _guard: &'a rcu::Guard) -> Option<&'a T> {
        let object = self.entries.get(entry)?.load(Acquire);
        // SAFETY: By the type invariants, the object is alive at least until a grace period has
        // passed, and the guard keeps one from passing.
        unsafe { object.as_ref() }
    }

    /// The object that was added first of those that are there.
    pub(crate) fn first(&self) -> Option<Arc<T>> {
        self.objects.lock().first().cloned()
    }

    /// Adds an object and assigns the entries anew: `choose` says which object an entry refers to.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn add(
        &self,
        object: Arc<T>,
        choose: impl Fn(usize, &[Arc<T>]) -> Option<usize>,
    ) -> Result {
        let mut objects = self.objects.lock();
        objects.push(object, GFP_KERNEL)?;
        self.assign(&objects, choose);
        Ok(())
    }

    /// Removes an object and assigns the entries anew; the object is not in use by any reader
    /// afterwards. May sleep.
    pub(crate) fn remove(
        &self,
        object: &Arc<T>,
        choose: impl Fn(usize, &[Arc<T>]) -> Option<usize>,
    ) {
        let mut objects = self.objects.lock();
        let Some(at) = objects.iter().position(|other| Arc::ptr_eq(other, object)) else {
            return;
        };
        let Ok(removed) = objects.remove(at) else {
            return;
        };
        self.assign(&objects, choose);
        drop(objects);
        rcu::synchronize_rcu();
        drop(removed);
    }

    /// Assigns the entries anew.
    pub(crate) fn reassign(&self, choose: impl Fn(usize, &[Arc<T>]) -> Option<usize>) {
        self.assign(&self.objects.lock(), choose);
    }

    fn assign(&self, objects: &[Arc<T>], choose: impl Fn(usize, &[Arc<T>]) -> Option<usize>) {
        for (at, entry) in self.entries.iter().enumerate() {
            let chosen = choose(at, objects).and_then(|object| objects.get(object));
            let pointer = chosen.map_or(ptr::null(), Arc::as_ptr);
            // INVARIANT: The object is one of `objects`.
            entry.store(pointer.cast_mut(), Release);
        }
    }
}
