// SPDX-License-Identifier: GPL-2.0

//! What a driver tells and does for users of ethtool.
//!
//! C header: [`include/linux/ethtool.h`](srctree/include/linux/ethtool.h)

mod callbacks;
mod queues;
mod statistics;

use super::{
    rtnl::Held,
    AnyDevice,
    Device, //
};
use kernel::{
    error::VTABLE_DEFAULT_ERROR,
    prelude::*,
    sync::{
        aref::ARef,
        ArcBorrow, //
    },
};
use vmbus::bindings;

pub(super) use callbacks::Callbacks;
pub(crate) use statistics::Statistics;

/// Whether both ends of a link may send at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Duplex {
    /// No.
    Half,
    /// Yes.
    Full,
    /// Nobody knows.
    Unknown,
}

/// What a link is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// In megabits per second; [`None`] if nobody knows.
    pub(crate) speed: Option<u32>,
    /// Whether both ends may send at once.
    pub(crate) duplex: Duplex,
}

/// How many channels there are that both receive and send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Channels {
    /// Now.
    pub(crate) count: u32,
    /// At most.
    pub(crate) max: u32,
}

/// For how many packets there is room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rings {
    /// Received packets.
    pub(crate) rx: u32,
    /// The most for received packets.
    pub(crate) rx_max: u32,
    /// Packets to be sent.
    pub(crate) tx: u32,
    /// The most for packets to be sent.
    pub(crate) tx_max: u32,
}

/// A kind of packets that are spread over the queues in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// TCP over IPv4.
    TcpV4,
    /// TCP over IPv6.
    TcpV6,
    /// UDP over IPv4.
    UdpV4,
    /// UDP over IPv6.
    UdpV6,
    /// Other IPv4.
    V4,
    /// Other IPv6.
    V6,
}

impl Flow {
    fn from_raw(raw: u32) -> Option<Self> {
        Some(match raw {
            bindings::TCP_V4_FLOW => Self::TcpV4,
            bindings::TCP_V6_FLOW => Self::TcpV6,
            bindings::UDP_V4_FLOW => Self::UdpV4,
            bindings::UDP_V6_FLOW => Self::UdpV6,
            bindings::IPV4_FLOW => Self::V4,
            bindings::IPV6_FLOW => Self::V6,
            _ => return None,
        })
    }
}

/// What of a packet decides which queue it goes into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HashFields {
    /// The addresses.
    Addresses,
    /// The addresses and the ports.
    AddressesAndPorts,
}

impl HashFields {
    const ADDRESSES: u32 = bindings::RXH_IP_SRC | bindings::RXH_IP_DST;
    const PORTS: u32 = bindings::RXH_L4_B_0_1 | bindings::RXH_L4_B_2_3;

    fn to_raw(self) -> u32 {
        match self {
            Self::Addresses => Self::ADDRESSES,
            Self::AddressesAndPorts => Self::ADDRESSES | Self::PORTS,
        }
    }

    fn from_raw(raw: u32) -> Option<Self> {
        [Self::Addresses, Self::AddressesAndPorts]
            .into_iter()
            .find(|fields| fields.to_raw() == raw)
    }
}

/// A driver for which there is ethtool.
///
/// All methods may sleep. None is called for a device that is not registered.
#[vtable]
pub(crate) trait Operations: Sized + 'static {
    /// What a registered device has at hand.
    type Data: Send + Sync + 'static;

    /// What the driver is called.
    const DRIVER: &'static CStr;
    /// The version of the device's firmware.
    const FIRMWARE: &'static CStr;
    /// The length of the key that received packets are hashed with, in bytes.
    const RSS_KEY_LEN: usize;

    /// The device whose link is shown and set, if that is another one than this.
    fn device_of_link(
        _device: &Device,
        _data: ArcBorrow<'_, Self::Data>,
        _held: Held<'_>,
    ) -> Option<ARef<AnyDevice>> {
        None
    }

    /// What the link is like.
    fn link(device: &Device, data: ArcBorrow<'_, Self::Data>, held: Held<'_>) -> Link;

    /// The user says what the link is like; that it makes sense has been checked.
    ///
    /// # Errors
    ///
    /// It is not like that.
    fn set_link(
        _device: &Device,
        _data: ArcBorrow<'_, Self::Data>,
        _link: Link,
        _held: Held<'_>,
    ) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// How many channels there are.
    fn channels(device: &Device, data: ArcBorrow<'_, Self::Data>, held: Held<'_>) -> Channels;

    /// There are to be this many channels, which is at least 1 and at most the maximum.
    ///
    /// # Errors
    ///
    /// There are as many as before.
    fn set_channels(
        _device: &Device,
        _data: ArcBorrow<'_, Self::Data>,
        _count: u32,
        _held: Held<'_>,
    ) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// For how many packets there is room.
    fn rings(device: &Device, data: ArcBorrow<'_, Self::Data>, held: Held<'_>) -> Rings;

    /// There is to be room for so many packets, at most the maximum.
    ///
    /// # Errors
    ///
    /// There is as much as before.
    fn set_rings(
        _device: &Device,
        _data: ArcBorrow<'_, Self::Data>,
        _rx: u32,
        _tx: u32,
        _held: Held<'_>,
    ) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Writes to `table` which queue a received packet goes into by what it hashes to, and the key
    /// to `key`. The table is as long as was said with [`Device::set_rss_table_len`].
    ///
    /// # Errors
    ///
    /// `ENODEV` if that cannot be said at the moment.
    fn rss(
        device: &Device,
        data: ArcBorrow<'_, Self::Data>,
        table: Option<&mut [u32]>,
        key: Option<&mut [u8]>,
        held: Held<'_>,
    ) -> Result;

    /// Sets which queue a received packet goes into, and the key.
    ///
    /// # Errors
    ///
    /// Both are as before.
    fn set_rss(
        _device: &Device,
        _data: ArcBorrow<'_, Self::Data>,
        _table: Option<&[u32]>,
        _key: Option<&[u8]>,
        _held: Held<'_>,
    ) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// What decides the queue of a packet.
    fn hash_fields(
        device: &Device,
        data: ArcBorrow<'_, Self::Data>,
        flow: Flow,
        held: Held<'_>,
    ) -> HashFields;

    /// Sets what decides the queue of a packet.
    ///
    /// # Errors
    ///
    /// `EOPNOTSUPP`.
    fn set_hash_fields(
        _device: &Device,
        _data: ArcBorrow<'_, Self::Data>,
        _flow: Flow,
        _fields: HashFields,
        _held: Held<'_>,
    ) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Says what was counted. How many numbers there are does not change while the RTNL is held.
    fn statistics(
        device: &Device,
        data: ArcBorrow<'_, Self::Data>,
        out: &mut Statistics<'_>,
        held: Held<'_>,
    );

    /// How many registers there are.
    const REGISTERS: usize;
    /// What the registers mean.
    const REGISTERS_VERSION: u32;

    /// Reads the registers, of which there are [`REGISTERS`](Self::REGISTERS).
    fn registers(device: &Device, data: ArcBorrow<'_, Self::Data>, out: &mut [u32], held: Held<'_>);
}
