// SPDX-License-Identifier: GPL-2.0

//! A work queue for the errors of one host.
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

/// A work queue that does one thing after the other. Dropping it waits for what is queued.
pub(crate) struct OrderedQueue(NonNull<bindings::workqueue_struct>);

// SAFETY: A work queue may be used from any thread.
unsafe impl Send for OrderedQueue {}
// SAFETY: As above.
unsafe impl Sync for OrderedQueue {}

impl OrderedQueue {
    /// Makes the queue of host `number`.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(number: u32) -> Result<Self> {
        let flags = bindings::wq_flags_WQ_UNBOUND | bindings::wq_flags___WQ_ORDERED;
        // SAFETY: The format takes one number.
        let queue = unsafe {
            bindings::alloc_workqueue_noprof(c"storvsc_error_wq_%u".as_char_ptr(), flags, 1, number)
        };
        NonNull::new(queue).map(Self).ok_or(ENOMEM)
    }

    /// Waits until what is queued now has been done.
    pub(crate) fn flush(&self) {
        // SAFETY: The queue exists as long as `self`.
        unsafe { bindings::__flush_workqueue(self.0.as_ptr()) };
    }
}

impl Deref for OrderedQueue {
    type Target = Queue;

    fn deref(&self) -> &Queue {
        // SAFETY: The queue exists as long as `self`.
        unsafe { Queue::from_raw(self.0.as_ptr()) }
    }
}

impl Drop for OrderedQueue {
    fn drop(&mut self) {
        // SAFETY: Nobody can queue anything any more.
        unsafe { bindings::destroy_workqueue(self.0.as_ptr()) };
    }
}
