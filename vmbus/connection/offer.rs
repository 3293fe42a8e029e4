// SPDX-License-Identifier: GPL-2.0

//! Offers and rescinds, handled one at a time.

use kernel::{
    fmt,
    prelude::*,
    sync::Arc, //
};

use super::Connection;
use crate::{
    channel::{
        Channel,
        ARRIVAL,
        REMOVAL, //
    },
    hv,
    ratelimit,
    wire::{
        device_type::DeviceType,
        offer::{
            Offer,
            OfferFlags, //
        }, //
    }, //
};

/// Why an offer cannot be used.
enum Refusal {
    /// The relid belongs to a channel, which keeps it.
    RelidInUse,
    /// The device has a primary channel.
    DeviceExists,
    /// The device of the sub-channel has no primary channel.
    NoPrimary,
    /// The channel's memory is to be hidden from the host.
    Confidential,
    /// An error of the kernel.
    Failed(Error),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RelidInUse => "the relid is in use",
            Self::DeviceExists => "the device is there already",
            Self::NoPrimary => "the device is not there",
            Self::Confidential => "no support for confidential VMBus",
            Self::Failed(error) => return write!(f, "error {}", error.to_errno()),
        })
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Connection {
    /// The host offers a channel.
    pub(super) fn on_offer(self: &Arc<Self>, offer: Offer) {
        let relid = offer.relid;
        if let Err(refusal) = self.accept(offer) {
            if ratelimit::allowed() {
                pr_err!("Invalid offer relid={}: {}\n", relid, refusal);
            }
        }
    }

    /// Makes a channel of an offer. Where that fails after the relid was claimed, dropping the
    /// lease tells the host that it may use the relid again.
    fn accept(self: &Arc<Self>, offer: Offer) -> Result<(), Refusal> {
        let lease = self.claim(offer.relid).ok_or(Refusal::RelidInUse)?;
        let confidential = offer.flags.contains(OfferFlags::CONFIDENTIAL_RING)
            || offer
                .flags
                .contains(OfferFlags::CONFIDENTIAL_EXTERNAL_MEMORY);
        if confidential {
            return Err(Refusal::Confidential);
        }
        let primary = self.relids.primary_of(offer.class, offer.instance);
        let primary = match (primary, offer.is_subchannel()) {
            (None, false) => None,
            (Some(primary), true) => Some(primary),
            (Some(_), false) => return Err(Refusal::DeviceExists),
            (None, true) => return Err(Refusal::NoPrimary),
        };
        let lease = match self.revive(&offer, lease) {
            Ok(()) => return Ok(()),
            Err(lease) => lease,
        };
        let performance = kind_of(&offer).info().performance;

        // A CPU that goes offline has the channels moved away from it that it finds. So it must
        // find this one, or else this one must find it offline.
        let online = hv::cpu::OnlineGuard::new();
        let used = |cpu| {
            primary
                .as_ref()
                .is_some_and(|primary| primary.uses_cpu(cpu))
        };
        let cpu = self.affinity.choose(performance, used, &online);
        let channel = Channel::new(offer, primary, cpu, self.clone(), lease)?;
        if let Some(primary) = channel.primary() {
            primary.add_subchannel(&channel)?;
        }
        self.relids.activate(&channel);
        drop(online);

        let queue = match channel.primary() {
            None => &self.queues.primary,
            Some(_) => &self.queues.subchannels,
        };
        // A new channel's work item is not queued yet, so that this cannot fail.
        let _ = queue.enqueue::<_, ARRIVAL>(channel);
        Ok(())
    }

    /// The host takes back what it offered, if it did, and for the first time.
    pub(super) fn on_rescind(&self, relid: u32) {
        if let Some(channel) = self.relids.get(relid) {
            self.rescind(&channel);
        }
    }

    /// Begins to remove a channel, unless that was begun already.
    pub(super) fn rescind(&self, channel: &Arc<Channel>) {
        if channel.set_rescinded() {
            channel.give_up();
            // The first rescind is the first to queue this work item, so that this cannot fail.
            let _ = self.queues.removal.enqueue::<_, REMOVAL>(channel.clone());
        }
    }
}

/// The class of what is offered.
fn kind_of(offer: &Offer) -> DeviceType {
    DeviceType::of(&offer.class).unwrap_or_else(|| {
        if !offer.is_socket() {
            pr_info!("Unknown GUID: {}\n", offer.class);
        }
        DeviceType::Unknown
    })
}
