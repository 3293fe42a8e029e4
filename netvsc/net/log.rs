// SPDX-License-Identifier: GPL-2.0

//! Lines in the log that name the network device.

use super::AnyDevice;
use kernel::{
    fmt,
    prelude::*, //
};
use vmbus::bindings;

/// What to log, as users set it for a device: bits of `enum netif_msg`.
pub(crate) mod message {
    use vmbus::bindings;

    /// What the driver is.
    pub(crate) const DRIVER: u32 = 1 << bindings::NETIF_MSG_DRV_BIT;
    /// What the driver finds.
    pub(crate) const PROBE: u32 = 1 << bindings::NETIF_MSG_PROBE_BIT;
    /// The link.
    pub(crate) const LINK: u32 = 1 << bindings::NETIF_MSG_LINK_BIT;
    /// The interface going up.
    pub(crate) const UP: u32 = 1 << bindings::NETIF_MSG_IFUP_BIT;
    /// The interface going down.
    pub(crate) const DOWN: u32 = 1 << bindings::NETIF_MSG_IFDOWN_BIT;
    /// Errors of receiving.
    pub(crate) const RX_ERROR: u32 = 1 << bindings::NETIF_MSG_RX_ERR_BIT;
    /// Errors of sending.
    pub(crate) const TX_ERROR: u32 = 1 << bindings::NETIF_MSG_TX_ERR_BIT;
    /// What is received.
    pub(crate) const RX_STATUS: u32 = 1 << bindings::NETIF_MSG_RX_STATUS_BIT;
}

/// How important a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// Something failed.
    Error,
    /// Something is wrong.
    Warning,
    /// Something that is normal, and to be noticed.
    Notice,
    /// Something that is normal.
    Info,
}

/// Logs a line; it is up to the caller to end it.
pub(crate) fn print(device: &AnyDevice, level: Level, line: fmt::Arguments<'_>) {
    let level = match level {
        Level::Error => c"\x013",
        Level::Warning => c"\x014",
        Level::Notice => c"\x015",
        Level::Info => c"\x016",
    };
    // SAFETY: The device is valid, and `%pA` takes arguments of Rust's formatter.
    unsafe {
        bindings::hv_rust_net_printk(
            level.as_char_ptr(),
            device.as_raw(),
            core::ptr::from_ref(&line).cast(),
        )
    };
}

/// Logs a line where dynamic debugging wants it; it is up to the caller to end it.
pub(crate) fn debug(device: &AnyDevice, line: fmt::Arguments<'_>) {
    // SAFETY: As in `print()`.
    unsafe { bindings::hv_rust_net_debug(device.as_raw(), core::ptr::from_ref(&line).cast()) };
}

/// Logs what only those want to know who look for a fault.
macro_rules! netdev_dbg {
    ($device:expr, $($arguments:tt)*) => {
        $crate::net::log::debug($device, kernel::prelude::fmt!($($arguments)*))
    };
}

/// Logs an error of a network device.
macro_rules! netdev_err {
    ($device:expr, $($arguments:tt)*) => {
        $crate::net::log::print($device, $crate::net::log::Level::Error, kernel::prelude::fmt!($($arguments)*))
    };
}

/// Logs a warning of a network device.
macro_rules! netdev_warn {
    ($device:expr, $($arguments:tt)*) => {
        $crate::net::log::print($device, $crate::net::log::Level::Warning, kernel::prelude::fmt!($($arguments)*))
    };
}

/// Logs what is to be noticed of a network device.
macro_rules! netdev_notice {
    ($device:expr, $($arguments:tt)*) => {
        $crate::net::log::print($device, $crate::net::log::Level::Notice, kernel::prelude::fmt!($($arguments)*))
    };
}

/// Logs what is normal of a network device.
macro_rules! netdev_info {
    ($device:expr, $($arguments:tt)*) => {
        $crate::net::log::print($device, $crate::net::log::Level::Info, kernel::prelude::fmt!($($arguments)*))
    };
}

pub(crate) use {
    netdev_dbg,
    netdev_err,
    netdev_info,
    netdev_notice,
    netdev_warn, //
};
