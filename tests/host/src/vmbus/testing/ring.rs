// SPDX-License-Identifier: GPL-2.0

//! The guest's end of a ring, moved eight bytes at a time.

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

use vm_memory::{Bytes as _, GuestAddress, GuestMemoryMmap};

use crate::vmbus::ring::Field;

/// A packet that the host sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestPacket {
    /// 6 in-band, 7 transfer pages, 0xb completion.
    pub kind: u16,
    /// 1: the host wants a completion.
    pub flags: u16,
    /// The number of the request that this is about.
    pub transaction: u64,
    /// What is between descriptor and payload.
    pub header: Vec<u8>,
    /// The payload, padded to eight bytes.
    pub payload: Vec<u8>,
}

/// A ring of whole pages, the first of which is the header.
#[derive(Clone, Debug)]
pub struct GuestRing {
    memory: Arc<GuestMemoryMmap>,
    pages: Vec<u64>,
}

impl GuestRing {
    /// A ring in `pages`, made empty.
    pub fn new(memory: Arc<GuestMemoryMmap>, pages: Vec<u64>) -> Self {
        let ring = Self { memory, pages };
        for field in [
            Field::WriteIndex,
            Field::ReadIndex,
            Field::InterruptMask,
            Field::PendingSend,
        ] {
            ring.set(field, 0);
        }
        ring.set(Field::Features, 1);
        ring
    }

    /// Bytes of data.
    pub fn size(&self) -> u32 {
        (self.pages.len() as u32 - 1) * 4096
    }

    /// A field of the header.
    pub fn get(&self, field: Field) -> u32 {
        let address = GuestAddress(self.pages[0] * 4096 + field as u64);
        self.memory
            .load(address, Ordering::SeqCst)
            .expect("the header is memory")
    }

    /// Sets a field of the header.
    pub fn set(&self, field: Field, value: u32) {
        let address = GuestAddress(self.pages[0] * 4096 + field as u64);
        self.memory
            .store(value, address, Ordering::SeqCst)
            .expect("the header is memory");
    }

    fn word_address(&self, index: u32) -> GuestAddress {
        let index = u64::from(index % self.size());
        GuestAddress(self.pages[1 + index as usize / 4096] * 4096 + index % 4096)
    }

    /// Writes a word of the data.
    pub fn set_word(&self, index: u32, word: [u8; 8]) {
        self.memory
            .write_slice(&word, self.word_address(index))
            .expect("the data is memory");
    }

    fn word(&self, index: u32) -> [u8; 8] {
        let mut word = [0; 8];
        self.memory
            .read_slice(&mut word, self.word_address(index))
            .expect("the data is memory");
        word
    }

    /// Writes a packet (descriptor and all, a multiple of eight bytes) and its trailer. `None`
    /// where it does not fit, else whether the host wants a signal.
    pub fn write(&self, packet: &[u8]) -> Option<bool> {
        let (write, read) = (self.get(Field::WriteIndex), self.get(Field::ReadIndex));
        // Whoever tests what a host makes of wrong indices has written them here.
        let used = write.wrapping_add(self.size()).wrapping_sub(read) % self.size();
        let total = packet.len() as u32 + 8;
        if used + total >= self.size() {
            return None;
        }
        let trailer = (u64::from(write) << 32).to_le_bytes();
        let words = packet.chunks_exact(8).chain([&trailer[..]]);
        for (number, word) in words.enumerate() {
            self.set_word(
                write.wrapping_add(8 * number as u32),
                word.try_into().expect("eight bytes"),
            );
        }
        self.set(Field::WriteIndex, write.wrapping_add(total) % self.size());
        fence(Ordering::SeqCst);
        Some(self.get(Field::InterruptMask) == 0 && self.get(Field::ReadIndex) == write)
    }

    /// Takes a packet, and whether the host waits for the room and wants a signal.
    pub fn read(&self) -> Option<(GuestPacket, bool)> {
        let (read, write) = (self.get(Field::ReadIndex), self.get(Field::WriteIndex));
        if read == write {
            return None;
        }
        let head = self.word(read);
        let half = |at: usize| u16::from_le_bytes([head[at], head[at + 1]]);
        let (offset, words) = (u32::from(half(2)), u32::from(half(4)));
        let bytes = |from: u32, to: u32| {
            (from..to)
                .flat_map(|number| self.word(read + 8 * number))
                .collect::<Vec<_>>()
        };
        let packet = GuestPacket {
            kind: half(0),
            flags: half(6),
            transaction: u64::from_le_bytes(self.word(read + 8)),
            header: bytes(2, offset),
            payload: bytes(offset, words),
        };
        assert_eq!(
            self.word(read + 8 * words)[4..],
            read.to_le_bytes(),
            "trailer"
        );
        let total = 8 * words + 8;
        Some((packet, self.give_back(read, total)))
    }

    /// Moves the read index on, and finds out whether that lets the host write what it waits for.
    fn give_back(&self, read: u32, total: u32) -> bool {
        let size = self.size();
        self.set(Field::ReadIndex, (read + total) % size);
        fence(Ordering::SeqCst);
        let pending = self.get(Field::PendingSend);
        let used = (self.get(Field::WriteIndex) + size - (read + total) % size) % size;
        let (free, free_before) = (size - used, size - used - total);
        pending != 0 && free > pending && free_before <= pending
    }
}
