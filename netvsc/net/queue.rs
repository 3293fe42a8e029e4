// SPDX-License-Identifier: GPL-2.0

//! A queue of a network device for sending.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

use core::marker::PhantomData;
use vmbus::bindings;

/// `struct netdev_queue`.
///
/// # Invariants
///
/// The pointer is valid for `'a`.
#[derive(Clone, Copy)]
pub(crate) struct TxQueue<'a>(*mut bindings::netdev_queue, PhantomData<&'a ()>);

impl TxQueue<'_> {
    /// # Safety
    ///
    /// `raw` must be a queue that is valid for as long as the result lives.
    #[inline]
    pub(super) unsafe fn from_raw(raw: *mut bindings::netdev_queue) -> Self {
        // INVARIANT: By the safety requirements.
        Self(raw, PhantomData)
    }

    /// Has the stack give no more packets to this queue. Callable in any context.
    ///
    /// This is a full memory barrier, so that the caller can look whether there is room after all.
    #[inline]
    pub(crate) fn stop(self) {
        // SAFETY: By the type invariants.
        unsafe { bindings::hv_rust_net_stop_queue(self.0) };
    }

    /// Has the stack give packets to this queue again. Callable in any context.
    ///
    /// This is no more than a read if the queue is not stopped.
    #[inline]
    pub(crate) fn wake(self) {
        if self.is_stopped() {
            // SAFETY: By the type invariants.
            unsafe { bindings::hv_rust_net_wake_queue(self.0) };
        }
    }

    /// Whether the driver stopped the queue.
    #[inline]
    pub(crate) fn is_stopped(self) -> bool {
        // SAFETY: By the type invariants; the word changes at any time, hence the volatile read.
        let state = unsafe { (&raw const (*self.0).state).read_volatile() };
        state & (1 << bindings::netdev_queue_state_t___QUEUE_STATE_DRV_XOFF) != 0
    }
}
