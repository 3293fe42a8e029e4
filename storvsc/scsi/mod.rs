// SPDX-License-Identifier: GPL-2.0

//! SCSI host adapters.
//!
//! A driver implements [`Driver`], allocates a host with [`NewHost::alloc`], sets its limits and
//! registers it; the [`Registration`] takes it away again when it is dropped.
//!
//! A [`Command`] is owned by exactly one party. The SCSI layer hands it to [`Driver::queue`], which
//! gives it back with [`Command::reject`] or keeps it; whoever has it ends it with
//! [`Command::done`]. A command that is dropped instead ends with an error, so that none is ever
//! lost. While the device works on a command, it is kept in a table of [`InFlight`] commands,
//! out of which it can be taken exactly once.
//!
//! C headers: [`include/scsi/scsi_host.h`](srctree/include/scsi/scsi_host.h),
//! [`include/scsi/scsi_cmnd.h`](srctree/include/scsi/scsi_cmnd.h) and
//! [`include/scsi/scsi_device.h`](srctree/include/scsi/scsi_device.h)

mod command;
mod data;
mod device;
mod driver;
mod host;
mod in_flight;
mod registration;
#[cfg(CONFIG_HYPERV_RUST_KUNIT_TEST)]
pub(crate) mod testing;
#[cfg(CONFIG_HYPERV_RUST_KUNIT_TEST)]
mod tests;

pub(crate) use command::{
    Address,
    Busy,
    Command,
    Completion,
    Direction,
    HostStatus,
    Rejected, //
};
pub(crate) use device::NewDevice;
pub(crate) use driver::{
    Driver,
    Geometry,
    Reset,
    Template, //
};
pub(crate) use host::Host;
pub(crate) use in_flight::InFlight;
pub(crate) use registration::{
    Limits,
    NewHost,
    Registration, //
};
