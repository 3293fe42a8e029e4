// SPDX-License-Identifier: GPL-2.0

//! What a test can see of the server's state, and wait for.

use super::device::Guid;
use super::wire::Version;

/// How far the guest is with a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelPhase {
    /// Offered, not open.
    Offered,
    /// The open message came, the result did not leave yet.
    Opening,
    /// Open.
    Open,
    /// Taken back; the guest did not release the relid yet.
    Rescinded,
}

/// A channel that was offered and whose relid was not released.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelStatus {
    /// Its number.
    pub relid: u32,
    /// The device that it belongs to.
    pub instance: Guid,
    /// 0 for the primary channel.
    pub index: u16,
    /// How far the guest is.
    pub phase: ChannelPhase,
    /// How often it was opened under this relid.
    pub opens: u32,
    /// The virtual processor that is signalled, while it is open.
    pub target_vp: Option<u32>,
    /// How many pages the guest shares by it: its rings, and buffers of the device.
    pub shared_pages: usize,
}

/// The server's state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The version agreed on, while connected.
    pub version: Option<Version>,
    /// Whether the guest asked for the offers on this connection.
    pub offers_requested: bool,
    /// How often a guest initiated contact, refused proposals included.
    pub contacts: u64,
    /// How often a guest unloaded.
    pub unloads: u64,
    /// How often the hypervisor reported a reset.
    pub resets: u64,
    /// How often the guest released a relid.
    pub releases: u64,
    /// How many GPADLs the guest has.
    pub gpadls: usize,
    /// How often the guest broke the protocol.
    pub violations: u64,
    /// The channels, by relid.
    pub channels: Vec<ChannelStatus>,
}

impl Status {
    /// Sub-channel `index` (0 is the primary channel) of `instance`, unless it was rescinded.
    pub fn channel(&self, instance: Guid, index: u16) -> Option<&ChannelStatus> {
        self.channels.iter().find(|channel| {
            channel.instance == instance
                && channel.index == index
                && channel.phase != ChannelPhase::Rescinded
        })
    }

    /// Whether the guest has the primary channel of `instance` open.
    pub fn is_open(&self, instance: Guid) -> bool {
        self.channel(instance, 0)
            .is_some_and(|channel| channel.phase == ChannelPhase::Open)
    }

    /// How many channels of `instance` are open.
    pub fn open_channels(&self, instance: Guid) -> usize {
        let channels = self
            .channels
            .iter()
            .filter(|channel| channel.instance == instance);
        channels
            .filter(|channel| channel.phase == ChannelPhase::Open)
            .count()
    }

    /// Whether the guest still has to release `relid`.
    pub fn holds_relid(&self, relid: u32) -> bool {
        self.channels.iter().any(|channel| channel.relid == relid)
    }
}
