// SPDX-License-Identifier: GPL-2.0

//! A guest without a virtual machine, for unit tests of the server and of devices.
//!
//! [`FakeGuest`] speaks the protocol over a [`FakeHypervisor`], which keeps messages and event
//! flags in memory. It shares the message layouts with the server, but has its own ring, written
//! in another way, so that a mistake does not cancel itself out.
//!
//! ```
//! use std::sync::Arc;
//! use vmbus_host::vmbus::server::ServerConfig;
//! use vmbus_host::vmbus::testing::{EchoDevice, FakeGuest};
//!
//! let mut guest = FakeGuest::new(ServerConfig::default());
//! guest.server().add_device(EchoDevice::new(1));
//! let offers = guest.connect_and_request_offers();
//! let channel = guest.open(&offers[0]).expect("the device accepts");
//! channel.send(&guest, 7, b"ping");
//! let answer = channel.wait(&guest).expect("an answer");
//! assert_eq!((answer.transaction, &answer.payload[..4]), (7, &b"ping"[..]));
//! guest.close(&channel);
//! assert!(guest.server().violations().is_empty());
//! ```

mod channel;
mod device;
mod guest;
mod hypervisor;
mod ring;

pub use channel::GuestChannel;
pub use device::EchoDevice;
pub use guest::{FakeGuest, OfferSeen};
pub use hypervisor::FakeHypervisor;
pub use ring::{GuestPacket, GuestRing};
