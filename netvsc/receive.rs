// SPDX-License-Identifier: GPL-2.0

//! Messages of the host, and the frames in them.
//!
//! The host can change the receive buffer at any time. The start of a message is copied once and
//! checked; so is the information about a frame; the frame itself is copied once into a packet for
//! the stack, whatever it is.

use super::{
    completions::{
        Completions,
        Pending, //
    },
    dump,
    net::{
        napi::Round,
        skb::Skb,
        Features, //
    },
    queue::Queue,
    sys::trace,
    wire::{
        frame::{
            Parts,
            START_LEN, //
        },
        info::FrameInfo,
        nvsp::{
            self,
            ReceiveComplete,
            Sections,
            Status, //
        },
        rndis::{
            Header,
            Indication,
            MessageType, //
        },
        rsc::{
            Assembly,
            Frame,
            Piece,
            MAX_PARTS, //
        },
        Fault, //
    },
    xdp::Fate,
};
use kernel::{
    prelude::*,
    sync::atomic::Relaxed, //
};
use vmbus::{
    ring::HostMemory,
    wire::packet::TransferPages,
    Endpoint,
    Packet,
    SendError, //
};

/// So many answers are sent at once, at the latest.
const MAX_PENDING: usize = 64;

/// How much of the ring is to be free for answers that found no room.
const ANSWERS_ROOM: u32 = 512;

/// What polls, and the channel that is polled.
pub(super) type Context<'a> = (&'a Round<'a>, &'a Endpoint);

/// What one queue needs to receive.
pub(super) struct Receiving {
    /// Room for the information about a frame.
    scratch: KVVec<u8>,
    assembly: Assembly<KVVec<Piece>>,
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
        let mut status = Status::SUCCESS;
        let last = ranges.len().wrapping_sub(1);
        for (index, range) in ranges.iter().enumerate() {
            // CAST: Widening.
            let piece = Piece {
                offset: range.offset.get() as usize,
                len: range.len.get() as usize,
            };
            if let Err(fault) = self.message(piece, index == last, receiving, (round, endpoint)) {
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

    /// Deals with one message in the receive buffer.
    ///
    /// # Errors
    ///
    /// The message makes no sense, or there is no memory for the frame in it.
    #[inline]
    fn message(
        &self,
        at: Piece,
        is_last: bool,
        receiving: &mut Receiving,
        context: Context<'_>,
    ) -> Result<(), Fault> {
        let result = self.try_message(at, is_last, receiving, context);
        if result.is_err() {
            receiving.assembly.reset();
        }
        result
    }

    #[inline]
    fn try_message(
        &self,
        at: Piece,
        is_last: bool,
        receiving: &mut Receiving,
        context: Context<'_>,
    ) -> Result<(), Fault> {
        let buffer = self.shared.receive.as_ref().ok_or(Fault::Sequence)?;
        if !buffer.contains(at.offset, at.len) {
            // CAST: It came as 32 bits.
            return Err(Fault::Offset(at.offset as u32));
        }
        let memory = buffer.memory();
        let mut start = [0; START_LEN];
        let start = copy_start(memory, at, &mut start)?;
        let header = Header::parse(start, at.len)?;
        let net = self.shared.net();
        let id = start.get(8..).and_then(<[u8]>::first_chunk).copied();
        trace::rndis_recv(net, self.index, id.map_or(0, u32::from_le_bytes), &header);
        dump::received(net, &header, start);
        match header.kind {
            MessageType::PACKET => self.frame(memory, at, start, is_last, receiving, context),
            MessageType::INITIALIZE_COMPLETE
            | MessageType::QUERY_COMPLETE
            | MessageType::SET_COMPLETE => {
                // CAST: Not more than the length of the section, as was checked.
                let len = header.len as usize;
                self.shared.control.answered(memory, at.offset, len)
            }
            MessageType::INDICATE => self.indicated(memory, at, &header, receiving),
            MessageType(other) => Err(Fault::Kind(other)),
        }
    }

    /// A message that says something about the link.
    fn indicated(
        &self,
        memory: &HostMemory,
        at: Piece,
        header: &Header,
        receiving: &mut Receiving,
    ) -> Result<(), Fault> {
        let short = Fault::Short(at.len);
        let copy = receiving.scratch.get_mut(..at.len).ok_or(short)?;
        memory.copy_out(at.offset, copy).ok_or(short)?;
        let indication = Indication::parse(header, copy)?;
        self.shared.adapter.link_changed(indication);
        Ok(())
    }

    /// A message with a frame, or a part of one.
    #[inline]
    fn frame(
        &self,
        memory: &HostMemory,
        at: Piece,
        start: &[u8],
        is_last: bool,
        receiving: &mut Receiving,
        context: Context<'_>,
    ) -> Result<(), Fault> {
        let parts = Parts::parse(start, at.len)?;
        let short = Fault::Short(at.len);
        let list = receiving.scratch.get_mut(..parts.info.len()).ok_or(short)?;
        let info_at = at.offset.checked_add(parts.info.start).ok_or(short)?;
        memory.copy_out(info_at, list).ok_or(short)?;
        let info = FrameInfo::parse(list)?;
        let piece = Piece {
            offset: at.offset.checked_add(parts.frame.start).ok_or(short)?,
            len: parts.frame.len(),
        };
        match receiving.assembly.add(piece, &info, is_last)? {
            Some(frame) => self.deliver(memory, &frame, context),
            None => Ok(()),
        }
    }

    /// Gives a frame to the stack, unless a program wants something else.
    #[inline]
    fn deliver(
        &self,
        memory: &HostMemory,
        frame: &Frame<'_>,
        (round, endpoint): Context<'_>,
    ) -> Result<(), Fault> {
        if !self.shared.net().is_running() {
            return Ok(());
        }
        let skb = match self.show_to_program(memory, frame, round).transpose()? {
            None => copy_frame(memory, frame, round),
            Some(Fate::Receive(skb)) => Some(skb),
            Some(Fate::Return(skb)) => {
                self.send_back(skb, frame, endpoint);
                return Ok(());
            }
            Some(Fate::Done) => return Ok(()),
        };
        let Some(skb) = skb else {
            self.shared.adapter.totals.rx_no_memory.increment();
            return Err(Fault::Short(frame.len));
        };
        // The lowest bit of the destination's address says that it is more than one.
        let is_multicast = skb.linear().first().is_some_and(|byte| byte & 1 != 0);
        let skb = self.describe(skb, frame.info)?;
        if let Some(counters) = self.counters() {
            counters.rx_packets.add_alone(1);
            // CAST: Widening.
            counters.rx_bytes.add_alone(frame.len as u64);
            if is_multicast {
                counters.rx_multicast.add_alone(1);
            }
        }
        round.receive(skb);
        Ok(())
    }

    /// Tells the stack what the host said about a frame.
    #[inline]
    fn describe(&self, mut skb: Skb, info: &FrameInfo) -> Result<Skb, Fault> {
        const ETH_P_IP: u16 = 0x0800;

        let net = self.shared.net();
        let features = net.features();
        let short = Fault::Short(skb.linear().len());
        skb.take_ethernet_header(net).map_err(|_| short)?;
        if let Some(checksum) = info.checksum {
            if checksum.is_ip_missing() && skb.protocol() == ETH_P_IP {
                skb.compute_ip_checksum().map_err(|_| short)?;
            }
            if checksum.is_transport_right() && features.contains(Features::RXCSUM) {
                skb.set_checksum_good();
            }
        }
        if let Some(hash) = info.hash.filter(|_| features.contains(Features::RXHASH)) {
            skb.set_hash(hash);
        }
        if let Some(vlan) = info.vlan {
            skb.set_vlan(vlan.tci());
        }
        skb.set_rx_queue(self.index);
        Ok(skb)
    }
}

/// Copies the start of a message; less than there is room for if the message is shorter.
#[inline]
fn copy_start<'a>(
    memory: &HostMemory,
    at: Piece,
    room: &'a mut [u8; START_LEN],
) -> Result<&'a [u8], Fault> {
    let short = Fault::Short(at.len);
    let start = room.get_mut(..at.len.min(START_LEN)).ok_or(short)?;
    memory.copy_out(at.offset, start).ok_or(short)?;
    Ok(start)
}

/// Copies a frame into a packet for the stack; [`None`] if there is no memory.
#[inline]
fn copy_frame(memory: &HostMemory, frame: &Frame<'_>, round: &Round<'_>) -> Option<Skb> {
    let mut skb = round.alloc_skb(u32::try_from(frame.len).ok()?)?;
    for piece in frame.pieces {
        let room = skb.put(piece.len).ok()?;
        memory.copy_out_uninit(piece.offset, room)?;
    }
    Some(skb)
}
