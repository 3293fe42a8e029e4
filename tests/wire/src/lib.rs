// SPDX-License-Identifier: GPL-2.0

//! The drivers' pure files, the very files that the modules are made of, in an ordinary crate.
//!
//! Tests are in `tests/`, but for those of private items, which are here.

#![forbid(unsafe_code)]

#[path = "../../../vmbus/guid.rs"]
pub mod guid;
pub mod host;
#[cfg(test)]
mod layout;
pub mod memory;
#[cfg(test)]
#[expect(
    dead_code,
    unused_imports,
    reason = "only the layout matters here; tests/netvsc has its own copy"
)]
#[path = "../../../netvsc/wire/mod.rs"]
mod network;
pub mod ring;
#[cfg(test)]
#[expect(
    dead_code,
    unused_imports,
    reason = "only the layout matters here; tests/storvsc.rs has its own copy"
)]
#[path = "../../../storvsc/wire/mod.rs"]
mod storage;
#[cfg(test)]
#[expect(
    dead_code,
    unused_imports,
    reason = "only the layout matters here; tests/utilities.rs and tests/kvp have their own copies"
)]
#[path = "../../../hv_util/wire/mod.rs"]
mod utilities;
#[path = "../../../vmbus/wire/mod.rs"]
pub mod wire;
