// SPDX-License-Identifier: GPL-2.0

//! Opening, moving and closing channels.

use std::sync::Arc;

use super::{INVALID, REFUSED};
use crate::vmbus::channel::{Channel, Identity};
use crate::vmbus::server::Server;
use crate::vmbus::state::{Offer, Phase, State};
use crate::vmbus::violation::Fault;
use crate::vmbus::wire::{self, Version, kind};

impl Server {
    pub(super) fn open(&self, open: &wire::OpenChannel) {
        let relid = open.relid.get();
        let mut state = self.lock_state();
        let channel = match self.begin_open(&mut state, open) {
            Ok(channel) => channel,
            Err(fault) => {
                self.post_open_result(&state, open, INVALID);
                drop(state);
                return fault.map_or((), |fault| self.violation(relid, fault));
            }
        };
        drop(state);
        self.changed().notify_all();

        let status = channel.device_opened(&open.user_data).unwrap_or(REFUSED);

        let status = self.settle_open(open, &channel, status);
        self.deliver();
        if status == 0 {
            channel.announce();
        } else {
            channel.close();
        }
    }

    /// Notes the device's answer and puts the result into the outbox. Returns the status that the
    /// guest gets.
    fn settle_open(&self, open: &wire::OpenChannel, channel: &Arc<Channel>, status: u32) -> u32 {
        let relid = open.relid.get();
        let mut state = self.lock_state();
        let current = state.offers.get_mut(&relid).filter(|offer| {
            matches!(&offer.phase, Phase::Opening(opening) if Arc::ptr_eq(opening, channel))
        });
        // Without the phase, the offer was taken back or the guest unloaded meanwhile, and whoever
        // did that ended the channel.
        let status = match current {
            None => REFUSED,
            Some(offer) if status == 0 => {
                offer.phase = Phase::Open(Arc::clone(channel));
                offer.opens += 1;
                self.route(relid, Some(channel));
                0
            }
            Some(offer) => {
                offer.phase = Phase::Closed;
                status
            }
        };
        if state.offers.contains_key(&relid) {
            self.post_open_result(&state, open, status);
        }
        self.update_polling(&state);
        status
    }

    fn post_open_result(&self, state: &State, open: &wire::OpenChannel, status: u32) {
        let (relid, open_id) = (open.relid, open.open_id);
        let result = wire::OpenResult {
            relid,
            open_id,
            status: status.into(),
        };
        self.post(state, kind::OPEN_RESULT, &result);
    }

    /// Makes the channel and claims the offer for it. No fault where the guest could not know that
    /// the offer is gone.
    fn begin_open(
        &self,
        state: &mut State,
        open: &wire::OpenChannel,
    ) -> Result<Arc<Channel>, Option<Fault>> {
        let (relid, handle) = (open.relid.get(), open.gpadl.get());
        let target_vp = open.target_vp.get();
        let unknown = Fault::UnknownRelid(kind::OPEN_CHANNEL);
        let offer = state.offers.get(&relid).ok_or(unknown)?;
        if offer.revoked {
            return Err(None);
        }
        if !matches!(offer.phase, Phase::Closed) {
            return Err(Some(Fault::OpenedTwice));
        }
        if target_vp >= self.vp_count() {
            return Err(Some(Fault::Processor(target_vp)));
        }
        let rings = ring_pages(state, open)?;
        let (device, tamper) = (Arc::clone(&offer.device), Arc::clone(&offer.tamper));
        let (instance, index) = (offer.instance, offer.index);
        let identity = Identity {
            relid,
            index,
            instance,
            target_vp,
        };
        let channel = Channel::new(
            identity,
            device,
            (Arc::clone(self.services()), self.weak()),
            (state.counters(instance, index), tamper),
            (&rings.0, &rings.1),
        );
        let channel = channel.map_err(|error| Fault::Rings(error.to_string()))?;
        if let Some(offer) = state.offers.get_mut(&relid) {
            offer.phase = Phase::Opening(Arc::clone(&channel));
            offer.ring_gpadl = handle;
        }
        Ok(channel)
    }

    pub(super) fn close(&self, relid: u32) {
        let (channel, subchannels) = {
            let mut state = self.lock_state();
            let Some(offer) = self.known_offer(&mut state, kind::CLOSE_CHANNEL, relid) else {
                return;
            };
            let (instance, index, revoked) = (offer.instance, offer.index, offer.revoked);
            let channel = offer.take_channel();
            if channel.is_none() && !revoked {
                drop(state);
                return self.violation(relid, Fault::NotOpen(kind::CLOSE_CHANNEL));
            }
            let subchannels = match index {
                0 if !revoked => state.live_relids(instance, 1),
                _ => Vec::new(),
            };
            (channel, subchannels)
        };
        // A device's sub-channels exist only while its primary channel is open.
        self.revoke(&subchannels);
        self.end(channel.as_slice());
        self.after_change();
    }

    pub(super) fn modify(&self, version: Version, modify: &wire::ModifyChannel) {
        let relid = modify.relid.get();
        if version < Version::V4_1 {
            return self.violation(relid, Fault::TooNew(kind::MODIFY_CHANNEL));
        }
        let result = self.retarget(relid, modify.target_vp.get());
        if version >= Version::V5_3 {
            let status = if result.is_ok() { 0 } else { REFUSED };
            let response = wire::ModifyChannelResponse {
                relid: modify.relid,
                status: status.into(),
            };
            self.post(&self.lock_state(), kind::MODIFY_CHANNEL_RESPONSE, &response);
        }
        if let Err(Some(fault)) = result {
            self.violation(relid, fault);
        }
    }

    fn retarget(&self, relid: u32, vp: u32) -> Result<(), Option<Fault>> {
        let state = self.lock_state();
        let unknown = Fault::UnknownRelid(kind::MODIFY_CHANNEL);
        let offer = state.offers.get(&relid).ok_or(unknown)?;
        let not_open = (!offer.revoked).then_some(Fault::NotOpen(kind::MODIFY_CHANNEL));
        let channel = offer.open_channel().ok_or(not_open)?;
        if vp >= self.vp_count() {
            return Err(Some(Fault::Processor(vp)));
        }
        channel.set_target_vp(vp);
        Ok(())
    }

    /// The offer that a message of `number` is about; an unknown one is a violation.
    fn known_offer<'a>(
        &self,
        state: &'a mut State,
        number: u32,
        relid: u32,
    ) -> Option<&'a mut Offer> {
        let offer = state.offers.get_mut(&relid);
        if offer.is_none() {
            self.violation(relid, Fault::UnknownRelid(number));
        }
        offer
    }
}

/// The pages of the ring from the guest and of the one to it.
fn ring_pages(state: &State, open: &wire::OpenChannel) -> Result<(Vec<u64>, Vec<u64>), Fault> {
    let handle = open.gpadl.get();
    let pages = state.gpadls.pages(open.relid.get(), handle);
    let downstream = open.downstream_page.get();
    let rings = pages
        .ok_or(Fault::UnknownGpadl(handle))?
        .split_at_checked(downstream as usize)
        .ok_or_else(|| Fault::Rings(format!("no page {downstream}")))?;
    Ok((rings.0.to_vec(), rings.1.to_vec()))
}
