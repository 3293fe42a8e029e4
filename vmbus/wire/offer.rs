// SPDX-License-Identifier: GPL-2.0

//! Offers: how the host says what channels there are, and that they go away.

use super::{
    super::guid::Guid,
    message::{
        message,
        Header,
        Message,
        MessageType, //
    },
    monitor::MonitorId,
    MAX_RELIDS,
    USER_DATA_LEN, //
};
use zerocopy_derive::{
    FromBytes,
    Immutable,
    IntoBytes,
    KnownLayout, //
};

/// The relid of no channel.
pub const INVALID_RELID: u32 = u32::MAX;

/// Flags of an offer.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(transparent)]
pub struct OfferFlags(pub u16);

impl OfferFlags {
    /// The device's interface can be enumerated.
    pub const ENUMERATE_DEVICE_INTERFACE: Self = Self(0x1);
    /// The ring is to be in encrypted memory.
    pub const CONFIDENTIAL_RING: Self = Self(0x2);
    /// All other shared memory is to be encrypted, too.
    pub const CONFIDENTIAL_EXTERNAL_MEMORY: Self = Self(0x4);
    /// The user data begins with the mode of a pipe.
    pub const NAMED_PIPE: Self = Self(0x10);
    /// The offer is for a loopback.
    pub const LOOPBACK: Self = Self(0x100);
    /// The offer comes from the parent partition.
    pub const PARENT: Self = Self(0x200);
    /// The guest is to signal through the monitor page.
    pub const REQUEST_MONITORED_NOTIFICATION: Self = Self(0x400);
    /// One connection of a Hyper-V socket rather than a device.
    pub const SOCKET: Self = Self(0x2000);

    /// Whether all flags of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// The host offers a channel.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct OfferChannel {
    header: Header,
    pub(crate) class: Guid,
    pub(crate) instance: Guid,
    reserved: [u32; 4],
    pub(crate) flags: OfferFlags,
    pub(crate) mmio_megabytes: u16,
    pub(crate) user_defined: [u8; USER_DATA_LEN],
    pub(crate) subchannel_index: u16,
    reserved2: u16,
    pub(crate) relid: u32,
    pub(crate) monitor_id: u8,
    pub(crate) monitor_allocated: u8,
    pub(crate) dedicated_interrupt: u16,
    pub(crate) connection_id: u32,
}
message!(OfferChannel, OFFER_CHANNEL);

/// An offer that was looked over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The number of the channel: from 1 to [`MAX_RELIDS`] - 1.
    pub relid: u32,
    /// The class of the device.
    pub class: Guid,
    /// The device.
    pub instance: Guid,
    /// Flags.
    pub flags: OfferFlags,
    /// How much address space for I/O the device wants, in MiB.
    pub mmio_megabytes: u16,
    /// Data of the device's own protocol.
    pub user_defined: [u8; USER_DATA_LEN],
    /// 0 for the primary channel of a device.
    pub subchannel_index: u16,
    /// The trigger in the monitor page, where the guest is to signal through it.
    pub monitor: Option<MonitorId>,
    /// Whether signals need no bit in the interrupt page.
    pub dedicated_interrupt: bool,
    /// The connection to signal.
    pub connection_id: u32,
}

/// What can be wrong with an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadOffer {
    /// It is not an offer, or too short for one.
    Malformed,
    /// The relid is not from 1 to [`MAX_RELIDS`] - 1.
    Relid(u32),
    /// The monitor page has no trigger of this number.
    Monitor {
        /// The channel.
        relid: u32,
        /// The number.
        id: u8,
    },
}

impl Offer {
    /// Reads an offer message from a private copy.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the offer.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadOffer> {
        let raw = OfferChannel::parse(bytes).ok_or(BadOffer::Malformed)?;
        let relid = raw.relid;
        if relid == 0 || usize::try_from(relid).map_or(true, |relid| relid >= MAX_RELIDS) {
            return Err(BadOffer::Relid(relid));
        }
        let monitor = if raw.monitor_allocated & 1 != 0 {
            let id = raw.monitor_id;
            Some(MonitorId::new(id).ok_or(BadOffer::Monitor { relid, id })?)
        } else {
            None
        };
        Ok(Self {
            relid,
            class: raw.class,
            instance: raw.instance,
            flags: raw.flags,
            mmio_megabytes: raw.mmio_megabytes,
            user_defined: raw.user_defined,
            subchannel_index: raw.subchannel_index,
            monitor,
            dedicated_interrupt: raw.dedicated_interrupt & 1 != 0,
            connection_id: raw.connection_id,
        })
    }

    /// Whether the offer is one connection of a Hyper-V socket.
    pub const fn is_socket(&self) -> bool {
        self.flags.contains(OfferFlags::SOCKET)
    }

    /// Whether the channel is one more channel of a device rather than its first.
    pub const fn is_subchannel(&self) -> bool {
        self.subchannel_index != 0
    }
}

/// The host takes an offer back.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct RescindOffer {
    header: Header,
    /// The channel. Not checked.
    pub relid: u32,
}
message!(RescindOffer, RESCIND_OFFER);

/// The guest asks for the offers.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct RequestOffers {
    header: Header,
}
message!(RequestOffers, REQUEST_OFFERS);

impl RequestOffers {
    /// The message.
    pub const fn new() -> Self {
        Self {
            header: Header::new(MessageType::REQUEST_OFFERS),
        }
    }
}

impl Default for RequestOffers {
    fn default() -> Self {
        Self::new()
    }
}

/// The guest forgot a channel: its relid may be used again.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct RelidReleased {
    header: Header,
    pub(crate) relid: u32,
}
message!(RelidReleased, RELID_RELEASED);

impl RelidReleased {
    /// The message for channel `relid`.
    pub const fn new(relid: u32) -> Self {
        Self {
            header: Header::new(MessageType::RELID_RELEASED),
            relid,
        }
    }
}
