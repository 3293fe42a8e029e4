// SPDX-License-Identifier: GPL-2.0

//! The storage driver of a Hyper-V guest: synthetic SCSI controllers, and the synthetic side of IDE
//! disks.
//!
//! - [`wire`]: the protocol, pure.
//! - [`scsi`]: the SCSI layer of the kernel, for any driver.
//! - [`sys`]: what else is missing in the `kernel` crate.
//! - [`probe`]: from a device on the bus to a SCSI host, and back.
//! - [`line`]: the channels of a device, opened and closed.
//! - [`adapter`]: from the SCSI layer to the host.
//! - [`controller`]: from the host to the SCSI layer.

#![deny(unsafe_code)]

mod adapter;
mod channels;
mod controller;
mod exchange;
mod idle;
mod line;
mod probe;
mod scan;
#[expect(unsafe_code, reason = "the SCSI layer is C")]
mod scsi;
mod setup;
#[expect(unsafe_code, reason = "these parts of the kernel are C")]
mod sys;
#[cfg(CONFIG_HYPERV_RUST_KUNIT_TEST)]
mod tests;
mod wire;

use vmbus::{
    guid::guid,
    DeviceId, //
};

/// The kinds of devices that the driver is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A SCSI controller.
    Scsi,
    /// A disk of an IDE controller.
    Ide,
}

vmbus::vmbus_device_table!(
    DEVICES,
    <probe::StorageDriver as vmbus::Driver>::IdInfo,
    [
        (
            DeviceId::new(guid!("ba6163d9-04a1-4d29-b605-72e2ffb1dc7f")),
            Kind::Scsi
        ),
        (
            DeviceId::new(guid!("32412632-86cb-44a2-9b5c-50d1417354f5")),
            Kind::Ide
        ),
    ]
);

vmbus::module_vmbus_driver! {
    type: probe::StorageDriver,
    name: "hv_storvsc_rust",
    authors: ["The Rust Hyper-V driver authors"],
    description: "Hyper-V virtual storage driver, in Rust",
    license: "GPL",
}
