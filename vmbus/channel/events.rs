// SPDX-License-Identifier: GPL-2.0

//! From an event flag to the endpoint that it is for.
//!
//! The interrupt handler looks endpoints up in a table of pointers, without locks. The table owns
//! a reference to each endpoint in it. To take one out, its pointer is cleared; after an RCU grace
//! period no interrupt handler works with it any more, so that nobody schedules its tasklet; the
//! tasklet is killed; then the reference is dropped.

use core::mem::offset_of;

use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Full, //
        },
        rcu,
        Arc, //
    }, //
};

use super::Endpoint;
use crate::{
    sync::{
        Atomic,
        HasTasklet, //
    },
    wire::MAX_RELIDS, //
};

/// The endpoints that events are for.
///
/// # Invariants
///
/// An endpoint whose `published` is true is in the table, or was until the [`EventTable::retire`]
/// that is under way, and the table owns a reference to it.
pub(crate) struct EventTable(KVec<Atomic<*const Endpoint>>);

impl EventTable {
    /// A table without endpoints.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new() -> Result<Self> {
        let mut entries = KVec::with_capacity(MAX_RELIDS, GFP_KERNEL)?;
        for _ in 0..MAX_RELIDS {
            entries.push(Atomic::new(core::ptr::null()), GFP_KERNEL)?;
        }
        Ok(Self(entries))
    }

    #[inline]
    fn entry(&self, relid: u32) -> Option<&Atomic<*const Endpoint>> {
        self.0.get(usize::try_from(relid).ok()?)
    }

    /// Has events delivered to an endpoint, and lets its handler look for what came before.
    pub(super) fn publish(&self, endpoint: &Arc<Endpoint>) {
        let Some(entry) = self.entry(endpoint.relid()) else {
            return;
        };
        let pointer = Arc::as_ptr(endpoint);
        if endpoint.published.xchg(true, Full) {
            return;
        }
        // INVARIANT: This is the reference that the table owns.
        let _ = Arc::into_raw(endpoint.clone());
        entry.xchg(pointer, Full);
        endpoint.schedule();
    }

    /// Ends the delivery to some endpoints. When this returns their handlers do not run any more.
    /// May sleep.
    pub(super) fn retire(&self, endpoints: &[Arc<Endpoint>]) {
        for endpoint in endpoints {
            endpoint.begin_close();
            if let Some(entry) = self.entry(endpoint.relid()) {
                // Fails where the endpoint is not in the table, which is just as well.
                let _ = entry.cmpxchg(Arc::as_ptr(endpoint), core::ptr::null(), Full);
            }
        }
        rcu::synchronize_rcu();
        for endpoint in endpoints {
            endpoint.tasklet.kill();
            if endpoint.published.xchg(false, Full) {
                // SAFETY: By the invariant the table owned this reference, which came from
                // `Arc::into_raw`. Nobody finds the pointer any more, nor works with it.
                drop(unsafe { Arc::from_raw(Arc::as_ptr(endpoint)) });
            }
        }
    }

    /// Has the handler of an endpoint called soon, if events are still delivered to it.
    fn poll(&self, endpoint: &Endpoint, _reader: &rcu::Guard) {
        let Some(entry) = self.entry(endpoint.relid()) else {
            return;
        };
        if core::ptr::eq(entry.load(Acquire), endpoint) {
            endpoint.schedule();
        }
    }

    /// Delivers an event. Runs in a hard interrupt.
    #[inline]
    pub(crate) fn deliver(&self, relid: u32, _reader: &rcu::Guard) {
        let Some(entry) = self.entry(relid) else {
            return;
        };
        let endpoint = entry.load(Acquire);
        // SAFETY: The table owns a reference to what is in it, until a grace period after the
        // pointer was cleared; this is an RCU reader.
        if let Some(endpoint) = unsafe { endpoint.as_ref() } {
            endpoint.interrupt();
        }
    }
}

// SAFETY: The offset is that of the tasklet.
unsafe impl HasTasklet for Endpoint {
    const TASKLET_OFFSET: usize = offset_of!(Endpoint, tasklet);

    fn run(&self) {
        self.receive();
    }
}

impl Endpoint {
    /// Has the handler look for packets soon, although the host did not signal: it left some when
    /// it was called last. Does nothing when the channel is being closed. Callable from any context.
    pub fn poll(&self) {
        let events = self.channel().connection.events();
        events.poll(self, &rcu::read_lock());
    }

    /// Has the handler called soon.
    #[inline]
    pub(super) fn schedule(&self) {
        // SAFETY: The tasklet was made for this type. Only `publish`, `poll`, `interrupt` and
        // `receive` get here, for endpoints that the table owns a reference to. `retire` gives that
        // up, but only after it has seen to it that none runs any more and has killed the tasklet.
        unsafe { self.tasklet.schedule() };
    }
}
