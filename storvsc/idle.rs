// SPDX-License-Identifier: GPL-2.0

//! Waiting until no command is in flight.
//!
//! There is no count of commands, which all CPUs would have to change for each command. Instead who
//! waits says so, and then looks whether there is any; who ends a command takes it away, and then
//! looks whether anyone waits.

use core::time::Duration;
use kernel::{
    prelude::*,
    sync::atomic::{
        Full,
        Relaxed, //
    },
};
use vmbus::sync::{
    Atomic,
    Completion, //
};

/// Where the one waiter waits.
#[pin_data]
pub(crate) struct Idle {
    awaited: Atomic<bool>,
    #[pin]
    changed: Completion,
}

impl Idle {
    /// Nobody waits.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            awaited: Atomic::new(false),
            changed <- Completion::new(),
        })
    }

    /// A command has ended. What was done before is seen by the waiter, given that it ended with an
    /// atomic operation that is a full barrier.
    #[inline]
    pub(crate) fn notify(&self) {
        if self.awaited.load(Relaxed) {
            self.changed.complete();
        }
    }

    /// Waits until `is_idle`, or until one command takes longer than `patience`; says which.
    ///
    /// There must be one waiter at a time.
    pub(crate) fn wait(&self, patience: Duration, is_idle: impl Fn() -> bool) -> bool {
        self.awaited.xchg(true, Full);
        let idle = loop {
            self.changed.reinit();
            if is_idle() {
                break true;
            }
            if !self.changed.wait_timeout(patience) {
                break is_idle();
            }
        };
        self.awaited.store(false, Relaxed);
        idle
    }
}
