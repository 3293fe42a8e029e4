// SPDX-License-Identifier: GPL-2.0

//! Parts of the kernel that its Rust crate does not have.

pub(crate) mod clock;
pub(crate) mod device;
pub(crate) mod log;
pub(crate) mod parameters;
pub(crate) mod power;
pub(crate) mod ptp;
pub(crate) mod uevent;
