// SPDX-License-Identifier: GPL-2.0

//! The way from ethtool to the [`Operations`](super::Operations) of a driver: how many queues there
//! are, and what goes through which.

use super::{
    Callbacks,
    Channels,
    Flow,
    HashFields,
    Operations as _,
    Rings, //
};
use crate::net::{
    callbacks::Callbacks as NetCallbacks,
    ops, //
};
use core::ptr;
use kernel::{
    error::from_result,
    prelude::*, //
};
use vmbus::bindings;

/// The hash function that everybody has.
const TOEPLITZ: u32 = 1 << bindings::ETH_RSS_HASH_TOP_BIT;

impl<T: ops::Operations> Callbacks<T> {
    /// # Safety
    ///
    /// `raw` must be a registered device of this driver, the RTNL held, and `out` valid.
    pub(super) unsafe extern "C" fn channels(
        raw: *mut bindings::net_device,
        out: *mut bindings::ethtool_channels,
    ) {
        // SAFETY: By the safety requirements.
        let (device, data, held) = unsafe { NetCallbacks::<T>::held_parts(raw) };
        let Channels { count, max } = T::Ethtool::channels(device, data, held);
        // SAFETY: By the safety requirements.
        unsafe { (*out).combined_count = count };
        // SAFETY: By the safety requirements.
        unsafe { (*out).max_combined = max };
    }

    /// # Safety
    ///
    /// `raw` must be a registered device of this driver, the RTNL held, and `wanted` valid.
    pub(super) unsafe extern "C" fn set_channels(
        raw: *mut bindings::net_device,
        wanted: *mut bindings::ethtool_channels,
    ) -> c_int {
        // SAFETY: By the safety requirements.
        let (device, data, held) = unsafe { NetCallbacks::<T>::held_parts(raw) };
        // SAFETY: By the safety requirements.
        let wanted = unsafe { &*wanted };
        from_result(|| {
            let others = [wanted.rx_count, wanted.tx_count, wanted.other_count];
            if wanted.combined_count == 0 || others != [0; 3] {
                return Err(EINVAL);
            }
            T::Ethtool::set_channels(device, data, wanted.combined_count, held).map(|()| 0)
        })
    }

    /// # Safety
    ///
    /// `raw` must be a registered device of this driver, the RTNL held, and `out` valid.
    pub(super) unsafe extern "C" fn rings(
        raw: *mut bindings::net_device,
        out: *mut bindings::ethtool_ringparam,
        _more: *mut bindings::kernel_ethtool_ringparam,
        _reason: *mut bindings::netlink_ext_ack,
    ) {
        // SAFETY: By the safety requirements.
        let (device, data, held) = unsafe { NetCallbacks::<T>::held_parts(raw) };
        let Rings {
            rx,
            rx_max,
            tx,
            tx_max,
        } = T::Ethtool::rings(device, data, held);
        // SAFETY: By the safety requirements, nobody else uses it.
        let out = unsafe { &mut *out };
        out.rx_pending = rx;
        out.rx_max_pending = rx_max;
        out.tx_pending = tx;
        out.tx_max_pending = tx_max;
    }

    /// # Safety
    ///
    /// `raw` must be a registered device of this driver, the RTNL held, and `wanted` valid.
    pub(super) unsafe extern "C" fn set_rings(
        raw: *mut bindings::net_device,
        wanted: *mut bindings::ethtool_ringparam,
        _more: *mut bindings::kernel_ethtool_ringparam,
        _reason: *mut bindings::netlink_ext_ack,
    ) -> c_int {
        // SAFETY: By the safety requirements.
        let (device, data, held) = unsafe { NetCallbacks::<T>::held_parts(raw) };
        // SAFETY: By the safety requirements.
        let (rx, tx) = unsafe { ((*wanted).rx_pending, (*wanted).tx_pending) };
        from_result(|| T::Ethtool::set_rings(device, data, rx, tx, held).map(|()| 0))
    }

    /// # Safety
    ///
    /// `raw` must be a registered device of this driver, and the RTNL held.
    pub(super) unsafe extern "C" fn rx_rings(raw: *mut bindings::net_device) -> u32 {
        // SAFETY: By the safety requirements.
        let (device, data, held) = unsafe { NetCallbacks::<T>::held_parts(raw) };
        T::Ethtool::channels(device, data, held).count
    }

    pub(super) extern "C" fn rss_key_len(_raw: *mut bindings::net_device) -> u32 {
        // CAST: A few bytes.
        T::Ethtool::RSS_KEY_LEN as u32
    }

    /// # Safety
    ///
    /// `raw` must be a registered device of this driver, and the RTNL held.
    pub(super) unsafe extern "C" fn rss_table_len(raw: *mut bindings::net_device) -> u32 {
        // SAFETY: By the safety requirements.
        let (device, _, held) = unsafe { NetCallbacks::<T>::held_parts(raw) };
        device.rss_table_len(held)
    }

    /// # Safety
    ///
    /// `raw` must be a registered device of this driver, the RTNL held, and `out` valid, with room
    /// for as many entries and bytes as were said since the RTNL was taken.
    pub(super) unsafe extern "C" fn rss(
        raw: *mut bindings::net_device,
        out: *mut bindings::ethtool_rxfh_param,
    ) -> c_int {
        // SAFETY: By the safety requirements.
        let (device, data, held) = unsafe { NetCallbacks::<T>::held_parts(raw) };
        // SAFETY: By the safety requirements, nobody else uses it.
        let out = unsafe { &mut *out };
        // CAST: A bit.
        out.hfunc = TOEPLITZ as u8;
        // CAST: From 32 to 64 bits.
        let entries = device.rss_table_len(held) as usize;
        // SAFETY: By the safety requirements.
        let table = unsafe { slice_mut(out.indir, entries) };
        // SAFETY: By the safety requirements.
        let key = unsafe { slice_mut(out.key, T::Ethtool::RSS_KEY_LEN) };
        from_result(|| T::Ethtool::rss(device, data, table, key, held).map(|()| 0))
    }

    /// # Safety
    ///
    /// As for [`rss`](Self::rss).
    pub(super) unsafe extern "C" fn set_rss(
        raw: *mut bindings::net_device,
        wanted: *mut bindings::ethtool_rxfh_param,
        _reason: *mut bindings::netlink_ext_ack,
    ) -> c_int {
        // SAFETY: By the safety requirements.
        let (device, data, held) = unsafe { NetCallbacks::<T>::held_parts(raw) };
        // SAFETY: By the safety requirements, nobody else uses it.
        let wanted = unsafe { &*wanted };
        // CAST: From 32 to 64 bits.
        let entries = device.rss_table_len(held) as usize;
        // SAFETY: By the safety requirements.
        let table = unsafe { slice_mut(wanted.indir, entries) };
        // SAFETY: By the safety requirements.
        let key = unsafe { slice_mut(wanted.key, T::Ethtool::RSS_KEY_LEN) };
        from_result(|| {
            let hash = u32::from(wanted.hfunc);
            if hash != bindings::ETH_RSS_HASH_NO_CHANGE && hash != TOEPLITZ {
                return Err(EOPNOTSUPP);
            }
            if entries == 0 {
                return Err(EOPNOTSUPP);
            }
            T::Ethtool::set_rss(device, data, table.as_deref(), key.as_deref(), held).map(|()| 0)
        })
    }

    /// # Safety
    ///
    /// `raw` must be a registered device of this driver, the RTNL held, and `fields` valid.
    pub(super) unsafe extern "C" fn hash_fields(
        raw: *mut bindings::net_device,
        fields: *mut bindings::ethtool_rxfh_fields,
    ) -> c_int {
        // SAFETY: By the safety requirements.
        let (device, data, held) = unsafe { NetCallbacks::<T>::held_parts(raw) };
        // SAFETY: By the safety requirements, nobody else uses it.
        let fields = unsafe { &mut *fields };
        fields.data = Flow::from_raw(fields.flow_type).map_or(0, |flow| {
            T::Ethtool::hash_fields(device, data, flow, held).to_raw()
        });
        0
    }

    /// # Safety
    ///
    /// `raw` must be a registered device of this driver, the RTNL held, and `fields` valid.
    pub(super) unsafe extern "C" fn set_hash_fields(
        raw: *mut bindings::net_device,
        fields: *const bindings::ethtool_rxfh_fields,
        _reason: *mut bindings::netlink_ext_ack,
    ) -> c_int {
        // SAFETY: By the safety requirements.
        let (device, data, held) = unsafe { NetCallbacks::<T>::held_parts(raw) };
        // SAFETY: By the safety requirements.
        let (flow, fields) = unsafe { ((*fields).flow_type, (*fields).data) };
        from_result(|| {
            let flow = Flow::from_raw(flow).ok_or(EOPNOTSUPP)?;
            let fields = HashFields::from_raw(fields).ok_or(EOPNOTSUPP)?;
            T::Ethtool::set_hash_fields(device, data, flow, fields, held).map(|()| 0)
        })
    }
}

/// # Safety
///
/// `start` must be null, or valid for `'a` for as many values, which nobody else uses.
unsafe fn slice_mut<'a, V>(start: *mut V, count: usize) -> Option<&'a mut [V]> {
    let start = ptr::NonNull::new(start)?;
    // SAFETY: By the safety requirements.
    Some(unsafe { core::slice::from_raw_parts_mut(start.as_ptr(), count) })
}
