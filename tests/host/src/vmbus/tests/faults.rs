// SPDX-License-Identifier: GPL-2.0

//! The hooks by which tests make the host misbehave.

use super::*;
use crate::vmbus::ring::Field;
use crate::vmbus::tamper::{Outgoing, Ring};
use crate::vmbus::trace::Direction;
use crate::vmbus::wire::{self, kind};

fn transactions(guest: &FakeGuest, channel: &GuestChannel) -> Vec<u64> {
    std::iter::from_fn(|| channel.receive(guest))
        .map(|packet| packet.transaction)
        .collect()
}

#[test]
fn packets_are_dropped_doubled_altered_and_reordered() {
    let (mut guest, _, offer) = guest_with_device(ServerConfig::default());
    let channel = guest.open(&offer).unwrap();
    let mut kept = None;
    let tamper = move |packet: Outgoing| match packet.transaction {
        1 => vec![],
        2 => vec![packet.clone(), packet],
        3 => vec![Outgoing {
            transaction: 33,
            ..packet
        }],
        4 => {
            kept = Some(packet);
            vec![]
        }
        _ => [packet].into_iter().chain(kept.take()).collect(),
    };
    assert!(
        guest
            .server()
            .set_tamper(offer.instance, Some(Box::new(tamper)))
    );
    for transaction in 1..=5 {
        channel.send(&guest, transaction, b"x");
    }
    assert_eq!(transactions(&guest, &channel), [2, 2, 33, 5, 4]);
    assert!(guest.server().set_tamper(offer.instance, None));
    ping(&guest, &channel, 6);
}

#[test]
fn descriptors_are_forged() {
    let packet = Outgoing {
        payload: vec![0; 16],
        ..Outgoing::default()
    };
    assert_eq!(packet.encode()[2..6], [2, 0, 4, 0]);
    let forged = Outgoing {
        forged_len8: Some(0xffff),
        forged_offset8: Some(9),
        ..packet
    };
    assert_eq!(forged.encode()[2..6], [9, 0, 0xff, 0xff]);
    assert_eq!(forged.encode().len(), 32);
}

#[test]
fn packets_come_out_of_the_blue() {
    let (mut guest, _, offer) = guest_with_device(ServerConfig::default());
    assert!(!guest.server().inject(offer.instance, &[0; 16]));
    let channel = guest.open(&offer).unwrap();
    let packet = Outgoing {
        kind: 6,
        transaction: 99,
        ..Outgoing::default()
    };
    assert!(guest.server().inject(offer.instance, &packet.encode()));
    assert_eq!(channel.wait(&guest).unwrap().transaction, 99);
}

#[test]
fn indices_are_corrupted() {
    let (mut guest, _, offer) = guest_with_device(ServerConfig::default());
    let channel = guest.open(&offer).unwrap();
    let server = guest.server();
    assert!(server.poke_ring(offer.instance, 0, Ring::ToGuest, Field::WriteIndex, 0xdead));
    assert!(server.poke_ring(offer.instance, 0, Ring::FromGuest, Field::ReadIndex, 0xbeef));
    assert_eq!(channel.incoming.get(Field::WriteIndex), 0xdead);
    assert_eq!(channel.outgoing.get(Field::ReadIndex), 0xbeef);
    assert!(!server.poke_ring(offer.instance, 1, Ring::ToGuest, Field::WriteIndex, 0));
    let seen = host_channel(&guest).peek(Ring::ToGuest, Field::WriteIndex);
    assert_eq!(seen, Some(0xdead));
}

#[test]
fn messages_are_tampered_with() {
    let mut guest = FakeGuest::new(ServerConfig::default());
    guest.server().add_device(EchoDevice::new(1));
    guest.server().add_device(EchoDevice::new(2));
    guest.negotiate().unwrap();
    guest
        .server()
        .set_message_tamper(Some(Box::new(|message| match message.relid() {
            Some(1) => vec![],
            Some(2) => vec![message.clone(), message],
            _ => vec![message],
        })));
    let relids: Vec<_> = guest
        .request_offers()
        .iter()
        .map(|offer| offer.relid)
        .collect();
    assert_eq!(relids, [2, 2]);
    guest.server().set_message_tamper(None);
}

#[test]
fn messages_and_signals_come_out_of_the_blue() {
    let (mut guest, _, _) = guest_with_device(ServerConfig::default());
    let bytes = wire::message(kind::RESCIND_OFFER, &wire::Relid { relid: 2000.into() });
    guest
        .server()
        .inject_message(wire::OutMessage { vp: 1, bytes });
    assert!(guest.wait_rescind(2000));
    assert!(guest.server().inject_signal(1, 55));
    assert_eq!(guest.hypervisor().take_event(55, BRIEFLY), Some(1));
}

#[test]
fn the_trace_has_every_message() {
    let (mut guest, _, offer) = guest_with_device(ServerConfig::default());
    let channel = guest.open(&offer).unwrap();
    guest.close(&channel);
    let seen: Vec<_> = guest
        .server()
        .trace()
        .entries()
        .iter()
        .map(|entry| (entry.direction, entry.kind, entry.relid))
        .collect();
    let relid = Some(offer.relid);
    assert_eq!(
        seen,
        [
            (Direction::In, kind::INITIATE_CONTACT, None),
            (Direction::Out, kind::VERSION_RESPONSE, None),
            (Direction::In, kind::REQUEST_OFFERS, None),
            (Direction::Out, kind::OFFER_CHANNEL, relid),
            (Direction::Out, kind::ALL_OFFERS_DELIVERED, None),
            (Direction::In, kind::GPADL_HEADER, relid),
            (Direction::Out, kind::GPADL_CREATED, relid),
            (Direction::In, kind::OPEN_CHANNEL, relid),
            (Direction::Out, kind::OPEN_RESULT, relid),
            (Direction::In, kind::CLOSE_CHANNEL, relid),
            (Direction::In, kind::GPADL_TEARDOWN, relid),
            (Direction::Out, kind::GPADL_TORNDOWN, None),
        ]
    );
    let text = guest.server().trace().to_string();
    assert!(text.contains("vp0 -> OPEN_CHANNEL relid 1"), "{text}");
    let total = guest.server().stats().total;
    assert_eq!((total.messages_in, total.messages_out), (6, 6));
}
