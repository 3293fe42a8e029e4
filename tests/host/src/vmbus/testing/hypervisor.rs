// SPDX-License-Identifier: GPL-2.0

//! A hypervisor that keeps messages and event flags in memory.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::hv::Hypervisor;
use crate::vmbus::sync::lock;

/// Time stands still.
const REFERENCE_TIME: u64 = 123_456_789;

/// See the module.
#[derive(Debug)]
pub struct FakeHypervisor {
    vps: u32,
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    messages: VecDeque<(u32, Vec<u8>)>,
    flags: BTreeSet<(u32, u16)>,
    interrupts: u64,
}

impl FakeHypervisor {
    /// One with `vps` virtual processors.
    pub fn new(vps: u32) -> Arc<Self> {
        Arc::new(Self {
            vps,
            inner: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    /// Takes the oldest message, with the virtual processor that it is for. Waits for one until
    /// `timeout` has passed.
    pub fn take_message(&self, timeout: Duration) -> Option<(u32, Vec<u8>)> {
        let inner = lock(&self.inner);
        let waited = self
            .changed
            .wait_timeout_while(inner, timeout, |inner| inner.messages.is_empty());
        waited
            .unwrap_or_else(PoisonError::into_inner)
            .0
            .messages
            .pop_front()
    }

    /// Clears event flag `flag`, wherever it is set, and tells on which virtual processor it was.
    /// Waits for it until `timeout` has passed.
    pub fn take_event(&self, flag: u16, timeout: Duration) -> Option<u32> {
        let find = |inner: &Inner| inner.flags.iter().find(|set| set.1 == flag).copied();
        let inner = lock(&self.inner);
        let waited = self
            .changed
            .wait_timeout_while(inner, timeout, |inner| find(inner).is_none());
        let mut inner = waited.unwrap_or_else(PoisonError::into_inner).0;
        let found = find(&inner)?;
        inner.flags.remove(&found);
        Some(found.0)
    }

    /// How often an event flag went from clear to set.
    pub fn interrupts(&self) -> u64 {
        lock(&self.inner).interrupts
    }
}

impl Hypervisor for FakeHypervisor {
    fn post_message(&self, vp: u32, payload: &[u8]) {
        lock(&self.inner).messages.push_back((vp, payload.to_vec()));
        self.changed.notify_all();
    }

    fn signal_event(&self, vp: u32, flag: u16) -> bool {
        let mut inner = lock(&self.inner);
        let raised = inner.flags.insert((vp, flag));
        inner.interrupts += u64::from(raised);
        drop(inner);
        self.changed.notify_all();
        raised
    }

    fn vp_count(&self) -> u32 {
        self.vps
    }

    fn reference_time(&self) -> u64 {
        REFERENCE_TIME
    }
}
