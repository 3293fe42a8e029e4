// SPDX-License-Identifier: GPL-2.0

//! Rings against a model, wrapping, and full.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;
use crate::vmbus::ring::Field;
use crate::vmbus::tamper::Ring;

/// A step of the model test.
#[derive(Clone, Debug)]
enum Step {
    HostSends(usize),
    HostFlushes,
    HostReceives,
    GuestSends(usize),
    GuestReceives,
    GuestMasks(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0usize..1500).prop_map(Step::HostSends),
        2 => Just(Step::HostFlushes),
        2 => Just(Step::HostReceives),
        3 => (0usize..1500).prop_map(Step::GuestSends),
        3 => Just(Step::GuestReceives),
        1 => any::<bool>().prop_map(Step::GuestMasks),
    ]
}

fn payload(number: u64, len: usize) -> Vec<u8> {
    (0..len as u64).map(|at| (at ^ number) as u8).collect()
}

/// What is under way in each direction.
#[derive(Default)]
struct Model {
    number: u64,
    to_guest: VecDeque<(u64, usize)>,
    to_host: VecDeque<(u64, usize)>,
}

impl Model {
    fn next(&mut self) -> u64 {
        self.number += 1;
        self.number
    }
}

fn check(expected: Option<(u64, usize)>, transaction: u64, got: &[u8]) {
    let (number, len) = expected.expect("nothing was sent");
    assert_eq!(transaction, number);
    assert_eq!(got.len(), len.next_multiple_of(8));
    assert_eq!(got[..len], payload(number, len));
}

fn run(model: &mut Model, guest: &FakeGuest, channel: &GuestChannel, host: &Channel, step: &Step) {
    match *step {
        Step::HostSends(len) => {
            let number = model.next();
            host.send(6, 0, number, &payload(number, len));
            model.to_guest.push_back((number, len));
        }
        Step::HostFlushes => host.flush(),
        Step::HostReceives => {
            if let Some(packet) = host.receive() {
                check(
                    model.to_host.pop_front(),
                    packet.transaction,
                    &packet.payload,
                );
            } else {
                assert!(model.to_host.is_empty());
            }
        }
        Step::GuestSends(len) => {
            let number = model.next();
            let packet = crate::vmbus::tamper::Outgoing {
                kind: 6,
                transaction: number,
                payload: payload(number, len),
                ..Default::default()
            };
            if channel.outgoing.write(&packet.encode()).is_some() {
                model.to_host.push_back((number, len));
            }
        }
        Step::GuestReceives => {
            if let Some(packet) = channel.receive(guest) {
                check(
                    model.to_guest.pop_front(),
                    packet.transaction,
                    &packet.payload,
                );
            }
        }
        Step::GuestMasks(mask) => channel.incoming.set(Field::InterruptMask, mask.into()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn rings_behave_like_queues(
        pages in 2u64..4,
        steps in prop::collection::vec(step(), 0..400),
    ) {
        // The device does not look, so that the test is the only one that takes packets.
        let (mut guest, device, offer) = guest_with_device(ServerConfig::default());
        guest.ring_pages = pages;
        let channel = guest.open(&offer).unwrap();
        let host = host_channel(&guest);
        let mut model = Model::default();
        for step in &steps {
            run(&mut model, &guest, &channel, &host, step);
            // A full ring makes the guest signal, and then the device takes what is there.
            while device.signalled.swap(0, std::sync::atomic::Ordering::SeqCst) > 0 {
                model.to_host.clear();
            }
        }
        channel.incoming.set(Field::InterruptMask, 0);
        host.flush();
        while let Some(packet) = channel.receive(&guest) {
            check(model.to_guest.pop_front(), packet.transaction, &packet.payload);
        }
        prop_assert!(model.to_guest.is_empty());
        prop_assert_eq!(host.peek(Ring::ToGuest, Field::PendingSend), Some(0));
        prop_assert_eq!(guest.server().violations(), []);
    }
}

#[test]
fn packets_wrap_at_every_offset() {
    let (mut guest, _, offer) = guest_with_device(ServerConfig::default());
    guest.ring_pages = 2;
    let channel = guest.open(&offer).unwrap();
    for transaction in 0..2000 {
        let len = (transaction as usize * 7) % 1000;
        assert!(channel.send(&guest, transaction, &payload(transaction, len)));
        let answer = channel.wait(&guest).unwrap();
        check(
            Some((transaction, len)),
            answer.transaction,
            &answer.payload,
        );
    }
    assert_clean(&guest);
}

#[test]
fn a_full_ring_waits_for_room() {
    let (mut guest, _, offer) = guest_with_device(ServerConfig::default());
    guest.ring_pages = 2;
    let channel = guest.open(&offer).unwrap();
    let host = host_channel(&guest);
    for transaction in 0..500 {
        host.send(6, 0, transaction, &payload(transaction, 100));
    }
    host.flush();
    assert_eq!(channel.incoming.get(Field::PendingSend), 16 + 104 + 8);
    let before = guest.server().stats().channel(offer.instance, 0);
    assert_eq!(before.signals_out, 1);
    for transaction in 0..500 {
        let packet = channel
            .receive(&guest)
            .expect("the host continues by itself");
        check(
            Some((transaction, 100)),
            packet.transaction,
            &packet.payload,
        );
    }
    assert!(channel.receive(&guest).is_none());
    assert_eq!(channel.incoming.get(Field::PendingSend), 0);
    let after = guest
        .server()
        .stats()
        .channel(offer.instance, 0)
        .since(&before);
    assert!(after.signals_in > 0 && after.signals_out <= after.signals_in);
    assert_clean(&guest);
}

#[test]
fn a_ring_is_never_filled_completely() {
    let (mut guest, _, offer) = guest_with_device(ServerConfig::default());
    guest.ring_pages = 2;
    let channel = guest.open(&offer).unwrap();
    let host = host_channel(&guest);
    host.send(6, 0, 1, &[1; 4096 - 24]);
    host.flush();
    assert!(
        host.is_broken(),
        "a packet as large as the ring can never be sent"
    );
    assert!(channel.receive(&guest).is_none());

    guest.close(&channel);
    let channel = guest.open(&offer).unwrap();
    let host = host_channel(&guest);
    host.send(6, 0, 1, &[1; 4096 - 32]);
    host.send(6, 0, 2, &[]);
    host.flush();
    assert_eq!(channel.incoming.get(Field::WriteIndex), 4096 - 8);
    assert_eq!(channel.receive(&guest).unwrap().transaction, 1);
    assert_eq!(channel.receive(&guest).unwrap().transaction, 2);
}

#[test]
fn the_guest_is_signalled_once_and_only_when_empty_and_unmasked() {
    let (mut guest, _, offer) = guest_with_device(ServerConfig::default());
    let channel = guest.open(&offer).unwrap();
    let host = host_channel(&guest);
    let sent = || {
        guest
            .server()
            .stats()
            .channel(offer.instance, 0)
            .signals_out
    };
    for transaction in 0..3 {
        host.send(6, 0, transaction, b"x");
    }
    assert_eq!(sent(), 0, "nothing is shown before the flush");
    assert!(channel.receive(&guest).is_none());
    host.flush();
    assert_eq!(sent(), 1);
    host.send(6, 0, 3, b"x");
    host.flush();
    assert_eq!(sent(), 1, "the ring was not empty");
    while channel.receive(&guest).is_some() {}
    channel.incoming.set(Field::InterruptMask, 1);
    host.send(6, 0, 4, b"x");
    host.flush();
    assert_eq!(sent(), 1, "the guest did not want a signal");
    while channel.receive(&guest).is_some() {}
    channel.incoming.set(Field::InterruptMask, 0);
    host.send(6, 0, 5, b"x");
    host.flush();
    assert_eq!(sent(), 2);
}

#[test]
fn the_guest_is_told_when_it_waits_for_room() {
    let (mut guest, _, offer) = guest_with_device(ServerConfig::default());
    guest.ring_pages = 2;
    let channel = guest.open(&offer).unwrap();
    let host = host_channel(&guest);
    let packet = crate::vmbus::tamper::Outgoing {
        kind: 6,
        ..Default::default()
    }
    .encode();
    while channel.outgoing.write(&packet).is_some() {}
    channel.outgoing.set(Field::PendingSend, 2000);
    let sent = || {
        guest
            .server()
            .stats()
            .channel(offer.instance, 0)
            .signals_out
    };
    while host.receive().is_some() {}
    assert_eq!(sent(), 1);
    assert_eq!(channel.outgoing.get(Field::InterruptMask), 0);
}

#[test]
fn the_guest_is_asked_to_keep_quiet_while_there_is_work() {
    let (mut guest, _, offer) = guest_with_device(ServerConfig::default());
    let channel = guest.open(&offer).unwrap();
    let host = host_channel(&guest);
    let packet = crate::vmbus::tamper::Outgoing {
        kind: 6,
        ..Default::default()
    }
    .encode();
    assert_eq!(channel.outgoing.write(&packet), Some(true));
    assert!(host.receive().is_some());
    assert_eq!(channel.outgoing.get(Field::InterruptMask), 1);
    assert_eq!(channel.outgoing.write(&packet), Some(false));
    assert!(host.receive().is_some());
    assert!(host.receive().is_none());
    assert_eq!(channel.outgoing.get(Field::InterruptMask), 0);
    assert_eq!(
        channel.outgoing.get(Field::ReadIndex),
        channel.outgoing.get(Field::WriteIndex)
    );
    assert_eq!(channel.outgoing.write(&packet), Some(true));
}

#[test]
fn a_guest_that_does_not_read_is_not_served() {
    let (mut guest, _, offer) = guest_with_device(ServerConfig::default());
    guest.ring_pages = 2;
    let channel = guest.open(&offer).unwrap();
    let mut accepted = 0u64;
    while channel.send(&guest, accepted, &[0; 8]) {
        channel.signal(&guest);
        accepted += 1;
        assert!(accepted < 5000, "the host takes packets without bound");
    }
    for transaction in 0..accepted {
        assert_eq!(channel.wait(&guest).unwrap().transaction, transaction);
    }
    ping(&guest, &channel, accepted);
    assert_clean(&guest);
}

#[test]
fn room_without_a_signal_is_noticed() {
    let (mut guest, _, offer) = guest_with_device(ServerConfig::default());
    guest.ring_pages = 2;
    let channel = guest.open(&offer).unwrap();
    let mut accepted = 0;
    while channel.send(&guest, accepted, &[0; 8]) {
        channel.signal(&guest);
        accepted += 1;
    }
    for transaction in 0..accepted {
        let packet = loop {
            if let Some((packet, _)) = channel.incoming.read() {
                break packet;
            }
            let signalled = guest.hypervisor().take_event(offer.relid as u16, SOON);
            assert!(signalled.is_some(), "answer {transaction} of {accepted}");
        };
        assert_eq!(packet.transaction, transaction);
        // As if the room had come just before the host announced that it waits for it.
        host_channel(&guest).flush();
    }
    assert_clean(&guest);
}

#[test]
fn both_sides_at_once() {
    use crate::vmbus::server::IoMode;

    for io in [IoMode::Inline, IoMode::Thread] {
        let (mut guest, _, offer) = guest_with_device(ServerConfig {
            io,
            ..ServerConfig::default()
        });
        guest.ring_pages = 2;
        let channel = guest.open(&offer).unwrap();
        let (guest, channel) = (&guest, &channel);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                for transaction in 0..20_000 {
                    while !channel.send(guest, transaction, &transaction.to_le_bytes()) {
                        std::thread::yield_now();
                    }
                }
            });
            for transaction in 0..20_000u64 {
                let answer = channel.wait(guest).expect("no wake-up gets lost");
                assert_eq!(answer.transaction, transaction);
                assert_eq!(answer.payload, transaction.to_le_bytes());
            }
        });
        assert_clean(guest);
    }
}
