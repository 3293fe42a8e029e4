// SPDX-License-Identifier: GPL-2.0

//! What the server does with a channel: opens it, signals it, closes it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Channel;
use crate::vmbus::stats::count;
use crate::vmbus::sync::{lock, write_lock};

impl Channel {
    /// Lets the device accept or refuse the open. `None` where the channel was closed meanwhile.
    pub(in crate::vmbus) fn device_opened(self: &Arc<Self>, user_data: &[u8]) -> Option<u32> {
        let mut turn = self.gate.enter()?;
        let status = self.device.opened(self, user_data);
        self.accepted.store(status == 0, Ordering::Relaxed);
        while let Some(next) = turn.another_round() {
            turn = next;
            self.serve(status == 0);
        }
        Some(status)
    }

    /// The guest was told that the channel is open.
    pub(in crate::vmbus) fn announce(&self) {
        let mut announced = lock(&self.announced);
        announced.done = true;
        let owed = std::mem::take(&mut announced.owed);
        drop(announced);
        if owed {
            self.signal_guest();
        }
    }

    /// The guest signalled: sends what waited for room, then calls the device.
    pub(crate) fn device_signalled(self: &Arc<Self>) {
        self.scheduled.store(false, Ordering::Release);
        let mut turn = self.gate.enter();
        while let Some(current) = turn {
            self.serve(true);
            turn = current.another_round();
        }
    }

    fn serve(self: &Arc<Self>, accepted: bool) {
        if self.has_queued() {
            self.flush();
        }
        if accepted {
            self.device.signalled(self);
        }
    }

    /// Counts a signal of the guest.
    pub(in crate::vmbus) fn count_signal(&self, monitored: bool) {
        for counters in [&*self.counters, self.services.totals()] {
            count(if monitored {
                &counters.monitor_signals_in
            } else {
                &counters.signals_in
            });
        }
    }

    /// Whether the worker thread is to be told; not when it was told already.
    pub(in crate::vmbus) fn schedule(&self) -> bool {
        !self.scheduled.swap(true, Ordering::AcqRel)
    }

    /// Whether the guest might make room without a signal, so that the host has to look.
    pub(in crate::vmbus) fn is_polled(&self) -> bool {
        self.held_back.load(Ordering::Relaxed)
            || lock(&self.reader)
                .as_ref()
                .is_some_and(|reader| matches!(reader.guest_has_flow_control(), Ok(false)))
    }

    /// Whether a look is due: packets wait for room, or the guest's were left in the ring for them.
    pub(in crate::vmbus) fn is_due(&self) -> bool {
        let held_back = self.held_back.swap(false, Ordering::Relaxed);
        held_back || (self.has_queued() && self.is_polled())
    }

    fn has_queued(&self) -> bool {
        self.queued.load(Ordering::Relaxed) != 0
    }

    pub(in crate::vmbus) fn set_target_vp(&self, vp: u32) {
        self.target_vp.store(vp, Ordering::Relaxed);
    }

    /// Ends the channel: waits until the device is not inside any more, gives the rings up, and
    /// tells the device. Called without the server's lock.
    pub(in crate::vmbus) fn close(self: &Arc<Self>) {
        self.gate.shut();
        *lock(&self.reader) = None;
        *lock(&self.writer) = None;
        *write_lock(&self.open) = false;
        self.queued.store(0, Ordering::Relaxed);
        if self.accepted.swap(false, Ordering::Relaxed) {
            self.device.closed(self);
        }
    }
}
