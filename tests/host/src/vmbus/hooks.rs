// SPDX-License-Identifier: GPL-2.0

//! What tests do with the server: plug and unplug devices, misbehave, wait and look.
//!
//! All of it may be called from any thread, but not from a tamper hook or a wait condition.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use vm_memory::{Bytes as _, GuestAddress};

use super::channel::Channel;
use super::device::{Device, Guid};
use super::ring::Field;
use super::server::Server;
use super::state::Attached;
use super::stats::Stats;
use super::status::Status;
use super::tamper::{MessageTamper, Ring, Tamper};
use super::violation::Violation;
use super::wire::OutMessage;
use crate::hv::Forged;

impl Server {
    /// Plugs a device in and offers it at once if the guest asked for offers before. Returns
    /// false, and does nothing, if a device with this instance GUID is plugged in.
    pub fn add_device(&self, device: Arc<dyn Device>) -> bool {
        let offer = device.offer();
        let instance = offer.instance;
        let mut state = self.lock_state();
        if state.attached(instance).is_some() {
            return false;
        }
        state.devices.push(Attached {
            device,
            offer,
            tamper: Arc::default(),
        });
        if state
            .connection
            .as_ref()
            .is_some_and(|it| it.offers_requested)
        {
            self.offer(&mut state, instance, 0);
        }
        drop(state);
        self.deliver();
        true
    }

    /// Unplugs a device: its channels are closed and rescinded, sub-channels first. Their relids
    /// stay in use until the guest releases them. Returns whether the device was there.
    pub fn remove_device(&self, instance: Guid) -> bool {
        let mut state = self.lock_state();
        let count = state.devices.len();
        state
            .devices
            .retain(|attached| attached.offer.instance != instance);
        let removed = state.devices.len() != count;
        let relids = state.live_relids(instance, 0);
        drop(state);
        self.revoke(&relids);
        removed
    }

    /// Sets or removes the hook that sees what `instance` sends. It goes with the device. Returns
    /// whether the device is there.
    pub fn set_tamper(&self, instance: Guid, tamper: Option<Tamper>) -> bool {
        let state = self.lock_state();
        let slot = state
            .attached(instance)
            .map(|attached| Arc::clone(&attached.tamper));
        drop(state);
        slot.map(|slot| slot.set(tamper)).is_some()
    }

    /// Sets or removes the hook that sees each control message before it leaves.
    pub fn set_message_tamper(&self, tamper: Option<MessageTamper>) {
        self.message_tamper().set(tamper);
    }

    /// Whether the guest has ever set the bit of `relid` in the interrupt page, which it does with
    /// hosts before 5.0 whose event connections are shared by channels.
    pub fn send_bit(&self, relid: u32) -> bool {
        /// The half of the page that is the guest's to write.
        const SEND_BITS: u64 = 2048;
        let page = self.lock_state().interrupt_page();
        let byte = page.and_then(|page| {
            let address = page.checked_add(SEND_BITS + u64::from(relid / 8))?;
            self.memory().read_obj::<u8>(GuestAddress(address)).ok()
        });
        byte.is_some_and(|byte| byte >> (relid % 8) & 1 == 1)
    }

    /// Sends `message` to the guest, out of the blue.
    pub fn inject_message(&self, message: OutMessage) {
        self.enqueue(message);
        self.deliver();
    }

    /// Puts `bytes` into the message slot of `vp`, with any header, past the order of messages, the hook and
    /// the trace.
    pub fn forge_message(&self, vp: u32, header: Forged, bytes: &[u8]) {
        self.services().hypervisor().post_forged(vp, header, bytes);
    }

    /// How many messages wait for the slot of `vp`.
    pub fn waiting_messages(&self, vp: u32) -> usize {
        self.services().hypervisor().waiting_messages(vp)
    }

    /// The number of virtual processors.
    pub fn processors(&self) -> u32 {
        self.vp_count()
    }

    /// Writes `bytes` as a packet into the ring of the primary channel of `instance`, as they are.
    /// Returns whether it is open.
    pub fn inject(&self, instance: Guid, bytes: &[u8]) -> bool {
        self.channel(instance, 0)
            .map(|channel| channel.inject(bytes))
            .is_some()
    }

    /// Signals the guest about `relid` on `vp`, without a reason.
    pub fn inject_signal(&self, vp: u32, relid: u32) -> bool {
        self.services().signal(vp, relid)
    }

    /// Overwrites a field in the header of a ring. Returns whether the channel is open.
    pub fn poke_ring(
        &self,
        instance: Guid,
        index: u16,
        ring: Ring,
        field: Field,
        value: u32,
    ) -> bool {
        let channel = self.channel(instance, index);
        channel.is_some_and(|channel| channel.poke(ring, field, value))
    }

    /// The open channel `index` (0 is the primary) of `instance`.
    pub fn channel(&self, instance: Guid, index: u16) -> Option<Arc<Channel>> {
        let state = self.lock_state();
        let mut offers = state.offers.values();
        let offer = offers.find(|offer| {
            offer.instance == instance && offer.index == index && offer.open_channel().is_some()
        });
        offer.and_then(|offer| offer.open_channel().cloned())
    }

    /// The state.
    pub fn status(&self) -> Status {
        self.lock_state().status(self.violations_so_far().count())
    }

    /// Waits until `condition` holds or `timeout` has passed. Returns whether it holds.
    pub fn wait_for(&self, condition: impl Fn(&Status) -> bool, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut state = self.lock_state();
        loop {
            if condition(&state.status(self.violations_so_far().count())) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.changed().wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The counters.
    pub fn stats(&self) -> Stats {
        let state = self.lock_state();
        let channels = state
            .counters
            .iter()
            .map(|(&(instance, index), counters)| (instance, index, counters.snapshot()));
        Stats {
            total: self.services().totals().snapshot(),
            channels: channels.collect(),
        }
    }

    /// The guest's first violations of the protocol.
    pub fn violations(&self) -> Vec<Violation> {
        self.violations_so_far().list()
    }

    /// Forgets the violations so far, after a test provoked them.
    pub fn clear_violations(&self) {
        self.violations_so_far().clear();
    }
}
