// SPDX-License-Identifier: GPL-2.0

//! Guests that lie.

use proptest::prelude::*;

use super::*;
use crate::hv::Guest as _;
use crate::vmbus::ring::{Field, RingError};
use crate::vmbus::violation::Fault;
use crate::vmbus::wire;

/// Runs `attack` on an open channel, signals, and returns what the host complained about.
fn faults(attack: impl FnOnce(&FakeGuest, &GuestChannel)) -> Vec<Fault> {
    let (mut guest, _, offer) = guest_with_device(ServerConfig::default());
    let channel = guest.open(&offer).unwrap();
    attack(&guest, &channel);
    channel.signal(&guest);
    channel.signal(&guest);
    let faults = guest
        .server()
        .violations()
        .into_iter()
        .map(|it| it.fault)
        .collect();
    guest.close(&channel);
    faults
}

#[test]
fn indices() {
    for value in [1, 3 * 4096, 3 * 4096 + 8, 0x8000_0000, u32::MAX] {
        for field in [Field::WriteIndex, Field::ReadIndex] {
            let write = faults(|_, channel| channel.outgoing.set(field, value));
            let read = faults(|guest, channel| {
                channel.incoming.set(field, value);
                channel.send(guest, 1, b"x");
            });
            let size = 3 * 4096;
            let wrong = [Fault::Ring(RingError::Index { field, value, size })];
            // The host keeps its own copies of the indices that it owns.
            assert_eq!(write == wrong, field == Field::WriteIndex);
            assert_eq!(read == wrong, field == Field::ReadIndex);
        }
    }
}

fn raw_packet(kind: u16, offset8: u16, len8: u16, rest: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for field in [kind, offset8, len8, 1] {
        bytes.extend_from_slice(&field.to_le_bytes());
    }
    bytes.extend_from_slice(&[0; 8]);
    bytes.extend_from_slice(rest);
    bytes
}

#[test]
fn descriptors() {
    for (offset8, len8) in [
        (0, 0),
        (1, 4),
        (2, 1),
        (5, 4),
        (2, 5),
        (2, 0xffff),
        (0xffff, 0xffff),
    ] {
        let packet = raw_packet(6, offset8, len8, &[0; 16]);
        let faults = faults(|_, channel| {
            channel.outgoing.write(&packet);
        });
        assert!(
            matches!(faults[..], [Fault::Ring(RingError::Packet { .. })]),
            "{faults:?}"
        );
    }
}

#[test]
fn less_than_a_packet() {
    for bytes in [8, 16] {
        let faults = faults(|_, channel| channel.outgoing.set(Field::WriteIndex, bytes));
        assert!(
            matches!(faults[..], [Fault::Ring(RingError::Packet { .. })]),
            "{faults:?}"
        );
    }
}

#[test]
fn buffer_lists() {
    let list = |count: u32, len: u32, offset: u32| {
        [0, count, len, offset, 0, 0]
            .iter()
            .flat_map(|it| it.to_le_bytes())
            .collect::<Vec<_>>()
    };
    for rest in [
        list(1, 4097, 0),
        list(1, 4096, 1),
        list(2, 1, 0),
        list(u32::MAX, 0, 0),
    ] {
        let faults = faults(|_, channel| {
            channel.outgoing.write(&raw_packet(9, 5, 5, &rest));
        });
        assert_eq!(faults, [Fault::Ring(RingError::Ranges)]);
    }
    let short = faults(|_, channel| {
        channel.outgoing.write(&raw_packet(9, 2, 3, &[0; 8]));
    });
    assert_eq!(short, [Fault::Ring(RingError::Ranges)]);
}

#[test]
fn trailers() {
    let faults = faults(|guest, channel| {
        channel.outgoing.write(&raw_packet(6, 2, 2, &[]));
        channel.outgoing.set_word(16, [0xff; 8]);
        channel.signal(guest);
    });
    assert_eq!(faults, [Fault::Trailer]);
}

#[test]
fn a_broken_channel_recovers_by_reopening() {
    let (mut guest, _, offer) = guest_with_device(ServerConfig::default());
    let channel = guest.open(&offer).unwrap();
    channel.outgoing.set(Field::WriteIndex, 1);
    channel.signal(&guest);
    assert!(host_channel(&guest).is_broken());
    guest.close(&channel);
    let channel = guest.open(&offer).unwrap();
    ping(&guest, &channel, 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn messages(
        messages in prop::collection::vec(
            (0u32..26, prop::collection::vec(any::<u8>(), 0..232), 0u32..4, any::<bool>()),
            1..40,
        ),
    ) {
        let (guest, _, offer) = guest_with_device(ServerConfig::default());
        for (kind, mut body, relid, plausible) in messages {
            if plausible && body.len() >= 4 {
                body[..4].copy_from_slice(&(offer.relid + relid).to_le_bytes());
            }
            let connection = [1, 4, 0x1004, 0x1004][relid as usize];
            guest.server().on_post_message(1, connection, 1, &wire::message(kind, &body[..]));
        }
        guest.server().on_post_message(0, 1, 1, &[]);
        guest.server().on_post_message(0, 1, 2, &[0; 8]);
        guest.server().on_post_message(0, 1, 1, &[0; 300]);
    }

    #[test]
    fn rings(
        words in prop::collection::vec(any::<u64>(), 1..64),
        write in (0u32..1536).prop_map(|word| word * 8),
    ) {
        faults(|_, channel| {
            for (number, word) in words.iter().enumerate() {
                // Small lengths make plausible packets.
                let word = if number % 3 == 0 { word & 0x0003_000f_0007_000f } else { *word };
                channel.outgoing.set_word(8 * number as u32, word.to_le_bytes());
            }
            channel.outgoing.set(Field::WriteIndex, write);
        });
    }
}
