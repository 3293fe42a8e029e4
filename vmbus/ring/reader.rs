// SPDX-License-Identifier: GPL-2.0

//! The reading end of a ring.
//!
//! A packet is copied out of the ring once: first its descriptor, which says how long it is, then
//! the rest. What is not consistent is skipped and reported.

use super::{
    super::wire::packet::{
        Descriptor,
        Kind,
        DESCRIPTOR_LEN,
        TRAILER_LEN, //
    },
    index::{
        signal_after_read,
        Size, //
    },
    shared::{
        Shared,
        Signal,
        Word,
        FEATURE_PENDING_SEND, //
    }, //
};
use core::ops::DerefMut;
use zerocopy::FromBytes;

/// What the host did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Its index is not in the ring. Nothing was skipped; the ring looks empty.
    Index(u32),
    /// The length of a packet cannot be. All that was there was skipped.
    Length {
        /// The length.
        len: usize,
        /// How many bytes there were.
        available: u32,
    },
    /// The packet is longer than this channel's may be. It was skipped.
    TooLong(usize),
    /// The payload begins outside the packet, which was skipped.
    Offset(usize),
}

/// A packet that was copied into the buffer.
#[derive(Clone, Copy, Debug)]
#[must_use = "the packet is no longer in the ring"]
pub struct Found {
    kind: Kind,
    flags: u16,
    transaction: u64,
    /// How much of the buffer is in front of the payload.
    header: usize,
    /// How much of the buffer the packet takes.
    len: usize,
}

/// A packet, in private memory.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// The kind of packet.
    pub kind: Kind,
    /// [`COMPLETION_REQUESTED`](super::super::wire::packet::COMPLETION_REQUESTED) or 0.
    pub flags: u16,
    /// Names the packet, or what it completes.
    pub transaction: u64,
    /// What is between descriptor and payload.
    pub header: &'a [u8],
    /// The payload, with the zeros that fill it up to a multiple of 8 bytes.
    pub payload: &'a [u8],
}

/// What a reader counted since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadCounters {
    /// Signals because the host had waited for room.
    pub signals: u64,
    /// Faults of the host.
    pub faults: u64,
}

/// The reading end of a ring, with a buffer for one packet without its descriptor. Whoever has it
/// is alone.
#[derive(Debug)]
pub struct Reader<S, B> {
    shared: S,
    size: Size,
    buffer: B,
    /// Where the next packet is.
    read: u32,
    /// Where the host thinks that we are.
    published: u32,
    /// Where the host was when we looked.
    write: u32,
    counters: ReadCounters,
}

impl<S: Shared, B: DerefMut<Target = [u8]>> Reader<S, B> {
    /// The reading end of a ring whose header was [reset](Shared::reset).
    pub fn new(shared: S, buffer: B) -> Self {
        Self {
            size: shared.size(),
            shared,
            buffer,
            read: 0,
            published: 0,
            write: 0,
            counters: Default::default(),
        }
    }

    /// Copies the next packet into the buffer.
    ///
    /// # Errors
    ///
    /// Says what the host did wrong. But for [`Fault::Index`], there is progress.
    #[inline]
    pub fn advance(&mut self) -> Result<Option<Found>, Fault> {
        let result = self.try_advance();
        if result.is_err() {
            self.count_fault();
        }
        result
    }

    #[inline]
    fn try_advance(&mut self) -> Result<Option<Found>, Fault> {
        if self.read == self.write && !self.look()? {
            return Ok(None);
        }
        let available = self.size.used(self.read, self.write);
        let Some(descriptor) = self.descriptor(available) else {
            return Err(self.skip_all(0, available));
        };
        let (offset, len) = (descriptor.offset(), descriptor.len());
        // CAST: at most 8 times a 16-bit number.
        let total = (len + TRAILER_LEN) as u32;
        let Some(body) = len
            .checked_sub(DESCRIPTOR_LEN)
            .filter(|_| total <= available)
        else {
            return Err(self.skip_all(len, available));
        };
        let start = self.read.wrapping_add(DESCRIPTOR_LEN as u32);
        self.read = self.size.advance(self.read, total);
        let Some(header) = offset.checked_sub(DESCRIPTOR_LEN).filter(|_| offset <= len) else {
            return Err(Fault::Offset(offset));
        };
        let Some(room) = self.buffer.get_mut(..body) else {
            return Err(Fault::TooLong(len));
        };
        self.shared
            .copy_out(start, room)
            .ok_or(Fault::TooLong(len))?;
        Ok(Some(Found {
            kind: descriptor.kind,
            flags: descriptor.flags,
            transaction: descriptor.transaction,
            header,
            len: body,
        }))
    }

    /// The packet that [`Self::advance`] found last.
    #[inline]
    pub fn packet(&self, found: Found) -> Packet<'_> {
        let body = self.buffer.get(..found.len).unwrap_or_default();
        let (header, payload) = body.split_at_checked(found.header).unwrap_or_default();
        Packet {
            kind: found.kind,
            flags: found.flags,
            transaction: found.transaction,
            header,
            payload,
        }
    }

    /// Gives the room of the packets that were read back to the host.
    #[inline]
    pub fn finish(&mut self) -> Signal {
        let freed = self.size.distance(self.published, self.read);
        if freed == 0 {
            return Signal::NotNeeded;
        }
        self.published = self.read;
        self.shared.store_release(Word::ReadIndex, self.read);
        if self.shared.load(Word::Features) & FEATURE_PENDING_SEND == 0 {
            return Signal::NotNeeded;
        }
        // The host says what it waits for and then looks for room; we make room and then look
        // whether it waits. One of us sees the other.
        self.shared.full_barrier();
        let needed = match self.shared.load_acquire(Word::PendingSend) {
            0 => false,
            pending => self.host_got_room(pending, freed),
        };
        self.counters.signals = self.counters.signals.wrapping_add(u64::from(needed));
        Signal::when(needed)
    }

    /// Asks the host for no signals.
    pub fn mask(&self) {
        self.shared.store(Word::InterruptMask, 1);
        // Packets that come in before the host sees the mask are seen by who looks from now on.
        self.shared.full_barrier();
    }

    /// Allows signals. Returns whether there are packets already, for which none may come.
    pub fn unmask_and_check(&mut self) -> bool {
        self.shared.store(Word::InterruptMask, 0);
        self.look_again()
    }

    /// Whether packets were taken whose room [`Self::finish`] has not given back.
    #[inline]
    pub fn owes_room(&self) -> bool {
        self.read != self.published
    }

    /// Returns whether there are packets for which no signal may come, where [`Self::finish`] or
    /// [`Self::unmask_and_check`] has just told the host that it is to signal the next one.
    pub fn look_again(&mut self) -> bool {
        // The host writes a packet and then looks at the mask, and whether we had read all that was
        // before; we say so and then look for packets. One of us sees the other.
        self.shared.full_barrier();
        self.read != self.write || self.look() == Ok(true)
    }

    /// What was counted.
    pub fn counters(&self) -> ReadCounters {
        self.counters
    }

    /// The memory of the ring.
    pub fn shared(&self) -> &S {
        &self.shared
    }

    /// Looks how far the host is. Returns whether there is something to read.
    #[inline]
    fn look(&mut self) -> Result<bool, Fault> {
        // The host's release of its index, after it wrote the packets, pairs with this acquire.
        let write = self.shared.load_acquire(Word::WriteIndex);
        self.write = self.size.check(write).ok_or(Fault::Index(write))?;
        Ok(self.read != self.write)
    }

    /// The descriptor at the read index; [`None`] when there is none in what is `available`.
    #[inline]
    fn descriptor(&self, available: u32) -> Option<Descriptor> {
        const SMALLEST: u32 = (DESCRIPTOR_LEN + TRAILER_LEN) as u32;

        if available < SMALLEST {
            return None;
        }
        let mut bytes = [0; DESCRIPTOR_LEN];
        self.shared.copy_out(self.read, &mut bytes)?;
        Descriptor::read_from_bytes(&bytes).ok()
    }

    #[cold]
    fn count_fault(&mut self) {
        self.counters.faults = self.counters.faults.wrapping_add(1);
    }

    #[cold]
    fn skip_all(&mut self, len: usize, available: u32) -> Fault {
        self.read = self.write;
        Fault::Length { len, available }
    }

    #[cold]
    fn host_got_room(&self, pending: u32, freed: u32) -> bool {
        let write = self.shared.load(Word::WriteIndex);
        self.size.check(write).is_some_and(|write| {
            signal_after_read(pending, self.size.free(self.read, write), freed)
        })
    }
}
