// SPDX-License-Identifier: GPL-2.0

//! Whole guests on the VMBus host, with the stock C drivers and with ours: what scenarios and
//! benchmarks have in common.

mod hang;
pub mod iperf;
pub mod kernel;
pub mod kernel_log;
pub mod lab;
pub mod machine;
pub mod memory;
mod shell;
