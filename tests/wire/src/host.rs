// SPDX-License-Identifier: GPL-2.0

//! A host at the other end of a ring, written from the description of the rings and sharing no code
//! with the guest's ends.

use crate::{
    memory::Memory,
    ring::shared::{Shared, Word},
};
use std::sync::{
    atomic::{fence, Ordering::SeqCst},
    Arc,
};

/// A packet, as a host sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostPacket {
    /// The kind of packet.
    pub kind: u16,
    /// Flags.
    pub flags: u16,
    /// The transaction.
    pub transaction: u64,
    /// What is between descriptor and payload, a multiple of 8 bytes.
    pub header: Vec<u8>,
    /// The payload, a multiple of 8 bytes once it was sent.
    pub payload: Vec<u8>,
}

impl HostPacket {
    /// The bytes in the ring.
    pub fn encode(&self, start: u32) -> Vec<u8> {
        let offset = 16 + self.header.len();
        let len = (offset + self.payload.len()).next_multiple_of(8);
        let mut bytes = Vec::new();
        bytes.extend(self.kind.to_le_bytes());
        bytes.extend((offset as u16 / 8).to_le_bytes());
        bytes.extend((len as u16 / 8).to_le_bytes());
        bytes.extend(self.flags.to_le_bytes());
        bytes.extend(self.transaction.to_le_bytes());
        bytes.extend(&self.header);
        bytes.extend(&self.payload);
        bytes.resize(len, 0);
        bytes.extend([0; 4]);
        bytes.extend(start.to_le_bytes());
        bytes
    }

    /// The packet with its payload filled up, as the other end gets it.
    pub fn padded(mut self) -> Self {
        self.payload
            .resize(self.payload.len().next_multiple_of(8), 0);
        self
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

/// The host's end of the ring that the guest writes.
pub struct HostReader {
    memory: Arc<Memory>,
    read: u32,
}

impl HostReader {
    /// The end of an empty ring.
    pub fn new(memory: Arc<Memory>) -> Self {
        Self { memory, read: 0 }
    }

    /// Whether the guest's packets are all read.
    pub fn is_empty(&self) -> bool {
        self.memory.peek(Word::WriteIndex) == self.read
    }

    /// Takes the next packet, without telling the guest.
    ///
    /// # Panics
    ///
    /// When the guest wrote a wrong trailer.
    pub fn take(&mut self) -> Option<HostPacket> {
        if self.is_empty() {
            return None;
        }
        let descriptor = self.memory.read(self.read, 16);
        let (offset, len) = (
            8 * u16_at(&descriptor, 2) as usize,
            8 * u16_at(&descriptor, 4) as usize,
        );
        let bytes = self.memory.read(self.read, len + 8);
        assert_eq!(bytes[len..len + 4], [0; 4]);
        assert_eq!(bytes[len + 4..], self.read.to_le_bytes(), "trailer");
        self.read = (self.read + len as u32 + 8) % self.size();
        Some(HostPacket {
            kind: u16_at(&bytes, 0),
            flags: u16_at(&bytes, 6),
            transaction: u64::from_le_bytes(bytes[8..16].try_into().unwrap()),
            header: bytes[16..offset].to_vec(),
            payload: bytes[offset..len].to_vec(),
        })
    }

    /// Gives the room of what was taken back. Returns whether the guest is to be interrupted.
    pub fn release(&mut self) -> bool {
        let old = self.memory.peek(Word::ReadIndex);
        self.memory.poke(Word::ReadIndex, self.read);
        fence(SeqCst);
        let pending = self.memory.peek(Word::PendingSend);
        // Before and after are of the same moment, or else a guest that fills the ring in between
        // and waits then is forgotten.
        let write = self.memory.peek(Word::WriteIndex);
        pending != 0 && self.free(old, write) <= pending && self.free(self.read, write) > pending
    }

    /// Wants no interrupts.
    pub fn mask(&self) {
        self.memory.poke(Word::InterruptMask, 1);
        fence(SeqCst);
    }

    /// Wants interrupts. Returns whether there is something to read already.
    pub fn unmask(&self) -> bool {
        self.memory.poke(Word::InterruptMask, 0);
        fence(SeqCst);
        !self.is_empty()
    }

    fn size(&self) -> u32 {
        self.memory.size().get()
    }

    fn free(&self, read: u32, write: u32) -> u32 {
        self.size() - (write + self.size() - read) % self.size()
    }
}

/// The host's end of the ring that the guest reads.
pub struct HostWriter {
    memory: Arc<Memory>,
    /// Where the next packet goes to.
    pub write: u32,
}

impl HostWriter {
    /// The end of an empty ring.
    pub fn new(memory: Arc<Memory>) -> Self {
        Self { memory, write: 0 }
    }

    /// The number of free bytes.
    pub fn free(&self) -> u32 {
        let used = (self.write + self.size() - self.memory.peek(Word::ReadIndex)) % self.size();
        self.size() - used
    }

    /// Puts raw bytes into the ring and publishes them. Returns whether the guest is to be
    /// interrupted.
    pub fn put(&mut self, bytes: &[u8]) -> bool {
        let old = self.write;
        self.memory.write(old, bytes);
        self.write = (old + bytes.len() as u32) % self.size();
        self.memory.poke(Word::WriteIndex, self.write);
        fence(SeqCst);
        self.memory.peek(Word::InterruptMask) == 0 && self.memory.peek(Word::ReadIndex) == old
    }

    /// Sends a packet, if there is room. Returns whether the guest is to be interrupted.
    pub fn send(&mut self, packet: &HostPacket) -> Option<bool> {
        let bytes = packet.encode(self.write);
        (self.free() > bytes.len() as u32).then(|| self.put(&bytes))
    }

    /// Waits for more than `bytes` free bytes. Returns whether they are there already.
    pub fn wait_for(&self, bytes: u32) -> bool {
        self.memory.poke(Word::PendingSend, bytes);
        fence(SeqCst);
        self.free() > bytes
    }

    fn size(&self) -> u32 {
        self.memory.size().get()
    }
}
