// SPDX-License-Identifier: GPL-2.0

//! The SCSI controller: a VMBus device that speaks the storage protocol and has disks behind it.
//!
//! From the guest inwards: `service` answers the packets of the [`controller`]'s channels,
//! [`session`] decides what the guest may ask for now, [`bus`] finds the logical unit, and
//! [`mod@unit`] runs the command on a [`disk`] or in a [`dvd`] drive. By its [`kind`] a controller is
//! a SCSI controller or the channel of one IDE disk.
//!
//! ```no_run
//! use vmbus_host::scsi::{Controller, ControllerConfig, Disk};
//!
//! let controller = Controller::new(ControllerConfig::default());
//! let unit = controller.add_disk(0, 0, Disk::memory(64 << 20)?)?;
//! // Hand `Arc::clone(&controller)` to the VMBus server, then watch and disturb the guest:
//! controller.resize(0, 0, 128 << 20)?;
//! println!("{:?}", unit.disk().stats());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod buffer;
pub mod bus;
mod capacity;
pub mod command;
mod control;
pub mod controller;
pub mod disk;
pub mod dvd;
pub mod fault;
mod inquiry;
pub mod kind;
mod mode;
pub mod pending;
pub mod protocol;
mod provision;
pub mod sense;
mod service;
pub mod session;
pub mod srb;
mod transfer;
pub mod unit;
pub mod violation;

#[cfg(test)]
mod tests;

pub use bus::Address;
pub use controller::{Controller, ControllerConfig};
pub use disk::Disk;
pub use dvd::Dvd;
pub use fault::{Fault, Injection};
pub use kind::{IdePlace, Kind};
pub use sense::Sense;
pub use unit::LogicalUnit;
