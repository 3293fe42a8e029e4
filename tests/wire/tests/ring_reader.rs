// SPDX-License-Identifier: GPL-2.0

//! The guest's reading end against a model host, well-behaved and not.

use proptest::prelude::*;
use std::{collections::VecDeque, sync::Arc};
use wire_tests::{
    host::{HostPacket, HostWriter},
    memory::Memory,
    ring::{
        reader::{Fault, Reader},
        shared::{Signal, Word},
    },
    wire::packet::{Kind, TransferPages},
};

const SIZE: usize = 4096;
const MAX_PACKET: usize = 1024;

type Guest = Reader<Arc<Memory>, Vec<u8>>;

fn ring() -> (Guest, HostWriter, Arc<Memory>) {
    let memory = Arc::new(Memory::new(SIZE));
    let buffer = vec![0; MAX_PACKET - 16];
    (
        Reader::new(memory.clone(), buffer),
        HostWriter::new(memory.clone()),
        memory,
    )
}

/// The next packet in the form that the host sent it in.
fn next(guest: &mut Guest) -> Result<Option<HostPacket>, Fault> {
    let Some(found) = guest.advance()? else {
        return Ok(None);
    };
    let packet = guest.packet(found);
    Ok(Some(HostPacket {
        kind: packet.kind.0,
        flags: packet.flags,
        transaction: packet.transaction,
        header: packet.header.to_vec(),
        payload: packet.payload.to_vec(),
    }))
}

fn inband(transaction: u64, len: usize) -> HostPacket {
    let payload = vec![transaction as u8; len];
    HostPacket {
        kind: Kind::INBAND.0,
        transaction,
        payload,
        ..Default::default()
    }
}

/// A packet of `units` units with a chosen payload offset, and its trailer.
fn raw(offset8: u16, len8: u16, units: usize) -> Vec<u8> {
    let mut bytes = vec![0x77; units * 8 + 8];
    bytes[2..4].copy_from_slice(&offset8.to_le_bytes());
    bytes[4..6].copy_from_slice(&len8.to_le_bytes());
    bytes
}

#[test]
fn packets_in_order() {
    let (mut guest, mut host, memory) = ring();
    assert_eq!(next(&mut guest), Ok(None));
    assert_eq!(host.send(&inband(1, 8)), Some(true));
    assert_eq!(host.send(&inband(2, 0)), Some(false));
    assert!(!guest.owes_room());
    assert_eq!(next(&mut guest), Ok(Some(inband(1, 8))));
    assert!(guest.owes_room());
    assert_eq!(next(&mut guest), Ok(Some(inband(2, 0))));
    assert_eq!(next(&mut guest), Ok(None));
    assert_eq!(memory.peek(Word::ReadIndex), 0, "not yet given back");
    assert_eq!(guest.finish(), Signal::NotNeeded);
    assert!(!guest.owes_room());
    assert_eq!(memory.peek(Word::ReadIndex), host.write);
}

#[test]
fn ranges_of_shared_memory() {
    let (mut guest, mut host, _) = ring();
    let mut header = vec![0xfe, 0xca, 1, 0, 2, 0, 0, 0];
    for word in [100, 0, 200, 4096u32] {
        header.extend(word.to_le_bytes());
    }
    let packet = HostPacket {
        kind: 7,
        transaction: 3,
        header,
        payload: vec![6; 40],
        flags: 1,
    };
    let _ = host.send(&packet);
    let found = guest.advance().unwrap().unwrap();
    let packet = guest.packet(found);
    let (header, ranges) = TransferPages::parse(packet.header).unwrap();
    assert_eq!((header.set.get(), header.sender_owns_set), (0xcafe, 1));
    let ranges: Vec<_> = ranges
        .iter()
        .map(|range| (range.len.get(), range.offset.get()))
        .collect();
    assert_eq!(ranges, [(100, 0), (200, 4096)]);
    assert_eq!(packet.payload, [6; 40]);
    assert!(
        TransferPages::parse(&packet.header[..23]).is_none(),
        "one range is cut"
    );
}

#[test]
fn signals_for_a_host_that_waits() {
    let (mut guest, mut host, _) = ring();
    for transaction in 0..15 {
        assert!(host.send(&inband(transaction, 232)).is_some());
    }
    assert_eq!(host.send(&inband(15, 232)), None);
    assert!(!host.wait_for(512));
    let mut take = |count| {
        for _ in 0..count {
            assert!(next(&mut guest).unwrap().is_some());
        }
        guest.finish()
    };
    assert_eq!(take(1), Signal::NotNeeded, "exactly enough is not enough");
    assert_eq!(take(1), Signal::Needed);
    assert_eq!(take(1), Signal::NotNeeded, "the host knows");
    assert!(host.wait_for(0));
    assert_eq!(take(5), Signal::NotNeeded);
    assert_eq!(guest.counters().signals, 1);
}

#[test]
fn a_host_that_does_not_wait_is_not_signalled() {
    let (mut guest, mut host, memory) = ring();
    memory.poke(Word::Features, 0);
    for transaction in 0..15 {
        assert!(host.send(&inband(transaction, 232)).is_some());
    }
    assert!(!host.wait_for(1000));
    while next(&mut guest).unwrap().is_some() {}
    assert_eq!(guest.finish(), Signal::NotNeeded);
}

#[test]
fn the_mask() {
    let (mut guest, mut host, _) = ring();
    guest.mask();
    assert_eq!(host.send(&inband(1, 8)), Some(false));
    assert!(guest.unmask_and_check());
    guest.mask();
    assert!(next(&mut guest).unwrap().is_some());
    let _ = guest.finish();
    assert!(!guest.unmask_and_check());
    assert_eq!(host.send(&inband(2, 8)), Some(true));
}

#[test]
fn impossible_lengths() {
    for (len8, units) in [(0, 2), (1, 2), (100, 2), (u16::MAX, 2)] {
        let (mut guest, mut host, _) = ring();
        host.put(&raw(2, len8, units));
        host.put(&inband(1, 8).encode(host.write));
        assert!(
            matches!(next(&mut guest), Err(Fault::Length { .. })),
            "{len8}"
        );
        // What came with it is lost, what comes later is not.
        assert_eq!(next(&mut guest), Ok(None), "{len8}");
        let _ = guest.finish();
        assert_eq!(host.send(&inband(2, 8)), Some(true));
        assert_eq!(next(&mut guest), Ok(Some(inband(2, 8))));
        assert_eq!(guest.counters().faults, 1);
    }
}

#[test]
fn less_than_a_packet() {
    let (mut guest, mut host, _) = ring();
    host.put(&[0; 16]);
    assert_eq!(
        next(&mut guest),
        Err(Fault::Length {
            len: 0,
            available: 16
        })
    );
    // A descriptor without a trailer, whatever it says.
    host.put(&raw(2, 2, 1));
    assert_eq!(
        next(&mut guest),
        Err(Fault::Length {
            len: 0,
            available: 16
        })
    );
    // A packet without a trailer.
    host.put(&raw(2, 4, 3));
    assert_eq!(
        next(&mut guest),
        Err(Fault::Length {
            len: 32,
            available: 32
        })
    );
    let _ = host.send(&inband(2, 8));
    assert_eq!(next(&mut guest), Ok(Some(inband(2, 8))));
}

#[test]
fn impossible_offsets() {
    for offset8 in [0, 1, 5, u16::MAX] {
        let (mut guest, mut host, _) = ring();
        host.put(&raw(offset8, 4, 4));
        let _ = host.send(&inband(1, 8));
        assert_eq!(next(&mut guest), Err(Fault::Offset(offset8 as usize * 8)));
        assert_eq!(next(&mut guest), Ok(Some(inband(1, 8))));
    }
}

#[test]
fn longer_than_agreed() {
    let (mut guest, mut host, _) = ring();
    let _ = host.send(&inband(1, MAX_PACKET - 16));
    let _ = host.send(&inband(2, MAX_PACKET - 8));
    let _ = host.send(&inband(3, 8));
    assert_eq!(next(&mut guest), Ok(Some(inband(1, MAX_PACKET - 16))));
    assert_eq!(next(&mut guest), Err(Fault::TooLong(MAX_PACKET + 8)));
    assert_eq!(next(&mut guest), Ok(Some(inband(3, 8))));
}

#[test]
fn impossible_indices() {
    let (mut guest, mut host, memory) = ring();
    for index in [SIZE as u32, u32::MAX, 4, 17] {
        memory.poke(Word::WriteIndex, index);
        assert_eq!(next(&mut guest), Err(Fault::Index(index)));
        assert!(!guest.unmask_and_check(), "no endless loop");
        assert_eq!(guest.finish(), Signal::NotNeeded);
    }
    // A host that comes to its senses is served again.
    assert!(host.send(&inband(1, 8)).is_some());
    assert_eq!(next(&mut guest), Ok(Some(inband(1, 8))));
    memory.poke(Word::PendingSend, 8);
    memory.poke(Word::WriteIndex, u32::MAX);
    assert_eq!(guest.finish(), Signal::NotNeeded);
    // The guest does not believe the copy of its own index.
    memory.poke(Word::WriteIndex, host.write);
    memory.poke(Word::ReadIndex, 0xdead_beef);
    assert_eq!(next(&mut guest), Ok(None));
}

#[derive(Clone, Debug)]
enum Step {
    Send(HostPacket),
    Take(usize),
    Wait(u32),
    Mask,
    Unmask,
}

fn step() -> impl Strategy<Value = Step> {
    let bytes = |max: usize| proptest::collection::vec(any::<u8>(), 0..max);
    let packet = (any::<[u16; 2]>(), any::<u64>(), 0usize..8, bytes(700)).prop_map(
        |([kind, flags], transaction, units, payload)| HostPacket {
            kind,
            flags,
            transaction,
            header: vec![0x5a; units * 8],
            payload,
        },
    );
    prop_oneof![
        6 => packet.prop_map(Step::Send),
        2 => (0usize..6).prop_map(Step::Take),
        1 => prop_oneof![Just(0), 1u32..5000].prop_map(Step::Wait),
        1 => Just(Step::Mask),
        1 => Just(Step::Unmask),
    ]
}

/// An index that a host could publish: more often than not one that it may.
fn index() -> impl Strategy<Value = u32> {
    prop_oneof![3 => (0u32..512).prop_map(|units| units * 8), 1 => any::<u32>()]
}

proptest! {
    #[test]
    fn any_sequence(steps in proptest::collection::vec(step(), 1..200)) {
        let (mut guest, mut host, _) = ring();
        let mut model = VecDeque::new();
        let (mut used, mut masked, mut pending) = (0, false, 0);
        for step in steps {
            match step {
                Step::Send(packet) => {
                    let len = packet.encode(0).len();
                    let sent = host.send(&packet);
                    prop_assert_eq!(sent.is_some(), SIZE - used > len);
                    if let Some(interrupt) = sent {
                        prop_assert_eq!(interrupt, !masked && used == 0);
                        used += len;
                        model.push_back(packet.padded());
                    }
                }
                Step::Take(count) => {
                    let before = SIZE - used;
                    for _ in 0..count {
                        let packet = next(&mut guest).unwrap();
                        prop_assert_eq!(&packet, &model.pop_front());
                        used -= packet.map_or(0, |packet| packet.encode(0).len());
                    }
                    let after = SIZE - used;
                    let needed = pending != 0 && before <= pending && after > pending;
                    prop_assert_eq!(guest.finish(), Signal::when(needed));
                }
                Step::Wait(bytes) => {
                    pending = bytes as usize;
                    prop_assert_eq!(host.wait_for(bytes), SIZE - used > pending);
                }
                Step::Mask => {
                    guest.mask();
                    masked = true;
                }
                Step::Unmask => {
                    prop_assert_eq!(guest.unmask_and_check(), !model.is_empty());
                    masked = false;
                }
            }
        }
        prop_assert_eq!(guest.counters().faults, 0);
    }

    #[test]
    fn any_memory(
        data in proptest::collection::vec(any::<u8>(), SIZE),
        indices in proptest::collection::vec(index(), 1..50),
        words: [u32; 3],
    ) {
        let (mut guest, _, memory) = ring();
        memory.write(0, &data);
        memory.poke(Word::PendingSend, words[0]);
        memory.poke(Word::Features, words[1]);
        memory.poke(Word::ReadIndex, words[2]);
        for index in indices {
            memory.poke(Word::WriteIndex, index);
            // Every step but a bad index makes progress, so this ends.
            let mut steps = 0;
            loop {
                match next(&mut guest) {
                    Ok(None) | Err(Fault::Index(_)) => break,
                    Ok(Some(packet)) => {
                        prop_assert!(packet.payload.len() <= MAX_PACKET - 16);
                    }
                    Err(_) => {}
                }
                steps += 1;
                prop_assert!(steps <= SIZE / 24);
            }
            let _ = guest.finish();
            let _ = guest.unmask_and_check();
        }
    }
}
