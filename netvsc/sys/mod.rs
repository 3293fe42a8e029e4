// SPDX-License-Identifier: GPL-2.0

//! Small things of the kernel that its Rust crate does not have.

mod cell;
pub(crate) mod cpus;
mod in_flight;
pub(crate) mod parameters;
mod published;
mod section;
pub(crate) mod trace;

pub(crate) use cell::TryCell;
pub(crate) use in_flight::InFlight;
pub(crate) use published::Published;
pub(crate) use section::Section;
