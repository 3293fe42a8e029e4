// SPDX-License-Identifier: GPL-2.0

//! A VMBus host for tests: a small VMM on KVM ([`vmm`]), the VMBus server ([`vmbus`]) and the
//! devices behind it ([`scsi`], [`net`], [`ic`]). [`fault`] makes all of them misbehave.
//!
//! The layers meet in two small interfaces, so that everything above KVM is tested without it:
//! [`hv`] between the VMM and the VMBus server, [`vmbus::device`] between the server and a device.

pub mod fault;
pub mod hv;
pub mod ic;
pub mod net;
pub mod scsi;
pub mod vmbus;
pub mod vmm;
