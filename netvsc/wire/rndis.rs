// SPDX-License-Identifier: GPL-2.0

//! RNDIS messages: what they have in common, and those that the host sends without being asked.

use super::Fault;
use zerocopy::FromBytes;
use zerocopy_derive::{
    FromBytes,
    Immutable,
    IntoBytes,
    KnownLayout, //
};

/// The length of what each message begins with.
pub(crate) const HEADER_LEN: usize = size_of::<Header>();

open_enum! {
    /// The kind of a message.
    pub(crate) struct MessageType(u32) {
        /// A frame.
        PACKET = 1,
        /// The first request.
        INITIALIZE = 2,
        /// The last one.
        HALT = 3,
        /// Asks for a value.
        QUERY = 4,
        /// Sets a value.
        SET = 5,
        /// The host has something to say.
        INDICATE = 7,
        /// The answer to the first request.
        INITIALIZE_COMPLETE = 0x8000_0002,
        /// The answer to a question.
        QUERY_COMPLETE = 0x8000_0004,
        /// The answer to a setting.
        SET_COMPLETE = 0x8000_0005,
    }
}

open_enum! {
    /// How a request fared, or what the host has to say.
    pub(crate) struct Status(u32) {
        /// Well.
        SUCCESS = 0,
        /// The link is up.
        MEDIA_CONNECT = 0x4001_000b,
        /// The link is down.
        MEDIA_DISCONNECT = 0x4001_000c,
        /// The link has another speed.
        LINK_SPEED_CHANGE = 0x4001_0013,
        /// The link leads to another network.
        NETWORK_CHANGE = 0x4001_0018,
    }
}

/// What each message begins with.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub(crate) struct Header {
    /// The kind.
    pub(crate) kind: MessageType,
    /// The length of the message, this included.
    pub(crate) len: u32,
}

impl Header {
    /// Reads the start of a message in a piece of `available` bytes of the receive buffer.
    ///
    /// # Errors
    ///
    /// The length is less than that of a header, or more than there is.
    pub(crate) fn parse(bytes: &[u8], available: usize) -> Result<Self, Fault> {
        let (header, _) = Self::read_from_prefix(bytes).map_err(|_| Fault::Short(available))?;
        header.check(available)
    }

    /// The same header, if its message fits into `available` bytes.
    ///
    /// # Errors
    ///
    /// As [`Self::parse`].
    #[inline(always)]
    pub(crate) fn check(self, available: usize) -> Result<Self, Fault> {
        // CAST: Widening.
        let len = self.len as usize;
        if len < HEADER_LEN || len > available {
            return Err(Fault::Length(self.len));
        }
        Ok(self)
    }
}

/// The body of [`MessageType::INDICATE`].
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, Immutable, KnownLayout)]
pub(crate) struct IndicateStatus {
    pub(crate) status: Status,
    pub(crate) len: u32,
    pub(crate) offset: u32,
}

/// What the host has to say about the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Indication {
    /// It is up.
    Connected,
    /// It is down.
    Disconnected,
    /// It leads to another network.
    NetworkChanged,
    /// Its speed, in units of 100 bits a second.
    Speed(u32),
    /// Something else, which is ignored.
    Other,
}

impl Indication {
    /// Reads a message, which is all of `message`: some hosts do not count the value of the speed
    /// in the length of the message.
    ///
    /// # Errors
    ///
    /// It is too short, or what is in it is outside of it.
    pub(crate) fn parse(header: &Header, message: &[u8]) -> Result<Self, Fault> {
        let body = message
            .get(HEADER_LEN..)
            .ok_or(Fault::Short(message.len()))?;
        // CAST: A small constant.
        const SHORTEST: u32 = (HEADER_LEN + size_of::<IndicateStatus>()) as u32;
        if header.len < SHORTEST {
            return Err(Fault::Length(header.len));
        }
        let (indicate, _) =
            IndicateStatus::read_from_prefix(body).map_err(|_| Fault::Short(message.len()))?;
        Ok(match indicate.status {
            Status::MEDIA_CONNECT => Self::Connected,
            Status::MEDIA_DISCONNECT => Self::Disconnected,
            Status::NETWORK_CHANGE => Self::NetworkChanged,
            Status::LINK_SPEED_CHANGE => Self::Speed(indicate.speed(body)?),
            _ => Self::Other,
        })
    }
}

impl IndicateStatus {
    fn speed(&self, body: &[u8]) -> Result<u32, Fault> {
        let offset = usize::try_from(self.offset).map_err(|_| Fault::Offset(self.offset))?;
        let len = usize::try_from(self.len).map_err(|_| Fault::Length(self.len))?;
        let value = body.get(offset..).ok_or(Fault::Offset(self.offset))?;
        let value = value.get(..len).ok_or(Fault::Length(self.len))?;
        if offset < size_of::<Self>() {
            return Err(Fault::Offset(self.offset));
        }
        match u32::read_from_prefix(value) {
            Ok((speed, _)) => Ok(speed),
            Err(_) => Err(Fault::Length(self.len)),
        }
    }
}
