// SPDX-License-Identifier: GPL-2.0

//! The host's two ends of a channel's rings.
//!
//! A ring is a header page and data pages. Indices count bytes from the start of the data; equal
//! indices mean empty, so a ring is never filled completely. Every packet is followed by eight
//! bytes whose upper half is the index where the packet started. Nothing that the guest can
//! change is believed: indices are checked each time, and a packet is copied out before it is
//! looked at.

mod reader;
mod writer;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use vm_memory::{Bytes as _, GuestAddress, GuestMemoryMmap};

pub(super) use reader::{RawPacket, Reader};
pub(super) use writer::Writer;

use super::gpa::{GpaRange, MemoryError, PAGE_SIZE, read, unbacked, write};

/// Bytes of the trailer behind each packet.
const TRAILER: u32 = 8;
/// Bytes of a packet descriptor.
const DESCRIPTOR: u32 = 16;
/// The feature bit that says that the owner of the end uses `pending_send_sz`.
pub(super) const FEATURE_PENDING_SEND: u32 = 1;

/// A field of the ring's header page, by its offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Field {
    /// Where the writer continues.
    WriteIndex = 0,
    /// Where the reader continues.
    ReadIndex = 4,
    /// Whether the reader wants no signal now.
    InterruptMask = 8,
    /// How much room the writer waits for.
    PendingSend = 12,
    /// What the ends can do.
    Features = 64,
}

/// What is wrong with a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RingError {
    /// An index is outside of the ring or not a multiple of eight.
    #[error("{field:?} {value:#x} in a ring of {size:#x}")]
    Index {
        /// Which index.
        field: Field,
        /// Its value.
        value: u32,
        /// The size of the ring's data.
        size: u32,
    },
    /// The descriptor's lengths contradict each other or the indices.
    #[error("packet of {len} bytes, data at {offset}, with {available} bytes in the ring")]
    Packet {
        /// The packet's length without the trailer.
        len: u32,
        /// Where its data starts.
        offset: u32,
        /// What the indices say is there.
        available: u32,
    },
    /// The packet's list of buffers is malformed.
    #[error("malformed list of guest buffers")]
    Ranges,
    /// The ring has no room for a header page and data.
    #[error("a ring of {0} pages")]
    TooSmall(usize),
    /// The ring's memory is not there.
    #[error(transparent)]
    Memory(#[from] MemoryError),
}

/// The memory of one ring.
#[derive(Debug)]
pub(super) struct RingMemory {
    memory: Arc<GuestMemoryMmap>,
    header: GuestAddress,
    data: [GpaRange; 1],
    size: u32,
}

impl RingMemory {
    /// A ring in `pages`, the first of which is the header.
    pub(super) fn new(memory: Arc<GuestMemoryMmap>, pages: &[u64]) -> Result<Self, RingError> {
        let too_small = RingError::TooSmall(pages.len());
        let (header, data) = pages.split_first().ok_or(too_small)?;
        let size = u32::try_from(data.len() * PAGE_SIZE)
            .ok()
            .filter(|&size| size > 0);
        let size = size.ok_or(too_small)?;
        let header = GuestAddress(header.saturating_mul(PAGE_SIZE as u64));
        let data = [GpaRange {
            len: size,
            offset: 0,
            pfns: data.to_vec(),
        }];
        Ok(Self {
            memory,
            header,
            data,
            size,
        })
    }

    pub(super) fn load(&self, field: Field) -> Result<u32, RingError> {
        let address = GuestAddress(self.header.0 + field as u64);
        let value = self.memory.load(address, Ordering::SeqCst);
        value.map_err(|_| unbacked(address).into())
    }

    pub(super) fn store(&self, field: Field, value: u32) -> Result<(), RingError> {
        let address = GuestAddress(self.header.0 + field as u64);
        let stored = self.memory.store(value, address, Ordering::SeqCst);
        stored.map_err(|_| unbacked(address).into())
    }

    /// Loads an index that the guest wrote.
    fn index(&self, field: Field) -> Result<u32, RingError> {
        let value = self.load(field)?;
        if value >= self.size || !value.is_multiple_of(8) {
            return Err(RingError::Index {
                field,
                value,
                size: self.size,
            });
        }
        Ok(value)
    }

    /// The distance from `from` to `to`, both valid indices.
    fn distance(&self, from: u32, to: u32) -> u32 {
        if to >= from {
            to - from
        } else {
            self.size - from + to
        }
    }

    /// The index `by` bytes behind `from`; `by` is at most the ring's size.
    fn advance(&self, from: u32, by: u32) -> u32 {
        let to = u64::from(from) + u64::from(by);
        let size = u64::from(self.size);
        (if to >= size { to - size } else { to }) as u32
    }

    pub(super) fn size(&self) -> u32 {
        self.size
    }

    /// Writes short `bytes` anywhere.
    pub(super) fn scribble(&self, at: u32, bytes: &[u8]) -> Result<(), RingError> {
        self.write(at % self.size, bytes)
    }

    pub(super) fn read(&self, at: u32, into: &mut [u8]) -> Result<(), RingError> {
        let (head, tail) = into.split_at_mut(into.len().min((self.size - at) as usize));
        read(&self.memory, &self.data, at as usize, head)?;
        Ok(read(&self.memory, &self.data, 0, tail)?)
    }

    pub(super) fn write(&self, at: u32, from: &[u8]) -> Result<(), RingError> {
        let (head, tail) = from.split_at(from.len().min((self.size - at) as usize));
        write(&self.memory, &self.data, at as usize, head)?;
        Ok(write(&self.memory, &self.data, 0, tail)?)
    }
}
