// SPDX-License-Identifier: GPL-2.0

//! What a device on the bus is: what it offers, and what it does with its channels.

use std::sync::Arc;

use super::channel::Channel;

/// A GUID in its memory layout (first three fields little endian).
pub type Guid = [u8; 16];

/// The part of an offer that the device decides.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The device class.
    pub class: Guid,
    /// This device.
    pub instance: Guid,
    /// `chn_flags` of the offer message.
    pub flags: u16,
    /// `user_def` of the offer message.
    pub user_defined: [u8; 120],
    /// Whether the guest is to signal through the monitor page.
    pub monitored: bool,
}

/// A device on the bus. Its methods are called on whatever thread signalled; calls for one channel
/// never overlap, calls for different channels of one device may.
pub trait Device: Send + Sync {
    /// What to offer.
    fn offer(&self) -> Offer;

    /// The guest opened `channel`; `user_data` are the 120 bytes of the open message. Returns the
    /// status to put into the open result (0 for success).
    fn opened(&self, channel: &Arc<Channel>, user_data: &[u8]) -> u32;

    /// The guest signalled `channel`: take what is in its ring and answer.
    fn signalled(&self, channel: &Arc<Channel>);

    /// The guest closed `channel`, or it was rescinded (see [`Device::lingers`]) or reset: no more
    /// access to its ring.
    fn closed(&self, channel: &Arc<Channel>);

    /// Whether the device goes on with what the guest asks of it while the guest is told that the
    /// offer is gone, until the guest closes the channel. Otherwise what is in the ring stays there.
    fn lingers(&self) -> bool {
        false
    }

    /// What the guest did that the device's protocol forbids: the first few times, in words.
    fn violations(&self) -> Vec<String> {
        Vec::new()
    }
}
