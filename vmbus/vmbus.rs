// SPDX-License-Identifier: GPL-2.0

//! The VMBus of a Hyper-V guest: the library crate that the bus module is made of and that drivers
//! import.

#![deny(unsafe_code)]

#[doc(hidden)]
pub use hv_bindings as bindings;

/// The prefix of this crate's log lines: the C bus's name, which people grep for.
const __LOG_PREFIX: &[u8] = b"hv_vmbus\0";
