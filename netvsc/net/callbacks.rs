// SPDX-License-Identifier: GPL-2.0

//! The way from the network stack to the [`Operations`] of a driver.

use super::{
    addresses::Addresses,
    ops::{
        Operations,
        Sent,
        Way, //
    },
    registration::Private,
    rtnl::Held,
    skb::{
        Borrowed,
        Skb, //
    },
    xdp,
    Device,
    Features, //
};
use core::{
    marker::PhantomData,
    ptr::{
        self,
        NonNull, //
    },
};
use kernel::{
    error::from_result,
    prelude::*,
    sync::ArcBorrow, //
};
use vmbus::bindings;

/// The callbacks of the network stack.
///
/// The stack calls none of them for a device that is not registered.
pub(super) struct Callbacks<T>(PhantomData<T>);

macro_rules! if_has {
    ($has:expr, $function:expr) => {
        if $has {
            Some($function)
        } else {
            None
        }
    };
}

impl<T: Operations> Callbacks<T> {
    /// The table of the driver's callbacks.
    const TABLE: bindings::net_device_ops = bindings::net_device_ops {
        ndo_open: Some(Self::open),
        ndo_stop: Some(Self::stop),
        ndo_start_xmit: Some(Self::start_xmit),
        ndo_select_queue: if_has!(T::HAS_SELECT_QUEUE, Self::select_queue),
        ndo_set_rx_mode: if_has!(T::HAS_SET_RX_MODE, Self::set_rx_mode),
        ndo_set_mac_address: if_has!(T::HAS_SET_ADDRESS, Self::set_address),
        ndo_validate_addr: Some(bindings::eth_validate_addr),
        ndo_change_mtu: if_has!(T::HAS_CHANGE_MTU, Self::change_mtu),
        ndo_fix_features: if_has!(T::HAS_FIX_FEATURES, Self::fix_features),
        ndo_set_features: if_has!(T::HAS_SET_FEATURES, Self::set_features),
        ndo_get_stats64: Some(Self::get_stats),
        ndo_tx_timeout: if_has!(T::HAS_TX_TIMEOUT, Self::tx_timeout),
        ndo_bpf: if_has!(T::HAS_SET_XDP, Self::bpf),
        ndo_xdp_xmit: if_has!(T::HAS_XDP_XMIT, Self::xdp_xmit),
        ..pin_init::zeroed()
    };

    /// The one place of the table, by whose address devices of this driver are known.
    #[inline(never)]
    pub(super) fn table() -> &'static bindings::net_device_ops {
        &Self::TABLE
    }

    /// # Safety
    ///
    /// `raw` must be a registered device of this driver for `'a`.
    #[inline]
    pub(super) unsafe fn parts<'a>(
        raw: *mut bindings::net_device,
    ) -> (&'a Device, ArcBorrow<'a, T::Data>) {
        // SAFETY: By the safety requirements.
        unsafe { (Device::from_raw(raw), Private::<T>::data(raw)) }
    }

    /// # Safety
    ///
    /// As for [`parts`](Self::parts), and the RTNL must be held.
    #[inline]
    pub(super) unsafe fn held_parts<'a>(
        raw: *mut bindings::net_device,
    ) -> (&'a Device, ArcBorrow<'a, T::Data>, Held<'a>) {
        // SAFETY: By the safety requirements.
        let (device, data) = unsafe { Self::parts(raw) };
        // SAFETY: By the safety requirements.
        (device, data, unsafe { Held::assume() })
    }

    /// # Safety
    ///
    /// As for [`held_parts`](Self::held_parts).
    unsafe extern "C" fn open(raw: *mut bindings::net_device) -> c_int {
        // SAFETY: By the safety requirements.
        let (device, data, held) = unsafe { Self::held_parts(raw) };
        from_result(|| T::open(device, data, held).map(|()| 0))
    }

    /// # Safety
    ///
    /// As for [`held_parts`](Self::held_parts).
    unsafe extern "C" fn stop(raw: *mut bindings::net_device) -> c_int {
        // SAFETY: By the safety requirements.
        let (device, data, held) = unsafe { Self::held_parts(raw) };
        from_result(|| T::stop(device, data, held).map(|()| 0))
    }

    /// # Safety
    ///
    /// As for [`parts`](Self::parts), and the stack must give the packet to the driver.
    unsafe extern "C" fn start_xmit(
        skb: *mut bindings::sk_buff,
        raw: *mut bindings::net_device,
    ) -> bindings::netdev_tx_t {
        // SAFETY: By the safety requirements.
        let (device, data) = unsafe { Self::parts(raw) };
        // SAFETY: By the safety requirements; packets are never null.
        let packet = unsafe { Skb::from_raw(NonNull::new_unchecked(skb)) };
        let index = packet.queue();
        let Some(queue) = device.tx_queue(index.into()) else {
            return bindings::netdev_tx_NETDEV_TX_OK;
        };
        let way = Way {
            queue,
            index,
            // SAFETY: The stack is sending on this CPU.
            more: unsafe { bindings::hv_rust_net_xmit_more() },
        };
        match T::start_xmit(device, data, packet, way) {
            // Another packet is none that the stack could keep: it is dropped.
            Sent::Busy(back) if ptr::eq(back.raw(), skb) => {
                back.into_raw();
                bindings::netdev_tx_NETDEV_TX_BUSY
            }
            Sent::Busy(_) | Sent::Taken => bindings::netdev_tx_NETDEV_TX_OK,
        }
    }

    /// # Safety
    ///
    /// As for [`parts`](Self::parts), and nobody else may use the packet.
    unsafe extern "C" fn select_queue(
        raw: *mut bindings::net_device,
        skb: *mut bindings::sk_buff,
        _subordinate: *mut bindings::net_device,
    ) -> u16 {
        // SAFETY: By the safety requirements.
        let (device, data) = unsafe { Self::parts(raw) };
        // SAFETY: By the safety requirements; packets are never null.
        let skb = unsafe { Borrowed::from_raw(NonNull::new_unchecked(skb)) };
        let queue = T::select_queue(device, data, skb);
        let count = device.tx_queues();
        if u32::from(queue) < count {
            return queue;
        }
        // CAST: Less than what came as 16 bits.
        u32::from(queue).checked_rem(count).unwrap_or(0) as u16
    }

    /// # Safety
    ///
    /// As for [`parts`](Self::parts), and the device's lock of addresses must be held.
    unsafe extern "C" fn set_rx_mode(raw: *mut bindings::net_device) {
        // SAFETY: By the safety requirements.
        let (device, data) = unsafe { Self::parts(raw) };
        // SAFETY: By the safety requirements.
        let addresses = unsafe { Addresses::assume(device) };
        T::set_rx_mode(device, data, &addresses);
    }

    /// # Safety
    ///
    /// As for [`held_parts`](Self::held_parts), and `address` must be a `struct sockaddr`.
    unsafe extern "C" fn set_address(
        raw: *mut bindings::net_device,
        address: *mut c_void,
    ) -> c_int {
        // SAFETY: By the safety requirements.
        let (device, data, held) = unsafe { Self::held_parts(raw) };
        // SAFETY: By the safety requirements; the address follows the family, of 16 bits.
        let wanted = unsafe { address.byte_add(2).cast::<[u8; 6]>().read_unaligned() };
        // SAFETY: By the safety requirements.
        let refused = unsafe { bindings::eth_prepare_mac_addr_change(raw, address) };
        if refused != 0 {
            return refused;
        }
        from_result(|| {
            T::set_address(device, data, &wanted, held)?;
            // SAFETY: By the safety requirements.
            unsafe { bindings::eth_commit_mac_addr_change(raw, address) };
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// As for [`held_parts`](Self::held_parts).
    unsafe extern "C" fn change_mtu(raw: *mut bindings::net_device, mtu: c_int) -> c_int {
        // SAFETY: By the safety requirements.
        let (device, data, held) = unsafe { Self::held_parts(raw) };
        from_result(|| {
            let mtu = u32::try_from(mtu)?;
            T::change_mtu(device, data, mtu, held).map(|()| 0)
        })
    }

    /// # Safety
    ///
    /// As for [`held_parts`](Self::held_parts).
    unsafe extern "C" fn fix_features(
        raw: *mut bindings::net_device,
        features: bindings::netdev_features_t,
    ) -> bindings::netdev_features_t {
        // SAFETY: By the safety requirements.
        let (device, data, held) = unsafe { Self::held_parts(raw) };
        T::fix_features(device, data, Features(features), held).0
    }

    /// # Safety
    ///
    /// As for [`held_parts`](Self::held_parts).
    unsafe extern "C" fn set_features(
        raw: *mut bindings::net_device,
        features: bindings::netdev_features_t,
    ) -> c_int {
        // SAFETY: By the safety requirements.
        let (device, data, held) = unsafe { Self::held_parts(raw) };
        from_result(|| T::set_features(device, data, Features(features), held).map(|()| 0))
    }

    /// # Safety
    ///
    /// As for [`parts`](Self::parts), and `storage` must be valid.
    unsafe extern "C" fn get_stats(
        raw: *mut bindings::net_device,
        storage: *mut bindings::rtnl_link_stats64,
    ) {
        // SAFETY: By the safety requirements.
        let (device, data) = unsafe { Self::parts(raw) };
        let counters = T::counters(device, data);
        // SAFETY: By the safety requirements, nobody else uses it.
        let stats = unsafe { &mut *storage };
        stats.rx_packets = counters.rx_packets;
        stats.rx_bytes = counters.rx_bytes;
        stats.rx_dropped = counters.rx_dropped;
        stats.rx_errors = counters.rx_errors;
        stats.multicast = counters.multicast;
        stats.tx_packets = counters.tx_packets;
        stats.tx_bytes = counters.tx_bytes;
        stats.tx_dropped = counters.tx_dropped;
        stats.tx_errors = counters.tx_errors;
    }

    /// # Safety
    ///
    /// As for [`parts`](Self::parts).
    unsafe extern "C" fn tx_timeout(raw: *mut bindings::net_device, queue: c_uint) {
        // SAFETY: By the safety requirements.
        let (device, data) = unsafe { Self::parts(raw) };
        T::tx_timeout(device, data, queue);
    }

    /// # Safety
    ///
    /// As for [`held_parts`](Self::held_parts), and `command` must be valid.
    unsafe extern "C" fn bpf(
        raw: *mut bindings::net_device,
        command: *mut bindings::netdev_bpf,
    ) -> c_int {
        // SAFETY: By the safety requirements.
        let (device, data, held) = unsafe { Self::held_parts(raw) };
        from_result(|| {
            // SAFETY: By the safety requirements.
            let setup = unsafe { xdp::Setup::from_raw(command) }?;
            T::set_xdp(device, data, setup.program(), &setup.reason(), held)?;
            setup.accepted();
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// As for [`parts`](Self::parts), and there must be so many valid `frames`.
    unsafe extern "C" fn xdp_xmit(
        raw: *mut bindings::net_device,
        count: c_int,
        frames: *mut *mut bindings::xdp_frame,
        flags: u32,
    ) -> c_int {
        if flags & !bindings::XDP_XMIT_FLAGS_MASK != 0 {
            return EINVAL.to_errno();
        }
        // SAFETY: By the safety requirements.
        let (device, data) = unsafe { Self::parts(raw) };
        // SAFETY: By the safety requirements.
        let mut frames =
            unsafe { xdp::Frames::from_raw(device, frames, count.unsigned_abs(), flags) };
        from_result(|| {
            T::xdp_xmit(device, data, &mut frames)?;
            // CAST: Not more than the count, which came as an `int`.
            Ok(frames.taken() as c_int)
        })
    }
}
