// SPDX-License-Identifier: GPL-2.0

//! Packets of the host that say where in the receive buffer messages are, and what they are answered
//! with.

use super::{
    completions::{
        Completions,
        Pending, //
    },
    deliver::{
        Context,
        Tally, //
    },
    net::napi::Round,
    queue::Queue,
    wire::{
        nvsp::{
            self,
            ReceiveComplete,
            Sections,
            Status, //
        },
        rsc::{
            Assembly,
            Piece,
            MAX_PARTS, //
        },
        Fault, //
    },
};
use kernel::{
    prelude::*,
    sync::atomic::Relaxed, //
};
use vmbus::{
    wire::packet::TransferPages,
    Endpoint,
    Packet,
    SendError, //
};

/// So many answers are sent at once, at the latest.
const MAX_PENDING: usize = 64;

/// How much of the ring is to be free for answers that found no room.
const ANSWERS_ROOM: u32 = 512;

/// What one queue needs to receive.
pub(super) struct Receiving {
    /// Room for a message.
    pub(super) scratch: KVVec<u8>,
    pub(super) assembly: Assembly<KVVec<Piece>>,
    pub(super) tally: Tally,
    pub(super) completions: Completions,
    /// Whether the host is to say when there is room for them.
    awaits_room: bool,
}

impl Receiving {
    /// For a buffer that is divided like this.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(super) fn new(sections: Sections) -> Result<Self> {
        // CAST: Widening.
        let (len, count) = (sections.len as usize, sections.count as usize);
        let pieces = KVVec::from_elem(Piece::default(), MAX_PARTS, GFP_KERNEL)?;
        Ok(Self {
            scratch: KVVec::from_elem(0, len, GFP_KERNEL)?,
            assembly: Assembly::new(pieces),
            tally: Tally::default(),
            completions: Completions::new(count + 1)?,
            awaits_room: false,
        })
    }
}

impl Queue {
    /// The host put messages into the receive buffer. Returns how many.
    #[inline]
    pub(super) fn received(
        &self,
        packet: &Packet<'_>,
        receiving: &mut Receiving,
        round: &Round<'_>,
        endpoint: &Endpoint,
    ) -> u32 {
        if let Err(fault) = nvsp::expect_rndis(packet.payload) {
            self.shared.report("packet", fault);
            return 0;
        }
        let Some((header, ranges)) = TransferPages::parse(packet.header) else {
            self.shared
                .report("ranges", Fault::Short(packet.header.len()));
            return 0;
        };
        let set = header.set.get();
        if set != nvsp::RECEIVE_BUFFER_ID {
            self.shared.report("buffer", Fault::Kind(set.into()));
            return 0;
        }
        let Some(buffer) = self.shared.receive.as_ref() else {
            self.shared.report("early packet", Fault::Sequence);
            return 0;
        };
        let context = Context::new(self, round, endpoint, buffer);
        let mut status = Status::SUCCESS;
        let mut left = ranges;
        while let [range, rest @ ..] = left {
            left = rest;
            // CAST: Widening.
            let at = Piece {
                offset: range.offset.get() as usize,
                len: range.len.get() as usize,
            };
            if let Err(fault) = self.message(at, rest.is_empty(), receiving, &context) {
                receiving.assembly.reset();
                self.shared.report("RNDIS message", fault);
                status = Status::FAIL;
            }
        }
        self.answer_later(packet.transaction, status, receiving, endpoint);
        u32::try_from(ranges.len()).unwrap_or(u32::MAX)
    }

    /// Has the host be told that it can use a part of the receive buffer again.
    #[inline]
    fn answer_later(
        &self,
        transaction: u64,
        status: Status,
        receiving: &mut Receiving,
        endpoint: &Endpoint,
    ) {
        if receiving.completions.len() > MAX_PENDING {
            let _ = self.answer_all(receiving, endpoint);
        }
        let pending = Pending {
            transaction,
            status,
        };
        if receiving.completions.push(pending).is_none() {
            // The host sent more than fits into the buffer.
            // CAST: The lower half says enough.
            self.shared
                .report("number of packets", Fault::Count(transaction as u32));
        }
    }

    /// Tells the host which parts of the receive buffer it can use again.
    #[inline]
    pub(super) fn answer_all(
        &self,
        receiving: &mut Receiving,
        endpoint: &Endpoint,
    ) -> Result<(), SendError> {
        let completions = &mut receiving.completions;
        if completions.len() != 0 {
            let sent = endpoint.send_together(|ring| {
                while let Some(pending) = completions.first() {
                    let message = ReceiveComplete::new(pending.status);
                    ring.send_completion(message.as_bytes(), pending.transaction)?;
                    completions.pop();
                }
                Ok(())
            });
            if sent.and_then(|sent| sent).is_err() {
                self.shared.adapter.totals.rx_comp_busy.increment();
            }
        }
        // CAST: Less than the sections of a buffer.
        let left = completions.len() as u32;
        self.unanswered.store(left, Relaxed);
        if left != 0 {
            return Err(SendError::Full);
        }
        if self.shared.is_draining() {
            self.shared.drained();
        }
        Ok(())
    }

    /// Tells the host what can be told now. Returns whether there is room for what could not, which makes
    /// it worth while to try again at once. Where there is none the host says when there is, and one that
    /// never does, or whose index is not in the ring, does not keep a processor busy.
    #[inline]
    pub(super) fn answer_or_await(&self, receiving: &mut Receiving, endpoint: &Endpoint) -> bool {
        if self.answer_all(receiving, endpoint).is_err() {
            receiving.awaits_room = true;
            return endpoint.set_pending_send(ANSWERS_ROOM) == Ok(true);
        }
        if core::mem::take(&mut receiving.awaits_room) {
            // An error says that the ring is of no use any more.
            let _ = endpoint.set_pending_send(0);
        }
        false
    }
}
