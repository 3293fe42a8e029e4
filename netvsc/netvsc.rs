// SPDX-License-Identifier: GPL-2.0

//! The network driver of a Hyper-V guest.
//!
//! - [`wire`]: the protocol, pure.
//! - [`net`]: network devices of the kernel, for any driver.
//! - [`sys`]: what else is missing in the `kernel` crate.
//! - [`probe`]: from a device on the bus to a network device, and back.
//! - [`adapter`]: what a network device has at hand; [`ops`] and [`ethtool`] for the stack and for
//!   users, [`reconfigure`], [`link`], [`filter`], [`flow`] for what they can change.
//! - [`session`]: one opening of the channel, with [`connect`], [`features`] and [`channels`] to set
//!   it up.
//! - [`queue`]: a channel and who polls it, with [`receive`], [`message`], [`deliver`], [`xdp`] and
//!   [`dump`] for what comes in, [`transmit`], [`batch`] and [`post`] for frames that go out.
//! - [`function`]: the way past the host.

#![deny(unsafe_code)]

mod adapter;
mod batch;
mod buffers;
mod channels;
mod completions;
mod connect;
mod control;
mod counter;
mod deliver;
mod dump;
mod ethtool;
mod features;
mod filter;
mod flow;
mod function;
mod link;
mod message;
mod module;
#[expect(unsafe_code, reason = "the network stack is C")]
mod net;
mod ops;
mod patience;
mod post;
mod probe;
mod queue;
mod receive;
mod reconfigure;
mod session;
mod shared;
#[expect(unsafe_code, reason = "these parts of the kernel are C")]
mod sys;
#[cfg(CONFIG_HYPERV_RUST_KUNIT_TEST)]
mod tests;
mod transmit;
mod wire;
mod xdp;

use kernel::prelude::*;
use module::NetworkModule;
use vmbus::{
    guid::guid,
    DeviceId, //
};

vmbus::vmbus_device_table!(
    DEVICES,
    <ops::Network as vmbus::Driver>::IdInfo,
    [(
        DeviceId::new(guid!("f8615163-df3e-46c5-913f-f2d2f965ed0e")),
        ()
    )]
);

module! {
    type: NetworkModule,
    name: "hv_netvsc_rust",
    authors: ["The Rust Hyper-V driver authors"],
    description: "Hyper-V virtual network driver, in Rust",
    license: "GPL",
}
