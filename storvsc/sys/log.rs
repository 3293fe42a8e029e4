// SPDX-License-Identifier: GPL-2.0

//! A limit on the lines in the log that failing commands cause.
//!
//! It is not the one for hosts that break the protocol, so that neither kind hides the other.

use vmbus::bindings;

/// Whether one more line about a failed command may be logged now.
pub(crate) fn is_command_allowed() -> bool {
    // SAFETY: May be called in any context.
    unsafe { bindings::hv_rust_storvsc_may_log_command() }
}
