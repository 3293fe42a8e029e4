// SPDX-License-Identifier: GPL-2.0

//! Work queues of one's own.
//!
//! C header: [`include/linux/workqueue.h`](srctree/include/linux/workqueue.h)

use core::{
    ops::Deref,
    ptr::NonNull, //
};

use kernel::{
    prelude::*,
    workqueue::Queue, //
};

use crate::bindings;

/// How many items of a queue run at a time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Concurrency {
    /// One, in the order of queueing.
    Ordered,
    /// As many as there are.
    Parallel,
}

/// What a queue does when memory is so short that there is none for another worker.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shortage {
    /// It goes on with a worker of its own, as a queue must on whose work the block layer may wait.
    GoesOn,
    /// It waits. So must a queue that runs drivers: the driver core and the subsystems flush work
    /// that waits, and the kernel warns when a queue that goes on does that.
    Waits,
}

/// A work queue that is drained and destroyed when dropped.
pub struct OwnedQueue(NonNull<bindings::workqueue_struct>);

// SAFETY: A work queue may be used from and destroyed by any task.
unsafe impl Send for OwnedQueue {}

// SAFETY: The functions on work queues do their own locking.
unsafe impl Sync for OwnedQueue {}

impl OwnedQueue {
    /// Creates a queue; `name` is what the kernel shows of its workers.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn new(name: &CStr, concurrency: Concurrency, shortage: Shortage) -> Result<Self> {
        Self::with_flags(name, concurrency, shortage, 0)
    }

    /// Creates a queue that stands still while the system goes to sleep and wakes up: for work that
    /// adds, probes or removes devices, which must not happen then.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn freezable(name: &CStr, concurrency: Concurrency, shortage: Shortage) -> Result<Self> {
        Self::with_flags(name, concurrency, shortage, bindings::wq_flags_WQ_FREEZABLE)
    }

    fn with_flags(
        name: &CStr,
        concurrency: Concurrency,
        shortage: Shortage,
        more: bindings::wq_flags,
    ) -> Result<Self> {
        let base = match shortage {
            Shortage::GoesOn => bindings::wq_flags_WQ_UNBOUND | bindings::wq_flags_WQ_MEM_RECLAIM,
            Shortage::Waits => bindings::wq_flags_WQ_UNBOUND,
        };
        let (flags, max_active) = match concurrency {
            Concurrency::Ordered => (base | more | bindings::wq_flags___WQ_ORDERED, 1),
            Concurrency::Parallel => (base | more, 0),
        };
        // SAFETY: The format takes one string, and `name` is one, which is copied.
        let queue = unsafe {
            bindings::alloc_workqueue_noprof(
                c"%s".as_char_ptr(),
                flags,
                max_active,
                name.as_char_ptr(),
            )
        };
        NonNull::new(queue).map(Self).ok_or(ENOMEM)
    }

    /// Waits until everything that was queued before the call has run.
    pub fn flush(&self) {
        // SAFETY: The queue exists as long as `self`.
        unsafe { bindings::__flush_workqueue(self.0.as_ptr()) };
    }
}

impl Deref for OwnedQueue {
    type Target = Queue;

    fn deref(&self) -> &Queue {
        // SAFETY: The queue exists as long as `self`, from which the reference is borrowed.
        unsafe { Queue::from_raw(self.0.as_ptr()) }
    }
}

impl Drop for OwnedQueue {
    fn drop(&mut self) {
        // SAFETY: `new` made the queue, and nothing can be queued any more.
        unsafe { bindings::destroy_workqueue(self.0.as_ptr()) };
    }
}
