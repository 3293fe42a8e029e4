// SPDX-License-Identifier: GPL-2.0

//! The rule that a device is called for one channel once at a time, and not after its close.
//!
//! A thread that finds another one inside leaves a note instead of waiting: the one inside then
//! goes round once more. So a virtual processor never waits for another one's I/O.

use std::sync::{Condvar, Mutex};
use std::thread::{self, ThreadId};

use super::sync::{lock, wait};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Gate {
    state: Mutex<Inner>,
    left: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    inside: Option<ThreadId>,
    again: bool,
    shut: bool,
}

/// The right to call the device; ends when dropped.
#[derive(Debug)]
pub(super) struct Turn<'a>(&'a Gate);

impl Gate {
    /// Goes in, unless the gate is shut or a thread is inside (which then goes round again).
    pub(super) fn enter(&self) -> Option<Turn<'_>> {
        let mut inner = lock(&self.state);
        if inner.shut {
            return None;
        }
        if inner.inside.is_some() {
            inner.again = true;
            return None;
        }
        inner.inside = Some(thread::current().id());
        inner.again = false;
        Some(Turn(self))
    }

    /// Lets nobody in any more and waits until nobody is inside but perhaps the caller itself.
    pub(super) fn shut(&self) {
        let me = thread::current().id();
        let mut inner = lock(&self.state);
        inner.shut = true;
        while inner.inside.is_some_and(|inside| inside != me) {
            inner = wait(&self.left, inner);
        }
    }
}

impl Turn<'_> {
    /// Leaves, unless somebody wanted in since this turn, or its last round, began. Both are
    /// decided under one lock, so that no wish gets lost.
    pub(super) fn another_round(self) -> Option<Self> {
        let mut inner = lock(&self.0.state);
        if std::mem::take(&mut inner.again) && !inner.shut {
            drop(inner);
            return Some(self);
        }
        inner.inside = None;
        drop(inner);
        self.0.left.notify_all();
        std::mem::forget(self);
        None
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        lock(&self.0.state).inside = None;
        self.0.left.notify_all();
    }
}
