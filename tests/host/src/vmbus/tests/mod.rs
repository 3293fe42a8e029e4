// SPDX-License-Identifier: GPL-2.0

//! Tests of the server against a guest in memory.

mod channels;
mod connection;
mod faults;
mod gpadls;
mod hostile;
mod monitor;
mod rescind;
mod rings;

use std::sync::Arc;
use std::time::Duration;

use super::channel::Channel;
use super::server::ServerConfig;
use super::testing::{EchoDevice, FakeGuest, GuestChannel, OfferSeen};

/// How long to wait for something that should happen at once.
const SOON: Duration = Duration::from_secs(5);
/// How long to look for something that should not happen.
const BRIEFLY: Duration = Duration::from_millis(20);

/// A connected guest with one echo device.
fn guest_with_device(config: ServerConfig) -> (FakeGuest, Arc<EchoDevice>, OfferSeen) {
    let mut guest = FakeGuest::new(config);
    let device = EchoDevice::new(1);
    assert!(guest.server().add_device(Arc::clone(&device) as _));
    let offers = guest.connect_and_request_offers();
    assert_eq!(offers.len(), 1);
    (guest, device, offers[0])
}

/// The host's end of the primary channel of device 1.
fn host_channel(guest: &FakeGuest) -> Arc<Channel> {
    guest
        .server()
        .channel(EchoDevice::instance(1), 0)
        .expect("the channel is open")
}

/// Sends a packet and checks that it comes back.
fn ping(guest: &FakeGuest, channel: &GuestChannel, transaction: u64) {
    let payload = transaction.to_le_bytes();
    assert!(channel.send(guest, transaction, &payload));
    let answer = channel.wait(guest).expect("an answer");
    assert_eq!((answer.kind, answer.transaction), (0xb, transaction));
    assert_eq!(answer.payload, payload);
}

fn assert_clean(guest: &FakeGuest) {
    assert_eq!(guest.server().violations(), []);
}
