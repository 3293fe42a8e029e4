// SPDX-License-Identifier: GPL-2.0

//! The guest's writing end against a model host.

use proptest::prelude::*;
use std::{collections::VecDeque, sync::Arc};
use wire_tests::{
    host::{HostPacket, HostReader},
    memory::Memory,
    ring::{
        shared::{RingDebug, Shared, Signal, Word},
        writer::{Draft, SendError, Writer},
    },
    wire::packet::{GpaRange, Kind},
};

const SIZE: usize = 4096;

fn ring() -> (Writer<Arc<Memory>>, HostReader, Arc<Memory>) {
    let memory = Arc::new(Memory::new(SIZE));
    (
        Writer::new(memory.clone()),
        HostReader::new(memory.clone()),
        memory,
    )
}

#[test]
fn kinds_of_packets() {
    let (mut writer, mut host, _) = ring();
    assert_eq!(writer.send_inband(&[1, 2, 3], 5, true), Ok(Signal::Needed));
    let inband = HostPacket {
        kind: 6,
        flags: 1,
        transaction: 5,
        ..Default::default()
    };
    assert_eq!(
        host.take(),
        Some(HostPacket {
            payload: vec![1, 2, 3, 0, 0, 0, 0, 0],
            ..inband
        })
    );

    assert_eq!(writer.send_inband(&[], 6, false), Ok(Signal::NotNeeded));
    assert_eq!(
        host.take(),
        Some(HostPacket {
            kind: 6,
            transaction: 6,
            ..Default::default()
        })
    );

    let range = GpaRange {
        len: 5000,
        offset: 100,
        pfns: &[7, 1 << 40],
    };
    let _ = writer.send_gpa_direct(&range, &[9; 64], 7).unwrap();
    let mut header = Vec::new();
    for word in [0, 1, 5000, 100u32] {
        header.extend(word.to_le_bytes());
    }
    header.extend(7u64.to_le_bytes());
    header.extend((1u64 << 40).to_le_bytes());
    assert_eq!(
        host.take(),
        Some(HostPacket {
            kind: 9,
            flags: 1,
            transaction: 7,
            header,
            payload: vec![9; 64]
        })
    );

    let _ = writer.send_completion(&[4; 8], 8).unwrap();
    assert_eq!(
        host.take(),
        Some(HostPacket {
            kind: 11,
            transaction: 8,
            payload: vec![4; 8],
            ..Default::default()
        })
    );
}

#[test]
fn never_completely_full() {
    let (mut writer, mut host, _) = ring();
    // 4096 bytes in 16 packets of 256, the last of which would fill the ring.
    for _ in 0..15 {
        writer.send_inband(&[0; 232], 1, false).map(|_| ()).unwrap();
    }
    assert_eq!(
        writer.send_inband(&[0; 232], 1, false),
        Err(SendError::Full)
    );
    assert_eq!(
        writer.send_inband(&[0; 232], 1, false),
        Err(SendError::Full)
    );
    writer.send_inband(&[0; 224], 1, false).map(|_| ()).unwrap();
    assert_eq!(writer.free_bytes(), Ok(8));
    let counters = writer.counters();
    assert_eq!((counters.full_first, counters.full_total), (1, 2));
    while host.take().is_some() {}
    assert!(!host.release());
    assert_eq!(writer.free_bytes(), Ok(4096));
}

#[test]
fn a_pointer_is_as_good_as_the_memory() {
    let memory = &Arc::new(Memory::new(SIZE));
    let mut read = [0; 2];
    assert_eq!(Shared::copy_in(memory, 8, &[1, 2]), Some(()));
    assert_eq!(memory.copy_out(8, &mut read), Some(()));
    assert_eq!(read, [1, 2]);
    memory.store(Word::WriteIndex, 24);
    assert_eq!(memory.free_bytes(), SIZE as u32 - 24);
}

#[test]
fn too_long() {
    let (mut writer, _, _) = ring();
    assert_eq!(
        writer.send_inband(&[0; SIZE - 24], 1, false),
        Err(SendError::TooLong)
    );
    assert_eq!(
        writer.send_inband(&[0; SIZE - 25 - 7], 1, false),
        Ok(Signal::Needed)
    );
    // The length is a 16-bit number of units.
    let memory = Arc::new(Memory::new(1 << 20));
    let mut writer = Writer::new(memory);
    let long = vec![0; 65535 * 8 - 16];
    assert_eq!(
        writer.send_inband(&[&long[..], &[0]].concat(), 1, false),
        Err(SendError::TooLong)
    );
    assert_eq!(writer.send_inband(&long, 1, false), Ok(Signal::Needed));
    let huge = Draft {
        kind: Kind::INBAND,
        flags: 0,
        transaction: 0,
        header: [&long, &long],
        payload: &[],
    };
    assert_eq!(writer.send(&huge), Err(SendError::TooLong));
}

#[test]
fn a_host_that_damages_the_ring() {
    let (mut writer, _, memory) = ring();
    for index in [SIZE as u32, u32::MAX, 4, 4095] {
        memory.poke(Word::ReadIndex, index);
        assert_eq!(writer.send_inband(&[1], 1, false), Err(SendError::Corrupt));
        assert_eq!(writer.free_bytes(), Err(SendError::Corrupt));
        assert_eq!(writer.set_pending_send(100), Err(SendError::Corrupt));
        // People may look at it all the same.
        let _ = (memory.debug(), memory.free_bytes());
    }
    // The guest does not believe the copy of its own index.
    memory.poke(Word::ReadIndex, 0);
    memory.poke(Word::WriteIndex, 0xdead_beef);
    let _ = writer.send_inband(&[1], 1, false).unwrap();
    assert_eq!(memory.peek(Word::WriteIndex), 32);
}

#[test]
fn waiting_for_room() {
    let (mut writer, mut host, memory) = ring();
    for _ in 0..15 {
        writer.send_inband(&[0; 232], 1, false).map(|_| ()).unwrap();
    }
    assert_eq!(writer.set_pending_send(512), Ok(false));
    assert_eq!(memory.peek(Word::PendingSend), 512);
    let _ = host.take();
    assert!(!host.release(), "exactly enough is not enough");
    assert_eq!(writer.free_bytes(), Ok(512));
    assert_eq!(writer.set_pending_send(512), Ok(false));
    let _ = host.take();
    assert!(host.release());
    let _ = host.take();
    assert!(!host.release());
    assert_eq!(writer.set_pending_send(512), Ok(true));
    assert_eq!(writer.set_pending_send(0), Ok(true));
    assert_eq!(memory.peek(Word::PendingSend), 0);
    assert_eq!(writer.counters().full_total, 3);
}

#[test]
fn state_for_people() {
    let (mut writer, _, memory) = ring();
    let _ = writer.send_inband(&[0; 72], 1, false).unwrap();
    assert_eq!(
        memory.debug(),
        RingDebug {
            read_index: 0,
            write_index: 96,
            interrupt_mask: 0,
            bytes_to_read: 96,
            bytes_to_write: 4000,
        }
    );
    assert_eq!(memory.peek(Word::Features), 1);
}

#[derive(Clone, Debug)]
enum Step {
    Send(HostPacket),
    Take(usize),
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
        4 => packet.prop_map(Step::Send),
        2 => (0usize..6).prop_map(Step::Take),
        1 => Just(Step::Mask),
        1 => Just(Step::Unmask),
    ]
}

proptest! {
    #[test]
    fn any_sequence(steps in proptest::collection::vec(step(), 1..200)) {
        let (mut writer, mut host, _) = ring();
        let mut model = VecDeque::new();
        let (mut used, mut masked, mut signals) = (0, false, 0);
        for step in steps {
            match step {
                Step::Send(packet) => {
                    let result = writer.send(&Draft {
                        kind: Kind(packet.kind),
                        flags: packet.flags,
                        transaction: packet.transaction,
                        header: packet.header.split_at(packet.header.len() / 3).into(),
                        payload: &packet.payload,
                    });
                    let len = packet.encode(0).len();
                    if SIZE - used <= len {
                        prop_assert_eq!(result, Err(SendError::Full));
                    } else {
                        let expected = Signal::when(!masked && used == 0);
                        prop_assert_eq!(result, Ok(expected));
                        signals += u64::from(expected.is_needed());
                        used += len;
                        model.push_back(packet.padded());
                    }
                }
                Step::Take(count) => {
                    for _ in 0..count {
                        let packet = host.take();
                        prop_assert_eq!(&packet, &model.pop_front());
                        used -= packet.map_or(0, |packet| packet.encode(0).len());
                    }
                    prop_assert!(!host.release());
                }
                Step::Mask => {
                    host.mask();
                    masked = true;
                }
                Step::Unmask => {
                    prop_assert_eq!(host.unmask(), !model.is_empty());
                    masked = false;
                }
            }
            prop_assert_eq!(writer.free_bytes(), Ok((SIZE - used) as u32));
            prop_assert_eq!(writer.counters().signals, signals);
        }
    }
}
