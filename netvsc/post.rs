// SPDX-License-Identifier: GPL-2.0

//! Packets with frames, on their way into the ring: from a section of the send buffer, or from the
//! pages that a frame is in.

use super::{
    batch::{
        Load,
        Path,
        Unsent, //
    },
    net::{
        log::netdev_err,
        skb::Skb,
        Segment, //
    },
    queue::{
        InHost,
        Queue, //
    },
    sys::trace,
    wire::{
        frame::Start,
        nvsp::{
            Message,
            RndisPacket, //
        },
    },
};
use core::mem::MaybeUninit;
use kernel::{
    prelude::*,
    sync::atomic::{
        Full,
        Relaxed, //
    },
};
use vmbus::{
    ratelimit,
    wire::HV_PAGE_SIZE,
    GpaList,
    SendError, //
};

/// The share of the ring that is to be free, in percent, for a queue not to be stopped.
const STOP_BELOW: u32 = 10;

/// The most pieces of a frame: its start, its linear part, and its fragments.
const MAX_SEGMENTS: usize = 20;

/// The most pages of a packet.
const MAX_PAGES: u64 = GpaList::MAX_PAGES as u64;

impl Path<'_> {
    /// Whether the queue is to be stopped when a packet has been sent.
    #[inline]
    fn is_scarce(&self) -> bool {
        !self.endpoint.is_send_free_above(STOP_BELOW - 1)
    }
}

impl Queue {
    /// Sends a frame from where it is.
    pub(super) fn send_in_place(
        &self,
        skb: Skb,
        start: &Start,
        path: &Path<'_>,
    ) -> Result<(), Unsent> {
        let mut list = GpaList::new();
        let Some(mut skb) = self.place(skb, start.as_bytes(), &mut list) else {
            return Err(Unsent::Dropped);
        };
        skb.timestamp();
        let load = Load::empty(0).and(0, skb.len());
        self.send_pages(path, load, None, skb, &list)
            .map_err(|(error, skb)| self.unsent(error, skb, path))
    }

    /// Writes the start of a message before its frame, and lists the pages of both.
    fn place(&self, mut skb: Skb, head: &[u8], list: &mut GpaList) -> Option<Skb> {
        let Ok(room) = skb.head_mut(head.len()) else {
            self.shared.adapter.totals.tx_no_memory.increment();
            return None;
        };
        room.copy_from_slice(head);
        let len = u32::try_from(head.len()).ok()?;
        if list_pages(&skb, len, list).is_some() {
            return Some(skb);
        }
        // Putting the frame into one piece leaves its start behind.
        let mut skb = self.pages_of_one_piece(skb, len, list)?;
        skb.head_mut(head.len()).ok()?.copy_from_slice(head);
        Some(skb)
    }

    /// Lists the pages that a frame is in; [`None`] if they are too many, or there is no memory to put
    /// them into one piece.
    #[inline]
    pub(super) fn pages(&self, skb: Skb, list: &mut GpaList) -> Option<Skb> {
        if list_pages(&skb, 0, list).is_some() {
            return Some(skb);
        }
        self.pages_of_one_piece(skb, 0, list)
    }

    /// The same of a frame that is in too many pieces, together with the `head` bytes before it.
    #[cold]
    fn pages_of_one_piece(&self, mut skb: Skb, head: u32, list: &mut GpaList) -> Option<Skb> {
        let totals = &self.shared.adapter.totals;
        totals.tx_scattered.increment();
        if skb.linearize().is_err() || skb.head_mut(head as usize).is_err() {
            totals.tx_no_memory.increment();
            return None;
        }
        *list = GpaList::new();
        if list_pages(&skb, head, list).is_none() {
            totals.tx_too_big.increment();
            return None;
        }
        Some(skb)
    }

    /// Sends what is in a section.
    #[inline(always)]
    pub(super) fn send_load(
        &self,
        path: &Path<'_>,
        load: Load,
        skb: Skb,
    ) -> Result<(), (SendError, Skb)> {
        let packet = load.packet();
        trace::nvsp_send_packet(self.shared.net(), self.index, &packet);
        let message = Message::rndis(packet);
        let is_scarce = path.is_scarce();
        let id = self.book(path, load, Some(load.section), skb)?;
        let sent = path.endpoint.send_inband(message.as_bytes(), id, true);
        self.posted(path, id, sent, is_scarce)
    }

    /// Sends pages, and what is in a section before them.
    pub(super) fn send_pages(
        &self,
        path: &Path<'_>,
        load: Load,
        section: Option<u32>,
        skb: Skb,
        list: &GpaList,
    ) -> Result<(), (SendError, Skb)> {
        let packet = match section {
            Some(_) => load.packet(),
            None => RndisPacket::DIRECT,
        };
        trace::nvsp_send_packet(self.shared.net(), self.index, &packet);
        let message = Message::rndis(packet);
        let is_scarce = path.is_scarce();
        let id = self.book(path, load, section, skb)?;
        let sent = path.endpoint.send_gpa_list(list, message.as_bytes(), id);
        self.posted(path, id, sent, is_scarce)
    }

    /// Keeps the frames of a packet that is about to be sent, and returns its name.
    #[inline(always)]
    fn book(
        &self,
        path: &Path<'_>,
        load: Load,
        section: Option<u32>,
        skb: Skb,
    ) -> Result<u64, (SendError, Skb)> {
        let packet = InHost {
            skb,
            section,
            queue: path.way.index,
            frames: load.frames,
            bytes: load.bytes,
        };
        let id = match self.in_host.insert(packet) {
            Ok(id) => id,
            Err(packet) => return Err((SendError::Full, packet.skb)),
        };
        self.outstanding.fetch_add(1u32, Full);
        Ok(id)
    }

    /// Sees to what follows from sending a packet: it was not sent, or room was scarce before.
    #[inline(always)]
    fn posted(
        &self,
        path: &Path<'_>,
        id: u64,
        sent: Result<(), SendError>,
        is_scarce: bool,
    ) -> Result<(), (SendError, Skb)> {
        if let Err(error) = sent {
            return self.unbook(id, error);
        }
        if is_scarce {
            self.stop(path);
            self.wake_if_idle(path);
        }
        Ok(())
    }

    #[cold]
    fn unbook(&self, id: u64, error: SendError) -> Result<(), (SendError, Skb)> {
        self.outstanding.fetch_sub(1, Full);
        // Nobody but the host could have taken it, which has not been told its name.
        match self.in_host.take(id) {
            Some(packet) => Err((error, packet.skb)),
            None => Ok(()),
        }
    }

    #[cold]
    fn stop(&self, path: &Path<'_>) {
        path.way.queue.stop();
        self.shared.adapter.totals.stop_queue.increment();
    }

    /// Wakes a stopped queue that no completion will wake. Returns whether it did.
    fn wake_if_idle(&self, path: &Path<'_>) -> bool {
        let is_idle = path.way.queue.is_stopped()
            && self.outstanding.load(Relaxed) == 0
            && self.shared.is_sending();
        if is_idle {
            path.way.queue.wake();
            self.shared.adapter.totals.wake_queue.increment();
        }
        is_idle
    }

    /// There is no room for a frame. It is given back, unless nothing would make room.
    #[cold]
    pub(super) fn full(&self, skb: Skb, path: &Path<'_>) -> Unsent {
        self.stop(path);
        if self.wake_if_idle(path) {
            self.shared.adapter.totals.tx_no_space.increment();
            return Unsent::Dropped;
        }
        Unsent::Busy(skb)
    }

    #[cold]
    pub(super) fn unsent(&self, error: SendError, skb: Skb, path: &Path<'_>) -> Unsent {
        match error {
            SendError::Full => self.full(skb, path),
            error => self.lost(error, skb),
        }
    }

    #[cold]
    pub(super) fn lost(&self, error: SendError, skb: Skb) -> Unsent {
        if error != SendError::Closed && ratelimit::allowed() {
            netdev_err!(
                self.shared.net(),
                "Unable to send packet len {}: {:?}\n",
                skb.len(),
                error
            );
        }
        Unsent::Dropped
    }
}

/// Adds the pages that a frame is in, together with the `head` bytes before it, to an empty list.
#[inline(always)]
fn list_pages(skb: &Skb, head: u32, list: &mut GpaList) -> Option<()> {
    const PAGE: u64 = HV_PAGE_SIZE as u64;

    let mut room: [MaybeUninit<Segment>; MAX_SEGMENTS] =
        [const { MaybeUninit::uninit() }; MAX_SEGMENTS];
    let mut pages = 0;
    for segment in skb.segments(head, &mut room)? {
        // CAST: Less than the size of a page.
        let offset = (segment.address % PAGE) as u32;
        pages += (u64::from(offset) + u64::from(segment.len)).div_ceil(PAGE);
        if pages > MAX_PAGES {
            return None;
        }
        list.push(segment.address / PAGE, offset, segment.len)?;
    }
    Some(())
}
