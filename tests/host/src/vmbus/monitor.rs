// SPDX-License-Identifier: GPL-2.0

//! Monitored notification: the guest sets a bit in a page instead of making a hypercall, and the
//! host looks at the page now and then.
//!
//! The same thread looks after full rings of guests that do not announce when they make room.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::thread;
use std::time::Duration;

use vm_memory::{
    Bytes as _, GuestAddress, GuestMemoryBackend as _, GuestMemoryMmap, VolatileMemory as _,
};

use super::channel::Channel;
use super::server::Server;
use super::state::State;
use super::sync::{lock, wait};
use super::wire::{MONITOR_GROUP, MONITOR_LATENCY, MONITOR_PARAMETER, MONITOR_PENDING};

/// Groups of trigger bits.
const GROUPS: u64 = 4;
/// Bits in a group.
const BITS: u64 = 32;

/// Tells the polling thread whether there is anything to poll.
#[derive(Debug, Default)]
pub(super) struct Poller {
    work: Mutex<Work>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct Work {
    wanted: bool,
    stop: bool,
}

impl Poller {
    /// Starts the thread. It ends after [`Self::stop`].
    pub(super) fn start(self: &Arc<Self>, server: Weak<Server>, interval: Duration) {
        let poller = Arc::clone(self);
        thread::spawn(move || {
            while poller.pause(interval) {
                let Some(server) = server.upgrade() else {
                    return;
                };
                server.poll();
            }
        });
    }

    /// Waits for the next time to poll. Returns false at the end.
    fn pause(&self, interval: Duration) -> bool {
        let mut work = lock(&self.work);
        while !work.wanted && !work.stop {
            work = wait(&self.wake, work);
        }
        let stop = self
            .wake
            .wait_timeout_while(work, interval, |work| !work.stop);
        stop.is_ok_and(|(work, _)| !work.stop)
    }

    /// Polls from now on, or not. `wanted` is asked under the lock, so that of two decisions the
    /// later one also saw the later state.
    pub(super) fn decide(&self, wanted: impl FnOnce() -> bool) {
        let mut work = lock(&self.work);
        work.wanted = wanted();
        drop(work);
        self.wake.notify_all();
    }

    pub(super) fn stop(&self) {
        lock(&self.work).stop = true;
        self.wake.notify_all();
    }
}

/// Tells the guest, in its page of triggers, how long the host may take and where the bit leads.
pub(super) fn describe(
    memory: &GuestMemoryMmap,
    page: u64,
    monitor: u8,
    latency: Duration,
    connection: u32,
) {
    let bit = u64::from(monitor);
    let units = u16::try_from(latency.as_nanos() / 100).unwrap_or(u16::MAX);
    let latency_at = GuestAddress(page.saturating_add(MONITOR_LATENCY + 2 * bit));
    let parameter_at = GuestAddress(page.saturating_add(MONITOR_PARAMETER + 8 * bit));
    let enabled = 1u32 << (bit / BITS);
    let state = GuestAddress(page);
    let group_enable = memory.load::<u32>(state, Ordering::SeqCst).unwrap_or(0) | enabled;
    // A page without memory behind it was reported at the contact; there is nobody to tell.
    let _ = memory.store(units, latency_at, Ordering::SeqCst);
    let _ = memory.store(u64::from(connection), parameter_at, Ordering::SeqCst);
    let _ = memory.store(group_enable, state, Ordering::SeqCst);
}

/// Takes the bits that the guest set in group `group` of the page.
fn take_pending(memory: &GuestMemoryMmap, page: u64, group: u64) -> u32 {
    let at = GuestAddress(page.saturating_add(MONITOR_PENDING + MONITOR_GROUP * group));
    let Ok(slice) = memory.get_slice(at, size_of::<u32>()) else {
        return 0;
    };
    let pending = slice.get_atomic_ref::<AtomicU32>(0);
    pending.map_or(0, |pending| pending.swap(0, Ordering::SeqCst))
}

impl Server {
    /// Starts or stops polling, as the open channels need it.
    pub(super) fn update_polling(&self, state: &State) {
        let mut open = state.offers.values().filter_map(|offer| {
            let channel = offer.open_channel()?;
            Some(offer.monitor.is_some() || channel.is_polled())
        });
        self.poller().decide(|| open.any(|needed| needed));
    }

    fn poll(&self) {
        let (page, channels) = {
            let state = self.lock_state();
            let Some(connection) = state.connection.as_ref() else {
                return;
            };
            let open = state.offers.values().filter_map(|offer| {
                let channel = offer.open_channel()?;
                Some((offer.monitor, Arc::clone(channel)))
            });
            (connection.monitor_page, open.collect::<Vec<_>>())
        };
        let pending: Vec<u32> = match page {
            0 => vec![0; GROUPS as usize],
            page => (0..GROUPS)
                .map(|group| take_pending(self.memory(), page, group))
                .collect(),
        };
        for (monitor, channel) in channels {
            self.poll_channel(&channel, monitor, &pending);
        }
        self.update_polling(&self.lock_state());
    }

    fn poll_channel(&self, channel: &Arc<Channel>, monitor: Option<u8>, pending: &[u32]) {
        let triggered = monitor.is_some_and(|bit| {
            let group = pending.get(usize::from(bit / 32));
            group.is_some_and(|bits| bits & (1 << (bit % 32)) != 0)
        });
        if triggered {
            channel.count_signal(true);
            self.dispatch(channel);
        } else if channel.is_due() {
            self.dispatch(channel);
        }
    }
}
