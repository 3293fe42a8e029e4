// SPDX-License-Identifier: GPL-2.0

//! Small frames that share a section of the send buffer, and large ones that stay where they are.
//!
//! As long as the stack says that more frames follow at once, small ones are copied one after the
//! other into a section, up to as many as the host takes. The host gets them as one packet. Of a
//! frame that does not fit any more, the start may still go there, and the frame itself stays in its
//! pages, as do all frames that are larger than a section.
//!
//! A frame is given back to the stack when there is no room in the ring. Frames that are in a
//! section already stay there then, and go with the next one, which is the one that was given back.

use super::{
    buffers::SendBuffer,
    net::{
        log::netdev_err,
        skb::Skb,
        Segment,
        Way, //
    },
    queue::{
        InHost,
        Queue, //
    },
    shared::Packing,
    sys::Section,
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
    Endpoint,
    GpaList,
    SendError, //
};

/// The share of the ring that is to be free, in percent, for a queue not to be stopped.
const STOP_BELOW: u32 = 10;

/// The most pieces of a frame: its start, its linear part, and its fragments.
const MAX_SEGMENTS: usize = 20;

/// The most pages of a packet.
const MAX_PAGES: u64 = GpaList::MAX_PAGES as u64;

static ZEROS: [u8; 4096] = [0; 4096];

/// Frames in a section, which wait for more.
pub(super) struct Batch {
    section: u32,
    /// The bytes in the section.
    used: usize,
    frames: u32,
    bytes: u32,
    /// The last frame.
    skb: Skb,
}

/// What is in a section.
#[derive(Clone, Copy)]
struct Load {
    section: u32,
    used: usize,
    frames: u32,
    bytes: u32,
}

impl Batch {
    fn split(self) -> (Load, Skb) {
        let load = Load {
            section: self.section,
            used: self.used,
            frames: self.frames,
            bytes: self.bytes,
        };
        (load, self.skb)
    }
}

impl Load {
    const fn empty(section: u32) -> Self {
        Self {
            section,
            used: 0,
            frames: 0,
            bytes: 0,
        }
    }

    fn with(self, skb: Skb) -> Batch {
        Batch {
            section: self.section,
            used: self.used,
            frames: self.frames,
            bytes: self.bytes,
            skb,
        }
    }

    /// With one more frame of `bytes` bytes, that takes `len` bytes of the section.
    fn and(self, len: usize, bytes: u32) -> Self {
        Self {
            section: self.section,
            used: self.used + len,
            frames: self.frames.wrapping_add(1),
            bytes: self.bytes.wrapping_add(bytes),
        }
    }

    // CAST: Less than the length of a section, which is a 32-bit number.
    fn message(&self) -> Message {
        Message::rndis(RndisPacket::in_section(self.section, self.used as u32))
    }
}

/// Why a frame was not sent.
pub(super) enum Unsent {
    /// There is no room now, and the queue is stopped.
    Busy(Skb),
    /// It was dropped.
    Dropped,
}

/// Where and how frames are sent.
struct Path<'a> {
    endpoint: &'a Endpoint,
    way: Way<'a>,
    buffer: &'a SendBuffer,
    packing: &'a Packing,
}

impl Queue {
    /// Sends a frame, or keeps it until the next one.
    #[inline]
    pub(super) fn send(
        &self,
        skb: Skb,
        start: Start,
        way: Way<'_>,
        endpoint: &Endpoint,
    ) -> Result<(), Unsent> {
        let shared = &self.shared;
        let (Some(buffer), Some(packing)) = (shared.send.as_ref(), shared.packing.as_ref()) else {
            return Err(Unsent::Dropped);
        };
        let path = Path {
            endpoint,
            way,
            buffer,
            packing,
        };
        let mut batch = self.batch.lock();
        let open = batch.take();
        let (result, left) = self.dispatch(skb, start, &path, open);
        *batch = left;
        result
    }

    /// Finds the place for a frame. Returns what waits for the next one.
    #[inline]
    fn dispatch(
        &self,
        skb: Skb,
        start: Start,
        path: &Path<'_>,
        open: Option<Batch>,
    ) -> (Result<(), Unsent>, Option<Batch>) {
        // CAST: Widening.
        let total = start.message_len() as usize;
        let room = path.buffer.section_len();
        let needed = total.saturating_add(path.packing.alignment);
        if let Some(open) = open {
            if open.frames < path.packing.max_frames {
                if open.used.saturating_add(needed) < room {
                    return self.append(skb, start, path, open);
                }
                if open.used.saturating_add(start.as_bytes().len()) < room {
                    return self.append_start(skb, start, path, open);
                }
            }
            if let Err(open) = self.flush(path, open) {
                return (Err(self.full(skb, path)), Some(open));
            }
        }
        if needed < room {
            if let Some(section) = path.buffer.take(usize::from(self.index)) {
                return self.begin(skb, start, path, section);
            }
            self.shared.adapter.totals.tx_send_full.increment();
        }
        (self.send_in_place(skb, start, path), None)
    }

    /// Sends frames that waited. Gives them back if there is no room.
    fn flush(&self, path: &Path<'_>, open: Batch) -> Result<(), Batch> {
        let (load, skb) = open.split();
        match self.send_load(path, load, skb) {
            Ok(()) => Ok(()),
            Err((SendError::Full, skb)) => Err(load.with(skb)),
            Err((error, skb)) => {
                path.buffer.give_back(load.section);
                let _ = self.lost(error, skb);
                Ok(())
            }
        }
    }

    /// Copies a frame into a new section.
    #[inline]
    fn begin(
        &self,
        skb: Skb,
        start: Start,
        path: &Path<'_>,
        section: u32,
    ) -> (Result<(), Unsent>, Option<Batch>) {
        let empty = Load::empty(section);
        let Some((load, skb)) = self.copy(skb, start, path, empty) else {
            path.buffer.give_back(section);
            return (Err(Unsent::Dropped), None);
        };
        if self.may_wait(path) {
            return (Ok(()), Some(load.with(skb)));
        }
        match self.send_load(path, load, skb) {
            Ok(()) => (Ok(()), None),
            Err((error, skb)) => {
                path.buffer.give_back(section);
                (Err(self.unsent(error, skb, path)), None)
            }
        }
    }

    /// Copies a frame to others in a section.
    #[inline]
    fn append(
        &self,
        skb: Skb,
        start: Start,
        path: &Path<'_>,
        open: Batch,
    ) -> (Result<(), Unsent>, Option<Batch>) {
        let (before, last) = open.split();
        let Some((load, skb)) = self.copy(skb, start, path, before) else {
            return (Err(Unsent::Dropped), Some(before.with(last)));
        };
        if self.may_wait(path) {
            last.consume();
            return (Ok(()), Some(load.with(skb)));
        }
        match self.send_load(path, load, skb) {
            Ok(()) => {
                last.consume();
                (Ok(()), None)
            }
            Err((error, skb)) => self.take_apart(error, skb, path, before.with(last)),
        }
    }

    /// Copies the start of a frame to others in a section, and sends all.
    fn append_start(
        &self,
        skb: Skb,
        start: Start,
        path: &Path<'_>,
        open: Batch,
    ) -> (Result<(), Unsent>, Option<Batch>) {
        let (before, last) = open.split();
        let head = start.as_bytes();
        let section = Section::new(
            path.buffer.memory(),
            before.section,
            path.buffer.section_len(),
        );
        let written = section.and_then(|section| section.write(before.used, head));
        let prepared = written.and_then(|()| self.pages(skb, 0));
        let Some((mut skb, list)) = prepared else {
            return (Err(Unsent::Dropped), Some(before.with(last)));
        };
        skb.timestamp();
        let load = before.and(head.len(), skb.len());
        match self.send_pages(path, load, Some(load.section), skb, &list) {
            Ok(()) => {
                last.consume();
                (Ok(()), None)
            }
            Err((error, skb)) => self.take_apart(error, skb, path, before.with(last)),
        }
    }

    /// What becomes of frames in a section when one that was to go with them was not sent.
    #[cold]
    fn take_apart(
        &self,
        error: SendError,
        skb: Skb,
        path: &Path<'_>,
        before: Batch,
    ) -> (Result<(), Unsent>, Option<Batch>) {
        if error == SendError::Full {
            return (Err(self.full(skb, path)), Some(before));
        }
        path.buffer.give_back(before.section);
        (Err(self.lost(error, skb)), None)
    }

    /// Sends a frame from where it is.
    fn send_in_place(&self, skb: Skb, start: Start, path: &Path<'_>) -> Result<(), Unsent> {
        let head = start.as_bytes();
        let Some((mut skb, list)) = self.place(skb, head) else {
            return Err(Unsent::Dropped);
        };
        skb.timestamp();
        let load = Load::empty(0).and(0, skb.len());
        self.send_pages(path, load, None, skb, &list)
            .map_err(|(error, skb)| self.unsent(error, skb, path))
    }

    /// Writes the start of a message before its frame.
    fn place(&self, mut skb: Skb, head: &[u8]) -> Option<(Skb, GpaList)> {
        let Ok(room) = skb.head_mut(head.len()) else {
            self.shared.adapter.totals.tx_no_memory.increment();
            return None;
        };
        room.copy_from_slice(head);
        // Putting the frame into one piece leaves its start behind.
        let (mut skb, list) = self.pages(skb, u32::try_from(head.len()).ok()?)?;
        skb.head_mut(head.len()).ok()?.copy_from_slice(head);
        Some((skb, list))
    }

    /// The pages that a frame is in, together with the `head` bytes of its message that are before
    /// it; [`None`] if they are too many, or there is no memory to put them into one piece.
    fn pages(&self, mut skb: Skb, head: u32) -> Option<(Skb, GpaList)> {
        if let Some(list) = list_of(&skb, head) {
            return Some((skb, list));
        }
        let totals = &self.shared.adapter.totals;
        totals.tx_scattered.increment();
        if skb.linearize().is_err() || skb.head_mut(head as usize).is_err() {
            totals.tx_no_memory.increment();
            return None;
        }
        let Some(list) = list_of(&skb, head) else {
            totals.tx_too_big.increment();
            return None;
        };
        Some((skb, list))
    }

    /// Copies a frame with its start to what is in a section; [`None`] if that was not possible.
    #[inline]
    fn copy(
        &self,
        mut skb: Skb,
        mut start: Start,
        path: &Path<'_>,
        before: Load,
    ) -> Option<(Load, Skb)> {
        let padding = if self.may_wait(path) {
            // CAST: Widening.
            let last = start.message_len() as usize % path.packing.alignment;
            (path.packing.alignment - last) % path.packing.alignment
        } else {
            0
        };
        // CAST: Less than 2^12.
        start.pad(padding as u32);
        let section = Section::new(
            path.buffer.memory(),
            before.section,
            path.buffer.section_len(),
        )?;
        let head = start.as_bytes();
        section.write(before.used, head)?;
        let (at, len) = (before.used + head.len(), skb.len());
        skb.copy_to(0, len, &section, at).ok()?;
        // CAST: Widening.
        section.write(at + len as usize, ZEROS.get(..padding)?)?;
        skb.timestamp();
        // CAST: Widening.
        Some((before.and(start.message_len() as usize, len), skb))
    }

    /// Whether a frame may wait for the next one.
    #[inline]
    fn may_wait(&self, path: &Path<'_>) -> bool {
        path.way.more && !path.way.queue.is_stopped()
    }

    /// Sends what is in a section.
    #[inline]
    fn send_load(&self, path: &Path<'_>, load: Load, skb: Skb) -> Result<(), (SendError, Skb)> {
        let message = load.message();
        self.post(path, load, Some(load.section), skb, |id| {
            path.endpoint.send_inband(message.as_bytes(), id, true)
        })
    }

    /// Sends pages, and what is in a section before them.
    fn send_pages(
        &self,
        path: &Path<'_>,
        load: Load,
        section: Option<u32>,
        skb: Skb,
        list: &GpaList,
    ) -> Result<(), (SendError, Skb)> {
        let message = match section {
            Some(_) => load.message(),
            None => Message::rndis(RndisPacket::DIRECT),
        };
        self.post(path, load, section, skb, |id| {
            path.endpoint.send_gpa_list(list, message.as_bytes(), id)
        })
    }

    /// Sends a packet with `send`, which is given its name.
    #[inline]
    fn post(
        &self,
        path: &Path<'_>,
        load: Load,
        section: Option<u32>,
        skb: Skb,
        send: impl FnOnce(u64) -> Result<(), SendError>,
    ) -> Result<(), (SendError, Skb)> {
        let free = path.endpoint.send_free_percent();
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
        if let Err(error) = send(id) {
            self.outstanding.fetch_sub(1, Full);
            // Nobody but the host could have taken it, which has not been told its name.
            return match self.in_host.take(id) {
                Some(packet) => Err((error, packet.skb)),
                None => Ok(()),
            };
        }
        if free < STOP_BELOW {
            self.stop(path);
            self.wake_if_idle(path);
        }
        Ok(())
    }

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
    fn full(&self, skb: Skb, path: &Path<'_>) -> Unsent {
        self.stop(path);
        if self.wake_if_idle(path) {
            self.shared.adapter.totals.tx_no_space.increment();
            return Unsent::Dropped;
        }
        Unsent::Busy(skb)
    }

    #[cold]
    fn unsent(&self, error: SendError, skb: Skb, path: &Path<'_>) -> Unsent {
        match error {
            SendError::Full => self.full(skb, path),
            error => self.lost(error, skb),
        }
    }

    #[cold]
    fn lost(&self, error: SendError, skb: Skb) -> Unsent {
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

/// The pages that a frame is in, together with the `head` bytes before it.
fn list_of(skb: &Skb, head: u32) -> Option<GpaList> {
    const PAGE: u64 = HV_PAGE_SIZE as u64;

    let mut room: [MaybeUninit<Segment>; MAX_SEGMENTS] =
        [const { MaybeUninit::uninit() }; MAX_SEGMENTS];
    let mut list = GpaList::new();
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
    Some(list)
}
