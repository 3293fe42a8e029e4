// SPDX-License-Identifier: GPL-2.0

//! What the server knows: the connection, the devices, and what was offered to the guest.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::channel::Channel;
use super::device::{self, Device, Guid};
use super::gpadl::Gpadls;
use super::packet::Outgoing;
use super::stats::Counters;
use super::status::{ChannelPhase, ChannelStatus, Status};
use super::tamper::Slot;
use super::wire::{MAX_RELIDS, Version};

/// How many monitor bits there are: four groups of 32.
const MONITOR_BITS: u8 = 128;

/// An established connection.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub(super) version: Version,
    pub(super) target_vp: u32,
    /// The page where the guest's triggers are, 0 for none.
    pub(super) monitor_page: u64,
    /// The interrupt page, which hosts before 5.0 have.
    pub(super) interrupt_page: Option<u64>,
    pub(super) offers_requested: bool,
}

/// A device on the bus, offered or not.
pub(super) struct Attached {
    pub(super) device: Arc<dyn Device>,
    pub(super) offer: device::Offer,
    pub(super) tamper: Arc<Slot<Outgoing>>,
}

/// How far the guest is with a channel.
pub(super) enum Phase {
    Closed,
    /// The device is being asked.
    Opening(Arc<Channel>),
    Open(Arc<Channel>),
}

/// A channel offered to the guest.
pub(super) struct Offer {
    pub(super) relid: u32,
    pub(super) instance: Guid,
    pub(super) index: u16,
    pub(super) device: Arc<dyn Device>,
    pub(super) tamper: Arc<Slot<Outgoing>>,
    pub(super) monitor: Option<u8>,
    pub(super) phase: Phase,
    /// The GPADL of the rings, while not closed.
    pub(super) ring_gpadl: u32,
    /// Whether the offer was taken back; the relid stays until the guest releases it.
    pub(super) revoked: bool,
    pub(super) opens: u32,
}

impl Offer {
    /// Closes the channel for the guest. The caller ends what is returned, without the lock.
    pub(super) fn take_channel(&mut self) -> Option<Arc<Channel>> {
        match std::mem::replace(&mut self.phase, Phase::Closed) {
            Phase::Closed => None,
            Phase::Opening(channel) | Phase::Open(channel) => Some(channel),
        }
    }

    pub(super) fn open_channel(&self) -> Option<&Arc<Channel>> {
        match &self.phase {
            Phase::Open(channel) => Some(channel),
            Phase::Closed | Phase::Opening(_) => None,
        }
    }

    /// The channel, also while the device is being asked.
    pub(super) fn current_channel(&self) -> Option<&Arc<Channel>> {
        match &self.phase {
            Phase::Closed => None,
            Phase::Opening(channel) | Phase::Open(channel) => Some(channel),
        }
    }

    fn status(&self, gpadls: &Gpadls) -> ChannelStatus {
        let phase = match &self.phase {
            _ if self.revoked => ChannelPhase::Rescinded,
            Phase::Closed => ChannelPhase::Offered,
            Phase::Opening(_) => ChannelPhase::Opening,
            Phase::Open(_) => ChannelPhase::Open,
        };
        ChannelStatus {
            relid: self.relid,
            instance: self.instance,
            index: self.index,
            phase,
            opens: self.opens,
            target_vp: self.open_channel().map(|channel| channel.target_vp()),
            shared_pages: gpadls.shared_pages(self.relid),
        }
    }
}

/// See the module.
#[derive(Default)]
pub(super) struct State {
    pub(super) connection: Option<Connection>,
    pub(super) devices: Vec<Attached>,
    pub(super) offers: BTreeMap<u32, Offer>,
    pub(super) gpadls: Gpadls,
    /// Counters outlive the channels.
    pub(super) counters: BTreeMap<(Guid, u16), Arc<Counters>>,
    last_relid: u32,
    monitors: u128,
    pub(super) contacts: u64,
    pub(super) unloads: u64,
    pub(super) resets: u64,
    pub(super) releases: u64,
}

impl State {
    /// Where the interrupt page is, if there is a connection and it has one.
    pub(super) fn interrupt_page(&self) -> Option<u64> {
        self.connection.as_ref().and_then(|it| it.interrupt_page)
    }

    /// The version agreed on, if there is a connection.
    pub(super) fn version(&self) -> Option<Version> {
        self.connection
            .as_ref()
            .map(|connection| connection.version)
    }

    pub(super) fn attached(&self, instance: Guid) -> Option<&Attached> {
        self.devices
            .iter()
            .find(|attached| attached.offer.instance == instance)
    }

    /// Takes a relid that is free, and not one that was freed just now.
    pub(super) fn allocate_relid(&mut self) -> Option<u32> {
        let count = MAX_RELIDS - 1;
        let last = self.last_relid;
        let mut candidates = (0..count).map(|step| (last + step) % count + 1);
        let relid = candidates.find(|relid| !self.offers.contains_key(relid))?;
        self.last_relid = relid;
        Some(relid)
    }

    /// Takes a free monitor bit.
    pub(super) fn allocate_monitor(&mut self) -> Option<u8> {
        let bit = (0..MONITOR_BITS).find(|bit| self.monitors & (1 << bit) == 0)?;
        self.monitors |= 1 << bit;
        Some(bit)
    }

    /// Forgets an offer and what belongs to it.
    pub(super) fn remove_offer(&mut self, relid: u32) -> Option<Offer> {
        let offer = self.offers.remove(&relid)?;
        if let Some(bit) = offer.monitor {
            self.monitors &= !(1 << bit);
        }
        self.gpadls.remove_channel(relid);
        Some(offer)
    }

    /// Forgets the connection. The caller ends the channels that are returned, without the lock.
    pub(super) fn disconnect(&mut self) -> Vec<Arc<Channel>> {
        self.connection = None;
        self.monitors = 0;
        self.gpadls = Gpadls::default();
        let mut offers: Vec<_> = std::mem::take(&mut self.offers).into_values().collect();
        offers.sort_by_key(|offer| std::cmp::Reverse(offer.index));
        offers.iter_mut().filter_map(Offer::take_channel).collect()
    }

    /// The relids of the offers of `instance` that were not taken back, sub-channels first.
    pub(super) fn live_relids(&self, instance: Guid, from_index: u16) -> Vec<u32> {
        let mut relids: Vec<_> = self
            .offers
            .values()
            .filter(|offer| offer.instance == instance && !offer.revoked)
            .filter(|offer| offer.index >= from_index)
            .map(|offer| (std::cmp::Reverse(offer.index), offer.relid))
            .collect();
        relids.sort();
        relids.into_iter().map(|(_, relid)| relid).collect()
    }

    /// The counters of a channel.
    pub(super) fn counters(&mut self, instance: Guid, index: u16) -> Arc<Counters> {
        Arc::clone(self.counters.entry((instance, index)).or_default())
    }

    pub(super) fn status(&self, violations: u64) -> Status {
        Status {
            version: self.version(),
            offers_requested: self
                .connection
                .as_ref()
                .is_some_and(|it| it.offers_requested),
            contacts: self.contacts,
            unloads: self.unloads,
            resets: self.resets,
            releases: self.releases,
            gpadls: self.gpadls.len(),
            violations,
            channels: self
                .offers
                .values()
                .map(|offer| offer.status(&self.gpadls))
                .collect(),
        }
    }
}
