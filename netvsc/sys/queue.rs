// SPDX-License-Identifier: GPL-2.0

//! A work queue for one device.
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
use vmbus::bindings;

/// A work queue. Dropping it waits for what is queued.
pub(crate) struct WorkQueue(NonNull<bindings::workqueue_struct>);

// SAFETY: A work queue may be used from any thread.
unsafe impl Send for WorkQueue {}
// SAFETY: As above.
unsafe impl Sync for WorkQueue {}

impl WorkQueue {
    /// Makes a queue.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: The format takes no arguments.
        let queue = unsafe {
            bindings::alloc_workqueue_noprof(
                c"hv_netvsc".as_char_ptr(),
                bindings::wq_flags_WQ_UNBOUND,
                0,
            )
        };
        NonNull::new(queue).map(Self).ok_or(ENOMEM)
    }

    /// Waits until what is queued now has been done.
    pub(crate) fn flush(&self) {
        // SAFETY: The queue exists as long as `self`.
        unsafe { bindings::__flush_workqueue(self.0.as_ptr()) };
    }
}

impl Deref for WorkQueue {
    type Target = Queue;

    fn deref(&self) -> &Queue {
        // SAFETY: The queue exists as long as `self`.
        unsafe { Queue::from_raw(self.0.as_ptr()) }
    }
}

impl Drop for WorkQueue {
    fn drop(&mut self) {
        // SAFETY: Nobody can queue anything any more.
        unsafe { bindings::destroy_workqueue(self.0.as_ptr()) };
    }
}
