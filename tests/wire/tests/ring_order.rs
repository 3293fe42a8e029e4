// SPDX-License-Identifier: GPL-2.0

//! The order in which the guest's ends access the memory of a ring. What is wrong there goes
//! unnoticed for a long time on real processors.

use std::cell::RefCell;
use wire_tests::{
    host::{HostPacket, HostWriter},
    memory::Memory,
    ring::{
        index::Size,
        reader::Reader,
        shared::{Shared, Word},
        writer::Writer,
    },
};

/// An access to the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Load(Word),
    LoadAcquire(Word),
    Store(Word, u32),
    StoreRelease(Word, u32),
    Barrier,
    CopyOut(u32, usize),
    CopyIn(u32, usize),
}
use Access::*;

/// Memory that writes down what is done to it.
struct Traced {
    memory: std::sync::Arc<Memory>,
    trace: RefCell<Vec<Access>>,
}

impl Traced {
    fn new() -> Self {
        Self {
            memory: Memory::new(4096).into(),
            trace: Default::default(),
        }
    }

    fn note(&self, access: Access) {
        self.trace.borrow_mut().push(access);
    }

    /// What was done since the last time.
    fn take(&self) -> Vec<Access> {
        self.trace.take()
    }
}

impl Shared for Traced {
    fn size(&self) -> Size {
        self.memory.size()
    }

    fn load(&self, word: Word) -> u32 {
        self.note(Load(word));
        self.memory.load(word)
    }

    fn load_acquire(&self, word: Word) -> u32 {
        self.note(LoadAcquire(word));
        self.memory.load_acquire(word)
    }

    fn store(&self, word: Word, value: u32) {
        self.note(Store(word, value));
        self.memory.store(word, value);
    }

    fn store_release(&self, word: Word, value: u32) {
        self.note(StoreRelease(word, value));
        self.memory.store_release(word, value);
    }

    fn full_barrier(&self) {
        self.note(Barrier);
    }

    fn copy_out(&self, at: u32, into: &mut [u8]) -> Option<()> {
        self.note(CopyOut(at, into.len()));
        self.memory.copy_out(at, into)
    }

    fn copy_in(&self, at: u32, from: &[u8]) -> Option<()> {
        self.note(CopyIn(at, from.len()));
        self.memory.copy_in(at, from)
    }
}

#[test]
fn sending() {
    let ring = Traced::new();
    let mut writer = Writer::new(&ring);
    let _ = writer.send_inband(&[1; 9], 1, true).unwrap();
    assert_eq!(
        ring.take(),
        [
            LoadAcquire(Word::ReadIndex),
            CopyIn(0, 16),
            CopyIn(16, 9),
            CopyIn(25, 7),
            CopyIn(32, 8),
            StoreRelease(Word::WriteIndex, 40),
            Barrier,
            LoadAcquire(Word::InterruptMask),
            Load(Word::ReadIndex),
        ]
    );
}

#[test]
fn a_full_ring_is_not_written_to() {
    let ring = Traced::new();
    let mut writer = Writer::new(&ring);
    let _ = writer.send_inband(&[0; 4000], 1, true).unwrap();
    ring.take();
    assert!(writer.send_inband(&[0; 100], 1, true).is_err());
    assert_eq!(ring.take(), [LoadAcquire(Word::ReadIndex)]);
    let _ = writer.set_pending_send(124);
    assert_eq!(
        ring.take(),
        [
            Store(Word::PendingSend, 124),
            Barrier,
            LoadAcquire(Word::ReadIndex)
        ]
    );
}

#[test]
fn receiving_a_batch() {
    let ring = Traced::new();
    let mut host = HostWriter::new(ring.memory.clone());
    for _ in 0..2 {
        let packet = HostPacket {
            kind: 6,
            payload: vec![1; 64],
            ..Default::default()
        };
        host.send(&packet).unwrap();
    }
    let mut reader = Reader::new(&ring, vec![0; 100]);
    while reader.advance().unwrap().is_some() {}
    // One look at the host's index for the batch, and every byte copied once.
    assert_eq!(
        ring.take(),
        [
            LoadAcquire(Word::WriteIndex),
            CopyOut(0, 16),
            CopyOut(16, 64),
            CopyOut(88, 16),
            CopyOut(104, 64),
            LoadAcquire(Word::WriteIndex),
        ]
    );

    assert!(!reader.finish().is_needed());
    let publish = [
        StoreRelease(Word::ReadIndex, 176),
        Load(Word::Features),
        Barrier,
        LoadAcquire(Word::PendingSend),
    ];
    assert_eq!(ring.take(), publish);
    assert!(!reader.finish().is_needed());
    assert_eq!(ring.take(), [], "nothing to give back");
}

#[test]
fn a_host_that_waits() {
    let ring = Traced::new();
    let mut host = HostWriter::new(ring.memory.clone());
    host.send(&HostPacket {
        kind: 6,
        payload: vec![1; 4000],
        ..Default::default()
    })
    .unwrap();
    assert!(!host.wait_for(1000));
    let mut reader = Reader::new(&ring, vec![0; 4096]);
    assert!(reader.advance().unwrap().is_some());
    ring.take();
    assert!(reader.finish().is_needed());
    assert_eq!(
        ring.take()[2..],
        [
            Barrier,
            LoadAcquire(Word::PendingSend),
            Load(Word::WriteIndex)
        ]
    );
}

#[test]
fn masking() {
    let ring = Traced::new();
    let mut reader = Reader::new(&ring, Vec::new());
    reader.mask();
    assert_eq!(ring.take(), [Store(Word::InterruptMask, 1), Barrier]);
    assert!(!reader.unmask_and_check());
    assert_eq!(
        ring.take(),
        [
            Store(Word::InterruptMask, 0),
            Barrier,
            LoadAcquire(Word::WriteIndex)
        ]
    );
}
