// SPDX-License-Identifier: GPL-2.0

//! The storage protocol.

mod outcomes;
mod packets;
#[path = "../../../../storvsc/wire/mod.rs"]
mod wire;
