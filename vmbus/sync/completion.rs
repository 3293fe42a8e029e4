// SPDX-License-Identifier: GPL-2.0

//! Completions with a time limit.
//!
//! `kernel::sync::Completion` can neither be completed for one waiter, nor be used again, nor give
//! up waiting. Everything that waits for a host needs the last of these.
//!
//! C header: [`include/linux/completion.h`](srctree/include/linux/completion.h)

use core::time::Duration;

use kernel::{
    prelude::*,
    types::Opaque, //
};

use crate::bindings;

/// An event that tasks wait for.
#[pin_data]
pub struct Completion {
    #[pin]
    inner: Opaque<bindings::completion>,
}

// SAFETY: A `struct completion` may be used from any task; its wait queue has a lock.
unsafe impl Send for Completion {}

// SAFETY: As for `Send`: the C functions do their own locking.
unsafe impl Sync for Completion {}

impl Completion {
    /// Makes a completion that has not happened yet.
    pub fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            inner <- Opaque::ffi_init(|slot: *mut bindings::completion| {
                // SAFETY: `slot` is valid for writing a `struct completion`, and stays in place.
                unsafe { bindings::init_completion(slot) };
            }),
        })
    }

    /// Lets one waiter, present or future, go on. Callable from any context.
    pub fn complete(&self) {
        // SAFETY: `inner` is an initialised completion.
        unsafe { bindings::complete(self.inner.get()) };
    }

    /// Lets every waiter go on, now and later, until [`reinit`](Self::reinit).
    ///
    /// Callable from any context.
    pub fn complete_all(&self) {
        // SAFETY: `inner` is an initialised completion.
        unsafe { bindings::complete_all(self.inner.get()) };
    }

    /// Makes the completion not have happened, for another use.
    pub fn reinit(&self) {
        // SAFETY: `inner` is an initialised completion.
        unsafe { bindings::hv_rust_reinit_completion(self.inner.get()) };
    }

    /// Tells whether a wait would return at once.
    pub fn is_done(&self) -> bool {
        // SAFETY: `inner` is an initialised completion.
        unsafe { bindings::completion_done(self.inner.get()) }
    }

    /// Waits for at most `limit` and tells whether the event happened. May sleep.
    pub fn wait_timeout(&self, limit: Duration) -> bool {
        let millis = u32::try_from(limit.as_millis()).unwrap_or(u32::MAX);
        let jiffies = kernel::time::msecs_to_jiffies(millis);
        // SAFETY: `inner` is an initialised completion.
        unsafe { bindings::wait_for_completion_timeout(self.inner.get(), jiffies) != 0 }
    }
}
