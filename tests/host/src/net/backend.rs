// SPDX-License-Identifier: GPL-2.0

//! The other end of the cable.

use std::sync::Weak;

use super::card::Card;

/// A frame as on the wire: from the destination's address to the end of the payload, with a VLAN tag
/// inside where it has one.
pub type Frame = Vec<u8>;

/// What is on the other end of the cable.
pub trait Backend: Send + Sync {
    /// The card on this end. Frames for the guest go to [`Card::deliver`], on a thread of the
    /// backend's own.
    fn attach(&self, card: Weak<Card>);

    /// Takes frames that the guest sent, in order. Called on a virtual processor's thread.
    fn transmit(&self, frames: Vec<Frame>);
}

/// A cable with nothing on the other end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

impl Backend for Nobody {
    fn attach(&self, _card: Weak<Card>) {}

    fn transmit(&self, _frames: Vec<Frame>) {}
}
