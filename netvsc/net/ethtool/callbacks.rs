// SPDX-License-Identifier: GPL-2.0

//! The way from ethtool to the [`Operations`] of a driver.

use super::{
    Duplex,
    Link,
    Operations,
    Statistics, //
};
use crate::net::{
    callbacks::Callbacks as NetCallbacks,
    ops, //
};
use core::marker::PhantomData;
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

    extern "C" fn registers_len(_raw: *mut bindings::net_device) -> c_int {
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
    unsafe extern "C" fn link(
        raw: *mut bindings::net_device,
        out: *mut bindings::ethtool_link_ksettings,
    ) -> c_int {
        // SAFETY: By the safety requirements.
        let (device, data, held) = unsafe { NetCallbacks::<T>::held_parts(raw) };
        if let Some(other) = T::Ethtool::device_of_link(device, data, held) {
            // SAFETY: The other device is valid; the rest by the safety requirements.
            return unsafe { bindings::__ethtool_get_link_ksettings(other.as_raw(), out) };
        }
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
        if let Some(other) = T::Ethtool::device_of_link(device, data, held) {
            // SAFETY: The other device is valid; the rest by the safety requirements.
            return unsafe { bindings::hv_rust_net_set_link(other.as_raw(), wanted) };
        }
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
