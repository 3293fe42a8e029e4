// SPDX-License-Identifier: GPL-2.0

//! What the storage driver does beside reading and writing a SCSI disk.

pub mod bounce;
pub mod dvd;
pub mod ide;
mod logging;
pub mod parameters;
pub mod recovery;

use std::time::Duration;

/// How long something may take that the guest does by itself.
const SOON: Duration = Duration::from_secs(30);

/// Where the name of disk 0 is: which one it gets depends on which disk was found first.
const FIRST_DISK: &str = "/sys/bus/scsi/devices/*:0:0:0/block";

/// Where the guest's tracing file system is mounted.
const TRACING: &str = "/sys/kernel/tracing";

/// SCSI commands that faults are planted on.
const TEST_UNIT_READY: u8 = 0x00;
const READ_10: u8 = 0x28;
