// SPDX-License-Identifier: GPL-2.0

//! A limit on the lines in the log that the host can cause.

use crate::bindings;

/// Whether one more line is in order now.
pub fn allowed() -> bool {
    // SAFETY: The function may be called in any context.
    unsafe { bindings::hv_rust_log_allowed() }
}
