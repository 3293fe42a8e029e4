// SPDX-License-Identifier: GPL-2.0

//! Offering channels and taking offers back.

use std::sync::Arc;

use zerocopy::little_endian::U16;

use super::channel::Channel;
use super::device::Guid;
use super::monitor;
use super::server::Server;
use super::shared::Lease;
use super::state::{Attached, Offer, Phase, State};
use super::wire::{self, kind};

impl Server {
    /// Offers channel `index` of the attached device `instance`. Returns whether it could.
    pub(super) fn offer(&self, state: &mut State, instance: Guid, index: u16) -> bool {
        let monitored = self.config().monitor.is_some()
            && state
                .attached(instance)
                .is_some_and(|attached| attached.offer.monitored);
        let Some(relid) = state.allocate_relid() else {
            self.trace().note("out of relids");
            return false;
        };
        let monitor = if monitored {
            state.allocate_monitor()
        } else {
            None
        };
        let Some(attached) = state.attached(instance) else {
            return false;
        };
        let message = self.offer_message(attached, relid, index, monitor);
        let offer = Offer {
            relid,
            instance,
            index,
            device: Arc::clone(&attached.device),
            tamper: Arc::clone(&attached.tamper),
            monitor,
            phase: Phase::Closed,
            ring_gpadl: 0,
            revoked: false,
            opens: 0,
        };
        state.offers.insert(relid, offer);
        self.describe_monitor(state, relid, monitor);
        self.post(state, kind::OFFER_CHANNEL, &message);
        true
    }

    fn offer_message(
        &self,
        attached: &Attached,
        relid: u32,
        index: u16,
        monitor: Option<u8>,
    ) -> wire::OfferChannel {
        let offer = &attached.offer;
        wire::OfferChannel {
            class: offer.class,
            instance: offer.instance,
            reserved: [0; 16],
            flags: offer.flags.into(),
            mmio_megabytes: U16::ZERO,
            user_defined: offer.user_defined,
            subchannel_index: index.into(),
            reserved2: U16::ZERO,
            relid: relid.into(),
            monitor_id: monitor.unwrap_or(0xff),
            monitor_allocated: monitor.is_some().into(),
            dedicated: u16::from(self.config().dedicated_interrupts).into(),
            connection: self.event_connection(relid).into(),
        }
    }

    fn describe_monitor(&self, state: &State, relid: u32, monitor: Option<u8>) {
        let page = state
            .connection
            .as_ref()
            .map_or(0, |connection| connection.monitor_page);
        let latency = self.config().monitor.filter(|_| page != 0);
        if let (Some(bit), Some(latency)) = (monitor, latency) {
            let connection = self.event_connection(relid);
            monitor::describe(self.memory(), page, bit, latency, connection);
        }
    }

    /// Offers those of the sub-channels 1 to `count` that are not offered yet.
    pub(super) fn offer_subchannels(&self, primary: &Channel, count: u16) -> bool {
        let instance = primary.instance();
        let offered = {
            let mut state = self.lock_state();
            let owner = state.offers.get(&primary.relid());
            let alive = owner.is_some_and(|offer| {
                let same = |channel: &Arc<Channel>| std::ptr::eq(Arc::as_ptr(channel), primary);
                !offer.revoked && offer.current_channel().is_some_and(same)
            });
            let mut offered = alive;
            for index in 1..=count {
                let exists = state.offers.values().any(|offer| {
                    offer.instance == instance && offer.index == index && !offer.revoked
                });
                offered = offered && (exists || self.offer(&mut state, instance, index));
            }
            offered
        };
        self.deliver();
        offered
    }

    /// The pages that the guest shares with channel `relid` under `handle`, and what says that they are in use.
    pub(super) fn lend(&self, relid: u32, handle: u32) -> Option<(Vec<u64>, Arc<Lease>)> {
        self.lock_state().gpadls.lend(relid, handle)
    }

    /// Takes offers back: the channels end first, then the guest is told. Where the device lingers
    /// they end when the guest closes them.
    pub(super) fn revoke(&self, relids: &[u32]) {
        let channels: Vec<_> = {
            let mut state = self.lock_state();
            let mut taken = Vec::new();
            for relid in relids {
                if let Some(offer) = state.offers.get_mut(relid) {
                    offer.revoked = true;
                    if !offer.device.lingers() {
                        taken.extend(offer.take_channel());
                    }
                }
            }
            taken
        };
        self.end(&channels);
        let state = self.lock_state();
        for relid in relids {
            // The guest may have unloaded meanwhile, and a relid is not used again so soon.
            if state.offers.get(relid).is_some_and(|offer| offer.revoked) {
                let rescind = wire::Relid {
                    relid: (*relid).into(),
                };
                self.post(&state, kind::RESCIND_OFFER, &rescind);
            }
        }
        drop(state);
        self.after_change();
    }
}
