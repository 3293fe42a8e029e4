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
        skb::Skb,
        Way, //
    },
    queue::Queue,
    shared::Packing,
    sys::Section,
    wire::{frame::Start, nvsp::RndisPacket},
};
use vmbus::{
    Endpoint,
    GpaList,
    SendError, //
};

/// What frames are filled up with.
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
pub(super) struct Load {
    pub(super) section: u32,
    used: usize,
    pub(super) frames: u32,
    pub(super) bytes: u32,
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
    pub(super) const fn empty(section: u32) -> Self {
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
    pub(super) fn and(self, len: usize, bytes: u32) -> Self {
        Self {
            section: self.section,
            used: self.used + len,
            frames: self.frames.wrapping_add(1),
            bytes: self.bytes.wrapping_add(bytes),
        }
    }

    // CAST: Less than the length of a section, which is a 32-bit number.
    pub(super) fn packet(&self) -> RndisPacket {
        RndisPacket::in_section(self.section, self.used as u32)
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
pub(super) struct Path<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) way: Way<'a>,
    buffer: &'a SendBuffer,
    packing: &'a Packing,
}

impl Queue {
    /// Sends a frame, or keeps it until the next one.
    #[inline(always)]
    pub(super) fn send(
        &self,
        skb: Skb,
        start: &mut Start,
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
        let (result, left) = match batch.take() {
            Some(open) => self.go_on(skb, start, &path, open),
            None => self.dispatch(skb, start, &path),
        };
        if left.is_some() {
            *batch = left;
        }
        result
    }

    /// Finds the place for a frame when others wait for it. Returns what waits for the next one.
    fn go_on(
        &self,
        skb: Skb,
        start: &mut Start,
        path: &Path<'_>,
        open: Batch,
    ) -> (Result<(), Unsent>, Option<Batch>) {
        // CAST: Widening.
        let total = start.message_len() as usize;
        let room = path.buffer.section_len();
        let needed = total.saturating_add(path.packing.alignment);
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
        self.dispatch(skb, start, path)
    }

    /// Finds the place for a frame when none waits. Returns what waits for the next one.
    #[inline(always)]
    fn dispatch(
        &self,
        skb: Skb,
        start: &mut Start,
        path: &Path<'_>,
    ) -> (Result<(), Unsent>, Option<Batch>) {
        // CAST: Widening.
        let total = start.message_len() as usize;
        let needed = total.saturating_add(path.packing.alignment);
        if needed < path.buffer.section_len() {
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
                self.shared.adapter.totals.tx_dropped.increment();
                let _ = self.lost(error, skb);
                Ok(())
            }
        }
    }

    /// Copies a frame into a new section.
    #[inline(always)]
    fn begin(
        &self,
        skb: Skb,
        start: &mut Start,
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
        start: &mut Start,
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
        start: &mut Start,
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
        let mut list = GpaList::new();
        let prepared = written.and_then(|()| self.pages(skb, &mut list));
        let Some(mut skb) = prepared else {
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

    /// Copies a frame with its start to what is in a section; [`None`] if that was not possible.
    #[inline(always)]
    fn copy(
        &self,
        mut skb: Skb,
        start: &mut Start,
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
        if padding != 0 {
            section.write(at + len as usize, ZEROS.get(..padding)?)?;
        }
        skb.timestamp();
        // CAST: Widening.
        Some((before.and(start.message_len() as usize, len), skb))
    }

    /// Whether a frame may wait for the next one.
    #[inline(always)]
    fn may_wait(&self, path: &Path<'_>) -> bool {
        path.way.more && !path.way.queue.is_stopped()
    }
}
