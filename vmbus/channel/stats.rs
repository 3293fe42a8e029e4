// SPDX-License-Identifier: GPL-2.0

//! What a channel counts, for its attributes in sysfs.

use crate::sync::Atomic;
use kernel::sync::atomic::{
    Relaxed, //
};

/// A counter that wraps around.
#[derive(Debug)]
pub struct Counter(Atomic<u64>);

impl Counter {
    const fn new() -> Self {
        Self(Atomic::new(0))
    }

    /// Counts one more.
    #[inline]
    pub(crate) fn increment(&self) {
        self.0.add(1u64, Relaxed);
    }

    /// The count so far.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// The counters of a channel, since it was offered.
#[derive(Debug)]
pub struct Stats {
    /// Interrupts from the host.
    pub interrupts: Counter,
    /// Signals to the host by hypercall.
    pub sig_events: Counter,
    /// Signals that told the host of room in a ring that it had found full.
    pub intr_in_full: Counter,
    /// Signals that told the host of packets in a ring that it had found empty.
    pub intr_out_empty: Counter,
    /// The first packets that found the outgoing ring full.
    pub out_full_first: Counter,
    /// All packets that found the outgoing ring full.
    pub out_full_total: Counter,
}

impl Stats {
    pub(super) const fn new() -> Self {
        Self {
            interrupts: Counter::new(),
            sig_events: Counter::new(),
            intr_in_full: Counter::new(),
            intr_out_empty: Counter::new(),
            out_full_first: Counter::new(),
            out_full_total: Counter::new(),
        }
    }
}
