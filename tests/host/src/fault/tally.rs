// SPDX-License-Identifier: GPL-2.0

//! How much was spoilt.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::plan::Target;
use crate::vmbus::sync::lock;

/// How many changes are remembered in words.
const REMEMBERED: usize = 256;

/// Live counts, shared by all that spoil.
#[derive(Debug, Default)]
pub(super) struct Counts {
    spoilt: [AtomicU64; Target::ALL.len()],
    pub(super) memory: AtomicU64,
    pub(super) indices: AtomicU64,
    pub(super) signals: AtomicU64,
    pub(super) cycles: AtomicU64,
    last: Mutex<VecDeque<String>>,
}

impl Counts {
    /// Counts a spoilt message or packet for `target`.
    pub(super) fn spoilt(&self, target: Target) {
        add(&self.spoilt[target as usize]);
    }

    /// Remembers in words what was done.
    pub(super) fn remember(&self, what: impl FnOnce() -> String) {
        let mut last = lock(&self.last);
        if last.len() == REMEMBERED {
            last.pop_front();
        }
        last.push_back(what());
    }

    /// What was done last, oldest first.
    pub(super) fn last(&self) -> Vec<String> {
        lock(&self.last).iter().cloned().collect()
    }

    pub(super) fn tally(&self) -> Tally {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Tally {
            spoilt: std::array::from_fn(|index| load(&self.spoilt[index])),
            memory: load(&self.memory),
            indices: load(&self.indices),
            signals: load(&self.signals),
            cycles: load(&self.cycles),
        }
    }
}

pub(super) fn add(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

/// Counts at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    spoilt: [u64; Target::ALL.len()],
    /// Writes into packets and messages that the guest may be reading.
    pub memory: u64,
    /// Writes into the headers of rings.
    pub indices: u64,
    /// Signals without a reason.
    pub signals: u64,
    /// How often a device was taken away and offered again.
    pub cycles: u64,
}

impl Tally {
    /// How many messages or packets for `target` were spoilt.
    pub fn spoilt(&self, target: Target) -> u64 {
        self.spoilt[target as usize]
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        for (sum, more) in self.spoilt.iter_mut().zip(other.spoilt) {
            *sum += more;
        }
        self.memory += other.memory;
        self.indices += other.indices;
        self.signals += other.signals;
        self.cycles += other.cycles;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for target in Target::ALL {
            write!(f, "{target} {}, ", self.spoilt(target))?;
        }
        let Self {
            memory,
            indices,
            signals,
            cycles,
            ..
        } = self;
        write!(
            f,
            "memory {memory}, ring headers {indices}, signals {signals}; {cycles} devices taken away"
        )
    }
}
