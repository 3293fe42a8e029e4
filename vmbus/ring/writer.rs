// SPDX-License-Identifier: GPL-2.0

//! The writing end of a ring.

use super::{
    super::wire::packet::{
        trailer,
        Descriptor,
        GpaDirect,
        GpaList,
        GpaRange,
        Kind,
        COMPLETION_REQUESTED,
        DESCRIPTOR_LEN,
        TRAILER_LEN,
        UNIT, //
    },
    index::{
        signal_after_write,
        Size, //
    },
    shared::{
        Shared,
        Signal,
        Word, //
    }, //
};
use zerocopy::IntoBytes;

/// Why a packet was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// There is no room for it now.
    Full,
    /// The channel is closed, or goes away.
    Closed,
    /// The host damaged the ring.
    Corrupt,
    /// There will never be room for it.
    TooLong,
}

/// A packet to send.
#[derive(Clone, Copy, Debug)]
pub struct Draft<'a> {
    /// The kind of packet.
    pub kind: Kind,
    /// [`COMPLETION_REQUESTED`] or 0.
    pub flags: u16,
    /// Names the packet.
    pub transaction: u64,
    /// What goes between descriptor and payload, in two pieces: in all, a multiple of 8 bytes.
    pub header: [&'a [u8]; 2],
    /// The payload.
    pub payload: &'a [u8],
}

/// The longest packet: lengths are 16-bit numbers of units.
const MAX_LEN: usize = u16::MAX as usize * UNIT;

/// What goes around a draft.
struct Layout {
    descriptor: Descriptor,
    /// Zeros after the payload.
    padding: usize,
    /// All that the packet takes in the ring.
    total: u32,
}

impl Draft<'_> {
    #[inline(always)]
    fn layout(&self) -> Option<Layout> {
        let [first, second] = self.header;
        // No slice is longer than half of all memory, and none of these lengths is close to that.
        let offset = first.len().checked_add(second.len())?;
        let end = offset.checked_add(self.payload.len())?;
        if end > MAX_LEN - DESCRIPTOR_LEN {
            return None;
        }
        let (offset, end) = (offset + DESCRIPTOR_LEN, end + DESCRIPTOR_LEN);
        let padding = end.wrapping_neg() % UNIT;
        let len = end + padding;
        Some(Layout {
            // CAST: Not more than the longest packet, whose length fits.
            descriptor: Descriptor {
                kind: self.kind,
                offset8: (offset / UNIT) as u16,
                len8: (len / UNIT) as u16,
                flags: self.flags,
                transaction: self.transaction,
            },
            padding,
            total: (len + TRAILER_LEN) as u32,
        })
    }
}

/// What a writer counted since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriteCounters {
    /// Signals because the ring had been empty.
    pub signals: u64,
    /// How often the ring became full.
    pub full_first: u64,
    /// How often there was no room.
    pub full_total: u64,
}

/// The writing end of a ring. Whoever has it is alone: callers lock.
#[derive(Debug)]
pub struct Writer<S> {
    shared: S,
    size: Size,
    /// Where the next packet goes to. The copy in the ring is for the host only.
    write: u32,
    /// Whether there was no room the last time.
    full: bool,
    counters: WriteCounters,
}

impl<S: Shared> Writer<S> {
    /// The writing end of a ring whose header was [reset](Shared::reset).
    pub fn new(shared: S) -> Self {
        Self {
            size: shared.size(),
            shared,
            write: 0,
            full: false,
            counters: Default::default(),
        }
    }

    /// Sends a packet.
    ///
    /// # Errors
    ///
    /// [`SendError::Full`], [`SendError::Corrupt`] or [`SendError::TooLong`].
    #[inline(always)]
    pub fn send(&mut self, draft: &Draft<'_>) -> Result<Signal, SendError> {
        let layout = draft.layout().ok_or(SendError::TooLong)?;
        if self.free_bytes()? <= layout.total {
            return Err(self.no_room(layout.total));
        }
        self.full = false;
        self.copy(draft, &layout).ok_or(SendError::Corrupt)?;
        Ok(self.publish(layout.total))
    }

    /// Sends a packet that is all payload.
    ///
    /// # Errors
    ///
    /// As [`Self::send`].
    #[inline(always)]
    pub fn send_inband(
        &mut self,
        payload: &[u8],
        transaction: u64,
        want_completion: bool,
    ) -> Result<Signal, SendError> {
        let flags = if want_completion {
            COMPLETION_REQUESTED
        } else {
            0
        };
        self.send(&Draft {
            kind: Kind::INBAND,
            flags,
            transaction,
            header: [&[], &[]],
            payload,
        })
    }

    /// Sends the completion of packet `transaction`.
    ///
    /// # Errors
    ///
    /// As [`Self::send`].
    #[inline]
    pub fn send_completion(
        &mut self,
        payload: &[u8],
        transaction: u64,
    ) -> Result<Signal, SendError> {
        self.send(&Draft {
            kind: Kind::COMPLETION,
            flags: 0,
            transaction,
            header: [&[], &[]],
            payload,
        })
    }

    /// Sends a packet about a range of guest memory, to be completed.
    ///
    /// # Errors
    ///
    /// As [`Self::send`].
    #[inline(always)]
    pub fn send_gpa_direct(
        &mut self,
        range: &GpaRange<'_>,
        payload: &[u8],
        transaction: u64,
    ) -> Result<Signal, SendError> {
        self.send(&Draft {
            kind: Kind::GPA_DIRECT,
            flags: COMPLETION_REQUESTED,
            transaction,
            header: [
                GpaDirect::new(range.len, range.offset).as_bytes(),
                range.pfns.as_bytes(),
            ],
            payload,
        })
    }

    /// Sends a packet about several ranges of guest memory, to be completed.
    ///
    /// # Errors
    ///
    /// As [`Self::send`].
    #[inline]
    pub fn send_gpa_list(
        &mut self,
        list: &GpaList,
        payload: &[u8],
        transaction: u64,
    ) -> Result<Signal, SendError> {
        self.send(&Draft {
            kind: Kind::GPA_DIRECT,
            flags: COMPLETION_REQUESTED,
            transaction,
            header: [list.as_bytes(), &[]],
            payload,
        })
    }

    /// The number of free bytes; a packet must leave some of them.
    ///
    /// # Errors
    ///
    /// [`SendError::Corrupt`].
    #[inline(always)]
    pub fn free_bytes(&self) -> Result<u32, SendError> {
        // What the host read is read before the writes that take its place: the host's release of
        // its index pairs with this acquire.
        let read = self.shared.load_acquire(Word::ReadIndex);
        let read = self.size.check(read).ok_or(SendError::Corrupt)?;
        Ok(self.size.free(read, self.write))
    }

    /// Asks the host for a signal when more than `bytes` bytes are free; 0 withdraws that.
    ///
    /// Returns whether they are free already, in which case there may be no signal.
    ///
    /// # Errors
    ///
    /// [`SendError::Corrupt`].
    pub fn set_pending_send(&mut self, bytes: u32) -> Result<bool, SendError> {
        if bytes != 0 {
            self.count_full();
        }
        self.shared.store(Word::PendingSend, bytes);
        // The host frees room and then looks at this word; we write it and then look for room. One
        // of us sees the other.
        self.shared.full_barrier();
        Ok(self.free_bytes()? > bytes)
    }

    /// What was counted.
    pub fn counters(&self) -> WriteCounters {
        self.counters
    }

    /// The memory of the ring.
    pub fn shared(&self) -> &S {
        &self.shared
    }

    /// Why a packet that takes `total` bytes does not fit.
    #[cold]
    fn no_room(&mut self, total: u32) -> SendError {
        if total >= self.size.get() {
            return SendError::TooLong;
        }
        self.count_full();
        SendError::Full
    }

    #[cold]
    fn count_full(&mut self) {
        self.counters.full_total = self.counters.full_total.wrapping_add(1);
        if !self.full {
            self.counters.full_first = self.counters.full_first.wrapping_add(1);
            self.full = true;
        }
    }

    /// Copies a packet into the free part of the ring.
    #[inline(always)]
    fn copy(&self, draft: &Draft<'_>, layout: &Layout) -> Option<()> {
        const ZEROS: [u8; UNIT] = [0; UNIT];

        let (descriptor, trailer) = (layout.descriptor.as_bytes(), &trailer(self.write));
        let ([first, second], payload) = (draft.header, draft.payload);
        if layout.padding == 0 {
            let pieces = [descriptor, first, second, payload, trailer.as_bytes()];
            return self.shared.copy_in_all(self.write, pieces);
        }
        let zeros = ZEROS.get(..layout.padding)?;
        let pieces = [
            descriptor,
            first,
            second,
            payload,
            zeros,
            trailer.as_bytes(),
        ];
        self.shared.copy_in_all(self.write, pieces)
    }

    /// Hands `len` bytes over to the host.
    #[inline(always)]
    fn publish(&mut self, len: u32) -> Signal {
        let old = self.write;
        self.write = self.size.advance(old, len);
        self.shared.store_release(Word::WriteIndex, self.write);
        // The host allows signals and then looks for packets; we write one and then look whether it
        // allows signals. One of us sees the other.
        self.shared.full_barrier();
        let mask = self.shared.load_acquire(Word::InterruptMask);
        let read = self.shared.load(Word::ReadIndex);
        let needed = signal_after_write(mask, old, read);
        self.counters.signals = self.counters.signals.wrapping_add(u64::from(needed));
        Signal::when(needed)
    }
}
