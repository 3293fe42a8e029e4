// SPDX-License-Identifier: GPL-2.0

//! What is agreed on when a channel is set up.

use zerocopy_derive::{
    FromBytes,
    Immutable,
    IntoBytes,
    KnownLayout, //
};

/// A version of the protocol, the major number in the high byte.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ProtocolVersion(pub(crate) u16);

impl ProtocolVersion {
    /// Windows Server 2012 R2, and the paravisor of confidential guests.
    pub(crate) const V6_0: Self = Self(0x0600);
    /// Windows Server 2016 and later.
    pub(crate) const V6_2: Self = Self(0x0602);

    /// The versions in the order in which they are proposed.
    pub(crate) const PREFERRED: [Self; 2] = [Self::V6_2, Self::V6_0];
}

/// What the host says about a channel.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub(crate) struct ChannelProperties {
    reserved0: u32,
    /// How many sub-channels the host would create at most.
    pub(crate) max_channels: u16,
    reserved1: u16,
    flags: u32,
    /// The most bytes that one request may transfer.
    pub(crate) max_transfer_bytes: u32,
    reserved2: [u8; 8],
}

const _: () = assert!(size_of::<ChannelProperties>() == 24);

impl ChannelProperties {
    const MULTI_CHANNEL: u32 = 1;

    /// How many sub-channels may be asked for; none unless the host supports them.
    pub(crate) const fn sub_channels(&self) -> u16 {
        if self.flags & Self::MULTI_CHANNEL != 0 {
            self.max_channels
        } else {
            0
        }
    }
}
