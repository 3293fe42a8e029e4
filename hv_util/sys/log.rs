// SPDX-License-Identifier: GPL-2.0

//! A limit on the lines in the log about what the host asks for.
//!
//! It is not the one for hosts that break the protocol, so that neither kind hides the other.

use vmbus::bindings;

/// Whether one more line about a request may be logged now.
pub(crate) fn is_allowed() -> bool {
    // SAFETY: May be called in any context.
    unsafe { bindings::hv_rust_util_may_log() }
}
