// SPDX-License-Identifier: GPL-2.0

//! RNDIS messages with a frame in them.

use super::{
    info::Info,
    rndis::{
        Header,
        MessageType,
        HEADER_LEN, //
    },
    rsc::Piece,
    Fault, //
};
use zerocopy::IntoBytes;
use zerocopy_derive::{
    FromBytes,
    Immutable,
    IntoBytes,
    KnownLayout, //
};

/// The length of what a message with a frame begins with.
pub(crate) const START_LEN: usize = size_of::<Head>();

/// The most pieces of information that we send with a frame.
pub(crate) const MAX_INFOS: usize = 4;

/// The room to keep free before a frame, as much as the C driver does.
pub(crate) const HEADROOM: usize = 116;

const _: () = assert!(size_of::<Start>() <= HEADROOM);

/// What follows the header of a message with a frame. Offsets count from here.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub(crate) struct Packet {
    pub(crate) data_offset: u32,
    pub(crate) data_len: u32,
    pub(crate) oob_offset: u32,
    pub(crate) oob_len: u32,
    pub(crate) oob_count: u32,
    pub(crate) info_offset: u32,
    pub(crate) info_len: u32,
    handle: u32,
    reserved: u32,
}

/// What a message with a frame begins with.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub(crate) struct Head {
    /// What each message begins with.
    pub(crate) header: Header,
    /// The rest, if there is a frame.
    pub(crate) packet: Packet,
}

/// Where things are in a message of the host, counted from its beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    /// The frame.
    pub(crate) frame: Piece,
    /// The information about it, if any.
    pub(crate) info: Piece,
}

impl Parts {
    /// Finds frame and information of a message in a piece of `available` bytes of the receive
    /// buffer, which begins with `packet` after its header.
    ///
    /// # Errors
    ///
    /// Something is outside of these bytes.
    #[inline(always)]
    pub(crate) fn parse(packet: &Packet, available: usize) -> Result<Self, Fault> {
        let room = available
            .checked_sub(START_LEN)
            .ok_or(Fault::Short(available))?
            .wrapping_add(size_of::<Packet>());
        let frame = part(packet.data_offset, packet.data_len, room)?;
        if frame.offset == room.wrapping_add(HEADER_LEN) {
            return Err(Fault::Offset(packet.data_offset));
        }
        let info = if packet.info_offset == 0 || packet.info_len == 0 {
            Piece::default()
        } else {
            part(packet.info_offset, packet.info_len, room)?
        };
        Ok(Self { frame, info })
    }
}

/// A part of a message: `offset` and `len` as the host has them, in `room` bytes after the header.
/// It must not begin within the fixed part.
#[inline(always)]
fn part(offset: u32, len: u32, room: usize) -> Result<Piece, Fault> {
    // CAST: Widening.
    let (start, bytes) = (offset as usize, len as usize);
    if start < size_of::<Packet>() || start > room {
        return Err(Fault::Offset(offset));
    }
    if bytes > room - start {
        return Err(Fault::Length(len));
    }
    Ok(Piece {
        // Less than a message.
        offset: start.wrapping_add(HEADER_LEN),
        len: bytes,
    })
}

/// The start of a message of ours.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub(crate) struct Start {
    header: Header,
    packet: Packet,
    infos: [Info; MAX_INFOS],
}

impl Start {
    /// The start of a message with a frame of `len` bytes, without information.
    #[inline]
    pub(crate) fn new(len: u32) -> Self {
        // CAST: Small constants.
        const PACKET_LEN: u32 = size_of::<Packet>() as u32;
        const NO_INFO: Info = Info::new(super::info::InfoType::CHECKSUM, 0);

        Self {
            header: Header {
                kind: MessageType::PACKET,
                len: len.saturating_add(START_LEN as u32),
            },
            packet: Packet {
                data_offset: PACKET_LEN,
                data_len: len,
                info_offset: PACKET_LEN,
                ..Packet::default()
            },
            infos: [NO_INFO; MAX_INFOS],
        }
    }

    /// Adds a piece of information; there is room for [`MAX_INFOS`].
    #[inline]
    pub(crate) fn push(&mut self, info: Info) {
        // CAST: Small constants.
        const INFO_LEN: u32 = size_of::<Info>() as u32;

        let index = (self.packet.info_len / INFO_LEN) as usize;
        if let Some(place) = self.infos.get_mut(index) {
            *place = info;
            self.packet.info_len += INFO_LEN;
            self.packet.data_offset += INFO_LEN;
            self.header.len = self.header.len.saturating_add(INFO_LEN);
        }
    }

    /// Has the message end `padding` bytes after the frame.
    #[inline]
    pub(crate) fn pad(&mut self, padding: u32) {
        self.header.len = self.header.len.saturating_add(padding);
    }

    /// The length of the whole message.
    #[inline]
    pub(crate) fn message_len(&self) -> u32 {
        self.header.len
    }

    /// What goes before the frame.
    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        // CAST: At most the size of the information.
        let len = START_LEN + self.packet.info_len as usize;
        let all = IntoBytes::as_bytes(self);
        all.get(..len).unwrap_or(all)
    }
}
