// SPDX-License-Identifier: GPL-2.0

//! The protocols of the utility services between a guest and a Hyper-V host.
//!
//! Every message of either side is a [`Header`] and a body whose meaning the kind of message and
//! the service decide. The host asks; the guest answers each message with the very same packet, in
//! which it has changed what is to be changed, so that an answer is never longer than the question.
//! Before anything else the host has the guest choose among versions, see [`Support`].
//!
//! Nothing in here knows the kernel; the same files are compiled into ordinary test programs.
//! Layouts and numbers are those of `include/linux/hyperv.h` and `include/uapi/linux/hyperv.h`, the
//! semantics those of the C driver in `drivers/hv`.

pub(crate) mod heartbeat;
pub(crate) mod kvp;
pub(crate) mod message;
pub(crate) mod negotiate;
pub(crate) mod shutdown;
mod text;
pub(crate) mod timesync;
pub(crate) mod vss;

pub(crate) use message::{
    Kind,
    Message,
    Status,
    TooShort,
    Version, //
};
pub(crate) use negotiate::{
    Negotiation,
    Support, //
};
use text::{
    utf16_from_utf8,
    utf8_from_utf16, //
};
