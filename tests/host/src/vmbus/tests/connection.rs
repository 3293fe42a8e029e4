// SPDX-License-Identifier: GPL-2.0

//! Contact, unload and reset.

use super::*;
use crate::hv::{Guest as _, HvStatus};
use crate::vmbus::violation::Fault;
use crate::vmbus::wire::{self, Version, kind};

#[test]
fn every_version_is_negotiated() {
    for version in Version::ALL {
        let mut guest = FakeGuest::new(ServerConfig::up_to(version));
        guest.server().add_device(EchoDevice::new(1));
        assert_eq!(guest.negotiate(), Some(version));
        assert_eq!(guest.server().status().version, Some(version));
        let offers = guest.request_offers();
        let channel = guest.open(&offers[0]).unwrap();
        ping(&guest, &channel, 1);
        assert_clean(&guest);
    }
}

#[test]
fn an_old_host_has_no_new_connection_id() {
    let mut guest = FakeGuest::new(ServerConfig::up_to(Version::V4_1));
    assert_eq!(
        guest.connect(Version::V5_3),
        Err(HvStatus::InvalidConnectionId)
    );
    assert_eq!(guest.connect(Version::V4_1), Ok(true));
    assert_clean(&guest);
}

#[test]
fn versions_may_have_gaps() {
    let config = ServerConfig {
        versions: vec![Version::V4_0, Version::V5_2],
        ..ServerConfig::default()
    };
    let mut guest = FakeGuest::new(config);
    assert_eq!(guest.connect(Version::V6_0), Ok(false));
    assert_eq!(guest.negotiate(), Some(Version::V5_2));
    assert_clean(&guest);
}

#[test]
fn no_common_version() {
    let mut guest = FakeGuest::new(ServerConfig {
        versions: vec![],
        ..ServerConfig::default()
    });
    assert_eq!(guest.negotiate(), None);
    assert!(guest.server().status().version.is_none());
}

#[test]
fn reload_a_hundred_times() {
    let mut guest = FakeGuest::new(ServerConfig::default());
    let device = EchoDevice::new(1);
    guest.server().add_device(Arc::clone(&device) as _);
    guest.server().add_device(EchoDevice::new(2));
    for round in 0..100 {
        let offers = guest.connect_and_request_offers();
        assert_eq!(offers.len(), 2);
        let channel = guest.open(&offers[0]).unwrap();
        ping(&guest, &channel, round);
        if round % 2 == 0 {
            guest.close(&channel);
        }
        guest.unload();
        assert!(guest.server().status().channels.is_empty());
        assert_eq!(guest.server().status().gpadls, 0);
    }
    use std::sync::atomic::Ordering::SeqCst;
    assert_eq!(device.opened.load(SeqCst), 100);
    assert_eq!(device.closed.load(SeqCst), 100);
    assert_eq!(guest.server().status().unloads, 100);
    assert_clean(&guest);
}

#[test]
fn reset_forgets_the_guest() {
    let (mut guest, device, offer) = guest_with_device(ServerConfig::default());
    let channel = guest.open(&offer).unwrap();
    ping(&guest, &channel, 1);
    guest.server().on_reset();
    assert_eq!(device.closed.load(std::sync::atomic::Ordering::SeqCst), 1);
    assert!(guest.server().status().version.is_none());
    let offers = guest.connect_and_request_offers();
    let channel = guest.open(&offers[0]).unwrap();
    ping(&guest, &channel, 2);
    assert_clean(&guest);
}

#[test]
fn contact_without_unload_starts_over() {
    let (mut guest, device, offer) = guest_with_device(ServerConfig::default());
    guest.open(&offer).unwrap();
    let offers = guest.connect_and_request_offers();
    assert_eq!(device.closed.load(std::sync::atomic::Ordering::SeqCst), 1);
    assert_ne!(offers[0].relid, offer.relid);
    let channel = guest.open(&offers[0]).unwrap();
    ping(&guest, &channel, 1);
    let faults: Vec<_> = guest
        .server()
        .violations()
        .into_iter()
        .map(|it| it.fault)
        .collect();
    assert_eq!(faults, [Fault::ContactWhileConnected]);
}

#[test]
fn unload_is_always_answered() {
    let mut guest = FakeGuest::new(ServerConfig::default());
    guest.unload();
    assert_clean(&guest);
}

#[test]
fn messages_need_a_connection() {
    let guest = FakeGuest::new(ServerConfig::default());
    assert_eq!(
        guest.post(kind::REQUEST_OFFERS, &[0u8; 0]),
        HvStatus::Success
    );
    let faults: Vec<_> = guest
        .server()
        .violations()
        .into_iter()
        .map(|it| it.fault)
        .collect();
    assert_eq!(faults, [Fault::NotConnected(kind::REQUEST_OFFERS)]);
}

#[test]
fn the_agreed_connection_id_is_checked() {
    let mut guest = FakeGuest::new(ServerConfig::default());
    guest.connect(Version::V5_3).unwrap();
    let status = guest.post_on(0x77, kind::REQUEST_OFFERS, &[0u8; 0]);
    assert_eq!(status, HvStatus::InvalidConnectionId);
    let status = guest.post_on(wire::CONNECTION_CONTACT, kind::REQUEST_OFFERS, &[0u8; 0]);
    assert_eq!(status, HvStatus::Success);
    let faults: Vec<_> = guest
        .server()
        .violations()
        .into_iter()
        .map(|it| it.fault)
        .collect();
    assert_eq!(
        faults,
        [
            Fault::Connection(0x77),
            Fault::Connection(wire::CONNECTION_CONTACT)
        ]
    );
}

#[test]
fn waiting_for_a_state() {
    let mut guest = FakeGuest::new(ServerConfig::default());
    let server = Arc::clone(guest.server());
    assert!(!server.wait_for(|status| status.version.is_some(), BRIEFLY));
    let waiter = std::thread::spawn(move || server.wait_for(|it| it.version.is_some(), SOON));
    guest.negotiate();
    assert!(waiter.join().unwrap());
}
