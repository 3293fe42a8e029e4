// SPDX-License-Identifier: GPL-2.0

//! NVSP: what the host says, asked or not.

use super::{
    nvsp::{
        MessageType,
        Status,
        Version,
        MESSAGE_LEN,
        SEND_TABLE_LEN, //
    },
    Fault, //
};
use zerocopy::FromBytes;
use zerocopy_derive::{
    FromBytes,
    Immutable,
    IntoBytes,
    KnownLayout, //
};

/// The host's answer to [`Message::init`](super::nvsp::Message::init).
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub(crate) struct InitComplete {
    version: u32,
    max_chain: u32,
    /// How it fared.
    pub(crate) status: Status,
}

/// The host's answer to [`Message::send_receive_buffer`](super::nvsp::Message::send_receive_buffer).
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub(crate) struct ReceiveBufferComplete {
    /// How it fared.
    pub(crate) status: Status,
    sections: u32,
    offset: u32,
    len: u32,
    count: u32,
    end: u32,
}

/// How a buffer is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sections {
    /// The length of each.
    pub(crate) len: u32,
    /// How many there are.
    pub(crate) count: u32,
}

/// The shortest section that makes sense.
const MIN_SECTION: u32 = 68;

impl ReceiveBufferComplete {
    /// How a buffer of `buffer` bytes is divided; [`None`] if that cannot be.
    pub(crate) fn sections(&self, buffer: usize) -> Option<Sections> {
        if self.sections != 1 || self.offset != 0 || self.len < MIN_SECTION || self.count == 0 {
            return None;
        }
        let used = u64::from(self.len) * u64::from(self.count);
        (usize::try_from(used).ok()? <= buffer).then_some(Sections {
            len: self.len,
            count: self.count,
        })
    }
}

/// The host's answer to [`Message::send_send_buffer`](super::nvsp::Message::send_send_buffer).
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub(crate) struct SendBufferComplete {
    /// How it fared.
    pub(crate) status: Status,
    section_len: u32,
}

impl SendBufferComplete {
    /// How a buffer of `buffer` bytes is divided; [`None`] if that cannot be.
    pub(crate) fn sections(&self, buffer: usize) -> Option<Sections> {
        if self.section_len < MIN_SECTION {
            return None;
        }
        let len = usize::try_from(self.section_len).ok()?;
        let count = u32::try_from(buffer / len).ok()?;
        (count != 0).then_some(Sections {
            len: self.section_len,
            count,
        })
    }
}

/// The host's answer to [`Message::allocate_subchannels`](super::nvsp::Message::allocate_subchannels).
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub(crate) struct SubchannelComplete {
    /// How it fared.
    pub(crate) status: Status,
    /// How many there will be.
    pub(crate) count: u32,
}

/// What a completion of the host says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Nothing.
    Empty,
    /// To [`Message::init`](super::nvsp::Message::init).
    Init(InitComplete),
    /// To [`Message::send_receive_buffer`](super::nvsp::Message::send_receive_buffer).
    ReceiveBuffer(ReceiveBufferComplete),
    /// To [`Message::send_send_buffer`](super::nvsp::Message::send_send_buffer).
    SendBuffer(SendBufferComplete),
    /// To [`Message::allocate_subchannels`](super::nvsp::Message::allocate_subchannels).
    Subchannels(SubchannelComplete),
    /// To [`Message::rndis`](super::nvsp::Message::rndis).
    Rndis(Status),
}

impl Answer {
    /// Reads the payload of a completion.
    ///
    /// # Errors
    ///
    /// It is too short, or of a kind that is no answer.
    #[inline]
    pub(crate) fn parse(payload: &[u8]) -> Result<Self, Fault> {
        if payload.is_empty() {
            return Ok(Self::Empty);
        }
        let (kind, body) = split(payload)?;
        Ok(match kind {
            MessageType::SEND_RNDIS_PACKET_COMPLETE => Self::Rndis(read(body)?),
            MessageType::INIT_COMPLETE => Self::Init(read(body)?),
            MessageType::SEND_RECEIVE_BUFFER_COMPLETE => Self::ReceiveBuffer(read(body)?),
            MessageType::SEND_SEND_BUFFER_COMPLETE => Self::SendBuffer(read(body)?),
            MessageType::SUBCHANNEL => Self::Subchannels(read(body)?),
            MessageType(other) => return Err(Fault::Kind(other)),
        })
    }
}

/// What the host says on its own account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// The table that says which channel a flow is to be sent on.
    SendTable([u32; SEND_TABLE_LEN]),
    /// A virtual function.
    VirtualFunction {
        /// Whether there is one.
        present: bool,
        /// How it is called.
        serial: u32,
    },
    /// Something else, which is ignored.
    Other,
}

#[derive(FromBytes, Immutable, KnownLayout)]
#[repr(C)]
struct TableHeader {
    count: u32,
    offset: u32,
}

impl Notice {
    /// Reads the payload of a packet that is no answer.
    ///
    /// # Errors
    ///
    /// It is too short, or what is in it is not where it must be.
    pub(crate) fn parse(payload: &[u8], version: Version) -> Result<Self, Fault> {
        let (kind, body) = split(payload)?;
        match kind {
            MessageType::SEND_INDIRECTION_TABLE => {
                let header: TableHeader = read(body)?;
                Ok(Self::SendTable(send_table(payload, &header, version)?))
            }
            MessageType::SEND_VF_ASSOCIATION => {
                let [present, serial]: [u32; 2] = read(body)?;
                Ok(Self::VirtualFunction {
                    present: present != 0,
                    serial,
                })
            }
            _ => Ok(Self::Other),
        }
    }
}

/// Finds the table in a message.
fn send_table(
    payload: &[u8],
    header: &TableHeader,
    version: Version,
) -> Result<[u32; SEND_TABLE_LEN], Fault> {
    const BYTES: usize = 4 * SEND_TABLE_LEN;

    if usize::try_from(header.count) != Ok(SEND_TABLE_LEN) {
        return Err(Fault::Count(header.count));
    }
    let mut offset = usize::try_from(header.offset).map_err(|_| Fault::Offset(header.offset))?;
    // Hosts of these versions may say something else than where it is: after the longest message.
    if version <= Version::V6 && payload.len() >= MESSAGE_LEN + BYTES {
        offset = MESSAGE_LEN;
    }
    payload
        .get(offset..)
        .and_then(|table| <[u32; SEND_TABLE_LEN]>::read_from_prefix(table).ok())
        .map(|(table, _)| table)
        .ok_or(Fault::Offset(header.offset))
}

/// Checks that a packet of the host wraps RNDIS messages.
///
/// # Errors
///
/// It does not.
#[inline]
pub(crate) fn expect_rndis(payload: &[u8]) -> Result<(), Fault> {
    match split(payload)? {
        (MessageType::SEND_RNDIS_PACKET, _) => Ok(()),
        (MessageType(other), _) => Err(Fault::Kind(other)),
    }
}

#[inline]
fn split(payload: &[u8]) -> Result<(MessageType, &[u8]), Fault> {
    MessageType::read_from_prefix(payload).map_err(|_| Fault::Short(payload.len()))
}

#[inline]
fn read<T: FromBytes>(body: &[u8]) -> Result<T, Fault> {
    let (value, _) = T::read_from_prefix(body).map_err(|_| Fault::Short(body.len()))?;
    Ok(value)
}
