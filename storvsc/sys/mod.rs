// SPDX-License-Identifier: GPL-2.0

//! Small things of the kernel that its Rust crate does not have.

pub(crate) mod cpus;
mod deadline;
pub(crate) mod log;
pub(crate) mod parameters;
mod table;

pub(crate) use deadline::{
    Deadline,
    Period, //
};
pub(crate) use table::SharedTable;
