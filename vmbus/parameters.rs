// SPDX-License-Identifier: GPL-2.0

//! Parameters of the module.
//!
//! They are declared in C: those of the `module!` macro cannot be seen in sysfs.

use crate::bindings;

/// The newest version that is proposed to the host.
pub(crate) fn max_version() -> u32 {
    // SAFETY: No requirements.
    unsafe { bindings::hv_rust_max_version() }
}
