// SPDX-License-Identifier: GPL-2.0

//! The two hypercalls of the bus.

use crate::{
    bindings,
    wire::synic::{
        PostMessage,
        Status,
        HVCALL_SIGNAL_EVENT, //
    },
};

/// Posts a message to the host. Callable from any context.
pub(crate) fn post_message(message: &PostMessage) -> Status {
    // SAFETY: The function copies `size_of::<PostMessage>()` bytes from the pointer.
    Status::of(unsafe { bindings::hv_rust_post_message(core::ptr::from_ref(message).cast()) })
}

/// Signals the event of `connection` to the host, if there is one. Callable from any context.
#[inline]
pub(crate) fn signal_event(connection: u32) {
    // SAFETY: The call has an integer for input, and no output but the result.
    unsafe { bindings::hv_rust_fast_hypercall8(HVCALL_SIGNAL_EVENT, connection.into()) };
}
