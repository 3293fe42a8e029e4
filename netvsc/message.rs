// SPDX-License-Identifier: GPL-2.0

//! RNDIS messages of the host in the receive buffer.
//!
//! The host can change the buffer at any time. The start of a message is copied once and checked;
//! so is the information about a frame; the frame itself is copied once into a packet for the stack,
//! whatever it is.

use super::{
    buffers::ReceiveBuffer,
    deliver::Context,
    dump,
    queue::Queue,
    receive::Receiving,
    sys::trace,
    wire::{
        frame::{
            Head,
            Parts,
            START_LEN, //
        },
        info::{
            FrameInfo,
            Info,
            INFO_LEN, //
        },
        rndis::{
            Header,
            Indication,
            MessageType, //
        },
        rsc::Piece,
        Fault, //
    },
};
use vmbus::ring::HostMemory;
use zerocopy::{
    FromZeros,
    IntoBytes, //
};

impl Queue {
    /// Deals with one message in the receive buffer. `is_last` says that it is the last one of a
    /// packet.
    ///
    /// # Errors
    ///
    /// The message makes no sense, or there is no memory for the frame in it.
    #[inline(never)]
    pub(super) fn message(
        &self,
        at: Piece,
        is_last: bool,
        receiving: &mut Receiving,
        context: &Context<'_>,
    ) -> Result<(), Fault> {
        let buffer = context.buffer;
        if !buffer.contains(at.offset, at.len) {
            // CAST: It came as 32 bits.
            return Err(Fault::Offset(at.offset as u32));
        }
        // What is shorter is no frame.
        if at.len < START_LEN {
            return self.short_message(buffer, at, receiving);
        }
        let memory = buffer.memory();
        let head = memory.copy_out_value::<Head>(at.offset);
        let head = head.ok_or(Fault::Short(at.len))?;
        let header = self.header(head, at.len)?;
        if header.kind != MessageType::PACKET {
            return self.control_message(buffer, at, header, receiving);
        }
        let parts = Parts::parse(&head.packet, at.len)?;
        let within = |part: Piece| Piece {
            offset: at.offset.wrapping_add(part.offset),
            len: part.len,
        };
        let mut info = FrameInfo::default();
        if !read_plain_info(&mut info, memory, within(parts.info)) {
            info = copy_info(memory, within(parts.info), &mut receiving.scratch)?;
        }
        let piece = within(parts.frame);
        match info.part() {
            None => {
                receiving.assembly.reset();
                self.deliver(piece, &info, &mut receiving.tally, context)
            }
            Some(part) => match receiving.assembly.add(part, piece, &info, is_last)? {
                Some(frame) => self.deliver_parts(&frame, &mut receiving.tally, context),
                None => Ok(()),
            },
        }
    }

    /// Checks what each message begins with.
    #[inline(always)]
    fn header(&self, head: Head, available: usize) -> Result<Header, Fault> {
        let header = head.header.check(available)?;
        let net = self.shared.net();
        // In messages without a frame, that is their name.
        let id = head.packet.data_offset;
        trace::rndis_recv(net, self.index, id, header);
        dump::received(net, head);
        Ok(header)
    }

    /// A message that is shorter than the beginning of one with a frame: zeros are in the place of
    /// what is missing.
    #[cold]
    fn short_message(
        &self,
        buffer: &ReceiveBuffer,
        at: Piece,
        receiving: &mut Receiving,
    ) -> Result<(), Fault> {
        let mut head = Head::new_zeroed();
        let start = head.as_mut_bytes().get_mut(..at.len);
        let copied = start.and_then(|start| buffer.memory().copy_out(at.offset, start));
        copied.ok_or(Fault::Short(at.len))?;
        let header = self.header(head, at.len)?;
        self.control_message(buffer, at, header, receiving)
    }

    /// A message without a frame.
    #[cold]
    fn control_message(
        &self,
        buffer: &ReceiveBuffer,
        at: Piece,
        header: Header,
        receiving: &mut Receiving,
    ) -> Result<(), Fault> {
        match header.kind {
            MessageType::PACKET => Err(Fault::Short(at.len)),
            MessageType::INITIALIZE_COMPLETE
            | MessageType::QUERY_COMPLETE
            | MessageType::SET_COMPLETE => {
                // CAST: Not more than the length of the section, as was checked.
                let len = header.len as usize;
                self.shared
                    .control
                    .answered(buffer.memory(), at.offset, len)
            }
            MessageType::INDICATE => self.indicated(buffer.memory(), at, &header, receiving),
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
}

/// Reads what is said about a frame, which is at `list`, as [`FrameInfo::read_plain`] does.
#[inline(always)]
fn read_plain_info(info: &mut FrameInfo, memory: &HostMemory, list: Piece) -> bool {
    let (count, odd) = (list.len / INFO_LEN, list.len % INFO_LEN);
    let pieces = memory.copy_out_values::<Info>(list.offset, count);
    odd == 0 && pieces.is_some_and(|pieces| info.read_plain(pieces))
}

/// Reads any such list: it is copied as a whole.
#[cold]
fn copy_info(memory: &HostMemory, list: Piece, scratch: &mut [u8]) -> Result<FrameInfo, Fault> {
    let short = Fault::Short(list.len);
    let copy = scratch.get_mut(..list.len).ok_or(short)?;
    memory.copy_out(list.offset, copy).ok_or(short)?;
    FrameInfo::parse(copy)
}
