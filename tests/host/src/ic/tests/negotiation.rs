// SPDX-License-Identifier: GPL-2.0

//! Versions offered and chosen.

use super::guest::{BODY, ServiceGuest, half, kind};
use super::{NEVER, SOON};
use crate::ic::link::Versions;
use crate::ic::wire::Version;
use crate::ic::{Error, Services, Shutdown};
use crate::vmbus::device::Device as _;

#[test]
fn offers_are_pipes() {
    let services = Services::new();
    let mut classes = Vec::new();
    for device in services.devices() {
        let offer = device.offer();
        assert_eq!((offer.flags, offer.monitored), (0x11, false));
        assert_eq!(offer.user_defined[..5], [4, 0, 0, 0, 0]);
        classes.push(offer.class);
    }
    // As modaliases have them.
    assert_eq!(classes[0][..4], [0x31, 0x60, 0x0b, 0x0e]);
    assert_eq!(classes[4][..6], [0x29, 0x2e, 0xfa, 0x35, 0x23, 0xea]);
    classes.sort();
    classes.dedup();
    assert_eq!(classes.len(), 5);
}

#[test]
fn versions_on_the_wire() {
    let shutdown = Shutdown::default();
    let guest = ServiceGuest::open(shutdown.link());
    let packet = guest.receive();
    assert_eq!((packet.kind, packet.flags), (6, 0));
    assert_eq!(packet.payload[..8], [1, 0, 0, 0, 52, 0, 0, 0]);
    assert_eq!(kind(&packet.payload), 0);
    assert_eq!(packet.payload[25], 3, "a request in a transaction");
    let numbers: Vec<u16> = (0..16)
        .map(|n| half(&packet.payload, BODY + 2 * n))
        .collect();
    assert_eq!(numbers, [2, 4, 0, 0, 1, 0, 3, 0, 1, 0, 3, 0, 3, 1, 3, 2]);
    assert_eq!(shutdown.link().wait_ready(NEVER), Err(Error::Timeout));
    assert_eq!(
        shutdown.link().begin(&[], NEVER),
        Err(Error::Closed),
        "not before versions are chosen"
    );
    guest.choose(&packet, [1, 1], [[3, 0], [3, 1]]);
    let agreed = shutdown.link().wait_ready(SOON).unwrap();
    assert_eq!(agreed.framework, Version::new(3, 0));
    assert_eq!(agreed.message, Version::new(3, 1));
    assert!(shutdown.link().violations().is_empty());
}

#[test]
fn nothing_in_common() {
    let shutdown = Shutdown::default();
    let versions = Versions::with_messages(&[Version::new(9, 0)]);
    shutdown.link().set_versions(versions);
    let guest = ServiceGuest::open(shutdown.link());
    let packet = guest.receive();
    assert_eq!(half(&packet.payload, BODY + 2), 1);
    guest.choose(&packet, [0, 0], [[3, 0], [0, 0]]);
    assert_eq!(shutdown.link().wait_ready(SOON), Err(Error::Refused));
    assert!(shutdown.link().violations().is_empty());
}

#[test]
fn choices_that_were_not_offered() {
    for (counts, versions, violation) in [
        ([1, 1], [[3, 0], [7, 7]], "framework 3.0, messages 7.7"),
        ([1, 1], [[2, 0], [3, 0]], "framework 2.0, messages 3.0"),
        ([1, 0], [[3, 0], [3, 0]], "1 framework and 0 message"),
    ] {
        let shutdown = Shutdown::default();
        let guest = ServiceGuest::open(shutdown.link());
        guest.choose(&guest.receive(), counts, versions);
        assert_eq!(shutdown.link().wait_ready(SOON), Err(Error::Refused));
        let violations = shutdown.link().violations();
        assert!(violations[0].contains(violation), "{violations:?}");
    }
}

#[test]
fn every_open_negotiates() {
    let shutdown = Shutdown::default();
    let mut guest = ServiceGuest::ready(shutdown.link());
    guest.guest.close(&guest.channel);
    assert_eq!(shutdown.link().agreed(), None);
    assert_eq!(shutdown.link().begin(&[], NEVER), Err(Error::Closed));
    guest.guest.unload();
    let offers = guest.guest.connect_and_request_offers();
    guest.channel = guest.guest.open(&offers[0]).expect("the service opens");
    assert_eq!(kind(&guest.receive().payload), 0);
    assert_eq!(shutdown.link().opens(), 2);
}
