// SPDX-License-Identifier: GPL-2.0

//! The writing end of the ring that the guest reads.

use std::collections::VecDeque;
use std::sync::atomic::{Ordering, fence};

use super::{FEATURE_PENDING_SEND, Field, RingError, RingMemory, TRAILER};

/// The writing end of the ring that the guest reads, with a queue for what does not fit.
#[derive(Debug)]
pub(in crate::vmbus) struct Writer {
    ring: RingMemory,
    write: u32,
    published: u32,
    queue: VecDeque<Vec<u8>>,
    pending: u32,
    blocked: u64,
}

impl Writer {
    pub(in crate::vmbus) fn new(ring: RingMemory) -> Result<Self, RingError> {
        let write = ring.index(Field::WriteIndex)?;
        let features = ring.load(Field::Features)?;
        ring.store(Field::Features, features | FEATURE_PENDING_SEND)?;
        Ok(Self {
            ring,
            write,
            published: write,
            queue: VecDeque::new(),
            pending: 0,
            blocked: 0,
        })
    }

    pub(in crate::vmbus) fn ring(&self) -> &RingMemory {
        &self.ring
    }

    /// How many packets wait for room.
    pub(in crate::vmbus) fn queued(&self) -> usize {
        self.queue.len()
    }

    /// How often a packet found no room.
    pub(in crate::vmbus) fn blocked(&self) -> u64 {
        self.blocked
    }

    /// Writes `packet`, a multiple of eight bytes, or queues it behind those that wait already.
    /// The guest sees it after [`Self::publish`].
    pub(in crate::vmbus) fn push(&mut self, packet: Vec<u8>) -> Result<(), RingError> {
        let len = packet.len() as u64 + u64::from(TRAILER);
        if len >= u64::from(self.ring.size) {
            return Err(RingError::Packet {
                len: u32::try_from(packet.len()).unwrap_or(u32::MAX),
                offset: 0,
                available: self.ring.size,
            });
        }
        if self.queue.is_empty() && self.try_write(&packet)? {
            return Ok(());
        }
        self.blocked += 1;
        self.queue.push_back(packet);
        Ok(())
    }

    /// Writes `packet` if there is room.
    fn try_write(&mut self, packet: &[u8]) -> Result<bool, RingError> {
        let read = self.ring.index(Field::ReadIndex)?;
        let free = self.ring.size - self.ring.distance(read, self.write);
        let len = packet.len() as u32;
        if free <= len + TRAILER {
            return Ok(false);
        }
        self.ring.write(self.write, packet)?;
        let trailer = u64::from(self.write) << 32;
        let at = self.ring.advance(self.write, len);
        self.ring.write(at, &trailer.to_le_bytes())?;
        self.write = self.ring.advance(at, TRAILER);
        Ok(true)
    }

    /// Writes what the queue has, as far as there is room.
    fn drain(&mut self) -> Result<(), RingError> {
        while let Some(packet) = self.queue.pop_front() {
            if !self.try_write(&packet)? {
                self.queue.push_front(packet);
                break;
            }
        }
        Ok(())
    }

    /// Shows the guest everything that fits. Returns whether it wants a signal: the ring was empty
    /// and its mask is clear. What does not fit is announced in `pending_send_sz`, and then tried
    /// once more, because the guest may have made room just before it could see that.
    pub(in crate::vmbus) fn publish(&mut self) -> Result<bool, RingError> {
        self.drain()?;
        let mut signal = self.publish_written()?;
        while let Some(first) = self.queue.front() {
            let wanted = first.len() as u32 + TRAILER;
            self.announce(wanted)?;
            fence(Ordering::SeqCst);
            let before = self.queue.len();
            self.drain()?;
            signal |= self.publish_written()?;
            if self.queue.len() == before {
                return Ok(signal);
            }
        }
        self.announce(0)?;
        Ok(signal)
    }

    fn announce(&mut self, wanted: u32) -> Result<(), RingError> {
        if self.pending != wanted {
            self.ring.store(Field::PendingSend, wanted)?;
            self.pending = wanted;
        }
        Ok(())
    }

    fn publish_written(&mut self) -> Result<bool, RingError> {
        if self.write == self.published {
            return Ok(false);
        }
        let before = std::mem::replace(&mut self.published, self.write);
        self.ring.store(Field::WriteIndex, self.write)?;
        fence(Ordering::SeqCst);
        if self.ring.load(Field::InterruptMask)? != 0 {
            return Ok(false);
        }
        Ok(self.ring.load(Field::ReadIndex)? == before)
    }
}
