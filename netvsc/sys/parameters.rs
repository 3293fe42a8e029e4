// SPDX-License-Identifier: GPL-2.0

//! The parameters of the module.
//!
//! They are defined in `helpers.c`, because parameters of Rust modules do not appear in sysfs.
//! Whatever a user gives is brought into a range that makes sense here.

use kernel::prelude::*;
use vmbus::bindings;

/// The size of the payload of each ring, in bytes.
pub(crate) fn ring_payload() -> usize {
    const SMALLEST: u32 = 64;
    const LARGEST: u32 = 4096;
    const UNIT: usize = 4096;

    // SAFETY: The variable is always there, and does not change once the module is loaded but for
    // this function, where it does not matter which value is seen.
    let pages = unsafe { (&raw const bindings::hv_rust_netvsc_ring_size).read_volatile() };
    if pages < SMALLEST {
        // SAFETY: As above.
        unsafe { (&raw mut bindings::hv_rust_netvsc_ring_size).write_volatile(SMALLEST) };
        pr_info!("Increased ring_size to {} (min allowed)\n", SMALLEST);
    }
    // CAST: Widening.
    pages.clamp(SMALLEST, LARGEST) as usize * UNIT
}

/// What to log of a device, as a bit mask: `default` if the user does not say otherwise.
pub(crate) fn message_level(default: u32) -> u32 {
    // SAFETY: The variable is always there, and does not change once the module is loaded.
    let level = unsafe { (&raw const bindings::hv_rust_netvsc_debug).read_volatile() };
    match u32::try_from(level) {
        Ok(level @ 0..32) => (1 << level) - 1,
        _ => default,
    }
}
