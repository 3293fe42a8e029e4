// SPDX-License-Identifier: GPL-2.0

//! The reading end of the ring that the guest writes.

use std::sync::atomic::{Ordering, fence};

use super::{DESCRIPTOR, FEATURE_PENDING_SEND, Field, RingError, RingMemory, TRAILER};

/// A packet as it was in the ring, without the trailer.
#[derive(Debug)]
pub(in crate::vmbus) struct RawPacket {
    /// Descriptor, header and payload.
    pub(in crate::vmbus) bytes: Vec<u8>,
    /// Where the payload starts in `bytes`.
    pub(in crate::vmbus) offset: usize,
    /// Whether the trailer tells where the packet started.
    pub(in crate::vmbus) trailer_ok: bool,
}

/// The reading end of the ring that the guest writes.
#[derive(Debug)]
pub(in crate::vmbus) struct Reader {
    ring: RingMemory,
    read: u32,
    published: u32,
    masked: bool,
}

impl Reader {
    pub(in crate::vmbus) fn new(ring: RingMemory) -> Result<Self, RingError> {
        let read = ring.index(Field::ReadIndex)?;
        Ok(Self {
            ring,
            read,
            published: read,
            masked: false,
        })
    }

    pub(in crate::vmbus) fn ring(&self) -> &RingMemory {
        &self.ring
    }

    /// Whether the guest announced to tell when it made room in the other ring.
    pub(in crate::vmbus) fn guest_has_flow_control(&self) -> Result<bool, RingError> {
        Ok(self.ring.load(Field::Features)? & FEATURE_PENDING_SEND != 0)
    }

    /// Takes the next packet. While there are packets the guest is told not to signal. The end of
    /// the ring is only believed after all room was given back and the guest was told to signal
    /// again, or it would see a ring that is not empty and keep quiet. Sets `signal` where the
    /// guest waits for the room.
    pub(in crate::vmbus) fn next(
        &mut self,
        signal: &mut bool,
    ) -> Result<Option<RawPacket>, RingError> {
        loop {
            let write = self.ring.index(Field::WriteIndex)?;
            if write != self.read {
                self.mask(true)?;
                return self.take(self.ring.distance(self.read, write)).map(Some);
            }
            if !self.masked {
                return Ok(None);
            }
            *signal |= self.publish()?;
            self.mask(false)?;
            fence(Ordering::SeqCst);
        }
    }

    fn mask(&mut self, masked: bool) -> Result<(), RingError> {
        if self.masked != masked {
            self.ring.store(Field::InterruptMask, masked.into())?;
            self.masked = masked;
        }
        Ok(())
    }

    /// Copies the packet at the read index out of the ring and moves on.
    fn take(&mut self, available: u32) -> Result<RawPacket, RingError> {
        let malformed = |len, offset| RingError::Packet {
            len,
            offset,
            available,
        };
        if available < DESCRIPTOR + TRAILER {
            return Err(malformed(0, 0));
        }
        let mut descriptor = [0; DESCRIPTOR as usize];
        self.ring.read(self.read, &mut descriptor)?;
        let [_, _, o0, o1, l0, l1, ..] = descriptor;
        let offset = u32::from(u16::from_le_bytes([o0, o1])) * 8;
        let len = u32::from(u16::from_le_bytes([l0, l1])) * 8;
        if offset < DESCRIPTOR || len < offset || len + TRAILER > available {
            return Err(malformed(len, offset));
        }
        let mut bytes = vec![0; (len + TRAILER) as usize];
        self.ring.read(self.read, &mut bytes)?;
        bytes[..descriptor.len()].copy_from_slice(&descriptor);
        let trailer = bytes.split_off(len as usize);
        let trailer_ok = trailer[4..] == self.read.to_le_bytes();
        self.read = self.ring.advance(self.read, len + TRAILER);
        Ok(RawPacket {
            bytes,
            offset: offset as usize,
            trailer_ok,
        })
    }

    /// Whether so much was taken that the room should be given back before the ring is empty.
    pub(in crate::vmbus) fn should_publish(&self) -> bool {
        self.ring.distance(self.published, self.read) > self.ring.size / 4
    }

    /// Gives the room of the packets taken back. Returns whether the guest waits for it and wants
    /// a signal: only when the room it waits for came about with this step.
    pub(in crate::vmbus) fn publish(&mut self) -> Result<bool, RingError> {
        if self.published == self.read {
            return Ok(false);
        }
        let before = std::mem::replace(&mut self.published, self.read);
        self.ring.store(Field::ReadIndex, self.read)?;
        fence(Ordering::SeqCst);
        let pending = self.ring.load(Field::PendingSend)?;
        if pending == 0 || !self.guest_has_flow_control()? {
            return Ok(false);
        }
        let write = self.ring.index(Field::WriteIndex)?;
        let used_before = self.ring.distance(before, write);
        let used_now = self.ring.distance(self.read, write);
        let (free_before, free_now) = (self.ring.size - used_before, self.ring.size - used_now);
        Ok(free_before <= pending && free_now > pending)
    }
}
