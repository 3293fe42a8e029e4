// SPDX-License-Identifier: GPL-2.0

//! The way from ethtool to the [`Operations`] of a driver.

use super::{
    Channels,
    Duplex,
    Flow,
    HashFields,
    Link,
    Operations,
    Rings,
    Statistics, //
};
use crate::net::{
    callbacks::Callbacks as NetCallbacks,
    ops, //
};
use core::{
    marker::PhantomData,
    ptr, //
};
use kernel::{
    error::{
        from_result,
        to_result, //
    },
    prelude::*, //
};
use vmbus::bindings;

/// The callbacks of ethtool.
///
/// All are called with the RTNL held, and none for a device that is not registered.
pub(in crate::net) struct Callbacks<T>(PhantomData<T>);

/// The hash function that everybody has.
const TOEPLITZ: u32 = 1 << bindings::ETH_RSS_HASH_TOP_BIT;

/// A callback that the driver may have or not.
macro_rules! if_has {
    ($has:expr, $function:expr) => {
        if $has {
            Some($function)
        } else {
            None
        }
    };
}

impl<T: ops::Operations> Callbacks<T> {
    /// The table of the driver's callbacks.
    pub(in crate::net) const TABLE: bindings::ethtool_ops = bindings::ethtool_ops {
        get_drvinfo: Some(Self::driver_info),
        get_regs_len: Some(Self::registers_len),
        get_regs: Some(Self::registers),
        get_msglevel: Some(Self::message_level),
        set_msglevel: Some(Self::set_message_level),
        get_link: Some(bindings::ethtool_op_get_link),
        get_strings: Some(Self::names),
        get_ethtool_stats: Some(Self::values),
        get_sset_count: Some(Self::set_count),
        get_channels: Some(Self::channels),
        set_channels: if_has!(T::Ethtool::HAS_SET_CHANNELS, Self::set_channels),
        get_ringparam: Some(Self::rings),
        set_ringparam: if_has!(T::Ethtool::HAS_SET_RINGS, Self::set_rings),
        get_rx_ring_count: Some(Self::rx_rings),
        get_rxfh_key_size: Some(Self::rss_key_len),
        get_rxfh_indir_size: Some(Self::rss_table_len),
        get_rxfh: Some(Self::rss),
        set_rxfh: if_has!(T::Ethtool::HAS_SET_RSS, Self::set_rss),
        get_rxfh_fields: Some(Self::hash_fields),
        set_rxfh_fields: if_has!(T::Ethtool::HAS_SET_HASH_FIELDS, Self::set_hash_fields),
        get_ts_info: Some(bindings::ethtool_op_get_ts_info),
        get_link_ksettings: Some(Self::link),
        set_link_ksettings: if_has!(T::Ethtool::HAS_SET_LINK, Self::set_link),
        ..pin_init::zeroed()
    };

    /// # Safety
    ///
    /// `raw` must be a registered device of this driver, and `info` valid.
    unsafe extern "C" fn driver_info(
        _raw: *mut bindings::net_device,
        info: *mut bindings::ethtool_drvinfo,
    ) {
        // SAFETY: By the safety requirements, nobody else uses it.
        let info = unsafe { &mut *info };
        write(&mut info.driver, T::Ethtool::DRIVER);
        write(&mut info.fw_version, T::Ethtool::FIRMWARE);
    }

    unsafe extern "C" fn registers_len(_raw: *mut bindings::net_device) -> c_int {
        // CAST: A few bytes.
        (T::Ethtool::REGISTERS * size_of::<u32>()) as c_int
    }

    /// # Safety
    ///
    /// `raw` must be a registered device of this driver, `about` valid, and `out` as long as
    /// [`registers_len`](Self::registers_len) says; the RTNL must be held.
    unsafe extern "C" fn registers(
        raw: *mut bindings::net_device,
        about: *mut bindings::ethtool_regs,
        out: *mut c_void,
    ) {
        // SAFETY: By the safety requirements.
        let (device, data, held) = unsafe { NetCallbacks::<T>::held_parts(raw) };
        // SAFETY: By the safety requirements; the buffer was zeroed and comes from `vzalloc()`.
        let out = unsafe { core::slice::from_raw_parts_mut(out.cast(), T::Ethtool::REGISTERS) };
        // SAFETY: By the safety requirements.
        unsafe { (*about).version = T::Ethtool::REGISTERS_VERSION };
        T::Ethtool::registers(device, data, out, held);
    }

    /// # Safety
    ///
    /// `raw` must be a registered device of this driver.
    unsafe extern "C" fn message_level(raw: *mut bindings::net_device) -> u32 {
        // SAFETY: By the safety requirements.
        unsafe { NetCallbacks::<T>::parts(raw) }.0.message_level()
    }

    /// # Safety
    ///
    /// `raw` must be a registered device of this driver.
    unsafe extern "C" fn set_message_level(raw: *mut bindings::net_device, level: u32) {
        // SAFETY: By the safety requirements.
        unsafe { NetCallbacks::<T>::parts(raw) }
            .0
            .set_message_level(level);
    }

    /// # Safety
    ///
    /// `raw` must be a registered device of this driver, and the RTNL held.
    unsafe extern "C" fn set_count(raw: *mut bindings::net_device, set: c_int) -> c_int {
        // SAFETY: By the safety requirements.
        let (device, data, held) = unsafe { NetCallbacks::<T>::held_parts(raw) };
        from_result(|| {
            if u32::try_from(set)? != bindings::ethtool_stringset_ETH_SS_STATS {
                return Err(EINVAL);
            }
            let mut statistics = Statistics::counting();
            T::Ethtool::statistics(device, data, &mut statistics, held);
            let count = c_int::try_from(statistics.count())?;
            device.set_statistics(count.unsigned_abs(), held);
            Ok(count)
        })
    }

    /// # Safety
    ///
    /// `raw` must be a registered device of this driver, the RTNL held, and `out` have room for as
    /// many names as [`set_count`](Self::set_count) said since the RTNL was taken.
    unsafe extern "C" fn names(raw: *mut bindings::net_device, set: u32, out: *mut u8) {
        // SAFETY: By the safety requirements.
        let (device, data, held) = unsafe { NetCallbacks::<T>::held_parts(raw) };
        if set == bindings::ethtool_stringset_ETH_SS_STATS {
            // CAST: From 32 to 64 bits.
            let count = device.statistics(held) as usize;
            // SAFETY: By the safety requirements.
            let names = unsafe { core::slice::from_raw_parts_mut(out.cast(), count) };
            T::Ethtool::statistics(device, data, &mut Statistics::names(names), held);
        }
    }

    /// # Safety
    ///
    /// `raw` must be a registered device of this driver, the RTNL held, and `out` have room for as
    /// many numbers as `about` says.
    unsafe extern "C" fn values(
        raw: *mut bindings::net_device,
        about: *mut bindings::ethtool_stats,
        out: *mut u64,
    ) {
        // SAFETY: By the safety requirements.
        let (device, data, held) = unsafe { NetCallbacks::<T>::held_parts(raw) };
        // SAFETY: By the safety requirements.
        // CAST: From 32 to 64 bits.
        let count = unsafe { (*about).n_stats } as usize;
        // SAFETY: By the safety requirements; the buffer was zeroed.
        let values = unsafe { core::slice::from_raw_parts_mut(out, count) };
        T::Ethtool::statistics(device, data, &mut Statistics::values(values), held);
    }

    /// # Safety
    ///
    /// `raw` must be a registered device of this driver, the RTNL held, and `out` valid.
    unsafe extern "C" fn channels(
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
    unsafe extern "C" fn set_channels(
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
    unsafe extern "C" fn rings(
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
    unsafe extern "C" fn set_rings(
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
    unsafe extern "C" fn rx_rings(raw: *mut bindings::net_device) -> u32 {
        // SAFETY: By the safety requirements.
        let (device, data, held) = unsafe { NetCallbacks::<T>::held_parts(raw) };
        T::Ethtool::channels(device, data, held).count
    }

    unsafe extern "C" fn rss_key_len(_raw: *mut bindings::net_device) -> u32 {
        // CAST: A few bytes.
        T::Ethtool::RSS_KEY_LEN as u32
    }

    /// # Safety
    ///
    /// `raw` must be a registered device of this driver, and the RTNL held.
    unsafe extern "C" fn rss_table_len(raw: *mut bindings::net_device) -> u32 {
        // SAFETY: By the safety requirements.
        let (device, _, held) = unsafe { NetCallbacks::<T>::held_parts(raw) };
        device.rss_table_len(held)
    }

    /// # Safety
    ///
    /// `raw` must be a registered device of this driver, the RTNL held, and `out` valid, with room
    /// for as many entries and bytes as were said since the RTNL was taken.
    unsafe extern "C" fn rss(
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
    unsafe extern "C" fn set_rss(
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
    unsafe extern "C" fn hash_fields(
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
    unsafe extern "C" fn set_hash_fields(
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

    /// # Safety
    ///
    /// `raw` must be a registered device of this driver, the RTNL held, and `out` valid.
    unsafe extern "C" fn link(
        raw: *mut bindings::net_device,
        out: *mut bindings::ethtool_link_ksettings,
    ) -> c_int {
        // SAFETY: By the safety requirements.
        let (device, data, held) = unsafe { NetCallbacks::<T>::held_parts(raw) };
        let (speed, duplex) = to_raw(T::Ethtool::link(device, data, held));
        // SAFETY: By the safety requirements, nobody else uses it.
        let base = unsafe { &mut (*out).base };
        base.speed = speed;
        base.duplex = duplex;
        // CAST: A small constant.
        base.port = bindings::PORT_OTHER as u8;
        0
    }

    /// # Safety
    ///
    /// `raw` must be a registered device of this driver, the RTNL held, and `wanted` valid.
    unsafe extern "C" fn set_link(
        raw: *mut bindings::net_device,
        wanted: *const bindings::ethtool_link_ksettings,
    ) -> c_int {
        // SAFETY: By the safety requirements.
        let (device, data, held) = unsafe { NetCallbacks::<T>::held_parts(raw) };
        from_result(|| {
            let (mut speed, mut duplex) = (0, 0);
            // SAFETY: By the safety requirements, and both are writable.
            to_result(unsafe {
                bindings::ethtool_virtdev_set_link_ksettings(
                    raw,
                    wanted,
                    &raw mut speed,
                    &raw mut duplex,
                )
            })?;
            T::Ethtool::set_link(device, data, from_raw(speed, duplex), held).map(|()| 0)
        })
    }
}

/// Writes a string, cut off where there is no more room.
fn write(room: &mut [c_char; 32], string: &CStr) {
    let bytes = string.to_bytes();
    // The last byte stays null.
    for (to, &from) in room[..31].iter_mut().zip(bytes) {
        // CAST: Bytes, whatever sign C gives them.
        *to = from as c_char;
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

/// A link, as C has it.
fn to_raw(link: Link) -> (u32, u8) {
    let duplex = match link.duplex {
        Duplex::Half => bindings::DUPLEX_HALF,
        Duplex::Full => bindings::DUPLEX_FULL,
        Duplex::Unknown => bindings::DUPLEX_UNKNOWN,
    };
    // CAST: Small constants.
    (link.speed.unwrap_or(u32::MAX), duplex as u8)
}

/// The opposite of [`to_raw`].
fn from_raw(speed: u32, duplex: u8) -> Link {
    Link {
        speed: Some(speed).filter(|&speed| speed != u32::MAX),
        duplex: match u32::from(duplex) {
            bindings::DUPLEX_HALF => Duplex::Half,
            bindings::DUPLEX_FULL => Duplex::Full,
            _ => Duplex::Unknown,
        },
    }
}
