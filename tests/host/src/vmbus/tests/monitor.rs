// SPDX-License-Identifier: GPL-2.0

//! Monitored notification and polled rings.

use std::sync::atomic::Ordering::SeqCst;

use vm_memory::{Bytes as _, GuestAddress};

use super::*;
use crate::vmbus::ring::Field;

fn config() -> ServerConfig {
    ServerConfig {
        monitor: Some(Duration::from_millis(1)),
        ..ServerConfig::default()
    }
}

#[test]
fn triggers_replace_hypercalls() {
    let mut guest = FakeGuest::new(config());
    let device = EchoDevice::monitored(1);
    guest.server().add_device(Arc::clone(&device) as _);
    guest.server().add_device(EchoDevice::new(2));
    let offers = guest.connect_and_request_offers();
    assert_eq!(offers[0].message.monitor_allocated, 1);
    assert_eq!(offers[1].message.monitor_allocated, 0);
    let channel = guest.open(&offers[0]).unwrap();
    for transaction in 0..10 {
        ping(&guest, &channel, transaction);
    }
    guest.close(&channel);
    assert_eq!(device.signalled.load(SeqCst), 10);
    let counters = guest.server().stats().channel(offers[0].instance, 0);
    assert_eq!((counters.signals_in, counters.monitor_signals_in), (0, 10));
    assert_clean(&guest);
}

#[test]
fn the_page_is_described() {
    let mut guest = FakeGuest::new(config());
    for number in 0..40 {
        guest.server().add_device(EchoDevice::monitored(number));
    }
    let offers = guest.connect_and_request_offers();
    let ids: Vec<_> = offers
        .iter()
        .map(|offer| u64::from(offer.message.monitor_id))
        .collect();
    assert_eq!(ids, (0..40).collect::<Vec<_>>());
    let page = 2 * 4096;
    let read = |at| {
        guest
            .memory()
            .read_obj::<u32>(GuestAddress(page + at))
            .unwrap()
    };
    assert_eq!(read(0), 0b11);
    for (id, offer) in ids.iter().zip(&offers) {
        let latency: u16 = guest
            .memory()
            .read_obj(GuestAddress(page + 0x240 + 2 * id))
            .unwrap();
        assert_eq!(latency, 10_000);
        assert_eq!(read(0x440 + 8 * id), offer.message.connection.get());
    }
}

#[test]
fn monitor_bits_are_freed() {
    let mut guest = FakeGuest::new(config());
    let device = EchoDevice::monitored(1);
    guest.server().add_device(Arc::clone(&device) as _);
    let mut offer = guest.connect_and_request_offers()[0];
    for _ in 0..200 {
        assert_eq!(offer.message.monitor_allocated, 1);
        guest.server().remove_device(offer.instance);
        guest.release(offer.relid);
        guest.server().add_device(Arc::clone(&device) as _);
        offer = guest.next_offer().unwrap();
    }
}

#[test]
fn rings_without_flow_control_are_polled() {
    let (mut guest, _, offer) = guest_with_device(ServerConfig::default());
    guest.ring_pages = 2;
    let channel = guest.open(&offer).unwrap();
    channel.outgoing.set(Field::Features, 0);
    // Any change of the offers makes the server look again whom to poll.
    guest.server().remove_device(EchoDevice::instance(9));
    for transaction in 0..100 {
        host_channel(&guest).send(6, 0, transaction, &[1; 100]);
    }
    host_channel(&guest).flush();
    for transaction in 0..100 {
        let packet = loop {
            if let Some((packet, _)) = channel.incoming.read() {
                break packet;
            }
            assert!(
                guest
                    .hypervisor()
                    .take_event(offer.relid as u16, SOON)
                    .is_some()
            );
        };
        assert_eq!(packet.transaction, transaction);
    }
}
