// SPDX-License-Identifier: GPL-2.0

//! What a driver of a network device implements.

use super::{
    addresses::Addresses,
    ethtool,
    queue::TxQueue,
    rtnl::Held,
    skb::{
        Borrowed,
        Skb, //
    },
    xdp,
    Device,
    Features,
    MacAddress, //
};
use kernel::{
    error::VTABLE_DEFAULT_ERROR,
    prelude::*,
    sync::ArcBorrow, //
};

/// What became of a packet that was to be sent.
#[must_use = "the stack has to be told"]
pub(crate) enum Sent {
    /// The driver took it: it sends or drops it.
    Taken,
    /// It is given back, and the stack will try again. To be used only if the queue was found full
    /// although it was not stopped.
    Busy(Skb),
}

/// On which way a packet is to be sent.
#[derive(Clone, Copy)]
pub(crate) struct Way<'a> {
    /// The queue.
    pub(crate) queue: TxQueue<'a>,
    /// The number of the queue.
    pub(crate) index: u16,
    /// Whether another packet follows at once, so that the device need not be told yet.
    pub(crate) more: bool,
}

/// What a device counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counters {
    /// Packets received.
    pub(crate) rx_packets: u64,
    /// Bytes received.
    pub(crate) rx_bytes: u64,
    /// Packets received and dropped.
    pub(crate) rx_dropped: u64,
    /// Packets received that were broken.
    pub(crate) rx_errors: u64,
    /// Packets received that were for many.
    pub(crate) multicast: u64,
    /// Packets sent.
    pub(crate) tx_packets: u64,
    /// Bytes sent.
    pub(crate) tx_bytes: u64,
    /// Packets dropped instead of sent.
    pub(crate) tx_dropped: u64,
    /// Packets that could not be sent.
    pub(crate) tx_errors: u64,
}

/// Which packets the stack wants to see beside those for the device's own address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RxMode {
    /// All.
    pub(crate) promiscuous: bool,
    /// All that are for many.
    pub(crate) all_multicast: bool,
    /// Some that are for many.
    pub(crate) multicast: bool,
}

/// A driver of network devices.
///
/// No method is called before the device is registered, nor after its
/// [`Registration`](super::Registration) was dropped.
#[vtable]
pub(crate) trait Operations: Sized + 'static {
    /// What a registered device has at hand.
    type Data: Send + Sync + 'static;

    /// What users of ethtool get.
    type Ethtool: ethtool::Operations<Data = Self::Data>;

    /// The interface goes up.
    ///
    /// # Errors
    ///
    /// It stays down.
    fn open(device: &Device, data: ArcBorrow<'_, Self::Data>, held: Held<'_>) -> Result;

    /// The interface goes down. It is down afterwards even if that failed.
    ///
    /// # Errors
    ///
    /// For the log.
    fn stop(device: &Device, data: ArcBorrow<'_, Self::Data>, held: Held<'_>) -> Result;

    /// Sends a packet. In atomic context, on one CPU at a time for each queue.
    fn start_xmit(device: &Device, data: ArcBorrow<'_, Self::Data>, skb: Skb, way: Way<'_>)
        -> Sent;

    /// Chooses the queue for a packet; a number beyond the last queue wraps around. In atomic
    /// context, and on several CPUs at once.
    fn select_queue(_device: &Device, _data: ArcBorrow<'_, Self::Data>, _skb: Borrowed<'_>) -> u16 {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Other packets are wanted than before: other [`addresses`](Addresses), or another
    /// [`rx_mode`](Device::rx_mode). In atomic context.
    fn set_rx_mode(_device: &Device, _data: ArcBorrow<'_, Self::Data>, _addresses: &Addresses<'_>) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// The device is to have another address.
    ///
    /// # Errors
    ///
    /// It keeps the one it has.
    fn set_address(
        _device: &Device,
        _data: ArcBorrow<'_, Self::Data>,
        _address: &MacAddress,
        _held: Held<'_>,
    ) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Frames are to have another size. The driver calls [`Device::set_mtu`].
    ///
    /// # Errors
    ///
    /// They keep the one they have.
    fn change_mtu(
        _device: &Device,
        _data: ArcBorrow<'_, Self::Data>,
        _mtu: u32,
        _held: Held<'_>,
    ) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Which of the `wanted` features can be on together.
    fn fix_features(
        _device: &Device,
        _data: ArcBorrow<'_, Self::Data>,
        _wanted: Features,
        _held: Held<'_>,
    ) -> Features {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// These are to be the features that are on; [`Device::features`] are those till now.
    ///
    /// # Errors
    ///
    /// The driver called [`Device::set_features`] if some changed nevertheless.
    fn set_features(
        _device: &Device,
        _data: ArcBorrow<'_, Self::Data>,
        _features: Features,
        _held: Held<'_>,
    ) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// What the device counted. In atomic context at times, and with or without the RTNL.
    fn counters(device: &Device, data: ArcBorrow<'_, Self::Data>) -> Counters;

    /// A queue has been stopped for too long. In atomic context.
    fn tx_timeout(_device: &Device, _data: ArcBorrow<'_, Self::Data>, _queue: u32) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Another XDP program is to see all packets, or none any more.
    ///
    /// # Errors
    ///
    /// The one that there is stays.
    fn set_xdp(
        _device: &Device,
        _data: ArcBorrow<'_, Self::Data>,
        _program: Option<xdp::Program>,
        _reason: &xdp::Reason<'_>,
        _held: Held<'_>,
    ) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Sends frames that an XDP program redirected here from another device, from the first on. Those
    /// that are not taken are dropped. In softirq context.
    ///
    /// # Errors
    ///
    /// None was taken.
    fn xdp_xmit(
        _device: &Device,
        _data: ArcBorrow<'_, Self::Data>,
        _frames: &mut xdp::Frames<'_>,
    ) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }
}
