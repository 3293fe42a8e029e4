// SPDX-License-Identifier: GPL-2.0

//! The parameter of the module.
//!
//! It is defined in `helpers.c`, because parameters of Rust modules do not appear in sysfs.

use vmbus::bindings;

/// Whether the clock is set without the host's demand when it is far behind.
pub(crate) fn timesync_implicit() -> bool {
    // SAFETY: The variable is always there; sysfs may change it at any time, hence the volatile
    // read, but to true and false only.
    unsafe { (&raw const bindings::hv_rust_util_timesync_implicit).read_volatile() }
}
